"""Identifiers made by the application, sortable by time and telling nobody how many there are."""

from __future__ import annotations

import secrets
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_latest = 0


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562, section 5.7) that is greater than every earlier one of this process.

    48 bits of Unix milliseconds, 12 bits of their fraction (section 6.2, method 3), 62 random bits. Where the clock
    stands still or goes back, the fraction counts on.
    """
    return uuid7s(1)[0]


def uuid7s(count: int) -> list[UUID]:
    """Many of them at once, ascending; the fraction counts on from the first."""
    global _latest
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    ticks = milliseconds << 12 | (rest << 12) // 1_000_000
    with _lock:
        first = max(ticks, _latest + 1)
        _latest = max(_latest, first + count - 1)
    chance = secrets.token_bytes(8 * count)
    made = []
    for place in range(count):
        at = first + place
        low = int.from_bytes(chance[8 * place : 8 * place + 8]) >> 2
        made.append(UUID(int=(at >> 12 & (1 << 48) - 1) << 80 | 0x7 << 76 | (at & 0xFFF) << 64 | 0b10 << 62 | low))
    return made
