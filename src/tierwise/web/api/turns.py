"""Turns: at how many requests of machines a web process works at the same time."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic

Turn = threading.Lock


class Turns:
    """Lets so many in at a time, who came first before who came later.

    Threads of one process share one interpreter. Where many work at once each waits for all others several times
    within a request, in no order, and the unlucky wait long. Nobody stands behind what takes long: who is inside for
    more than ``patience`` seconds does not count any more, and who waited so long goes in all the same.
    """

    def __init__(self, places: int, patience: float) -> None:
        self._places, self._patience = places, patience
        self._lock = threading.Lock()
        self._inside: dict[Turn, float] = {}
        self._waiting: deque[Turn] = deque()

    def enter(self) -> Turn:
        """Comes back when it is one's turn, which ``leave`` gives back."""
        turn = threading.Lock()
        with self._lock:
            self._waiting.append(turn)
            self._let_in()
            if turn in self._inside:
                return turn
            turn.acquire()
        if not turn.acquire(timeout=self._patience):
            with self._lock:
                # It may have come just now.
                if turn not in self._inside:
                    self._waiting.remove(turn)
                    self._inside[turn] = monotonic()
        return turn

    def leave(self, turn: Turn) -> None:
        with self._lock:
            self._inside.pop(turn, None)
            self._let_in()

    def _let_in(self) -> None:
        if not self._waiting:
            return
        moment = monotonic()
        if len(self._inside) >= self._places:
            for long in [turn for turn, since in self._inside.items() if since < moment - self._patience]:
                del self._inside[long]
        while self._waiting and len(self._inside) < self._places:
            turn = self._waiting.popleft()
            self._inside[turn] = moment
            if turn.locked():
                turn.release()
