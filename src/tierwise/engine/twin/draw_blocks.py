"""Random quantities of a period, one per run of a block: compiled, or in plain NumPy for many periods ahead."""

from __future__ import annotations

from math import exp, log, log1p, sqrt
from typing import Any

import numpy as np

from tierwise.engine.twin.draw_kernels import (
    EDGE,
    END,
    HALF,
    LOW,
    SIGN,
    centred,
    gamma,
    normal_far,
    normal_middle,
    normal_near,
    philox,
    smaller,
    tail,
    uniform,
)
from tierwise.engine.twin.kernel import each, instead, kernel, least, most
from tierwise.engine.twin.layout import (
    CONSTANT,
    EXPONENTIAL,
    GAMMA,
    LOGNORMAL,
    NORMAL,
    TABLE,
    TRACE,
    UNIFORM,
    WEIBULL,
    Floats,
    Moment,
)

_ONE, _TWO = np.uint64(1), np.uint64(2)
_AHEAD = 1 << 15
"""Numbers drawn at once where nothing is compiled: as many periods ahead as that makes."""


@kernel
def fill_words(at, spread, words):  # type: ignore[no-untyped-def]
    """64 random bits per run; two neighbouring runs share one call, so the first run must be even."""
    k0, k1 = np.uint64(at.key) & LOW, np.uint64(at.key) >> HALF
    c0, c1, c3 = np.uint64(at.when) & LOW, np.uint64(spread.row) & LOW, np.uint64(spread.purpose) & LOW
    pair = np.uint64(at.run // 2)
    for j in range(np.uint64(at.size // 2)):
        x0, x1, x2, x3 = philox(c0, c1, (pair + j) & LOW, c3, k0, k1)
        words[_TWO * j] = x0 | (x1 << HALF)
        words[_TWO * j + _ONE] = x2 | (x3 << HALF)


@kernel
def normals(luck, at):  # type: ignore[no-untyped-def]
    """The middle for all at once, then the tails, of which there are few, side by side."""
    words, drawn, late, far, count = luck.words, luck.drawn, luck.late, luck.far, 0
    for j in each(at):
        drawn[j] = normal_middle(centred(words[j]))
    for j in each(at):
        late[count] = j
        count += smaller(words[j]) < EDGE
    for n in range(count):
        far[n] = -log(tail(words[late[n]]))
    for n in range(np.uint64((count + 3) // 4 * 4)):
        far[n] = normal_near(sqrt(far[n]))
    for n in range(count):
        word = words[late[n]]
        z = far[n] if smaller(word) >= END else normal_far(sqrt(-log(tail(word))))
        drawn[late[n]] = z if word >= SIGN else -z


@kernel
def look_up(luck, spread, pool, at):  # type: ignore[no-untyped-def]
    """The first value whose cumulated probability exceeds the number; a guide says where to begin."""
    words, drawn = luck.words, luck.drawn
    values, below, guide, steps = spread.at, spread.below_at, spread.guide_at, spread.length
    for j in each(at):
        u = uniform(words[j])
        i = int(pool[guide + int(u * steps)])
        while pool[below + i] <= u and i < steps - 1:
            i += 1
        drawn[j] = pool[values + i]


def _words(at: Moment, spread: Any, periods: int, size: int) -> Any:
    """As :func:`fill_words`, of so many periods, (periods, runs)."""
    k0, k1 = np.uint64(at.key) & LOW, np.uint64(at.key) >> HALF
    when = np.arange(at.when, at.when + periods, dtype=np.uint64)[:, None] & LOW
    pair = np.arange(at.run // 2, at.run // 2 + (size + 1) // 2, dtype=np.uint64) & LOW
    x0, x1, x2, x3 = philox(when, np.uint64(spread.row), pair, np.uint64(spread.purpose), k0, k1)
    return np.stack([x0 | (x1 << HALF), x2 | (x3 << HALF)], axis=-1).reshape(periods, -1)[:, :size]


def _one_by_one(function: Any, values: Any) -> Floats:
    """By the library the compiled loops call too: NumPy's own differs in the last digit on some processors."""
    return np.array([function(each) for each in values.ravel().tolist()]).reshape(values.shape)


def _normals(words: Any) -> Floats:
    z = np.asarray(normal_middle(centred(words)))
    late = smaller(words) < EDGE
    r = np.sqrt(-_one_by_one(log, tail(words[late])))
    found = np.where(smaller(words[late]) >= END, normal_near(r), normal_far(r))
    z[late] = np.where(words[late] >= SIGN, found, -found)
    return z


def _ahead(at: Moment, spread: Any, pool: Floats, periods: int, size: int) -> Floats:
    """The quantity in the periods from now on, (periods, runs)."""
    words, kind, a, b = _words(at, spread, periods, size), spread.kind, spread.a, spread.b
    if kind == TABLE:
        below = pool[spread.below_at : spread.below_at + spread.length]
        place = np.searchsorted(below, uniform(words), side="right")
        return np.asarray(pool[spread.at + np.minimum(place, spread.length - 1)])
    if kind in (NORMAL, LOGNORMAL):
        found = a + b * _normals(words)
        found = _one_by_one(exp, found) if kind == LOGNORMAL else found
    elif kind == UNIFORM:
        found = a + (b - a) * uniform(words)
    elif kind == GAMMA:
        found = np.empty(words.shape)
        for period, run in np.ndindex(words.shape):
            moment = at._replace(when=at.when + period)
            found[period, run] = b * gamma(a, words[period, run], spread, moment, at.run + run)
    else:
        p, upper = tail(words), words >= SIGN
        found = np.empty(words.shape)
        found[upper], found[~upper] = -_one_by_one(log, p[upper]), -_one_by_one(log1p, -p[~upper])
        found = a * (found if kind == EXPONENTIAL else _one_by_one(lambda each: each ** (1.0 / b), found))
    return np.asarray(least(most(found, spread.low), spread.high))


def _draw(luck: Any, spread: Any, pool: Floats, at: Moment) -> None:
    if spread.kind <= TRACE:
        luck.drawn[:] = spread.a if spread.kind == CONSTANT else pool[spread.at + at.when]
        return
    size = luck.drawn.size
    first, ahead = luck.ahead.get((spread.purpose, spread.row), (at.when, np.empty((0, size))))
    if at.when - first >= len(ahead):
        first, ahead = at.when, _ahead(at, spread, pool, max(1, _AHEAD // size), size)
        luck.ahead[spread.purpose, spread.row] = first, ahead
    luck.drawn[:] = ahead[at.when - first]


@instead(_draw)
def draw(luck, spread, pool, at):  # type: ignore[no-untyped-def]
    """A random quantity of the period, one per run of the block, into ``luck.drawn``."""
    kind, a, b, words, drawn = spread.kind, spread.a, spread.b, luck.words, luck.drawn
    if kind <= TRACE:
        value = a if kind == CONSTANT else pool[spread.at + at.when]
        for j in each(at):
            drawn[j] = value
        return
    fill_words(at, spread, words)
    if kind == TABLE:
        look_up(luck, spread, pool, at)
        return
    if kind in (NORMAL, LOGNORMAL):
        normals(luck, at)
        for j in each(at):
            drawn[j] = a + b * drawn[j]
        if kind == LOGNORMAL:
            for j in each(at):
                drawn[j] = exp(drawn[j])
    elif kind == UNIFORM:
        for j in each(at):
            drawn[j] = a + (b - a) * uniform(words[j])
    elif kind in (EXPONENTIAL, WEIBULL):
        for j in each(at):
            p = tail(words[j])
            rest = -log(p) if words[j] >= SIGN else -log1p(-p)
            drawn[j] = a * (rest if kind == EXPONENTIAL else rest ** (1.0 / b))
    elif kind == GAMMA:
        for j in each(at):
            drawn[j] = b * gamma(a, words[j], spread, at, at.run + np.int64(j))
    low, high = spread.low, spread.high
    for j in each(at):
        drawn[j] = least(most(drawn[j], low), high)
