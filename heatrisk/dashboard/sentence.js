// The answer for a place in one or two sentences: how much of the ground around it is hot, and what comes next.

import { levelName } from "./scale.js";
import { hourAfter, words } from "./words.js";

const HOUR = 3600e3; // milliseconds
const WARN = 28; // from here on the scale asks people to act [degC]

// "Now, 62 % of the open ground is at 31 or more (danger)." and "Around 18:00 the shady side falls to 28."
export function sentences(place, index, now) {
  const { point, area } = place;
  const step = point.series[index];
  const when = index === now ? words("now") : words("around", { time: hourAfter(step.jst, point.series[now ?? index].jst) });
  return [shares(point, step, area?.[index], when), next(place, index)];
}

function shares(point, step, around, when) {
  const hot = point.scale.levels.filter((level) => level.lower >= WARN).toReversed();
  if (!around || around.p10 == null) {
    return words("lead_cell", { when, level: levelName(point.scale, step.risk.index) });
  }
  for (const level of hot) {
    const share = hot.filter((one) => one.lower >= level.lower).reduce((sum, one) => sum + around.shares[one.code], 0);
    if (share === 0) continue;
    const values = { when, share: Math.round(share * 100), lower: level.lower, level: levelName(point.scale, level.index) };
    return words(share > 0.985 ? "lead_all" : share < 0.01 ? "lead_few" : "lead_share", values);
  }
  return words("lead_below", { when, lower: WARN });
}

// The two sides of the street at a step; null at night and where there is no telling.
export function sides(place, index) {
  const step = place.point.series[index];
  const around = place.area?.[index];
  const light = around?.sunlit ?? step.sunlit;
  if (light == null || light < 0.02) return null;
  const [sun, shade] = [step.wbgt_moe_sun ?? around?.p90, shady(place, index)];
  return sun == null || shade == null ? null : { sun, shade, none: light > 0.98 };
}

const shady = ({ point, area }, index) =>
  point.series[index].wbgt_moe_shade ?? area?.[index].p10 ?? point.series[index].wbgt_moe;

// What matters next: that a higher class is coming, or from when on the shady side is a class better.
function next(place, index) {
  const { series, scale } = place.point;
  const start = Date.parse(series[index].time);
  const later = series.map((step, at) => ({ step, at, after: Date.parse(step.time) - start }))
    .filter(({ step, after }) => step.risk && after > 0 && after <= 24 * HOUR);
  const here = series[index].risk.index;
  const rise = later.find(({ step, after }) => step.risk.index > here && after <= 12 * HOUR && scale.levels[step.risk.index].lower >= WARN);
  const time = ({ step }) => hourAfter(step.jst, series[index].jst);
  if (rise) {
    const level = scale.levels[rise.step.risk.index];
    return words("next_rise", { time: time(rise), lower: level.lower, level: levelName(scale, level.index) });
  }
  if ((scale.levels[here].lower ?? 0) < WARN) return "";
  const floor = scale.levels[here].lower;
  const relief = later.find(({ at }) => shady(place, at) < floor);
  if (!relief) return "";
  const dark = sides(place, relief.at) === null;
  return words(dark ? "next_relief_night" : "next_relief", { time: time(relief), value: Math.floor(shady(place, relief.at)) });
}
