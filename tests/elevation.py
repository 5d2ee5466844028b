"""Elevation files as public bodies write them, made from numbers the tests choose."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine


def gsi_xml(
    values: Iterable[float],
    *,
    low: tuple[float, float] = (35.7, 139.5),
    high: tuple[float, float] = (35.7 + 150 * 0.2 / 3600, 139.5 + 225 * 0.2 / 3600),
    limits: str = "224 149",
    start: str = "0 0",
    order: str = "+x-y",
    kind: str = "5mメッシュ（標高）",
    system: str = "fguuid:jgd2011.bl",
    encoding: str = "UTF-8",
    surface: str = "地表面",
) -> bytes:
    """Return a file of 基盤地図情報 数値標高モデル."""
    tuples = "\n".join(f"{surface},{value:.2f}" for value in values)
    text = f"""<?xml version="1.0" encoding="{encoding}"?>
<Dataset xmlns:gml="http://www.opengis.net/gml/3.2" xmlns="http://fgd.gsi.go.jp/spec/2008/FGD_GMLSchema">
<DEM gml:id="DEM001"><type>{kind}</type><mesh>53394400</mesh><coverage gml:id="DEM001-3">
<gml:boundedBy><gml:Envelope srsName="{system}">
<gml:lowerCorner>{low[0]:.9f} {low[1]:.9f}</gml:lowerCorner>
<gml:upperCorner>{high[0]:.9f} {high[1]:.9f}</gml:upperCorner></gml:Envelope></gml:boundedBy>
<gml:gridDomain><gml:Grid dimension="2"><gml:limits><gml:GridEnvelope>
<gml:low>0 0</gml:low><gml:high>{limits}</gml:high></gml:GridEnvelope></gml:limits>
</gml:Grid></gml:gridDomain>
<gml:rangeSet><gml:DataBlock>
<gml:tupleList>
{tuples}
</gml:tupleList>
</gml:DataBlock></gml:rangeSet><gml:coverageFunction><gml:GridFunction>
<gml:sequenceRule order="{order}">Linear</gml:sequenceRule><gml:startPoint>{start}</gml:startPoint>
</gml:GridFunction></gml:coverageFunction></coverage></DEM></Dataset>
"""
    codec = "cp932" if encoding.lower() in ("shift_jis", "windows-31j") else encoding
    return text.encode(codec)


def relief_gml(triangles: npt.NDArray[np.float64], *, prefix: str = "gml:", breaks: str = "\n") -> bytes:
    """Return a PLATEAU relief of triangles, shape (n, 3, 3): latitude, longitude, height."""
    bodies = [
        f"<{prefix}Triangle>{breaks}<{prefix}exterior><{prefix}LinearRing><{prefix}posList>"
        + " ".join(f"{number:.12f}" for corner in (*triangle, triangle[0]) for number in corner)
        + f"</{prefix}posList></{prefix}LinearRing></{prefix}exterior></{prefix}Triangle>"
        for triangle in triangles
    ]
    south, west, low = triangles.min(axis=(0, 1))
    north, east, high = triangles.max(axis=(0, 1))
    return (
        '<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml">'
        '<gml:boundedBy><gml:Envelope srsName="http://www.opengis.net/def/crs/EPSG/0/6697" srsDimension="3">'
        f"<gml:lowerCorner>{south:.12f} {west:.12f} {low}</gml:lowerCorner>"
        f"<gml:upperCorner>{north:.12f} {east:.12f} {high}</gml:upperCorner></gml:Envelope></gml:boundedBy>"
        "<core:cityObjectMember><dem:ReliefFeature><dem:reliefComponent><dem:TINRelief><dem:tin>"
        f"<gml:TriangulatedSurface><gml:trianglePatches>{breaks}{breaks.join(bodies)}"
        "</gml:trianglePatches></gml:TriangulatedSurface></dem:tin></dem:TINRelief></dem:reliefComponent>"
        "</dem:ReliefFeature></core:cityObjectMember></core:CityModel>"
    ).encode()


def coloured(heights: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return the colours of elevations in GSI's code, shape (3, rows, columns); NaN is 128, 0, 0."""
    code = np.where(np.isnan(heights), 2**23, np.round(np.nan_to_num(heights) * 100)).astype(np.int64) % 2**24
    return np.stack([code >> 16, code >> 8 & 255, code & 255]).astype(np.uint8)


def png(bands: npt.NDArray[np.uint8], palette: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """Return a PNG file: one band of palette indices or grey, three of colour, four with opacity."""
    count, rows, columns = bands.shape
    kind = 3 if palette else {1: 0, 3: 2, 4: 6}[count]
    lines = np.moveaxis(bands, 0, -1).reshape(rows, -1)
    packed = zlib.compress(b"".join(b"\0" + line.tobytes() for line in lines))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, kind, 0, 0, 0))]
    if palette:
        chunks.append((b"PLTE", bytes(value for colour in palette for value in colour[:3])))
        chunks.append((b"tRNS", bytes(colour[3] for colour in palette)))
    chunks += [(b"IDAT", packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """Return a zip of some files."""
    with io.BytesIO() as held:
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return held.getvalue()


def geotiff(
    path: Path,
    values: npt.NDArray[np.generic],
    transform: Affine,
    crs: str | None = "EPSG:6677",
    nodata: float | None = None,
) -> Path:
    """Write a GeoTIFF of one band, or of the bands of a 3-D array."""
    bands = values if values.ndim == 3 else values[None]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(bands),
        height=bands.shape[1],
        width=bands.shape[2],
        dtype=bands.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as dataset:
        dataset.write(bands)
    return path
