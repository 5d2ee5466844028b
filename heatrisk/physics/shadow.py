r"""Who stands in whose shade: the sunlit fraction of cells, for one sun or for many.

::

    zenith  |  /  sun                 north, row 0
         \  | /                            |   azimuth: clockwise from north, to the sun
          \ |/ ) elevation        west ----+---- east
    ________*________                      |

`sunlit` answers for a surface model, cell by cell.  A town is prepared once as a `ShadeScene` on fine
sub-cells and asked for each sun with `sunlit_fraction`: the street's share of sun in each cell, not the
roof's.  How the sun is swept over the raster stands in `heatrisk.physics.sweep`.

References
----------
Campbell, G. S. & Norman, J. M. (1998). An introduction to environmental biophysics, 2nd ed. Springer.
Konarska, J., Lindberg, F., Larsson, A., Thorsson, S. & Holmer, B. (2014). Transmissivity of solar radiation
through crowns of single urban trees. Theor. Appl. Climatol. 117, 363-376.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatrisk.physics.canopy import PARTS
from heatrisk.physics.columns import HIGHEST, ShadeScene, refuse_towering, shade_scene
from heatrisk.physics.line import Counts, Raster, Sweep, towards
from heatrisk.physics.relief import checked, datum, light, sweep_across
from heatrisk.physics.shares import LIT, LOST, UNKNOWN, VEILED, WHOLE, Outlet, mean_share, turn_onto, unpacked
from heatrisk.physics.sweep import Courses, cast, cast_shares

__all__ = [
    "CROWN_TRANSMISSIVITY", "LEAF_OFF_EXTINCTION", "LEAF_ON_DAYS", "LEAF_ON_EXTINCTION", "LOWEST_SUN",
    "ShadeScene", "Tally", "crown_extinction", "halo_width", "shade_scene", "shares_of_suns", "sun_shares",
    "sunlit", "sunlit_fraction",
]  # fmt: skip

LOWEST_SUN = 3.0
"""Elevation [degrees] below which direct sun counts as none in a town: it bounds the halo of a block."""

CROWN_TRANSMISSIVITY = 0.15
"""Share of the beam that passes a crown in leaf, the middle of 5 to 25 %: crowns block 75 to 95 % of it, as
quoted from 環境省 まちなかの暑さ対策ガイドライン."""


LEAF_ON_EXTINCTION, LEAF_OFF_EXTINCTION = 0.34, 0.078
"""Optical depth of a crown per metre of a ray's way within it [m-1], in leaf and bare: -ln(t) / 10 m.

t is the middle of the shares of direct sun that Konarska et al. (2014) measured behind single trees of
Gothenburg: 1.3 to 5.3 % in leaf, 40 to 52 % bare, as quoted, not compared with the printed pages. Derived,
and only as good as its assumption that the rays had passed 10 m of crown, which the shares come without. In
leaf it is G times a leaf area density of 0.68 m2 m-3, with G = 1/2 for leaves that face all ways alike
(Campbell & Norman 1998, chapter 15).
"""

LEAF_ON_DAYS = 97, 300
"""First and last day of the year with leaves in the north, as the published model SOLWEIG has them; in the
south half a year later."""


class Tally:
    """Suns counted in every cell of a scene's window.

    Parameters
    ----------
    scene : ShadeScene
        The prepared town.
    extinction : float, optional
        Optical depth of a crown per metre of a ray's way within it [m-1], to count what crowns take.
    """

    def __init__(self, scene: ShadeScene, extinction: float | None = None) -> None:
        self.scene = scene
        self.suns = 0
        self.extinction = extinction
        self._along: Counts | None = None  # lit and, in a town with trees, veiled and perhaps lost, by row
        self._across: Counts | None = None  # the same by column, of suns in the east or west

    def add_above(self, zeniths: Sequence[float], azimuth: float) -> None:
        """Count suns above one another [degrees]: they share the way, and the town is read once.

        One below the horizon lights nothing.
        """
        self.suns += len(zeniths)
        up = [zenith for zenith in zeniths if zenith < 90.0]
        if not up:
            return
        across, sweep = _sweep(self.scene, up, azimuth, self.extinction)
        threads = numba.get_num_threads()
        if across:
            if self._across is None:
                self._across = self._nothing(self.scene.receptors_by_column.shape)
            cast(self.scene.by_column, sweep, threads, self._across)
        else:
            cast(self.scene.by_row, sweep, threads, self._by_row())

    def share(self, transmissivity: float) -> Raster:
        """Mean over suns and outdoor sub-cells of 1 (lit), the transmissivity (veiled) or 0; NaN indoors."""
        return self._shares(VEILED, 1.0 - transmissivity)

    def beam(self) -> Raster:
        """Mean over suns and outdoor sub-cells of what `extinction` leaves of the beam; NaN indoors."""
        return self._shares(LOST, 1.0 / PARTS)

    def _shares(self, kind: int, dim: float) -> Raster:
        counts = self._by_row()
        if self._across is not None:
            turn_onto(self._across, counts)
            self._across = None
        if len(counts) == 1:
            kind, dim = LIT, 0.0
        return mean_share(counts, self.scene.receptors, self.suns, kind, dim)

    def _by_row(self) -> Counts:
        if self._along is None:
            self._along = self._nothing(self.scene.receptors.shape)
        return self._along

    def _nothing(self, shape: tuple[int, ...]) -> Counts:
        return np.zeros((_kinds(self.scene, self.extinction), *shape), np.uint32)


def _sweep(
    scene: ShadeScene, zeniths: Sequence[float], azimuth: float, extinction: float | None
) -> tuple[bool, Sweep]:
    """Return the sweep of suns above one another over a scene; the flag says that it runs across."""
    return towards(
        zeniths,
        azimuth,
        scene.cell_size,
        scene.relief,
        scene.window,
        factor=scene.factor,
        receptor=scene.receptor_height,
        extinction=extinction or 0.0,
        anchor=scene.origin,
    )


def _kinds(scene: ShadeScene, extinction: float | None) -> int:
    """Kinds of receptors that are counted."""
    if not scene.by_row.crown_top.size:
        return LIT + 1
    return VEILED + 1 if extinction is None else LOST + 1


def crown_extinction(day_of_year: int, latitude: float) -> float:
    """Optical depth of a deciduous crown per metre on a day: `LEAF_ON_EXTINCTION` or `LEAF_OFF_EXTINCTION`.

    Parameters
    ----------
    day_of_year : int
        1 to 366.
    latitude : float
        Degrees north; south of the equator the seasons change places.

    Returns
    -------
    float
        Optical depth per metre of a ray's way within the crown [m-1].
    """
    northern_day = day_of_year if latitude >= 0.0 else (day_of_year + 182) % 365
    first, last = LEAF_ON_DAYS
    return LEAF_ON_EXTINCTION if first <= northern_day <= last else LEAF_OFF_EXTINCTION


def halo_width(relief: float, elevation: float = LOWEST_SUN) -> float:
    """Width of the halo [m] beyond which nothing shades a block.

    Parameters
    ----------
    relief : float
        Height of the highest obstacle above the lowest receptor [m].
    elevation : float
        Elevation of the lowest sun that counts [degrees].

    Returns
    -------
    float
        ``relief / tan(elevation)`` [m].
    """
    return relief / math.tan(math.radians(elevation))


def sunlit(dsm: ArrayLike, cell_size: float, zenith: float, azimuth: float) -> Raster:
    r"""Find the cells of a surface model that the direct sun reaches.

    Every cell is a column with the receptor on top of it::

              sun
                \            L = h / tan(elevation)
        .----.   \          measured from the edge of the column
        |    |`.
        |    |  `. elevation
        |____|____`._____
             |-- L --|

    Two lines pass each cell and the one nearest its middle decides; against exact traversal from every
    cell's middle about 1 % of the cells of a dense town differ, as many lit as shaded.

    Parameters
    ----------
    dsm : array_like, shape (rows, columns)
        Surface elevation [m]; row 0 is north, column 0 west. NaN (or masked) is no data: it casts no shade.
    cell_size : float
        Side of a cell [m], > 0.
    zenith : float
        Angle of the sun from the vertical [degrees]; from 90 on nothing is sunlit.
    azimuth : float
        Direction to the sun [degrees clockwise from north], any turn.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        1 in the sun, 0 in the shade, NaN where the surface or the sun is NaN.

    Raises
    ------
    InputError
        If `dsm` is not two-dimensional or holds a height that no town has, or `cell_size` is not positive.
    """
    surface = checked(dsm, cell_size)
    if not (0.0 <= zenith < 90.0 and math.isfinite(azimuth)):
        refuse_towering("dsm", surface)
        night = 90.0 <= zenith <= 180.0 and math.isfinite(azimuth)
        return np.where(np.isfinite(surface) & night, np.float32(0.0), np.float32(np.nan))
    across, sweep = sweep_across([zenith], azimuth, cell_size, 0.0, surface.shape)
    out = np.empty(surface.shape, np.float32)
    zero = datum(surface)
    bound = float(zero) + light(surface, zero, across, sweep, numba.get_num_threads(), out)
    if _suspect(surface, bound):  # without reading the whole surface once more for every sun
        refuse_towering("dsm", surface)
    return out


def _suspect(surface: NDArray[Any], bound: float) -> bool:
    """Tell whether a height above those of any town may stand on the edges, or within by a bound [m].

    The bound has gathered the rounding of a fall from there: one part in a hundred is left for it.
    """
    edges = (surface[:1], surface[-1:], surface[:, :1], surface[:, -1:])
    return not bound <= 0.99 * HIGHEST or any(bool(np.any(edge > HIGHEST)) for edge in edges)


def sunlit_fraction(
    scene: ShadeScene,
    zenith: float,
    azimuth: float,
    *,
    transmissivity: float = CROWN_TRANSMISSIVITY,
    extinction: float | None = None,
) -> Raster:
    """Share of the direct sun that reaches the outdoor part of each cell.

    Parameters
    ----------
    scene : ShadeScene
        The prepared town.
    zenith : float
        Angle of the sun from the vertical [degrees]. A sun lower than `LOWEST_SUN` counts as none.
    azimuth : float
        Direction to the sun [degrees clockwise from north].
    transmissivity : float
        Share of the beam that passes a crown, 0 to 1.
    extinction : float, optional
        Optical depth of a crown per metre of the ray's way within it [m-1], >= 0. If given, it decides what
        passes, and `transmissivity` does not.

    Returns
    -------
    ndarray of float32, shape (rows, columns) of the window
        Mean over the outdoor sub-cells of 1 in the sun, what passes behind a crown, 0 in the shade of
        buildings and terrain; NaN where a cell has no outdoor part or the sun is NaN.
    """
    return sun_shares(scene, zenith, azimuth, transmissivity=transmissivity, extinction=extinction)[1]


def sun_shares(
    scene: ShadeScene,
    zenith: float,
    azimuth: float,
    *,
    transmissivity: float = CROWN_TRANSMISSIVITY,
    extinction: float | None = None,
) -> tuple[Raster, Raster]:
    """Tell apart what stands in the sun and how much of the beam arrives; a crown makes the difference.

    Parameters
    ----------
    scene, zenith, azimuth, transmissivity, extinction
        As for `sunlit_fraction`.

    Returns
    -------
    direct : ndarray of float32, shape (rows, columns) of the window
        Share of the outdoor sub-cells in full sun; the shade of a crown is shade.
    beam : ndarray of float32
        Share of the beam that arrives, through crowns too: `sunlit_fraction`.
    """
    found = shares_of_suns(scene, [(zenith, azimuth)], transmissivity=transmissivity, extinction=extinction)
    return found[0, 0], found[0, -1]


def shares_of_suns(
    scene: ShadeScene,
    suns: Sequence[tuple[float, float]],
    *,
    transmissivity: float = CROWN_TRANSMISSIVITY,
    extinction: float | None = None,
    packed: bool = False,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Give `sun_shares` of many suns: the town is read once for all that go the same way.

    Parameters
    ----------
    scene, transmissivity, extinction
        As for `sunlit_fraction`.
    suns : sequence of (float, float)
        Zenith and azimuth of each [degrees].
    packed : bool
        Whether shares are packed into two bytes, see `heatrisk.physics.shares`.
    out : ndarray, optional
        What may be written into instead of new memory, contiguous, of the shape and type of what is returned.

    Returns
    -------
    ndarray of float32, or of uint16 if packed, shape (suns, 2, rows, columns)
        For each sun ``direct`` and ``beam``; in a town without trees they are the same, and are there once:
        shape (suns, 1, rows, columns).
    """
    kinds = _kinds(scene, extinction)
    shape = (len(suns), min(kinds, 2), *scene.receptors.shape)
    shares = np.empty(shape, np.uint16 if packed else np.float32) if out is None else out
    assert shares.shape == shape and (shares.dtype == np.uint16) == packed
    nothing, whole = (np.uint16(UNKNOWN), np.float32(WHOLE)) if packed else (np.float32(np.nan), None)
    ways: dict[tuple[bool, int], list[tuple[int, Sweep]]] = {}
    for k, (zenith, azimuth) in enumerate(suns):
        if not (0.0 <= zenith <= 180.0 and math.isfinite(azimuth)):
            shares[k] = nothing
        elif zenith > 90.0 - LOWEST_SUN:
            dark = ~(scene.receptors > 0.0) * np.uint16(UNKNOWN)
            shares[k] = dark if packed else unpacked(dark)
        else:
            across, sweep = _sweep(scene, [zenith], azimuth, extinction)
            # The rays of a sun that climb through crowns would leave others no room in the cache.
            way = (across, k if kinds > LOST else sweep.step)
            ways.setdefault(way, []).append((k, sweep))
    kind, dim = (VEILED, 1.0 - transmissivity) if extinction is None else (LOST, 1.0 / PARTS)
    for (across, _), some in ways.items():
        slots, sweeps = zip(*some, strict=True)
        heights, receptors = (
            (scene.by_column, scene.receptors_by_column) if across else (scene.by_row, scene.receptors)
        )
        outlet = Outlet(receptors, across, kind, dim, whole, shares, np.array(slots, np.int64))
        cast_shares(heights, sweeps[0], Courses.of(sweeps), numba.get_num_threads(), kinds, outlet)
    return shares
