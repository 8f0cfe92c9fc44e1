"""The one place that asks what time it is, so that tests and replays can answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime

Clock = Callable[[], datetime]


def _wall() -> datetime:
    return datetime.now(UTC)


_clock: ContextVar[Clock] = ContextVar("clock", default=_wall)


def now() -> datetime:
    """This instant, in UTC."""
    return _clock.get()()


def today() -> date:
    """Today in UTC; what is due at a site is asked on that site's calendar instead."""
    return now().date()


@contextmanager
def clock_set(clock: Clock | datetime) -> Iterator[None]:
    """Lets another clock, or one fixed instant, answer ``now`` within the block."""
    answer: Clock = (lambda: clock) if isinstance(clock, datetime) else clock
    token = _clock.set(answer)
    try:
        yield
    finally:
        _clock.reset(token)
