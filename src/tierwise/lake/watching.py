"""A running import told to its page and stopped from there, from a thread and a connection of its own."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from uuid import UUID

from django.db import connections

from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake.imports import Cancelled
from tierwise.lake.models import ImportRun
from tierwise.lake.records import ImportState

_EVERY_SECONDS = 0.5
_SOONEST = 3.0  # seconds before which nothing is said of the time that remains


class Watch:
    """Block around an import. ``tell`` is its progress; it raises ``Cancelled`` once somebody asked to stop.

    The import's own transaction would hide its progress until it is over, and would not see the wish to cancel sooner
    than its next statement.
    """

    def __init__(self, actor: Viewer, run: UUID) -> None:
        self.actor, self.run = actor, run
        self.what, self.share = "", 0.0
        self.began = time.monotonic()
        self.over, self.cancelled = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._watch, name=f"watch {run}", daemon=True)

    def __enter__(self) -> Watch:
        self._look()
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.thread.join()

    def tell(self, what: str, share: float) -> None:
        self.what, self.share = what, share
        if self.cancelled.is_set():
            raise Cancelled

    @property
    def remaining(self) -> float | None:
        """Seconds, at the pace so far; None while there is no telling."""
        spent = time.monotonic() - self.began
        if spent < _SOONEST or self.share < 0.02:
            return None
        return spent * (1 - self.share) / self.share

    def _watch(self) -> None:
        try:
            while not self.over.wait(_EVERY_SECONDS):
                self._look()
        finally:
            connections.close_all()

    def _look(self) -> None:
        with viewer_scope(self.actor):
            # Skipped while the import's last statement holds the row: it is over then.
            rows = ImportRun.objects.select_for_update(skip_locked=True)
            row = rows.filter(id=self.run, state=ImportState.RUNNING).first()
            if row is None:
                return
            if row.cancel_asked:
                self.cancelled.set()
            told = {"what": self.what, "share": self.share, "at": now().isoformat(), "remaining": self.remaining}
            row.report = {**row.report, "progress": told}
            row.save(update_fields=["report"])
