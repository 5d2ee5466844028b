"""Which cell a longitude and latitude mean, and what to tell people when it is none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heatrisk.errors import InputError
from heatrisk.grid import Grid
from heatrisk.words import Words

#: Why a cell has no value, by the codes of a run's ``mask``.
_CLOSED = {
    1: Words("この地点は建物の中です", "the place lies within a building"),
    2: Words("この地点は地面の高さが不明です", "the ground is not known there"),
}


def lonlat(text: str) -> tuple[float, float]:
    """Return longitude and latitude of a text such as ``"139.5595,35.6834"``.

    Parameters
    ----------
    text : str
        Longitude, then latitude [degrees], with a comma between.

    Raises
    ------
    InputError
        It does not read so.
    """
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            Words("地点を読み取れません", "the place cannot be read"),
            expected=Words("経度,緯度（例 139.5595,35.6834）", "LON,LAT such as 139.5595,35.6834"),
            got=text,
        ) from error
    return lon, lat


def swapped(lon: float, lat: float) -> bool:
    """Tell whether two numbers are degrees only with the latitude first."""
    return abs(lon) <= 90.0 < abs(lat) <= 180.0


def exchanged(right: str) -> Words:
    """Return the hint that longitude and latitude are swapped.

    Parameters
    ----------
    right : str
        What should be given instead.
    """
    return Words(
        f"経度と緯度が逆のようです。{right} としてください",
        f"Longitude and latitude seem to be swapped: give {right}.",
    )


def cell_at(grid: Grid, mask: npt.NDArray[np.uint8], lon: float, lat: float) -> tuple[int, int]:
    """Return row and column of the outdoor cell at a place.

    Parameters
    ----------
    grid : Grid
        The cells.
    mask : numpy.ndarray of uint8
        0 outdoors, 1 building all over, 2 ground unknown, on the grid.
    lon, lat : float
        Longitude and latitude [degrees].

    Raises
    ------
    InputError
        The place lies outside the grid, with a hint where latitude and longitude are swapped; or the cell is
        not outdoors, with the nearest that is.
    """
    place = grid.index(lon, lat)
    if place is None:
        inside = abs(lon) <= 90.0 and grid.index(lat, lon) is not None
        west, south, east, north = grid.bounds_lonlat
        raise InputError(
            Words("地点が対象範囲の外です", "the place lies outside the area"),
            expected=f"{west:.4f} – {east:.4f}, {south:.4f} – {north:.4f}",
            got=f"{lon:g}, {lat:g}",
            remedy=exchanged(f"{lat:g},{lon:g}") if inside else None,
        )
    code = int(mask[place])
    if code:
        raise InputError(_CLOSED[code], got=f"{lon:g}, {lat:g}", remedy=_nearest(grid, mask, place))
    return place


def _nearest(grid: Grid, mask: npt.NDArray[np.uint8], place: tuple[int, int]) -> Words:
    """Name the nearest outdoor cell."""
    rows, columns = np.nonzero(mask == 0)
    if not rows.size:
        return Words("屋外の地点がありません", "There is no outdoor cell.")
    away = np.hypot(rows - place[0], columns - place[1])
    k = int(away.argmin())
    lon, lat = (float(part) for part in grid.unproject(grid.x[columns[k]], grid.y[rows[k]]))
    metres = float(away[k]) * grid.cell_size
    return Words(
        f"最も近い屋外の地点は {lon:.5f},{lat:.5f}（{metres:.0f} m 先）です",
        f"The nearest outdoor place is {lon:.5f},{lat:.5f}, {metres:.0f} m away.",
    )
