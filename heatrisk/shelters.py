"""Cooling shelters: what is published about each, and whether one is open at a given time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from heatrisk.words import JST, Words

Designation = Literal["designated", "cool_share", "other", "unknown"]
OpensOn = Literal["special", "alert", "always", "unknown"]
State = Literal["open", "closed", "unknown"]

EVERY_DAY = frozenset(range(7))
_WEEKDAYS = Words("月火水木金土日", "Mon Tue Wed Thu Fri Sat Sun")


@dataclass(frozen=True)
class Opening:
    """Hours that a shelter publishes for some days of the week.

    Parameters
    ----------
    start, end : int
        Minutes after midnight, Japan's time; the end does not count.
    days : frozenset of int, optional
        Days of the week, 0 = Monday; None where the days are not stated.
    holidays : bool, optional
        Whether the hours hold on public holidays; None where that is not stated.
    """

    start: int
    end: int
    days: frozenset[int] | None = None
    holidays: bool | None = None

    def __str__(self) -> str:
        return f"{self.start // 60}:{self.start % 60:02}–{self.end // 60}:{self.end % 60:02}"


@dataclass(frozen=True)
class Shelter:
    """A place to cool down, as its city publishes it.

    Parameters
    ----------
    id : str
        Identifier, unique within a city's list.
    name, address : str
        As published.
    lon, lat : float
        Position [degrees].
    designation : {"designated", "cool_share", "other", "unknown"}
        ``designated`` under article 21 of the Climate Change Adaptation Act, or a voluntary cool spot.
    capacity : int, optional
        People it takes in; None where the text does not say a number.
    capacity_text, hours_text : str
        As published.
    openings : tuple of Opening, optional
        The hours, where the text can be read without guessing; None where it cannot.
    caveat : str
        Published remark that the hours may not hold; empty where there is none.
    opens_on : {"special", "alert", "always", "unknown"}
        Alert that opens it.
    equipment : tuple of str
        What is there: ``water``, ``toilet``, ``wheelchair``, ``nursing_room``, ``wifi``, ``aed``.
    url, note : str
        As published.
    """

    id: str
    name: str
    lon: float
    lat: float
    address: str = ""
    designation: Designation = "unknown"
    capacity: int | None = None
    capacity_text: str = ""
    hours_text: str = ""
    openings: tuple[Opening, ...] | None = None
    caveat: str = ""
    opens_on: OpensOn = "unknown"
    equipment: tuple[str, ...] = ()
    url: str = ""
    note: str = ""


class Status(NamedTuple):
    """Whether a shelter is open, and why we say so.

    Parameters
    ----------
    state : {"open", "closed", "unknown"}
        ``open`` and ``closed`` follow from published hours alone; in doubt, ``unknown``.
    reason : Words
        For people.
    """

    state: State
    reason: Words


def status(shelter: Shelter, at: datetime) -> Status:
    """Return whether a shelter is open at an instant.

    Parameters
    ----------
    shelter : Shelter
        The shelter.
    at : datetime.datetime
        The instant; UTC if it has no zone.

    Returns
    -------
    Status
        Never ``open`` unless the published days and hours say so without doubt.
    """
    if shelter.openings is None:
        return _undecided(shelter)
    local = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(JST)
    today = local.date()
    minute = local.hour * 60 + local.minute
    states = [_state(opening, today, minute) for opening in shelter.openings]
    if "open" not in states and "unknown" not in states:
        return _closed(shelter.openings, today)
    hours = str(shelter.openings[states.index("open" if "open" in states else "unknown")])
    if shelter.opens_on in ("special", "alert"):
        alert = _ALERTS[shelter.opens_on]
        return Status(
            "unknown",
            Words(f"{alert.ja}のときに開放されます（{hours}）", f"Opens under a {alert.en} ({hours})"),
        )
    if shelter.caveat:
        return _undecided(shelter)
    if "open" in states:
        return Status(
            "open", Words(f"公表されている開放時間内です（{hours}）", f"Within the published hours ({hours})")
        )
    if public_holiday(today):
        return Status(
            "unknown",
            Words(f"祝日の開放が書かれていません（{hours}）", f"Public holidays are not stated ({hours})"),
        )
    return Status(
        "unknown",
        Words(f"開放する曜日が書かれていません（{hours}）", f"The days of the week are not stated ({hours})"),
    )


_ALERTS = {
    "special": Words("熱中症特別警戒情報（熱中症特別警戒アラート）", "special heat-stroke alert"),
    "alert": Words("熱中症警戒情報（熱中症警戒アラート）", "heat-stroke alert"),
}


def _state(opening: Opening, day: date, minute: int) -> State:
    if not opening.start <= minute < opening.end:
        return "closed"
    if public_holiday(day) and opening.holidays is not None:
        return "open" if opening.holidays else "closed"
    if opening.days is None:
        return "unknown"
    if day.weekday() not in opening.days:
        return "closed"
    # Nothing published for ordinary weeks holds for sure on a holiday or around New Year.
    return "unknown" if public_holiday(day) or _new_year(day) else "open"


def _closed(openings: tuple[Opening, ...], day: date) -> Status:
    hours = [str(o) for o in openings if o.days is None or day.weekday() in o.days]
    name = Words(f"{_WEEKDAYS.ja[day.weekday()]}曜日", _WEEKDAYS.en.split()[day.weekday()])
    if public_holiday(day):
        if all(o.holidays is False for o in openings):
            return Status("closed", Words("祝日は開放していません", "Closed on public holidays"))
        hours, name = [], Words(f"{name.ja}・祝日", f"{name.en}, public holiday")
    if not hours:
        return Status(
            "closed",
            Words(
                f"開放日・開放時間の外です（{name.ja}）", f"Outside the published days and hours ({name.en})"
            ),
        )
    listed = ", ".join(dict.fromkeys(hours))
    return Status(
        "closed",
        Words(f"開放時間外です（{name.ja}は {listed}）", f"Outside the published hours ({name.en} {listed})"),
    )


def _undecided(shelter: Shelter) -> Status:
    text = " ".join(f"{shelter.hours_text} {shelter.caveat}".split())
    if not text:
        return Status("unknown", Words("開放時間の記載がありません", "No hours are published"))
    return Status(
        "unknown", Words(f"施設にご確認ください：{text}", f"Please ask the facility. Published hours: {text}")
    )


def public_holiday(day: date) -> bool:
    """Return whether a day is a Japanese public holiday.

    Rules of the Act on National Holidays as in force since 2022: fixed days, "happy Mondays", equinoxes,
    substitute days and the day between two holidays.
    """
    if _named_holiday(day):
        return True
    earlier = day - timedelta(days=1)
    while _named_holiday(earlier):
        # A holiday on a Sunday moves to the next day that is none.
        if earlier.weekday() == 6:
            return True
        earlier -= timedelta(days=1)
    return _named_holiday(day - timedelta(days=1)) and _named_holiday(day + timedelta(days=1))


_FIXED = {(1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)}

#: Month and number of the Monday.
_MONDAYS = {(1, 2), (7, 3), (9, 3), (10, 2)}


def _named_holiday(day: date) -> bool:
    if (day.month, day.day) in _FIXED:
        return True
    if day.weekday() == 0 and (day.month, (day.day + 6) // 7) in _MONDAYS:
        return True
    # Equinoxes, 1980 to 2099: Japan Coast Guard's approximation.
    offset = {3: 20.8431, 9: 23.2488}.get(day.month)
    years = day.year - 1980
    return offset is not None and day.day == int(offset + 0.242194 * years - years // 4)


def _new_year(day: date) -> bool:
    return (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)


def to_geojson(shelters: Iterable[Shelter]) -> dict[str, Any]:
    """Return shelters as a GeoJSON feature collection, every field of :class:`Shelter` a property.

    ``openings`` become objects of ``days``, ``holidays``, ``start`` and ``end`` (minutes after midnight).
    """
    return {"type": "FeatureCollection", "features": [_feature(shelter) for shelter in shelters]}


def _feature(shelter: Shelter) -> dict[str, Any]:
    names = [field.name for field in fields(Shelter) if field.name not in ("lon", "lat")]
    properties = {name: getattr(shelter, name) for name in names}
    properties["equipment"] = list(shelter.equipment)
    if shelter.openings is not None:
        properties["openings"] = [
            {
                "days": None if o.days is None else sorted(o.days),
                "holidays": o.holidays,
                "start": o.start,
                "end": o.end,
            }
            for o in shelter.openings
        ]
    point = {"type": "Point", "coordinates": [shelter.lon, shelter.lat]}
    return {"type": "Feature", "id": shelter.id, "geometry": point, "properties": properties}


def from_geojson(collection: Mapping[str, Any]) -> tuple[Shelter, ...]:
    """Return the shelters of a feature collection that :func:`to_geojson` made."""
    return tuple(_shelter(feature) for feature in collection["features"])


def _shelter(feature: Mapping[str, Any]) -> Shelter:
    known = {field.name for field in fields(Shelter)}
    properties = {name: value for name, value in feature["properties"].items() if name in known}
    lon, lat = feature["geometry"]["coordinates"][:2]
    openings = properties.get("openings")
    properties["openings"] = (
        None
        if openings is None
        else tuple(
            Opening(o["start"], o["end"], None if o["days"] is None else frozenset(o["days"]), o["holidays"])
            for o in openings
        )
    )
    properties["equipment"] = tuple(properties.get("equipment", ()))
    return Shelter(lon=float(lon), lat=float(lat), **properties)
