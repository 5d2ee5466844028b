"""The dashboard for everybody: axe-core, keyboard alone, small and enlarged screens, contrast, paper."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.small_run import NOON
from tests.visitor import DESKTOP, PHONE, SMALL, Seen, opened, serving

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PANES = ("hours", "shelters", "about")


@pytest.fixture(scope="module")
def address(small_store: Path) -> Iterator[str]:
    with serving(small_store, NOON) as address:
        yield address


@pytest.fixture(scope="module")
def axe() -> str:
    spec = find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        pytest.skip("axe-core is not installed: pip install axe-playwright-python")
    return Path(spec.origin).with_name("axe.min.js").read_text("utf-8")


def violations(seen: Seen, axe: str) -> list[str]:
    seen.page.evaluate(axe)
    found = seen.page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    assert len(found["passes"]) > 20
    return [f"{row['id']}: {node['html'][:120]}" for row in found["violations"] for node in row["nodes"]]


@pytest.mark.parametrize(
    "size, scheme",
    [(PHONE, "light"), (PHONE, "dark"), (SMALL, "light"), (DESKTOP, "light"), (DESKTOP, "dark")],
)
def test_axe_finds_nothing_in_any_pane(
    browser: Any, address: str, axe: str, size: tuple[int, int], scheme: str
) -> None:
    with opened(browser, address, size, color_scheme=scheme) as seen:
        assert violations(seen, axe) == []
        for pane in PANES:
            seen.page.click(f"#tab-{pane}")
            seen.page.wait_for_selector(f"#{pane} > *")
            assert violations(seen, axe) == []


def test_axe_finds_nothing_in_what_opens(browser: Any, address: str, axe: str) -> None:
    with opened(browser, address, PHONE) as seen:
        seen.page.click("#legend summary")
        seen.page.fill("#search", "中央")
        seen.page.wait_for_selector("#found li")
        assert violations(seen, axe) == []
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector("#card article")
        assert violations(seen, axe) == []
        for language in ("ja-easy", "en", "zh", "ko"):
            seen.page.select_option("#language", language)
            seen.page.wait_for_function(
                "code => document.documentElement.lang.startsWith(code)", arg=language[:2]
            )
            assert violations(seen, axe) == []


def test_everything_can_be_done_with_the_keyboard(browser: Any, address: str) -> None:
    with opened(browser, address) as seen:
        press = seen.page.keyboard.press

        def reach(selector: str) -> None:
            """Move on with the tab key until an element has the focus."""
            for _ in range(60):
                if seen.page.evaluate("wanted => document.activeElement?.matches(wanted)", selector):
                    return
                press("Tab")
            raise AssertionError(selector)

        press("Tab")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "lead"
        reach("#layer-risk")
        press("ArrowRight")
        seen.asks("/wbgt_moe/")
        reach(".maplibregl-canvas")
        press("ArrowLeft")
        seen.settles()
        press("Enter")
        seen.says("#place-name", "選んだ地点")
        reach("#timeline input")
        press("ArrowRight")
        seen.says("#moment", "18:00")
        reach("#tab-hours")
        press("ArrowRight")
        assert seen.page.evaluate("document.activeElement.id") == "tab-shelters"
        reach("#filter-open")
        press("Space")
        seen.says("#shelters", "3か所のうち1か所")
        reach("#shelters .link")
        press("Enter")
        seen.says("#card", "中央図書館")
        assert seen.page.evaluate("document.activeElement.id") == "card"
        press("Escape")
        assert not seen.page.is_visible("#card")


@pytest.mark.parametrize("size", [SMALL, (568, 320), (320, 256), (844, 390), (2560, 1440)])
def test_nothing_is_cut_off_on_any_screen(browser: Any, address: str, size: tuple[int, int]) -> None:
    # 320 x 256 is a screen of 1280 x 1024 enlarged to 400 %.
    with opened(browser, f"{address}#lang=en", size) as seen:
        for tab in seen.page.locator(".tabs button").all():
            tab.click()
            wide, room = seen.page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide <= room
        seen.page.locator("#timeline input").scroll_into_view_if_needed()
        assert seen.page.is_visible("#timeline input")
        covered = seen.page.evaluate(
            "[...document.querySelectorAll('.tabs, .timeline, .head')]"
            ".filter(one => getComputedStyle(one).position === 'sticky')"
            ".reduce((sum, one) => sum + one.offsetHeight, 0) / innerHeight"
        )
        assert covered <= 0.3, "what stays in place leaves room for the rest"


def test_fingers_find_what_they_aim_at(browser: Any, address: str) -> None:
    with opened(browser, address, PHONE) as seen:
        for pane in ("map-pane", *PANES):
            seen.page.click(f"#tab-{pane}")
            assert seen.page.evaluate(SMALL_TARGETS) == []


SMALL_TARGETS = """() =>
  [...document.querySelectorAll('button, select, input, summary, .switch label, .filters label')]
    .filter(one => one.checkVisibility() && !one.disabled && !one.matches('label input'))
    .map(one => [one.id || one.className, one.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 44)
    .map(([name, box]) => [name, box.width, box.height])"""


def test_a_page_on_paper_holds_the_answer_the_table_and_the_sources(browser: Any, address: str) -> None:
    with opened(browser, address, PHONE) as seen:
        seen.page.emulate_media(media="print")
        seen.page.wait_for_function("() => document.getElementById('map-print').naturalWidth > 0")
        for part in (
            "#lead",
            "#facts .verdict",
            "#hours table",
            "#shelters .shelter",
            "#about h3",
            "#credits",
        ):
            assert seen.page.locator(part).first.is_visible(), part
        for part in ("#timeline", ".tabs", ".finder", "#map canvas"):
            assert not seen.page.locator(part).first.is_visible(), part
        assert address in seen.text("#printed-from") and "9時間前に計算" in seen.text("#age")
        assert len(seen.page.pdf()) > 10_000


def test_text_on_coloured_grounds_can_be_read(browser: Any, address: str) -> None:
    # What axe leaves open: text on chips of every class, whose patterns it cannot judge.
    with opened(browser, address) as seen:
        for scheme in ("light", "dark"):
            seen.page.emulate_media(color_scheme=scheme)
            for layer in ("risk", "wbgt_moe", "p_danger", "sunlit_minutes"):
                seen.page.click(f"label:has(#layer-{layer})")
                seen.page.wait_for_function(
                    "name => document.querySelector('#legend [data-layer]').dataset.layer === name", arg=layer
                )
                pairs = seen.page.eval_on_selector_all("#legend li .swatch", COLOURS)
                assert len(pairs) >= 4
                assert [
                    (layer, text) for text, ink, paper in pairs if text and contrast(ink, paper) < 4.5
                ] == []


COLOURS = """all => all.map(element => {
  const parts = text => text.match(/[0-9.]+/g).map(Number);
  const style = getComputedStyle(element);
  return [element.textContent, parts(style.color), parts(style.backgroundColor)];
})"""


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
