"""The store: whole or absent, never changed, and what comes out is what went in."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xarray as xr
from pyproj import CRS, Transformer

from heatrisk import cube, store
from heatrisk.errors import InputError, LayerNotFoundError, RunNotFoundError, StoreError
from heatrisk.store import RunStore, new_run_id
from tests.made_run import RUN_ID, made_dataset, made_run


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    kept = RunStore(tmp_path_factory.mktemp("store"))
    kept.publish(kept.write(made_run()).id)
    return kept


def place(run: store.StoredRun, row: int, column: int) -> tuple[float, float]:
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
            expected = read[name].values
            expected = expected if expected.ndim == 1 else expected[:, row, column]
            np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def test_series_across_shards_and_empty_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cube, "SHARD", 128)
    made = made_dataset()
    made["wbgt_moe"][:, :64, :64] = np.nan
    made["wbgt_moe"][:, :, 128:] = np.nan
    cube.write(made[["wbgt_moe", "spatial_ref"]], tmp_path / "fields.zarr")
    assert not (tmp_path / "fields.zarr/wbgt_moe/c/0/0/1").exists(), "an empty shard should not be stored"
    read = cube.CellReader(tmp_path / "fields.zarr/wbgt_moe")
    for row, column in ((0, 0), (63, 63), (64, 63), (127, 127), (128, 5), (149, 229), (3, 200), (140, 100)):
        np.testing.assert_allclose(read(row, column), made["wbgt_moe"].values[:, row, column], atol=2e-6)


def test_stored_decimals_are_exact() -> None:
    decimals = np.arange(-500, 6000) / 100
    np.testing.assert_array_equal(cube.unpack(cube.pack(decimals, 0.01), 0.01), decimals)
    np.testing.assert_array_equal(cube.unpack(cube.pack(decimals.astype(np.float32), 0.01), 0.01), decimals)
    assert cube.pack(np.array([np.nan, 1e9, -1e9]), 0.01).tolist() == [cube.FILL, 32767, -32767]


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
    files = sorted(run.path.glob("tiles/*/*.npy"))
    assert len(files) == 8
    for path in files:
        name = str(path.relative_to(run.path).with_suffix(""))
        assert hashlib.sha256(np.load(path).tobytes()).hexdigest() == digests[name]


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
    assert plain["risk"].dtype == np.int8
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
    names = [kept.write(made_run(made_dataset((70, 70), 1))).id for _ in range(3)]
    assert names == [RUN_ID, f"{RUN_ID}-2", f"{RUN_ID}-3"]
    assert kept.open(names[2]).manifest["run_id"] == names[2]
    later = kept.write(made_run(made_dataset((70, 70), 1), "20260731T0510Z-00000000")).id
    assert kept.runs() == [later, *names[::-1]]


def test_a_writer_killed_in_the_middle_leaves_the_latest_alone(tmp_path: Path) -> None:
    kept = RunStore(tmp_path)
    kept.publish(kept.write(made_run(made_dataset((70, 70), 2))).id)
    script = (
        "import os, sys\n"
        "from dataclasses import replace\n"
        "from heatrisk.store import RunStore\n"
        "from tests.made_run import made_dataset, made_run\n"
        "run = made_run(made_dataset((70, 70), 2), '20270101T0000Z-ffffffff')\n"
        "killed = lambda step: os._exit(9) if step else run.pyramid.step(step)\n"
        "RunStore(sys.argv[1]).write(replace(run, pyramid=replace(run.pyramid, step=killed)))\n"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, timeout=120, check=False)
    assert done.returncode == 9
    assert [path.name for path in (tmp_path / "runs").glob(".tmp-*")] == [".tmp-20270101T0000Z-ffffffff"]
    assert kept.runs() == [RUN_ID]
    assert kept.open().id == RUN_ID
    kept.write(made_run(made_dataset((70, 70), 1)))
    assert not list((tmp_path / "runs").glob(".tmp-*"))


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    kept, run = RunStore(tmp_path), made_run(made_dataset((70, 70), 2))

    def broken(step: int) -> dict[str, tuple[np.ndarray, ...]]:
        raise RuntimeError("no picture")

    with pytest.raises(RuntimeError, match="no picture"):
        kept.write(replace(run, pyramid=replace(run.pyramid, step=broken)))
    assert list((tmp_path / "runs").iterdir()) == []


def test_what_does_not_read_back_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run(made_dataset((70, 70), 1))
    honest = cube._array
    monkeypatch.setattr(cube, "_array", lambda group, name: np.asarray(honest(group, name)[...]) + 1)
    with pytest.raises(StoreError, match="read back"):
        RunStore(tmp_path).write(run)
    assert RunStore(tmp_path).runs() == []


def test_unknown_runs_and_layers_are_named(kept: RunStore, tmp_path: Path) -> None:
    for name in ("../runs", "..", "", ".lock", "20990101T0000Z-00000000", f"{RUN_ID}/", f"{RUN_ID}\n"):
        with pytest.raises(RunNotFoundError):
            kept.open(name)
        with pytest.raises(RunNotFoundError):
            kept.publish(name)
    with pytest.raises(RunNotFoundError, match="Run heatrisk run"):
        RunStore(tmp_path / "nowhere").open()
    with pytest.raises(StoreError, match="malformed run id"):
        kept.write(made_run(run_id="../../etc"))
    for layer, zoom in (("snow", 15), ("risk", 3)):
        with pytest.raises(LayerNotFoundError, match="risk_sport"):
            kept.open().tile_array(layer, zoom)


def test_a_latest_that_points_nowhere_is_no_run(tmp_path: Path) -> None:
    kept = RunStore(tmp_path)
    assert kept.latest_id() is None
    (tmp_path / "latest").symlink_to(Path("runs") / RUN_ID)
    assert kept.latest_id() is None
    assert kept.runs() == []
    with pytest.raises(RunNotFoundError):
        kept.open()


def test_publishing_is_one_swap(tmp_path: Path) -> None:
    kept, run = RunStore(tmp_path), made_run(made_dataset((70, 70), 1))
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


@pytest.mark.parametrize("module", ["store", "layers", "tiles"])
def test_serving_needs_no_numba(module: str) -> None:
    script = f"import sys, heatrisk.{module}; sys.exit('numba' in sys.modules)"
    root = Path(__file__).resolve().parents[1]
    assert subprocess.run([sys.executable, "-c", script], cwd=root, timeout=120, check=False).returncode == 0
