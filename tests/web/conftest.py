"""The preview site in a process of its own, and Chromium to look at it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / "src/tierwise/web/static/app/.vite/manifest.json"


@pytest.fixture(scope="session")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not MANIFEST.exists():
        pytest.skip("the front end is not built (make build)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "web.preview.settings",
        "TIERWISE_PREVIEW_HOME": str(tmp_path_factory.mktemp("preview")),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
    }
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "migrate", "-v0"], env=environment, check=True)
    address = f"http://127.0.0.1:{port}"
    command = [*django, "runserver", "--noreload", "--insecure", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"{address}/desk/empty")
            yield address
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@pytest.fixture
def page(browser: Browser, preview: str) -> Iterator[Page]:
    """A desktop window; what the console complains about fails the test."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, base_url=preview, permissions=["clipboard-read", "clipboard-write"]
    )
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    context.close()
    assert complaints == []


@pytest.fixture
def failing(browser: Browser, preview: str) -> Iterator[Page]:
    """The same where requests are made to fail, of which the console may complain."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=preview)
    yield context.new_page()
    context.close()
