"""Texts for people: the morning's outlook and the official alert, within 140 or 400 characters.

An alert is told from the official flag alone, never before its report time; a drill only to the staff, marked
as one. Official values are passed on as published; what our field adds is called a reference value (参考値).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from heatrisk.alerts import Alert, Status, flag, in_season
from heatrisk.bulletin import phrases
from heatrisk.bulletin.official import Known, known
from heatrisk.bulletin.outlook import Outlook, outlook
from heatrisk.bulletin.phrases import TONGUES, Told, Tongue
from heatrisk.bulletin.wording import LENGTHS, Bulletin, Facts, Kind, Sentence
from heatrisk.stored import StoredRun
from heatrisk.words import JST

__all__ = [
    "LENGTHS",
    "TONGUES",
    "Bulletin",
    "Kind",
    "Known",
    "Tongue",
    "bulletins",
    "known",
]


#: Of a run older than this the words about its field say when it was made.
_AGED = timedelta(hours=6)


def bulletins(
    run: StoredRun, kind: Kind, at: datetime, *, staff: bool = False, alerts: Known | None = None
) -> list[Bulletin]:
    """Return what there is to tell.

    Parameters
    ----------
    run : StoredRun
        The run.
    kind : {"morning", "alert"}
        The outlook for today, or the official alerts for today and later days.
    at : datetime.datetime
        The clock, with zone; nothing is told before its report time.
    staff : bool
        Whether it is for the staff alone, who are told of drills and tests too.
    alerts : Known, optional
        What is known of the official alerts; what the run itself holds of them if omitted.

    Returns
    -------
    list of Bulletin
        One of a morning; as many as there are alerts, so none where there is none.
    """
    known_of = known(run) if alerts is None else alerts
    if kind == "morning":
        return [_morning(run, known_of, at.astimezone(JST).date(), at)]
    found = [_of_alert(run, alert, "normal", at) for alert in known_of.issued(at)]
    return found + [_of_alert(run, alert, status, at) for status, alert in known_of.drilled(at) if staff]


def _morning(run: StoredRun, alerts: Known, day: date, at: datetime) -> Bulletin:
    alert = next((one for one in alerts.issued(at) if one.day == day), None)
    seen = outlook(run, day, at, None if alert is None else alert.level)
    advice = (
        Sentence((phrases.INDOORS,), 6)
        if alert is None
        else Sentence((phrases.ADVICE[alert.level], phrases.BRIEF_ADVICE[alert.level]), 6)
    )
    area, since, flagged = _flag(alerts, day, at, alert)
    sentences = (
        *_sample(run),
        Sentence((phrases.MORNING,), 0, True),
        *flagged,
        *_field(seen, at - run.created > _AGED),
        advice,
        _source(run, seen),
    )
    event = f"morning/{run.manifest['city']['name']['ja']}/{day}"
    return Bulletin("morning", "normal", event, alert, sentences, _facts(run, seen, area, since))


def _of_alert(run: StoredRun, alert: Alert, status: Status, at: datetime) -> Bulletin:
    seen = outlook(run, alert.day, at, alert.level)
    sentences = (
        *_sample(run),
        *([Sentence((phrases.MARKS[status],), 0, True)] if status != "normal" else []),
        Sentence((phrases.ALERTS[alert.level], phrases.BRIEF_ALERTS[alert.level]), 4, True),
        Sentence((phrases.ADVICE[alert.level], phrases.BRIEF_ADVICE[alert.level]), 5, True),
        *_field(seen, at - run.created > _AGED),
        _source(run, seen),
    )
    # A drill may be held again; an alert of a day is one and the same in every bulletin that repeats it.
    again = f"/{alert.issued:%Y%m%dT%H%M}" if status != "normal" else ""
    event = f"{status}/{alert.area_name}/{alert.day}/{alert.level}{again}"
    return Bulletin(
        "alert", status, event, alert, sentences, _facts(run, seen, alert.area_name, alert.issued)
    )


def _sample(run: StoredRun) -> list[Sentence]:
    return [Sentence((phrases.SAMPLE,), 0, True)] if run.manifest["city"].get("sample") else []


def _flag(
    alerts: Known, day: date, at: datetime, alert: Alert | None
) -> tuple[str, datetime | None, tuple[Sentence, ...]]:
    """Return the forecast area, the report time and the sentence of the official flag of a day."""
    configured, bulletin = alerts.configured, alerts.bulletin
    if alert is not None:
        said = Sentence((phrases.TODAYS_ALERTS[alert.level],), 1, True)
        return alert.area_name, alert.issued, (said,)
    if bulletin is not None and flag(bulletin, day, at) is not None:
        public = [one for one in (bulletin, *bulletin.earlier) if one.status == "normal" and one.issued <= at]
        newest = max(public, key=lambda one: one.issued)
        said = Sentence((phrases.NO_ALERT, phrases.BRIEF_NO_ALERT), 1, True)
        return newest.area_name, newest.issued, (said,)
    unknown = (Sentence((phrases.UNKNOWN_ALERT,), 1, True),) if configured and in_season(day) else ()
    return "", None, unknown


def _field(seen: Outlook, aged: bool) -> Iterator[Sentence]:
    """Yield what the official forecast and our field say of a day, as far as they do."""
    if seen.stations:
        yield Sentence((phrases.FORECAST, phrases.BRIEF_FORECAST), 2)
    if seen.hottest is None:
        yield Sentence((phrases.NO_FIELD_SINCE if aged else phrases.NO_FIELD,), 8)
        return
    named, alone = (
        (phrases.WORST, phrases.WORST_HOUR) if seen.danger > 0 else (phrases.HOT_PLACES, phrases.HOT_HOUR)
    )
    worst = (named, alone) if seen.places else (alone,)
    mild = phrases.MILDEST if seen.mildest else phrases.ALL_DAY if seen.constant else None
    if aged:  # together, so that none of them stands without its age
        fullest = () if mild is None else (worst[0].then(mild),)
        yield Sentence(tuple(phrases.AGED.then(form) for form in (*fullest, *worst)), 3)
    else:
        yield Sentence(worst, 3)
        if mild is not None:
            yield Sentence((mild,), 5)
    if seen.shelters:
        yield Sentence((phrases.SHELTERS,), 4)


def _source(run: StoredRun, seen: Outlook) -> Sentence:
    if run.manifest["city"].get("sample"):
        return Sentence((phrases.SAMPLE_SOURCE,), 1, True)
    if seen.hottest is not None:
        return Sentence((phrases.SOURCE, phrases.BRIEF_SOURCE), 7, True)
    if seen.stations:
        return Sentence((phrases.FORECAST_SOURCE, phrases.BRIEF_FORECAST_SOURCE), 7, True)
    return Sentence((phrases.ALERT_SOURCE, phrases.BRIEF_ALERT_SOURCE), 7, True)


def _facts(run: StoredRun, seen: Outlook, area: str, since: datetime | None) -> Facts:
    city, official = run.manifest["city"], run.manifest.get("official") or {}
    name = official.get("publication") or ""
    if city.get("sample"):
        publication = agency = phrases.INVENTED
    elif not name or name.startswith(phrases.MINISTRY):
        publication, agency = phrases.PUBLICATION, phrases.AGENCY
    else:
        publication = agency = Told(name, name, name)
    names = city["name"]
    forecast = official.get("issued")
    return Facts(
        Told(names["ja"], names["ja"], names["en"]),
        area,
        since,
        publication,
        agency,
        None if forecast is None else datetime.fromisoformat(forecast),
        seen,
        run.created,
    )
