"""One process that minds the others: database, web, worker. It ends them all, however it ends itself."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from tierwise.config.runtime import WEB_PROCESSES

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class WebParams:
    """Where the web listens, and with how much."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int = 48

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port: {self.port} is not a port; choose 1 to 65535")
        if self.workers < 1 or self.threads < 1:
            raise ValueError("workers and threads: give at least 1")

    def command(self) -> list[str]:
        return [
            sys.executable, "-m", "granian", "--interface", "wsgi", "tierwise.config.wsgi:application",
            "--host", self.host, "--port", str(self.port), "--workers", str(self.workers),
            "--blocking-threads", str(self.threads), "--no-ws", "--workers-kill-timeout", "5", "--log-level", "error",
        ]  # fmt: skip


def worker_command() -> list[str]:
    return [sys.executable, "-m", "django", "procrastinate", "worker"]


def mailroom_command() -> list[str]:
    return [sys.executable, "-m", "tierwise.doors.mailroom"]


def _die_with_parent() -> None:
    """A parent that is killed takes its children along; without this they would keep the port."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def supervise(commands: Sequence[list[str]], began: Callable[[], None], web_processes: int = 1) -> int:
    """Runs the commands until one ends or a signal asks to stop; returns 0 when asked, 1 when one ended by itself.

    Each runs in a session of its own, so that Ctrl-C reaches this process alone and the children are ended in order.
    """
    stop = threading.Event()
    asked = False

    def ask(_: int, __: FrameType | None) -> None:
        nonlocal asked
        asked = True
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tierwise.config.settings", WEB_PROCESSES: str(web_processes)
    }  # fmt: skip
    children = [
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  called before any thread is started
            env=environment,
        )
        for command in commands
    ]
    began()
    while not stop.wait(0.2):
        if any(child.poll() is not None for child in children):
            break
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        _await(child)
    return 0 if asked else 1


def _await(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
