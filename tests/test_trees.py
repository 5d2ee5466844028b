"""Trees of every source on one grid: where crowns lie, how high, what was taken and what not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Transformer

from heatrisk.errors import HeatRiskError, InputError, SourceIncompleteError, SourceUnavailableError
from heatrisk.grid import Grid
from heatrisk.sources.files import Member
from heatrisk.sources.trees import read_trees
from heatrisk.sources.trees.crowns import crown_diameter
from heatrisk.sources.trees.vegetation import read_vegetation
from tests.messages import SHARED, explains
from tests.test_vegetation import cover, flat, lod, tree
from tests.test_vegetation import written as model

CRS = "EPSG:6677"
#: 100 x 100 m about the made model's place.
EAST, NORTH = (
    round(value) for value in Transformer.from_crs("EPSG:6668", CRS, always_xy=True).transform(139.55, 35.70)
)
GRID = Grid(CRS, Affine(0.5, 0, EAST - 50, 0, -0.5, NORTH + 50), (200, 200))
TO_DEGREES = Transformer.from_crs(CRS, "EPSG:6668", always_xy=True)


def listed(
    folder: Path, *rows: str, header: str = "緯度,経度,樹高,枝張り,樹種,区分", name: str = "a.csv"
) -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def at(east: float, north: float) -> str:
    """Return latitude and longitude of a place, counted from the middle of the grid [m]."""
    lon, lat = TO_DEGREES.transform(EAST + east, NORTH + north)
    return f"{lat:.9f},{lon:.9f}"


def raster(
    folder: Path, height: float, *, west: float = -50.0, columns: int = 100, name: str = "chm.tif"
) -> Path:
    """Write canopy heights on 1 m cells from some metres west of the middle on."""
    path = folder / name
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=100, width=columns, dtype="float32", crs=CRS,
        transform=Affine(1, 0, EAST + west, 0, -1, NORTH + 50), nodata=-9999.0,
    ) as dataset:  # fmt: skip
        dataset.write(np.full((1, 100, columns), height, np.float32))
    return path


def area(canopy: np.ndarray) -> float:
    return float((canopy > 0).sum() * GRID.cell_size**2)


def test_a_listed_tree_is_a_disc_where_it_stands(tmp_path: Path) -> None:
    path = listed(tmp_path, f"{at(10, 20)},8,6,ケヤキ,高木")
    canopy, reading = read_trees([path], GRID)
    assert (canopy.dtype, canopy.shape) == (np.float32, GRID.shape)
    rows, columns = np.nonzero(canopy)
    assert np.unique(canopy).tolist() == [0.0, 8.0]
    assert GRID.x[columns].mean() == pytest.approx(EAST + 10, abs=0.02)
    assert GRID.y[rows].mean() == pytest.approx(NORTH + 20, abs=0.02)
    assert area(canopy) == pytest.approx(np.pi * 9, rel=0.02)
    assert (reading.role, reading.read, reading.used, reading.covered) == ("canopy", 1, 1, None)
    assert reading.facts["crowns"] == {"drawn": 0, "stated": 1, "rule": 0}
    assert reading.notes == ()


def test_a_crown_without_diameter_follows_from_the_height(tmp_path: Path) -> None:
    canopy, reading = read_trees([listed(tmp_path, f"{at(0, 0)},12,,,", f"{at(30, 30)},12,9999,,")], GRID)
    expected = 2 * np.pi * (crown_diameter(np.array([12.0]))[0] / 2) ** 2
    assert area(canopy) == pytest.approx(expected, rel=0.03)
    assert reading.facts["crowns"]["rule"] == 2
    assert [note.code for note in reading.notes] == ["crowns_from_height"]


def test_default_heights_by_species_then_class_then_any(tmp_path: Path) -> None:
    rows = [
        f"{at(-30, 0)},,4,ケヤキ,高木", f"{at(-10, 0)},-9999,4,サツキ,低木", f"{at(10, 0)},0,4,,",
        f"{at(30, 0)},9.5,4,ケヤキ,高木",
    ]  # fmt: skip
    path = listed(tmp_path, *rows)
    canopy, reading = read_trees([path], GRID, heights={"ケヤキ": 12.0, "高木": 7.0, "低木": 1.0, "*": 5.0})
    assert np.unique(canopy).tolist() == [0.0, 1.0, 5.0, 9.5, 12.0]
    assert reading.facts["heights"] == {"stated": 1, "default": 3}
    assert [note.code for note in reading.notes] == ["tree_heights_default"]
    _, partly = read_trees([path], GRID, heights={"低木": 1.0})
    assert (partly.used, [row.where for row in partly.refused]) == (2, ["2", "4"])
    assert [note.code for note in partly.notes] == ["tree_heights_default", "trees_refused"]


def test_a_list_without_any_height_asks_for_a_decision(tmp_path: Path) -> None:
    path = listed(tmp_path, f"{at(0, 0)},イチョウ", header="緯度,経度,樹種")
    with pytest.raises(SourceIncompleteError) as caught:
        read_trees([path], GRID)
    assert "[trees] heights" in explains(caught.value, path)


def test_rows_far_away_are_counted_and_not_told(tmp_path: Path) -> None:
    path = listed(tmp_path, f"{at(0, 0)},8,6,,", f"{at(5000, 0)},8,6,,", "-89,10,,,,", f"{at(52, 0)},8,6,,")
    canopy, reading = read_trees([path], GRID)
    assert (reading.read, reading.used, reading.facts["outside"], reading.refused) == (4, 2, 2, ())
    assert canopy[100, -1] == 8.0, "a crown reaches in from beyond the edge"


def test_no_tree_in_the_area_is_told(tmp_path: Path) -> None:
    canopy, reading = read_trees([listed(tmp_path, f"{at(5000, 0)},8,6,,")], GRID)
    assert not canopy.any()
    assert [note.code for note in reading.notes] == ["trees_none_here"]


def test_plateau_trees_and_plantings(tmp_path: Path) -> None:
    path = model(
        tmp_path,
        tree(lod(1, flat(50.0), flat(58.0))),
        tree(lod(1, flat(50.0, shift=2.0)), height="-9999", name="sentinel"),
        cover(lod(1, flat(50.0, shift=-2.0), kind="MultiSolid"), height="2.5"),
        tree(lod(1, flat(50.0, shift=0.0).replace("139.5501", "139.5701")), name="forest"),
    )
    canopy, reading = read_trees([path], GRID)
    assert np.unique(canopy).tolist() == [0.0, 2.5, 8.5]
    plants, _ = read_vegetation(Member(path))
    boxes = plants.to_crs(CRS).area
    assert (canopy == 8.5).sum() / 4 == pytest.approx(boxes[0], rel=0.05)
    assert (canopy == 2.5).sum() / 4 == pytest.approx(boxes[2], rel=0.05)
    assert {row.where for row in reading.refused} == {"sentinel", "forest"}
    assert reading.facts["crowns"] == {"drawn": 2, "stated": 0, "rule": 0}
    _, given = read_trees([path], GRID, heights={"1": 6.0})
    assert [row.where for row in given.refused] == ["forest"]


def test_of_overlapping_sources_the_higher_counts(tmp_path: Path) -> None:
    paths = [raster(tmp_path, 5.0, columns=60), listed(tmp_path, f"{at(0, 0)},8,6,,", f"{at(40, 0)},3,6,,")]
    canopy, reading = read_trees(paths, GRID)
    assert np.unique(canopy).tolist() == [0.0, 3.0, 5.0, 8.0]
    assert canopy[100, 100] == 8.0
    assert reading.covered == pytest.approx(0.6, abs=0.01)
    assert (reading.read, reading.used) == (2, 2)
    assert [file["kind"] for file in reading.facts["files"]] == ["list", "raster"]


def test_tiles_of_a_raster_join_without_a_seam(tmp_path: Path) -> None:
    folder = tmp_path / "chm"
    folder.mkdir()
    raster(folder, 5.0, columns=50, name="w.tif")
    raster(folder, 5.0, west=0.0, columns=50, name="e.tif")
    raster(folder, 9.0, west=9000.0, name="far.tif")
    canopy, reading = read_trees([folder], GRID)
    assert (canopy == 5.0).all()
    assert (reading.covered, reading.used, reading.read) == (1.0, 40_000, 40_000)
    assert {file["file"]: file["outside"] for file in reading.facts["files"]} == {
        "e.tif": 0,
        "far.tif": 1,
        "w.tif": 0,
    }


def test_several_files_name_theirs_in_refusals(tmp_path: Path) -> None:
    good = f"{at(0, 0)},8,6,,"
    paths = [listed(tmp_path, good, name="a.csv"), listed(tmp_path, good, ",,8,6,,", name="b.csv")]
    _, reading = read_trees(paths, GRID)
    assert [row.where for row in reading.refused] == ["b.csv: 3"]
    assert [file.name for file in reading.files] == ["a.csv", "b.csv"]


def test_bad_sources_are_explained(tmp_path: Path) -> None:
    picture = tmp_path / "trees.png"
    picture.write_bytes(b"\x89PNG")
    far = raster(tmp_path, 9.0, west=9000.0)
    cases: list[tuple[Path, type[HeatRiskError]]] = [
        (picture, InputError),
        (far, SourceIncompleteError),
        (tmp_path / "none.csv", SourceUnavailableError),
    ]
    for path, kind in cases:
        with pytest.raises(kind) as caught:
            read_trees([path], GRID)
        explains(caught.value, path)


def test_the_real_trees_cover_their_outlines() -> None:
    path = SHARED / "plateau" / "54401008_veg_6697_op__08220_tsukuba_2023.gml"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    grid = Grid(CRS, Affine(0.5, 0, 24_850, 0, -0.5, 9_650), (600, 600))
    canopy, reading = read_trees([path], grid)
    assert (reading.read, reading.used, reading.refused) == (6, 6, ())
    plants, _ = read_vegetation(Member(path))
    outlines = plants.to_crs(CRS).geometry.to_numpy()
    assert (canopy > 0).sum() * 0.25 == pytest.approx(float(shapely.area(outlines).sum()), rel=0.02)
    # Heights as the file states them: two trees of 12.4 m, one of 8 m, plantings below a metre.
    np.testing.assert_allclose(np.unique(canopy), [0.0, 0.3, 0.5, 0.8, 8.0, 12.4])
