"""Cooling shelters: what is published about each, and whether one is open at a given time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from heatrisk.alerts import NAMES, Level
from heatrisk.shelters.hours import EVERY_DAY, Opening, Season, State, public_holiday
from heatrisk.words import JST, Words

__all__ = [
    "EVERY_DAY",
    "Designation",
    "Opening",
    "OpensOn",
    "PlacedBy",
    "Report",
    "Season",
    "Shelter",
    "State",
    "Status",
    "from_geojson",
    "opens",
    "public_holiday",
    "reported",
    "status",
    "to_geojson",
]

Designation = Literal["designated", "cool_share", "other", "unknown"]
OpensOn = Literal["special", "alert", "always", "unknown"]
PlacedBy = Literal["list", "override", "facilities", "geocoder", ""]

_WEEKDAYS = Words("月火水木金土日", "Mon Tue Wed Thu Fri Sat Sun")


@dataclass(frozen=True)
class Report:
    """What somebody on the spot reported of a shelter at a time.

    Parameters
    ----------
    about : str
        ``congestion``, or a piece of equipment as in :attr:`Shelter.equipment`.
    state : {"free", "busy", "crowded", "full", "usable", "broken", ""}
        How full it is, or whether the thing works; empty where only people were counted.
    observed, expires : datetime.datetime
        Since when it holds, and from when on it is too old to be told, UTC.
    people : int, optional
        People counted.
    """

    about: str
    state: str
    observed: datetime
    expires: datetime
    people: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON-ready values."""
        return {
            "about": self.about,
            "state": self.state,
            "observed": f"{self.observed:%Y-%m-%dT%H:%M:%SZ}",
            "expires": f"{self.expires:%Y-%m-%dT%H:%M:%SZ}",
            "people": self.people,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Report:
        """Return the report that :meth:`as_dict` wrote."""
        observed, expires = (datetime.fromisoformat(values[name]) for name in ("observed", "expires"))
        return cls(values["about"], values["state"], observed, expires, values.get("people"))


@dataclass(frozen=True)
class Shelter:
    """A place to cool down, as its city publishes it.

    Parameters
    ----------
    id : str
        Identifier, unique within a city's list: as published, or ``row-3`` after its row.
    published_id : str
        Identifier by which others name the shelter; empty where the list has none or gives it twice.
    name, address : str
        As published.
    lon, lat : float, optional
        Position [degrees]; None where nobody has told it: it is never guessed.
    placed_by : {"list", "override", "facilities", "geocoder", ""}
        Who told the position: the list itself, a file of corrections, the city's list of facilities, an
        address look-up; empty without position.
    unplaced : Words, optional
        Why it has no position.
    town : str
        Municipality, as published.
    place : str
        Part of the building that serves as shelter, as published.
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
    reports : tuple of Report
        What was reported of it, of each thing the latest; see :func:`reported`.
    """

    id: str
    name: str
    lon: float | None = None
    lat: float | None = None
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
    placed_by: PlacedBy = ""
    unplaced: Words | None = None
    town: str = ""
    place: str = ""
    reports: tuple[Report, ...] = ()
    published_id: str = ""


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


def status(shelter: Shelter, at: datetime, alert: Level | None = None) -> Status:
    """Return whether a shelter is open at an instant.

    Parameters
    ----------
    shelter : Shelter
        The shelter.
    at : datetime.datetime
        The instant; UTC if it has no zone.
    alert : {"alert", "special"}, optional
        Official alert in force on the day of the instant, in Japan; None where there is none or that is not
        known. The special alert opens what the ordinary one opens, too.

    Returns
    -------
    Status
        Never ``open`` unless the published days and hours say so without doubt.
    """
    if shelter.openings is None:
        return _undecided(shelter)
    local = _utc(at).astimezone(JST)
    today = local.date()
    minute = local.hour * 60 + local.minute
    states = [opening.state(today, minute) for opening in shelter.openings]
    if "open" not in states and "unknown" not in states:
        return _closed(shelter.openings, today)
    opening = shelter.openings[states.index("open" if "open" in states else "unknown")]
    hours = str(opening)
    awaited: Level | None = shelter.opens_on if shelter.opens_on in ("special", "alert") else None
    if awaited is not None and alert not in (awaited, "special"):
        name = NAMES[awaited]
        return Status(
            "unknown",
            Words(f"{name.ja}のときに開放されます（{hours}）", f"Opens under a {name.en} ({hours})"),
        )
    if shelter.caveat:
        return _undecided(shelter)
    if "open" in states:
        return _open(alert if awaited else None, hours)
    reason = _HOLIDAY if public_holiday(today) else _MOVED if opening.moves and opening.days else _DAYS
    return Status("unknown", Words(f"{reason.ja}（{hours}）", f"{reason.en} ({hours})"))


def opens(shelter: Shelter, at: datetime, alert: Level | None = None) -> datetime | None:
    """Return when a shelter that is closed opens next, today or tomorrow in Japan.

    Parameters
    ----------
    shelter : Shelter
        The shelter.
    at : datetime.datetime
        The instant; UTC if it has no zone.
    alert : {"alert", "special"}, optional
        As for :func:`status`; it says nothing of tomorrow.

    Returns
    -------
    datetime.datetime or None
        UTC; None unless the published days and hours say so without doubt.
    """
    local = _utc(at).astimezone(JST)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = sorted({opening.start for opening in shelter.openings or ()})
    for day, known in ((0, alert), (1, None)):
        for start in starts:
            moment = midnight + timedelta(days=day, minutes=start)
            if moment > local and status(shelter, moment, known).state == "open":
                return moment.astimezone(UTC)
    return None


_HOLIDAY = Words("祝日の開放が書かれていません", "Public holidays are not stated")
_MOVED = Words("祝日の振替休館日かもしれません", "It may be closed today in place of a public holiday")
_DAYS = Words("開放する曜日が書かれていません", "The days of the week are not stated")


def _open(alert: Level | None, hours: str) -> Status:
    if alert is None:
        return Status(
            "open", Words(f"公表されている開放時間内です（{hours}）", f"Within the published hours ({hours})")
        )
    name = NAMES[alert]
    return Status(
        "open",
        Words(
            f"{name.ja}が発表されている日の開放時間内です（{hours}）",
            f"A {name.en} is in force, within the published hours ({hours})",
        ),
    )


def _closed(openings: tuple[Opening, ...], day: date) -> Status:
    if not any(opening.in_season(day) for opening in openings):
        seasons = ", ".join(dict.fromkeys(str(opening.season) for opening in openings))
        return Status(
            "closed", Words(f"開放期間の外です（{seasons}）", f"Outside the published season ({seasons})")
        )
    hours = [str(o) for o in openings if (o.days is None or day.weekday() in o.days) and o.in_season(day)]
    name = Words(f"{_WEEKDAYS.ja[day.weekday()]}曜日", _WEEKDAYS.en.split()[day.weekday()])
    if public_holiday(day):
        if all(o.holidays is False for o in openings):
            return Status("closed", Words("祝日は開放していません", "Closed on public holidays"))
        hours, name = [], Words(f"{name.ja}・祝日", f"{name.en}, public holiday")
    number = (day.day + 6) // 7
    if openings and all((number, day.weekday()) in o.monthly for o in openings):
        hours, name = [], Words(f"第{number}{name.ja}", f"{name.en} no. {number} of the month")
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
    caveat = "" if shelter.caveat in shelter.hours_text else shelter.caveat
    text = " ".join(f"{shelter.hours_text} {caveat}".split())
    if not text:
        return Status("unknown", Words("開放時間の記載がありません", "No hours are published"))
    return Status(
        "unknown", Words(f"施設にご確認ください：{text}", f"Please ask the facility. Published hours: {text}")
    )


def reported(shelter: Shelter, at: datetime) -> tuple[tuple[Report, Words], ...]:
    """Return what was reported of a shelter and still holds, each with its age in words.

    Parameters
    ----------
    shelter : Shelter
        The shelter.
    at : datetime.datetime
        The instant; UTC if it has no zone. Reports made later, or expired by then, are left out.
    """
    at = _utc(at)
    valid = (report for report in shelter.reports if report.observed <= at < report.expires)
    return tuple((report, _told(report, at)) for report in valid)


_THINGS = {
    "congestion": Words("混雑状況", "Crowding"),
    "water": Words("給水", "Drinking water"),
    "toilet": Words("トイレ", "Toilet"),
    "wheelchair": Words("車いす対応", "Wheelchair access"),
    "nursing_room": Words("授乳室", "Nursing room"),
    "wifi": Words("Wi-Fi", "Wi-Fi"),
    "aed": Words("AED", "AED"),
}
_STATES = {
    "free": Words("空いています", "plenty of room"),
    "busy": Words("やや混雑", "rather busy"),
    "crowded": Words("混雑", "crowded"),
    "full": Words("満員", "full"),
    "usable": Words("使えます", "working"),
    "broken": Words("使えません", "out of order"),
}


def _told(report: Report, at: datetime) -> Words:
    thing, state = _THINGS[report.about], _STATES.get(report.state)
    people = None if report.people is None else Words(f"{report.people}人", f"{report.people} people")
    said = [words for words in (state, people) if words is not None]
    clock = f"{report.observed.astimezone(JST):%H:%M}"
    hours, minutes = divmod(int((at - report.observed).total_seconds() // 60), 60)
    age = Words(f"{minutes}分前", f"{minutes} min ago")
    if hours:
        age = Words(f"{hours}時間{age.ja}", f"{hours} h {age.en}")
    return Words(
        f"{thing.ja}：{'、'.join(words.ja for words in said)}（{clock} 現在、{age.ja}）",
        f"{thing.en}: {', '.join(words.en for words in said)} (as of {clock} JST, {age.en})",
    )


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def to_geojson(shelters: Iterable[Shelter]) -> dict[str, Any]:
    """Return shelters as a GeoJSON feature collection, every field of :class:`Shelter` a property.

    A shelter without position has the geometry null. ``openings`` become objects of ``days``, ``holidays``,
    ``start`` and ``end`` (minutes after midnight), ``season`` (first and last day), ``monthly``, ``moves``.
    """
    return {"type": "FeatureCollection", "features": [_feature(shelter) for shelter in shelters]}


def _feature(shelter: Shelter) -> dict[str, Any]:
    names = [field.name for field in fields(Shelter) if field.name not in ("lon", "lat")]
    properties = {name: getattr(shelter, name) for name in names}
    properties["equipment"] = list(shelter.equipment)
    properties["unplaced"] = shelter.unplaced and shelter.unplaced._asdict()
    properties["reports"] = [report.as_dict() for report in shelter.reports]
    if shelter.openings is not None:
        properties["openings"] = [opening.as_dict() for opening in shelter.openings]
    placed = shelter.lon is not None and shelter.lat is not None
    point = {"type": "Point", "coordinates": [shelter.lon, shelter.lat]} if placed else None
    return {"type": "Feature", "id": shelter.id, "geometry": point, "properties": properties}


def from_geojson(collection: Mapping[str, Any]) -> tuple[Shelter, ...]:
    """Return the shelters of a feature collection that :func:`to_geojson` made."""
    return tuple(_shelter(feature) for feature in collection["features"])


def _shelter(feature: Mapping[str, Any]) -> Shelter:
    known = {field.name for field in fields(Shelter)}
    properties = {name: value for name, value in feature["properties"].items() if name in known}
    openings = properties.get("openings")
    properties["openings"] = None if openings is None else tuple(map(Opening.from_dict, openings))
    properties["reports"] = tuple(map(Report.from_dict, properties.get("reports", ())))
    properties["equipment"] = tuple(properties.get("equipment", ()))
    properties["unplaced"] = Words(**unplaced) if (unplaced := properties.get("unplaced")) else None
    point = feature["geometry"]
    lon, lat = (None, None) if point is None else map(float, point["coordinates"][:2])
    return Shelter(lon=lon, lat=lat, **properties)
