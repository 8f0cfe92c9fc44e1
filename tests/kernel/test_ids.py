from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from uuid import RFC_4122, UUID

import pytest

from tierwise.kernel import ids
from tierwise.kernel.ids import uuid7, uuid7s


def test_bits_are_those_of_rfc_9562() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == RFC_4122
    assert before <= made.int >> 80 <= after


def test_the_published_instant_stands_where_the_rfc_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9562, appendix A.6: 22 February 2022, 19:22:22 UTC is 0x017F22E279B0 in the first 48 bits."""
    instant = int(datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC).timestamp()) * 1_000_000_000
    monkeypatch.setattr(ids, "_latest", 0)
    monkeypatch.setattr(time, "time_ns", lambda: instant)
    assert str(uuid7()).startswith("017f22e2-79b0-7000-")


def test_half_a_millisecond_is_half_of_twelve_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_latest", 0)
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_500_000)
    assert uuid7().int >> 64 & 0xFFF == 0x800


@pytest.mark.parametrize("clock", ["running", "standing still", "going back"])
def test_later_ones_sort_behind_earlier_ones(monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    begun = time.time_ns()
    steps = iter(range(10_000))
    answers = {
        "running": time.time_ns,
        "standing still": lambda: begun,
        "going back": lambda: begun - next(steps) * 1_000_000,
    }
    monkeypatch.setattr(time, "time_ns", answers[clock])
    made = [uuid7() for _ in range(9_000)]
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)
    assert len(set(made)) == len(made)


def test_threads_make_different_ones() -> None:
    made: list[UUID] = []
    threads = [threading.Thread(target=lambda: made.extend([uuid7() for _ in range(2_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def test_the_rest_is_chance() -> None:
    low = [uuid7().int & (1 << 62) - 1 for _ in range(2_000)]
    assert len(set(low)) == 2_000
    share = sum(value.bit_count() for value in low) / (62 * 2_000)
    assert 0.48 < share < 0.52


def test_many_at_once_are_like_as_many_one_by_one() -> None:
    before, made, after = uuid7(), uuid7s(10_000), uuid7()
    assert [before, *made, after] == sorted({before, *made, after})
    assert {(each.version, each.variant) for each in made} == {(7, RFC_4122)}
    assert uuid7s(0) == []
