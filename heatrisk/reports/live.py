"""A facility's own word: what it says, how long that holds, and what it changes about a shelter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from heatrisk.shelters import Report, Shelter, State, Status
from heatrisk.words import JST, Words

Condition = Literal["open", "closed", "busy", "full"]

DEFAULT_MINUTES, LONGEST_MINUTES = 120, 24 * 60


class Said(NamedTuple):
    """What a facility reports.

    Parameters
    ----------
    state : {"open", "closed", "busy", "full"}
        ``open`` with room for more.
    broken : tuple of str
        Equipment that is out of order, as in :attr:`heatrisk.shelters.Shelter.equipment`.
    note : str
        Remark for visitors.
    minutes : int
        How long it holds [min].
    key : str, optional
        Made up by the sender for this report alone; sent again with it, the report is not made twice.
    """

    state: Condition
    broken: tuple[str, ...] = ()
    note: str = ""
    minutes: int = DEFAULT_MINUTES
    key: str | None = None


class Holder(NamedTuple):
    """Who holds a token.

    Parameters
    ----------
    token : int
        Number of the token.
    shelter, name : str
        Identifier of its facility, and its name when the token was made.
    """

    token: int
    shelter: str
    name: str


@dataclass(frozen=True)
class Live:
    """The status of a facility as it reported it.

    Parameters
    ----------
    shelter, name : str
        Identifier of the facility, and its name when its token was made.
    state : {"open", "closed", "busy", "full"}
        As in :class:`Said`.
    broken : tuple of str
        Equipment out of order.
    note : str
        Remark for visitors.
    received, expires : datetime.datetime
        Since when and until when it holds, UTC.
    """

    shelter: str
    name: str
    state: Condition
    broken: tuple[str, ...]
    note: str
    received: datetime
    expires: datetime

    @property
    def since(self) -> datetime:
        """The minute from which it holds: what is asked for now is told for the minute that has begun."""
        return self.received.replace(second=0, microsecond=0)

    def reports(self) -> tuple[Report, ...]:
        """Return it as reports of crowding and equipment; one that is closed is not crowded either."""
        crowding = {"open": "free", "busy": "busy", "full": "full"}.get(self.state)
        said = [("congestion", crowding)] if crowding else []
        said += [(thing, "broken") for thing in self.broken]
        return tuple(Report(about, state, self.since, self.expires) for about, state in said)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON-ready values."""
        return {
            "state": self.state,
            "broken": list(self.broken),
            "note": self.note,
            "received": written(self.received),
            "expires": written(self.expires),
        }


class Entry(NamedTuple):
    """A line of the audit trail.

    Parameters
    ----------
    number, token : int
        Number of the report, and of the token that made it.
    said : Live
        What was reported.
    """

    number: int
    token: int
    said: Live


def written(at: datetime) -> str:
    """Write an instant as it is kept: ISO 8601 in UTC with milliseconds, which sorts as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def merged(shelter: Shelter, live: Live | None) -> Shelter:
    """Return a shelter with its reports, of each thing the newest; a status of another name is left out.

    An identifier made from the row of a list means another shelter when the list changes; its name tells.
    """
    if live is None or live.name != shelter.name:
        return shelter
    newest: dict[str, Report] = {}
    made = [(one.observed, one) for one in shelter.reports] + [(live.received, one) for one in live.reports()]
    for _, report in sorted(made, key=lambda row: row[0]):
        newest[report.about] = report
    return replace(shelter, reports=tuple(newest.values()))


_STANDING: Mapping[Condition, tuple[State, Words]] = {
    "open": ("open", Words("開いています", "open")),
    "busy": ("open", Words("開いています（混雑）", "open, busy")),
    "full": ("open", Words("満員です", "full")),
    "closed": ("closed", Words("閉まっています", "closed")),
}


def standing(shelter: Shelter, published: Status, live: Live | None, at: datetime) -> Status:
    """Return whether a shelter is open: as it reports itself, else by its published hours.

    Parameters
    ----------
    shelter : Shelter
        The shelter.
    published : Status
        What :func:`heatrisk.shelters.status` says.
    live : Live, optional
        Its report.
    at : datetime.datetime
        The instant, with zone.
    """
    if live is None or live.name != shelter.name or not live.since <= at < live.expires:
        return published
    state, words = _STANDING[live.state]
    clock = f"{live.received.astimezone(JST):%H:%M}"
    minutes = int((at - live.since).total_seconds() // 60)
    return Status(
        state,
        Words(
            f"施設からの報告：{words.ja}（{clock} 現在、{minutes}分前）",
            f"Reported by the facility: {words.en} (as of {clock} JST, {minutes} min ago)",
        ),
    )
