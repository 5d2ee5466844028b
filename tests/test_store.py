"""The store: whole or absent, never changed, and what comes out is what went in."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xarray as xr
from pyproj import CRS, Transformer

from heatrisk import cube, pyramid, store
from heatrisk.cube import writing
from heatrisk.errors import InputError, LayerNotFoundError, RunNotFoundError, StoreError
from heatrisk.pyramid import Draw, Pyramid
from heatrisk.store import NewRun, RunStore, new_run_id
from heatrisk.stored import StoredRun
from tests.made_run import RUN_ID, made_dataset, made_run
from tests.messages import explains


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    kept = RunStore(tmp_path_factory.mktemp("store"))
    kept.publish(kept.write(made_run()).id)
    return kept


@cache
def small() -> NewRun:
    """Return a run of one step, made once; nobody changes it."""
    return made_run(made_dataset((70, 70), 1))


def place(run: StoredRun, row: int, column: int) -> tuple[float, float]:
    """Longitude and latitude of a cell's centre."""
    to_lonlat = Transformer.from_crs(run.grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_lonlat.transform(run.grid.x[column], run.grid.y[row])
    return lon, lat


def test_fields_come_back_as_they_went_in(kept: RunStore) -> None:
    made, read = made_dataset(), kept.open().dataset()
    for name, array in made.variables.items():
        if name == "spatial_ref":
            continue
        found = read[name].values
        if name in ("risk", "risk_sport"):
            # Readers of CF see no class as no value.
            np.testing.assert_array_equal(found, np.where(array.values < 0, np.nan, array.values))
            continue
        resolution = 0.001 if name in ("svf", "sunlit") else 0.01
        if array.dtype == np.float32:
            np.testing.assert_allclose(found, array.values, rtol=0, atol=resolution / 2 + 1e-6)
        else:
            np.testing.assert_array_equal(found, array.values)


def test_series_equals_the_cube_read_by_xarray(kept: RunStore) -> None:
    run = kept.open()
    read = run.dataset().load()
    rng = np.random.default_rng(1)
    for row, column in zip(rng.integers(0, 150, 60), rng.integers(0, 230, 60), strict=True):
        series = run.series(*place(run, row, column))
        assert series is not None
        assert (series.row, series.column, series.mask) == (row, column, int(read["mask"][row, column]))
        np.testing.assert_allclose(series.svf, read["svf"][row, column], rtol=0, atol=1e-12)
        for name, values in series.values.items():
            expected = read[name].fillna(-1).values if name.startswith("risk") else read[name].values
            expected = expected if expected.ndim == 1 else expected[:, row, column]
            np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def test_a_place_outside_the_grid_has_no_series(kept: RunStore) -> None:
    assert kept.open().series(139.0, 35.0) is None
    assert kept.open().series(float("nan"), 95.0) is None


def test_manifest_checksums_match_the_arrays(kept: RunStore) -> None:
    run = kept.open()
    raw = xr.open_zarr(run.path / "fields.zarr", chunks=None, decode_cf=False)
    digests = run.manifest["arrays"]
    assert {name for name in digests if not name.startswith("tiles/")} == set(map(str, raw.variables))
    for name, array in raw.variables.items():
        assert hashlib.sha256(np.asarray(array.values).tobytes()).hexdigest() == digests[str(name)], name
    folders = sorted((run.path / "tiles").iterdir())
    assert len(folders) == sum(name.startswith("tiles/") for name in digests) > 2
    for folder in folders:
        archives = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
        assert hashlib.sha256(archives).hexdigest() == digests[f"tiles/{folder.name}"]


def test_manifest_says_when_and_where(kept: RunStore) -> None:
    run = kept.open()
    assert run.id == RUN_ID == run.manifest["run_id"]
    assert run.manifest["times"][0] == "2025-08-04T18:00:00Z"
    assert run.times[1].isoformat() == "2025-08-04T21:00:00+00:00"
    assert run.manifest["step_minutes"] == 180
    assert run.manifest["grid"]["crs"] == "EPSG:6677"
    assert run.manifest["grid"]["transform"] == [5.0, 0.0, -27000.0, 0.0, -5.0, -35000.0]
    west, south, east, north = run.manifest["grid"]["bounds_lonlat"]
    lon, lat = run.manifest["grid"]["centre_lonlat"]
    assert west < lon < east
    assert south < lat < north


def test_a_step_stands_for_its_window_however_far_the_next_one_is(tmp_path: Path) -> None:
    kept, made = RunStore(tmp_path), made_dataset((70, 70), 4)
    for fields in (made.isel(time=slice(0, 1)), made.isel(time=slice(None, None, 2))):
        run = kept.write(made_run(fields))
        assert run.manifest["step_minutes"] == 180
        assert run.window == timedelta(hours=3)


def test_same_input_same_files(kept: RunStore, tmp_path: Path) -> None:
    contents = []
    for run in (kept.open(), RunStore(tmp_path).write(made_run())):
        files = (path for path in run.path.rglob("*") if path.is_file())
        contents.append({path.relative_to(run.path): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert len(contents[0]) > 30


def test_cube_follows_cf(kept: RunStore) -> None:
    run = kept.open()
    plain = xr.open_zarr(run.path / "fields.zarr", chunks=None)  # warnings are errors here
    assert plain.attrs["Conventions"] == "CF-1.11"
    assert plain["wbgt_iso"].attrs["standard_name"] == "wet_bulb_globe_temperature"
    assert plain["wbgt_moe"].attrs["units"] == "degC"
    assert plain["wbgt_moe"].attrs["cell_methods"] == "time: mean"
    assert plain["wbgt_moe"].encoding["scale_factor"] == 0.01
    assert plain["risk"].attrs["flag_meanings"].split()[-1] == "danger"
    assert plain["risk"].attrs["flag_values"] == [0, 1, 2, 3]
    raw = xr.open_zarr(run.path / "fields.zarr", chunks=None, decode_cf=False)
    for name in ("risk", "risk_sport"):
        assert (raw[name].dtype, raw[name].attrs["_FillValue"]) == (np.int8, -1)
        assert raw[name].values.min() == -1
    assert "_FillValue" not in raw["mask"].attrs
    assert raw["official"].attrs == {
        "long_name": "official WBGT forecast",
        "long_name_ja": "公式の暑さ指数予測",
    }
    assert plain["x"].attrs["standard_name"] == "projection_x_coordinate"
    assert plain["y"].attrs["axis"] == "Y"
    labelled = xr.open_zarr(run.path / "fields.zarr", chunks=None, decode_coords="all")
    assert labelled["wbgt_moe"].encoding["grid_mapping"] == "spatial_ref"
    mapping = labelled.coords["spatial_ref"].attrs
    assert mapping["grid_mapping_name"] == "transverse_mercator"
    assert CRS.from_wkt(mapping["crs_wkt"]).to_epsg() == 6677
    bounds = labelled.coords["time_bnds"].values
    assert (bounds[:, 1] - bounds[:, 0] == np.timedelta64(180, "m")).all()
    assert (bounds[:, 0] + np.timedelta64(90, "m") == labelled["time"].values).all()


def test_a_second_run_of_the_same_name_gets_a_number(tmp_path: Path) -> None:
    kept = RunStore(tmp_path)
    names = [kept.write(small()).id for _ in range(3)]
    assert names == [RUN_ID, f"{RUN_ID}-2", f"{RUN_ID}-3"]
    assert kept.open(names[2]).manifest["run_id"] == names[2]
    later = kept.write(made_run(made_dataset((70, 70), 1), "20260731T0510Z-00000000")).id
    assert kept.runs() == [later, *names[::-1]]


def test_a_run_that_vanishes_under_the_eyes_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, run = RunStore(tmp_path), small()
    stays, goes = kept.write(run).id, kept.write(run).id
    honest = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        found = honest(path, **options)
        if path.parent.name == goes:
            path.parent.rename(tmp_path / "runs" / f".tmp-{goes}")
        return found

    monkeypatch.setattr(Path, "stat", stat)
    assert kept.runs() == [stays]


def test_a_writer_killed_in_the_middle_leaves_the_latest_alone(tmp_path: Path) -> None:
    kept = RunStore(tmp_path)
    kept.publish(kept.write(made_run(made_dataset((70, 70), 2))).id)
    script = (
        "import os, sys\n"
        "from dataclasses import replace\n"
        "from heatrisk.store import RunStore\n"
        "from tests.made_run import made_dataset, made_run\n"
        "run = made_run(made_dataset((70, 70), 2), '20270101T0000Z-ffffffff')\n"
        "draw = lambda folder: replace(made := run.draw(folder), series=lambda: map(killed, made.series()))\n"
        "killed = lambda draw: lambda step: os._exit(9) if step else draw(step)\n"
        "RunStore(sys.argv[1]).write(replace(run, draw=draw))\n"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, timeout=120, check=False)
    assert done.returncode == 9
    assert [path.name for path in (tmp_path / "runs").glob(".tmp-*")] == [".tmp-20270101T0000Z-ffffffff"]
    assert kept.runs() == [RUN_ID]
    assert kept.open().id == RUN_ID
    kept.write(small())
    assert not list((tmp_path / "runs").glob(".tmp-*"))


@pytest.mark.parametrize("where", ["pictures", "values", "picture"])
def test_a_failing_writer_leaves_nothing(tmp_path: Path, where: str) -> None:
    kept, run = RunStore(tmp_path), made_run(made_dataset((70, 70), 2))

    def failing(*_: object) -> NoReturn:
        raise RuntimeError("no picture")

    def second_fails(pictures: Pyramid) -> Iterator[Draw]:
        yield next(pictures.series())
        yield failing if where == "picture" else failing()

    def broken(folder: Path) -> Pyramid:
        made = failing() if where == "pictures" else run.draw(folder)
        return replace(made, series=lambda: second_fails(made))

    with pytest.raises(RuntimeError, match="no picture"):
        kept.write(replace(run, draw=broken))
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("code", "ja", "en"),
    [
        (errno.ENOSPC, "空き容量", "Free some space"),
        (errno.EACCES, "権限", "Check the permissions"),
        (errno.EIO, "保存先に書き込めません", "Check the disk"),
    ],
)
def test_what_the_disk_refuses_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, ja: str, en: str
) -> None:
    kept, run = RunStore(tmp_path), small()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "refused")

    with monkeypatch.context() as refusing:
        refusing.setattr(pyramid, "write", refuse)
        with pytest.raises(StoreError, match=en) as caught:
            kept.write(run)
        assert ja in caught.value.text("ja")
        assert str(tmp_path) in caught.value.text("ja")
    assert list((tmp_path / "runs").iterdir()) == []
    kept.publish(kept.write(run).id)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StoreError, match=en):
        kept.publish(RUN_ID)
    with pytest.raises(StoreError, match=en):
        kept.keep_status({"run_id": RUN_ID})
    assert kept.open().id == RUN_ID
    assert kept.status() is None
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "latest", "lock"}


def test_an_array_is_kept_on_the_disk_and_a_damaged_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, array = RunStore(tmp_path), np.arange(12, dtype=np.float32).reshape(3, 4)
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    assert kept.cached("svf") is None
    kept.keep("svf", array)
    assert len(synced) == 2, "the file, then its folder"
    np.testing.assert_array_equal(kept.cached("svf"), array)
    (file,) = (tmp_path / "cache").iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:5], whole[:60], whole[:-1], b"PK\x03\x04" + whole, b"\x80\x04.", whole[:10]):
        file.write_bytes(damaged)
        assert kept.cached("svf") is None, damaged[:10]


def test_a_cache_that_cannot_be_kept_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    kept = RunStore(tmp_path)
    kept.keep("svf", np.zeros(3))
    assert kept.cached("svf") is None


def test_the_last_attempt_is_remembered_and_a_damaged_record_is_none(tmp_path: Path) -> None:
    kept = RunStore(tmp_path / "store")
    assert kept.status() is None
    kept.keep_status({"verdict": {"ja": "正常"}})
    assert kept.status() == {"verdict": {"ja": "正常"}}
    for damaged in (b"", b"{", b"[1]", b"\xff"):
        (kept.root / "status.json").write_bytes(damaged)
        assert kept.status() is None


def test_a_damaged_run_is_named_and_the_others_are_listed(tmp_path: Path) -> None:
    kept, run = RunStore(tmp_path), small()
    good, empty, older = (kept.write(run).id for _ in range(3))
    (tmp_path / "runs" / empty / "run.json").write_text("")
    manifest = tmp_path / "runs" / older / "run.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"step_minutes": 180', '"step_minutes": null'))
    reopened = RunStore(tmp_path)
    found, unreadable = reopened.catalogue(9)
    assert [one.id for one in found] == [good]
    assert set(unreadable) == {empty, older}
    with pytest.raises(StoreError, match="cannot be read"):
        reopened.open(empty)


def test_a_look_at_all_runs_leaves_the_served_one_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_KEPT_OPEN", 2)
    kept, run = RunStore(tmp_path), small()
    served = kept.open(kept.write(run).id)
    for _ in range(4):
        shutil.copytree(served.path, tmp_path / "runs" / f"2026073{_}T0000Z-00000000")
    assert len(kept.catalogue(9)[0]) == 5
    assert kept.open(RUN_ID) is served


@pytest.mark.parametrize("broken", ["line", "map", "picture"])
def test_what_does_not_read_back_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    run, array, compressed, read = small(), writing.array_of, writing._compressed, Path.read_bytes
    if broken == "line":
        monkeypatch.setattr(writing, "array_of", lambda group, name: np.asarray(array(group, name)[...]) + 1)
    elif broken == "map":
        monkeypatch.setattr(writing, "_compressed", lambda strip, fill: compressed(strip[..., ::-1], fill))
    else:
        monkeypatch.setattr(Path, "read_bytes", lambda path: read(path)[path.suffix == ".pmtiles" :])
    with pytest.raises(StoreError, match="read back"):
        RunStore(tmp_path).write(run)
    assert RunStore(tmp_path).runs() == []


def test_unknown_runs_and_layers_are_named(kept: RunStore, tmp_path: Path) -> None:
    for name in ("../runs", "..", "", "lock", "20990101T0000Z-00000000", f"{RUN_ID}/", f"{RUN_ID}\n"):
        with pytest.raises(RunNotFoundError):
            kept.open(name)
        with pytest.raises(RunNotFoundError):
            kept.publish(name)
    with pytest.raises(RunNotFoundError, match="Run heatrisk run"):
        RunStore(tmp_path / "nowhere").open()
    with pytest.raises(StoreError, match="malformed run id"):
        kept.write(made_run(run_id="../../etc"))
    with pytest.raises(LayerNotFoundError, match="risk_sport"):
        kept.open().archive("snow", 0)


def test_a_latest_that_points_nowhere_is_no_run(tmp_path: Path) -> None:
    kept = RunStore(tmp_path)
    assert kept.latest_id() is None
    (tmp_path / "latest").symlink_to(Path("runs") / RUN_ID)
    assert kept.latest_id() is None
    assert kept.runs() == []
    with pytest.raises(RunNotFoundError):
        kept.open()


def test_publishing_is_one_swap(tmp_path: Path) -> None:
    kept, run = RunStore(tmp_path), small()
    names = {kept.write(run).id, kept.write(run).id}
    kept.publish(min(names))
    seen: set[str | None] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.add(kept.latest_id())

    reader = threading.Thread(target=watch)
    reader.start()
    for _ in range(50):
        for name in sorted(names):
            kept.publish(name)
    done.set()
    reader.join()
    assert seen <= names
    assert kept.open().id == max(names)


def recorded(path: Path, digest: str | None = None) -> dict[str, object]:
    """Return a run's manifest that records one input."""
    found = digest or hashlib.sha256(path.read_bytes()).hexdigest()
    files = [{"name": path.name, "sha256": found, "bytes": 1}]
    return {**made_run().manifest, "inputs": [{"role": "city", "files": []}, {"role": "x", "files": files}]}


@pytest.mark.parametrize("links", [True, False])
def test_inputs_are_kept_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    path = tmp_path / "yohou.csv"
    path.write_bytes(b"44132,310\r\n")
    if not links:

        def refuse(*_: object) -> None:
            raise OSError(errno.EXDEV, "another disk")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    made = replace(small(), manifest=recorded(path), inputs={"予測.csv": path})
    kept = RunStore(tmp_path / "store").write(made)
    path.unlink()
    found = kept.path / "inputs" / "予測.csv"
    assert found.read_bytes() == b"44132,310\r\n"
    assert found.stat().st_ino in synced


def test_an_input_that_is_not_the_one_that_was_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "yohou.csv"
    path.write_bytes(b"44132,310")
    made = small()
    kept = RunStore(tmp_path / "store")
    with pytest.raises(StoreError) as caught:
        kept.write(replace(made, manifest=recorded(path, "0" * 64), inputs={"a": path}))
    explains(caught.value, path)
    with pytest.raises(StoreError, match="gone"):
        kept.write(replace(made, inputs={"a": tmp_path / "gone"}))
    assert kept.runs() == []
    unread = kept.write(replace(made, manifest=recorded(tmp_path / "yohou.csv"), inputs={"a": path}))
    assert (unread.path / "inputs" / "a").read_bytes() == b"44132,310"


def test_documents_come_back_to_the_letter(tmp_path: Path) -> None:
    texts = {"unresolved.csv": "\ufeff名称,理由\r\n集会所,住所なし\r\n", "alerts.json": "{}", "空.txt": ""}
    run = RunStore(tmp_path).write(replace(small(), documents=texts))
    assert {name: run.document(name) for name in texts} == texts
    (tmp_path / "outside.txt").write_text("secret")
    for name in (
        "none.csv",
        "run.json",
        "tiles",
        "inputs",
        "../../outside.txt",
        "",
        ".",
        "..",
        "a\0b",
        "x" * 999,
    ):
        assert run.document(name) is None, name


@pytest.mark.parametrize(
    "name", ["../a", "/etc/a", "a/b", "a\\b", "c:d", "", ".", "..", ".a", "a\0", "a\nb", " a", "あ" * 99]
)
def test_names_that_leave_the_run_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    kept, made = RunStore(tmp_path / "store"), small()
    for wrong in ({"documents": {name: ""}}, {"inputs": {name: tmp_path / "file"}}):
        with pytest.raises(StoreError, match="file of this name"):
            kept.write(replace(made, **wrong))
    assert kept.runs() == []
    assert {path.name for path in tmp_path.iterdir()} == {"store", "file"}


@pytest.mark.parametrize("name", ["run.json", "tiles", "inputs", "fields.zarr", "shelters.geojson"])
def test_a_document_does_not_replace_a_part_of_the_run(tmp_path: Path, name: str) -> None:
    made = small()
    with pytest.raises(StoreError, match="file of this name") as caught:
        RunStore(tmp_path).write(replace(made, documents={name: ""}))
    explains(caught.value, name)


def test_run_names_and_grids() -> None:
    dataset = made_dataset()
    grid = cube.grid_of(dataset)
    assert (grid.crs, grid.shape, grid.cell_size) == ("EPSG:6677", (150, 230), 5.0)
    np.testing.assert_allclose(grid.x, dataset["x"])
    np.testing.assert_allclose(grid.y, dataset["y"])
    with pytest.raises(InputError, match="two columns"):
        cube.grid_of(dataset.isel(x=slice(0, 1)))
    created = datetime(2026, 7, 30, 14, 10, 22, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert new_run_id(created, "ABCDEF0123456789") == "20260730T0510Z-abcdef01"


def test_serving_needs_no_numba() -> None:
    script = "import sys, heatrisk.store, heatrisk.layers, heatrisk.tiles; sys.exit('numba' in sys.modules)"
    root = Path(__file__).resolve().parents[1]
    assert subprocess.run([sys.executable, "-c", script], cwd=root, timeout=120, check=False).returncode == 0
