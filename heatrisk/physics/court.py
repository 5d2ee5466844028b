r"""The street as a round court: walls all around, as high as hides the same share of the sky.

A cell knows the sky view factor of its ground, not where its walls stand. The round court with the same
factor
``Ψ = cos²h`` stands for them::

              \  beam
        |      \       |   h   elevation of the walls' top from the middle
        |       \      |   2 c tan(e) / tan(h)   lit part of a wall whose normal
        |________\_____|                         lies at cosine c from the sun's azimuth e high

It is closed: what enters its mouth is absorbed by walls and ground or leaves again, to the last watt. So the
walls that never see the sun stay near the air's temperature, send back part of the cold sky they face, and
follow the day slowly: each of 16 sectors has its own temperature, marched over the day before by
`heatrisk.physics.surface`.

References
----------
.. [1] F. Lindberg, B. Holmer, S. Thorsson (2008), SOLWEIG 1.0, Int. J. Biometeorol. 52, 697-713: lit walls of
   a cylindric wedge.
.. [2] J. R. Howell, M. P. Mengüç, R. Siegel (2016), Thermal Radiation Heat Transfer, 6th ed.: view factors of
   coaxial discs and of the cylinder between them.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.constants import KELVIN, SIGMA
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.surface import (
    ADMITTANCE,
    ALBEDO,
    DAILY_FREQUENCY,
    EMISSIVITY,
    MOISTURE,
    heat_capacity,
    heat_loss,
    stepped_temperature,
)

SECTORS: Final = 16  # of the walls, clockwise from north, their middles at 0°, 22.5° ...
COURT_NODES: Final = 33  # sky view factors 0 to 1 at which courts are solved
SPIN_UP: Final = (
    4  # times that the day before is marched; each leaves a third of the error in a surface's mean
)
SVF_MIN: Final = 1e-4  # [1] of the deepest court

#: Columns of a drive, one row a moment: beam on a plane normal to the sun and diffuse radiation of an even
#: sky [W m-2], cosine of the zenith angle [1], azimuth [rad], long-wave radiation of the sky and its growth
#: towards the horizon, see `sky_slant` [W m-2], air temperature [°C], pressure [hPa], wind [m s-1].
BEAM, DIFFUSE, COSZ, AZIMUTH, LSKY, LSLANT, TA, PS, VA = range(9)

Floats = npt.NDArray[np.float64]


@kernel
def court_views(svf: float) -> tuple[float, float, float, float]:
    """Shape of a court.

    Parameters
    ----------
    svf : float
        Sky view factor of the middle of its floor, 0 to 1. [1]

    Returns
    -------
    rise : float
        Tangent of the elevation of the walls' top. [1]
    floor_sky : float
        View factor from the whole floor to the sky. [1]
    wall_sky : float
        View factor from the walls to the sky, and as much to the floor. [1]
    wall_area : float
        Area of the walls over that of the floor. [1]
    """
    open_sky = min(max(svf, SVF_MIN), 1.0)
    rise = math.sqrt((1.0 - open_sky) / open_sky)
    if rise < 1e-6:
        return rise, 1.0, 0.5, 0.0
    floor_sky = 1.0 + 0.5 * rise * (rise - math.sqrt(rise * rise + 4.0))
    return rise, floor_sky, (1.0 - floor_sky) / (2.0 * rise), 2.0 * rise


@kernel
def sky_slant(svf: float) -> float:
    """By how much the open part of the sky is colder than the whole: walls hide its warm rim.

    Towards the horizon the emissivity of a clear sky grows with the logarithm of the path through the air,
    ``ε(z) = ε + 0.09 (ln sec z - 1/2)``. The mean of the bracket over what a court leaves open, weighted as
    level ground sees it, is ``(1 - Ψ) ln(1 - Ψ) / 2 Ψ``.

    Parameters
    ----------
    svf : float
        Sky view factor, 0 to 1. [1]

    Returns
    -------
    float
        Radiation on level ground, 0 or below, per unit of ``0.09 σ Ta⁴``. [1]

    References
    ----------
    M. H. Unsworth, J. L. Monteith (1975), Long-wave radiation at the ground I. Angular distribution of
    incoming radiation, Q. J. R. Meteorol. Soc. 101, 13-24.
    """
    hidden = 1.0 - svf
    return 0.5 * hidden * math.log(hidden) if 0.0 < hidden < 1.0 else 0.0


@kernel
def wall_beam(beam: float, cosz: float, azimuth: float, rise: float, sector: int) -> float:
    """Beam on the wall of one sector, mean over its lit and its shaded part.

    ``I c min(sinz, 2 c cosz / tan h)``; ``c`` is the cosine between the wall's normal and the sun's azimuth.

    Parameters
    ----------
    beam : float
        On a plane normal to the sun. [W m-2]
    cosz, azimuth : float
        Cosine of the sun's zenith angle [1], azimuth [rad].
    rise : float
        From `court_views`. [1]
    sector : int
        0 to 15, clockwise from north.

    Returns
    -------
    float
        [W m-2]
    """
    facing = -math.cos(2.0 * math.pi * sector / SECTORS - azimuth)
    if facing <= 0.0 or cosz <= 0.0:
        return 0.0 * beam
    sinz = math.sqrt(max(1.0 - cosz * cosz, 0.0))
    return beam * facing * min(sinz, 2.0 * facing * cosz / max(rise, 1e-9))


@kernel
def court_light(
    beam: float, diffuse: float, cosz: float, azimuth: float,
    svf: float, wall_albedo: float, ground_albedo: float, walls: Floats,
) -> float:  # fmt: skip
    """Short-wave radiation on the walls of a court, all reflections in it counted.

    Parameters
    ----------
    beam, diffuse, cosz, azimuth : float
        See `BEAM` and following.
    svf, wall_albedo, ground_albedo : float
        Sky view factor of the court, albedo of its walls and its floor. [1]
    walls : array, shape (SECTORS,)
        Filled with the irradiance of each sector. [W m-2]

    Returns
    -------
    float
        Mean irradiance of the floor. [W m-2]
    """
    rise, floor_sky, wall_sky, wall_area = court_views(svf)
    direct = 0.0
    for sector in range(SECTORS):
        walls[sector] = wall_beam(beam, cosz, azimuth, rise, sector)
        direct += walls[sector] / SECTORS
    # What the walls do not take of the beam lights the floor.
    floor = max(beam * max(cosz, 0.0) - wall_area * direct, 0.0) + floor_sky * diffuse
    across = 1.0 - 2.0 * wall_sky
    from_floor = wall_sky * ground_albedo
    first = direct + wall_sky * diffuse + from_floor * floor
    mean = first / (1.0 - wall_albedo * (across + from_floor * (1.0 - floor_sky)))
    floor += (1.0 - floor_sky) * wall_albedo * mean
    for sector in range(SECTORS):
        walls[sector] += wall_sky * diffuse + from_floor * floor + across * wall_albedo * mean
    return floor


@kernel
def _losses(drive: Floats, ground: Floats, wall: Floats) -> Floats:
    """Heat that walls, then every class of ground give to the air at each moment, from `heat_loss`."""
    losses = np.empty((drive.shape[0], 1 + ground.shape[0], 2))
    for k in range(drive.shape[0]):
        ta, ps, va = drive[k, TA], drive[k, PS], drive[k, VA]
        losses[k, 0] = heat_loss(ta, ps, va, wall[MOISTURE])
        for c in range(ground.shape[0]):
            losses[k, 1 + c] = heat_loss(ta, ps, va, ground[c, MOISTURE])
    return losses


@kernel
def _step_court(
    now: Floats, losses: Floats, floor: float, lit: Floats, sent: float, svf: float, seconds: float,
    ground: Floats, wall: Floats, mean: Floats, state: Floats, heat: Floats,
) -> None:  # fmt: skip
    """March one court by one moment; ``heat`` becomes the long-wave radiation of its walls, by sector.

    ``lit`` and ``floor`` come from `court_light`; ``sent`` is the mean of what the walls send back of it.
    ``state`` holds the temperature of the walls by sector, of the floor (the first class of ground) and of
    every class of ground in the middle, without the beam; ``mean`` their means over the day.
    """
    _, floor_sky, wall_sky, wall_area = court_views(svf)
    across = 1.0 - 2.0 * wall_sky
    lsky, ta = now[LSKY], now[TA]
    slant = now[LSLANT] * sky_slant(svf)
    walls = heat.mean()
    below = (1.0 - floor_sky) * walls + floor_sky * lsky + slant
    emitted = ground[0, EMISSIVITY] * SIGMA * (state[SECTORS] + KELVIN) ** 4
    seen = wall_sky * lsky + wall_sky * (emitted + (1.0 - ground[0, EMISSIVITY]) * below) + across * walls
    seen -= slant / max(wall_area, 1e-3)  # the walls see the rim that they hide from the ground
    capacity = heat_capacity(wall[ADMITTANCE])
    for k in range(SECTORS):
        absorbed = (1.0 - wall[ALBEDO]) * lit[k] + wall[EMISSIVITY] * seen
        state[k] = stepped_temperature(
            state[k], mean[k], ta, absorbed, wall[EMISSIVITY], capacity, losses[0, 0], losses[0, 1], seconds
        )
        heat[k] = wall[EMISSIVITY] * SIGMA * (state[k] + KELVIN) ** 4 + (1.0 - wall[EMISSIVITY]) * seen
    kdown = svf * now[DIFFUSE] + (1.0 - svf) * sent
    ldown = svf * lsky + (1.0 - svf) * heat.mean() + slant
    for k in range(ground.shape[0] + 1):
        c = max(k - 1, 0)
        short, long = (floor, below) if k == 0 else (kdown, ldown)
        absorbed = (1.0 - ground[c, ALBEDO]) * short + ground[c, EMISSIVITY] * long
        place = SECTORS + k
        state[place] = stepped_temperature(
            state[place], mean[place], ta, absorbed, ground[c, EMISSIVITY],
            heat_capacity(ground[c, ADMITTANCE]), losses[1 + c, 0], losses[1 + c, 1], seconds,
        )  # fmt: skip


@kernel
def _march_court(
    drive: Floats, losses: Floats, first: int, seconds: float, ground: Floats, wall: Floats, svf: float,
    light: Floats, heat: Floats, shaded: Floats,
) -> None:  # fmt: skip
    """March one court through all moments, and fill in those asked for; see `march_courts`."""
    drive, losses, ground, wall = lent(drive), lent(losses), lent(ground), lent(wall)
    lit, floor, sent = np.empty((len(drive), SECTORS)), np.empty(len(drive)), np.empty(len(drive))
    for k in range(len(drive)):  # once for all days
        now = drive[k]
        floor[k] = court_light(
            now[BEAM], now[DIFFUSE], now[COSZ], now[AZIMUTH], svf, wall[ALBEDO], ground[0, ALBEDO], lit[k]
        )
        sent[k] = (lit[k] * wall[ALBEDO]).mean()
    mean = np.full(SECTORS + 1 + len(ground), drive[:first, TA].mean())
    state = np.full(mean.size, drive[0, TA])
    walls = np.full(SECTORS, SIGMA * (drive[0, TA] + KELVIN) ** 4)
    for day in range(SPIN_UP + 1):
        total = np.zeros(mean.size)
        for k in range(first) if day < SPIN_UP else range(first, len(drive)):
            _step_court(
                drive[k], losses[k], floor[k], lit[k], sent[k], svf, seconds, ground, wall, mean, state, walls
            )
            total += state
            if k >= first:
                light[k - first], heat[k - first] = lit[k] * wall[ALBEDO], walls
                shaded[k - first] = state[SECTORS + 1 :]
        mean = total / first


@parallel_kernel
def march_courts(
    drive: Floats, first: int, seconds: float, ground: Floats, wall: Floats
) -> tuple[Floats, Floats, Floats]:
    """March courts of all sky view factors through a day and the moments asked for.

    Parameters
    ----------
    drive : array, shape (moments, 9)
        The day before, then the moments asked for; see `BEAM` and following.
    first : int
        Row of the first moment asked for.
    seconds : float
        Between two moments. [s]
    ground : array, shape (classes, 4)
        From `heatrisk.physics.surface.parameters`; the first is the floor that the walls see.
    wall : array, shape (4,)
        The same of the walls.

    Returns
    -------
    light, heat : array, shape (moments asked for, COURT_NODES, SECTORS)
        Short-wave and long-wave radiation that the walls send back. [W m-2]
    shaded : array, shape (moments asked for, classes, COURT_NODES)
        Temperature that the ground in the middle would have if the beam never reached it. [°C]
    """
    moments, classes = drive.shape[0] - first, ground.shape[0]
    light = np.empty((moments, COURT_NODES, SECTORS))
    heat = np.empty((moments, COURT_NODES, SECTORS))
    shaded = np.empty((moments, classes, COURT_NODES))
    losses = _losses(drive, ground, wall)
    for node in numba.prange(COURT_NODES):
        _march_court(
            drive, losses, first, seconds, ground, wall, node / (COURT_NODES - 1.0),
            light[:, node], heat[:, node], shaded[:, :, node],
        )  # fmt: skip
    return light, heat, shaded


@kernel
def beam_warming(drive: Floats, first: int, seconds: float, ground: Floats) -> tuple[Floats, Floats]:
    """Return what the beam adds to the temperature of the ground, as a recursion over the moments.

    ``x ← a x + b share + c mean``: the part of the force-restore method that the beam drives, linear around
    the temperature of the air. ``share`` is the part of the beam that reaches the ground, ``mean`` the mean
    of ``x`` over the day, which for open ground is returned and elsewhere is its part of the day's beam.

    Parameters
    ----------
    drive, first, seconds, ground
        As of `march_courts`.

    Returns
    -------
    recursion : array, shape (moments, classes, 3)
        ``a`` [1], ``b`` [K], ``c`` [1] of every row of the drive.
    mean : array, shape (classes,)
        Of ``x`` on open ground. [K]
    """
    recursion = np.empty((drive.shape[0], ground.shape[0], 3))
    mean = np.zeros(ground.shape[0])
    for c in range(ground.shape[0]):
        row = ground[c]
        capacity = heat_capacity(row[ADMITTANCE])
        restore = DAILY_FREQUENCY * capacity
        for k in range(drive.shape[0]):
            now = drive[k]
            loss = heat_loss(now[TA], now[PS], now[VA], row[MOISTURE])[0]
            loss += 4.0 * row[EMISSIVITY] * SIGMA * (now[TA] + KELVIN) ** 3
            inertia = capacity + seconds * (loss + restore)
            recursion[k, c, 0] = capacity / inertia
            sun = (1.0 - row[ALBEDO]) * now[BEAM] * max(now[COSZ], 0.0)
            recursion[k, c, 1] = seconds * sun / inertia
            recursion[k, c, 2] = seconds * restore / inertia
        x = 0.0
        for _ in range(3 * SPIN_UP):
            total = 0.0
            for k in range(first):
                a, b, restored = recursion[k, c]
                x = a * x + b + restored * mean[c]
                total += x
            mean[c] = total / first
    return recursion, mean
