"""The official heat-stroke alerts of the city's forecast area: passed on as issued, never derived.

What a run keeps of the alerts may hold drills and bulletins whose report time is still to come. They leave
through :func:`heatrisk.alerts.public` and :func:`heatrisk.alerts.flag` alone, asked for an instant that is
never later than the clock.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from heatrisk.alerts import NAMES, Alert, AlertBulletin, Level, flag, in_season, public
from heatrisk.api.answers import both, spoken
from heatrisk.api.caching import json_answer
from heatrisk.api.params import CLOCK, LATEST, NOW, AtQuery, LangQuery, RunQuery, instant, utc
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import Service, service_of
from heatrisk.bulletin import Known, known
from heatrisk.stored import StoredRun
from heatrisk.words import JST, Words

State = Literal["special", "alert", "none", "unknown", "unavailable", "out_of_season", "not_configured"]

#: A new bulletin must not wait behind an old answer that is still allowed for a while.
MINUTE = "public, max-age=60"
CREDIT = Words("出典：環境省 熱中症予防情報サイト", "Source: Ministry of the Environment of Japan")

router = APIRouter(responses=PROBLEM_RESPONSE)


@router.get("/alerts", tags=["places"], summary="Official heat-stroke alerts for the city")
async def alerts(
    request: Request, run: RunQuery = LATEST, at: AtQuery = NOW, lang: LangQuery = None
) -> Response:
    """Flag of the day and of later days, as issued.

    Absence is told as what it is: no alert, nothing said yet, not to be had, outside the season, or not
    configured. Drills, tests and bulletins before their report time are never told. The alerts of the newest
    run do not wait for the next one: `read`, when they were read, may be later than the run was made.
    """
    service = service_of(request)
    stored = service.store.open(run)
    clock = service.clock().replace(second=0, microsecond=0)
    moment = clock if at in CLOCK else instant(at)
    body = told(service, stored, known(stored, service.store), moment, min(moment, clock))
    return json_answer(
        request, spoken(body, lang), {**service.headers(stored, fixed=False), "Cache-Control": MINUTE}
    )


def level(alerts: Known, at: datetime, seen: datetime) -> Level | None:
    """Return the alert in force on the Japanese day of an instant; None where there is none or none is known.

    Parameters
    ----------
    alerts : Known
        What is known of the alerts.
    at, seen
        As for :func:`told`.
    """
    today = at.astimezone(JST).date()
    return next((alert.level for alert in alerts.issued(seen) if alert.day == today), None)


def told(service: Service, run: StoredRun, alerts: Known, at: datetime, seen: datetime) -> dict[str, Any]:
    """Return what may be told of the alerts.

    Parameters
    ----------
    service : Service
        For the freshness of the run.
    run : StoredRun
        The run beside which they are told.
    alerts : Known
        What is known of them.
    at : datetime.datetime
        The instant asked about, with zone; its day in Japan is the first one told.
    seen : datetime.datetime
        The instant up to which bulletins are looked at, with zone; never later than the clock.
    """
    configured, bulletin, read = alerts
    today = at.astimezone(JST).date()
    days = [] if bulletin is None else _days(bulletin, today, seen)
    state = _state(configured, bulletin, days, today)
    reported = None if bulletin is None else _reported(bulletin, seen)
    name = None if reported is None or bulletin is None else bulletin.area_name
    sample = bool(run.manifest["city"].get("sample", False))
    return {
        "run": run.id,
        "at": utc(at),
        "state": state,
        "words": both(_sentence(state, name, today, run.created)),
        "area": None if name is None or bulletin is None else {"id": bulletin.area, "name": name},
        "reported": None if reported is None else utc(reported),
        "read": None if bulletin is None else utc(read),
        "since": utc(run.created) if state == "unavailable" else None,
        "days": days,
        "sample": sample,
        "attribution": None if sample or reported is None else both(CREDIT),
        "stale": service.stale(run),
    }


def _days(bulletin: AlertBulletin, today: date, seen: datetime) -> list[dict[str, Any]]:
    """Return today, and the later days of which something is public."""
    issued = {alert.day: alert for alert in public(bulletin, seen)}
    spoken_of = {day for one in (bulletin, *bulletin.earlier) for day, _ in one.days}
    later = sorted(day for day in spoken_of if day > today and flag(bulletin, day, seen) is not None)
    return [_day(day, today, flag(bulletin, day, seen), issued.get(day)) for day in (today, *later)]


def _day(day: date, today: date, number: int | None, alert: Alert | None) -> dict[str, Any]:
    level = alert.level if alert else "unknown" if number is None else "none"
    kind = {0: "today", 1: "tomorrow"}.get((day - today).days, "later")
    return {
        "date": day.isoformat(),
        "day": kind,
        "day_words": both(_KINDS[kind]),
        "flag": number,
        "level": level,
        "words": both(_LEVELS[level]),
        "issued": None if alert is None else utc(alert.issued),
    }


_KINDS = {
    "today": Words("今日", "today"),
    "tomorrow": Words("明日", "tomorrow"),
    "later": Words("後日", "later"),
}
_LEVELS: dict[str, Words] = {
    "alert": NAMES["alert"],
    "special": NAMES["special"],
    "none": Words("発表なし", "not issued"),
    "unknown": Words("まだ発表内容がありません", "nothing has been said yet"),
}


def _reported(bulletin: AlertBulletin, seen: datetime) -> datetime | None:
    """Return the report time of the newest bulletin that is public."""
    issued = [one.issued for one in (bulletin, *bulletin.earlier) if one.status == "normal"]
    return max((at for at in issued if at <= seen), default=None)


def _state(
    configured: bool, bulletin: AlertBulletin | None, days: list[dict[str, Any]], today: date
) -> State:
    if not configured:
        return "not_configured"
    level: State = days[0]["level"] if days else "unknown"
    if level != "unknown":
        return level
    if not in_season(today):
        return "out_of_season"
    return "unavailable" if bulletin is None else "unknown"


def _sentence(state: State, area: str | None, today: date, created: datetime) -> Words:
    """Return the one sentence for people."""
    ja, en = f"{today.month}月{today.day}日", f"{today:%Y-%m-%d}"
    place = Words(f"{area}：", f"{area}: ") if area else Words("", "")
    at = created.astimezone(JST)
    if state in ("special", "alert"):
        name = NAMES["special" if state == "special" else "alert"]
        return Words(f"{place.ja}{ja}の{name.ja}が発表されています", f"{place.en}{name.en} for {en}")
    sentences: dict[str, Words] = {
        "none": Words(
            f"{place.ja}{ja}の熱中症警戒情報は発表されていません", f"{place.en}no heat-stroke alert for {en}"
        ),
        "unknown": Words(
            f"{place.ja}{ja}の熱中症警戒情報の発表内容はまだ確認できていません",
            f"{place.en}nothing is known yet of a heat-stroke alert for {en}",
        ),
        "unavailable": Words(
            f"熱中症警戒情報を取得できていません（{at.month}月{at.day}日 {at:%H:%M} の計算から）",
            f"the official alerts have not been available since the run of {at:%Y-%m-%d %H:%M} JST",
        ),
        "out_of_season": Words(
            "熱中症警戒情報は例年、4月下旬から10月下旬までの間だけ発表されます",
            "heat-stroke alerts are issued from late April to late October only",
        ),
        "not_configured": Words(
            "熱中症警戒情報を表示する設定がありません", "no source of official alerts is configured"
        ),
    }
    return sentences[state]
