"""Positions from elsewhere: taken where names and addresses agree, never guessed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.shelters import Shelter
from heatrisk.sources.reading import Reading
from heatrisk.sources.shelters import places as shelter_places
from heatrisk.sources.shelters import read_shelters
from heatrisk.sources.shelters.places import Geocoder, unresolved_csv
from tests.messages import SHARED, explains

AREA = (139.54, 35.66, 139.60, 35.70)
LIST = """\
名称,住所
三鷹市役所,三鷹市野崎1-1-1
図書館,上連雀8-3-3
公民館,下連雀1-2-3
集会所,北野3-2-8
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def placed(
    folder: Path, text: str = LIST, *, override: str = "", facilities: str = "", geocoder: str | None = None
) -> tuple[dict[str, Shelter], Reading]:
    shelters, reading = read_shelters(
        written(folder, "list.csv", text),
        AREA,
        coordinates=written(folder, "override.csv", override) if override else None,
        facilities=[written(folder, "facilities.csv", facilities)] if facilities else [],
        geocoder=geocoder,
        region="三鷹市",
    )
    return {shelter.name: shelter for shelter in shelters}, reading


def reason(shelters: dict[str, Shelter], name: str) -> str:
    unplaced = shelters[name].unplaced
    assert shelters[name].lon is None and unplaced is not None
    return unplaced.ja


def test_corrections_win_over_the_list(tmp_path: Path) -> None:
    shelters, reading = placed(
        tmp_path,
        "名称,住所,緯度,経度\n図書館,上連雀8-3-3,35.68,139.56\n公民館,本町1,34.0,135.0\n",
        override="名称,緯度,経度\n図書館,35.69,139.57\n公民館,35.67,139.55\n体育館,35.68,139.56\n遠い館,34,135\n",
    )
    assert [(s.lon, s.lat, s.placed_by) for s in shelters.values()] == [
        (139.57, 35.69, "override"),
        (139.55, 35.67, "override"),
    ]
    assert [note.code for note in reading.notes] == ["coordinates_unused"]
    assert "体育館" in reading.notes[0].words.ja
    assert [row.where for row in reading.refused] == ["override.csv:5"]
    assert reading.used == 2
    assert [file.name for file in reading.files] == ["list.csv", "override.csv"]


def test_a_correction_of_two_namesakes_needs_the_address(tmp_path: Path) -> None:
    rows = "名称,住所\n分室,本町1-1\n分室,北野2-2\n"
    nameless = written(tmp_path, "o.csv", "名称,緯度,経度\n分室,35.68,139.56\n")
    shelters, _ = read_shelters(written(tmp_path, "a.csv", rows), AREA, coordinates=nameless)
    assert [shelter.lon for shelter in shelters] == [None, None]
    named = "名称,住所,緯度,経度\n分室,北野２丁目２,35.68,139.56\n"
    shelters, _ = read_shelters(
        written(tmp_path, "a.csv", rows), AREA, coordinates=written(tmp_path, "o.csv", named)
    )
    assert [shelter.lon for shelter in shelters] == [None, 139.56]


def test_facilities_are_joined_on_name_and_address(tmp_path: Path) -> None:
    shelters, reading = placed(
        tmp_path,
        facilities="施設名,所在地,緯度,経度\n"
        "市役所,東京都三鷹市野崎一丁目1番1号,35.683,139.559\n"
        "三鷹市立図書館,,35.680,139.561\n"
        "公民館,下連雀9-9-9,35.690,139.565\n"
        "集会所,北野3-2-8,35.681,139.561\n"
        "集会所,北野3-2-8,35.671,139.571\n",
    )
    assert (shelters["三鷹市役所"].lat, shelters["三鷹市役所"].placed_by) == (35.683, "facilities")
    assert shelters["図書館"].lat == 35.680, "the name alone, once in both lists, nothing against it"
    assert "候補" in reason(shelters, "公民館") and "下連雀9-9-9" in reason(shelters, "公民館")
    assert "候補" in reason(shelters, "集会所"), "two places of one name and address"
    assert reading.facts["placed"] == {"facilities": 2}
    assert (reading.read, reading.used, reading.facts["unplaced"]) == (4, 2, 2)


@pytest.mark.parametrize(
    ("lon", "address", "listed", "found"),
    [
        (139.605, "", "上連雀8-3-3", True),
        (139.63, "", "上連雀8-3-3", False),
        (139.63, "上連雀8-3-3", "", False),
        (139.63, "上連雀8-3-3", "上連雀8-3-3", True),
        (139.56, "上連雀1-1-1", "上連雀8-3-3", False),
    ],
)
def test_a_name_alone_is_taken_in_the_area_only(
    tmp_path: Path, lon: float, address: str, listed: str, found: bool
) -> None:
    shelters, _ = placed(
        tmp_path,
        f"名称,住所\n図書館,{listed}\n",
        facilities=f"名称,住所,緯度,経度\n図書館,{address},35.68,{lon}\n",
    )
    assert shelters["図書館"].lon == (lon if found else None)
    assert found or "図書館" in reason(shelters, "図書館")


def test_similar_names_are_not_taken(tmp_path: Path) -> None:
    shelters, _ = placed(tmp_path, facilities="名称,住所,緯度,経度\n図書舘,上連雀8-3-3,35.68,139.56\n")
    assert "同じ名称" in reason(shelters, "図書館")


def test_facilities_need_coordinates(tmp_path: Path) -> None:
    with pytest.raises(SourceIncompleteError) as caught:
        placed(tmp_path, facilities="名称,住所\n図書館,上連雀8-3-3\n")
    explains(caught.value, tmp_path / "facilities.csv")


@pytest.fixture
def look_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[Geocoder], None]:
    """Install a geocoder as if a package had brought it."""

    def install(found: Geocoder) -> None:
        monkeypatch.setattr(shelter_places, "entry_points", lambda group: _Installed(found))

    return install


class _Installed:
    names = frozenset({"test"})

    def __init__(self, found: Geocoder) -> None:
        self.found = found

    def __getitem__(self, name: str) -> _Installed:
        return self

    def load(self) -> Geocoder:
        return self.found


def test_addresses_are_looked_up(tmp_path: Path, look_up: Callable[[Geocoder], None]) -> None:
    answers = {
        "三鷹市野崎1-1-1": (139.559, 35.683, "東京都三鷹市野崎一丁目1番"),
        "三鷹市上連雀8-3-3": (139.9, 35.9, "東京都三鷹市上連雀八丁目3番"),
        "三鷹市下連雀1-2-3": (139.56, 35.68, "東京都三鷹市下連雀一丁目"),
    }
    look_up(answers.get)
    header, *rows = LIST.splitlines()
    lines = [f"市区町村名,{header}", *(f"三鷹市,{row}" for row in rows)]
    shelters, _ = placed(tmp_path, "\n".join(lines), geocoder="test")
    assert (shelters["三鷹市役所"].lon, shelters["三鷹市役所"].placed_by) == (139.559, "geocoder")
    assert "範囲外" in reason(shelters, "図書館")
    assert "別の住所" in reason(shelters, "公民館"), "a whole 丁目 is no position"
    assert "見つかりません" in reason(shelters, "集会所")


def test_a_look_up_that_fails_is_asked_once(tmp_path: Path, look_up: Callable[[Geocoder], None]) -> None:
    asked = []

    def broken(address: str) -> tuple[float, float, str] | None:
        asked.append(address)
        raise TimeoutError("https://geo.example/?key=secret")

    look_up(broken)
    shelters, reading = placed(tmp_path, geocoder="test")
    assert len(asked) == 1
    assert all("住所検索に失敗しました(TimeoutError)" in reason(shelters, name) for name in shelters)
    assert "secret" not in f"{reading}{shelters}", "what is published holds no key"


def test_a_look_up_that_does_not_load_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(_Installed):
        def load(self) -> Geocoder:
            raise ImportError("no module named x")

    monkeypatch.setattr(shelter_places, "entry_points", lambda group: Broken(lambda address: None))
    with pytest.raises(InputError, match="does not load") as caught:
        placed(tmp_path, geocoder="test")
    explains(caught.value, "ImportError")


def test_an_unknown_look_up_is_explained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no address look-up is called nobody"):
        placed(tmp_path, geocoder="nobody")


def test_unresolved_rows_come_back_as_corrections(tmp_path: Path) -> None:
    rows = '名称,住所\n=HYPERLINK("x"),本町1-1\n図書館,"上連雀8-3-3, 2階"\n'
    shelters, _ = read_shelters(written(tmp_path, "list.csv", rows), AREA)
    text = unresolved_csv(shelters)
    table = list(csv.reader(io.StringIO(text)))
    assert table[0] == ["名称/name", "住所/address", "緯度/latitude", "経度/longitude", "理由/reason"]
    assert table[1][0] == '\'=HYPERLINK("x")', "no formula in anybody's spreadsheet"
    assert table[2] == ["図書館", "上連雀8-3-3, 2階", "", "", "緯度・経度がありません / no coordinates"]
    filled = [table[0], *([*row[:2], "35.68", "139.56", row[4]] for row in table[1:])]
    stream = io.StringIO()
    csv.writer(stream).writerows(filled)
    override = tmp_path / "fixed.csv"
    override.write_text(stream.getvalue(), encoding="utf-8-sig")
    again, reading = read_shelters(tmp_path / "list.csv", AREA, coordinates=override)
    assert [shelter.placed_by for shelter in again] == ["override", "override"]
    assert reading.refused == ()
    assert unresolved_csv(again) == ""


def test_a_real_list_is_placed_by_a_list_of_facilities(tmp_path: Path) -> None:
    path = SHARED / "shelters" / "tokyo_coolshare_2026_mitaka_excerpt.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    bare, _ = read_shelters(path, AREA, region="三鷹市")
    own = [shelter for shelter in bare if shelter.town == "三鷹市"]
    # As a city's own list writes them: its name before, full addresses; every sixth is not in it.
    lines = ["施設名称,住所,緯度,経度"]
    for number, shelter in enumerate(own):
        if number % 6:
            address = shelter.address.replace("三鷹市", "東京都三鷹市").replace("-", "－")
            name = f"三鷹市{shelter.name.removeprefix('三鷹市')}"
            lines.append(f"{name},{address},{35.67 + number / 5000:.4f},139.56")
    facilities = written(tmp_path, "facilities.csv", "\n".join(lines))
    shelters, reading = read_shelters(path, AREA, facilities=[facilities], region="三鷹市")
    here = [shelter for shelter in shelters if shelter.town == "三鷹市"]
    assert len(here) == 48
    assert [n for n, s in enumerate(here) if s.lon is None] == [n for n in range(48) if n % 6 == 0]
    assert all(s.lat == pytest.approx(35.67 + n / 5000, abs=1e-4) for n, s in enumerate(here) if s.lat)
    assert reading.facts["placed"] == {"facilities": 40}
