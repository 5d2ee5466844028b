"""What tests of several files share: a browser, a store, and a receiver of what is sent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.receiver import Receiver, receiving
from tests.small_run import write_small_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-dev-shm-usage",
]


# How long one example takes on a busy computer says nothing of the law that it tries.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def no_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust nobody's certificates: no test asks the world, and every client would read its list for 40 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("authorities")))
        yield


# Of a module, not of the session: while it is open its event loop runs, and nobody else can start one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt install chromium)")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that holds the small run; nobody writes to it."""
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return root


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Run a receiver of both channels whose addresses and secrets the environment holds."""
    for name in ("HEATRISK_WEBHOOK_SECRET", "HEATRISK_STAFF_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, f"the secret of {name}")
    monkeypatch.setattr("heatrisk.webhook._FIRST_PAUSE", 0.001)
    with receiving() as server:
        monkeypatch.setenv("HOOK", server.url)
        monkeypatch.setenv("STAFF_HOOK", f"{server.url}staff")
        yield server
