"""The contract of every reader: damaged files end in words, never in a library's exception."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError
from heatrisk.grid import Grid
from heatrisk.sources.buildings import read_buildings
from heatrisk.sources.moe import read_forecast
from heatrisk.sources.open_meteo import read_open_meteo
from heatrisk.sources.raster import read_raster
from heatrisk.sources.shelter_csv import read_shelters
from heatrisk.sources.weather_csv import read_weather_csv
from tests import test_citygml, test_open_meteo, test_weather_csv

GRID = Grid("EPSG:6677", Affine(5, 0, -24_800, 0, -5, -35_000), (8, 8))

READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "citygml": ("a.gml", lambda path: read_buildings(path, "EPSG:6677")),
    "geojson": ("a.geojson", lambda path: read_buildings(path, "EPSG:6677")),
    "geopackage": ("a.gpkg", lambda path: read_buildings(path, "EPSG:6677")),
    "geotiff": ("a.tif", lambda path: read_raster(path, GRID)),
    "forecast": ("yohou.csv", read_forecast),
    "open_meteo": ("a.json", read_open_meteo),
    "weather_csv": ("a.csv", read_weather_csv),
    "shelters": ("a.csv", lambda path: read_shelters(path, (139.5, 35.6, 139.6, 35.7))),
}


@cache
def good(kind: str) -> bytes:
    """Return a small file that the reader accepts."""
    house = shapely.box(-24_760, -35_020, -24_750, -35_010)
    town = gpd.GeoDataFrame({"height": [6.0]}, geometry=[house], crs="EPSG:6677")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / READERS[kind][0]
        if kind == "citygml":
            square = test_citygml.polygon(test_citygml.ring(*test_citygml.SQUARE))
            path = test_citygml.written(
                Path(folder), test_citygml.building(test_citygml.lod0(square), test_citygml.lod1(50, 56))
            )
        elif kind in ("geojson", "geopackage"):
            town.to_crs("EPSG:4326" if kind == "geojson" else "EPSG:6677").to_file(path)
        elif kind == "geotiff":
            with rasterio.open(
                path,
                "w",
                driver="GTiff",
                count=1,
                height=8,
                width=8,
                dtype="float32",
                crs=GRID.crs,
                transform=GRID.transform,
            ) as dataset:
                dataset.write(np.full((1, 8, 8), 50, np.float32))
        elif kind == "open_meteo":
            path.write_text(json.dumps(test_open_meteo.answer()), encoding="utf-8")
        else:
            path.write_text(
                {
                    "forecast": ",,2025080503,2025080506\n44116,2025/08/04 23:25, 250, 260\n",
                    "weather_csv": test_weather_csv.ENGLISH,
                    "shelters": "名称,緯度,経度,開放時間\n図書館,35.68,139.56,平日 9:00～17:00\n",
                }[kind],
                encoding="utf-8",
            )
        return path.read_bytes()


def read_back(kind: str, content: bytes) -> None:
    """Read some bytes; nothing but words may come out, and nothing may be left beside the file."""
    name, read = READERS[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            read(path)
        except HeatRiskError as error:
            assert str(path) in error.text("ja")
            assert error.remedy is not None
        assert list(Path(folder).iterdir()) == [path]


@pytest.mark.parametrize("kind", READERS)
def test_good_file_reads(kind: str, tmp_path: Path) -> None:
    path = tmp_path / READERS[kind][0]
    path.write_bytes(good(kind))
    READERS[kind][1](path)


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_damaged_files_end_in_words(kind: str, data: st.DataObject) -> None:
    content = bytearray(good(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 40))
        content[start : start + length] = data.draw(st.binary(max_size=40))
    cut = data.draw(st.integers(0, len(content)))
    read_back(kind, bytes(content[:cut] if data.draw(st.booleans()) else content))


@pytest.mark.parametrize("kind", READERS)
@given(content=st.binary(max_size=300))
@settings(max_examples=25, deadline=None)
def test_random_bytes_end_in_words(kind: str, content: bytes) -> None:
    read_back(kind, content)
