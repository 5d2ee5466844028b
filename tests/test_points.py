"""Places as vector tiles: every point where it belongs, read back by another program."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from heatrisk.archive import Archive, Kind
from heatrisk.tiles.points import BUFFER, EXTENT, LAYER, ZOOMS, archive, encoded

mapbox = pytest.importorskip("mapbox_vector_tile", reason="mapbox-vector-tile is not installed")

PLACES = {"図書館": (139.5601, 35.6831), "寺": (139.5700, 35.6905), "駅": (139.5605, 35.7027)}


def features() -> list[dict[str, Any]]:
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": list(place)},
            "properties": {
                "name": name,
                "capacity": 50,
                "share": -0.25,
                "open": True,
                "url": None,
                "ways": [1],
            },
        }
        for name, place in PLACES.items()
    ]


def placed(lon: float, lat: float, z: int) -> tuple[float, float]:
    """Tiles from the north-west corner of the world (OpenStreetMap wiki, "Slippy map tilenames")."""
    side = 2**z
    return (
        (lon + 180) / 360 * side,
        (1 - math.log(math.tan(math.radians(lat)) + 1 / math.cos(math.radians(lat))) / math.pi) / 2 * side,
    )


@pytest.mark.parametrize("zoom", [10, 13, 14, 17])
def test_another_reader_finds_every_point_in_its_place(zoom: int) -> None:
    for name, place in PLACES.items():
        east, south = placed(*place, zoom)
        tile = encoded(features(), zoom, int(east), int(south))
        layer = mapbox.decode(tile, default_options={"y_coord_down": True})[LAYER]
        assert layer["extent"] == EXTENT
        (found,) = [row for row in layer["features"] if row["properties"]["name"] == name]
        assert found["properties"] == {"name": name, "capacity": 50, "share": -0.25, "open": True}
        assert found["geometry"]["type"] == "Point"
        x, y = found["geometry"]["coordinates"]
        assert (x / EXTENT, y / EXTENT) == pytest.approx((east % 1, south % 1), abs=0.6 / EXTENT)


def test_a_tile_without_points_is_empty() -> None:
    assert encoded(features(), 14, 0, 0) == b""
    assert encoded([], 14, 14541, 6449) == b""


def test_a_point_near_an_edge_is_in_both_tiles() -> None:
    east, south = placed(*PLACES["駅"], 14)
    x, y = int(east), int(south)
    edge = x / 2**14 * 360 - 180 + 0.25 * BUFFER / EXTENT * 360 / 2**14
    row = {"geometry": {"type": "Point", "coordinates": [edge, PLACES["駅"][1]]}, "properties": {}}
    for column in (x - 1, x):
        assert encoded([row], 14, column, y)
    assert encoded([row], 14, x + 1, y) == b""


def test_the_archive_holds_every_point_at_every_zoom(tmp_path: Path) -> None:
    rows = [*features(), {"geometry": None, "properties": {"name": "住所不明"}}]
    path = tmp_path / "shelters.pmtiles"
    path.write_bytes(archive({"features": rows}, (139.5, 35.6, 139.7, 35.8)))
    found = Archive(path)
    assert (found.facts.kind, found.facts.zooms) == (Kind.MVT, ZOOMS)
    assert found.facts.metadata is not None
    assert found.facts.metadata["vector_layers"][0]["id"] == LAYER
    for zoom in range(ZOOMS[0], ZOOMS[1] + 1):
        for name, place in PLACES.items():
            content = found.tile(zoom, *map(int, placed(*place, zoom)))
            assert content is not None
            names = [row["properties"]["name"] for row in mapbox.decode(content)[LAYER]["features"]]
            assert name in names
            assert "住所不明" not in names
