"""A visitor of the dashboard: a server on a free port, a page in Chromium, and all that the page did."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from heatrisk.api import Settings, create_app
from tests.png import unique_colours

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PHONE, SMALL, DESKTOP = (390, 844), (320, 568), (1280, 800)
#: What makes an open page look whether it is still the newest.
RETURNING = "document.dispatchEvent(new Event('visibilitychange'))"

#: Whether the worker keeps a picture and an answer of each of some addresses.
KEPT = """async parts => {
  const names = async cache => (await (await caches.open(cache)).keys()).map(({ url }) => url);
  const [answers, pictures] = [await names("answers"), await names("pictures")];
  return parts.every(part => answers.some(url => url.includes(part)))
    && pictures.some(url => url.endsWith(".png"));
}"""


@contextlib.contextmanager
def serving(root: Path, clock: datetime, settings: Settings | None = None) -> Iterator[str]:
    """Serve a store on a free port and give its address."""
    app = create_app(root, settings or Settings(), clock=lambda: clock)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, args=([found],), daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline and thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{found.getsockname()[1]}/"
        server.should_exit = True
        thread.join(timeout=10)


@dataclass
class Seen:
    """A page and everything it did."""

    page: Any
    urls: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))

    def says(self, selector: str, text: str) -> None:
        """Wait until an element shows a text."""
        playwright.expect(self.page.locator(selector)).to_contain_text(text, timeout=20_000)

    def _waits(self, until: Callable[[], bool], without: str, seconds: float = 20.0, pause: int = 50) -> None:
        # `wait_for_function` of Playwright takes the promise of an answer for a yes.
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, without
            self.page.wait_for_timeout(pause)

    def asks(self, part: str) -> None:
        """Wait until a tile of this address has been asked for."""
        self._waits(lambda: any(part in url for url in self.tiles()), part)

    def keeps(self, *parts: str) -> None:
        """Wait until the worker has kept a picture and an answer of each of these addresses."""
        self._waits(lambda: bool(self.page.evaluate(KEPT, list(parts))), f"not all of {parts} are kept", 30.0)

    def draws(self, selector: str) -> None:
        """Wait until an element shows a picture, not a plain surface."""
        element = self.page.locator(selector)
        self._waits(lambda: unique_colours(element.screenshot()) > 20, f"{selector} stays blank", pause=200)

    def tiles(self) -> list[str]:
        return [url for url in self.urls if url.endswith(".png")]

    def settles(self) -> None:
        """Wait until the map has drawn what it asked for."""
        self.page.wait_for_selector("#map[aria-busy=false]", timeout=30_000)

    def forgives(self, *parts: str) -> None:
        """Leave out complaints that a test provokes: the browser notes every answer that is an error."""
        self.complaints[:] = [line for line in self.complaints if not any(part in line for part in parts)]


@contextlib.contextmanager
def opened(
    browser: Any,
    address: str,
    size: tuple[int, int] = DESKTOP,
    locale: str = "ja-JP",
    ready: str = "#map[aria-busy=false]",
    clock_at: datetime | None = None,
    **options: Any,
) -> Iterator[Seen]:
    """Open the page as one visitor, and see to it that it asked nobody else and complained about nothing."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=locale,
        has_touch=size == PHONE,
        timezone_id="America/New_York",
        **options,
    )
    if clock_at is not None:
        context.clock.install(time=clock_at)
    seen = Seen(context.new_page())
    seen.page.on("request", lambda request: seen.urls.append(request.url))
    seen.page.on(
        "console",
        lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.goto(address)
    seen.page.wait_for_selector(ready, timeout=30_000)
    yield seen
    assert [url for url in seen.urls if not url.startswith((address.split("#")[0], "blob:", "data:"))] == []
    assert seen.complaints == []
    context.close()
