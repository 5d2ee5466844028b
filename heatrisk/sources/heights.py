"""Which height a building gets, when its file says several things, or none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: A building is lower than this [m]; everything else in the column is a sentinel or a mistake.
TALLEST = 700.0

#: Height of a storey where only storeys are known [m].
STOREY = 3.0

#: Sources of a height, in the words of the column ``height_source``.
SOURCES = ("lod1", "measured", "estimated", "storeys", "default", "none")

#: ``uro:lod1HeightType`` of solids whose height was made up: uniform, storeys times 3 m, unexplained.
_MADE_UP = (0, 9, 11)


def choose(
    lod1: Floats, measured: Floats, storeys: Floats, code: Floats, default: float | None = None
) -> tuple[Floats, npt.NDArray[np.object_]]:
    """Return a height for every building and where it comes from.

    The solid (LOD1) is what PLATEAU builds from the point cloud, mostly its median, so it is preferred to
    the highest point; where the file says that the solid's height was made up, a measured height wins, and
    a made-up height that nothing replaces is kept as ``"estimated"``.

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

    Returns
    -------
    height : numpy.ndarray
        Height above ground [m]; NaN where nothing is known and there is no default.
    source : numpy.ndarray of str
        One of :data:`SOURCES`.
    """
    made_up = np.isin(code, _MADE_UP)
    lod1, measured = _valid(lod1), _valid(measured)
    told = np.where((code == 0) & (measured == 3.0), np.nan, measured)
    storeyed = np.where((storeys > 0) & (storeys < 200), storeys * STOREY, np.nan)
    candidates = (
        ("measured", np.where(made_up, told, np.nan)),
        ("estimated", np.where(made_up, lod1, np.nan)),
        ("lod1", lod1),
        ("measured", measured),
        ("storeys", storeyed),
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
