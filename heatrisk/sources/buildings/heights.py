"""Which height a building gets, when its file says several things, or none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heatrisk.city.sections import HeightRule

Floats = npt.NDArray[np.float64]

#: A building is lower than this [m]; everything else in the column is a sentinel or a mistake.
TALLEST = 700.0

#: A building has fewer storeys than this; 9999 and the like are sentinels.
MOST_STOREYS = 200

#: Height of a storey where only storeys are known [m].
STOREY = 3.0

#: Sources of a height, in the words of the column ``height_source``.
SOURCES = ("lod1", "measured", "estimated", "storeys", "default", "none")

#: ``uro:lod1HeightType`` of solids whose height was made up: uniform, storeys times 3 m, unexplained.
_MADE_UP = (0, 9, 11)


def choose(
    lod1: Floats,
    measured: Floats,
    storeys: Floats,
    code: Floats,
    default: float | None = None,
    rule: HeightRule = "lod1",
) -> tuple[Floats, npt.NDArray[np.object_]]:
    """Return a height for every building and where it comes from.

    The solid (LOD1) is what PLATEAU builds from the point cloud, mostly its median, so its shade is rather
    too short; the measured height is mostly the highest point, so its shade is rather too long. Where the
    file says that a height was made up, any other that was measured wins, and one that nothing replaces is
    kept as ``"estimated"``.

    Parameters
    ----------
    lod1 : numpy.ndarray
        Height of the LOD1 solid [m], NaN where there is none.
    measured : numpy.ndarray
        Stated height [m]; sentinels such as -9999 are allowed.
    storeys : numpy.ndarray
        Storeys above ground; sentinels such as 9999 are allowed.
    code : numpy.ndarray
        ``uro:lod1HeightType``; NaN where unknown.
    default : float, optional
        Height of buildings of which nothing is known [m].
    rule : {"lod1", "measured", "max"}
        Which of the two wins where both are known: the solid, the stated height, or the greater.

    Returns
    -------
    height : numpy.ndarray
        Height above ground [m]; NaN where nothing is known and there is no default.
    source : numpy.ndarray of str
        One of :data:`SOURCES`.
    """
    lod1, measured = _valid(lod1), _valid(measured)
    made_up = np.isin(code, _MADE_UP)
    doubtful = (code == 0) & (measured == 3.0)
    solid, told = np.where(made_up, np.nan, lod1), np.where(doubtful, np.nan, measured)
    known = [("lod1", solid), ("measured", told)]
    first = {
        "lod1": known,
        "measured": known[::-1],
        "max": [("lod1", np.where(solid < told, np.nan, solid)), *known[::-1]],
    }
    candidates = (
        *first[rule],
        ("estimated", np.where(made_up, lod1, np.nan)),
        ("estimated", np.where(doubtful, measured, np.nan)),
        ("storeys", np.where((storeys > 0) & (storeys < MOST_STOREYS), storeys * STOREY, np.nan)),
        ("default", np.full(lod1.shape, np.nan if default is None else default)),
    )
    height = np.full(lod1.shape, np.nan)
    source = np.full(lod1.shape, "none", dtype=object)
    for name, values in candidates:
        taken = np.isnan(height) & np.isfinite(values)
        height[taken], source[taken] = values[taken], name
    return height, source


def _valid(values: Floats) -> Floats:
    return np.where((values > 0) & (values < TALLEST), values, np.nan)
