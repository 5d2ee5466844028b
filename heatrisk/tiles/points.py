"""Places as vector tiles: points with their properties, in the encoding that map libraries read.

References
----------
.. [1] Mapbox Vector Tile Specification 2.1, https://github.com/mapbox/vector-tile-spec.
"""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from heatrisk.archive import Facts, Kind, Tile, packed, varint
from heatrisk.grid import Bounds

#: Name of the layer inside the tiles.
LAYER = "shelters"
#: Zooms of the tiles; clients enlarge the highest.
ZOOMS = (10, 14)
EXTENT = 4096
#: How far a tile reaches beyond its edges, so that no symbol is cut, in units of its extent.
BUFFER = 128

_VARINT, _BYTES = 0, 2
_POINT, _MOVE_TO = 1, 1

Value = str | bool | int | float


def archive(collection: Mapping[str, Any], bounds: Bounds) -> bytes:
    """Return points as an archive of vector tiles.

    Parameters
    ----------
    collection : mapping
        GeoJSON feature collection; those without a geometry are left out.
    bounds : tuple of float
        West, south, east, north that the archive states [degrees].
    """
    features = [feature for feature in collection["features"] if feature["geometry"] is not None]
    tiles = []
    for zoom in range(ZOOMS[0], ZOOMS[1] + 1):
        places = {tile for feature in features for tile in _near(feature, zoom)}
        tiles += [Tile(zoom, x, y, gzip.compress(encoded(features, zoom, x, y), mtime=0)) for x, y in places]
    layer = {"id": LAYER, "fields": {"id": "String", "name": "String", "designation": "String"}}
    metadata = {"name": LAYER, "vector_layers": [{**layer, "minzoom": ZOOMS[0], "maxzoom": ZOOMS[1]}]}
    return packed(tiles, Facts(Kind.MVT, bounds, ZOOMS, True, metadata))


def encoded(features: Iterable[Mapping[str, Any]], z: int, x: int, y: int) -> bytes:
    """Return one vector tile; empty where no point lies in it or near its edges.

    Parameters
    ----------
    features : iterable of mapping
        GeoJSON features with a point each; of their properties text, numbers and truth values are kept.
    z, x, y : int
        Tile of WebMercatorQuad (XYZ, y from the north).
    """
    keys: dict[str, int] = {}
    values: dict[bytes, int] = {}
    rows = []
    for number, feature in enumerate(features, 1):
        across, down = (
            round((part - edge) * EXTENT) for part, edge in zip(_place(feature, z), (x, y), strict=True)
        )
        if not (-BUFFER <= across <= EXTENT + BUFFER and -BUFFER <= down <= EXTENT + BUFFER):
            continue
        tags = b""
        for name, value in feature["properties"].items():
            if isinstance(value, Value):
                tags += varint(keys.setdefault(name, len(keys)))
                tags += varint(values.setdefault(_value(value), len(values)))
        geometry = b"".join(map(varint, (_MOVE_TO | 1 << 3, _zigzag(across), _zigzag(down))))
        rows.append(_field(1, number) + _field(2, tags) + _field(3, _POINT) + _field(4, geometry))
    if not rows:
        return b""
    layer = _field(15, 2) + _field(1, LAYER.encode()) + b"".join(_field(2, row) for row in rows)
    layer += b"".join(_field(3, key.encode()) for key in keys) + b"".join(
        _field(4, value) for value in values
    )
    return _field(3, layer + _field(5, EXTENT))


def _place(feature: Mapping[str, Any], z: int) -> tuple[float, float]:
    """Return where a point lies, in tiles from the north-west corner of the world."""
    lon, lat = feature["geometry"]["coordinates"][:2]
    sine = math.sin(math.radians(lat))
    side = float(1 << z)
    return side * (lon / 360 + 0.5), side * (0.5 - math.atanh(sine) / (2 * math.pi))


def _near(feature: Mapping[str, Any], z: int) -> Iterator[tuple[int, int]]:
    """Yield the tiles that show a point, those with it in their margin too."""
    east, south = _place(feature, z)
    margin = BUFFER / EXTENT
    for x in range(math.floor(east - margin), math.floor(east + margin) + 1):
        for y in range(math.floor(south - margin), math.floor(south + margin) + 1):
            yield x, y


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return _field(1, value.encode())
    if isinstance(value, bool):
        return _field(7, int(value))
    return _double(value)


def _double(value: float) -> bytes:
    return bytes([3 << 3 | 1]) + struct.pack("<d", value)


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3 | _VARINT) + varint(value)
    return varint(number << 3 | _BYTES) + varint(len(value)) + value


def _zigzag(number: int) -> int:
    return 2 * number if number >= 0 else -2 * number - 1
