"""The dashboard in a real browser: headless Chromium, a real server, a small run, no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatrisk.alerts import AlertBulletin, Status, to_dict
from heatrisk.api import Settings
from heatrisk.risk import RISK_SCALES, classify
from heatrisk.words import JST
from tests.png import plain
from tests.small_run import NOON, dataset, lonlat, write_small_run
from tests.visitor import DESKTOP, PHONE, Seen, opened, serving

pytestmark = pytest.mark.browser
#: A cell in the west, which is cooler, and one of the building.
WEST, ROOF = (20, 4), (32, 23)
#: There as soon as the first words are, before the map.
WORDS = "#facts .verdict"


@pytest.fixture(scope="module")
def address(small_store: Path) -> Iterator[str]:
    with serving(small_store, NOON) as address:
        yield address


def at(address: str, cell: tuple[int, int], **more: str) -> str:
    """Return the address that shows a cell of the small run."""
    lon, lat = lonlat(*cell)
    return (
        address + "#" + "&".join(f"{key}={text}" for key, text in {"place": f"{lon},{lat}", **more}.items())
    )


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_the_page_opens_with_words_and_a_drawn_map(browser: Any, address: str, size: tuple[int, int]) -> None:
    with opened(browser, address, size) as seen:
        assert "ひなた市" in seen.text("h1")
        assert "架空の町" in seen.text("#notices")
        assert re.fullmatch(
            r"いま、まわりの屋外の?(は?ほぼ全体|\d+％)が31以上（危険）。\s*18:00ごろには.*",
            seen.text("#lead"),
        )
        place = seen.text("#place")
        assert "危険" in place and "31以上" in place and "参考値" in place
        assert "33℃" in place and "ひなた" in place and "8/5 4:25発表" in place
        assert "9時間前に計算" in place
        assert "冷房" in place
        seen.asks("/risk/20250805T0600Z/")
        assert "/risk/20250805T0600Z/" in seen.tiles()[0]
        seen.draws("#map")
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide == size[0]
        map_box = seen.page.locator("#map").bounding_box()
        assert map_box["height"] > 220 and map_box["width"] > 300


def test_the_first_words_do_not_wait_for_the_map_library(browser: Any, address: str) -> None:
    context = browser.new_context(locale="ja-JP")
    page = context.new_page()
    page.route("**/maplibre-gl.js", lambda route: None)  # it never comes
    page.goto(address)
    page.wait_for_selector("#facts .verdict", timeout=20_000)
    assert "危険" in page.inner_text("#lead")
    context.close()


def test_the_slider_asks_for_the_tiles_of_its_step_and_changes_the_words(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        assert "8月5日(火) 15:00" in seen.text("#moment") and "いま" in seen.text("#moment")
        # The step that is likely to follow is there before it is asked for: nothing flickers.
        seen.asks("/risk/20250805T0900Z/")
        slider = seen.page.locator("#timeline input[type=range]")
        slider.focus()
        seen.page.keyboard.press("ArrowRight")
        assert seen.text("#moment").startswith("8月5日(火) 18:00")
        assert "30℃" in seen.text("#place")
        assert "8月5日(火) 18:00" in slider.get_attribute("aria-valuetext")
        seen.asks("/risk/20250805T1200Z/")
        assert "time=20250805T0900Z" in seen.page.url
        seen.page.click("#later")
        seen.page.click("#later")
        # Midnight belongs to the day that ends.
        assert seen.text("#moment").startswith("8月5日(火) 24:00")
        assert seen.page.is_disabled("#later")
        seen.page.click("#hour-0")
        assert seen.text("#moment").startswith("8月5日(火) 3:00")
        assert seen.page.evaluate("document.activeElement.id") == "hour-0"
        seen.page.click("#play")
        seen.says("#moment", "8月5日(火) 6:00")
        seen.page.click("#play")


def test_a_step_replaces_the_one_before_only_when_it_is_complete(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        seen.draws("#map")
        seen.page.route("**/risk/20250805T1500Z/**", lambda route: None)  # these tiles never come
        seen.page.click("#hour-7")
        seen.says("#moment", "8月5日(火) 24:00")
        seen.draws("#map")


def test_the_layer_switch_changes_tiles_and_legend(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        legend = seen.text("#legend")
        assert all(words in legend for words in ("注意", "警戒", "厳重警戒", "危険", "28以上31未満", "建物"))
        seen.page.click("label:has(#layer-sunlit_minutes)")
        seen.asks("/sunlit_minutes/20250805T0600Z/")
        seen.says("#legend", "ほとんど日なた")
        assert "150分以上" in seen.text("#legend")
        assert seen.page.evaluate("document.activeElement.id") == "layer-sunlit_minutes"
        seen.page.click("label:has(#layer-p_danger)")
        seen.says("#legend", "66 %以上90 %未満")
        seen.page.select_option("#more-layers", "utci")
        seen.asks("/utci/20250805T0600Z/")
        seen.says("#legend", "強い暑熱ストレス")
        assert "layer=utci" in seen.page.url
        # A number on every chip, and room for it.
        seen.page.click("label:has(#layer-wbgt_moe)")
        seen.says("#legend", "<21")
        chips = seen.page.locator("#legend li .swatch")
        assert chips.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length") == 0


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_a_tap_gives_the_place_in_words(browser: Any, address: str, size: tuple[int, int]) -> None:
    with opened(browser, address, size) as seen:
        if size == PHONE:
            seen.page.click("#tab-map-pane")
        seen.page.locator("#map").scroll_into_view_if_needed()
        before = seen.text("#place .number")
        box = seen.page.locator(".pin-place").bounding_box()
        # The west is cooler in this run.
        seen.page.mouse.click(box["x"] - 110, box["y"] - 30)
        seen.says("#place", "選んだ地点")
        assert float(seen.text("#place .number")) < float(before) - 0.3
        assert "33℃" in seen.text("#place")
        assert "低い見込み" in seen.text("#place")
        assert re.search(r"#place=139\.\d{5},35\.\d{5}&", seen.page.url)


def test_both_sides_of_the_street_are_told_and_shown_from_near(browser: Any, address: str) -> None:
    with opened(browser, at(address, WEST)) as seen:
        sunny, shady = (float(seen.text(f"#facts .{side} b")) for side in ("sunny", "shady"))
        assert sunny - shady == pytest.approx(1.3, abs=0.11)
        zoom = seen.page.locator(".maplibregl-ctrl-zoom-in")
        for _ in range(3):
            zoom.click()
            seen.settles()
        seen.page.wait_for_selector(".pin-place.close .both")
        assert [float(text) for text in seen.page.locator(".both span").all_inner_texts()] == [sunny, shady]
        # At night there are no two sides.
        seen.page.click("#hour-7")
        seen.says("#moment", "24:00")
        assert seen.page.locator("#facts .sides").count() == 0


def test_a_tap_on_a_house_is_answered_for_the_nearest_street(browser: Any, address: str) -> None:
    with opened(browser, at(address, ROOF)) as seen:
        # The building is 4 x 6 cells: from this one the edge is two cells away, so is the street's middle.
        assert re.search(r"建物の上です。いちばん近い道や庭（約1[0-5] m先）", seen.text("#facts"))
        assert "危険" in seen.text("#facts .verdict")
        assert seen.page.locator("#hours tbody tr:not(.day)").count() == 8


def test_places_without_values_are_explained(browser: Any, address: str) -> None:
    with opened(browser, at(address, (3, 55))) as seen:
        assert "標高が不明" in seen.text("#place") and "標高が不明" in seen.text("#hours")
        # Enter picks the middle of the map.
        seen.page.locator("#map canvas").focus()
        seen.page.keyboard.press("Enter")
        seen.says("#place", "参考値")
    with opened(browser, f"{address}#place=139.0,35.0") as seen:
        assert "範囲の外" in seen.text("#place")
        seen.forgives("404")


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_hours_and_shelters_are_listed(browser: Any, address: str, size: tuple[int, int]) -> None:
    with opened(browser, address, size) as seen:
        if size == PHONE:
            assert not seen.page.is_visible("#hours")
            seen.page.click("#tab-hours")
        rows = seen.page.locator("#hours tbody tr:not(.day)").all_inner_texts()
        assert len(rows) == 8
        assert re.sub(r"\s+", " ", rows[4]).startswith("15:00 4 危険 32.0 33 91分 30.9 100 % 75 %")
        seen.page.click("#tab-shelters")
        library, temple, hall = seen.page.locator("#shelters .shelter").all_inner_texts()
        assert "中央図書館" in library and "開いています" in library and "9:00～20:00" in library
        assert "クーリングシェルター" in library and "給水" in library
        assert "不明" in temple and "お寺へお尋ねください" in temple
        assert re.search(r"\d+ m・南西", temple)
        # Text of a city's list is text, never markup.
        assert "<b>本堂</b>" in temple
        # Without position: in the list, last, with neither distance nor link to the map.
        assert "集会所" in hall and "位置は未確認" in hall and " m" not in hall.splitlines()[0]
        assert seen.page.locator("#shelters .shelter >> nth=2").locator("button").count() == 0
        seen.page.click("#earlier")
        for _ in range(3):
            seen.page.click("#earlier")
        seen.says("#shelters .shelter >> nth=0", "閉まっています9:00 に開きます")
        seen.page.click("label:has(#filter-open)")
        seen.says("#shelters", "3か所のうち0か所")


def test_shelters_are_filtered_and_their_crowding_has_its_age(browser: Any, address: str) -> None:
    with opened(browser, f"{address}#time=20250805T0600Z") as seen:
        seen.page.click("#tab-shelters")
        seen.says("#shelters", "混雑状況：やや混雑（13:58 現在、1時間前）")
        seen.page.click("label:has(#filter-designated)")
        seen.says("#shelters", "3か所のうち2か所")
        assert seen.page.evaluate("document.activeElement.id") == "filter-designated"
        seen.page.click("label:has(#filter-water)")
        seen.says("#shelters", "3か所のうち1か所")
        assert "中央図書館" in seen.text("#shelters") and "お寺" not in seen.text("#shelters")


def test_a_tap_on_a_shelter_opens_its_card(browser: Any, address: str) -> None:
    with opened(browser, address, PHONE) as seen:
        seen.page.click("#tab-map-pane")
        box = seen.page.locator(".pin-place").bounding_box()
        # The library stands in the middle, where the page opens.
        seen.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - 14)
        seen.says("#card", "中央図書館")
        seen.says("#place-name", "中央図書館のまわり")
        assert "shelter=1" in seen.page.url
        seen.page.keyboard.press("Escape")
        assert not seen.page.is_visible("#card")


def test_a_place_is_found_by_name_or_coordinates_without_asking_anybody(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        seen.page.fill("#search", "本町")
        assert seen.page.locator("#found li").all_inner_texts() == ["中央図書館\nひなた市本町1-1"]
        assert not [url for url in seen.urls if "%E6%9C%AC" in url]
        seen.page.keyboard.press("Enter")
        seen.says("#place-name", "中央図書館のまわり")
        lon, lat = lonlat(*WEST)
        seen.page.fill("#search", f"{lat:.5f}, {lon:.5f}")
        seen.page.keyboard.press("Enter")
        seen.says("#place-name", "選んだ地点")
        seen.page.fill("#search", "どこにもない")
        seen.says("#found", "見つかりません")


def test_the_device_s_place_stays_on_the_device(browser: Any, address: str) -> None:
    lon, lat = lonlat(*WEST)
    here = {"geolocation": {"longitude": lon, "latitude": lat}, "permissions": ["geolocation"]}
    with opened(browser, address, **here) as seen:
        before = len(seen.urls)
        seen.page.click("#here")
        seen.says("#place-name", "現在地のまわり")
        seen.page.wait_for_selector(".pin-self")
        asked = [url for url in seen.urls[before:] if "/point?" in url]
        assert len(asked) == 1 and f"{lon:.5f}" not in asked[0] and f"{lat:.5f}" not in asked[0]
        found = re.search(r"lon=([\d.]+)&lat=([\d.]+)", asked[0])
        assert found is not None
        # The middle of a square of 0.0005 degrees.
        assert [round(float(part) / 5e-4 % 1, 3) for part in found.groups()] == [0.5, 0.5]
        assert "place=" not in seen.page.url
        assert seen.page.evaluate("localStorage.getItem('place')") is None


def test_an_address_brings_back_place_step_layer_and_language(browser: Any, address: str) -> None:
    link = at(address, WEST, time="20250805T0000Z", layer="wbgt_moe", lang="en")
    with opened(browser, link) as seen:
        assert seen.text("#moment").startswith("Tue 5 Aug 9:00")
        assert "Chosen place" in seen.text("#place")
        assert seen.page.is_checked("#layer-wbgt_moe")
        seen.asks("/wbgt_moe/20250805T0000Z/")
        assert seen.page.url == at(address, WEST).split("#")[0] + "#" + "&".join(
            ["place={:.5f},{:.5f}".format(*lonlat(*WEST)), "time=20250805T0000Z", "layer=wbgt_moe", "lang=en"]
        )


def test_the_language_can_be_chosen_and_is_kept(browser: Any, address: str) -> None:
    with opened(browser, address, locale="en-GB") as seen:
        assert seen.page.get_attribute("html", "lang") == "en-GB"
        assert "Danger" in seen.text("#place") and "reference value" in seen.text("#place")
        assert "invented" in seen.text("#notices")
        assert re.search(r"[ぁ-ん]", seen.text("#hours")) is None
        expected = {"ja": "危険", "ja-easy": "きけん", "zh": "危险", "ko": "위험"}
        for language, danger in expected.items():
            seen.page.select_option("#language", language)
            seen.says("#lead", danger)
            if language in ("zh", "ko"):
                shown = " ".join(
                    seen.text(one) for one in ("h1", "#place", "#hours", "#legend", "#timeline", ".tabs")
                )
                shown = shown.replace("ひなた", "")  # a station's name
                assert re.search(r"[ぁ-んァ-ヶ]", shown) is None, shown
        seen.page.goto(address)
        seen.page.wait_for_selector("#facts .verdict")
        assert seen.page.get_attribute("html", "lang") == "ko-KR"


def test_a_city_says_it_in_its_own_words_and_languages(browser: Any, tmp_path: Path) -> None:
    words = {"ja": {"title": "あつさ見守りマップ"}, "pt": {"language_name": "Português", "now": "Agora"}}
    name = {"ja": "ひなた市", "en": "Hinata"}
    write_small_run(tmp_path, city={"name": name, "sample": True, "config": {"dashboard": {"words": words}}})
    with serving(tmp_path, NOON) as address, opened(browser, address) as seen:
        assert seen.text("h1") == "ひなた市 あつさ見守りマップ"
        seen.page.select_option("#language", label="Português")
        seen.says("#lead", "Agora")
        assert "Hinata heat-stress map" in seen.text("h1")


def test_the_data_are_accounted_for(browser: Any, address: str) -> None:
    with opened(browser, address, ready="#hours table") as seen:
        seen.page.click("#tab-about")
        about = seen.text("#about")
        assert "20250804T1930Z-01234567" in about
        assert "樹木のデータはありません" in about
        assert "公式の発表ではありません" in about
        assert "建物: ひなた市（架空）" in seen.text("#credits")
        assert "環境省熱中症予防情報サイト" not in seen.text("body")


def alerted(root: Path, level: int, status: Status = "normal") -> None:
    issued = datetime(2025, 8, 5, 5, tzinfo=JST)
    days = ((date(2025, 8, 5), level), (date(2025, 8, 6), 9))
    bulletin = AlertBulletin("130000", "東京都", issued, issued, status, days)
    write_small_run(root, documents={"alerts.json": json.dumps(to_dict(bulletin), ensure_ascii=False)})


def test_an_official_alert_stands_above_everything_and_a_drill_is_never_told(
    browser: Any, tmp_path: Path
) -> None:
    alerted(tmp_path / "alert", 1)
    with serving(tmp_path / "alert", NOON) as address, opened(browser, address, PHONE) as seen:
        banner = "東京都 8月5日(火) 熱中症警戒情報（熱中症警戒アラート）が発表されています"
        assert banner in seen.text("#alert") and "8/5 5:00 発表" in seen.text("#alert")
        seen.page.click("#tab-shelters")
        assert "アラートが発表されています" in seen.text("#shelters")
        seen.page.select_option("#language", "zh")
        seen.says("#alert", "已发布中暑警戒信息")
    alerted(tmp_path / "drill", 1, "drill")
    with serving(tmp_path / "drill", NOON) as address, opened(browser, address, ready=WORDS) as seen:
        assert not seen.page.is_visible("#alert")
        assert "確認できていません" in seen.text("#no-alert")
    alerted(tmp_path / "none", 0)
    with serving(tmp_path / "none", NOON) as address, opened(browser, address, ready=WORDS) as seen:
        assert "発表なし（8/5 5:00現在）" in seen.text("#no-alert")


def test_a_forecast_that_is_over_says_so_and_opens_at_its_highest_class(
    browser: Any, small_store: Path
) -> None:
    late = NOON + timedelta(days=3)
    with serving(small_store, late) as address, opened(browser, address, ready=WORDS) as seen:
        assert "この予報の期間は終わっています（8/5 24:00まで）" in seen.text("#notices")
        assert seen.text("#moment").startswith("8月5日(火) 12:00")
        assert "いま" not in seen.text("#lead") and "いま" not in seen.text("#moment")
        assert "3日前に計算" in seen.text("#place")


def test_an_unanchored_run_says_so_at_the_place_and_in_the_legend(browser: Any, tmp_path: Path) -> None:
    write_small_run(tmp_path, official=None, anchor={"anchored": False, "suspect": []})
    with serving(tmp_path, NOON) as address, opened(browser, address, ready="#legend li") as seen:
        assert "公式の予測には合わせていません" in seen.text("#place")
        assert "公式の予測に合わせていません" in seen.text("#legend")


def test_a_corner_of_heat_and_minutes_of_sun_are_not_called_none(browser: Any, tmp_path: Path) -> None:
    fields = dataset()
    fields["wbgt_moe"] = fields["wbgt_moe"] * 0 + 26
    fields["wbgt_moe"][:, WEST[0], WEST[1] + 2] = 28.5
    fields["risk"] = (fields["risk"].dims, classify(fields["wbgt_moe"].values, RISK_SCALES["daily"]))
    fields["sunlit"] = fields["sunlit"] * 0 + 0.05
    half = np.timedelta64(30, "m")
    times = fields["time"].values
    fields["time_bnds"] = (("time", "bnds"), np.stack([times - half, times + half], axis=1))
    write_small_run(tmp_path, fields=fields)
    with serving(tmp_path, NOON) as address, opened(browser, at(address, WEST), ready=WORDS) as seen:
        assert "まわりの屋外の1％未満が28以上（厳重警戒）" in seen.text("#lead")
        assert "60分のうち約3分は日なた" in seen.text("#facts")
        seen.page.click("#tab-hours")
        seen.page.wait_for_selector("#hours .sun")
        bar = seen.page.locator("#hours .sun").first
        assert bar.evaluate("element => element.style.getPropertyValue('--share')") == "0.05"


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_a_run_of_one_step_can_be_looked_at(browser: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    write_small_run(tmp_path, fields=dataset().isel(time=slice(0, 1)))
    with serving(tmp_path, NOON) as address, opened(browser, address, size) as seen:
        assert seen.text("#moment").startswith("8月5日(火) 3:00")
        assert seen.page.is_disabled("#earlier") and seen.page.is_disabled("#later")
        assert "参考値" in seen.text("#place")


def test_real_values_name_the_ministry(browser: Any, tmp_path: Path) -> None:
    city = {"name": {"ja": "三鷹市", "en": "Mitaka"}, "sample": False, "config": {}}
    credit = {"ja": "出典：環境省熱中症予防情報サイト（予測値を加工して作成）", "en": "Source: ..."}
    write_small_run(tmp_path, city=city, attribution=[credit])
    with serving(tmp_path, NOON) as address, opened(browser, address, ready=WORDS) as seen:
        assert "出典：環境省熱中症予防情報サイト（予測値を加工して作成）" in seen.text("#credits")
        assert "架空" not in seen.text("body")


def test_a_base_map_comes_with_its_credit(browser: Any, small_store: Path) -> None:
    host, asked = "https://cyberjapandata.gsi.go.jp/", []

    def fake(route: Any) -> None:
        asked.append(route.request.url)
        headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "image/png"}
        route.fulfill(status=200, headers=headers, body=plain((200, 210, 200)))

    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ja-JP")
    seen = Seen(context.new_page())
    seen.page.on("request", lambda request: seen.urls.append(request.url))
    context.route(f"{host}**", fake)
    with serving(small_store, NOON, Settings(basemap="gsi-pale")) as address:
        seen.page.goto(address)
        seen.settles()
        assert asked and all(re.fullmatch(rf"{host}xyz/pale/\d+/\d+/\d+\.png", url) for url in asked)
        assert not [url for url in seen.urls if "/buildings" in url]
        assert seen.page.is_visible("#credits a")
        assert "国土地理院" in seen.text("#credits")
        context.close()


def test_an_empty_store_is_explained(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path, NOON) as address, opened(browser, address, ready="#lead.message") as seen:
        assert "まだ計算結果がありません" in seen.text("#place")
        seen.forgives("404")
