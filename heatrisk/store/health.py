"""How a store stands now: the one line that staff, monitors and the dashboard are told.

What the last attempt said is not enough: it may be days old, its process may have been killed, and the map
on show may have run out meanwhile.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from heatrisk.alerts import MARGIN, in_season
from heatrisk.errors import StoreError
from heatrisk.store.lock import Holder
from heatrisk.stored import StoredRun
from heatrisk.verdict import EXIT_CODES, Light, headed
from heatrisk.words import JST, Words

if TYPE_CHECKING:
    from heatrisk.store import RunStore

#: A store that nobody has tried to renew for so long has lost its scheduler.
SILENT = timedelta(hours=26)


@dataclass(frozen=True)
class Standing:
    """How a store stands.

    Parameters
    ----------
    light : Light
        The colour.
    line : Words
        The same in one line, with the reason.
    run_id : str or None
        The run on show.
    created : datetime.datetime or None
        When it was made.
    attempt : dict
        Record of the last attempt, empty where there is none: see :meth:`RunStore.status`.
    running : Holder or None
        Who is writing a run now.
    killed : Holder or None
        Who was killed while writing one, after the last run that ended.
    """

    light: Light
    line: Words
    run_id: str | None
    created: datetime | None
    attempt: dict[str, Any]
    running: Holder | None
    killed: Holder | None

    @property
    def exit_code(self) -> int:
        """Exit code for the calling process."""
        return EXIT_CODES[self.light]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values, without the processes, which are nobody's business."""
        return {
            "level": self.light.value,
            "exit_code": self.exit_code,
            **self.line._asdict(),
            "run_id": self.run_id,
            "created": None if self.created is None else self.created.isoformat(),
            "attempted": self.attempt.get("at"),
            "sources": self.attempt.get("sources", []),
        }


def standing(store: RunStore, now: datetime) -> Standing:
    """Return how a store stands at an instant.

    Parameters
    ----------
    store : RunStore
        The store; it may be absent.
    now : datetime.datetime
        The clock, with zone.
    """
    run: StoredRun | None = None
    with suppress(StoreError):
        run = store.open()
    attempt, (writer, held) = store.status() or {}, store.writer()
    running, killed = (writer, None) if held else (None, writer)
    light, line = _weighed(run, attempt, killed, now)
    name, created = (None, None) if run is None else (run.id, run.created)
    return Standing(light, line, name, created, attempt, running, killed)


def _weighed(
    run: StoredRun | None, attempt: dict[str, Any], killed: Holder | None, now: datetime
) -> tuple[Light, Words]:
    last = _verdict(attempt)
    sample = run is not None and bool(run.manifest.get("city", {}).get("sample"))
    if last is None and run is None:
        return _headed(Light.RED, Words("まだ計算していません", "nothing has been computed yet"))
    at = _at(attempt)
    if last is not None and (
        last[0] is Light.RED or (last[0] is Light.OFF_SEASON and _still_off_season(at, now))
    ):
        return last
    if run is None:
        return _headed(Light.RED, Words("表示できる結果がありません", "there is no run to show"))
    end = (run.times[-1] + run.window / 2).astimezone(JST)
    if now >= end and not sample:
        return _headed(
            Light.RED,
            Words(
                f"表示中の地図の期間は {end.month}月{end.day}日 {end:%H:%M} に終わりました",
                f"the map on show ended at {end:%Y-%m-%d %H:%M} JST",
            ),
        )
    if killed is not None:
        return _headed(Light.AMBER, _killed(killed.since.astimezone(JST)))
    hours = (now - (at or run.created)).total_seconds() / 3600
    if hours >= SILENT.total_seconds() / 3600 and not sample:
        return _headed(
            Light.AMBER,
            Words(
                f"最後の計算から {hours:.0f} 時間たっています", f"the last attempt was {hours:.0f} hours ago"
            ),
        )
    return last or _headed(Light.GREEN, Words("計算結果を表示しています", "a run is on show"))


def _still_off_season(at: datetime | None, now: datetime) -> bool:
    """Tell whether it is still off-season, or the attempt that found so is recent."""
    recent = at is not None and now - at < SILENT
    return recent or not in_season(now.astimezone(JST).date(), MARGIN)


def _killed(since: datetime) -> Words:
    """Return that a run was killed; which process it was, only the command line tells."""
    return Words(
        f"計算が途中で止まりました（{since:%Y-%m-%d %H:%M} 開始）",
        f"a run was killed that had begun at {since:%Y-%m-%d %H:%M} JST",
    )


def _headed(light: Light, words: Words) -> tuple[Light, Words]:
    return light, headed(light, words)


def _verdict(attempt: dict[str, Any]) -> tuple[Light, Words] | None:
    """Return the colour and the line of an attempt; None where its record does not say."""
    try:
        found = attempt["verdict"]
        return Light(found["level"]), Words(str(found["ja"]), str(found["en"]))
    except (LookupError, TypeError, ValueError):
        return None


def _at(attempt: dict[str, Any]) -> datetime | None:
    """Return when an attempt was made; None where its record does not say."""
    with suppress(LookupError, TypeError, ValueError):
        at = datetime.fromisoformat(attempt["at"])
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None
