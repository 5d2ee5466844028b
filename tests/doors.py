"""A small good file for every door of the package, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import morecantile
import numpy as np
import shapely
from pyproj import Transformer

from heatrisk.grid import Grid
from heatrisk.shelters import Shelter
from heatrisk.sources.alert_csv import read_alerts
from heatrisk.sources.areas import read_jurisdictions, read_population
from heatrisk.sources.buildings import read_buildings
from heatrisk.sources.moe import read_forecast, read_observed
from heatrisk.sources.query import WeatherQuery
from heatrisk.sources.raster import read_raster
from heatrisk.sources.shelters import read_shelters
from heatrisk.sources.shelters.reports import read_congestion, read_equipment
from heatrisk.sources.stations import read_stations
from heatrisk.sources.terrain import read_terrain
from heatrisk.sources.trees import read_trees
from heatrisk.sources.weather.amedas import read_amedas
from heatrisk.sources.weather.epw import read_epw
from heatrisk.sources.weather.open_meteo import read_open_meteo
from heatrisk.sources.weather.weather_csv import read_weather_csv
from tests import made_city, test_amedas, test_epw, test_moe_api, test_moe_observed, test_weather_csv
from tests.elevation import coloured, geotiff, png, zipped
from tests.test_spreadsheet import workbook

CRS = "EPSG:6677"
GRID = Grid.covering(
    Transformer.from_crs("EPSG:6668", CRS, always_xy=True).transform_bounds(*made_city.BOUNDS), CRS, 5.0
)


_LIBRARY = [Shelter("1", "中央図書館")]


def _as_it_is(content: bytes) -> bytes:
    return content


@dataclass(frozen=True)
class Door:
    """One kind of file at one reader.

    Parameters
    ----------
    name : str
        What the file is called.
    good : bytes
        A small file that is accepted, before it is packed.
    read : callable
        Reads the file at a path.
    pack : callable
        Puts it into a zip.
    beside : mapping
        Further files, whole, that it needs.
    """

    name: str
    good: bytes
    read: Callable[[Path], object]
    pack: Callable[[bytes], bytes] = _as_it_is
    beside: Mapping[str, bytes] = field(default_factory=dict)


@cache
def doors() -> dict[str, Door]:
    """Return every door by the name of what it reads."""
    with TemporaryDirectory() as kept:
        return _of_models() | _of_vectors(Path(kept)) | _of_rasters(Path(kept)) | _of_tables(Path(kept))


def _buildings(path: Path) -> object:
    return read_buildings(path, CRS)


def _terrain(path: Path) -> object:
    return read_terrain([path], GRID)


def _trees(path: Path) -> object:
    return read_trees([path], GRID)


def _of_models() -> dict[str, Door]:
    models = {name.split("/")[0]: content for name, content in made_city.models().items()}
    dem = made_city.elevation()
    return {
        "citygml": Door("a.gml", models["bldg"], _buildings),
        "citygml zip": Door("a.zip", models["bldg"], _buildings, lambda c: zipped({"x/udx/bldg/a.gml": c})),
        "tin": Door("a.gml", models["dem"], _terrain),
        "veg": Door("a.gml", models["veg"], _trees),
        "gsi dem": Door("a.xml", dem, _terrain),
        "gsi dem zips": Door("a.zip", dem, _terrain, lambda c: zipped({"b.zip": zipped({"c.xml": c})})),
    }


def _of_vectors(folder: Path) -> dict[str, Door]:
    west, south = 139.5495, 35.7
    houses = [shapely.box(west + k / 5e3, south, west + k / 5e3 + 1e-4, south + 1e-4) for k in range(3)]
    rows = {"height": [6.0, 7.5, 9.0], "用途": ["住宅", "店舗", None]}
    town = gpd.GeoDataFrame(rows, geometry=houses, crs="EPSG:6668").to_crs("EPSG:4326")
    town.to_parquet(folder / "a.parquet")
    found = {"parquet": Door("a.parquet", (folder / "a.parquet").read_bytes(), _buildings)}
    for kind in ("geojson", "geojsonl", "gpkg", "fgb"):
        town.to_file(folder / f"a.{kind}", **({"driver": "GeoJSONSeq"} if kind == "geojsonl" else {}))
        found[kind] = Door(f"a.{kind}", (folder / f"a.{kind}").read_bytes(), _buildings)
    town.to_file(folder / "a.shp", encoding="cp932")
    parts = {f"a.{kind}": (folder / f"a.{kind}").read_bytes() for kind in ("shp", "shx", "dbf", "prj")}
    for kind in ("shp", "dbf"):
        others = {name: content for name, content in parts.items() if name != f"a.{kind}"}
        found[kind] = Door(
            f"a.{kind}", parts[f"a.{kind}"], lambda p: _buildings(p.with_suffix(".shp")), beside=others
        )
        found[f"{kind} zip"] = Door(
            "a.zip", parts[f"a.{kind}"], _buildings,
            lambda c, kind=kind, others=others: zipped({f"a.{kind}": c, **others}),
        )  # fmt: skip
    made_city.areas(folder)
    found["population"] = Door(
        "p.geojson",
        (folder / "population.geojson").read_bytes(),
        lambda p: read_population([p], CRS, year=2025),
    )
    found["jurisdictions"] = Door(
        "d.dbf", (folder / "districts.dbf").read_bytes(),
        lambda p: read_jurisdictions([p.with_suffix(".shp")], CRS),
        beside={f"d.{kind}": (folder / f"districts.{kind}").read_bytes() for kind in ("shp", "shx", "prj")},
    )  # fmt: skip
    return found


def _of_rasters(folder: Path) -> dict[str, Door]:
    heights = np.linspace(3, 50, GRID.shape[0] * GRID.shape[1], dtype=np.float32).reshape(GRID.shape)
    tif = geotiff(folder / "a.tif", heights, GRID.transform).read_bytes()
    west, south, east, north = made_city.BOUNDS
    lines = [f"ncols 4\nnrows 3\nxllcorner {west}\nyllcorner {south}\ncellsize 0.001\nNODATA_value -9999"]
    lines += ["50 51 52 -9999"] * 3
    tile = morecantile.tms.get("WebMercatorQuad").tile((west + east) / 2, (south + north) / 2, 15)
    hill = np.linspace(40, 60, 256 * 256).reshape(256, 256)
    text = "\n".join(",".join(f"{value:.2f}" for value in row) for row in hill).encode()
    asc_prj = {"a.prj": gpd.GeoSeries([], crs="EPSG:6668").crs.to_wkt("WKT1_ESRI").encode()}
    return {
        "terrain tif": Door("a.tif", tif, _terrain),
        "canopy tif": Door("a.tif", tif, _trees),
        "land cover tif": Door("a.tif", tif, lambda p: read_raster(p, GRID)),
        "terrain asc": Door("a.asc", "\n".join(lines).encode(), _terrain, beside=asc_prj),
        "tile png": Door(f"15/{tile.x}/{tile.y}.png", png(coloured(hill)), _terrain),
        "tile txt": Door(f"15/{tile.x}/{tile.y}.txt", text, _terrain),
    }


def _of_tables(folder: Path) -> dict[str, Door]:
    inner = folder / "tables"
    inner.mkdir()
    made_city.alerts(inner)
    shelters, facilities = made_city.SHELTERS.encode("cp932"), made_city.FACILITIES.encode("cp932")
    listed = {"list.csv": shelters}
    answers = [test_moe_api.forecast(44116, "14:00", time, "300") for time in ("15:00", "18:00")]
    return {
        "forecast": Door("yohou.csv", made_city.FORECAST.encode(), lambda p: read_forecast(p, ["44116"])),
        "observed": Door(
            "wbgt_44116_202509.csv",
            "\n".join(["Date,Time,44116", *test_moe_observed.hours(*["20.5"] * 9)]).encode(),
            lambda p: (read_forecast(p), read_observed(p)),
        ),
        "api": Door("answer.json", test_moe_api.answered(inner, *answers).read_bytes(), read_forecast),
        "station json": Door("s.json", json.dumps(made_city.STATIONS).encode(), read_stations),
        "station csv": Door(
            "s.csv", "地点番号,地点名,経度,緯度\n44116,府中,139.48,35.68\n".encode(), read_stations
        ),
        "alerts": Door(
            "alert.csv", (inner / "alert_20250805_05.csv").read_bytes(), lambda p: read_alerts(p, "130000")
        ),
        "open-meteo": Door("a.json", json.dumps(made_city.open_meteo()).encode(), read_open_meteo),
        "amedas map": Door(
            "20250805090000.json", json.dumps({"44116": test_amedas.record()}).encode(),
            lambda p: read_amedas(WeatherQuery((p.parent,), None, "44116")),
            beside={"20250805100000.json": json.dumps({"44116": test_amedas.record()}).encode()},
        ),
        "amedas point": Door(
            "44116/20250805_09.json",
            json.dumps({test_amedas.stamp(row, 10): test_amedas.record() for row in range(3)}).encode(),
            read_amedas,
        ),
        "epw": Door("a.epw", test_epw.written(inner, test_epw.day(2018, 8, 5)).read_bytes(), read_epw),
        "weather csv": Door("a.csv", test_weather_csv.JAPANESE.encode(), read_weather_csv),
        "tree csv": Door("a.csv", made_city.TREES.encode(), _trees),
        "shelters csv": Door("a.csv", shelters, read_shelters),
        "shelters xlsx": Door(
            "a.xlsx", workbook([line.split(",") for line in made_city.SHELTERS.splitlines()]), read_shelters
        ),
        "coordinates": Door(
            "fixed.csv", "名称,住所,緯度,経度\nひなた寺,ひなた市西町9-9,35.7,139.55\n".encode(),
            lambda p: read_shelters(p.with_name("list.csv"), coordinates=p), beside=listed,
        ),
        "facilities": Door(
            "known.csv", facilities,
            lambda p: read_shelters(p.with_name("list.csv"), facilities=[p]), beside=listed,
        ),
        "congestion": Door(
            "c.csv", made_city.CONGESTION.encode("cp932"), lambda p: read_congestion(p, [])
        ),
        "equipment": Door("e.csv", made_city.EQUIPMENT.encode(), lambda p: read_equipment(p, _LIBRARY)),
    }  # fmt: skip
