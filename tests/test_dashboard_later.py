"""The dashboard over time: a new run, a failed one, a lost server, no network; and without a service."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from heatrisk.export import export
from heatrisk.store import RunStore
from tests.plain_server import plain
from tests.small_run import NOON, lonlat, write_small_run
from tests.visitor import PHONE, RETURNING, opened, serving

pytestmark = pytest.mark.browser
WEST, ROOF = (20, 4), (32, 23)
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
    verdict = {"level": "red", "ja": "", "en": ""}
    record = {"at": "2025-08-05T05:00:00+00:00", "run_id": None, "verdict": verdict}
    with serving(tmp_path, NOON) as address, opened(browser, address) as seen:
        assert "失敗" not in seen.text("#notices")
        RunStore(tmp_path).keep_status(record)
        seen.page.evaluate(RETURNING)
        seen.says("#notices", "最新の計算に失敗したため、前回の結果を表示しています")
        assert "参考値" in seen.text("#place")
        seen.page.select_option("#language", "en")
        seen.says("#notices", "The latest computation failed; showing the previous result")


KEPT = """async () => {
  const names = async cache => (await (await caches.open(cache)).keys()).map(({ url }) => url);
  const [answers, pictures] = [await names("answers"), await names("pictures")];
  return ["/point?", "/area?", "/times?", "/runs/latest", "/shelters?", "/legend/"].every(
    part => answers.some(url => url.includes(part))) && pictures.some(url => url.endsWith(".png"));
}"""


def test_after_one_visit_the_page_works_without_a_network_and_states_its_age(
    browser: Any, tmp_path: Path
) -> None:
    write_small_run(tmp_path)
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        address = server.enter_context(serving(tmp_path, NOON))
        seen = stack.enter_context(opened(browser, address, PHONE))
        seen.page.wait_for_function(KEPT, timeout=30_000)
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
        seen.says("#shelter-1", "開いています")
        seen.page.click("#tab-map-pane")
        seen.draws("#map")
        lon, lat = lonlat(*WEST)
        seen.page.fill("#search", f"{lat:.5f}, {lon:.5f}")
        seen.page.keyboard.press("Enter")
        seen.says("#lead", "読み込め")
        seen.forgives(*UNANSWERED, "Failed to load resource")


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
