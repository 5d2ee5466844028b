"""Many files read at once, each in a process of its own.

Workers are plain interpreters fed over pipes: they never import the caller's script (which may lack a main
guard), a fork of a program with threads is never taken, and which file a worker was reading when the system
killed it is known. They end with their pipes, so none outlives its parent.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from heatrisk.errors import HeatRiskError, SourceError
from heatrisk.sources.files import Member
from heatrisk.words import Words

R = TypeVar("R")

#: Called after each file with the number of files done, and of all.
Progress = Callable[[int, int], None]

#: Workers take some seconds to start, in which one process reads this much [bytes].
WORTHWHILE = 50 * 2**20

#: Each worker holds libraries of some 350 MB; so many leave an ordinary PC its memory.
_MOST = 2

#: An interrupt from the keyboard reaches workers too, but what it means is decided by the parent.
_SERVE = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
import sys
sys.path[:] = {path!r}
from heatrisk.sources.buildings.parallel import serve
serve()
"""


def each(
    task: Callable[[Member], R],
    members: Sequence[Member],
    *,
    progress: Progress | None = None,
    workers: int | None = None,
) -> list[R]:
    """Return what a task makes of each file, in the order of the files.

    Parameters
    ----------
    task : callable
        What to do with one file; it is pickled, so a function of a module or a partial of one.
    members : sequence of Member
        The files.
    progress : callable, optional
        Called in the caller's thread after each file.
    workers : int, optional
        Processes; chosen by the files' sizes and the processors if omitted, 1 reads in this process.

    Raises
    ------
    SourceError
        A worker ended before its file was read.
    HeatRiskError
        Whatever the task raised first.
    """
    workers = _crew(members) if workers is None else workers
    told = progress or (lambda done, of: None)
    results: list[Any] = [None] * len(members)
    if workers <= 1 or not sys.executable:
        for place, member in enumerate(members):
            results[place] = task(member)
            told(place + 1, len(members))
        return results
    done: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
    # The largest first, so that the last ones do not keep the others waiting.
    todo = deque(sorted(range(len(members)), key=lambda place: -members[place].size))
    crew: list[subprocess.Popen[bytes]] = []
    attendants: list[threading.Thread] = []
    try:
        for _ in range(workers):
            crew.append(_hired())
            attendants.append(
                threading.Thread(target=_attend, args=(crew[-1], task, members, todo, done), daemon=True)
            )
            attendants[-1].start()
        for count in range(1, len(members) + 1):
            place, results[place], error = done.get()
            if error is not None:
                raise error
            told(count, len(members))
    finally:
        todo.clear()
        for process in crew:
            process.kill()
        for attendant in attendants:
            attendant.join()
        for process in crew:
            _dismiss(process)
    return results


def _crew(members: Sequence[Member]) -> int:
    if sum(member.size for member in members) < WORTHWHILE:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(len(members), cores, _MOST)


def _hired() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _SERVE.format(path=sys.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _dismiss(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
    process.wait()


def _attend(
    process: subprocess.Popen[bytes],
    task: Callable[[Member], Any],
    members: Sequence[Member],
    todo: deque[int],
    done: queue.SimpleQueue[tuple[int, Any, BaseException | None]],
) -> None:
    """Hand a worker one file after another, until none is left."""
    assert process.stdin is not None
    assert process.stdout is not None
    while True:
        try:
            place = todo.popleft()
        except IndexError:
            return
        try:
            pickle.dump((task, members[place]), process.stdin)
            process.stdin.flush()
            value, error = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as lost:
            value, error = None, _lost(members[place], process, lost)
        done.put((place, value, error))


def _lost(member: Member, process: subprocess.Popen[bytes], error: Exception) -> SourceError:
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    status = process.poll()
    lost = SourceError(
        Words(
            "読み込み中にプロセスが終了しました(メモリー不足の可能性があります)",
            "the process that read it ended (perhaps for want of memory)",
        ),
        where=member.name,
        got=f"exit {status}" if status is not None else type(error).__name__,
        remedy=Words(
            "[city] bounds で範囲を絞るか、ほかのプログラムを閉じてやり直してください",
            "Set [city] bounds, or close other programs, and try again.",
        ),
    )
    lost.__cause__ = error
    return lost


def serve() -> None:
    """Do the tasks that arrive on the standard input, until it ends: the life of a worker."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    while True:
        answer: tuple[Any, BaseException | None]
        try:
            task, member = pickle.load(source)
            answer = (task(member), None)
        except EOFError:
            return
        except HeatRiskError as error:
            answer = (None, error)
        except Exception as error:  # a defect of ours: told where it can be seen
            answer = (None, RuntimeError("".join(traceback.format_exception(error))))
        try:
            pickle.dump(answer, target, pickle.HIGHEST_PROTOCOL)
            target.flush()
        except BrokenPipeError:
            return
