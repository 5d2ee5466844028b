"""A very small city: six houses in a block, an official forecast and a shelter; a run takes a second."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import shapely

CITY = """
[city]
name = "試験市"
name_en = "Testville"
crs = "EPSG:6677"
[buildings]
path = "footprints.gpkg"
[official]
path = "yohou.csv"
stations = ["44116"]
[shelters]
path = "shelters.csv"
"""

FORECAST = """\
,,2026073009,2026073012,2026073015,2026073018,2026073021,2026073024
44116,2026/07/30 07:25, 290, 320, 310, 290, 280, 270
"""

SHELTERS = """\
名称,所在地,緯度,経度,開放可能日等(開館時間等),受入れ可能人数
中央図書館,試験市1-1,35.6837,139.5603,9:00～17:00,約50名
"""

#: A clock on the morning of the forecast: 08:00 in Japan.
MORNING = datetime(2026, 7, 29, 23, 0, tzinfo=UTC)


def make_tiny(folder: Path) -> Path:
    """Write the city's files into a folder, and return its city file."""
    east, north = -24760.0, -35080.0
    boxes = [
        shapely.box(x, y, x + 12, y + 10) for x in (east, east + 40, east + 80) for y in (north, north + 40)
    ]
    heights = [6.5, 7.0, 9.0, 12.0, 6.0, 30.0]
    frame = gpd.GeoDataFrame({"measuredHeight": heights}, geometry=boxes, crs="EPSG:6677")
    frame.to_file(folder / "footprints.gpkg", driver="GPKG")
    (folder / "yohou.csv").write_text(FORECAST)
    (folder / "shelters.csv").write_text(SHELTERS, encoding="utf-8-sig")
    (folder / "city.toml").write_text(CITY, encoding="utf-8")
    return folder / "city.toml"
