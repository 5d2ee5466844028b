"""Slow, obvious twins of the kernels of radiation: rays shot at random, sums over directions, short steps.

They share no code with the package, not even a constant.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIGMA, ZERO, DAY = 5.6696e-8, 273.15, 86_400.0

# --- a round court of radius 1 ------------------------------------------------------------------------------


def cosine_rays(rng: np.random.Generator, count: int) -> Floats:
    """Directions of equal weight on a level plane, (x, y, z) with z up."""
    turn, down = rng.uniform(0.0, 2.0 * math.pi, count), rng.random(count)
    out = np.sqrt(down)
    return np.stack([out * np.cos(turn), out * np.sin(turn), np.sqrt(1.0 - down)], axis=1)


def beyond(x: Floats, y: Floats, dx: Floats, dy: Floats) -> Floats:
    """Length along a horizontal direction, in units of it, to the wall of radius 1."""
    a, b, c = dx**2 + dy**2, x * dx + y * dy, x**2 + y**2 - 1.0
    return (-b + np.sqrt(np.maximum(b * b - a * c, 0.0))) / a


def court_factors(rise: float, count: int = 400_000) -> tuple[float, float, float]:
    """View factors by shooting: from the floor to the sky, from the walls to the sky and to the floor."""
    rng = np.random.default_rng(1)
    ray = cosine_rays(rng, count)
    r, turn = np.sqrt(rng.random(count)), rng.uniform(0.0, 2.0 * math.pi, count)
    x, y = r * np.cos(turn), r * np.sin(turn)
    from_floor = float((beyond(x, y, ray[:, 0], ray[:, 1]) * ray[:, 2] > rise).mean())
    # From a wall at (1, 0, z), whose normal points to the middle: the plane's up becomes -x.
    up, across, inward = ray[:, 0], ray[:, 1], -ray[:, 2]
    z = rise * rng.random(count)
    end = z + up * beyond(np.ones(count), np.zeros(count), inward, across)
    return from_floor, float((end > rise).mean()), float((end < 0.0).mean())


def wall_beam(beam: float, elevation: float, off: float, rise: float, points: int = 20_000) -> float:
    """Beam on a wall, mean over its height; ``off`` is the angle between its normal and the sun's azimuth."""
    z = (np.arange(points) + 0.5) / points * rise
    across = 2.0 * math.cos(off)  # the chord of a circle of radius 1 from the wall towards the sun
    lit = z + across * math.tan(elevation) >= rise
    return beam * math.cos(elevation) * math.cos(off) * float(lit.mean())


def bounced(
    direct: Floats, floor: float, diffuse: float, factors: tuple[float, float, float], area: float,
    wall_albedo: float, ground_albedo: float,
) -> tuple[Floats, float]:  # fmt: skip
    """Light on every sector and on the floor after many bounces; what a sector sends reaches all alike."""
    floor_sky, wall_sky, wall_floor = factors
    walls, ground = direct + wall_sky * diffuse, floor + floor_sky * diffuse
    first_walls, first_ground = walls.copy(), ground
    for _ in range(400):
        before, mean = ground, walls.mean()
        sent, risen = wall_albedo * mean, ground_albedo * ground
        walls = first_walls + wall_floor * risen + (1.0 - wall_sky - wall_floor) * sent
        ground = first_ground + wall_floor * area * sent
        if abs(ground - before) + abs(walls.mean() - mean) < 1e-12:
            break
    return walls, ground


# --- surfaces -----------------------------------------------------------------------------------------------


def vapour_share(ta: float, ps: float, moisture: float) -> float:
    """Share of the available energy that wet ground spends on vapour (Holtslag & van Ulden 1983)."""

    def saturated(t: float) -> float:
        return 1.004 * 6.1121 * math.exp(17.502 * t / (240.97 + t))

    slope = (saturated(ta + 0.01) - saturated(ta - 0.01)) / 0.02
    return moisture * slope / (slope + 6.62e-4 * ps)


def gain(t: float, mean: float, ta: float, ps: float, va: float, absorbed: float, row: Floats) -> float:
    """Rate at which a surface warms [K s-1]; ``row``: albedo, emissivity, admittance, moisture."""
    _, emissivity, admittance, moisture = row
    capacity = admittance * math.sqrt(DAY / (4.0 * math.pi))
    given = ((4.0 + 4.0 * va) * (t - ta) + 20.0 * moisture) / (1.0 - vapour_share(ta, ps, moisture))
    below = 2.0 * math.pi / DAY * capacity * (t - mean)
    return (absorbed - emissivity * SIGMA * (t + ZERO) ** 4 - given - below) / capacity


def court_day(
    drive: Floats, first: int, svf: float, ground: Floats, wall: Floats, sectors: int = 16, parts: int = 10,
    sunlit: Floats | None = None,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """One court through the day before (four times) and the moments after it, in short explicit steps.

    Returns what the walls send back, short-wave and long-wave, at every moment and sector, and the
    temperature of every class of ground in the middle: without the beam, or with the share of it that is
    ``sunlit`` at every moment.
    """
    rise = math.sqrt((1.0 - svf) / svf)
    floor_sky = 1.0 + 0.5 * rise * (rise - math.sqrt(rise * rise + 4.0))  # coaxial discs, Howell C-41
    area = 2.0 * rise
    wall_sky = (1.0 - floor_sky) / area
    hidden = 1.0 - svf
    slant = 0.5 * hidden * math.log(hidden)
    classes = len(ground)
    t = np.full(sectors + 1 + classes, drive[0, 6])  # walls, floor, ground in the middle
    mean = np.full(t.size, drive[:first, 6].mean())
    sent = np.full(sectors, SIGMA * (drive[0, 6] + ZERO) ** 4)
    rounds = [range(first)] * 4 + [range(first, len(drive))]
    out: tuple[list[Floats], list[Floats], list[Floats]] = ([], [], [])
    for number, moments in enumerate(rounds):
        total = np.zeros(t.size)
        for k in moments:
            beam, diffuse, cosz, azimuth, lsky, lslant, ta, ps, va = drive[k]
            elevation = math.asin(cosz)
            direct = np.zeros(sectors)
            for s in range(sectors):
                off = math.cos(2.0 * math.pi * s / sectors - azimuth + math.pi)
                if cosz > 0.0 and off > 0.0:
                    lit = min(2.0 * off * math.tan(elevation) / rise, 1.0)
                    direct[s] = beam * math.cos(elevation) * off * lit
            onto = max(beam * cosz - area * direct.mean(), 0.0)
            light, floor = bounced(
                direct, onto, diffuse, (floor_sky, wall_sky, wall_sky), area, wall[0], ground[0, 0]
            )
            back = wall[0] * light
            onto_ground = 0.0 if sunlit is None else sunlit[k] * beam * cosz
            for _ in range(parts):
                rim = lslant * slant
                below = floor_sky * lsky + (1.0 - floor_sky) * sent.mean() + rim
                risen = ground[0, 1] * SIGMA * (t[sectors] + ZERO) ** 4 + (1.0 - ground[0, 1]) * below
                seen = wall_sky * (lsky + risen) + (1.0 - 2.0 * wall_sky) * sent.mean() - rim / area
                middle = svf * lsky + hidden * sent.mean() + rim
                rates = [
                    gain(t[s], mean[s], ta, ps, va, (1.0 - wall[0]) * light[s] + wall[1] * seen, wall)
                    for s in range(sectors)
                ]
                for c, row in enumerate([ground[0], *ground]):
                    k_in = floor if c == 0 else svf * diffuse + hidden * back.mean() + onto_ground
                    l_in = below if c == 0 else middle
                    absorbed = (1.0 - row[0]) * k_in + row[1] * l_in
                    rates.append(gain(t[sectors + c], mean[sectors + c], ta, ps, va, absorbed, row))
                t = t + 600.0 / parts * np.array(rates)
                sent = wall[1] * SIGMA * (t[:sectors] + ZERO) ** 4 + (1.0 - wall[1]) * seen
            total += t
            if number == 4:
                out[0].append(back)
                out[1].append(sent)
                out[2].append(t[sectors + 1 :])
        mean = total / len(moments)
    light_out, heat_out, ground_out = (np.array(rows) for rows in out)
    return light_out, heat_out, ground_out


# --- what a place in the middle of a court sees -------------------------------------------------------------


def seen_above(
    svf: float, sky: float, growth: float, walls: float, crowns: float, clear: float, steps: int = 20_000
) -> float:
    """Radiation on level ground, summed over elevations: the sky where no crown hides it, crowns, walls.

    ``growth`` is that of the sky's radiation with the logarithm of the path, ``clear`` the open share.
    """
    top = math.acos(math.sqrt(svf))
    g = (np.arange(steps) + 0.5) / steps * 0.5 * math.pi
    radiance = np.where(
        g > top, clear * (sky + growth * (-np.log(np.sin(g)) - 0.5)) + (1.0 - clear) * crowns, walls
    )
    return float((radiance * 2.0 * np.sin(g) * np.cos(g)).sum() * 0.5 * math.pi / steps)


def seen_aside(
    svf: float, sky: float, growth: float, walls: float, crowns: float, clear: float, ground: float,
    steps: int = 2_000,
) -> float:  # fmt: skip
    """Radiation on an upright plane, summed over elevations; below the horizon lies the ground."""
    top = math.acos(math.sqrt(svf))
    g = ((np.arange(2 * steps) + 0.5) / (2 * steps) - 0.5) * math.pi
    open_sky = clear * (sky + growth * (-np.log(np.sin(np.maximum(g, 1e-9))) - 0.5)) + (1.0 - clear) * crowns
    radiance = np.where(g > top, open_sky, np.where(g > 0.0, walls, ground))
    # Over the azimuths of the half in front of the plane, the cosine sums to 2.
    return float((radiance * 2.0 / math.pi * np.cos(g) ** 2).sum() * math.pi / (2 * steps))
