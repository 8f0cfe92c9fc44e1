"""The web application as granian serves it, which kills its own process when the test has asked for it.

The file that ``KILL_ORDER`` names holds the number of a statement or commit; the next change that comes in is killed
there, half the time before it and half the time after; with -1, once all was done and before it is answered.
The world's clock stood at ``KILL_CLOCK`` when the test began, at ``KILL_CLOCK_SET``, and goes on from there.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from tierwise.config.wsgi import application as served
from tierwise.kernel.clock import clock_set

ORDER, INSTANT = Path(os.environ["KILL_ORDER"]), datetime.fromisoformat(os.environ["KILL_CLOCK"])
SET_AT = float(os.environ["KILL_CLOCK_SET"])
BEFORE_THE_ANSWER = -1
here = threading.local()


def passing(done: Callable[..., Any]) -> Callable[..., Any]:
    def counted(*args: Any, **kwargs: Any) -> Any:
        here.count = mine = getattr(here, "count", 0) + 1
        ordered = getattr(here, "at", 0)
        if mine == ordered and ordered % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        result = done(*args, **kwargs)
        if mine == ordered:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return counted


for name in ("execute", "executemany"):
    setattr(CursorWrapper, name, passing(getattr(CursorWrapper, name)))
BaseDatabaseWrapper._commit = passing(BaseDatabaseWrapper._commit)  # type: ignore[attr-defined]


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
    here.count = here.at = 0
    if environ["REQUEST_METHOD"] != "GET" and ORDER.exists():
        here.at = int(ORDER.read_text())
        ORDER.unlink()
    with clock_set(INSTANT + timedelta(seconds=time.time() - SET_AT)):
        answer = served(environ, start)
    if here.at == BEFORE_THE_ANSWER:
        os.kill(os.getpid(), signal.SIGKILL)
    if environ["REQUEST_METHOD"] != "GET":
        ORDER.with_suffix(".count").write_text(str(here.count))
    return answer
