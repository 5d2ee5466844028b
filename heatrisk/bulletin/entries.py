"""What the feeds of a city hold: the official alerts, and the morning's text as an entry a day.

Alerts are made from the flags that are public at an instant, so there is no drill among them and nothing of a
report time to come; what is said of one follows from the alert alone and never changes. The morning's text
stays as it was when it became known, until a newer run or newer alerts are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, time
from typing import NamedTuple

from heatrisk.alerts import NAMES, Alert, AlertBulletin, in_season, public
from heatrisk.bulletin import Bulletin, Known, bulletins
from heatrisk.bulletin.phrases import (
    ADVICE,
    ALERT_SOURCE,
    ALERTS,
    COMPUTED,
    MORNING,
    SAMPLE,
    SAMPLE_SOURCE,
    Tongue,
    clock_told,
    day_told,
)
from heatrisk.bulletin.wording import plain
from heatrisk.city.sections import TellSection
from heatrisk.stored import StoredRun
from heatrisk.words import JST, Language, Words

OUTLOOK = Words("朝の暑さ情報", "morning outlook")


class Morning(NamedTuple):
    """The morning's text as a feed holds it.

    Parameters
    ----------
    bulletin : Bulletin
        The text.
    since : datetime.datetime
        When it became known, with zone; what passed or was issued later is not in it.
    made : datetime.datetime
        When its run was made, with zone.
    """

    bulletin: Bulletin
    since: datetime
    made: datetime


def known_since(run: StoredRun, alerts: Known, at: datetime) -> datetime | None:
    """Return when the morning's text of today became known.

    Parameters
    ----------
    run : StoredRun
        The newest run.
    alerts : Known
        What is known of the official alerts.
    at : datetime.datetime
        The clock, with zone.

    Returns
    -------
    datetime.datetime or None
        With zone; None before ``[tell] morning`` of the city file, and outside the season for a run that says
        nothing of the day.
    """
    here = at.astimezone(JST)
    told = (run.manifest["city"].get("config") or {}).get("tell") or {}
    hour = time.fromisoformat(told.get("morning", TellSection().morning))
    # What was read before its report time becomes known only then.
    issued = (alert.issued for alert in alerts.issued(at) if alert.day == here.date())
    since = max(datetime.combine(here.date(), hour, JST), run.created, alerts.read, *issued)
    spoken_of = any(moment.astimezone(JST).date() == here.date() for moment in run.times)
    return since if since <= at and (spoken_of or in_season(here.date())) else None


def morning(run: StoredRun, alerts: Known, since: datetime) -> Morning:
    """Return the text of a morning as it was when it became known; parameters as for :func:`known_since`."""
    (bulletin,) = bulletins(run, "morning", since, alerts=alerts)
    return Morning(bulletin, since, run.created)


class Feed(NamedTuple):
    """What the feeds of a city are made from.

    Parameters
    ----------
    city : Words
        Its name.
    base : str
        Address of the service, without trailing slash.
    bulletin : AlertBulletin, optional
        What was read of the alerts, drills and coming report times included.
    at : datetime.datetime
        The clock, with zone.
    sample : bool
        Whether the city is an invented one.
    morning : Morning, optional
        The morning's text, where it is known.
    """

    city: Words
    base: str
    bulletin: AlertBulletin | None
    at: datetime
    sample: bool = False
    morning: Morning | None = None

    def alerts(self) -> list[Alert]:
        """Return the alerts that are public: today's and those of later days."""
        return [] if self.bulletin is None else public(self.bulletin, self.at)

    def name(self, alert: Alert) -> str:
        """Return the identifier of an alert: of a day there is one of each level, never taken back."""
        area = "" if self.bulletin is None else re.sub(r"[^0-9A-Za-z]", "", self.bulletin.area)
        return f"heatrisk.{area or 'area'}.{alert.day:%Y%m%d}.{alert.level}"

    def headline(self, alert: Alert, tongue: Tongue) -> str:
        """Return an alert in one sentence."""
        said = ALERTS[alert.level].to(tongue).format(
            area=plain(alert.area_name),
            day=day_told(alert.day).to(tongue),
            issued=clock_told(alert.issued, alert.day).to(tongue),
        )  # fmt: skip
        return self._marked(said, tongue)

    def outlook(self, tongue: Tongue) -> str:
        """Return the title of the morning's text; empty where there is none."""
        if self.morning is None:
            return ""
        facts = self.morning.bulletin.facts
        city, day = plain(facts.city.to(tongue)), day_told(facts.seen.day).to(tongue)
        return self._marked(MORNING.to(tongue).format(city=city, day=day).rstrip("。."), tongue)

    def _marked(self, said: str, tongue: Tongue) -> str:
        return _joined(tongue, SAMPLE.to(tongue), said) if self.sample else said


class Entry(NamedTuple):
    """What a feed holds of one event, in one language or in Japanese and English.

    Parameters
    ----------
    name : str
        The same for all that is ever said of the event.
    title, text : str
        What it says; the title in one language.
    at : datetime.datetime
        When that became known, with zone.
    term, label : str
        Its category, for machines and for people.
    author : str, optional
        Who says so, where that is not the publisher of the alerts.
    cap : str, optional
        Address of its CAP message.
    """

    name: str
    title: str
    text: str
    at: datetime
    term: str
    label: str
    author: str | None = None
    cap: str | None = None


def entries(feed: Feed, tongue: Tongue | None = None) -> Iterator[Entry]:
    """Yield the alerts, today's first, then the morning's text.

    Parameters
    ----------
    feed : Feed
        What they are made from.
    tongue : {"ja", "ja-easy", "en"}, optional
        Language; Japanese and then English if omitted.
    """
    tongues: tuple[Tongue, ...] = ("ja", "en") if tongue is None else (tongue,)
    label: Language = "en" if tongue == "en" else "ja"
    for alert in feed.alerts():
        yield Entry(
            feed.name(alert),
            feed.headline(alert, tongues[0]),
            "\n".join(_alert_told(feed, alert, one) for one in tongues),
            alert.issued,
            alert.level,
            NAMES[alert.level].to(label),
            cap=f"{feed.base}/feeds/alerts.cap.xml?day={alert.day}",
        )
    if feed.morning is not None:
        yield Entry(
            f"heatrisk.morning.{feed.morning.bulletin.facts.seen.day:%Y%m%d}",
            feed.outlook(tongues[0]),
            "\n".join(_morning_told(feed.morning, one) for one in tongues),
            feed.morning.since,
            "morning",
            OUTLOOK.to(label),
            author=plain(feed.city.to(label)) or "heatrisk",
        )


def _alert_told(feed: Feed, alert: Alert, tongue: Tongue) -> str:
    """Return an alert with advice and source."""
    source = SAMPLE_SOURCE if feed.sample else ALERT_SOURCE
    return _joined(tongue, feed.headline(alert, tongue), ADVICE[alert.level].to(tongue), source.to(tongue))


def _morning_told(morning: Morning, tongue: Tongue) -> str:
    """Return the morning's text with when it was computed."""
    made = f"{morning.made.astimezone(JST):%Y-%m-%d %H:%M}"
    return f"{morning.bulletin.text(tongue, 400)}\n{COMPUTED.to(tongue).format(made=made)}"


def _joined(tongue: Tongue, *parts: str) -> str:
    return ("" if tongue == "ja" else " ").join(parts)
