"""From facts to a text that fits: what is needed first, then by rank what there is room for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from heatrisk.alerts import Alert, Status
from heatrisk.bulletin.outlook import Outlook
from heatrisk.bulletin.phrases import AROUND, CLASSES, TONGUES, Told, Tongue, clock_told, day_told, share_told
from heatrisk.words import JST

Kind = Literal["morning", "alert"]
#: The most characters that a text may have.
LENGTHS = (140, 400)
#: By length of the text: the longest name, a longer one is cut; the most names of one kind.
_NAMES = {140: (12, 2), 400: (24, 3)}


class Sentence(NamedTuple):
    """A sentence of a bulletin in all its forms.

    Parameters
    ----------
    forms : tuple of Told
        From the fullest to the shortest.
    rank : int
        Which sentence gets room first.
    needed : bool
        Whether the bulletin cannot do without it.
    """

    forms: tuple[Told, ...]
    rank: int
    needed: bool = False


class Facts(NamedTuple):
    """What fills the slots of sentences.

    Parameters
    ----------
    city : Told
        Name of the city.
    area : str
        Forecast area of the alert; empty where none is told.
    issued : datetime.datetime, optional
        Report time of the alert.
    publication, agency : Told
        Whose forecasts these are, in full and in brief.
    forecast : datetime.datetime, optional
        When they were issued.
    seen : Outlook
        The day.
    made : datetime.datetime, optional
        When the run was made.
    """

    city: Told
    area: str
    issued: datetime | None
    publication: Told
    agency: Told
    forecast: datetime | None
    seen: Outlook
    made: datetime | None = None

    def slots(self, tongue: Tongue, length: int) -> dict[str, str]:
        """Return the text of every slot in one language, short enough for a length."""
        longest, most = _NAMES[length]
        seen, comma = self.seen, ", " if tongue == "en" else "・"

        def listed(names: Iterable[str]) -> str:
            return comma.join([_cut(name, longest) for name in names][:most])

        def clock(at: datetime | None) -> str:
            return "" if at is None else clock_told(at, seen.day).to(tongue)

        hours = [f"{at.astimezone(JST).hour}{':00' if tongue == 'en' else ''}" for at in seen.mildest]
        names = [(_cut(one.name, longest), one.highest) for one in seen.stations][:most]
        peaks = [f"{peak} ({name})" if tongue == "en" else f"{name}{peak}" for name, peak in names]
        return {
            "city": _cut(self.city.to(tongue), longest),
            "area": _cut(self.area, longest),
            "issued": clock(self.issued),
            "publication": _cut(self.publication.to(tongue), 40),
            "agency": _cut(self.agency.to(tongue), longest),
            "forecast": clock(self.forecast),
            "made": clock(self.made),
            "day": day_told(seen.day).to(tongue),
            "hour": "" if seen.hottest is None else str(seen.hottest.astimezone(JST).hour),
            "share": share_told(seen.danger).to(tongue),
            "level": CLASSES[seen.code].to(tongue) if seen.code in CLASSES else "",
            "stations": comma.join(peaks),
            "places": AROUND.to(tongue).format(listed(seen.places)) if seen.around else listed(seen.places),
            "hours": comma.join(hours[:4]),
            "shelters": listed(seen.shelters),
        }  # fmt: skip


@dataclass(frozen=True)
class Bulletin:
    """A text for people, in every language and length.

    Parameters
    ----------
    kind : {"morning", "alert"}
        What it is.
    status : {"normal", "drill", "test"}
        Anything but ``normal`` is for the staff alone.
    event : str
        The same for all that speaks of the same event, so that it is sent once.
    alert : Alert, optional
        The official alert.
    sentences : tuple of Sentence
        In the order of reading.
    facts : Facts
        What fills their slots.
    """

    kind: Kind
    status: Status
    event: str
    alert: Alert | None
    sentences: tuple[Sentence, ...]
    facts: Facts

    def text(self, tongue: Tongue, length: int) -> str:
        """Return the text: what is needed, then by rank what has room, then fuller forms where room is left.

        Parameters
        ----------
        tongue : {"ja", "ja-easy", "en"}
            Language.
        length : int
            Most characters, one of :data:`LENGTHS`.
        """
        slots = self.facts.slots(tongue, length)
        forms = [[form.to(tongue).format_map(slots) for form in one.forms] for one in self.sentences]
        chosen = [rows[-1] if one.needed else "" for rows, one in zip(forms, self.sentences, strict=True)]
        order = sorted(range(len(forms)), key=lambda index: self.sentences[index].rank)
        for index in order:
            chosen = _fuller(chosen, index, forms[index][-1:], tongue, length)
        for index in order:
            if chosen[index]:
                chosen = _fuller(chosen, index, forms[index][:-1], tongue, length)
        return _joined(chosen, tongue)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON-ready values."""
        alert = self.alert and {
            "level": self.alert.level,
            "day": self.alert.day.isoformat(),
            "area": self.alert.area_name,
            "reported": self.alert.issued.astimezone(JST).isoformat(),
        }
        texts = {tongue: {str(length): self.text(tongue, length) for length in LENGTHS} for tongue in TONGUES}
        return {"kind": self.kind, "status": self.status, "event": self.event, "alert": alert, "texts": texts}


def _fuller(chosen: list[str], index: int, forms: list[str], tongue: Tongue, length: int) -> list[str]:
    """Return the choice with the first of some forms of a sentence that fits, if it is fuller."""
    for form in forms:
        tried = [*chosen[:index], form, *chosen[index + 1 :]]
        if len(form) > len(chosen[index]) and len(_joined(tried, tongue)) <= length:
            return tried
    return chosen


def _joined(sentences: list[str], tongue: Tongue) -> str:
    return ("" if tongue == "ja" else " ").join(part.strip() for part in sentences if part)


def plain(text: str) -> str:
    """Return a text on one line, without characters that are not to be seen."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _cut(name: str, most: int) -> str:
    """Return a name on one line, no longer than it may be."""
    shown = plain(name)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
