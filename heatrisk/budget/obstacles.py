r"""What stands between a cell and the sun: rays walked through the rasters of a scene.

::

                      sun
                     /            a ray starts at the receptor over every outdoor sub-cell
          .-----.   /             and rises by tan(elevation) a metre
          |     |  /
        --+-----+-x---------      the first roof or hill that reaches it takes the beam;
          |     | |  receptor     a crown on the way lets a part of it through
        __|_____|_|_________

It names what casts the shade; how much of the beam arrives is told by the sweep, `heatrisk.physics.shadow`.
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from heatrisk.physics.shadow import LOWEST_SUN
from heatrisk.scene import Scene

Kind = Literal["building", "terrain", "crown"]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

STRIDE: Final = 0.25  # [sub-cells] between two looks along a ray


class Obstacle(NamedTuple):
    """What shades a part of a cell.

    Parameters
    ----------
    kind : {"building", "terrain", "crown"}
        What it is: the first opaque thing on the ray, or a crown where there is none.
    share : float
        Part of the cell's outdoor ground in its shade, 0 to 1.
    distance : float
        From the shaded ground to where the rays meet it, median [m].
    height : float
        Of its highest point that a ray meets, above the shaded ground [m].
    """

    kind: Kind
    share: float
    distance: float
    height: float


class _Profiles(NamedTuple):
    """Elevations below rays, one row a ray [m]; NaN where there is nothing."""

    distances: Floats
    ground: Floats
    roof: Floats
    crown_base: Floats
    crown_top: Floats


def obstacles(scene: Scene, row: int, column: int, zenith: float, azimuth: float) -> tuple[Obstacle, ...]:
    """Return what shades a cell from one sun, the most shading first.

    Parameters
    ----------
    scene : Scene
        The town.
    row, column : int
        The cell.
    zenith, azimuth : float
        Where the sun stands, clockwise from the grid's north [degrees].

    Returns
    -------
    tuple of Obstacle
        Empty in full sun, without outdoor ground, and under a sun below `LOWEST_SUN`, which lights nothing.
    """
    starts = _outdoor_sub_cells(scene, row, column)
    if 90.0 - zenith < LOWEST_SUN or not starts.size:
        return ()
    here = scene.terrain[starts[:, 0], starts[:, 1]].astype(np.float64)[:, None]
    below = _profiles(scene, starts, azimuth)
    rise = math.tan(math.radians(90.0 - zenith))
    ray, half = here + scene.receptor_height + rise * below.distances, rise * below.distances[0]
    with np.errstate(invalid="ignore"):
        building, terrain = _first(below.roof > ray), _first(below.ground > ray)
        # A steep ray is within a crown somewhere between two looks.
        crown = _first((below.crown_top > ray - half) & (below.crown_base < ray + half))
    opaque = np.minimum(building, terrain)
    rays: dict[Kind, tuple[Places, Floats]] = {
        "building": (np.where(building <= terrain, building, _NEVER), below.roof),
        "terrain": (np.where(terrain < building, terrain, _NEVER), below.ground),
        "crown": (np.where(opaque == _NEVER, crown, _NEVER), below.crown_top),
    }
    found = []
    for kind, (place, tops) in rays.items():
        lines = np.flatnonzero(place < _NEVER)
        if lines.size:
            rise = tops[lines, place[lines]] - here[lines, 0]
            distance = float(np.median(below.distances[place[lines]]))
            found.append(Obstacle(kind, lines.size / len(starts), distance, float(rise.max())))
    return tuple(sorted(found, key=lambda obstacle: -obstacle.share))


_NEVER: Final = np.iinfo(np.intp).max


def _first(blocked: npt.NDArray[np.bool_]) -> Places:
    """Return the first place of every ray that is blocked."""
    return np.where(blocked.any(axis=1), blocked.argmax(axis=1), _NEVER)


def _outdoor_sub_cells(scene: Scene, row: int, column: int) -> Places:
    """Return row and column of the cell's outdoor sub-cells in the fine rasters."""
    side = scene.factor
    top, left = (
        (beyond + place) * side for beyond, place in zip(scene.margins[:2], (row, column), strict=True)
    )
    inner = np.s_[top : top + side, left : left + side]
    outdoor = np.isnan(scene.roof[inner]) & np.isfinite(scene.terrain[inner])
    return np.asarray(np.argwhere(outdoor) + np.array([top, left]), np.intp)


def _profiles(scene: Scene, starts: Places, azimuth: float) -> _Profiles:
    """Return what lies below the rays, up to the edge of the rasters."""
    count = math.ceil(math.hypot(*scene.terrain.shape) / STRIDE)
    steps = np.arange(1, count, dtype=np.float64) * STRIDE - 0.5 * STRIDE
    turn = math.radians(azimuth)
    rows = np.rint(starts[:, :1] - steps * math.cos(turn)).astype(np.intp)
    columns = np.rint(starts[:, 1:] + steps * math.sin(turn)).astype(np.intp)
    high, wide = scene.terrain.shape
    outside = (rows < 0) | (rows >= high) | (columns < 0) | (columns >= wide)
    rows[outside], columns[outside] = 0, 0

    def under(raster: npt.NDArray[np.float32] | None) -> Floats:
        values = np.full(rows.shape, np.nan) if raster is None else raster[rows, columns].astype(np.float64)
        values[outside] = np.nan
        return values

    ground, roof, crown = under(scene.terrain), under(scene.roof), under(scene.crown_top)
    crown[~(crown > 0.0)] = np.nan
    share = scene.crown_base
    base = np.nan_to_num(under(share)) if isinstance(share, np.ndarray) else share * np.nan_to_num(crown)
    distances = steps * scene.fine_grid.cell_size
    return _Profiles(np.asarray(distances), ground, roof, ground + base, ground + crown)
