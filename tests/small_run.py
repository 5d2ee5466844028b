"""A small finished run to serve: 60 x 50 cells, eight steps, made by hand, no physics behind it.

Its fields are asymmetric, so that a mirrored or shifted map cannot pass: the west is cooler, the north-east
corner lies outside, and one building stands south-west of the middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import morecantile
import numpy as np
import pandas as pd
import xarray as xr
from affine import Affine
from pyproj import CRS, Transformer

from heatrisk.grid import Grid
from heatrisk.risk import RISK_SCALES, classify
from heatrisk.shelters import Opening, Report, Shelter, to_geojson
from heatrisk.store import NewRun, RunStore, new_run_id
from heatrisk.stored import StoredRun
from heatrisk.tiles import build
from heatrisk.words import Words

GRID = Grid("EPSG:6677", Affine(5, 0, -24800, 0, -5, -35000), (50, 60))
#: 03, 06 … 24 JST of 5 August 2025.
TIMES = pd.date_range("2025-08-04T18:00", periods=8, freq="3h")
RUN = "20250804T1930Z-01234567"
#: Quantities that it holds for each cell and step.
FIELDS = {
    "wbgt_moe", "wbgt_moe_max", "wbgt_moe_sun", "wbgt_moe_shade", "wbgt_moe_sd", "p_danger", "wbgt_iso",
    "tmrt", "utci", "sunlit",
}  # fmt: skip
TMS = morecantile.tms.get("WebMercatorQuad")
CREATED = datetime(2025, 8, 4, 19, 30, tzinfo=UTC)
#: A clock inside the run: 14:10 JST, nearest to the step of 15:00 JST.
NOON = datetime(2025, 8, 5, 5, 10, tzinfo=UTC)
OFFICIAL = (25.0, 26.0, 29.0, 32.0, 33.0, 30.0, 27.0, 26.0)
BUILDING = (slice(30, 34), slice(20, 26))
OUTSIDE = (slice(0, 8), slice(50, 60))
#: An outdoor cell in the east.
OPEN_CELL = (20, 45)

SHELTERS = (
    Shelter(
        "1",
        "中央図書館",
        *GRID.centre_lonlat,
        address="ひなた市本町1-1",
        designation="designated",
        capacity=50,
        capacity_text="約50名",
        hours_text="9:00～20:00",
        openings=(Opening(9 * 60, 20 * 60, frozenset(range(7)), True),),
        opens_on="always",
        equipment=("water",),
        url="https://library.example.jp/",
    ),
    Shelter(
        "2",
        "ひなた寺 <b>本堂</b>",
        139.5600,
        35.6825,
        designation="cool_share",
        hours_text="お寺へお尋ねください",
    ),
    Shelter(
        "3",
        "集会所",
        address="ひなた市北町2-3",
        designation="designated",
        unplaced=Words("緯度・経度がありません", "no coordinates"),
        reports=(
            Report(
                "congestion",
                "busy",
                datetime(2025, 8, 5, 4, 58, tzinfo=UTC),
                datetime(2025, 8, 5, 6, 58, tzinfo=UTC),
            ),
        ),
    ),
)


def lonlat(row: int, column: int) -> tuple[float, float]:
    """Return longitude and latitude of a cell's centre."""
    return _placed(row + 0.5, column + 0.5)


def _placed(row: float, column: float) -> tuple[float, float]:
    x, y = GRID.transform.c + 5 * column, GRID.transform.f - 5 * row
    lon, lat = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return float(lon), float(lat)


def dataset() -> xr.Dataset:
    """Return fields in the form of a computed run."""
    rows, columns = GRID.shape
    open_reference = np.array(OFFICIAL)[:, None, None]
    warmer = np.linspace(-2.5, 0.5, columns)[None, None, :] + np.linspace(0.2, -0.2, rows)[None, :, None]
    wbgt = np.round(open_reference + warmer, 2).astype(np.float32)
    daytime = np.array([0, 1, 1, 1, 1, 1, 0, 0], np.float32)[:, None, None]
    sunlit = (
        np.broadcast_to(daytime * np.linspace(0, 1, columns)[None, None, :], wbgt.shape)
        .astype(np.float32)
        .copy()
    )
    mask = np.zeros(GRID.shape, np.uint8)
    mask[BUILDING], mask[OUTSIDE] = 1, 2
    for values in (wbgt, sunlit):
        values[:, mask > 0] = np.nan
    fields = {
        "wbgt_moe": wbgt,
        "wbgt_moe_max": wbgt + np.float32(0.4),
        "wbgt_iso": wbgt - np.float32(0.3),
        "wbgt_moe_sun": wbgt + np.float32(0.2),
        "wbgt_moe_shade": wbgt - np.float32(1.1),
        "wbgt_moe_sd": wbgt * 0 + np.float32(0.8),
        "p_danger": np.clip(np.round((wbgt - 29) / 4, 3), 0, 1).astype(np.float32),
        "tmrt": wbgt + np.float32(15.0),
        "utci": wbgt + np.float32(4.0),
        "sunlit": sunlit,
        "risk": classify(wbgt, RISK_SCALES["daily"]),
        "risk_sport": classify(wbgt, RISK_SCALES["sport"]),
    }
    half = np.timedelta64(90, "m")
    return xr.Dataset(
        {name: (("time", "y", "x"), values) for name, values in fields.items()}
        | {
            "svf": (("y", "x"), np.full(GRID.shape, 0.8, np.float32)),
            "mask": (("y", "x"), mask),
            "official": ("time", np.array(OFFICIAL)),
            "anchor_offset": ("time", np.full(len(TIMES), 0.25)),
        },
        coords={
            "time": TIMES.values,
            "time_bnds": (("time", "bnds"), np.stack([TIMES.values - half, TIMES.values + half], axis=1)),
            "y": GRID.y,
            "x": GRID.x,
            "spatial_ref": ((), 0, CRS.from_user_input(GRID.crs).to_cf()),
        },
        attrs={"Conventions": "CF-1.11", "title": "small run", "anchored": "true"},
    )


def manifest(created: datetime, digest: str, **changes: Any) -> dict[str, Any]:
    """Return the facts that come with the fields."""
    stations = [
        {
            "id": "99001",
            "name": "ひなた",
            "weight": 1.0,
            "issued": "2025-08-04T19:25:00Z",
            "values": list(OFFICIAL),
        }
    ]
    facts = {
        "run_id": new_run_id(created, digest),
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "heatrisk": "0.1.0",
        "verdict": {
            "level": "green",
            "ja": "【正常】8 時刻を計算しました",
            "en": "[green] 8 steps",
            "notes": [],
        },
        "city": {
            "name": {"ja": "ひなた市", "en": "Hinata"},
            "sample": True,
            "config": {"dashboard": {"basemap": "none"}},
        },
        "attribution": [{"ja": "建物: ひなた市（架空）", "en": "Buildings: Hinata (invented)"}],
        "inputs": [{"role": "buildings", "file": "footprints.gpkg", "sha256": "0" * 64, "bytes": 1}],
        "official": {
            "publication": "環境省熱中症予防情報サイト",
            "issued": "2025-08-04T19:25:00Z",
            "stations": stations,
        },
        "anchor": {
            "anchored": True,
            "official": list(OFFICIAL),
            "offset": [0.25] * 8,
            "suspect": ["2025-08-05T09:00:00Z"],
        },
        "assumptions": [
            {"code": "canopy_missing", "ja": "樹木のデータはありません", "en": "There are no data on trees"}
        ],
    }
    return {**facts, **changes}


def outlines() -> dict[str, Any]:
    """Return the one building as GeoJSON."""
    (top, bottom), (left, right) = ((part.start, part.stop) for part in BUILDING)
    corners = [(top, left), (bottom, left), (bottom, right), (top, right), (top, left)]
    ring = [list(_placed(row, column)) for row, column in corners]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {"height": 12.0}, "geometry": geometry}],
    }


def write_small_run(
    root: Path,
    created: datetime = CREATED,
    digest: str = "0123456789abcdef",
    fields: xr.Dataset | None = None,
    documents: Mapping[str, str] | None = None,
    **changes: Any,
) -> StoredRun:
    """Write and publish the run in a store.

    Parameters
    ----------
    root : pathlib.Path
        The store.
    created : datetime.datetime
        When the run is said to have been made.
    digest : str
        Makes the name of the run.
    fields : xarray.Dataset, optional
        Other fields than :func:`dataset`.
    documents : mapping, optional
        Further texts of the run by file name.
    **changes
        Members of the manifest to replace.
    """
    store = RunStore(root)
    fields = dataset() if fields is None else fields
    run = store.write(
        NewRun(
            fields,
            manifest(created, digest, **changes),
            build,
            to_geojson(SHELTERS),
            outlines(),
            documents=documents or {},
        )
    )
    store.publish(run.id)
    return run


def tile_of(cell: tuple[int, int], zoom: int = 15) -> str:
    """Return ``z/x/y`` of the tile that shows a cell."""
    tile = TMS.tile(*lonlat(*cell), zoom)
    return f"{tile.z}/{tile.x}/{tile.y}"
