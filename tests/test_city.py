"""The city file: what it gives, and what it says about a wrong key."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatrisk.city import City, read_city
from heatrisk.city.location import Url
from heatrisk.errors import CityFileError
from tests.messages import explains

MINIMAL = """
[city]
name = "ひなた市"
[buildings]
path = "footprints.gpkg"
[official]
path = "yohou.csv"
stations = ["44116"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "city.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> City:
    return read_city(written(folder, text))


def test_minimal_file(tmp_path: Path) -> None:
    city = read(tmp_path, MINIMAL)
    assert city.names == ("ひなた市", "ひなた市")
    assert city.city.crs == "EPSG:6677"
    assert city.factor(1e6) == 10, "half-metre sub-cells where the area allows"
    assert city.factor(33e6) == 5
    assert city.weather is None and city.shelters is None and city.trees is None
    assert city.official is not None and city.official.stations is not None
    assert city.official.stations[0].weight == 1.0


@pytest.mark.parametrize(
    "named", ['"6677"', "6677", '"epsg:6677"', '"JGD2011 / Japan Plane Rectangular CS IX"']
)
def test_a_coordinate_system_may_be_named_in_many_ways(tmp_path: Path, named: str) -> None:
    city = read(tmp_path, MINIMAL.replace("[buildings]", f"crs = {named}\n[buildings]"))
    assert city.city.crs == "EPSG:6677"


def test_paths_are_absolute_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = tmp_path / "town"
    town.mkdir()
    written(town, MINIMAL + '[trees]\ncanopy = "sub/canopy.tif"\n[ground]\nland_cover = "/data/cover.tif"\n')
    monkeypatch.chdir(tmp_path)
    city = read_city(Path("town/city.toml"))
    assert city.buildings.paths == (town / "footprints.gpkg",)
    assert city.trees is not None and city.trees.paths == (town / "sub" / "canopy.tif",)
    assert city.ground.land_cover == Path("/data/cover.tif")
    assert city.store.path == town / "store"


def test_store_may_be_elsewhere(tmp_path: Path) -> None:
    assert read(tmp_path, MINIMAL + '[store]\npath = "/srv/runs"\n').store.path == Path("/srv/runs")


def test_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert read_city(path).names.ja == "ひなた市"


def test_stations_are_numbers_or_tables(tmp_path: Path) -> None:
    stations = '["44116", {id = "44132", name = "東京", lon = 139.75, lat = 35.69, weight = 3.0}]'
    official = read(tmp_path, MINIMAL.replace('["44116"]', stations)).official
    assert official is not None and official.stations is not None
    assert [(s.id, s.name, s.weight) for s in official.stations] == [
        ("44116", "", 1.0),
        ("44132", "東京", 3.0),
    ]


def test_a_source_may_be_several_files_or_lie_on_the_web(tmp_path: Path) -> None:
    several = """
[terrain]
path = ["dem/5a", "dem/10b.zip"]
[shelters]
path = "https://example.lg.jp/shelters.csv"
facilities = "facilities.csv"
"""
    city = read(tmp_path, MINIMAL + several)
    assert city.terrain is not None and city.shelters is not None
    assert city.terrain.paths == (tmp_path / "dem" / "5a", tmp_path / "dem" / "10b.zip")
    assert city.shelters.paths == (Url("https://example.lg.jp/shelters.csv"),)
    assert city.shelters.facilities == (tmp_path / "facilities.csv",)


def test_stations_may_be_left_to_distance(tmp_path: Path) -> None:
    city = read(tmp_path, MINIMAL.replace('stations = ["44116"]', 'station_table = "amedastable.json"'))
    assert city.official is not None and city.official.stations is None
    assert city.official.station_table == tmp_path / "amedastable.json"


def test_the_dumped_file_holds_names_and_no_folders(tmp_path: Path) -> None:
    dumped = read(tmp_path, MINIMAL).model_dump_json(by_alias=True, exclude={"store"})
    assert str(tmp_path) not in dumped
    assert '"path":["footprints.gpkg"]' in dumped


def test_bounds_are_west_south_east_north(tmp_path: Path) -> None:
    named = MINIMAL.replace("[buildings]", "bounds = [139.5, 35.6, 139.6, 35.7]\n[buildings]")
    assert read(tmp_path, named).city.bounds == (139.5, 35.6, 139.6, 35.7)


# What is put in place of what, the key that the message must name, and its words in both languages.
WRONG = {
    "unknown key": ("[buildings]", "colour = 1\n[buildings]", "city.colour", "項目は", "no setting"),
    "unknown section": ("[buildings]", "[tree]\n[buildings]", "tree", "という項目はありません", "no setting"),
    "missing key": ('name = "ひなた市"', "", "city.name", "がありません", "is missing"),
    "missing section": ('[buildings]\npath = "footprints.gpkg"', "", "buildings", "がありません", "missing"),
    "negative size": ("[buildings]", "cell_size = -5\n[buildings]", "city.cell_size", "正しく", "valid"),
    "text for number": (
        "[buildings]", 'cell_size = "big"\n[buildings]', "city.cell_size", "正しく", "valid",
    ),
    "no station": ('["44116"]', "[]", "official.stations", "正しく", "not a valid"),
    "station as number": ('["44116"]', "[44116]", "official.stations.0", "正しく", "not a valid"),
    "weight of nothing": (
        '["44116"]', '[{id = "1", weight = 0}]', "official.stations.0.weight", "正しく", "not a valid",
    ),
    "latitude first": (
        "[buildings]", "bounds = [35.6, 139.5, 35.7, 139.6]\n[buildings]",
        "city.bounds", "[西, 南, 東, 北]", "[west, south, east, north]",
    ),
    "east before west": (
        "[buildings]", "bounds = [139.6, 35.6, 139.5, 35.7]\n[buildings]",
        "city.bounds", "[西, 南, 東, 北]", "[west, south, east, north]",
    ),
    "unknown coordinates": (
        "[buildings]", 'crs = "EPSG:0"\n[buildings]', "city.crs", "例: EPSG:6677", "EPSG:6677 is one",
    ),
    "zone alone": ("[buildings]", 'crs = "IX"\n[buildings]', "city.crs", "不明", "unknown"),
    "degrees": ("[buildings]", 'crs = "EPSG:4326"\n[buildings]', "city.crs", "メートル", "metres"),
    "sub-cells do not fit": (
        "[official]", "[model]\nsub_cell = 2.0\n[official]", "[city] cell_size", "整数倍", "whole multiple",
    ),
    "nothing to compute from": (
        '[official]\npath = "yohou.csv"\nstations = ["44116"]', "", "[official]", "[weather]", "[weather]",
    ),
    "empty path": ('"footprints.gpkg"', '""', "buildings.path.0", "パスか URL", "a path or a URL"),
    "path as number": ('"footprints.gpkg"', "3", "buildings.path.0", "パスか URL", "a path or a URL"),
    "no path": ('"footprints.gpkg"', "[]", "buildings.path", "正しく", "not a valid"),
    "unknown height rule": (
        "[official]", 'height = "lod2"\n[official]', "buildings.height", "正しく", "not a valid",
    ),
    "unknown ground": (
        "[official]", '[ground]\ndefault = "sand"\n[official]', "ground.default", "正しく", "not a valid",
    ),
    "a truth for a code": (
        "[official]", "[surfaces]\nground = [{code = true, albedo = 0.3}]\n[official]",
        "surfaces.ground.0.code", "正しく", "not a valid",
    ),
    "opaque to 2": (
        "[official]", '[trees]\ncanopy = "c.tif"\ntransmissivity = 2\n[official]',
        "trees.transmissivity", "正しく", "not a valid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("old, new, key, ja, en", WRONG.values(), ids=WRONG.keys())
def test_wrong_key_is_named_in_both_languages(
    old: str, new: str, key: str, ja: str, en: str, tmp_path: Path
) -> None:
    assert old in MINIMAL
    path = written(tmp_path, MINIMAL.replace(old, new))
    with pytest.raises(CityFileError) as caught:
        read_city(path)
    explains(caught.value, path)
    japanese, english = caught.value.text("ja"), caught.value.text("en")
    assert key in japanese and ja in japanese
    assert key in english and en in english


def test_long_values_are_shortened_in_the_message(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL.replace("[buildings]", f'crs = "{"x" * 500}"\n[buildings]'))
    with pytest.raises(CityFileError) as caught:
        read_city(path)
    assert len(str(caught.value)) < 400


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(CityFileError, match="does not exist") as caught:
        read_city(tmp_path / "city.toml")
    assert "heatrisk init" in explains(caught.value, tmp_path / "city.toml")


@pytest.mark.parametrize(
    ("content", "ja"),
    [
        (b"[city", "途中で切れています"),
        (b"[city]\nname = '\x82\xd0\x82\xc8'", "2 行目に UTF-8 でない文字があります。UTF-8 で保存し"),
        (b"a = 1\na = 2\n", "2 行 6 文字目の誤り"),
    ],
)
def test_not_toml(content: bytes, ja: str, tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_bytes(content)
    with pytest.raises(CityFileError, match="not readable TOML") as caught:
        read_city(path)
    assert f"TOML として読めません / 実際: {ja}" in caught.value.text("ja")


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(CityFileError, match="cannot be opened") as caught:
        read_city(tmp_path)
    assert "Errno" not in explains(caught.value, tmp_path)


def test_a_misspelt_key_is_named_before_the_one_it_should_have_been(tmp_path: Path) -> None:
    file = tmp_path / "city.toml"
    file.write_text(
        '[city]\nname = "x"\n[buildings]\npth = "b.gpkg"\n[official]\npath = "y.csv"\nstations = ["1"]\n'
    )
    with pytest.raises(CityFileError, match=r"there is no setting buildings\.pth"):
        read_city(file)


@pytest.mark.parametrize(
    "key, ja",
    [
        ("cell_size = -5", "0 より大きい数"),
        ("cell_size = 500", "100 以下の数"),
        ('cell_size = "big"', "数値"),
        ("name_en = 3", "文字列"),
        ("sample = 7", "true か false"),
    ],
)
def test_what_a_setting_should_be_is_told_in_japanese(key: str, ja: str, tmp_path: Path) -> None:
    with pytest.raises(CityFileError) as caught:
        read(tmp_path, MINIMAL.replace("[buildings]", f"{key}\n[buildings]"))
    told = caught.value.text("ja")
    assert f"必要なもの: {ja}" in told
    assert "Input should" not in told
