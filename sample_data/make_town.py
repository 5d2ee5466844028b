"""Make the sample town: an invented suburb and an invented hot spell, in the file formats of the real world.

Hinata (ひなた市) does not exist. Its square of 1 km lies in zone IX of the Japanese plane coordinates
(EPSG:6677) at Mitaka's latitude, so that the sun and the files are those of a real suburb of Tokyo.

Run ``python sample_data/make_town.py [FOLDER]``; the same seed writes the same content.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyogrio
import pyproj
import rasterio
import shapely
from hot_days import official_forecast, open_meteo
from rasterio.features import rasterize
from rasterio.transform import Affine
from town_plan import PAVED, SIZE, STREAM, Town, draw_town

Floats = npt.NDArray[np.float64]

SEED, FORECAST_SEED = 20250805, 7
CRS = "EPSG:6677"
WEST, SOUTH = -25270.0, -35600.0  # south-west corner of the town [m]
MARGIN = 300  # terrain beyond the town [m]
ROOF = 2  # UMEP land cover code of a building

SHELTER_COLUMNS = [
    "名称", "所在地", "緯度", "経度", "開放可能日等(開館時間等)", "利用可能曜日", "開始時間", "終了時間",
    "受入れ可能人数", "クーリングシェルターの指定", "給水器", "備考",
]  # fmt: skip
SHELTERS = {  # building of the plan: one row of the list, without its coordinates
    "city_hall": (
        "ひなた市役所 中央支所 1階ロビー", "ひなた市本町1-2-3",
        "平日 8:30～17:15", "月火水木金", "8:30", "17:15", "約20名", "〇", "あり", "",
    ),
    "library": (
        "ひなた市立図書館", "ひなた市学園町2-8-1",
        "火～日 9:30～20:00(月曜休館)", "火水木金土日", "9:30", "20:00",
        "約50名", "〇", "あり", "席は先着順です",
    ),
    "community": (
        "南コミュニティセンター", "ひなた市南町3-5-10",
        "毎日 9:00～21:30", "月火水木金土日", "9:00", "21:30", "30名", "〇", "あり", "",
    ),
    "gymnasium": (
        "ひなた市民体育館 ロビー", "ひなた市東町4-1-1",
        "施設の開館日時に準ずる", "", "", "", "40人", "〇", "あり", "大会の日は利用できない場合があります",
    ),
    "shopping": (
        "ひなたショッピングセンター 2階休憩コーナー", "ひなた市駅前1-1-1",
        "１０：００～２１：００（無休）", "月火水木金土日", "10:00", "21:00", "15～20名", "〇", "なし", "",
    ),
    "clinic": (
        "ひだまり薬局", "ひなた市西町1-14-6",
        "月・火・水・金 9:00～19:00、木・土 9:00～13:00", "", "", "", "5名", "〇", "なし", "日曜・祝日休み",
    ),
    "temple": (
        "日向寺 客殿", "ひなた市寺町2-3-4",
        "7月1日から9月15日まで 10:00～16:00(法要の日を除く)", "", "", "",
        "―", "", "なし", "クールシェアスポット",
    ),
    "station": (
        "ひなた駅 自由通路ホール", "ひなた市駅前1-2",
        "始発から終電まで", "", "", "", "", "", "あり", "クールシェアスポット",
    ),
}  # fmt: skip


def elevation(x: Floats, y: Floats) -> Floats:
    """Return the ground's height [m]: a plain falling eastward, and the stream's valley in it."""
    valley = np.exp(-((shapely.distance(shapely.points(x, y), STREAM) / 75) ** 2))
    swell = 0.35 * np.sin(x / 130 + 0.8) * np.cos(y / 170)
    return np.round(53.5 - 0.0022 * x - 2.9 * valley + swell, 2)


def write_raster(path: Path, data: npt.NDArray[np.generic], cell: float, margin: float, about: str) -> None:
    """Write one band, north up."""
    transform = Affine(cell, 0, WEST - margin, 0, -cell, SOUTH + SIZE + margin)
    predictor = 3 if data.dtype.kind == "f" else 1
    with rasterio.open(
        path, "w", driver="GTiff", width=data.shape[1], height=data.shape[0], count=1, dtype=data.dtype,
        crs=CRS, transform=transform, compress="deflate", zlevel=9, predictor=predictor, tiled=True,
    ) as out:  # fmt: skip
        out.write(data, 1)
        out.set_band_description(1, about)


def crowns(town: Town) -> npt.NDArray[np.uint8]:
    """Return crown-top height above ground on 1 m cells [m]; a crown is a dome, highest in its middle."""
    top = np.zeros((SIZE, SIZE))
    for x, y, radius, height in town.trees:
        reach = int(np.ceil(radius))
        row, column = SIZE - 1 - int(np.floor(y)), int(np.floor(x))
        rows = np.arange(max(row - reach, 0), min(row + reach + 1, SIZE))
        columns = np.arange(max(column - reach, 0), min(column + reach + 1, SIZE))
        away = np.hypot(columns[None, :] + 0.5 - x, SIZE - 0.5 - rows[:, None] - y) / radius
        dome = np.where(away <= 1, height * (1 - 0.4 * away**2), 0)
        window = np.ix_(rows, columns)
        top[window] = np.maximum(top[window], dome)
    return np.round(top).astype(np.uint8)


def write_plan(town: Town, folder: Path) -> None:
    """Write footprints, terrain, crowns and land cover."""
    shapes, heights, storeys, usages = zip(*town.buildings, strict=True)
    footprints = shapely.set_precision(shapely.normalize(np.array(shapes)), 0.01)
    frame = gpd.GeoDataFrame(
        {
            "id": [f"hinata-{n:04d}" for n in range(1, len(shapes) + 1)],
            "measuredHeight": heights, "storeysAboveGround": storeys, "usage": usages,
        },
        geometry=shapely.transform(footprints, lambda xy: np.add(xy, (WEST, SOUTH))), crs=CRS,
    )  # fmt: skip
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2025-08-04T00:00:00.000Z"})
    path = folder / "footprints.gpkg"
    path.unlink(missing_ok=True)
    pyogrio.write_dataframe(frame, path, layer="footprints", geometry_type="Polygon", SPATIAL_INDEX="NO")

    grid = Affine(1, 0, 0, 0, -1, SIZE)
    roof = rasterize(footprints, out_shape=(SIZE, SIZE), transform=grid, dtype="uint8") == 1
    cover = rasterize(town.ground, out_shape=(SIZE, SIZE), transform=grid, fill=PAVED, dtype="uint8")
    cover[roof] = ROOF
    canopy = np.where(roof, np.uint8(0), crowns(town))
    write_raster(folder / "land_cover.tif", cover, 1, 0, "UMEP land cover")
    write_raster(folder / "canopy.tif", canopy, 1, 0, "crown top above ground [m]")
    centres = np.arange(-MARGIN + 2.5, SIZE + MARGIN, 5.0)
    terrain = elevation(*np.meshgrid(centres, centres[::-1])).astype(np.float32)
    write_raster(folder / "dem.tif", terrain, 5, MARGIN, "elevation [m]")


def write_shelters(town: Town, path: Path) -> None:
    """Write the shelter list as a spreadsheet saves it: UTF-8 with byte-order mark."""
    to_degrees = pyproj.Transformer.from_crs(CRS, "EPSG:6668", always_xy=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(SHELTER_COLUMNS)
        for building, (name, address, *rest) in SHELTERS.items():
            door = town.named[building].representative_point()
            lon, lat = to_degrees.transform(door.x + WEST, door.y + SOUTH)
            table.writerow([name, address, f"{lat:.6f}", f"{lon:.6f}", *rest])


def main() -> None:
    """Write every made file of the sample into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).resolve().parent)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    town = draw_town(np.random.default_rng(SEED))
    write_plan(town, folder)
    write_shelters(town, folder / "shelters.csv")
    forecast = official_forecast(np.random.default_rng(FORECAST_SEED))
    (folder / "yohou_hinata.csv").write_text(forecast, encoding="ascii", newline="\n")
    weather = json.dumps(open_meteo(), ensure_ascii=False, separators=(",", ":"))
    (folder / "open_meteo.json").write_text(weather + "\n", encoding="utf-8", newline="\n")
    print(f"{len(town.buildings)} buildings, {len(town.trees)} trees written to {folder}")


if __name__ == "__main__":
    main()
