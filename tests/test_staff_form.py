"""The form on which a facility reports, in a real browser on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from heatrisk.reports import Reports
from tests.small_run import NOON, write_small_run
from tests.visitor import DESKTOP, PHONE, Seen, playwright, serving

LIBRARY = "中央図書館"
FILLED_IN = "#form:not([hidden])"


@dataclass
class Facility:
    """A served store, and the token of its library."""

    address: str
    reports: Reports
    token: str

    @property
    def form(self) -> str:
        return f"{self.address}staff/1#{self.token}"


@contextmanager
def visiting(
    browser: Any,
    facility: Facility,
    size: tuple[int, int] = DESKTOP,
    fragment: str | None = None,
    ready: str = FILLED_IN,
) -> Iterator[Seen]:
    """Open the form, and see to it that it asked nobody else and complained about nothing."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="ja-JP", timezone_id="America/New_York"
    )
    seen = Seen(context.new_page())
    seen.page.on("request", lambda request: seen.urls.append(request.url))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on(
        "console",
        lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    seen.page.goto(facility.form if fragment is None else f"{facility.address}staff/1{fragment}")
    seen.page.wait_for_selector(ready, timeout=30_000)
    yield seen
    assert [url for url in seen.urls if not url.startswith(facility.address)] == []
    assert seen.complaints == []
    context.close()


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    reports = Reports(root, "")
    with serving(root, NOON) as address:
        yield Facility(address, reports, reports.issue("1", LIBRARY, NOON))
    reports.close()


@pytest.mark.browser
def test_a_report_is_made_with_two_taps_and_the_token_stays_here(browser: Any, facility: Facility) -> None:
    with visiting(browser, facility, PHONE) as seen:
        asked: list[tuple[str, str, dict[str, str]]] = []
        seen.page.on("request", lambda sent: asked.append((sent.method, sent.url, sent.headers)))
        seen.says("h1", LIBRARY)
        seen.says("#now", "いまの報告はありません")
        seen.page.get_by_label("混雑").check()
        seen.page.get_by_label("給水").check()
        seen.page.select_option("#minutes", "60")
        seen.page.fill("#note", "2階は空いています <b>")
        seen.page.get_by_role("button", name="報告する").click()
        seen.says("#outcome", "15:10 まで表示されます")
        seen.says("#now", "混雑（15:10 まで）")
        (entry,) = facility.reports.trail()
        assert (entry.said.state, entry.said.broken, entry.said.note) == (
            "busy",
            ("water",),
            "2階は空いています <b>",
        )
        seen.page.get_by_label("満員").check()
        seen.page.get_by_role("button", name="報告する").click()
        seen.says("#now", "満員")
        assert len(list(facility.reports.trail())) == 2
        assert not any(facility.token in url for url in seen.urls), "a fragment is sent to nobody"
        assert [headers["authorization"] for method, _, headers in asked if method == "PUT"] == [
            f"Bearer {facility.token}"
        ] * 2
        assert not any("authorization" in headers for method, _, headers in asked if method == "GET")


@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, (320, 568)])
def test_it_fits_a_phone_and_speaks_five_languages(
    browser: Any, facility: Facility, size: tuple[int, int]
) -> None:
    titles = {
        "ja-easy": "いまの ようす",
        "en": "Now",
        "zh": "现在的状况",
        "ko": "지금의 상황",
        "ja": "いまの状況",
    }
    silent = "all => all.filter((one) => !one.textContent).length"
    with visiting(browser, facility, size) as seen:
        for language, title in titles.items():
            seen.page.select_option("#language", language)
            seen.says("form", title)
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= size[0]
            assert seen.page.locator("[data-words], [data-thing], option").evaluate_all(silent) == 0
        targets = "label:has(input[name=state]), .things label, select, input[name=note], button"
        heights = seen.page.locator(targets).evaluate_all(
            "all => all.map((e) => e.getBoundingClientRect().height)"
        )
        assert len(heights) == 9 and min(heights) >= 44


@pytest.mark.browser
def test_the_keyboard_is_enough(browser: Any, facility: Facility) -> None:
    before = len(list(facility.reports.trail()))
    with visiting(browser, facility) as seen:
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.press("ArrowDown")
        seen.page.keyboard.press("Enter")
        seen.says("#outcome", "報告しました")
    assert len(list(facility.reports.trail())) == before + 1


@pytest.mark.browser
@pytest.mark.parametrize(
    "fragment, words",
    [
        ("", "途中で切れています"),
        ("#1", "途中で切れています"),
        ("#1.wrong-token", "使えなくなりました"),
    ],
)
def test_a_link_that_is_not_whole_says_so(
    browser: Any, facility: Facility, fragment: str, words: str
) -> None:
    with visiting(browser, facility, PHONE, fragment, "body") as seen:
        if fragment.startswith("#1."):
            seen.page.wait_for_selector(FILLED_IN)
            seen.page.get_by_label("閉館中").check()
            seen.page.get_by_role("button", name="報告する").click()
        seen.says("#outcome", words)
        seen.complaints[:] = [said for said in seen.complaints if "401" not in said]


@contextmanager
def failing(browser: Any, facility: Facility, address: str, times: int, ready: str) -> Iterator[Seen]:
    """Open the form while some requests fail as often as is said."""
    left = [times]

    def fail(route: Any) -> None:
        left[0] -= 1
        route.abort() if left[0] >= 0 else route.continue_()

    context = browser.new_context(locale="ja-JP")
    context.route(address, fail)
    seen = Seen(context.new_page())
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.goto(facility.form)
    seen.page.wait_for_selector(ready, timeout=30_000)
    yield seen
    assert seen.complaints == []
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "times", "button"),
    [
        ("**/words/languages.json", 1, "報告する"),
        ("**/words/languages.json", 9, "報告する"),
        ("**/words/staff/ja.json", 1, "報告する"),
        ("**/words/staff/ja.json", 9, "Report"),
    ],
)
def test_a_small_request_that_fails_leaves_a_form(
    browser: Any, facility: Facility, path: str, times: int, button: str
) -> None:
    with failing(browser, facility, path, times, FILLED_IN) as seen:
        assert seen.text("button[type=submit]") == button
        assert seen.page.input_value("#language") == ("ja" if button == "報告する" else "en")
        assert not seen.page.is_visible("#unread")


@pytest.mark.browser
@pytest.mark.parametrize("path", ["**/words/staff/*.json", "**/shelters/1/status"])
def test_a_form_that_cannot_be_had_is_told_in_one_sentence(
    browser: Any, facility: Facility, path: str
) -> None:
    with failing(browser, facility, path, 9, "#unread:not([hidden])") as seen:
        assert "読み込めませんでした" in seen.text("#unread")
        assert not seen.page.is_visible("#form") and seen.text("#outcome") == ""


@pytest.mark.browser
def test_a_language_that_cannot_be_had_leaves_the_one_that_is_shown(browser: Any, facility: Facility) -> None:
    with failing(browser, facility, "**/words/staff/ko.json", 2, FILLED_IN) as seen:
        seen.page.select_option("#language", "ko")
        playwright.expect(seen.page.locator("#language")).to_have_value("ja")
        assert seen.text("button[type=submit]") == "報告する"
        assert seen.page.get_attribute("html", "lang") == "ja"
        seen.page.select_option("#language", "ko")
        seen.says("form", "지금의 상황")
