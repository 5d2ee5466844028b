"""The dashboard in a real browser: headless Chromium, a real server, a small run, no network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatrisk.api import Settings
from heatrisk.store import RunStore
from tests.png import plain
from tests.small_run import NOON, dataset, write_small_run
from tests.visitor import DESKTOP, PHONE, opened, serving

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-dev-shm-usage",
]
DASHBOARD = Path(__file__).resolve().parents[1] / "heatrisk" / "dashboard"

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (apt install chromium)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return root


@pytest.fixture(scope="module")
def address(store: Path) -> Iterator[str]:
    with serving(store, NOON) as address:
        yield address


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_the_page_opens_with_words_and_a_drawn_map(browser: Any, address: str, size: tuple[int, int]) -> None:
    with opened(browser, address, size) as seen:
        assert "ひなた市" in seen.text("h1")
        assert "架空の町" in seen.text("#notices")
        place = seen.text("#place")
        assert "危険" in place and "31以上" in place and "参考値" in place
        assert "33℃" in place and "ひなた" in place and "8/5 4:25発表" in place
        assert "9時間前に計算" in place
        assert "冷房" in place
        seen.asks("/risk/20250805T0600Z/")
        assert all("/risk/20250805T0600Z/" in url for url in seen.tiles())
        seen.draws("#map")
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide == size[0]
        map_box = seen.page.locator("#map").bounding_box()
        assert map_box["height"] > 220 and map_box["width"] > 300


@needs_browser
@pytest.mark.browser
def test_the_slider_asks_for_the_tiles_of_its_step_and_changes_the_words(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        assert seen.text("#moment").startswith("8月5日(火) 15:00")
        slider = seen.page.locator("#timeline input[type=range]")
        slider.focus()
        seen.page.keyboard.press("ArrowRight")
        seen.asks("/risk/20250805T0900Z/")
        assert seen.text("#moment").startswith("8月5日(火) 18:00")
        assert "30℃" in seen.text("#place")
        assert "8月5日(火) 18:00" in slider.get_attribute("aria-valuetext")
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


@needs_browser
@pytest.mark.browser
def test_the_layer_switch_changes_tiles_and_legend(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        legend = seen.text("#legend")
        assert all(words in legend for words in ("注意", "警戒", "厳重警戒", "危険", "28以上31未満", "建物"))
        seen.page.click("label:has(#layer-sunlit)")
        seen.asks("/sunlit/20250805T0600Z/")
        assert "日なた" in seen.text("#legend")
        assert seen.page.evaluate("document.activeElement.id") == "layer-sunlit"


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_marks_of_the_legend_fit_their_chips(browser: Any, address: str, size: tuple[int, int]) -> None:
    with opened(browser, address, size) as seen:
        seen.page.click("label:has(#layer-wbgt_moe)")
        if size == PHONE:
            seen.page.click("#legend summary")
        chips = seen.page.locator("#legend .swatch")
        assert {"31", "<21"} < set(chips.all_inner_texts())
        assert chips.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length") == 0


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_a_tap_gives_the_place_in_words(browser: Any, address: str, size: tuple[int, int]) -> None:
    with opened(browser, address, size) as seen:
        box = seen.page.locator("#map canvas").bounding_box()
        before = seen.text("#place .number")
        # The west is cooler in this run.
        seen.page.mouse.click(box["x"] + 60, box["y"] + box["height"] * 0.38)
        seen.says("#place", "選んだ地点")
        assert float(seen.text("#place .number")) < float(before) - 0.5
        assert "33℃" in seen.text("#place")
        assert "低い見込み" in seen.text("#place")


@needs_browser
@pytest.mark.browser
def test_places_without_values_are_explained(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        # Enter picks the middle of the map; the building is south-west of it, the void in the north-east.
        box = seen.page.locator("#map canvas").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        step = box["width"] / 60
        seen.page.mouse.click(middle[0] - 7 * step, middle[1] + 7 * step)
        seen.says("#place", "建物")
        seen.page.mouse.click(middle[0] + 25 * step, middle[1] - 20 * step)
        seen.says("#place", "標高が不明")
        seen.says("#hours", "標高が不明")
        seen.page.locator("#map canvas").focus()
        seen.page.keyboard.press("Enter")
        seen.says("#place", "参考値")


@needs_browser
@pytest.mark.browser
def test_a_place_outside_is_explained(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        box = seen.page.locator("#map canvas").bounding_box()
        seen.page.mouse.click(box["x"] + 4, box["y"] + box["height"] / 2)
        seen.says("#place", "範囲の外")
        # Chromium notes every answer of status 404, also one that the page explains.
        seen.complaints[:] = [line for line in seen.complaints if "404" not in line]


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_hours_and_shelters_are_listed(browser: Any, address: str, size: tuple[int, int]) -> None:
    with opened(browser, address, size) as seen:
        if size == PHONE:
            assert not seen.page.is_visible("#hours")
            seen.page.click("#tab-hours")
        rows = seen.page.locator("#hours tbody tr:not(.day)").all_inner_texts()
        assert len(rows) == 8
        assert re.sub(r"\s+", " ", rows[4]).startswith("15:00 4 危険 31.9 33")
        seen.page.click("#tab-shelters")
        library, temple, hall = seen.page.locator("#shelters .shelter").all_inner_texts()
        assert "中央図書館" in library and "開いています" in library and "9:00～20:00" in library
        assert "クーリングシェルター" in library and "給水" in library
        assert "不明" in temple and "お寺へお尋ねください" in temple
        # Text of a city's list is text, never markup.
        assert "<b>本堂</b>" in temple
        # Without position: in the list, last, with neither distance nor link to the map.
        assert "集会所" in hall and "位置は未確認" in hall and " m" not in hall.splitlines()[0]
        assert seen.page.locator("#shelters .shelter >> nth=2").locator("button").count() == 0
        if size == PHONE:
            seen.page.click("#tab-shelters")
        seen.page.click("#later")
        seen.page.click("#later")
        seen.says("#shelters .shelter >> nth=0", "閉まっています")


@needs_browser
@pytest.mark.browser
def test_the_language_can_be_chosen_and_is_kept(browser: Any, address: str) -> None:
    with opened(browser, address, locale="en-GB") as seen:
        assert seen.page.get_attribute("html", "lang") == "en"
        assert "Danger" in seen.text("#place") and "reference value" in seen.text("#place")
        assert "invented" in seen.text("#notices")
        assert re.search(r"[ぁ-ん]", seen.text("#hours")) is None
        seen.page.click("#language")
        assert seen.page.get_attribute("html", "lang") == "ja"
        assert "危険" in seen.text("#place") and "時間ごと" in seen.text("#sheet")
        seen.page.reload()
        seen.page.wait_for_selector("#map[aria-busy=false]")
        assert seen.page.get_attribute("html", "lang") == "ja"


@needs_browser
@pytest.mark.browser
def test_the_data_are_accounted_for(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        seen.page.click("#tab-about")
        about = seen.text("#about")
        assert "20250804T1930Z-01234567" in about
        assert "樹木のデータはありません" in about
        assert "公式の発表ではありません" in about
        assert "建物: ひなた市（架空）" in seen.text("#credits")
        assert "環境省熱中症予防情報サイト" not in seen.text("body")


@needs_browser
@pytest.mark.browser
def test_a_forecast_that_is_over_says_so_and_opens_at_its_highest_class(browser: Any, store: Path) -> None:
    with serving(store, NOON + timedelta(days=3)) as address, opened(browser, address) as seen:
        assert "この予報の期間は終わっています（8/5 24:00まで）" in seen.text("#notices")
        assert seen.text("#moment").startswith("8月5日(火) 15:00")
        assert "3日前に計算" in seen.text("#place")


@needs_browser
@pytest.mark.browser
def test_a_failed_attempt_is_said_and_the_earlier_run_stays(browser: Any, tmp_path: Path) -> None:
    write_small_run(tmp_path)
    record = {
        "at": "2025-08-05T05:00:00+00:00",
        "run_id": None,
        "verdict": {"level": "red", "ja": "", "en": ""},
    }
    returning = "document.dispatchEvent(new Event('visibilitychange'))"
    with serving(tmp_path, NOON) as address, opened(browser, address) as seen:
        assert "失敗" not in seen.text("#notices")
        RunStore(tmp_path).keep_status(record)
        seen.page.evaluate(returning)
        seen.says("#notices", "最新の計算に失敗したため、前回の結果を表示しています")
        assert "参考値" in seen.text("#place")
    with serving(tmp_path, NOON) as address, opened(browser, address, locale="en-GB") as seen:
        assert "The latest computation failed; showing the previous result" in seen.text("#notices")


@needs_browser
@pytest.mark.browser
def test_an_unanchored_run_says_so_at_the_place_and_in_the_legend(browser: Any, tmp_path: Path) -> None:
    write_small_run(tmp_path, official=None, anchor={"anchored": False, "suspect": []})
    with serving(tmp_path, NOON) as address, opened(browser, address) as seen:
        assert "公式の予測には合わせていません" in seen.text("#place")
        assert "公式の予測に合わせていません" in seen.text("#legend")


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_a_run_of_one_step_can_be_looked_at(browser: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    write_small_run(tmp_path, fields=dataset().isel(time=slice(0, 1)))
    with serving(tmp_path, NOON) as address, opened(browser, address, size) as seen:
        assert seen.text("#moment").startswith("8月5日(火) 3:00")
        assert seen.page.is_disabled("#earlier") and seen.page.is_disabled("#later")
        assert "参考値" in seen.text("#place")


@needs_browser
@pytest.mark.browser
def test_real_values_name_the_ministry(browser: Any, tmp_path: Path) -> None:
    city = {"name": {"ja": "三鷹市", "en": "Mitaka"}, "sample": False, "config": {}}
    credit = {"ja": "出典：環境省熱中症予防情報サイト（予測値を加工して作成）", "en": "Source: ..."}
    write_small_run(tmp_path, city=city, attribution=[credit])
    with serving(tmp_path, NOON) as address, opened(browser, address) as seen:
        assert "出典：環境省熱中症予防情報サイト（予測値を加工して作成）" in seen.text("#credits")
        assert "架空" not in seen.text("body")


@needs_browser
@pytest.mark.browser
def test_a_base_map_comes_with_its_credit(browser: Any, store: Path) -> None:
    host, asked = "https://cyberjapandata.gsi.go.jp/", []

    def fake(route: Any) -> None:
        asked.append(route.request.url)
        headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "image/png"}
        route.fulfill(status=200, headers=headers, body=plain((200, 210, 200)))

    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ja-JP")
    page = context.new_page()
    own: list[str] = []
    page.on("request", lambda request: own.append(request.url))
    page.route(f"{host}**", fake)
    with serving(store, NOON, Settings(basemap="gsi-pale")) as address:
        page.goto(address)
        page.wait_for_selector("#map[aria-busy=false]")
        assert asked and all(re.fullmatch(rf"{host}xyz/pale/\d+/\d+/\d+\.png", url) for url in asked)
        assert not [url for url in own if "/buildings" in url]
        assert page.is_visible("#credits a")
        assert "国土地理院" in page.inner_text("#credits")
        context.close()


@needs_browser
@pytest.mark.browser
def test_an_open_page_takes_up_a_new_run_and_notices_a_lost_server(browser: Any, tmp_path: Path) -> None:
    write_small_run(tmp_path)
    returning = "document.dispatchEvent(new Event('visibilitychange'))"
    with serving(tmp_path, NOON) as address, opened(browser, address) as seen:
        newer = write_small_run(tmp_path, NOON - timedelta(minutes=30), "fedcba98")
        seen.page.evaluate(returning)
        seen.says("#place", "30分前に計算")
        seen.asks(f"/{newer.id}/risk/")
        seen.page.wait_for_selector("#map[aria-busy=false]")
        seen.page.context.set_offline(True)
        seen.page.evaluate(returning)
        seen.says("#notices", "サーバーとつながりません")
        assert "参考値" in seen.text("#place")
        seen.complaints[:] = [line for line in seen.complaints if "ERR_INTERNET_DISCONNECTED" not in line]


@needs_browser
@pytest.mark.browser
def test_an_empty_store_is_explained(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path, NOON) as address, opened(browser, address, ready="#place .message") as seen:
        assert "まだ計算結果がありません" in seen.text("#place")
        seen.complaints[:] = [line for line in seen.complaints if "404" not in line]


@needs_browser
@pytest.mark.browser
def test_text_can_be_read(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        for scheme in ("light", "dark"):
            seen.page.emulate_media(color_scheme=scheme)
            for selector in (
                "#place .advice",
                "#place .level span",
                "#place .age",
                ".quiet",
                ".tabs button",
                "#notices p",
                ".days span",
            ):
                ink, paper = seen.page.eval_on_selector(selector, COLOURS)
                assert contrast(ink, paper) >= 4.5, (scheme, selector)


COLOURS = """element => {
  const parts = text => text.match(/[0-9.]+/g).map(Number);
  let behind = element;
  while (parts(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  return [parts(getComputedStyle(element).color), parts(getComputedStyle(behind).backgroundColor)];
}"""


def contrast(ink: list[float], paper: list[float]) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, 1.4.3)."""

    def luminance(colour: list[float]) -> float:
        parts = np.array(colour[:3]) / 255
        return float(
            np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
            @ [0.2126, 0.7152, 0.0722]
        )

    dark, light = sorted((luminance(ink), luminance(paper)))
    return (light + 0.05) / (dark + 0.05)


def test_both_languages_say_everything_with_the_same_blanks() -> None:
    catalogue = json.loads((DASHBOARD / "words.json").read_text("utf-8"))
    assert catalogue["ja"].keys() == catalogue["en"].keys()
    for key, text in catalogue["ja"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", catalogue["en"][key])), key
        assert text and catalogue["en"][key]


def test_every_text_is_used_and_every_used_text_exists() -> None:
    catalogue = json.loads((DASHBOARD / "words.json").read_text("utf-8"))["ja"]
    sources = "".join(
        path.read_text("utf-8") for path in DASHBOARD.iterdir() if path.suffix in (".js", ".html")
    )
    named = set(re.findall(r'words\("(\w+)"', sources)) | set(re.findall(r'data-words="(\w+)"', sources))
    assert named <= catalogue.keys()
    quoted = set(re.findall(r'["`](\w+)["`]', sources))
    families = tuple(re.findall(r"words\(`(\w+_)\$", sources))
    codes = {"designated", "cool_share", "other", "unknown"}
    assert [
        key for key in catalogue if key not in named | quoted | codes and not key.startswith(families)
    ] == []


def test_the_page_never_calls_a_place_safe() -> None:
    catalogue = json.loads((DASHBOARD / "words.json").read_text("utf-8"))
    assert not [text for text in catalogue["ja"].values() if "安全" in text]
    assert not [text for text in catalogue["en"].values() if "safe" in text.lower()]


def test_scripts_are_small_and_name_no_other_host() -> None:
    for path in DASHBOARD.iterdir():
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 400, path.name
        assert not re.search(r"https?://(?!www\.w3\.org/)[\w.]", text), path.name
