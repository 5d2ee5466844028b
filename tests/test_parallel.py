"""Files read by several processes: order, errors, deaths, interrupts; from scripts and threads."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from heatrisk.errors import SourceError
from heatrisk.sources.buildings.parallel import each
from heatrisk.sources.files import Member

ROOT = Path(__file__).resolve().parents[1]


#: What the workers do, in a module that they can import.
TASKS = """
import os, signal, time
from pathlib import Path
from heatrisk.errors import SourceError
from heatrisk.words import Words

def pid_and_name(member):
    time.sleep(0.3)  # so that the second worker is there before the first has done everything
    return os.getpid(), member.name

def refuse(member, bad):
    if member.name == bad:
        raise SourceError(Words("壊れています", "broken"), where=member.name, remedy=Words("直す", "mend"))
    return member.name

def die(member):
    if member.name == "b":
        os.kill(os.getpid(), signal.SIGKILL)

def chatter(member):
    print("noise on the standard output", flush=True)
    return member.name

def stumble(member):
    raise ZeroDivisionError(member.name)

def wait(member, seconds=60):
    Path(member.name).touch()
    time.sleep(seconds)

def pause(member):
    wait(member, 2)
"""


def files(*names: str) -> list[Member]:
    return [Member(Path(name), (), size) for size, name in enumerate(names)]


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "worker_tasks.py").write_text(TASKS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("worker_tasks")
    del sys.modules["worker_tasks"]


def test_results_keep_the_order_of_the_files_and_progress_counts_them(tasks: ModuleType) -> None:
    told: list[tuple[int, int]] = []
    results = each(
        tasks.pid_and_name,
        files("a", "b", "c", "d"),
        workers=2,
        progress=lambda done, of: told.append((done, of)),
    )
    assert [name for _, name in results] == ["a", "b", "c", "d"]
    workers = {pid for pid, _ in results}
    assert len(workers) == 2
    assert os.getpid() not in workers
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_few_small_files_are_read_here(tasks: ModuleType) -> None:
    assert {pid for pid, _ in each(tasks.pid_and_name, files("a", "b"))} == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_arrives_whole(tasks: ModuleType, workers: int) -> None:
    with pytest.raises(SourceError) as caught:
        each(partial(tasks.refuse, bad="b"), files("a", "b", "c"), workers=workers)
    assert caught.value.where == "b"
    assert "壊れています" in caught.value.text("ja")
    assert "mend" in caught.value.text("en")


def test_a_killed_worker_names_its_file(tasks: ModuleType) -> None:
    with pytest.raises(SourceError) as caught:
        each(tasks.die, files("a", "b", "c"), workers=2)
    assert caught.value.where == "b"
    assert "-9" in caught.value.text("en")


def test_a_defect_is_not_hidden(tasks: ModuleType) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a"):
        each(tasks.stumble, files("a"), workers=2)


def test_what_a_library_prints_does_not_matter(tasks: ModuleType) -> None:
    assert each(tasks.chatter, files("a", "b"), workers=2) == ["a", "b"]


def test_from_a_thread(tasks: ModuleType) -> None:
    results: list[str] = []
    task = partial(tasks.refuse, bad="")
    thread = threading.Thread(target=lambda: results.extend(each(task, files("a", "b"), workers=2)))
    thread.start()
    thread.join(60)
    assert results == ["a", "b"]


SCRIPT = """
from pathlib import Path
from heatrisk.sources.files import Member
from heatrisk.sources.buildings.parallel import each
from worker_tasks import {task} as task
print("script")
print(each(task, [Member(Path(name)) for name in {names!r}], workers=2))
"""


def script(task: ModuleType, name: str, *names: str) -> tuple[list[str], dict[str, str]]:
    """Return the command of a script without main guard, and an environment in which it finds its modules."""
    path = Path(task.__file__ or "").with_name("script.py")
    path.write_text(SCRIPT.format(task=name, names=names), encoding="utf-8")
    return [sys.executable, "-W", "error", str(path)], {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_script_without_main_guard(tasks: ModuleType) -> None:
    command, environment = script(tasks, "chatter", "a", "b")
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stderr
    assert said.stdout == "script\n['a', 'b']\n"


@pytest.mark.parametrize(("sent", "task"), [(signal.SIGINT, "wait"), (signal.SIGKILL, "pause")])
def test_no_worker_outlives_its_parent(
    tasks: ModuleType, tmp_path: Path, sent: signal.Signals, task: str
) -> None:
    # Interrupted in the middle of a minute's work they end at once; of a killed parent, after their file.
    marks = [tmp_path / "a", tmp_path / "b"]
    command, environment = script(tasks, task, *map(str, marks))
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as parent:
        for mark in marks:
            wait_for(mark)
        parent.send_signal(sent)
        parent.communicate(timeout=40)  # until nobody holds the pipe any more
        assert parent.returncode != 0


def wait_for(mark: Path) -> None:
    for _ in range(600):
        if mark.exists():
            return
        time.sleep(0.1)
    raise AssertionError("the worker did not start")
