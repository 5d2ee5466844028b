"""Where shelters stand, for lists that do not say so: corrections, the city's facilities, an address look-up.

A position is taken where names and addresses agree in full after they are written alike. A facility whose
address one side does not tell is taken by a name that is unique on both sides, if it stands in the area or
a little outside; a correction by hand wherever it says. What is left is told, never guessed.
"""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.grid import Bounds
from heatrisk.shelters import PlacedBy, Shelter
from heatrisk.sources.reading import Refusal
from heatrisk.sources.shelters.columns import Columns, first_list
from heatrisk.sources.shelters.street_address import Address, address_key, name_key
from heatrisk.sources.table import Table, plain, read_tables
from heatrisk.words import Words

#: Address → longitude, latitude [degrees] and the address that was found, or None.
Geocoder = Callable[[str], tuple[float, float, str] | None]

ENTRY_POINTS = "heatrisk.geocoders"

#: Farther from the area than this, a position belongs to another town [degrees].
FAR = 0.5

#: A place known by its name alone may stand this far outside the area; an address looked up, as far as that
#: [degrees].
_NAMESAKE, _ADDRESS = 0.01, 0.05

#: Positions of one facility, as different lists have them, lie within this [degrees].
_SAME = 5e-4

MOST_ROWS = 100_000

NO_PLACE = Words("緯度・経度がありません", "no coordinates")
SWAPPED = Words("緯度と経度が入れ替わっています", "latitude and longitude are swapped")


class Place(NamedTuple):
    """A named position of a list."""

    name: str
    address: Address | None
    lon: float
    lat: float
    label: str


class Found(NamedTuple):
    """A position and who told it, or why there is none."""

    lonlat: tuple[float, float] | None
    by: PlacedBy
    reason: Words


def position(row: Mapping[str, str], bounds: Bounds | None) -> tuple[float, float] | Words:
    """Return a row's longitude and latitude [degrees], near the area or not, or why it has none."""
    if not row.get("lat") or not row.get("lon"):
        return NO_PLACE
    try:
        lat, lon = float(plain(row["lat"])), float(plain(row["lon"]))
    except ValueError:
        return Words(
            f"緯度・経度が十進の度ではありません({row['lat']}, {row['lon']})",
            f"the coordinates are not decimal degrees ({row['lat']}, {row['lon']})",
        )
    if not (math.isfinite(lat) and math.isfinite(lon)) or (lat == 0 and lon == 0):
        return NO_PLACE
    return SWAPPED if not within(lon, lat, bounds, FAR) and within(lat, lon, bounds, FAR) else (lon, lat)


def far(lon: float, lat: float, bounds: Bounds | None) -> Words | None:
    """Return why a position cannot belong to the area, or None."""
    if within(lon, lat, bounds, FAR):
        return None
    return Words(f"対象の範囲から遠く離れています({lat}, {lon})", f"far outside the area ({lat}, {lon})")


def within(lon: float, lat: float, bounds: Bounds | None, margin: float) -> bool:
    """Return whether a position lies in an area widened by a margin [degrees]; anywhere on Earth for None."""
    west, south, east, north = bounds or (-180 + margin, -90 + margin, 180 - margin, 90 - margin)
    return west - margin <= lon <= east + margin and south - margin <= lat <= north + margin


_UNKNOWN = Found(None, "", NO_PLACE)


@dataclass
class Places:
    """Sources of positions, asked in turn.

    Parameters
    ----------
    overrides, facilities : sequence of Place
        Corrections by hand, and the city's list of facilities.
    geocoder : Geocoder, optional
        Looks addresses up.
    bounds : tuple of float, optional
        West, south, east, north of the served area [degrees].
    towns : collection of str
        Names of municipalities, which may stand before names and addresses.
    """

    overrides: Sequence[Place]
    facilities: Sequence[Place]
    geocoder: Geocoder | None
    bounds: Bounds | None
    towns: Collection[str]
    used: set[str] = field(default_factory=set)
    _trouble: str = ""

    def __post_init__(self) -> None:
        self._by_override = _by_name(self.overrides)
        self._by_facility = _by_name(self.facilities)

    def corrected(self, name: str, address: str, *, alone: bool) -> Found:
        """Return the position that a correction gives to a facility.

        Parameters
        ----------
        name, address : str
            As published.
        alone : bool
            No other facility of the list has this name; else name and address must agree.
        """
        if not self.overrides:
            return _UNKNOWN
        found = _match(self._by_override, *self._keys(name, address), alone=alone)
        if found.lonlat is not None:
            self.used.add(name_key(name, self.towns))
        return found._replace(by="override" if found.lonlat else "")

    def find(self, name: str, address: str, town: str, *, alone: bool) -> Found:
        """Return the position of a facility without one: of the city's facilities, else of its address.

        Where the list, or the city's facilities, have no address of it, the name must be the only one of
        its kind on both sides, and the position in the served area or within 0.01 degrees of it.

        Parameters
        ----------
        name, address : str
            As published.
        town : str
            Municipality, as published; it goes before the address that is looked up.
        alone : bool
            No other facility of the list has this name; else name and address must agree.
        """
        found = _UNKNOWN
        if self.facilities:
            found = _match(self._by_facility, *self._keys(name, address), alone=alone, near=self.bounds)
        if found.lonlat is not None:
            return found._replace(by="facilities")
        if self.geocoder is None or not address:
            return found
        return self._looked_up(address, town)

    def _keys(self, name: str, address: str) -> tuple[str, Address | None]:
        return name_key(name, self.towns), address_key(address, self.towns)

    def _looked_up(self, address: str, town: str) -> Found:
        wanted = address_key(address, self.towns)
        if wanted is None:
            return _none("住所に番地がなく検索できません", "the address has no number to look up")
        if self._trouble:
            return _none(
                f"住所検索に失敗しました({self._trouble})", f"the address look-up failed ({self._trouble})"
            )
        try:
            answer = self.geocoder(address if town in address else town + address)  # type: ignore[misc]
            lon, lat, matched = (math.nan, math.nan, "") if answer is None else answer
            lon, lat, matched = float(lon), float(lat), str(matched)
        except Exception as error:
            # Somebody else's code, asked over a network: one failure is enough. Its text may hold a key.
            self._trouble = type(error).__name__
            return self._looked_up(address, town)
        if answer is None:
            return _none("住所検索で見つかりません", "the address was not found")
        if not within(lon, lat, self.bounds, _ADDRESS if self.bounds else 0.0):
            return _none(
                f"住所検索の結果が範囲外です({matched})",
                f"the address was found outside the area ({matched})",
            )
        known = address_key(matched, self.towns)
        if known is None or not known.agrees(wanted) or len(known.numbers) < min(2, len(wanted.numbers)):
            return _none(f"住所検索の結果が別の住所です({matched})", f"another address was found ({matched})")
        return Found((lon, lat), "geocoder", Words("", ""))


def _none(ja: str, en: str) -> Found:
    return Found(None, "", Words(ja, en))


def _by_name(places: Iterable[Place]) -> dict[str, list[Place]]:
    named = defaultdict(list)
    for place in places:
        named[place.name].append(place)
    return dict(named)


def _match(
    places: Mapping[str, list[Place]],
    name: str,
    address: Address | None,
    *,
    alone: bool,
    near: Bounds | None = None,
) -> Found:
    """Return the one place of a name whose address agrees; without addresses, the only one, in the area."""
    namesakes = places.get(name, [])
    same = [place for place in namesakes if address and place.address and address.agrees(place.address)]
    exact = [place for place in same if place.address == address]
    unsaid = [
        place
        for place in namesakes
        if place.address is None or address is None
        if within(place.lon, place.lat, near, _NAMESAKE if near else 0.0)
    ]
    for chosen in (exact, same, unsaid if alone and len(unsaid) == len(namesakes) else []):
        if chosen and all(abs(p.lon - chosen[0].lon) + abs(p.lat - chosen[0].lat) < _SAME for p in chosen):
            return Found((chosen[0].lon, chosen[0].lat), "", Words("", ""))
        if chosen:
            break
    if not namesakes:
        return _none(
            "緯度・経度がなく、施設一覧に同じ名称がありません",
            "no coordinates, and no facility has this name",
        )
    listed = "、".join(dict.fromkeys(place.label for place in namesakes[:3]))
    return _none(
        f"緯度・経度がなく、候補を1つに決められません({listed})",
        f"no coordinates, and not one sure match ({listed})",
    )


def read_places(
    path: Path, bounds: Bounds | None, towns: Collection[str]
) -> tuple[list[Place], list[Refusal]]:
    """Read names and positions out of a list of facilities or of corrections.

    Parameters
    ----------
    path : pathlib.Path
        CSV or workbook with columns like 名称, 住所, 緯度, 経度.
    bounds : tuple of float, optional
        West, south, east, north of the served area [degrees].
    towns : collection of str
        Names of municipalities, which may stand before names and addresses.

    Returns
    -------
    places : list of Place
        Rows with a position.
    refused : list of Refusal
        Rows with a wrong one; rows without any coordinates are left out.

    Raises
    ------
    SourceError
        It is no such table.
    """
    table, header = first_list(read_tables(path, 10 * MOST_ROWS), str(path), "名称, 緯度, 経度")
    if not {"lat", "lon"} <= header.fields.keys():
        raise SourceIncompleteError(
            Words("緯度・経度の列がありません", "there are no columns of coordinates"),
            where=path,
            expected="名称, 緯度, 経度",
            remedy=Words(
                "緯度 と 経度 の列を加えてください", "Add the columns 緯度 (latitude) and 経度 (longitude)."
            ),
        )
    places: list[Place] = []
    refused: list[Refusal] = []
    for number, row in _rows(table, header):
        found = position(row, bounds)
        found = found if isinstance(found, Words) else far(*found, bounds) or found
        if isinstance(found, Words):
            if found is not NO_PLACE:
                told = Words(f"{row['name']}:{found.ja}", f"{row['name']}: {found.en}")
                refused.append(Refusal(f"{path.name}:{number}", told))
        elif row["name"]:
            label = " ".join(f"{row['name']} {row['address']}".split())
            key = address_key(row["address"], towns)
            places.append(Place(name_key(row["name"], towns), key, *found, label))
    return places, refused


def _rows(table: Table, header: Columns) -> Iterable[tuple[int, dict[str, str]]]:
    above = ""
    for number, cells in table.rows[header.rows :]:
        row = header.row(cells, above)
        above = row["name"] or above
        yield number, row


def installed_geocoder(name: str) -> Geocoder:
    """Return the address look-up that is installed under a name of the group ``heatrisk.geocoders``.

    Raises
    ------
    InputError
        None is called so, or what is installed does not load.
    """
    installed = entry_points(group=ENTRY_POINTS)
    if name in installed.names:
        try:
            found: Geocoder = installed[name].load()
        except Exception as error:
            raise InputError(
                Words(f"住所検索 {name} を読み込めません", f"the address look-up {name} does not load"),
                got=type(error).__name__,
                remedy=Words("パッケージを入れ直してください", "Install its package again."),
            ) from error
        return found
    raise InputError(
        Words(f"住所検索 {name} は登録されていません", f"no address look-up is called {name}"),
        expected=", ".join(sorted(installed.names)) or "-",
        got=name,
        remedy=Words(
            "city.toml の [shelters] geocoder を直すか、消してください",
            "Correct [shelters] geocoder in city.toml, or remove it.",
        ),
    )


def unresolved_csv(shelters: Iterable[Shelter]) -> str:
    """Return the shelters without position as a table for people to fill in.

    Once latitude and longitude are filled in, the file serves as ``[shelters] coordinates``.

    Parameters
    ----------
    shelters : iterable of Shelter
        A list of shelters, as :func:`~heatrisk.sources.shelters.read_shelters` returns it.

    Returns
    -------
    str
        CSV of name, address, latitude, longitude and reason, in both languages; write it as ``utf-8-sig``, or
        spreadsheets garble it. A cell that a spreadsheet would take for a formula is quoted by an apostrophe.
        Empty if all have a position.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    for shelter in shelters:
        if shelter.lon is None:
            reason = "" if shelter.unplaced is None else " / ".join(shelter.unplaced)
            table.writerow([_typed(shelter.name), _typed(shelter.address), "", "", _typed(reason)])
    return text.getvalue() and f"{_UNRESOLVED}\n{text.getvalue()}"


_UNRESOLVED = "名称/name,住所/address,緯度/latitude,経度/longitude,理由/reason"


def _typed(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
