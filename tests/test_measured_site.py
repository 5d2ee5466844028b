"""A measured site in whatever form its files come: read alike, or refused with the file and the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import measured_site, validation
from benchmarks.measurements import read_measurements
from heatrisk.errors import HeatRiskError
from tests.made_site import PLACE, clear_sky, met_file, raster, site


def days(*dates: str) -> pd.DataFrame:
    """Return made weather of some days, as far as measurements look at it."""
    hours = [pd.Timestamp(date) + pd.Timedelta(hours=h) for date in dates for h in range(24)]
    return pd.DataFrame({"ta": 20.0}, index=pd.DatetimeIndex(hours))


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Tmrt_degC", "Tmrt"), ("TMRT (°C)", "Tmrt"), ("Tmrt C", "Tmrt"), ("K_W", "Kw"), ("Lw", "Lw"),
        ("LW_out [W/m^2]", "Lup"), ("kNorth_Wm-2", "Kn"), ("Ldown W/m2", "Ldown"), ("Kdown_Avg", "Kdown"),
    ],
)  # fmt: skip
def test_names_of_columns_with_units_in_any_case(tmp_path: Path, heading: str, name: str) -> None:
    path = tmp_path / "measurements.csv"
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text(f"hour,{heading},Sstr,Ta\n12,70,1,2\n", encoding)
        assert {*read_measurements([path], days("2005-10-11"))} == {name}


@pytest.mark.parametrize(
    ("headings", "names"),
    [
        ("LE,Ldown", {"Ldown"}), ("LE_Wm-2,Ldown", {"Ldown"}), ("LE [W/m2],Ldown", {"Ldown"}),
        ("LE,LN", {"Le", "Ln"}), ("Le,Ldown", {"Le", "Ldown"}), ("L_E,Ldown", {"Le", "Ldown"}),
    ],
)  # fmt: skip
def test_latent_heat_is_not_long_wave_from_the_east(tmp_path: Path, headings: str, names: set[str]) -> None:
    path = tmp_path / "measurements.csv"
    path.write_text(f"hour,{headings}\n12,70,300\n", "utf-8")
    assert {*read_measurements([path], days("2005-10-11"))} == names


OCTOBER = ("2005-10-11", "2006-07-26", "2006-08-01")


@pytest.mark.parametrize(
    ("content", "when", "value"),
    [
        ("hour,Kdown\n12,700\n", "2005-10-11T12", 700.0),
        ("Hour;Kdown\n12;700,5\n", "2005-10-11T12", 700.5),
        ("hour\tKdown\n12\t700\n", "2005-10-11T12", 700.0),
        ("hour Kdown\n12 700\n", "2005-10-11T12", 700.0),
        ("% hour Kdown\n12.00 700\n", "2005-10-11T12", 700.0),
        ("# made by hand\nhour, K_down [W/m2]\n12, 700\n", "2005-10-11T12", 700.0),
        ("time,Kdn\n12:30,700\n", "2005-10-11T12", 700.0),
        ("it,Kdown_Wm2\n1230,700\n", "2005-10-11T12", 700.0),
        ("hour,Kdown\n12.5,700\n", "2005-10-11T12", 700.0),
        ("hour,Kdown\n24,700\n", "2005-10-12T00", 700.0),
        ("hour,Kdown\n0,700\n", "2005-10-11T00", 700.0),
        ("hour,Kdown\n12,600\n12.5,800\n", "2005-10-11T12", 700.0),
        ("time,Kdown\n2005-10-11 12:00,700\n", "2005-10-11T12", 700.0),
        ("datetime,Kdown\n2005-10-11T12:10:00,700\n", "2005-10-11T12", 700.0),
        ("hour,Kdown,Kdown\n12,700,3\n", "2005-10-11T12", 700.0),
        ("HOUR,sw_in W/m2\n12,700\n", "2005-10-11T12", 700.0),
        ("hour,obs_Kdown_W_m-2\n12,700\n", "2005-10-11T12", 700.0),
        ("hour,Kdown,Kup\n-,W m-2,W m-2\n12,700,9\n", "2005-10-11T12", 700.0),
        ("sep=;\nhour;Kdown\n12;700\n", "2005-10-11T12", 700.0),
        ("year,month,day,hour,min,Kdown\n2005,10,11,12,30,700\n", "2005-10-11T12", 700.0),
        ("iy;id;it;imin;Kdown\n2005;284;12;0;700\n", "2005-10-11T12", 700.0),
        ("date,time,Kdown\n10/11/2005,12:10 AM,700\n", "2005-10-11T00", 700.0),
        ("date,time,Kdown\n10/11/2005,1:00:00 p.m.,700\n", "2005-10-11T13", 700.0),
    ],
)
def test_rows_of_one_day(tmp_path: Path, content: str, when: str, value: float) -> None:
    path = tmp_path / "measurements_x.csv"
    path.write_bytes(content.encode("utf-8-sig"))
    table = read_measurements([path], days(OCTOBER[0]))
    assert table["Kdown"].to_dict() == {pd.Timestamp(when): value}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("measurements.csv", "date,hour,Kup\n2006-07-26,12,7\n"),
        ("measurements.csv", "date,hour,Kup\n20060726,12,7\n"),
        ("measurements.csv", "Date;Hour;Kup\n26/07/2006;12;7\n"),
        ("measurements.csv", "date,hour,Kup\n7/26/2006,12,7\n"),
        ("measurements.csv", "day,hour,Kup\n207,12,7\n"),
        ("measurements.csv", "doy,hour,Kup\n207.0,12,7\n"),
        ("measurements.csv", "day,hour,Kup\n26,12,7\n"),
        ("measurements.csv", "day,hour,Kup\n2,12,7\n"),
        ("measurements.csv", "day,hour,Kup\n2006-07-26,12,7\n"),
        ("measurements.csv", "hour,Kup\n12,1\n9,2\n10,2\n11,2\n12,7\n8,1\n"),
        ("measurements_20060726.csv", "hour,Kup\n12,7\n"),
        ("measurements_ga_207.csv", "hour,Kup\n12,7\n"),
    ],
)
def test_the_day_is_told_in_many_ways(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    table = read_measurements([tmp_path / name], days(*OCTOBER))
    assert table["Kup"].loc["2006-07-26T12"] == 7.0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "heading"),
        ("wind,rain\n1,2\n", "names no hour"),
        ("hour,Kdown\n", "not a single row"),
        ("hour,Kdown\nnoon,700\n", "an hour that is none"),
        ("day,hour,Kdown\n99,12,700\n", "is none of"),
        ("year,doy,hour,Kdown\n2005,367,12,700\n", "a day that is none"),
        ("date,Kdown\n2005-10-11,700\n2005-10-11,600\n", "dates without an hour"),
        ("datetime,Kdown\n2005-10-11T12:00:00Z,700\n2005-10-11T13:00+02:00,6\n", "a time with a zone"),
        ("hour,Kdown\n-,W m-2\n", "not a single row"),
        ("date,hour,Kdown\nsoon,12,700\n", "a date that is none"),
        ("hour,Kdown\n12,700\n13,700\n", "1 days without a date"),
        ("\x00\xff\x01", "names no hour"),
    ],
)
def test_measurements_that_cannot_be_placed_are_refused(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "measurements.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(SystemExit, match=why):
        read_measurements([path], days(*OCTOBER))


TEN_MINUTES = "".join(f"{12 + k // 6}:{10 * (k % 6):02},{k}\n" for k in range(13))  # 12:00 to 14:00


@pytest.mark.parametrize(
    ("middle", "hours"),
    [(0.5, {12: 2.5, 13: 8.5}), (-0.5, {13: 3.5, 14: 9.5}), (0.0, {12: 1.0, 13: 5.5, 14: 10.5})],
)  # fmt: skip
def test_rows_finer_than_an_hour_are_averaged_over_the_hours_of_the_weather(
    tmp_path: Path, middle: float, hours: dict[int, float]
) -> None:
    """Hours that half of their rows are missing of have no mean."""
    path = tmp_path / "measurements.csv"
    clocks = TEN_MINUTES.split()
    spellings = {
        "time,Kdown": clocks,
        "hour,min,Kdown": [row.replace(":", ",") for row in clocks],
        "hour,Kdown": [f"{int(r[:2]) + int(r[3:5]) / 60:.4f},{r[6:]}" for r in clocks],
        "datetime,Kdown": [f"2005-10-11 {row}" for row in clocks],
        "it,Kdown": [row.replace(":", "") for row in clocks],
    }
    for heading, rows in spellings.items():
        path.write_text("\n".join([heading, *rows]), "utf-8")
        table = read_measurements([path], days("2005-10-11"), middle)["Kdown"].dropna()
        assert {when.hour: value for when, value in table.items()} == hours, heading


@pytest.mark.parametrize("separator", [" ", "   ", "\t", ",", ";", " ; "])
def test_met_files_of_any_separator(tmp_path: Path, separator: str) -> None:
    site(tmp_path, "hour,Kdown\n12,700\n")
    path = tmp_path / "MetFile_200.txt"
    expected = measured_site.read_met([path])
    lines = path.read_text("utf-8").replace("-999.000", "NaN").splitlines()
    path.write_text("\r\n".join(separator.join(line.split()) for line in lines), "cp1252")
    pd.testing.assert_frame_equal(measured_site.read_met([path]), expected)


UMEP = "% iy id it imin Q* QH QE Qs Qf Wind RH Td press rain Kdn snow ldown fcld wuh xsmd lai Kdiff Kdir Wd"


def rewritten(path: Path, change: Callable[[np.ndarray], object], heading: str = UMEP) -> np.ndarray:
    """Write a made MetFile again, its rows changed, old UMEP's last rows below."""
    rows = np.loadtxt(path.read_text("utf-8").splitlines()[1:25])
    changed = change(rows)
    rows = rows if changed is None else np.asarray(changed)
    lines = [" ".join(f"{value:.3f}" for value in row) for row in rows]
    path.write_text("\n".join([heading, *lines, "-9 " * rows.shape[1], "-9"]), "utf-8")
    return rows


def test_columns_of_a_met_file_are_told_by_their_names_or_by_their_places(tmp_path: Path) -> None:
    path = site(tmp_path, "hour,Kdown\n12,700\n") / "MetFile_200.txt"
    expected = measured_site.read_met([path])
    rewritten(path, lambda rows: None)
    pd.testing.assert_frame_equal(measured_site.read_met([path]), expected)
    some = [0, 1, 2, 14, 21, 22, 11, 10, 9, 12]
    rewritten(path, lambda rows: rows[:, some], "year DOY hour Kdown Kdiff Kdir Tair RH U pres")
    bare = expected.drop(columns="ldown")
    pd.testing.assert_frame_equal(measured_site.read_met([path])[[*bare]], bare)


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [(11, 293.15, "Td is 293.15 at 2005-07-19"), (14, -999.0, "not a single value of Kdn"),
     (10, -999.0, "not a single value of RH"), (1, 400.0, "a row begins with 2005, 400"),
     (14, 3600.0, "Kdn is 3600")],
)  # fmt: skip
def test_weather_beyond_belief_is_refused(tmp_path: Path, column: int, value: float, why: str) -> None:
    path = site(tmp_path, "hour,Kdown\n12,700\n") / "MetFile_200.txt"
    rewritten(path, lambda rows: rows.__setitem__((slice(None), column), value))
    with pytest.raises(SystemExit, match=why):
        measured_site.read_met([path])


def test_long_holes_are_never_bridged_and_told(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n" + "".join(f"{hour},500\n" for hour in range(9, 19)))
    whole = {row["index"]: row for row in validation.validate(folder)["hours"]}
    rewritten(folder / "MetFile_200.txt", lambda rows: rows.__setitem__((slice(10, 15), 14), -999.0))
    report = validation.validate(folder)
    assert report["hours_without_weather"] == 5
    assert report["scores"]["all"]["Kdown"]["n"] == 5
    assert "5 measured hours have no weather" in validation.text(report)
    for row in report["hours"]:
        assert row["kdown"] == pytest.approx(whole[row["index"]]["kdown"], rel=0.02)


def test_nights_without_light_and_assumed_columns(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Ldown\n1,300\n12,400\n")
    whole = validation.validate(folder)

    def without(rows: np.ndarray) -> None:
        rows[rows[:, 14] < 1.0, 14] = -999.0

    rewritten(folder / "MetFile_200.txt", without)
    assert validation.validate(folder)["scores"] == whole["scores"]
    rewritten(folder / "MetFile_200.txt", lambda rows: rows.__setitem__((slice(None), [9, 21]), -999.0))
    report = validation.validate(folder)
    assert report["assumed"] == ["va", "dhi"]
    assert "so assumed: va, dhi" in validation.text(report)


def test_a_met_file_of_minutes_becomes_hours_that_end(tmp_path: Path) -> None:
    met_file(tmp_path / "MetFile.txt", 200, 1.0, minutes=10)
    met = measured_site.read_met([tmp_path / "MetFile.txt"])
    assert met.index[0] == pd.Timestamp("2005-07-19T01:00") and len(met) == 24  # that at 00:00 is alone
    sun = clear_sky(200, 1.0, minutes=10)["ghi"]
    expected = float(sun.sel(time=slice("2005-07-19T11:10", "2005-07-19T12:00")).mean())
    assert met["ghi"]["2005-07-19T12:00"] == pytest.approx(expected, abs=0.01)
    assert met["ta"].notna().all()


def test_hours_of_a_met_file_may_run_from_1_to_24(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n24,0\n")
    path = folder / "MetFile_200.txt"
    rows = [line.split() for line in path.read_text("utf-8").splitlines()[2:]]
    last = [*rows[-1][:2], "24", *rows[-1][3:]]
    path.write_text("\n".join(" ".join(row) for row in [*rows, last]), "utf-8")
    assert validation.validate(folder)["scores"]["all"]["Kdown"]["n"] == 1


@pytest.mark.parametrize("content", ["", "% only a heading\n", "1 2 3\n", "x y z\n" * 5])
def test_a_met_file_without_weather_is_refused(tmp_path: Path, content: str) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,700\n")
    (folder / "MetFile_200.txt").write_text(content, "utf-8")
    with pytest.raises(SystemExit, match="MetFile_200"):
        validation.validate(folder)


@pytest.mark.parametrize(
    ("point", "properties", "top"),
    [
        ([11.9713, 57.7070], {}, {}),
        ([677_030.0, 6_399_970.0], {}, {}),
        ([677_030.0, 6_399_970.0], {"crs": "EPSG:32632"}, {}),
        (
            [677_030.0, 6_399_970.0, 5.0],
            None,
            {"crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::32632"}}},
        ),
    ],
)
def test_the_station_in_degrees_or_metres(tmp_path: Path, point: list, properties: object, top: dict) -> None:
    grid = measured_site.town(site(tmp_path, "hour,Kdown\n12,1\n"), None, 1.1).grid
    elsewhere = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [0.0, 0.0]}}
    geometry = {"type": "Point", "coordinates": point}
    feature = {"type": "Feature", "geometry": geometry, "properties": properties}
    for features in ([feature], [elsewhere, feature]):
        collection = {"type": "FeatureCollection", "features": features, **top}
        (tmp_path / "poi.geojson").write_text(json.dumps(collection), "utf-8")
        found = measured_site.station(tmp_path, grid)
        assert abs(found.row - 15) <= 1 and abs(found.column - 15) <= 1
        assert found.of == len(features)


def test_the_first_of_many_points_inside_is_the_station(tmp_path: Path) -> None:
    grid = measured_site.town(site(tmp_path, "hour,Kdown\n12,1\n"), None, 1.1).grid
    here = [677_031.0, 6_399_969.0]
    point = {"type": "Point", "coordinates": here}
    for shape in (
        {"type": "MultiPoint", "coordinates": [[0.0, 0.0], here, [677_035.0, 6_399_969.0]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 0]}, point]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}, point]},
        {**point, "crs": "a system of our own"},
    ):
        (tmp_path / "poi.geojson").write_text(json.dumps(shape), "utf-8")
        assert measured_site.station(tmp_path, grid)[:2] == (15, 15)
    (tmp_path / "poi.geojson").write_text(json.dumps({**point, "coordinates": [9.0, 9.0]}), "utf-8")
    with pytest.raises(SystemExit, match=r"none of 1 points lies inside .*expected 11"):
        measured_site.station(tmp_path, grid)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "[" * 100_000, '{"features": []}', '{"geometry": {"coordinates": ["a"]}}']
)
def test_a_station_that_is_no_point_is_refused(tmp_path: Path, content: str) -> None:
    grid = measured_site.town(site(tmp_path, "hour,Kdown\n12,1\n"), None, 1.1).grid
    (tmp_path / "poi.geojson").write_text(content, "utf-8")
    with pytest.raises(SystemExit, match=r"poi\.geojson"):
        measured_site.station(tmp_path, grid)


# --- rasters ---------------------------------------------------------------------------------------------


def towered(folder: Path) -> Path:
    """Make a site with a tower and a tree."""
    site(folder, "hour,Kdown,Kup,Ldown\n9,1,1,1\n12,1,1,1\n")
    surface, canopy = np.full((30, 30), 5.0), np.zeros((30, 30))
    surface[5:12, 3:9], canopy[20:25, 20:25] = 25.0, 8.0
    raster(folder / "DSM_X.tif", surface)
    raster(folder / "CDSM_X.tif", canopy)
    return folder


def tags(path: Path, **changes: object) -> None:
    """Write a raster again with another profile."""
    with rasterio.open(path) as file:
        values, profile = file.read(), file.profile
    path.unlink()
    with rasterio.open(path.with_suffix(".tif"), "w", **{**profile, **changes}) as file:
        file.write(values)


def _bare(folder: Path) -> str | None:
    for path in folder.glob("*.tif"):
        tags(path, crs=None)
    return "EPSG:32632"


def _canopy_as_text(folder: Path) -> None:
    with rasterio.open(folder / "CDSM_X.tif") as file:
        values = file.read(1)
    head = "ncols 30\nnrows 30\nxllcorner 677000\nyllcorner 6399940\ncellsize 2\nNODATA_value -9999\n"
    rows = "\n".join(" ".join(f"{v:g}" if v else "-9999" for v in row) for row in values)
    (folder / "CDSM_X.asc").write_text(head + rows + "\n", "ascii")
    (folder / "CDSM_X.tif").unlink()


def _names(folder: Path) -> None:
    (folder / "LC_X.tif").rename(folder / "LandCover_x.TIF")
    (folder / "DSM_X.tif").rename(folder / "dsm.tiff")
    (folder / "MetFile_200.txt").rename(folder / "metfile_prepared.TXT")


def _larger_terrain(folder: Path) -> None:
    values = np.full((40, 50), 5.0, np.float32)
    place = Affine(2.0, 0.0, PLACE.c - 10.0, 0.0, -2.0, PLACE.f + 10.0)
    shape = {"height": 40, "width": 50, "count": 1, "dtype": "float32", "nodata": -9999.0}
    with rasterio.open(folder / "DEM_X.tif", "w", crs="EPSG:32632", transform=place, **shape) as file:
        file.write(values, 1)


def _smaller_terrain(folder: Path) -> None:
    values = np.full((30, 30), 5.0, np.float32)
    values[:3], values[:, 25:] = -9999.0, -3.4e38
    raster(folder / "DEM_X.tif", values)


def _half_a_pixel_off(folder: Path) -> None:
    tags(folder / "DEM_X.tif", transform=Affine(2.0, 0.0, PLACE.c + 1.0, 0.0, -2.0, PLACE.f + 1.0))


def _infinite(folder: Path) -> None:
    with rasterio.open(folder / "DSM_X.tif") as file:
        values = file.read(1)
    values[27:, :3], values[27:, 27:] = np.inf, -np.inf
    raster(folder / "DSM_X.tif", values)


def _codes_of_umep(folder: Path) -> None:
    """Trees and no data around the grass, in whole numbers."""
    values = np.full((1, 30, 30), 5, np.uint8)
    values[0, :2], values[0, 28:] = 3, 255
    tags(folder / "LC_X.tif", dtype="uint8", nodata=255)
    with rasterio.open(folder / "LC_X.tif", "r+") as file:
        file.write(values)


def _nearly_square(folder: Path) -> None:
    for path in folder.glob("*.tif"):
        tags(path, transform=Affine(2.0003, 0.0, PLACE.c, 0.0, -1.9998, PLACE.f))


@pytest.mark.parametrize(
    "change",
    [_bare, _canopy_as_text, _names, _larger_terrain, _smaller_terrain, _nearly_square, _half_a_pixel_off,
     _infinite, _codes_of_umep],
)  # fmt: skip
def test_rasters_in_other_clothes_are_the_same_site(tmp_path: Path, change) -> None:
    whole = validation.validate(towered(tmp_path / "whole"))
    folder = tmp_path / "changed"
    shutil.copytree(tmp_path / "whole", folder)
    crs = change(folder)
    report = validation.validate(folder, crs=crs)
    assert report["svf"] == pytest.approx(whole["svf"], abs=0.02)
    for one, other in zip(report["hours"], whole["hours"], strict=True):
        assert one["kup"] == pytest.approx(other["kup"], rel=0.03)
        assert one["ldown"] == pytest.approx(other["ldown"], rel=0.01)


@pytest.mark.parametrize(
    "missing", ["DSM_X.tif", "DEM_X.tif", "poi.geojson", "MetFile_200.txt", "measurements_x.csv"]
)
def test_what_is_needed_is_named_when_it_is_not_there(tmp_path: Path, missing: str) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,1\n")
    (folder / missing).unlink()
    with pytest.raises(SystemExit, match=missing[:3]):
        validation.validate(folder)


def test_land_cover_canopy_and_names_of_columns_may_be_absent(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Lup\n12,400\n")
    (folder / "LC_X.tif").unlink()
    scores = validation.validate(folder)["scores"]["all"]
    assert list(scores) == ["Lup"]


WORDS = ["hour", "Kdown", "day", ",", ";", "\n", "12", "-999", "nan", "1e400", "\t"]
DAMAGE = st.one_of(
    st.binary(max_size=400), st.text(max_size=200).map(str.encode),
    st.lists(st.sampled_from(WORDS), max_size=60).map(lambda parts: "".join(parts).encode()),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(DAMAGE)
def test_random_files_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("damage") / "measurements.csv"
    path.write_bytes(content)
    try:
        table = read_measurements([path], days(*OCTOBER))
    except SystemExit as refused:
        assert str(path) in str(refused)
    else:
        assert isinstance(table.index, pd.DatetimeIndex)
    with pytest.raises(SystemExit):
        measured_site.read_met([path])


@pytest.mark.parametrize("crs", ["nonsense", 'LOCAL_CS["x",UNIT["metre",1]]'])
def test_a_coordinate_system_that_is_nowhere_is_refused(tmp_path: Path, crs: str) -> None:
    with pytest.raises(HeatRiskError, match=r"DSM_X\.tif: this coordinate system cannot be used"):
        validation.validate(towered(tmp_path), crs=crs)


@pytest.mark.parametrize("name", ["DSM_X.tif", "DEM_X.tif", "LC_X.tif", "CDSM_X.tif"])
def test_damaged_rasters_are_refused(tmp_path: Path, name: str) -> None:
    folder = towered(tmp_path)
    (folder / name).write_bytes((folder / name).read_bytes()[:300])
    with pytest.raises((SystemExit, HeatRiskError), match=name):
        validation.validate(folder)
