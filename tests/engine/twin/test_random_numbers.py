"""The random numbers: published words, exact tails, right distributions, no two uses alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy import special, stats

from engine.twin.oracle import normal as plain_normal
from engine.twin.oracle import philox as plain_philox
from tierwise.engine.twin import Demands, Lanes, Runs, Spread, Stocks, Twin, draw_kernels, running, simulate
from tierwise.engine.twin.kernel import Kernel

KNOWN = [
    ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def compiled(kernel: Kernel) -> Any:
    """The compiled one, with the way in from Python that it lacks."""
    inner = kernel.compiled

    @njit
    def called(*given):  # type: ignore[no-untyped-def]
        return inner(*given)

    return called


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_of_the_known_answers_of_random123(counter: list[int], key: list[int], words: str) -> None:
    for philox in (draw_kernels.philox, compiled(draw_kernels.philox)):
        found = philox(*(np.uint64(each) for each in counter + key))
        assert [f"{int(each):08x}" for each in found] == words.split()
    assert [f"{each:08x}" for each in plain_philox(counter, key)] == words.split()


@pytest.mark.parametrize(
    "bits", [0, 1, 2**40, 2**55 + 12345, 2**62, 2**63 - 1, 2**63, 3 * 2**62, 2**64 - 2**40, 2**64 - 1]
)
def test_normals_are_exact_far_into_both_tails(bits: int) -> None:
    small = (min(bits, 2**64 - 1 - bits) + 0.5) * 2.0**-64
    exact = special.ndtri(small) if bits < 2**63 else -special.ndtri(small)
    for normal in (draw_kernels.normal, compiled(draw_kernels.normal)):
        found = float(normal(np.uint64(bits)))
        assert found == pytest.approx(exact, rel=2e-15, abs=1e-18)
        assert found == plain_normal(bits)


def sample(spread: Spread, runs: int = 40_000, periods: int = 1, seed: int = 0) -> np.ndarray:
    """What a stock is asked in one period, run by run: the draws themselves."""
    rows = len(spread)
    still = Twin(Stocks("none", up_to=np.zeros(rows)), Lanes([], []), Demands(np.arange(rows), spread))
    return simulate(still, Runs(periods=periods, runs=runs, seed=seed)).demands[:, :, 0]


@pytest.mark.parametrize(
    ("spread", "law"),
    [
        (Spread.normal(50, 8, low=-np.inf), stats.norm(50, 8)),
        (Spread.uniform(2, 5), stats.uniform(2, 3)),
        (Spread.exponential(3), stats.expon(scale=3)),
        (Spread.weibull(4, 1.7), stats.weibull_min(1.7, scale=4)),
        (Spread.lognormal(10, 6), stats.lognorm(np.sqrt(np.log(1.36)), scale=10 / np.sqrt(1.36))),
        (Spread.gamma(5, 2), stats.gamma(6.25, scale=0.8)),
        (Spread.gamma(2, 4), stats.gamma(0.25, scale=8)),
    ],
    ids=lambda each: each.kinds[0] if isinstance(each, Spread) else "",
)
def test_continuous_kinds_follow_their_law(spread: Spread, law: stats.rv_continuous) -> None:
    drawn = sample(spread)[:, 0]
    assert stats.kstest(drawn, law.cdf).pvalue > 0.001
    assert float(spread.mean[0]) == pytest.approx(law.mean())
    # Far out too: as many beyond the 99.9 % point as there should be.
    assert stats.binomtest(int(np.sum(drawn > law.ppf(0.999))), drawn.size, 0.001).pvalue > 0.001


@pytest.mark.parametrize(
    ("spread", "law"),
    [
        (Spread.poisson(0.3), stats.poisson(0.3)),
        (Spread.poisson(250), stats.poisson(250)),
        (Spread.negative_binomial(6, 5), stats.nbinom(36 / 19, 6 / 25)),
        (Spread.geometric(0.2), stats.geom(0.2)),
    ],
    ids=["few", "many", "clumped", "until"],
)
def test_whole_kinds_follow_their_law(spread: Spread, law: stats.rv_discrete) -> None:
    drawn = sample(spread)[:, 0]
    edges = np.unique(law.ppf(np.linspace(0.02, 0.98, 25)))
    expected = np.diff(np.concatenate([[0], law.cdf(edges), [1]])) * drawn.size
    seen = np.bincount(np.searchsorted(edges, drawn), minlength=edges.size + 1)
    assert stats.chisquare(seen, expected).pvalue > 0.001
    at, length = spread.table[0, :2]
    below = spread.below[at : at + length]
    assert below == pytest.approx(law.cdf(spread.values[at : at + length]), abs=1e-13)


@pytest.mark.parametrize(
    "spread",
    [
        Spread.normal([50, 0], [8, 1], low=-np.inf, high=[60, np.inf]), Spread.lognormal(10, 6), Spread.uniform(2, 5),
        Spread.exponential(3), Spread.weibull(4, 1.7), Spread.gamma([5, 2], [2, 4]), Spread.poisson([0.3, 250]),
        Spread.listed([1, 4, 9], [5, 3, 2]), Spread.trace([[3.0, 1, 4], [1, 5, 9]]), Spread.constant(7),
    ],
    ids=lambda each: each.kinds[0],
)  # fmt: skip
def test_every_kind_is_drawn_alike_compiled_and_as_it_stands(spread: Spread, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 401 if spread.kinds[0] != "normal" else 40_001
    found = []
    for plain in (False, True):
        monkeypatch.setattr(running, "plain_pays", lambda *_, plain=plain: plain)
        found.append(sample(spread, runs=runs, periods=3))
    assert np.array_equal(*found)


def test_normal_tails_are_as_heavy_as_they_should_be() -> None:
    """Of 400,000 drawn: the Anderson-Darling distance, which weighs the tails, below its 99.9 % point (6.0 for a law
    known beforehand), and as many beyond four deviations as there should be."""
    drawn = np.sort(sample(Spread.normal([0] * 5, 1, low=-np.inf), runs=80_000).ravel())
    n, at = drawn.size, np.arange(1, drawn.size + 1)
    distance = -n - np.sum((2 * at - 1) * (special.log_ndtr(drawn) + special.log_ndtr(-drawn[::-1]))) / n
    assert distance < 6.0
    assert stats.binomtest(int(np.sum(np.abs(drawn) > 4)), n, 2 * special.ndtr(-4)).pvalue > 0.001


def test_rows_periods_runs_and_seeds_are_independent() -> None:
    base = sample(Spread.normal([0, 0], 1, low=-np.inf), runs=20_000)
    later = sample(Spread.normal([0, 0], 1, low=-np.inf), runs=20_000, periods=2) - base
    other = sample(Spread.normal([0, 0], 1, low=-np.inf), runs=20_000, seed=1)
    columns = np.column_stack([base, later, other, np.roll(base[:, 0], 1), np.roll(base[:, 0], 2)])
    apart = np.corrcoef(columns.T) - np.eye(8)
    assert np.abs(apart).max() < 4.5 / np.sqrt(20_000)


def test_the_same_luck_whatever_else_is_in_the_network() -> None:
    alone, among = sample(Spread.poisson(4), runs=6), sample(Spread.poisson([4, 9, 2]), runs=6)
    assert alone[:, 0].tolist() == among[:, 0].tolist()
    assert sample(Spread.empirical([[3, 3, 9]]), runs=50).tolist() != sample(Spread.constant(3.0), runs=50).tolist()
