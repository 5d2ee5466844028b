"""The watcher: its plan as a pure function, days in a moment with a made clock, and its end by a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time as clocks
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.city import read_city
from heatrisk.cli.running import _told_pass
from heatrisk.cli.speech import Speech
from heatrisk.errors import CityFileError, StoreError
from heatrisk.operation import Outcome, Sending, check, watching
from heatrisk.operation.schedule import LONGEST_PAUSE, Plan, first_pass, next_pass
from heatrisk.operation.watching import Next, plan_of, watch
from heatrisk.store import RunStore
from heatrisk.verdict import Light, Verdict
from heatrisk.webhook import Delivery, Webhook
from heatrisk.words import JST, Language, Note, Words
from tests.receiver import Receiver, write_alerted_run
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


@given(
    st.integers(0, 12 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60)),
    st.floats(0, 1),
    st.integers(0, 60),
)
def test_no_chance_carries_a_pass_of_the_morning_past_noon(at: time, chance: float, jitter: int) -> None:
    plan = Plan((at,), timedelta(minutes=jitter), timedelta(minutes=5))
    due = next_pass(plan, jst(1, "00:00") - timedelta(minutes=1), chance)
    assert jst(1, "00:00") <= due <= jst(1, "11:59")
    assert due == jst(1, "00:00") + timedelta(hours=at.hour, minutes=at.minute) or jitter > 0
    assert next_pass(plan._replace(times=(time(12),)), jst(1, "11:59"), 1.0) == jst(1, "12:00") + plan.jitter


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
        self.passes, self.told, self.sent = list[datetime](), list[datetime](), list[Sending]()
        self.outcomes = list[Outcome | Exception | None]()
        self.computing, self.run_id = list[bool](), None

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 30
        self.now += timedelta(seconds=seconds)

    def recompute(self, city: Path, store: RunStore, created: datetime, progress: object) -> Outcome:
        self.passes.append(created.astimezone(JST))
        light = self.lights(created)
        if isinstance(light, Exception):
            raise light
        notes = (Note.of("alerts_stale", "x", "x"),) if light is Light.AMBER else ()
        return Outcome(Verdict(light, Words("計算", "computed"), notes), self.run_id)

    def tell(self, outcome: Outcome | Exception | None, sent: list[Sending], ahead: Next) -> None:
        self.told.append(ahead.at)
        self.computing.append(ahead.computing)
        if outcome is not None or sent:
            self.outcomes.append(outcome)
        self.sent += sent

    def live(self, city: Path, monkeypatch: pytest.MonkeyPatch, passes: int, luck: float = 0.0) -> None:
        monkeypatch.setattr(watching, "recompute", self.recompute)
        watch(
            city, RunStore(city.parent / "store"), lambda *_: None, self.tell,
            clock=lambda: self.now, sleep=self.sleep, chance=lambda: luck, passes=passes,
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


def test_the_morning_has_a_pass_of_its_own(tmp_path: Path) -> None:
    city = make_tiny(tmp_path)
    text = city.read_text("utf-8") + '[watch]\ntimes = ["05:15"]\n[tell]\nmorning = "06:40"\n'
    city.write_text(text, "utf-8")
    assert plan_of(city).times == (time(5, 15),), "nobody is told"
    for line in ('webhook = "env:HOOK"', 'staff_webhook = "env:HOOK"'):
        city.write_text(f"{text}{line}\n", "utf-8")
        assert plan_of(city).times == (time(5, 15), time(6, 40))
    city.write_text(text.replace("06:40", "12:00"), "utf-8")
    with pytest.raises(CityFileError, match=r"tell\.morning.*before noon"):
        read_city(city)


TELL = '[tell]\nwebhook = "env:HOOK"\nstaff_webhook = "env:STAFF_HOOK"\n'


def august(clock: str) -> datetime:
    return datetime.fromisoformat(f"2025-08-05T{clock}").replace(tzinfo=JST)


def told(city: Path, start: str, passes: int, monkeypatch: pytest.MonkeyPatch) -> Days:
    """Watch the day of the alerted run, every pass of which makes it anew."""
    days = Days(august(start), lambda at: Light.GREEN)
    days.run_id = write_alerted_run(city.parent / "store").id
    days.live(city, monkeypatch, passes)
    return days


def test_each_event_is_sent_once_at_its_time_to_whom_it_concerns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    city = make_tiny(tmp_path)
    city.write_text(city.read_text("utf-8") + TELL, "utf-8")
    alert, morning = "normal/東京都/2025-08-05/alert", "morning/三鷹市/2025-08-05"
    told(city, "04:50", 1, monkeypatch)
    assert receiver.events() == [], "nothing before the report time"
    told(city, "05:10", 1, monkeypatch)
    assert receiver.events() == [("public", alert), ("staff", alert)]
    days = told(city, "05:50", 2, monkeypatch)
    assert receiver.events()[2:] == [("public", morning), ("staff", morning)]
    assert len(days.sent) == 2 and all(one.code == 0 for one in days.sent)
    told(city, "14:10", 2, monkeypatch)
    (drill,) = receiver.events()[4:]
    assert drill[0] == "staff" and drill[1].startswith("drill/")


def test_a_morning_just_before_noon_is_told_though_its_pass_ends_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    city = make_tiny(tmp_path)
    watched = "[watch]\njitter_minutes = 60\n" + TELL.replace("staff_", "# staff_") + 'morning = "11:59"\n'
    city.write_text(city.read_text("utf-8") + watched, "utf-8")
    monkeypatch.setattr(RunStore, "status", lambda _: {"at": august("11:55").isoformat()})

    def slow(at: datetime) -> Light:
        days.now += timedelta(minutes=4)
        return Light.GREEN

    days = Days(august("11:56"), slow)
    days.run_id = write_alerted_run(city.parent / "store").id
    days.live(city, monkeypatch, 1, luck=0.99)
    assert [f"{at:%H:%M}" for at in days.passes] == ["11:59"] and days.now > august("12:00")
    assert ("public", "morning/三鷹市/2025-08-05") in receiver.events()


def test_a_delivery_is_a_line_of_its_own_for_machines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Speech, "machine", True)
    failed = Sending(Words("失敗", "failed"), 10, again=True, new=True, event="a")
    _told_pass(None, [failed], Next(jst(1, "05:10"), computing=False))
    sent, following = map(json.loads, capsys.readouterr().out.splitlines())
    facts = {"event": "sent", "name": "a", "code": 10, "ja": "失敗", "en": "failed"}
    assert sent.items() >= facts.items()
    facts = {"event": "next", "due": "2026-07-01T05:10:00+09:00", "computing": False}
    assert following.items() >= facts.items()


@pytest.mark.parametrize(
    "computing, lang, line",
    [
        (True, "ja", "次の計算は 07-01 05:10 です"),
        (False, "ja", "07-01 05:10 にもう一度送信します（計算はしません）"),
        (True, "en", "next pass at 07-01 05:10 JST"),
        (False, "en", "sending again at 07-01 05:10 JST, without a new run"),
    ],
)
def test_what_comes_next_is_told_as_what_it_is(
    computing: bool,
    lang: Language,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Speech, "machine", False)
    monkeypatch.setattr(Speech, "language", lang)
    _told_pass(None, [], Next(jst(1, "05:10"), computing))
    assert capsys.readouterr().out.strip() == line


def test_a_red_pass_sends_what_had_failed_but_no_outlook_of_yesterday(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    city = make_tiny(tmp_path)
    city.write_text(city.read_text("utf-8") + TELL.replace("staff_", "# staff_"), "utf-8")
    receiver.status = 503
    told(city, "05:10", 1, monkeypatch)
    receiver.status = 204
    red = Days(august("05:50"), lambda at: Light.RED)
    red.live(city, monkeypatch, 1)
    alert, morning = "normal/東京都/2025-08-05/alert", "morning/三鷹市/2025-08-05"
    assert receiver.events() == [("public", alert), ("public", morning)]
    broken = Days(august("06:30") + timedelta(days=1), lambda at: ZeroDivisionError())
    broken.live(city, monkeypatch, 1)
    assert len(receiver.events()) == 2 and broken.sent == [], "the run is of the day before"
    nothing = Days(august("06:30"), lambda at: Light.RED)
    nothing.live(tmp_path / "other" / "city.toml", monkeypatch, 1)
    assert nothing.sent == []


def test_what_hinders_one_event_hinders_no_other_and_makes_no_good_run_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    city = make_tiny(tmp_path)
    city.write_text(city.read_text("utf-8") + TELL.replace("staff_", "# staff_"), "utf-8")
    sending, alert = Webhook.send, "normal/東京都/2025-08-05/alert"

    def busy(hook: Webhook, event: str, content: Mapping[str, object]) -> Delivery:
        if event == alert:
            raise StoreError("no space left")
        return sending(hook, event, content)

    monkeypatch.setattr(Webhook, "send", busy)
    days = told(city, "06:00", 2, monkeypatch)
    assert receiver.events() == [("public", "morning/三鷹市/2025-08-05")]
    assert [(one.event, one.code, one.again) for one in days.sent[::2]] == [(alert, 20, True)] * 2
    assert len(days.passes) == 1, "the second only sent"
    monkeypatch.setattr(watching, "send_news", lambda *_: 1 / 0)
    days = told(city, "06:00", 2, monkeypatch)
    assert [type(outcome) for outcome in days.outcomes] == [Outcome, type(None)]
    assert all("ZeroDivisionError" in one.words.en and one.code == 20 for one in days.sent)


def test_a_receiver_that_is_down_is_tried_again_without_a_new_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    city = make_tiny(tmp_path)
    city.write_text(city.read_text("utf-8") + TELL.replace("staff_", "# staff_"), "utf-8")
    receiver.status = 503
    days = told(city, "10:10", 8, monkeypatch)
    tried = [f"{at:%H:%M}" for at in days.told[1:-1]]
    assert tried == ["10:15", "10:25", "10:45", "11:25", "12:25", "13:25", "14:10"]
    assert [f"{at:%H:%M}" for at in days.passes] == ["10:10", "14:10"]
    assert days.computing == [True, *[False] * 6, True, False], "and it is said which of them make a run"
    assert all(one.again and one.code == 10 for one in days.sent)
    assert len(days.sent) == 5 * 2 + 3, "no morning's text after noon"
    receiver.status = 204
    told(city, "10:25", 2, monkeypatch)
    assert len(receiver.events()) == len({*receiver.events()}) == 2, "then all arrives, and once"


def test_what_cannot_be_sent_is_told_and_stops_no_watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    city = make_tiny(tmp_path)
    city.write_text(city.read_text("utf-8") + TELL, "utf-8")
    monkeypatch.delenv("HOOK")
    monkeypatch.setenv("HEATRISK_STAFF_WEBHOOK_SECRET", "short")
    days = told(city, "13:00", 2, monkeypatch)
    assert [one.code for one in days.sent] == [20] * 4 and receiver.events() == []
    assert [f"{at:%H:%M}" for at in days.passes] == ["13:00", "14:10"], "trying again would not help"
    doubts = [note.words.en for note in check(city, jst(30, "08:00")).doubts if note.code == "tell_unusable"]
    assert [text.split(":")[0] for text in doubts] == ["HOOK", "HEATRISK_STAFF_WEBHOOK_SECRET"]


def test_an_address_stands_in_the_environment_alone(tmp_path: Path) -> None:
    city = make_tiny(tmp_path)
    text, address = city.read_text("utf-8"), '"https://hooks.example.jp/KEY"'
    for lines in (
        f"[tell]\nwebhook = {address}",
        f"[tell]\nstaff_webhook = [{address}]",
        f"[tell]\nwebhook = {{ url = {address} }}",
        f"[tell]\nmorning = {address}",
        f"[tell]\nto = {address}",
        f"[[tell]]\nwebhook = {address}",
    ):
        city.write_text(f"{text}{lines}\n", "utf-8")
        with pytest.raises(CityFileError, match="tell") as caught:
            read_city(city)
        texts = [caught.value.text(lang, public=public) for lang in ("ja", "en") for public in (True, False)]
        assert not any("KEY" in one or "hooks" in one for one in (*texts, str(caught.value))), lines


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
