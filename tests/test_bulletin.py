"""Texts for people: what they must hold, what they must never say, and how long they may be."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatrisk.alerts import AlertBulletin, Status, to_dict
from heatrisk.bulletin import LENGTHS, TONGUES, Bulletin, bulletins, phrases
from heatrisk.bulletin.outlook import Outlook, Station, outlook
from heatrisk.bulletin.phrases import Told
from heatrisk.bulletin.wording import Facts
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun
from heatrisk.words import JST
from tests.small_run import SHELTERS, dataset, lonlat, write_small_run

FIRST, SECOND = date(2025, 8, 5), date(2025, 8, 6)
MITAKA = {"name": {"ja": "三鷹市", "en": "Mitaka"}, "sample": False, "config": {"alerts": {"area": "130000"}}}


def at(hour: int, minute: int = 0, day: int = 5) -> datetime:
    return datetime(2025, 8, day, hour, minute, tzinfo=JST)


def issued(hour: int, today: int, tomorrow: int, status: Status = "normal", day: int = 5) -> AlertBulletin:
    days = ((date(2025, 8, day), today), (date(2025, 8, day + 1), tomorrow))
    return AlertBulletin("130000", "東京都", at(hour, day=day), at(hour, day=day), status, days)


def district(name: str, rows: tuple[int, int], columns: tuple[int, int]) -> dict[str, Any]:
    """Return a rectangle of cells as a district."""
    (top, bottom), (left, right) = rows, columns
    ring = [list(lonlat(*cell)) for cell in ((top, left), (bottom, left), (bottom, right), (top, right))]
    geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return {"type": "Feature", "properties": {"name": name}, "geometry": geometry}


#: The run is warmer in the east: by 2.5 degrees over its 60 columns, hardly from row to row.
DISTRICTS = {
    "type": "FeatureCollection",
    "features": [district("西町", (10, 40), (2, 18)), district("東町", (10, 40), (40, 58))],
}
Written = Callable[..., StoredRun]


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of which the tests get copies, and return its store."""
    root = tmp_path_factory.mktemp("plain")
    write_small_run(root)
    return root


@pytest.fixture
def written(tmp_path: Path, plain_run: Path) -> Written:
    """Return a writer of runs with alerts (the newest last), districts and other facts in their manifests."""

    def write(*known: AlertBulletin, districts: Any = None, fields: Any = None, **changes: Any) -> StoredRun:
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        if fields is None:
            shutil.copytree(plain_run, root, symlinks=True)
        else:
            write_small_run(root, fields=fields)
        path = (root / "latest").resolve()
        facts = json.loads((path / "run.json").read_text("utf-8"))
        (path / "run.json").write_text(json.dumps({**facts, "city": MITAKA, **changes}), "utf-8")
        if known:
            *earlier, newest = known
            whole = to_dict(replace(newest, earlier=tuple(reversed(earlier))))
            (path / "alerts.json").write_text(json.dumps(whole), "utf-8")
        if districts is not None:
            (path / "jurisdictions.geojson").write_text(json.dumps(districts), "utf-8")
        return RunStore(root).open()

    return write


def texts(found: list[Bulletin]) -> list[str]:
    return [one.text(tongue, length) for one in found for tongue in TONGUES for length in LENGTHS]


# --- what a morning's text says ---


def test_a_morning_tells_flag_forecast_place_hours_shelter_and_source(written: Written) -> None:
    run = written(issued(5, 1, 9), districts=DISTRICTS)
    (one,) = bulletins(run, "morning", at(6))
    assert one.text("ja", 400) == (
        "三鷹市、8月5日(火)の暑さ。東京都に熱中症警戒アラートが発表されています（5:00発表）。"
        "環境省の暑さ指数予測の最高はひなた33です。最も暑いのは15時ごろで、屋外の82％が31以上（危険）、とくに東町。"
        "比較的暑さが弱いのは6時ごろ。涼める場所：中央図書館。外出はなるべく避け、涼しい室内で過ごしてください。"
        "室内でも冷房を使い、こまめに水分・塩分をとり、高齢の方や子どもに声をかけてください。"
        "時刻・場所ごとの値は参考値です。出典：環境省 熱中症予防情報サイト（4:25発表の予測を加工して作成）"
    )
    short = one.text("ja", 140)
    for part in ("東京都", "5:00発表", "33", "東町", "参考値", "出典：環境省", "4:25"):
        assert part in short
    english = one.text("en", 400)
    assert "Heat-stroke alert for 東京都 (5:00)" in english and "above all 東町" in english
    assert "Source: MOE Japan (4:25)" in english or "Ministry of the Environment of Japan" in english
    easy = one.text("ja-easy", 400)
    assert "けいかい アラート" in easy and "すずしい ところ：中央図書館" in easy and "参考値" in easy


def test_the_share_is_the_one_of_the_cells(written: Written) -> None:
    """82 % above is counted from the fields themselves: outdoor cells of 31 or more at 15:00."""
    values = dataset()["wbgt_moe"].values[4]
    share = float((values[~np.isnan(values)] >= 31.0).mean())
    run = written(districts=DISTRICTS)
    assert outlook(run, FIRST, at(6)).danger == pytest.approx(share, abs=1e-6)
    assert phrases.share_told(share).ja == "82％"


def test_hours_that_have_passed_are_not_told(written: Written) -> None:
    run = written()
    assert outlook(run, FIRST, at(6)).hottest == at(15)
    late = outlook(run, FIRST, at(17))
    assert (late.hottest, late.stations) == (at(18), (Station("ひなた", 30),))
    after = outlook(run, FIRST, at(23, 59))
    assert (after.hottest, after.stations, after.shelters) == (None, (), ())
    (one,) = bulletins(run, "morning", at(9, day=7))
    assert "場所ごとの予測はいま示せません" in one.text("ja", 400)
    assert "°" not in one.text("ja", 400) and "31以上" not in one.text("ja", 400)


def test_official_values_are_whole_degrees_as_published(written: Written) -> None:
    manifest = written().manifest["official"]
    manifest["stations"][0]["values"] = [None, 25.0, 29.0, 33.0, None, 30.0, 27.0, 26.0]
    values = [20.5, 24.4, 28.0, 30.5, 30.4, 1, 1, 1]
    manifest["stations"].append({"id": "44116", "name": "", "values": values})
    run = written(official=manifest)
    assert outlook(run, FIRST, at(5)).stations == (Station("ひなた", 33), Station("44116", 31))
    assert "ひなた33・44116" in bulletins(run, "morning", at(5))[0].text("ja", 400)


def test_places_that_are_alike_are_not_ranked(written: Written) -> None:
    halves = {
        "type": "FeatureCollection",
        "features": [district("北町", (4, 24), (2, 48)), district("南町", (26, 48), (2, 48))],
    }
    # They differ by 0.2 degrees, less than any model can tell.
    assert outlook(written(districts=halves), FIRST, at(6)).places == ()
    one = {"type": "FeatureCollection", "features": [district("全域", (1, 49), (1, 59))]}
    assert outlook(written(districts=one), FIRST, at(6)).places == ()
    assert outlook(written(districts=DISTRICTS), FIRST, at(6)).places == ("東町",)


def test_districts_that_cannot_be_read_are_none(written: Written) -> None:
    run = written(districts=DISTRICTS)
    for damage in ("", "{", "[]", "7", '{"features": [7]}', '{"features": [{"properties": {}}]}'):
        (run.path / "jurisdictions.geojson").write_text(damage, "utf-8")
        seen = outlook(RunStore(run.path.parents[1]).open(), FIRST, at(6))
        assert "東町" not in seen.places and seen.hottest == at(15), damage


def test_without_districts_the_surroundings_of_shelters_stand_for_places(written: Written) -> None:
    run = written()
    listed = run.path / "shelters.geojson"
    west, east = lonlat(25, 10), lonlat(25, 52)
    found = json.loads(listed.read_text("utf-8"))
    for feature, place in zip(found["features"], (west, east), strict=False):
        feature["geometry"] = {"type": "Point", "coordinates": list(place)}
    listed.write_text(json.dumps(found, ensure_ascii=False), "utf-8")
    again = RunStore(run.path.parents[1]).open()
    seen = outlook(again, FIRST, at(6))
    assert (seen.places, seen.around) == (("ひなた寺 <b>本堂</b>",), True)
    assert "とくにひなた寺 <b>本堂</b>周辺" in bulletins(again, "morning", at(6))[0].text("ja", 400)
    assert seen.shelters == ("中央図書館",), "the temple's hours are not known, so it is not sent to"


def test_a_shelter_that_waits_for_the_alert_is_named_under_it_alone(written: Written) -> None:
    runs = [written(), written(issued(5, 1, 9)), written(issued(5, 0, 9))]
    named = []
    for run in runs:
        listed = run.path / "shelters.geojson"
        listed.write_text(listed.read_text("utf-8").replace('"always"', '"alert"'), "utf-8")
        again = RunStore(run.path.parents[1]).open()
        named.append("中央図書館。" in bulletins(again, "morning", at(6))[0].text("ja", 400))
    assert named == [False, True, False]
    assert SHELTERS[0].opens_on == "always"


def test_hours_that_are_alike_are_told_together_and_a_day_without_relief_as_such(written: Written) -> None:
    fields = dataset()
    fields["wbgt_moe"].values[1:6] = 32.0
    run = written(fields=fields)
    seen = outlook(run, FIRST, at(6))
    assert (seen.mildest, seen.constant) == ((), True)
    assert "日中はどの時間も31以上（危険）" in bulletins(run, "morning", at(6))[0].text("ja", 400)
    fields["wbgt_moe"].values[1:3] = (26.0 + np.array([0.0, 0.3]))[:, None, None]
    assert outlook(written(fields=fields), FIRST, at(6)).mildest == (at(6), at(9))


def test_nothing_of_our_own_is_told_without_an_official_anchor(written: Written) -> None:
    """気象業務法 17 条: a forecast of one's own needs a permit."""
    anchor = {"anchored": False, "official": [None] * 8, "offset": [0.0] * 8}
    run = written(issued(5, 1, 9), anchor=anchor, official=None)
    for text in texts(bulletins(run, "morning", at(6)) + bulletins(run, "alert", at(6))):
        assert not re.search("31|東町|15時|around 15", text), text


def test_the_sample_town_says_that_it_is_invented(written: Written) -> None:
    run = written(issued(5, 1, 9), city={**MITAKA, "sample": True})
    for one in bulletins(run, "morning", at(6)) + bulletins(run, "alert", at(6)):
        for length in LENGTHS:
            japanese, english = one.text("ja", length), one.text("en", length)
            assert japanese.startswith("【架空の町】") and "環境省" not in japanese
            assert english.startswith("[SAMPLE TOWN]") and "MOE" not in english


# --- alerts ---


def test_no_alert_is_told_as_none_and_not_known_as_not_known(written: Written) -> None:
    assert "発表はありません（東京都、5:00発表）が、暑さには注意" in bulletins(
        written(issued(5, 0, 9)), "morning", at(6)
    )[0].text("ja", 400)
    for run in (written(), written(issued(17, 0, 0, day=3)), written(issued(17, 1, 1))):
        assert "確認できていません" in bulletins(run, "morning", at(6))[0].text("ja", 400)
        assert bulletins(run, "alert", at(6)) == []
    silent = {**MITAKA, "config": {}}
    assert "警戒情報" not in bulletins(written(city=silent), "morning", at(6))[0].text("ja", 400)


def test_nothing_is_told_before_its_report_time(written: Written) -> None:
    run = written(issued(5, 0, 9), issued(17, 3, 3))
    for minute in (at(5), at(16, 59), at(16, 59) + timedelta(seconds=59)):
        assert bulletins(run, "alert", minute, staff=True) == []
        assert not re.search("特別|とくべつ|SPECIAL", "".join(texts(bulletins(run, "morning", minute))))
    told = bulletins(run, "alert", at(17))
    assert [one.alert and one.alert.level for one in told] == ["special", "special"]


@pytest.mark.parametrize(
    "status, marks",
    [("drill", ("【訓練】", "くんれん", "[DRILL]")), ("test", ("【試験】", "テスト", "[TEST]"))],
)
def test_drills_are_for_the_staff_alone_and_marked(
    written: Written, status: Status, marks: tuple[str, ...]
) -> None:
    run = written(issued(5, 1, 9), issued(10, 3, 3, status))
    for kind in ("morning", "alert"):
        for text in texts(bulletins(run, kind, at(18))):
            assert not re.search(r"特別|とくべつ|SPECIAL|訓練|試験|くんれん|テスト|DRILL|TEST", text)
    found = bulletins(run, "alert", at(18), staff=True)
    assert [one.status for one in found] == ["normal", status, status]
    for one in found[1:]:
        for tongue, mark in zip(TONGUES, marks, strict=True):
            for length in LENGTHS:
                assert mark in one.text(tongue, length)[:20]
        assert one.event.startswith(f"{status}/")
    assert bulletins(run, "alert", at(9, 59), staff=True)[1:] == [], "a drill has a report time, too"


def test_an_alert_is_one_event_however_often_it_is_repeated(written: Written) -> None:
    evening = written(issued(17, 0, 1))
    morning = written(issued(17, 0, 1), issued(5, 1, 9, day=6))
    told = [bulletins(evening, "alert", at(18)), bulletins(morning, "alert", at(6, day=6))]
    assert [[one.event for one in found] for found in told] == [["normal/東京都/2025-08-06/alert"]] * 2
    assert [found[0].alert and found[0].alert.issued for found in told] == [at(17)] * 2
    assert "8月6日(水)" in told[0][0].text("ja", 140) and "8/5 17:00発表" in told[0][0].text("ja", 140)


def test_every_text_of_an_alert_holds_what_the_law_and_its_readers_need(written: Written) -> None:
    run = written(issued(5, 1, 9), districts=DISTRICTS)
    (one,) = bulletins(run, "alert", at(6))
    wanted = (
        ("熱中症警戒", "出典：環境省", "参考値"),
        ("けいかい アラート", "出典：環境省", "参考値"),
        ("Heat-stroke alert", "MOE Japan", "values"),
    )
    for tongue, words in zip(TONGUES, wanted, strict=True):
        for length in LENGTHS:
            text = one.text(tongue, length)
            assert all(word in text for word in (*words, "東京都", "5:00", "4:25")), text
    assert one.as_dict()["alert"] == {
        "level": "alert", "day": "2025-08-05", "area": "東京都", "reported": "2025-08-05T05:00:00+09:00",
    }  # fmt: skip
    assert one.as_dict()["texts"]["en"]["140"] == one.text("en", 140)


# --- how long, and what is never said ---

NAMES = st.text(st.characters(codec="utf-8"), max_size=60)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2039, 12, 31), timezones=st.just(JST))


@st.composite
def outlooks(draw: st.DrawFn) -> Outlook:
    day = draw(st.dates(date(2020, 1, 1), date(2039, 12, 31)))
    hours = [datetime(day.year, day.month, day.day, hour, tzinfo=JST) for hour in range(0, 24, 3)]
    return Outlook(
        day,
        tuple(draw(st.lists(st.builds(Station, NAMES, st.integers(-30, 60)), max_size=5))),
        draw(st.none() | st.sampled_from(hours)),
        draw(st.floats(0, 1)),
        draw(st.sampled_from(sorted(phrases.CLASSES))),
        tuple(draw(st.lists(NAMES, max_size=5))),
        draw(st.booleans()),
        tuple(draw(st.lists(st.sampled_from(hours), max_size=8, unique=True))),
        draw(st.booleans()),
        tuple(draw(st.lists(NAMES, max_size=4))),
    )


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> list[Bulletin]:
    """Return a bulletin of every kind: real or invented town, alert or none, drill, test; all sentences."""
    documents = {"jurisdictions.geojson": json.dumps(DISTRICTS, ensure_ascii=False)}
    found = []
    for sample in (False, True):
        root = tmp_path_factory.mktemp("run")
        run = write_small_run(root, documents=documents, city={**MITAKA, "sample": sample})
        for number, status in ((0, "normal"), (1, "normal"), (3, "normal"), (1, "test"), (3, "drill")):
            known = to_dict(issued(5, number, 9, status))  # type: ignore[arg-type]
            (run.path / "alerts.json").write_text(json.dumps(known, ensure_ascii=False), "utf-8")
            for hour in (6, 12):  # by noon the run is old, and says so
                found += bulletins(run, "morning", at(hour)) + bulletins(run, "alert", at(hour), staff=True)
    return found


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    data=st.data(), seen=outlooks(), names=st.tuples(NAMES, NAMES, NAMES), times=st.tuples(INSTANTS, INSTANTS)
)
def test_no_text_is_too_long_or_says_that_anything_is_safe(
    kinds: list[Bulletin],
    data: st.DataObject,
    seen: Outlook,
    names: tuple[str, str, str],
    times: tuple[datetime, datetime],
) -> None:
    city, area, publication = (Told(name, name, name) for name in names)
    facts = Facts(city, area.ja, times[0], publication, publication, times[1], seen, times[0])
    one = replace(data.draw(st.sampled_from(kinds)), facts=facts)
    given_names = "".join((*names, *seen.places, *seen.shelters, *map(str, seen.stations)))
    for tongue in TONGUES:
        for length in LENGTHS:
            text = one.text(tongue, length)
            assert 0 < len(text) <= length
            assert text.isprintable()
            assert SAFE.search(given_names) or not SAFE.search(text)


SAFE = re.compile("(?i)安全|安心|大丈夫|safe|あんぜん|だいじょうぶ")


def test_no_sentence_says_that_anything_is_safe_and_all_are_in_three_languages() -> None:
    rows: list[tuple[str, Told]] = []
    for name, value in vars(phrases).items():
        if isinstance(value, Told):
            rows.append((name, value))
        elif isinstance(value, dict):
            rows += [(f"{name}.{key}", row) for key, row in value.items() if isinstance(row, Told)]
    assert len(rows) > 30
    slot = re.compile(r"{(\w*)}")
    for name, row in rows:
        assert all(part.strip() for part in row), name
        assert not SAFE.search("".join(row)), name
        assert not re.search("[ぁ-んァ-ヶ一-龠]", row.en), name
        if "SOURCE" not in name:
            assert len({frozenset(slot.findall(part)) for part in row}) == 1, name


def test_plain_japanese_keeps_words_apart_and_avoids_hard_ones() -> None:
    for row in (*phrases.ADVICE.values(), phrases.INDOORS, phrases.MORNING, phrases.SHELTERS):
        assert " " in row.easy
        assert not re.search("熱中症|警戒|避|過ご|発表|室内|水分", row.easy), row.easy


def test_a_share_is_never_nothing_where_there_is_something() -> None:
    told = [phrases.share_told(share).ja for share in (0.0001, 0.0099, 0.01, 0.504, 0.996, 1.0)]
    assert told == ["1％未満", "1％未満", "1％", "50％", "99％", "100％"]
