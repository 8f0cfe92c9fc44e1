"""The demo starts, stops and starts again, whatever ends it, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.database, pytest.mark.slow]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """One home, started as often as a test likes."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        environment = os.environ | {"TIERWISE_HOME": str(self.home), "TIERWISE_DATABASE_URL": ""}
        environment.pop("TIERWISE_DATABASE_NAME", None)
        command = [sys.executable, "-m", "tierwise", "demo", "--size", "small", "--port", str(self.port)]
        log = self.home.parent / "demo.log"
        with log.open("w") as out:
            self.process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, text=True)
        end = time.monotonic() + 240
        while not self.serves():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        return log.read_text()

    def serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def children(self) -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"TIERWISE_HOME={self.home}\0".encode() in path.read_bytes() + b"\0":
                    found.append((path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return [line for line in found if line]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    found = Demo(tmp_path / "a home" / "of mine")
    found.home.parent.mkdir()
    yield found
    if found.process is not None and found.process.poll() is None:
        found.process.kill()
        found.process.wait()
    # A killed demo leaves the server to the next start; here there is none.
    for pid in found.home.glob("postgres/data/postmaster.pid"):
        os.kill(int(pid.read_text().split()[0]), signal.SIGINT)


def test_it_stops_cleanly_and_starts_again_without_losing_anything(demo: Demo) -> None:
    first = demo.start()
    assert demo.stop() == 0
    assert not demo.serves()
    assert demo.children() == []
    second = demo.start()
    passwords = [re.search(r"Password for all of them: (\S+)", text) for text in (first, second)]
    assert passwords[0]
    assert passwords[1]
    assert passwords[0][1] == passwords[1][1]
    assert "cycle run in" in second
    demo.process.kill()  # type: ignore[union-attr]
    demo.process.wait()  # type: ignore[union-attr]
    end = time.monotonic() + 30
    while any("granian" in line or "procrastinate" in line for line in demo.children()):
        assert time.monotonic() < end, demo.children()
        time.sleep(0.2)
    demo.start()
    assert demo.stop(signal.SIGTERM) == 0
    assert demo.children() == []
