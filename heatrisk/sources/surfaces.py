"""The surfaces of a city: the cited table with what the city file says otherwise."""

from __future__ import annotations

from heatrisk.city.sections import SurfacesSection
from heatrisk.errors import InputError
from heatrisk.physics.surface import LAND_COVER, WALL, LandCover
from heatrisk.words import Words

_NUMBERS = ("albedo", "emissivity", "admittance", "moisture")


def read_surfaces(section: SurfacesSection) -> tuple[tuple[LandCover, ...], LandCover]:
    """Return the surfaces that a city file describes.

    Parameters
    ----------
    section : SurfacesSection
        A row with a code of :data:`heatrisk.physics.surface.LAND_COVER` changes what it names of that class;
        a row with another code is a class of its own and names all four numbers.

    Returns
    -------
    ground : tuple of LandCover
        The classes of ground, the cited ones first and in their order.
    wall : LandCover
        The walls.

    Raises
    ------
    InputError
        A class of its own lacks a number.
    """
    rows = {row.code: row for row in LAND_COVER}
    for given in section.ground:
        stated = given.model_dump(exclude_none=True)
        known = rows.get(given.code)
        missing = [name for name in _NUMBERS if name not in stated]
        if known is None and missing:
            raise InputError(
                Words(
                    f"[surfaces] の土地被覆コード {given.code} に値が足りません",
                    f"[surfaces] lacks numbers of the land-cover code {given.code}",
                ),
                expected=", ".join(_NUMBERS),
                got=", ".join(name for name in _NUMBERS if name in stated) or None,
            )
        name = stated.get("name", f"code {given.code}")
        base = known or LandCover(given.code, name, name, 0.0, 0.0, 0.0, 0.0)
        changed = {key: stated[key] for key in _NUMBERS if key in stated}
        if "name" in stated:
            changed |= {"name": name, "name_ja": name}
        rows[given.code] = base._replace(**changed)
    wall = WALL._replace(**section.wall.model_dump(exclude_none=True))
    return tuple(rows.values()), wall
