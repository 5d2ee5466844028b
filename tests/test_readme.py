"""The README keeps its word: its pictures exist, and its Python for researchers runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

from tests.tiny_city import make_tiny

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## For a researcher")[1].split("\n## ")[0]
PYTHON = re.findall(r"```python\n(.*?)```", SECTION, flags=re.S)


def test_readme_has_no_slots_and_its_pictures_exist() -> None:
    assert not re.search(r"\b[A-Z]+_TABLE\b", README)
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file(), picture


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write what the examples name: a city file, GeoTIFFs around 139.560 E, 35.683 N, a table."""
    folder = make_tiny(tmp_path_factory.mktemp("readme")).parent
    ground = np.full((60, 60), 50.0, np.float32)
    roofs, crowns, cover = ground.copy(), np.zeros_like(ground), np.ones_like(ground)
    roofs[10:20, 20:30], crowns[40:44, 40:44] = 65.0, 8.0
    place = Affine(2.0, 0.0, -24_800.0, 0.0, -2.0, -35_080.0)
    profile = {"driver": "GTiff", "height": 60, "width": 60, "count": 1, "crs": "EPSG:6677"}
    for name, values in {"dsm": roofs, "dem": ground, "canopy": crowns, "land_cover": cover}.items():
        with rasterio.open(folder / f"{name}.tif", "w", dtype="float32", transform=place, **profile) as file:
            file.write(values, 1)
    times = pd.date_range("2025-08-05T00:00", periods=25, freq="h")
    ghi = 800.0 * np.clip(np.sin((times.hour - 6) / 12.0 * np.pi), 0.0, None)
    table = pd.DataFrame({"time": times.strftime("%Y-%m-%dT%H:%M"), "ta": 32.0, "rh": 55.0, "va": 2.0})
    table.assign(ghi=ghi.round(1)).to_csv(folder / "weather.csv", index=False)
    return folder


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_for_researchers_runs(code: str, files: Path) -> None:
    """Each by itself: whoever copies one has not run those before it."""
    check = "\nassert 'point' not in dir() or (len(point) == 3 and point.notna().all(axis=None))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code + check], cwd=files, env=environment, check=True, timeout=600)


def test_there_are_examples_of_all_ways_in() -> None:
    text = "".join(PYTHON)
    assert all(
        name in text for name in ("sunlit(", "read_inputs(", "simulate(", "read_scene(", "face_fluxes(")
    )
