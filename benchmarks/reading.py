"""Memory and time of reading a city's buildings from one large zip: ``python -m benchmarks.reading``.

A delivery is made by repeating a made block of houses, or a real file (``--file``), under other identifiers,
until it holds ``--size`` megabytes unpacked. Printed are the seconds per thousand buildings, of the clock and
of the processors, and the peak memory of all processes together.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import threading
import time
import zipfile
from pathlib import Path

from heatrisk.sources.buildings import read_buildings

#: Unpacked size of one file of the delivery [bytes]; PLATEAU's are of this order.
FILE = 20 * 10**6

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml"'
    ' xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:uro="https://www.geospatial.jp/iur/uro/3.1">\n'
    '<gml:boundedBy><gml:Envelope srsName="http://www.opengis.net/def/crs/EPSG/0/6697" srsDimension="3"/>'
    "</gml:boundedBy>\n"
)
TAIL = "</core:CityModel>\n"

WEST, SOUTH, SIDE = 139.5, 35.6, 1e-4  # of the made houses [degrees]


def face(*points: tuple[float, float, float]) -> str:
    """Return one polygon."""
    numbers = " ".join(
        f"{SOUTH + y * SIDE:.12f} {WEST + x * SIDE:.12f} {z}" for x, y, z in (*points, points[0])
    )
    ring = f"<gml:LinearRing>\n<gml:posList>{numbers}</gml:posList>\n</gml:LinearRing>"
    polygon = f"<gml:Polygon>\n<gml:exterior>\n{ring}\n</gml:exterior>\n</gml:Polygon>"
    return f"<gml:surfaceMember>\n{polygon}\n</gml:surfaceMember>\n"


def house(number: int, x: float, y: float) -> str:
    """Return one building: LOD0, a LOD1 box and the attributes that PLATEAU gives."""
    low, high = 50.0, 53.0 + number % 20
    plan = [(x, y), (x + 0.8, y), (x + 0.8, y + 0.7), (x, y + 0.7)]
    walls = zip(plan, (*plan[1:], plan[0]), strict=True)
    solid = face(*((*p, low) for p in plan)) + face(*((*p, high) for p in plan))
    solid += "".join(face((*a, low), (*b, low), (*b, high), (*a, high)) for a, b in walls)
    return (
        f'<core:cityObjectMember>\n<bldg:Building gml:id="bldg_{number:08d}">\n'
        f'<bldg:measuredHeight uom="m">{high - low + 1}</bldg:measuredHeight>\n'
        "<bldg:storeysAboveGround>2</bldg:storeysAboveGround>\n"
        f"<bldg:lod0RoofEdge>\n<gml:MultiSurface>\n{face(*((*p, 0.0) for p in plan))}</gml:MultiSurface>\n"
        "</bldg:lod0RoofEdge>\n<bldg:lod1Solid>\n<gml:Solid>\n<gml:exterior>\n<gml:CompositeSurface>\n"
        f"{solid}</gml:CompositeSurface>\n</gml:exterior>\n</gml:Solid>\n</bldg:lod1Solid>\n"
        "<uro:bldgDataQualityAttribute>\n<uro:DataQualityAttribute>\n<uro:lod1HeightType>2</uro:lod1HeightType>\n"
        "</uro:DataQualityAttribute>\n</uro:bldgDataQualityAttribute>\n</bldg:Building>\n</core:cityObjectMember>\n"
    )


def made(index: int) -> str:
    """Return one file of made houses, in a place of its own."""
    size = len(house(0, 0.0, 0.0))
    count = FILE // size
    houses = (house(index * count + i, 80.0 * index + i % 80, i // 80) for i in range(count))
    return HEAD + "".join(houses) + TAIL


def delivery(path: Path, size: int, real: Path | None) -> int:
    """Write a zip that holds so many bytes unpacked; return how many files it has."""
    text = None if real is None else real.read_text(encoding="utf-8-sig")
    written = files = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        while written < size:
            again = re.sub(r'gml:id="([^"]*)"', rf'gml:id="\1_{files}"', text) if text else made(files)
            content = again.encode()
            archive.writestr(f"udx/bldg/{53390000 + files}_bldg_6697_op.gml", content)
            written += len(content)
            files += 1
    return files


def family_memory() -> int:
    """Return the resident memory of this process and its children [bytes]; Linux only."""
    me, total = str(Path("/proc/self").resolve().name), 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:  # it has just ended
            continue
        if me in (status.parent.name, lines["PPid"].strip()):
            total += int(lines.get("VmRSS", "0 kB").split()[0]) * 1024
    return total


class PeakMemory:
    """The highest memory seen while the block runs, looked at twenty times a second."""

    def __enter__(self) -> PeakMemory:
        self.peak, self._over = family_memory(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, family_memory())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def main() -> None:
    """Make the delivery, read it, print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1000, help="megabytes, unpacked")
    parser.add_argument("--file", type=Path, help="a real CityGML file to repeat")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.zip"
        files = delivery(path, given.size * 10**6, given.file)
        print(f"{files} files, {given.size} MB in a zip of {path.stat().st_size / 1e6:.0f} MB", flush=True)
        began, before = time.perf_counter(), os.times()
        with PeakMemory() as memory:
            buildings, reading = read_buildings(path, "EPSG:6677")
        seconds = time.perf_counter() - began
        # User and system, of this process and of its children.
        busy = sum(os.times()[:4]) - sum(before[:4])
    assert reading.used == reading.read == len(buildings)
    print(
        f"{len(buildings)} buildings in {seconds:.1f} s: {1e6 * seconds / len(buildings):.0f} ms per 1000"
        f" ({1e6 * busy / len(buildings):.0f} of processors),"
        f" {given.size / seconds:.0f} MB/s, peak memory {memory.peak / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()
