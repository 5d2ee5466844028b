"""Japan's grid squares: from their codes to their outlines.

References
----------
.. [1] JIS X 0410, 地域メッシュコード; 昭和48年行政管理庁告示第143号.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

#: Digits of a code: 80 km squares, then 10 km, 1 km, and three times quarters of what was there before.
_CODE = re.compile(r"(\d{2})(\d{2})(?:([0-7])([0-7])(?:(\d)(\d)([1-4]{0,3}))?)?", re.ASCII)

#: Japan lies between these latitudes, and these longitudes east of 100 degrees; codes beyond are none.
_SOUTH, _NORTH, _WEST, _EAST = 20, 46, 22, 54

#: The system of the outlines.
JGD2011 = "EPSG:6668"


def mesh_outlines(codes: Iterable[str]) -> npt.NDArray[Any]:
    """Return the outlines of grid squares.

    Parameters
    ----------
    codes : iterable of str
        4, 6, 8, 9, 10 or 11 digits: squares of 80, 10 and 1 km, 500, 250 and 125 m.

    Returns
    -------
    numpy.ndarray of shapely.Geometry
        Rectangles in degrees of longitude and latitude (EPSG:6668); None where a code is none, or lies
        outside Japan.
    """
    edges = np.array([_edges(code) for code in codes], dtype=np.float64).reshape(-1, 4)
    outlines: npt.NDArray[Any] = np.asarray(shapely.box(*edges.T), dtype=object)
    outlines[np.isnan(edges).any(axis=1)] = None
    return outlines


def _edges(code: str) -> tuple[float, float, float, float]:
    """Return west, south, east and north of a square [degrees], NaN where the code is none."""
    match = _CODE.fullmatch(code)
    if match is None:
        return (np.nan,) * 4
    first, second = int(match[1]), int(match[2])
    if not (_SOUTH * 1.5 <= first < _NORTH * 1.5 and _WEST <= second < _EAST):
        return (np.nan,) * 4
    # Latitude in steps of 40 minutes, longitude in whole degrees from 100; both are then divided alike.
    south, west, height, width = first / 1.5, 100.0 + second, 1 / 1.5, 1.0
    for down, across, parts in ((match[3], match[4], 8), (match[5], match[6], 10)):
        if down is not None:
            height, width = height / parts, width / parts
            south, west = south + int(down) * height, west + int(across) * width
    for quarter in match[7] or "":
        height, width = height / 2, width / 2
        south, west = south + (int(quarter) > 2) * height, west + (int(quarter) % 2 == 0) * width
    return (west, south, west + width, south + height)
