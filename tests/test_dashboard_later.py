"""The dashboard over time: a new run, a failed one, a lost server, no network; and without a service."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from heatrisk.api import alerts
from heatrisk.errors import StoreError
from heatrisk.export import export
from heatrisk.reports import Reports
from heatrisk.store import RunStore
from tests.plain_server import plain
from tests.small_run import NOON, RUN, dataset, lonlat, write_small_run
from tests.visitor import PHONE, RETURNING, opened, serving

pytestmark = pytest.mark.browser
WEST, ROOF = (20, 4), (32, 23)
REAL = {"name": {"ja": "ひなた市", "en": "Hinata"}, "sample": False, "config": {}}
#: What Chromium notes of requests that nobody answers.
UNANSWERED = (
    "ERR_CONNECTION_REFUSED",
    "ERR_FAILED",
    "ERR_INTERNET_DISCONNECTED",
    "Failed to fetch",
    "AJAXError",
)


def test_an_open_page_takes_up_a_new_run_and_notices_a_lost_server(browser: Any, tmp_path: Path) -> None:
    write_small_run(tmp_path)
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        address = server.enter_context(serving(tmp_path, NOON))
        seen = stack.enter_context(opened(browser, address))
        newer = write_small_run(tmp_path, NOON - timedelta(minutes=30), "fedcba98")
        seen.page.evaluate(RETURNING)
        seen.says("#place", "30分前に計算")
        seen.asks(f"/{newer.id}/risk/")
        seen.settles()
        server.close()
        seen.page.evaluate(RETURNING)
        seen.says("#notices", "サーバーとつながりません")
        assert "参考値" in seen.text("#place")
        seen.forgives(*UNANSWERED)


def test_a_failed_attempt_is_said_and_the_earlier_run_stays(browser: Any, tmp_path: Path) -> None:
    write_small_run(tmp_path)
    verdict = {"level": "red", "ja": "【失敗】気象データがありません", "en": "[red] there is no weather"}
    record = {"at": "2025-08-05T05:00:00+00:00", "run_id": None, "verdict": verdict}
    with serving(tmp_path, NOON) as address, opened(browser, address) as seen:
        assert "失敗" not in seen.text("#notices")
        RunStore(tmp_path).keep_status(record)
        seen.page.evaluate(RETURNING)
        seen.says("#notices", "【失敗】気象データがありません")
        assert "参考値" in seen.text("#place")
        for language, text in (("en", "[red] there is no weather"), ("zh", "没有新的计算结果")):
            seen.page.select_option("#language", language)
            seen.says("#notices", text)


def test_how_the_service_stands_is_said_once_and_before_how_the_run_went(
    browser: Any, tmp_path: Path
) -> None:
    doubted = {"level": "amber", "ja": "【要確認】樹木がありません", "en": "[amber] no trees", "notes": []}
    write_small_run(tmp_path, city=REAL, verdict=doubted)
    silent = NOON + timedelta(hours=20)
    with (
        serving(tmp_path, silent) as address,
        opened(browser, address, ready="#map[aria-busy=false]") as seen,
    ):
        seen.says("#notices", "終わりました")
        assert seen.page.locator("#notices .verdict").count() == 1
        assert "樹木" not in seen.text("#notices")


def test_what_a_facility_reports_is_told_at_once_for_as_long_as_it_holds(
    browser: Any, tmp_path: Path
) -> None:
    write_small_run(tmp_path)
    reports = Reports(tmp_path, "")
    bearer = {"Authorization": f"Bearer {reports.issue('1', '中央図書館', NOON)}"}
    reports.close()
    with serving(tmp_path, NOON) as address, opened(browser, address) as seen:
        seen.page.click("#tab-shelters")
        seen.says("#shelters", "8月5日(火) 14:10")
        # It holds until 14:40; the step that is shown has its middle at 15:00.
        said = {"state": "full", "note": "裏口から <b>どうぞ</b>", "minutes": 30}
        assert httpx.put(f"{address}shelters/1/status", json=said, headers=bearer).status_code == 200
        seen.page.evaluate(RETURNING)
        seen.says("#shelter-1", "施設からの報告：満員です（14:10 現在")
        assert "施設から：裏口から <b>どうぞ</b>" in seen.text("#shelter-1")
        assert "満員" in seen.text("#shelter-1 .report")
        seen.page.click("#shelter-1 button")
        seen.says("#card", "施設から：裏口から")
        seen.page.select_option("#language", "zh")
        seen.says("#shelter-1", "设施告知：裏口から")
        seen.page.select_option("#language", "ja")
        seen.page.click("#later")
        seen.says("#shelters", "8月5日(火) 18:00")
        assert "満員" not in seen.text("#shelter-1") and "裏口" not in seen.text("#shelter-1")


#: What the worker keeps of a first visit.
FIRST = ("/opening", "/shelters?", "/legend/")


def test_the_place_chosen_last_is_there_without_a_network(browser: Any, tmp_path: Path) -> None:
    write_small_run(tmp_path)
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        address = server.enter_context(serving(tmp_path, NOON))
        seen = stack.enter_context(opened(browser, address, PHONE))
        seen.keeps(*FIRST)
        first = seen.text("#place .number")
        lon, lat = lonlat(*WEST)
        seen.page.fill("#search", f"{lat:.7f}, {lon:.7f}")
        seen.page.keyboard.press("Enter")
        seen.says("#place", "選んだ地点")
        chosen = seen.text("#place .number")
        assert float(chosen) < float(first) - 1
        seen.keeps("/point?", "/area?")
        server.close()
        for again in (seen.page.url, address):  # by the address that names the place, and as one left it
            seen.page.goto("about:blank")
            seen.page.goto(again)
            seen.page.wait_for_selector("#facts .verdict", timeout=30_000)
            assert seen.text("#place .number") == chosen
        seen.forgives(*UNANSWERED)


def test_after_one_visit_the_page_works_without_a_network_and_states_its_age(
    browser: Any, tmp_path: Path
) -> None:
    write_small_run(tmp_path)
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        address = server.enter_context(serving(tmp_path, NOON))
        seen = stack.enter_context(opened(browser, address, PHONE))
        seen.keeps(*FIRST)
        server.close()
        # Five hours later.
        seen.page.clock.install(time=datetime.now() + timedelta(hours=5))
        seen.page.reload()
        seen.page.wait_for_selector("#facts .verdict", timeout=30_000)
        seen.says("#notices", "サーバーとつながりません")
        seen.says("#age", "14時間前に計算")
        # 14:10 and five hours: the forecast's own evening, not the afternoon that was kept.
        assert seen.text("#moment").startswith("8月5日(火) 18:00")
        seen.page.click("#tab-hours")
        assert seen.page.locator("#hours tbody tr:not(.day)").count() == 8
        # Whether a place is open at another time than the one kept is not known now.
        seen.page.click("#tab-shelters")
        assert "中央図書館" in seen.text("#shelters") and "開館状況は不明" in seen.text("#shelter-1")
        seen.page.click("#earlier")
        seen.says("#shelters", "8月5日(火) 15:00")
        assert "開館状況は不明" in seen.text("#shelter-1")
        seen.page.click("#tab-map-pane")
        seen.draws("#map")
        lon, lat = lonlat(*WEST)
        seen.page.fill("#search", f"{lat:.5f}, {lon:.5f}")
        seen.page.keyboard.press("Enter")
        seen.says("#lead", "読み込め")
        # Other pages are not this one.
        with pytest.raises(Exception, match="ERR_"):
            seen.page.goto(f"{address}docs")
        seen.forgives(*UNANSWERED, "Failed to load resource")


@pytest.mark.parametrize("kept", ['"abc"', "{}", "[139.5]", "[200, 95]", '["139.5", "35.6"]'])
def test_what_names_no_place_is_not_asked_for(browser: Any, small_store: Path, kept: str) -> None:
    with serving(small_store, NOON) as address:
        stored = {"origin": address.rstrip("/"), "localStorage": [{"name": "place", "value": kept}]}
        state = {"cookies": [], "origins": [stored]}
        with opened(browser, address, ready="#facts .verdict", storage_state=state) as seen:
            assert seen.page.evaluate("localStorage.getItem('place')") == kept
            assert "地域の中ほど" in seen.text("#place-name") and "参考値" in seen.text("#place")
            assert f"{address}opening" in seen.urls


def test_alerts_that_cannot_be_read_are_not_passed_over_in_silence(
    browser: Any, small_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise StoreError("damaged")

    with serving(small_store, NOON) as address:
        with opened(browser, address, ready="#facts .verdict") as seen:
            assert seen.text("#no-alert") == ""  # the run has no source of alerts
        monkeypatch.setattr(alerts, "told", damaged)
        with opened(browser, address, ready="#facts .verdict") as seen:
            seen.says("#no-alert", "確認できていません")
            assert "参考値" in seen.text("#place")


def test_a_place_kept_elsewhere_gives_way_to_open_ground_in_the_middle(browser: Any, tmp_path: Path) -> None:
    fields = dataset()
    fields["mask"].values[20:30, 24:37] = 1  # a town hall over the middle
    write_small_run(tmp_path, fields=fields)
    with serving(tmp_path, NOON) as address:
        stored = {"origin": address.rstrip("/"), "localStorage": [{"name": "place", "value": "[130, 33]"}]}
        state = {"cookies": [], "origins": [stored]}
        with opened(browser, address, ready="#facts .verdict", storage_state=state) as seen:
            assert "地域の中ほど" in seen.text("#place-name")
            assert "建物" not in seen.text("#place") and "参考値" in seen.text("#place")
            lon, lat = lonlat(30, 30)
            assert [url for url in seen.urls if f"/point?run={RUN}&lon={lon:.6f}&lat={lat:.6f}" in url]


def test_a_folder_on_a_plain_web_server_answers_as_the_service_does(
    browser: Any, small_store: Path, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(1) as aside:  # the browser has a loop running in this thread
        aside.submit(export, RunStore(small_store), tmp_path / "www" / "heat", clock=lambda: NOON).result()
    told: dict[str, list[str]] = {}
    with serving(small_store, NOON) as served, plain(tmp_path / "www") as (root, _):
        for address in (served, root + "heat/"):
            for cell in (WEST, ROOF):
                lon, lat = lonlat(*cell)
                context = f"{address}#place={lon},{lat}&lang=ja"
                with opened(browser, context, clock_at=NOON) as seen:
                    seen.draws("#map")
                    told.setdefault(address, []).append(seen.text("#facts") + seen.text("#moment"))
                    assert "いま" in seen.text("#lead")
                    seen.page.click("#tab-shelters")
                    seen.says("#shelters", "3か所のうち3か所")
                    seen.page.click("#tab-hours")
                    assert seen.page.locator("#hours tbody tr:not(.day)").count() == 8
    ours, plainly = told.values()
    assert ours[0] == plainly[0]
    # Pixels of the export are a little smaller than cells.
    assert "建物の上です" in plainly[1]


SERIES = """async name => {
  const kept = await (await caches.open("series")).keys();
  return kept.length > 0 && kept.every(({ url }) => url.includes(name));
}"""


def test_an_open_page_takes_up_the_same_run_exported_anew(
    browser: Any, small_store: Path, tmp_path: Path
) -> None:
    def placed(minutes: int) -> str:
        with ThreadPoolExecutor(1) as aside:
            moment = NOON + timedelta(minutes=minutes)
            return aside.submit(export, RunStore(small_store), tmp_path, clock=lambda: moment).result().name

    name = placed(0)
    with plain(tmp_path) as (address, _), opened(browser, address, clock_at=NOON) as seen:
        assert seen.page.evaluate(SERIES, name)
        seen.page.evaluate(RETURNING)
        later = placed(5)
        with seen.page.expect_request(lambda request: f"/data/{later}/run.json" in request.url):
            seen.page.evaluate(RETURNING)
        seen.settles()
        assert seen.page.evaluate(SERIES, later), "value tiles of the earlier export are let go"
