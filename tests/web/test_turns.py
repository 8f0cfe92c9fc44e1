"""Who asks first is let in first, so many at a time, and nobody stands behind what takes long."""

from __future__ import annotations

import threading
import time

from tierwise.web.api.turns import Turns


def started(run: object, *given: object) -> threading.Thread:
    thread = threading.Thread(target=run, args=given)  # type: ignore[arg-type]
    thread.start()
    return thread


def waiting(turns: Turns, count: int) -> None:
    until = time.monotonic() + 10
    while len(turns._waiting) != count:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_who_came_first_goes_first() -> None:
    turns, order = Turns(1, 30.0), list[int]()
    first = turns.enter()

    def asks(number: int) -> None:
        turn = turns.enter()
        order.append(number)
        turns.leave(turn)

    threads = []
    for number in range(8):
        threads.append(started(asks, number))
        waiting(turns, number + 1)
    turns.leave(first)
    for thread in threads:
        thread.join(10)
    assert order == list(range(8))


def test_no_more_than_the_places_are_inside() -> None:
    turns, inside, most, lock = Turns(3, 30.0), 0, 0, threading.Lock()

    def asks() -> None:
        nonlocal inside, most
        for _ in range(30):
            turn = turns.enter()
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.0005)
            with lock:
                inside -= 1
            turns.leave(turn)

    threads = [started(asks) for _ in range(12)]
    for thread in threads:
        thread.join(30)
    assert most == 3
    assert not turns._inside
    assert not turns._waiting


def test_nobody_stands_behind_what_takes_long() -> None:
    turns = Turns(2, 0.2)
    long = [turns.enter(), turns.enter()]
    began = time.monotonic()
    one = turns.enter()
    waited = time.monotonic() - began
    assert 0.1 < waited < 5
    # The two have been inside for so long that they no longer count: others come and go at once.
    began = time.monotonic()
    for _ in range(100):
        turns.leave(turns.enter())
    assert time.monotonic() - began < 0.2
    for turn in [*long, one]:
        turns.leave(turn)
    assert not turns._inside


def test_a_turn_given_back_by_who_no_longer_counts_frees_no_place_of_others() -> None:
    turns = Turns(1, 0.05)
    long = turns.enter()
    time.sleep(0.06)
    now = turns.enter()
    turns.leave(long)
    assert list(turns._inside) == [now]
    turns.leave(now)
