// How far and in which direction: small distances on the globe.

const RADIANS = Math.PI / 180;
const METRES = 111_320; // one degree of latitude

// Metres that a degree of longitude and one of latitude measure.
export const metresPerDegree = (lat) => [METRES * Math.cos(lat * RADIANS), METRES];

// Great-circle distance [m].
export function metres([lon, lat], [otherLon, otherLat]) {
  const haversine = (angle) => Math.sin((angle * RADIANS) / 2) ** 2;
  const share = haversine(otherLat - lat)
    + Math.cos(lat * RADIANS) * Math.cos(otherLat * RADIANS) * haversine(otherLon - lon);
  return 2 * 6371e3 * Math.asin(Math.sqrt(share));
}

const COMPASS = ["north", "north_east", "east", "south_east", "south", "south_west", "west", "north_west"];

// The direction of another place, as the end of a message key.
export function direction([lon, lat], [otherLon, otherLat]) {
  const [x, y] = metresPerDegree(lat);
  const degrees = Math.atan2((otherLon - lon) * x, (otherLat - lat) * y) / RADIANS;
  return COMPASS[(Math.round(degrees / 45) + 8) % 8];
}
