"""Municipal shelter lists: headers, encodings, values to survive, rows to refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatrisk.errors import (
    HeatRiskError,
    InputError,
    SourceError,
    SourceIncompleteError,
    SourceUnavailableError,
)
from heatrisk.shelters import EVERY_DAY, Opening, Season, Shelter
from heatrisk.sources.reading import Reading
from heatrisk.sources.shelters import read_shelters
from tests.messages import SHARED, explains

AREA = (139.54, 35.66, 139.60, 35.70)
HEADER = "名称,所在地,緯度,経度"
ROW = "図書館,本町1-2,35.68,139.56"


def read(
    folder: Path, *lines: str, encoding: str = "utf-8", region: str | None = None
) -> tuple[list[Shelter], Reading]:
    path = folder / "shelters.csv"
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return read_shelters(path, AREA, region=region)


def one(folder: Path, header: str, cells: str) -> Shelter:
    shelters, reading = read(folder, f"{HEADER},{header}", f"{ROW},{cells}")
    assert reading.refused == ()
    return shelters[0]


def test_koto_list() -> None:
    path = SHARED / "shelters" / "hits_koto_cooling.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    shelters, reading = read_shelters(path)
    assert (len(shelters), reading.refused) == (57, ())
    first = shelters[0]
    assert (first.name, first.lat, first.lon) == ("男女共同参画推進センター", 35.683983, 139.820267)


@pytest.mark.parametrize(
    "name", ["tokyo_coolshare_2026_mitaka_excerpt.csv", "tokyo_coolshare_2026_mitaka_excerpt_cp932.csv"]
)
def test_list_without_coordinates_loses_no_row(name: str) -> None:
    path = SHARED / "shelters" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    shelters, reading = read_shelters(path, region="三鷹市")
    own = [shelter for shelter in shelters if shelter.town == "三鷹市"]
    assert (len(shelters), len(own), reading.read, reading.used) == (62, 48, 62, 0)
    assert all(shelter.lon is None and shelter.placed_by == "" for shelter in shelters)
    assert sum(shelter.designation == "designated" for shelter in own) == 45
    assert sum(shelter.designation == "cool_share" for shelter in own) == 3
    assert reading.facts["other_towns"] == {"府中市": 6, "武蔵野市": 4, "青梅市": 2, "中央区": 2}
    # The city's 48 rows stand on top of the excerpt, below one header row.
    assert (reading.refused[0].where, reading.refused[-1].where) == ("2", "63")
    assert reading.refused[0].reason.en == "市役所（本庁舎）: no coordinates"
    assert reading.facts["columns"]["capacity"] == "受入れ 可能名数"
    pharmacy = next(shelter for shelter in own if shelter.name == "中川薬局 三鷹店")
    assert pharmacy.openings is not None and len(pharmacy.openings) == 3
    assert "午前9時" not in pharmacy.hours_text, "the hours of the cool-share spot are another column"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    shelters, _ = read(tmp_path, HEADER, ROW, encoding=encoding)
    assert [(s.name, s.address, s.lat, s.lon) for s in shelters] == [("図書館", "本町1-2", 35.68, 139.56)]


def test_title_rows_blank_lines_and_broken_headers(tmp_path: Path) -> None:
    shelters, _ = read(
        tmp_path,
        "令和8年度 クーリングシェルター一覧,,,",
        "",
        ",,,",
        '"施設\n名称",所 在 地,"緯\n度",経度',
        "",
        ROW,
    )
    assert [(s.name, s.id) for s in shelters] == [("図書館", "row-6")], (
        "rows are numbered as a spreadsheet shows them"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("35名", 35),
        ("約50名", 50),
        ("3～5名", 3),
        ('"1,200名"', 1200),
        ("６人程度", 6),
        ("本館　12名　新館　8名", 20),
        ("10人(図書館は閲覧・自習席を約100席)", 10),
        ("10人 (ロビー) 20人 (プレイルーム)", 30),
        ("12", 12),
        ("2-3人", 2),
        ("5名未満", None),
        ("―", None),
        ("NA", None),
        ("支障が生じない名数", None),
    ],
)
def test_capacity(tmp_path: Path, text: str, expected: int | None) -> None:
    shelter = one(tmp_path, "受入れ可能名数", text)
    assert shelter.capacity == expected


def test_hours_in_columns_of_the_standard_form(tmp_path: Path) -> None:
    shelter = one(tmp_path, "利用可能曜日,開始時間,終了時間,利用可能日時特記事項", "月火水木金,8:30,17:15,")
    assert shelter.openings == (Opening(510, 1035, frozenset(range(5))),)
    doubtful = one(
        tmp_path, "利用可能曜日,開始時間,終了時間,利用可能日時特記事項", "月火水木金,8:30,17:15,8月は変更あり"
    )
    assert doubtful.openings is None, "in August it may be open longer: not even closed is sure"
    assert "8月は変更あり" in doubtful.hours_text
    special = one(
        tmp_path, "利用可能曜日,開始時間,終了時間,利用可能日時特記事項", "月火水木金,8:30,17:15,臨時閉室あり"
    )
    assert (special.openings, special.caveat) == (shelter.openings, "臨時閉室あり")


def test_hours_in_statutory_columns(tmp_path: Path) -> None:
    days = "月火水木金土日祝"
    header = ",".join(f"{day}曜日開始時間,{day}曜日終了時間".replace("祝曜日", "祝") for day in days)
    shelter = one(tmp_path, header, "9:00,17:00," * 5 + ",,,,10:00,12:00")
    assert shelter.openings is not None
    assert [(o.days, o.start, o.holidays) for o in shelter.openings] == [
        *((frozenset({day}), 540, None) for day in range(5)),
        (frozenset(), 600, True),
    ]


def test_hours_in_free_text_and_closing_days(tmp_path: Path) -> None:
    assert one(tmp_path, "開放可能日等（開館時間等）", "毎日 9:00～17:00").openings == (
        Opening(540, 1020, EVERY_DAY, True),
    )
    prose = one(tmp_path, "開放可能日等（開館時間等）", "施設の開館日時に準ずる")
    assert (prose.openings, prose.hours_text) == (None, "施設の開館日時に準ずる")
    closed = one(tmp_path, "開放時間,休館日", "9:00～17:00,月曜日")
    assert closed.openings == (Opening(540, 1020, EVERY_DAY - {0}),)
    assert closed.hours_text == "9:00～17:00 / 休み：月曜日", (
        "a closing day must not read like an opening one"
    )
    vague = one(tmp_path, "開放時間,休館日", "平日 9:00～17:00,施設による")
    assert vague.caveat == "施設による"
    both = one(tmp_path, "開放日,開放日時", "7月～9月,9:00～17:00")
    assert both.hours_text == "7月～9月 / 9:00～17:00", "no column of hours is dropped"
    assert both.openings == (Opening(540, 1020, season=Season("--07-01", "--09-30")),)


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("クーリングシェルターの指定,TOKYOクールシェアスポットの登録", "〇,〇", "designated"),
        ("クーリングシェルターの指定,TOKYOクールシェアスポットの登録", "―,○", "cool_share"),
        ("クーリングシェルターの指定,TOKYOクールシェアスポットの登録", ",", "other"),
        ("種別", "クールシェアスポット", "cool_share"),
        ("備考", "", "unknown"),
    ],
)
def test_designation(tmp_path: Path, header: str, cells: str, expected: str) -> None:
    assert one(tmp_path, header, cells).designation == expected


def test_statutory_header_designates(tmp_path: Path) -> None:
    shelters, _ = read(tmp_path, "指定暑熱避難施設の名称,所在地,緯度,経度", ROW)
    assert shelters[0].designation == "designated"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("特別警戒情報の発表時", "special"),
        ("熱中症警戒アラート発表時", "alert"),
        ("常時", "always"),
        ("", "unknown"),
    ],
)
def test_opens_on(tmp_path: Path, text: str, expected: str) -> None:
    assert one(tmp_path, "開放条件", text).opens_on == expected


def test_equipment_url_and_note(tmp_path: Path) -> None:
    shelter = one(
        tmp_path,
        "給水器,Wi-Fi,多目的トイレ,ホームページURL,備考",
        "あり,なし,〇,javascript:alert(1),席は先着順",
    )
    assert (shelter.equipment, shelter.url, shelter.note) == (("water", "toilet"), "", "席は先着順")


def test_names_from_the_shop_column_and_ditto_marks(tmp_path: Path) -> None:
    shelters, _ = read(
        tmp_path,
        "施設名,店舗等名称,緯度,経度",
        "NA,薬局 本店,35.68,139.56",
        "〃,,35.681,139.56",
        "薬局 西店,,３５．６８,139.57",
    )
    assert [s.name for s in shelters] == ["薬局 本店", "薬局 本店", "薬局 西店"]


def test_identifiers_are_unique(tmp_path: Path) -> None:
    named = (("A", "甲"), ("A", "乙"), ("A-2", "丙"))
    rows = [f"{number},{name},本町{name},35.68,139.56" for number, name in named]
    shelters, _ = read(tmp_path, f"ID,{HEADER}", *rows, ",丁,本町,35.68,139.56")
    assert [s.id for s in shelters] == ["A", "A-3", "A-2", "row-5"]
    assert [s.published_id for s in shelters] == ["", "", "A-2", ""], "A is nobody's own"


def test_rows_of_one_facility_are_one_shelter(tmp_path: Path) -> None:
    header = "名称,所在地,緯度,経度,開放日時,受入可能人数"
    place = "図書館,三鷹市本町1-2,35.68,139.56"
    shelters, reading = read(
        tmp_path,
        header,
        f"{place},平日 9:00～17:00,20人",
        "図書館,本町一丁目2番,35.68,139.56,土日祝 10:00～16:00,10人",
        "公民館,本町3-4,35.68,139.56,平日 9:00～17:00,5人",
        "公民館,本町3-4,35.68,139.56,平日 9:00～19:00,5人",
        "公民館,本町5-6,35.68,139.56,平日 9:00～17:00,5人",
        "分館,,35.68,139.56,平日 9:00～17:00,5人",
        "分館,,35.68,139.56,土日 9:00～17:00,5人",
        region="三鷹市",
    )
    assert [s.name for s in shelters] == ["図書館", "公民館", "公民館", "分館", "分館"]
    library, hall = shelters[:2]
    assert library.openings is not None and [o.start for o in library.openings] == [540, 600]
    assert (library.capacity, library.capacity_text) == (10, "20人 / 10人"), "the fewer are sure"
    assert hall.openings is None, "two hours for one day: which holds is not known"
    assert hall.hours_text == "平日 9:00～17:00 / 平日 9:00～19:00"
    assert (reading.read, reading.used, reading.facts["merged"]) == (7, 7, 2)


def test_statutory_list(tmp_path: Path) -> None:
    prefix = "指定暑熱避難施設"
    shelters, _ = read(
        tmp_path,
        f"ID,地方公共団体名,全国地方公共団体コード,{prefix}の名称,所在地,緯度,経度,月開始時間,月終了時間,祝開始時間,祝終了時間,"
        f"{prefix}を開放することができる日及び時間帯特記事項,"
        f"{prefix}の開放により受け入れることが可能であると見込まれる人数,施設管理者名,電話番号,URL,指定日,公共施設,施設の種類",
        "01,川越市,112011,本庁舎,元町1-3-1,35.68,139.56,8:30,17:15,,,年末年始を除く,50人,市長,049,https://a.jp,2024/4/1,〇,庁舎",
    )
    [shelter] = shelters
    assert (shelter.id, shelter.town, shelter.name, shelter.capacity) == ("01", "川越市", "本庁舎", 50)
    assert (shelter.designation, shelter.opens_on) == ("designated", "special")
    assert (shelter.openings, shelter.caveat) == ((Opening(510, 1035, frozenset({0})),), "")


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (
            "prefecture,city_code,city_name,No.,施設名,所在地,開放日,受入可能人数,緯度,経度,開設場所,開放日時,休館日",
            "岡山県,33100,岡山市,3,公民館,北区1-1,NA,35名,35.68,139.56,ロビー,9:00～17:00,月曜日",
            ("3", "公民館", 35, "ロビー", 540),
        ),
        (
            "施設名,所在地,店舗等名称,緯度,経度,飲料の提供(あり/なし),開放時間,指定番号,受入可能人数,概要",
            "NA,本町1-1,薬局,35.68,139.56,あり,10:00～17:00,7,５名,NA",
            ("7", "薬局", 5, "", 600),
        ),
        (
            "全国地方公共団体コード,ID,地方公共団体名,名称,名称_カナ,名称_英語,所在地_連結表記,所在地_市区町村,"
            "所在地_町字,所在地_番地以下,建物名等(方書),緯度,経度,利用可能曜日,開始時間,終了時間,利用可能日時特記事項",
            "132047,1300000001,三鷹市,会館,カイカン,Hall,,三鷹市,本町一丁目,1番1号,会館1階,35.68,139.56,月火水木金,9:00,17:00,",
            ("1300000001", "会館", None, "", 540),
        ),
        (
            "都道府県コード又は市区町村コード,NO,都道府県名,市区町村名,名称,名称_カナ,住所,方書,緯度,経度,利用可能曜日,開始時間,終了時間,利用可能日時特記事項",
            "132047,12,東京都,三鷹市,会館,カイカン,本町1-1,,35.68,139.56,土日,9:00,12:00,",
            ("12", "会館", None, "", 540),
        ),
    ],
)
def test_header_sets(tmp_path: Path, header: str, row: str, expected: tuple[object, ...]) -> None:
    [shelter], _ = read(tmp_path, header, row)
    assert shelter.openings is not None
    found = (shelter.id, shelter.name, shelter.capacity, shelter.place, shelter.openings[0].start)
    assert found == expected
    assert shelter.town == "" or shelter.town.endswith("市")
    assert "1-1" in shelter.address or shelter.address == "三鷹市本町一丁目1番1号"


@pytest.mark.parametrize(
    ("text", "opens_on", "hours"),
    [
        ("熱中症特別警戒アラート発表時のみ 9:00～17:00", "special", (Opening(540, 1020),)),
        ("熱中症警戒アラート発表時 9:00～17:00", "alert", (Opening(540, 1020),)),
        ("熱中症特別警戒情報の発表期間中", "special", None),
        ("9:00～17:00", "unknown", (Opening(540, 1020),)),
    ],
)
def test_alerts_in_the_hours(
    tmp_path: Path, text: str, opens_on: str, hours: tuple[Opening, ...] | None
) -> None:
    shelter = one(tmp_path, "開放日時", text)
    assert (shelter.opens_on, shelter.openings, shelter.hours_text) == (opens_on, hours, text)


def test_a_mark_of_no_is_no_designation(tmp_path: Path) -> None:
    assert one(tmp_path, "クーリングシェルターの指定", "×").designation == "other"


def test_rows_without_a_usable_position_stay_in_the_list(tmp_path: Path) -> None:
    shelters, reading = read(
        tmp_path,
        HEADER,
        ROW,
        ",本町,35.68,139.56",
        "公民館,本町,,",
        "児童館,本町,35度40分,139度33分",
        "体育館,本町,139.56,35.68",
        "他県の施設,阿波市,34.08,134.24",
        "原点,本町,0,0",
        "無限,本町,inf,nan",
        "短い行",
    )
    assert [s.name for s in shelters] == ["図書館", "公民館", "児童館", "体育館", "原点", "無限", "短い行"]
    assert [(s.lon, s.placed_by) for s in shelters] == [(139.56, "list"), *[(None, "")] * 6]
    assert (reading.read, reading.used) == (9, 1)
    assert {row.where: row.reason.en for row in reading.refused} == {
        "3": "no name",
        "4": "公民館: no coordinates",
        "5": "児童館: the coordinates are not decimal degrees (35度40分, 139度33分)",
        "6": "体育館: latitude and longitude are swapped",
        "7": "他県の施設: far outside the area (34.08, 134.24)",
        "8": "原点: no coordinates",
        "9": "無限: no coordinates",
        "10": "短い行: no coordinates",
    }
    assert [note.code for note in reading.notes] == ["shelters_refused", "shelters_unplaced"]
    assert shelters[3].unplaced is not None and shelters[3].unplaced.ja == "緯度と経度が入れ替わっています"


def test_rows_a_little_outside_are_kept_and_noted(tmp_path: Path) -> None:
    shelters, reading = read(tmp_path, HEADER, ROW, "隣町の図書館,隣町,35.75,139.56")
    assert len(shelters) == 2
    assert reading.facts["outside"] == 1
    assert "隣町の図書館" in reading.notes[0].words.ja


@pytest.mark.parametrize(
    ("lines", "kind", "told"),
    [
        ([HEADER.replace("緯度,経度", "経度,緯度"), ROW, ROW], InputError, "swapped"),
        (["time,ta,rh", "2025-08-05T09:00,30,60"], SourceIncompleteError, "time,ta,rh"),
        (["名称", "図書館"], SourceIncompleteError, "名称"),
        (["PK\x03\x04\x00"], SourceError, "xlsx"),
        (["名称,緯度,経度", *["館,35.68,139.56"] * 100_000], SourceError, "too many rows"),
        (['"' + "a" * 200_000], SourceError, "field larger"),
    ],
)
def test_bad_lists_are_explained(
    tmp_path: Path, lines: list[str], kind: type[HeatRiskError], told: str
) -> None:
    with pytest.raises(kind) as caught:
        read(tmp_path, *lines)
    assert told in explains(caught.value, tmp_path / "shelters.csv")


def test_absent_list_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        read_shelters(tmp_path / "none.csv")
    explains(caught.value, tmp_path / "none.csv")


@pytest.mark.parametrize("rows", [(), (",本町1-1,35.68,139.56",)])
def test_a_list_that_names_no_facility_is_refused(tmp_path: Path, rows: tuple[str, ...]) -> None:
    with pytest.raises(SourceIncompleteError) as caught:
        read(tmp_path, HEADER, *rows)
    assert "[shelters]" in explains(caught.value, tmp_path)
    assert ("1 row without a name" in caught.value.text("en")) == bool(rows)
