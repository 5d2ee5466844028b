"""The cube of a run on disk: shards that other programs read, the same from any number of threads."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from heatrisk import cube
from tests.made_run import in_blocks, made_dataset


def test_series_across_shards_and_empty_chunks(tmp_path: Path) -> None:
    made = made_dataset()
    made["wbgt_moe"][:, :64, :64] = np.nan
    made["wbgt_moe"][:, :, 128:] = np.nan
    made = made[["wbgt_moe", "spatial_ref"]]
    cube.write(made.drop_vars("wbgt_moe"), tmp_path / "fields.zarr", in_blocks(made, 128))
    assert not (tmp_path / "fields.zarr/wbgt_moe/c/0/0/1").exists(), "an empty shard should not be stored"
    read = cube.CellReader(tmp_path / "fields.zarr/wbgt_moe")
    for row, column in ((0, 0), (63, 63), (64, 63), (127, 127), (128, 5), (149, 229), (3, 200), (140, 100)):
        np.testing.assert_allclose(read(row, column), made["wbgt_moe"].values[:, row, column], atol=2e-6)
    # zarr's own reader checks the checksum of every shard's index.
    peer = xr.open_zarr(tmp_path / "fields.zarr", chunks=None, consolidated=True)["wbgt_moe"]
    np.testing.assert_allclose(peer, made["wbgt_moe"], atol=2e-6)


@pytest.mark.parametrize("threads", [1, 5])
def test_the_number_of_threads_changes_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    contents = []
    for folder in (tmp_path / "plain", tmp_path / "patched"):
        cube.write(made_dataset((70, 200), 2), folder)
        contents.append(
            {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        )
        monkeypatch.setattr(os, "cpu_count", lambda: threads)
    assert contents[0] == contents[1]


def test_stored_decimals_are_exact() -> None:
    decimals = np.arange(-500, 6000) / 100
    np.testing.assert_array_equal(cube.unpack(cube.pack(decimals, 0.01), 0.01), decimals)
    np.testing.assert_array_equal(cube.unpack(cube.pack(decimals.astype(np.float32), 0.01), 0.01), decimals)
    assert cube.pack(np.array([np.nan, 1e9, -1e9]), 0.01).tolist() == [cube.FILL, 32767, -32767]
