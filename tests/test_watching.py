"""The watcher: its plan as a pure function, days in a moment with a made clock, and its end by a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time as clocks
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.city import read_city
from heatrisk.errors import CityFileError
from heatrisk.operation import Outcome, watching
from heatrisk.operation.schedule import LONGEST_PAUSE, Plan, first_pass, next_pass
from heatrisk.operation.watching import plan_of, watch
from heatrisk.store import RunStore
from heatrisk.verdict import Light, Verdict
from heatrisk.words import JST, Note, Words
from tests.tiny_city import make_tiny

ROOT = Path(__file__).resolve().parents[1]
PLAN = Plan((time(5, 10), time(5, 50), time(14, 10)), timedelta(minutes=3), timedelta(minutes=5))


def jst(day: int, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-07-{day:02d}T{clock}").replace(tzinfo=JST)


@pytest.mark.parametrize(
    "now, failures, off, due",
    [
        ("05:09", 0, False, (1, "05:10")),
        ("05:10", 0, False, (1, "05:50")),
        ("13:00", 0, False, (1, "14:10")),
        ("14:10", 0, False, (2, "05:10")),
        ("23:59", 0, False, (2, "05:10")),
        ("05:11", 1, False, (1, "05:16")),
        ("05:16", 2, False, (1, "05:26")),
        ("05:26", 3, False, (1, "05:46")),
        ("05:46", 4, False, (1, "05:50")),
        ("06:00", 9, False, (1, "07:00")),
        ("05:51", 1, True, (2, "05:10")),
    ],
)
def test_the_plan(now: str, failures: int, off: bool, due: tuple[int, str]) -> None:
    assert next_pass(PLAN, jst(1, now), 0.0, failures=failures, off_season=off) == jst(*due)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.floats(0, 1),
    st.integers(0, 2000),
    st.booleans(),
)
def test_the_next_pass_lies_ahead_and_within_a_day(
    now: datetime, chance: float, failures: int, off: bool
) -> None:
    due = next_pass(PLAN, now, chance, failures=failures, off_season=off)
    assert now < due <= now + timedelta(days=1) + PLAN.jitter
    assert due.tzinfo is UTC
    planned = next_pass(PLAN, now, 0.0, off_season=off)
    if not failures or off:
        assert timedelta(0) <= due - planned <= PLAN.jitter
    else:
        assert due <= planned + PLAN.jitter
        assert due - now <= LONGEST_PAUSE * 1.1


def test_a_watcher_begins_at_once_unless_a_pass_was_just_made() -> None:
    now = jst(1, "12:00")
    assert first_pass(PLAN, now, 0.0, None) == now
    assert first_pass(PLAN, now, 0.0, now - timedelta(hours=1)) == now
    assert first_pass(PLAN, now, 0.0, now - timedelta(minutes=1)) == jst(1, "14:10")
    assert first_pass(PLAN, now, 0.0, now + timedelta(days=1)) == now, "a clock was wrong"


class Days:
    """A clock that only sleeping moves, and a city whose passes go as they are told."""

    def __init__(self, start: datetime, lights: Callable[[datetime], Light | Exception]) -> None:
        self.now, self.lights = start, lights
        self.passes, self.told = list[datetime](), list[datetime]()

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 30
        self.now += timedelta(seconds=seconds)

    def recompute(self, city: Path, store: RunStore, created: datetime, progress: object) -> Outcome:
        self.passes.append(created.astimezone(JST))
        light = self.lights(created)
        if isinstance(light, Exception):
            raise light
        notes = (Note.of("alerts_stale", "x", "x"),) if light is Light.AMBER else ()
        return Outcome(Verdict(light, Words("計算", "computed"), notes))

    def live(self, city: Path, monkeypatch: pytest.MonkeyPatch, passes: int) -> None:
        monkeypatch.setattr(watching, "recompute", self.recompute)
        watch(
            city, RunStore(city.parent / "store"), lambda *_: None, lambda _, due: self.told.append(due),
            clock=lambda: self.now, sleep=self.sleep, chance=lambda: 0.0, passes=passes,
        )  # fmt: skip


def test_a_bad_morning_is_tried_again_until_it_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = jst(1, "05:30")
    days = Days(jst(1, "05:10"), lambda at: Light.GREEN if at >= good else Light.RED)
    days.live(make_tiny(tmp_path), monkeypatch, 6)
    clock = [f"{at:%d %H:%M}" for at in days.passes]
    assert clock == ["01 05:10", "01 05:15", "01 05:25", "01 05:45", "01 05:50", "01 10:10"]
    assert days.told[1:] == [*days.passes[1:], jst(1, "14:10")], "each outcome is told with the next pass"


def test_defects_old_copies_and_winter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = make_tiny(tmp_path)
    broken = Days(jst(1, "10:00"), lambda at: ZeroDivisionError() if at < jst(1, "10:05") else Light.GREEN)
    broken.live(city, monkeypatch, 3)
    assert [f"{at:%H:%M}" for at in broken.passes] == ["10:00", "10:05", "10:10"]
    stale = Days(jst(1, "10:20"), lambda at: Light.AMBER)
    stale.live(city, monkeypatch, 2)
    assert [f"{at:%H:%M}" for at in stale.passes] == ["10:20", "10:25"]
    winter = Days(jst(1, "06:00"), lambda at: Light.OFF_SEASON)
    winter.live(city, monkeypatch, 4)
    assert [f"{at:%d %H:%M}" for at in winter.passes] == ["01 06:00", "02 05:10", "03 05:10", "04 05:10"]


def test_a_clock_that_was_wrong_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = Days(jst(20, "12:00"), lambda at: Light.GREEN)
    slept = days.sleep

    def set_back(seconds: float) -> None:
        slept(seconds)
        if days.now > jst(20, "13:00"):
            days.now = jst(10, "13:00")

    monkeypatch.setattr(days, "sleep", set_back)
    days.live(make_tiny(tmp_path), monkeypatch, 2)
    assert days.passes[1] == jst(10, "13:00")


def test_the_city_names_its_times(tmp_path: Path) -> None:
    city = make_tiny(tmp_path)
    text = city.read_text("utf-8")
    assert plan_of(city).times[:2] == (time(5, 10), time(5, 50))
    city.write_text(text + '[watch]\ntimes = ["17:05", "05:15"]\njitter_minutes = 1\n', "utf-8")
    assert plan_of(city) == Plan((time(5, 15), time(17, 5)), timedelta(minutes=1), timedelta(minutes=5))
    city.write_text(text + '[watch]\ntimes = ["25:00"]\n', "utf-8")
    with pytest.raises(CityFileError, match="05:10"):
        read_city(city)
    assert plan_of(city).times[0] == time(5, 10), "a broken city file stops no watcher"


def test_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    city = make_tiny(tmp_path)
    (tmp_path / "footprints.gpkg").unlink()  # every pass is red, and short
    script = "import sys\nfrom heatrisk.cli import main\nsys.argv[0] = 'heatrisk'\nmain()\n"
    command = [sys.executable, "-c", script, "watch", city, "--log", "json"]
    started = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "LANG": "C"}
    )
    assert started.stdout is not None
    lines = []
    for line in started.stdout:
        lines.append(line)
        if '"event": "next"' in line and any('"event": "verdict"' in one for one in lines):
            break
    started.send_signal(signal.SIGTERM)
    begun = clocks.monotonic()
    assert started.wait(30) == 0 and clocks.monotonic() - begun < 20
    started.stdout.close()
    assert RunStore(tmp_path / "store").writer() == (None, False)
    assert "footprints.gpkg" in "".join(lines)
