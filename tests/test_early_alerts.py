"""An alert that was read does not wait for a run: told and sent once, whatever becomes of the map."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from heatrisk.api import Settings, create_app
from heatrisk.bulletin import known, official
from heatrisk.cli import main
from heatrisk.errors import StoreError
from heatrisk.operation import Next, Outcome, Sending, recompute, recomputing, replay, watch, watching
from heatrisk.sources.web import Downloads
from heatrisk.store import RunStore
from heatrisk.verdict import Light
from heatrisk.words import JST
from tests.cap import NAMESPACE, checked
from tests.client import Client
from tests.hostile_server import BEHAVIOURS, serving
from tests.receiver import Receiver
from tests.test_alert_csv import ROWS
from tests.test_alert_csv import written as bulletin
from tests.tiny_city import make_tiny

ROOT = Path(__file__).resolve().parents[1]
ALERT = "normal/東京都/2026-07-30/alert"
SECTIONS = """
[alerts]
path = "alerts"
area = "130000"
[tell]
webhook = "env:HOOK"
staff_webhook = "env:STAFF_HOOK"
"""


def at(clock: str, day: int = 30) -> datetime:
    return datetime.fromisoformat(f"2026-07-{day:02d}T{clock}").replace(tzinfo=JST)


class City:
    """A tiny city of which a test issues alerts, spoils passes and sets the clock."""

    def __init__(self, folder: Path) -> None:
        self.file, self.folder, self.store = folder / "city.toml", folder, RunStore(folder / "store")

    def issue(self, clock: str, flag: int, status: str = "通常") -> None:
        """Put down a bulletin for Tokyo."""
        rows = [row.replace(",13,1,9,", f",13,{flag},9,") for row in ROWS]
        dates = dict.fromkeys(("CreateDate", "ReportDate", "TargetDate1"), "2026/07/30")
        times = dict.fromkeys(("CreateTime", "ReportTime"), f"{clock}:00")
        name = f"alert_20260730_{clock[:2]}.csv"
        meta = {"TargetDate2": "2026/07/31", "Status": status, **dates, **times}
        bulletin(self.folder / "alerts", *rows, name=name, **meta)

    def compute(self, clock: str) -> Outcome:
        return recompute(self.file, self.store, at(clock), lambda *_: None)

    def spoil(self) -> None:
        """Take the town away, so that every pass is red."""
        (self.folder / "footprints.gpkg").rename(self.folder / "away.gpkg")

    def mend(self) -> None:
        (self.folder / "away.gpkg").rename(self.folder / "footprints.gpkg")

    def client(self, clock: str) -> Client:
        return Client(create_app(RunStore(self.store.root), Settings(), clock=lambda: at(clock)))

    def told(self, clock: str, **query: str) -> dict[str, Any]:
        return dict(self.client(clock).get("/alerts", params=query).json())

    def watched(self, clock: str, passes: int = 1) -> list[Sending]:
        """Watch with the real program; return what was sent."""
        now, sent = [at(clock)], list[Sending]()

        def sleep(seconds: float) -> None:
            now[0] += timedelta(seconds=seconds)

        def tell(outcome: Outcome | Exception | None, said: list[Sending], ahead: Next) -> None:
            sent.extend(said)

        watch(
            self.file, self.store, lambda *_: None, tell,
            clock=lambda: now[0], sleep=sleep, chance=lambda: 0.0, passes=passes,
        )  # fmt: skip
        return sent


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a run of eight o'clock, when no alert was in force; every test gets a copy."""
    folder = tmp_path_factory.mktemp("city")
    make_tiny(folder)
    (folder / "alerts").mkdir()
    city = City(folder)
    city.file.write_text(city.file.read_text("utf-8") + SECTIONS, "utf-8")
    city.issue("05:00", 0)
    assert city.compute("08:00").run_id is not None
    return folder


@pytest.fixture
def city(tmp_path: Path, made: Path) -> City:
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
    return City(tmp_path)


def alerts_of(receiver: Receiver) -> list[tuple[str, str]]:
    return [row for row in receiver.events() if not row[1].startswith("morning/")]


def stopped(*_: object) -> NoReturn:
    raise KeyboardInterrupt


# --- what is sent ---


def test_an_alert_that_a_red_pass_has_read_is_sent_at_once_and_once(city: City, receiver: Receiver) -> None:
    city.issue("10:00", 1)
    city.spoil()
    sent = city.watched("10:10", passes=3)
    assert alerts_of(receiver) == [("public", ALERT), ("staff", ALERT)]
    assert all(one.code == 0 for one in sent)
    content = json.loads(next(body for _, body in receiver.taken if json.loads(body)["event"] == ALERT))
    assert content["alert"]["reported"] == "2026-07-30T10:00:00+09:00"
    assert content["run"] == city.store.latest_id() and content["computed"] == "2026-07-29T23:00:00+00:00"
    assert "7:25発表の予測を加工" in content["texts"]["ja"]["400"], "whose field it is, is said"
    city.mend()
    assert city.compute("11:00").run_id is not None
    city.watched("11:30")
    assert len(alerts_of(receiver)) == 2, "the run that holds it tells of the same event"


def test_a_field_of_long_ago_says_its_age(city: City, receiver: Receiver) -> None:
    city.issue("14:00", 3)
    city.spoil()
    city.watched("14:10")
    texts = json.loads(receiver.taken[0][1])["texts"]
    assert "場所ごとの予測は8:00時点の計算です" in texts["ja"]["400"]
    assert "8:00の けいさんです" in texts["ja-easy"]["400"]
    assert "Forecast by place as of 8:00." in texts["en"]["400"]
    for words, mark in (("最も暑い", "8:00"), ("いちばん あつい", "8:00"), ("Hottest around", "8:00")):
        for lengths in texts.values():
            assert all(words not in text or mark in text for text in lengths.values())


def test_nothing_is_sent_before_its_report_time_and_a_drill_to_the_staff_alone(
    city: City, receiver: Receiver
) -> None:
    city.issue("17:00", 1)
    city.issue("10:00", 3, "訓練")
    city.spoil()
    city.watched("16:50")
    ((channel, event),) = alerts_of(receiver)
    assert channel == "staff" and event.startswith("drill/")
    city.watched("17:10")
    assert alerts_of(receiver)[1:] == [("public", ALERT), ("staff", ALERT)]


def test_one_that_was_killed_while_it_computed_has_it_sent_by_the_next_one_at_its_start(
    city: City, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.issue("10:00", 1)
    script = (
        "import os, signal, sys\nfrom datetime import datetime\nfrom pathlib import Path\n"
        "from heatrisk.operation import recompute, recomputing\nfrom heatrisk.store import RunStore\n"
        "recomputing.Simulation = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "city, store, at = Path(sys.argv[1]), RunStore(sys.argv[2]), datetime.fromisoformat(sys.argv[3])\n"
        "recompute(city, store, at, lambda *_: None)\n"
    )
    command = [sys.executable, "-c", script, city.file, city.store.root, at("10:10").isoformat()]
    killed = subprocess.run(command, cwd=ROOT, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert city.told("10:11")["state"] == "alert"

    monkeypatch.setattr(watching, "recompute", stopped)
    with pytest.raises(KeyboardInterrupt):
        city.watched("10:12")
    assert alerts_of(receiver) == [("public", ALERT), ("staff", ALERT)]


def test_a_sender_that_dies_between_sending_and_noting_has_it_not_sent_again(
    city: City, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.issue("10:00", 1)
    city.spoil()
    child = os.fork()
    if child == 0:

        def die(hook: Any, record: Any, event: str, state: str, moment: datetime) -> None:
            if state != "sending":
                os.kill(os.getpid(), signal.SIGKILL)
            keeping(hook, record, event, state, moment)

        keeping = watching.send_news.__globals__["Webhook"]._keep
        watching.send_news.__globals__["Webhook"]._keep = die
        city.watched("10:10")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert len(receiver.taken) == 1, "it was sent, and nothing says so"
    sent = city.watched("10:20")
    assert alerts_of(receiver) == [("public", ALERT), ("staff", ALERT)]
    assert [one.event for one in sent if one.event == ALERT] == [ALERT], "of the staff's alone"


def test_what_a_watcher_left_that_was_stopped_is_sent_by_the_next_one_though_no_pass_is_due(
    city: City, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.issue("10:00", 1)
    assert city.compute("10:10").run_id is not None
    monkeypatch.setattr(watching, "_reached", stopped)
    with pytest.raises(KeyboardInterrupt):
        city.watched("10:12")
    assert alerts_of(receiver) == [("public", ALERT), ("staff", ALERT)]


def test_a_field_that_cannot_be_read_holds_no_alert_back(city: City, receiver: Receiver) -> None:
    city.issue("10:00", 1)
    city.spoil()
    for path in (city.store.open().path / "fields.zarr" / "wbgt_moe" / "c").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\x00\xff what?" * 99)
    city.watched("10:10")
    assert alerts_of(receiver) == [("public", ALERT), ("staff", ALERT)]
    assert "場所ごとの予測はいま示せません" in json.loads(receiver.taken[0][1])["texts"]["ja"]["400"]


def test_the_command_tells_of_it_too(
    city: City, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    city.issue("10:00", 1)
    city.spoil()
    city.compute("10:10")
    monkeypatch.setattr("heatrisk.cli.telling._now", lambda: at("10:11"))
    arguments = ["tell", "--store", city.store.root, "--kind", "alert", "--length", "140"]
    monkeypatch.setattr(sys, "argv", ["heatrisk", *map(str, arguments)])
    with pytest.raises(SystemExit):
        main()
    assert "【熱中症警戒アラート】東京都 7月30日(木)（10:00発表）" in capsys.readouterr().out


# --- what is told ---


def test_it_is_told_beside_the_run_that_stays(city: City) -> None:
    listed = city.store.open().path / "shelters.geojson"
    text = listed.read_text("utf-8").replace('"days":null', '"days":[3]')  # Thursdays
    listed.write_text(text.replace('"opens_on":"unknown"', '"opens_on":"alert"'), "utf-8")
    city.issue("10:00", 1)
    city.spoil()
    assert city.compute("10:10").verdict.light is Light.RED
    client, run = city.client("10:11"), city.store.latest_id()
    body = city.told("10:11")
    assert (body["run"], body["state"]) == (run, "alert")
    assert (body["reported"], body["read"]) == ("2026-07-30T01:00:00Z", "2026-07-30T01:10:00Z")
    assert client.get("/opening").json()["alerts"] == body
    assert "熱中症警戒アラート" in client.get("/feeds/alerts.atom").text
    assert checked(client.get("/feeds/alerts.cap.xml").content).findtext(f"{NAMESPACE}status") == "Actual"
    (shelter,) = client.get("/shelters").json()["features"]
    assert shelter["properties"]["status"]["state"] == "open"
    assert client.get("/shelters").headers["cache-control"] == "public, max-age=60"
    assert client.get(f"/shelters/{shelter['id']}/status").json()["status"]["state"] == "open"
    for path in ("/alerts.json", "/static/alerts.json", "/runs/latest/alerts.json"):
        assert client.get(path).status_code == 404
    # What may be kept for a year follows from the run alone.
    fixed = client.get("/shelters", params={"run": run, "at": at("10:05").isoformat()})
    assert "immutable" in fixed.headers["cache-control"]
    assert fixed.json()["features"][0]["properties"]["status"]["state"] != "open"


def test_a_newer_run_counts_again_and_an_older_run_is_what_it_was(city: City) -> None:
    before = city.store.latest_id()
    assert before is not None
    city.issue("10:00", 1)
    city.spoil()
    city.compute("10:10")
    city.mend()
    city.issue("10:00", 3)
    run = city.compute("10:20").run_id
    body = city.told("10:21")
    assert (body["run"], body["state"], body["read"]) == (run, "special", "2026-07-30T01:20:00Z")
    assert city.told("10:21", run=before)["state"] == "none"
    assert replay(city.store, "latest", lambda *_: None) == []


def test_an_alert_is_not_taken_back_by_a_run_that_could_not_read_it(city: City) -> None:
    city.issue("10:00", 1)
    city.spoil()
    city.compute("10:10")
    city.mend()
    for path in (city.folder / "alerts").iterdir():
        path.write_bytes(b"\x00 no bulletin")
    shutil.rmtree(city.store.root / "cache", ignore_errors=True)
    run = city.compute("10:20").run_id
    body = city.told("10:21")
    assert (body["run"], body["state"], body["read"]) == (run, "alert", "2026-07-30T01:10:00Z")


@pytest.mark.parametrize("red", [True, False])
def test_an_older_bulletin_that_comes_later_takes_nothing_back(city: City, red: bool) -> None:
    city.issue("10:00", 0)
    city.compute("10:05")
    city.issue("11:00", 1)
    city.spoil()
    city.compute("11:10")
    (city.folder / "alerts" / "alert_20260730_11.csv").unlink()
    if not red:
        city.mend()
    city.compute("11:20")
    assert city.told("11:21")["state"] == "alert"
    city.issue("12:00", 0)
    city.compute("12:10")
    # A flag that goes down again in a newer bulletin does not end an alert that holds for the day.
    assert city.told("12:11")["read"] == "2026-07-30T03:10:00Z"


def test_drills_and_what_is_not_yet_issued_stay_untold(city: City) -> None:
    city.issue("10:00", 3, "訓練")
    city.issue("17:00", 3)
    city.spoil()
    city.compute("12:00")
    client = city.client("16:59")
    assert client.get("/alerts").json()["state"] == "none"
    for path in ("/alerts", "/opening", "/feeds/alerts.atom", "/feeds/alerts.rss", "/readyz", "/shelters"):
        text = client.get(path).text
        assert "特別" not in text and "訓練" not in text and '"drill"' not in text, path
    assert client.get("/feeds/alerts.cap.xml").status_code == 204
    assert city.told("17:00")["state"] == "special"


def test_what_is_known_already_is_not_read_anew(city: City) -> None:
    city.spoil()
    city.compute("09:00")
    assert city.told("09:01")["read"] == "2026-07-29T23:00:00Z", "the run holds the same"
    city.issue("10:00", 1)
    city.compute("10:10")
    city.compute("10:15")
    assert city.told("10:20")["read"] == "2026-07-30T01:10:00Z"


def test_what_a_killed_writer_left_of_it_is_removed(city: City) -> None:
    left = city.store.root / ".alerts.json-12-34"
    left.write_text('{"read": ')
    assert city.store.recover().removed == (left.name,)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"read": "2026-07-30T01:10:00+00:00"}', '{"read": 7}'])
def test_a_damaged_record_leaves_what_the_run_holds(city: City, text: str) -> None:
    (city.store.root / "alerts.json").write_text(text)
    assert city.told("10:20")["state"] == "none"


def test_a_past_day_and_a_defect(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.issue("10:00", 1)
    city.spoil()
    recompute(city.file, city.store, at("10:10"), lambda *_: None, past=True)
    assert city.told("10:11")["state"] == "none", "a day gone by says nothing of now"
    city.mend()
    monkeypatch.setattr(recomputing, "Simulation", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        city.compute("10:10")
    assert city.told("10:11")["state"] == "alert"


def test_what_is_told_was_approved_before(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(official, "keep", lambda *_: done.append("told"))
    monkeypatch.setattr(Downloads, "approve", lambda *_: done.append("approved"))
    city.spoil()
    city.compute("10:10")
    assert done == ["approved", "told"], "or one killed in between would have it taken back by an older copy"


def test_a_store_that_takes_no_alert_stops_no_run(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise StoreError("no space left")

    monkeypatch.setattr(official, "keep", full)
    city.issue("10:00", 1)
    assert city.compute("10:10").run_id is not None
    assert city.told("10:11")["state"] == "alert"


def test_what_a_red_pass_has_read_stands_in_for_rubbish_that_comes_next(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    path = city.folder / "alerts" / "alert_20260730_05.csv"
    bodies = [path.read_bytes()]
    city.issue("05:00", 1)
    bodies += [path.read_bytes(), b"\x00\xff\x00 what?"]
    with serving() as server:
        monkeypatch.setitem(BEHAVIOURS, "alert", lambda to: to.answer(200, bodies[0]))
        url = server.url("alert/alert_20260730_05.csv")
        text = city.file.read_text("utf-8").replace('path = "alerts"', f'path = "{url}"')
        city.file.write_text(text + "[http]\nattempts = 1\n", "utf-8")
        assert city.compute("08:10").run_id is not None
        city.spoil()
        for clock in ("08:20", "08:30"):
            del bodies[0]
            city.compute(clock)
        city.mend()
        run = city.compute("08:40").run_id
    assert run is not None
    alerts = known(city.store.open(run))
    assert [alert.level for alert in alerts.issued(at("08:41"))] == ["alert"], "it is not forgotten"
