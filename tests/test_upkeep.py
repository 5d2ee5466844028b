"""A store kept in order: one writer, every byte checked, old runs removed, and how it stands, in one line."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.api import create_app
from heatrisk.cli import main
from heatrisk.errors import RunNotFoundError, StoreBusyError
from heatrisk.store import Keep, RunStore, standing
from heatrisk.store.keeping import outdated
from heatrisk.store.lock import Busy, locked
from heatrisk.store.sums import SUMS
from heatrisk.verdict import Light, Verdict
from heatrisk.words import JST, Words
from tests.client import Client
from tests.made_run import RUN_ID, made_dataset, made_run
from tests.messages import explains

ROOT = Path(__file__).resolve().parents[1]
#: The last window of the made run ends at 04:30 in Japan.
INSIDE = datetime(2025, 8, 4, 19, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "store")


def written(store: RunStore, run_id: str = RUN_ID) -> Path:
    run = store.write(made_run(made_dataset((70, 70), 1), run_id))
    store.publish(run.id)
    return run.path


def aged(run: Path) -> None:
    """Let a run seem to be written long ago."""
    os.utime(run / "run.json", (0, 0))


def holding(store: RunStore, ending: str = "sys.stdin.read()") -> subprocess.Popen[str]:
    """Start a process that holds the lock of a store, until its input ends or as told."""
    script = (
        "import sys\nfrom heatrisk.store import RunStore\n"
        f"with RunStore(sys.argv[1]).alone():\n    print('held', flush=True)\n    {ending}\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", script, store.root], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert started.stdout is not None and started.stdout.readline() == "held\n"
    return started


def test_a_second_writer_is_told_who_the_first_is(store: RunStore) -> None:
    other = holding(store)
    with pytest.raises(StoreBusyError) as caught, store.alone(wait=0):
        pass
    told = explains(caught.value, store.root)
    assert f"process {other.pid}" in told and f"プロセス {other.pid}" in told and "--wait" in told
    assert store.writer()[0] is not None and store.writer()[1] is True
    timer = threading.Timer(0.5, other.communicate)
    timer.start()
    with store.alone(wait=60) as found:
        assert found.died is None, "the other one ended in order"
    timer.join()
    assert store.writer() == (None, False)


def test_whoever_only_looks_at_a_lock_makes_no_writer_give_up(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    pauses: list[float] = []
    with (tmp_path / "lock").open("rb") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)

        def look_away(pause: float) -> None:
            pauses.append(pause)
            fcntl.flock(reader, fcntl.LOCK_UN)

        with locked(tmp_path / "lock", 0.0, look_away):
            assert len(pauses) == 1
            with pytest.raises(StoreBusyError), locked(tmp_path / "lock", 0.0, pauses.append):
                pass
    assert sum(pauses[1:]) == pytest.approx(1.0), "one that writes is given up soon"


def test_a_lock_among_public_files_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    path.write_text(json.dumps({"pid": 1, "host": "here", "since": INSIDE.isoformat()}))
    busy = Busy(Words("書き出し中", "an export is going on"), Words("待つ", "Wait."))
    with locked(path, 0.0, busy=busy, signed=False):
        assert path.read_bytes() == b""
        with pytest.raises(StoreBusyError) as caught, locked(path, 0.0, lambda _: None, busy=busy):
            pass
    assert caught.value.text("en") == f"{tmp_path}: an export is going on. Wait."


def test_a_writer_that_was_killed_is_known_and_holds_nothing_up(
    store: RunStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(store)
    other = holding(store)
    (store.root / "runs" / ".tmp-half").mkdir()
    (store.root / ".latest-123").symlink_to("runs/nowhere")
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    seen = standing(store, INSIDE)
    assert seen.light is Light.AMBER
    assert seen.killed is not None and seen.killed.pid == other.pid
    begun = seen.killed.since.astimezone(JST)
    assert seen.line == (
        f"【要確認】計算が途中で止まりました（{begun:%Y-%m-%d %H:%M} 開始）",
        f"[amber] a run was killed that had begun at {begun:%Y-%m-%d %H:%M} JST",
    ), "which process on which computer is nobody's business but the staff's"
    ready = Client(create_app(store, clock=lambda: INSIDE)).get("/readyz").json()
    assert ready["standing"] == {"level": "amber", **seen.line._asdict()}
    assert "killed" not in seen.as_dict()
    code, text = command(capsys, monkeypatch, "status", "--store", store.root)
    assert f"process {other.pid} on {socket.gethostname()}" in text
    code, text = command(capsys, monkeypatch, "status", "--store", store.root, "--json")
    assert code == 10 and json.loads(text)["killed"]["pid"] == other.pid
    with store.alone(wait=0) as found:
        assert found.died is not None and found.died.pid == other.pid
        assert found.removed == (".latest-123", ".tmp-half")
        with store.alone(wait=0) as inner:
            assert inner.died is None, "a writer does not wait for itself"
    assert store.recover().removed == ()
    assert store.latest_id() == RUN_ID


def test_latest_is_led_back_to_a_whole_run(store: RunStore) -> None:
    older, newer, broken = f"{RUN_ID[:8]}T0410Z-00000000", RUN_ID, f"{RUN_ID[:8]}T0610Z-00000000"
    for name in (older, newer, broken):
        written(store, name)
    (store.root / "runs" / broken / "tiles" / "extra").write_bytes(b"")
    (store.root / "latest").unlink()
    (store.root / "latest").symlink_to("runs/20990101T0000Z-00000000")
    assert store.latest_id() is None
    store.recover()
    assert store.latest_id() == newer


def test_every_byte_of_a_run_is_checked(store: RunStore) -> None:
    run = written(store)
    assert store.verify() == store.verify(RUN_ID) == []
    files = sorted(path for path in run.rglob("*") if path.is_file())
    assert len(files) > 30
    for path in files:
        content = path.read_bytes()
        for spoilt in (content[:-1] + bytes([content[-1] ^ 0x20]), content + b"\n", None):
            path.unlink()
            if spoilt is not None:
                path.write_bytes(spoilt)
            found = store.verify(RUN_ID) if path.name != "run.json" or spoilt is not None else []
            assert found or spoilt is None, f"{path} was changed unnoticed"
            path.write_bytes(content)
    (run / "extra").write_bytes(b"")
    assert [damage.file for damage in store.verify()] == ["extra"]
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", SUMS], cwd=run, check=False, capture_output=True
    )
    assert done.returncode == 0, "the list is one that sha256sum reads"
    with pytest.raises(RunNotFoundError):
        store.verify("20990101T0000Z-00000000")


NAMES = st.lists(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)), unique=True, max_size=30).map(
    lambda times: sorted((f"{time:%Y%m%dT%H%M}Z-00000000" for time in times), reverse=True)
)


@given(NAMES, st.integers(0, 29), st.floats(0, 800), st.integers(1, 20), st.integers(-90, 900))
def test_what_may_go(names: list[str], served: int, days: float, runs: int, later: int) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    shown = names[served] if served < len(names) else None
    made = {name: datetime.strptime(name[:14], "%Y%m%dT%H%MZ").replace(tzinfo=UTC) for name in names}
    written = {name: at + timedelta(days=later) for name, at in made.items()}
    gone = outdated(written, shown, Keep(days, runs), now)
    assert shown not in gone
    assert not set(gone) & set(names[:runs])
    for name in names:
        young = now - max(made[name], written[name]) <= timedelta(days=days)
        kept = name == shown or name in names[:runs] or young
        assert (name in gone) == (not kept)


def test_pruning_removes_old_runs_and_unused_skies(store: RunStore) -> None:
    names = [f"202607{day:02d}T0510Z-0000000{day % 10}" for day in range(1, 5)]
    for name in names:
        aged(written(store, name))
    store.publish(names[1])
    for key in ("old", "new"):
        store.keep(key, made_dataset((4, 4), 1)["svf"].values)
    os.utime(store.root / "cache" / "old.npy", (0, 0))
    gone = store.prune(Keep(2, 1), datetime(2026, 7, 5, tzinfo=UTC))
    assert gone == [names[2], names[0]] or gone == [names[0]]
    assert set(store.runs()) == set(names) - set(gone)
    assert store.latest_id() == names[1]
    past = store.write(made_run(made_dataset((70, 70), 1), "20250701T0510Z-00000000")).id
    assert store.prune(Keep(2, 1), datetime.now(UTC) + timedelta(days=1)) == [names[2]], "written today"
    assert store.prune(Keep(2, 1), datetime.now(UTC) + timedelta(days=3)) == [past]
    assert [path.stem for path in (store.root / "cache").iterdir()] == ["new"]


def kept_status(store: RunStore, light: Light, at: datetime) -> None:
    verdict = Verdict(light, Words("計算しました", "computed"))
    store.keep_status({"at": at.isoformat(), "run_id": None, "verdict": verdict.as_dict(), "sources": []})


def test_how_a_store_stands(store: RunStore) -> None:
    assert standing(store, INSIDE).light is Light.RED, "nothing was computed"
    made = made_run(made_dataset((70, 70), 1))
    real = {**made.manifest, "city": {**made.manifest["city"], "sample": False}}
    store.publish(store.write(type(made)(made.dataset, real, made.draw, made.shelters, made.buildings)).id)
    kept_status(store, Light.GREEN, INSIDE)
    assert standing(store, INSIDE).line.en == "[green] computed"
    for light in (Light.AMBER, Light.RED, Light.OFF_SEASON):
        kept_status(store, light, INSIDE)
        found = standing(store, INSIDE)
        assert (found.light, found.exit_code) == (
            light,
            found.light and Verdict(light, Words("", "")).exit_code,
        )
    kept_status(store, Light.GREEN, INSIDE - timedelta(hours=27))
    silent = standing(store, INSIDE)
    ready = Client(create_app(store, clock=lambda: INSIDE)).get("/readyz").json()
    assert ready["standing"] == {"level": "amber", **silent.line._asdict()}, "the page is told the same"
    assert silent.light is Light.AMBER and "27 hours ago" in silent.line.en
    kept_status(store, Light.GREEN, INSIDE + timedelta(hours=3))
    ended = standing(store, INSIDE + timedelta(hours=3))
    assert ended.light is Light.RED and "ended at" in ended.line.en, "an old map is never called green"
    assert "終わりました" in ended.line.ja
    (store.root / "lock").write_text(json.dumps({"pid": 1, "host": "here", "since": INSIDE.isoformat()}))
    assert standing(store, INSIDE + timedelta(hours=3)).light is Light.RED, "killed or not, the map has ended"
    assert standing(store, INSIDE).light is Light.AMBER


def test_off_season_ends_with_the_season(store: RunStore) -> None:
    made = made_run(made_dataset((70, 70), 1))
    real = {**made.manifest, "city": {**made.manifest["city"], "sample": False}}
    store.publish(store.write(replace(made, manifest=real)).id)
    winter = datetime(2026, 2, 1, tzinfo=UTC)
    kept_status(store, Light.OFF_SEASON, winter)
    assert standing(store, winter + timedelta(days=40)).light is Light.OFF_SEASON
    spring = datetime(2026, 5, 1, tzinfo=UTC)
    assert standing(store, spring).light is Light.RED, "nobody has tried since, and there is no map of now"
    kept_status(store, Light.OFF_SEASON, spring)
    assert standing(store, spring + timedelta(hours=25)).light is Light.OFF_SEASON
    assert standing(store, spring + timedelta(hours=27)).light is Light.RED


def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str]:
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setattr(sys, "argv", ["heatrisk", *map(str, arguments)])
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, "".join(capsys.readouterr())


def test_only_what_is_issued_has_an_age_since_its_issue(
    store: RunStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"role": role, "state": "ok", "age_hours": 72} for role in ("official", "alerts", "buildings")]
    store.prepare()
    verdict = Verdict(Light.GREEN, Words("x", "x"))
    store.keep_status({"at": INSIDE.isoformat(), "verdict": verdict.as_dict(), "sources": rows})
    _, text = command(capsys, monkeypatch, "status", "--store", store.root, "--lang", "ja")
    assert (text.count("発表から3日"), text.count("データの時点から3日")) == (2, 1)
    _, text = command(capsys, monkeypatch, "status", "--store", store.root, "--lang", "en")
    assert text.count("3 days old") == 3


def test_the_commands(
    store: RunStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = written(store)
    old = "20250101T0510Z-00000000"
    aged(store.write(made_run(made_dataset((70, 70), 1), old)).path)
    kept_status(store, Light.AMBER, datetime.now(UTC))
    code, text = command(capsys, monkeypatch, "status", "--store", store.root)
    assert (code, "[amber] computed" in text, RUN_ID in text) == (10, True, True)
    code, text = command(capsys, monkeypatch, "status", "--store", store.root, "--json")
    told = json.loads(text)
    assert (told["level"], told["exit_code"], told["run_id"], told["running"]) == ("amber", 10, RUN_ID, None)
    code, text = command(capsys, monkeypatch, "verify", "--store", store.root, "--lang", "ja")
    assert code == 0 and "書き込んだときのまま" in text
    (run / "shelters.geojson").write_text("{}")
    code, text = command(capsys, monkeypatch, "verify", RUN_ID, "--store", store.root)
    assert code == 20 and "shelters.geojson: its content has changed" in text
    code, text = command(capsys, monkeypatch, "prune", "--store", store.root, "--days", 1, "--runs", 1)
    assert code == 0 and old in text
    assert store.runs() == [RUN_ID]
    assert command(capsys, monkeypatch, "verify", "nowhere", "--store", store.root)[0] == 20
