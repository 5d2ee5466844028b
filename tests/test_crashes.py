"""What no run may do to a store, however it ends: killed, without power, on a full disk, not permitted."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from heatrisk.errors import StoreError
from heatrisk.store import Keep, RunStore
from tests.made_run import RUN_ID, made_dataset, made_run
from tests.tiny_city import make_tiny

ROOT = Path(__file__).resolve().parents[1]
SECOND = "20260730T0610Z-89abcdef"


def written(store: RunStore, run_id: str) -> None:
    """Write a small run and publish it."""
    store.publish(store.write(made_run(made_dataset((70, 70), 1), run_id)).id)


def test_a_run_that_is_killed_anywhere_breaks_no_store(tmp_path: Path) -> None:
    kills = int(os.environ.get("HEATRISK_KILLS", "10"))
    city, seed = make_tiny(tmp_path), random.randrange(10**6)
    lines = (tmp_path / "yohou.csv").read_text().splitlines()
    (tmp_path / "yohou.csv").write_text("\n".join(line.rsplit(",", 4)[0] for line in lines))
    command = [sys.executable, "-m", "tests.killed", city, tmp_path / "store", str(kills), str(seed)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300 + 60 * kills, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    print(f"\nseed {seed}: {kills} kills, {told}")
    assert (told["wrong"], told["left"], told["lost"]) == ([], [], [])
    assert told["runs"] >= 2, "the last run found the store in order"


class Disk:
    """Knows what of a folder is on the disk for certain: what was synced, as it was then."""

    def __init__(self, root: Path) -> None:
        self.root, self.kept = root, list[int]()
        self.files, self.folders = dict[int, bytes](), dict[int, dict[str, tuple[int, str | None]]]()
        self.sync = os.fsync
        for path in (root, *root.rglob("*")):
            if not path.is_symlink():
                handle = os.open(path, os.O_RDONLY)
                self.record(handle)
                os.close(handle)

    def record(self, handle: int) -> None:
        """Write down what is synced; an open handle keeps the system from using its number again."""
        self.kept.append(os.dup(handle))
        about, path = os.fstat(handle), f"/proc/self/fd/{handle}"
        if Path(path).is_dir():
            self.folders[about.st_ino] = listing(path)
        else:
            self.files[about.st_ino] = Path(path).read_bytes()

    def after_a_cut(self, target: Path, late: Callable[[], bool]) -> Path:
        """Build what may be found when the power is back: each folder as synced, or as it was."""
        live = {
            path.stat().st_ino: path
            for path in (self.root, *self.root.rglob("*"))
            if path.is_dir() and not path.is_symlink()
        }

        def build(number: int, at: Path) -> None:
            at.mkdir()
            known = self.folders.get(number, {})
            entries = listing(live[number]) if number in live and late() else known
            for name, (inode, link) in entries.items():
                if link is not None:
                    (at / name).symlink_to(link)
                elif inode in self.folders or inode in live:
                    build(inode, at / name)
                else:
                    (at / name).write_bytes(self.files.get(inode, b""))

        build(self.root.stat().st_ino, target)
        return target

    def close(self) -> None:
        for handle in self.kept:
            os.close(handle)


def listing(folder: str | Path) -> dict[str, tuple[int, str | None]]:
    """Return the entries of a folder: number, and where a link leads."""
    return {
        entry.name: (entry.inode(), str(Path(entry.path).readlink()) if entry.is_symlink() else None)
        for entry in os.scandir(folder)
    }


@pytest.fixture
def cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RunStore, list[str]]]:
    """Yield a store whose power is cut, in thought, at every change of a name and at many a sync."""
    store, chance = RunStore(tmp_path / "store"), random.Random(5)
    memory = Path("/dev/shm")  # what is found after a cut need not be on a disk
    beside = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path))
    written(store, RUN_ID)
    disk, wrong, number, looking = Disk(store.root), list[str](), 0, False

    def cut(where: str) -> None:
        nonlocal number, looking
        if looking:  # at what is left of an earlier cut
            return
        looking = True
        for late in (lambda: False, lambda: True, lambda: chance.random() < 0.5):
            number += 1
            found = RunStore(disk.after_a_cut(beside / f"cut-{number}", late))
            broken = [name for name in found.runs() if found.verify(name)]
            if found.latest_id() not in (RUN_ID, SECOND) or broken:
                wrong.append(f"{where}: latest {found.latest_id()}, broken {broken}")
            shutil.rmtree(found.root)
        looking = False

    def watched(name: str, what: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            done = what(*arguments, **options)
            cut(f"{name} {arguments[0]}")
            return done

        return call

    def fsync(handle: int) -> None:
        disk.sync(handle)
        disk.record(handle)
        place = str(Path(f"/proc/self/fd/{handle}").readlink())
        # What lies under a temporary name is looked at by nobody: most of its syncs are passed over.
        if ".tmp-" not in place or chance.random() < 0.03:
            cut(f"fsync {place}")

    monkeypatch.setattr(os, "fsync", fsync)
    for name in ("rename", "replace", "symlink", "rmdir"):
        monkeypatch.setattr(os, name, watched(name, getattr(os, name)))
    yield store, wrong
    monkeypatch.undo()
    disk.close()
    shutil.rmtree(beside)
    assert number > 20, "the power was cut all along"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to read what is synced")
def test_the_power_may_fail_at_any_moment(cuts: tuple[RunStore, list[str]]) -> None:
    store, wrong = cuts
    written(store, SECOND)
    store.keep_status({"verdict": {}})
    assert store.prune(Keep(0, 1)) == [RUN_ID]
    assert wrong == []


def test_a_cut_before_the_sync_would_be_noticed(
    cuts: tuple[RunStore, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, wrong = cuts
    monkeypatch.setattr("heatrisk.disk.sync_tree", lambda folder: None)
    written(store, SECOND)
    assert wrong, "a store that syncs nothing is caught"


@pytest.mark.parametrize("limit", [0, 2_000, 20_000])
def test_a_disk_that_takes_no_more_keeps_the_last_run(tmp_path: Path, limit: int) -> None:
    store = RunStore(tmp_path / "store")
    written(store, RUN_ID)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"Check the disk|Free some space"):
            written(store, SECOND)
        with suppress(StoreError):
            store.keep_status({"verdict": {"ja": "x" * limit}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (store.latest_id(), store.runs(), store.verify()) == (RUN_ID, [RUN_ID], [])
    written(store, SECOND)
    assert store.latest_id() == SECOND
    assert not [path for path in (store.root / "runs").iterdir() if path.name.startswith(".")]


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", small],
            capture_output=True,
            text=True,
            check=False,
        )
        if shutil.which("mount")
        else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip() if mounted else 'no mount'}")
    try:
        store = RunStore(small / "store")
        written(store, RUN_ID)
        filler = small / "filler"
        with suppress(OSError):
            filler.write_bytes(bytes(2**24))
        with pytest.raises(StoreError, match="Free some space"):
            written(store, SECOND)
        assert (store.latest_id(), store.verify()) == (RUN_ID, [])
        filler.unlink()
        written(store, SECOND)
        assert store.latest_id() == SECOND
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_store_that_may_only_be_read_serves_and_says_so() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        store = RunStore(folder / "store")
        written(store, RUN_ID)
        folder.chmod(0o755)
        script = (
            "import os, sys\n"
            "from datetime import UTC, datetime\n"
            "from heatrisk.errors import StoreError\n"
            "from heatrisk.store import RunStore, standing\n"
            "if os.geteuid() == 0:\n    os.setuid(65534)\n"
            "store = RunStore(sys.argv[1])\n"
            "print(store.open().id, standing(store, datetime.now(UTC)).run_id, store.verify())\n"
            "try:\n    store.prepare()\nexcept StoreError as error:\n    print(error)\n"
        )
        for path in (store.root, *store.root.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o555 if path.is_dir() else 0o444)
        done = subprocess.run(
            [sys.executable, "-c", script, store.root],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"{RUN_ID} {RUN_ID} []" in done.stdout
        assert "writing is not permitted" in done.stdout
    finally:
        for path in (folder / "store").rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)
