"""What people install: one wheel that carries the pages and needs no Node."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "src/tierwise/web/static/app/.vite/manifest.json"
pytestmark = [pytest.mark.slow, pytest.mark.database]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked by itself."""
    if not BUILT.exists():
        pytest.skip("the front end has not been built (make setup)")
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    made = ["--no-deps", "--no-index"]
    build = [*pip, "wheel", *made, "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    place = folder / "installed here"
    subprocess.run([*pip, "install", *made, "--target", str(place), str(wheel)], check=True, timeout=300)
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which it runs, its home in it."""
    return tmp_path_factory.mktemp("a place")


@pytest.fixture(scope="module")
def environment(installed: Path, place: Path) -> dict[str, str]:
    """Of the checkout nothing is found but the libraries, and whoever calls Node or npm leaves a trace."""
    tools = place / "bin"
    tools.mkdir()
    for name in ("node", "npm", "npx"):
        (tools / name).write_text(f"#!/bin/sh\ntouch '{place}/called'\nexit 97\n")
        (tools / name).chmod(0o755)
    return {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "HOME": str(place), "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join([str(installed), sysconfig.get_paths()["purelib"]]),
        "TIERWISE_HOME": str(place / "home"), "TIERWISE_ADDRESS": "https://tierwise.example.com",
    }  # fmt: skip


@pytest.fixture(scope="module")
def served(environment: dict[str, str], place: Path) -> Iterator[str]:
    """An installation that comes up; it is only looked at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (place / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tierwise", "serve", "--port", str(port), "--workers", "2"],
            env=environment, cwd=place, stdout=log, stderr=log,
        )  # fmt: skip
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + 120
    try:
        while True:
            try:
                if httpx.get(f"{address}/health", timeout=2).is_success:
                    break
            except httpx.TransportError:
                assert process.poll() is None, (place / "log").read_text()
                assert time.monotonic() < end, (place / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_it_serves_its_pages_with_all_that_they_load(served: str, place: Path) -> None:
    page = httpx.get(f"{served}/accounts/login/")
    assert page.is_success
    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert assets, page.text
    for asset in assets:
        assert httpx.get(f"{served}{asset}").is_success, asset
    assert not (place / "called").exists()


def test_a_proxy_tells_who_calls_and_how(served: str) -> None:
    told = {"Host": "tierwise.example.com", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert "strict-transport-security" in httpx.get(f"{served}/accounts/login/", headers=told).headers
    plain = httpx.get(f"{served}/accounts/login/", headers={"Host": "tierwise.example.com"})
    assert plain.is_success
    assert "strict-transport-security" not in plain.headers
    assert "Secure" in plain.headers["set-cookie"]
    assert httpx.get(f"{served}/accounts/login/", headers={"Host": "stranger.example.com"}).status_code == 400


def test_what_it_finds_is_its_own(environment: dict[str, str], installed: Path, tmp_path: Path) -> None:
    asked = "import tierwise, tierwise.lake as lake; print(tierwise.__file__, *lake.__path__, sep='\\n')"
    found = subprocess.run(
        [sys.executable, "-c", asked], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert all(Path(line).is_relative_to(installed) for line in found.stdout.split("\n") if line)
    shipped = {path.name for path in (installed / "tierwise" / "lake" / "mappings").iterdir()}
    assert shipped == {path.name for path in (ROOT / "examples" / "mappings").iterdir()}
