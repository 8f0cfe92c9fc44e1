from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.contracts import (
    EarnBack,
    SlaPeriod,
    SlaTerms,
    cap_together,
    count_hits,
    expected_sla,
    incentive_gaps,
    settle_sla,
    sla_payoffs,
)

D = Decimal
PLAIN = SlaTerms(D("0.95"), D("0.98"), D("0.5"), D("0.25"), penalty_cap=D("0.05"), reward_cap=D("0.004"))


def month(label: str, hits: int, n: int = 100, value: str = "10000", year: str = "") -> SlaPeriod:
    return SlaPeriod(label, D(value), n=n, hits=hits, year=year)


@pytest.mark.parametrize(
    ("hits", "net"),
    [
        (80, "500.00"),
        (85, "500.00"),
        (90, "250.00"),
        (94, "50.00"),
        (95, "0"),
        (98, "0"),
        (99, "-25.00"),
        (100, "-40.00"),
    ],
)
def test_boundaries_and_caps(hits: int, net: str) -> None:
    assert settle_sla([month("m", hits)], PLAIN).net == D(net)


percents = st.integers(0, 100)
grid = st.sampled_from([D(each) / 100 for each in range(101)])


@st.composite
def some_terms(draw: st.DrawFn) -> SlaTerms:
    low, high = sorted((draw(grid), draw(grid)))
    better = draw(st.sampled_from(("high", "low")))
    steps: tuple[tuple[Decimal, Decimal], ...] = ()
    rate = draw(grid)
    if draw(st.booleans()):
        rate = D(0)
        steps = ((low if better == "high" else high, draw(grid)),)
    return SlaTerms(low, high, rate, draw(grid), draw(grid), draw(grid), better, steps)


@settings(max_examples=25)
@given(some_terms(), st.lists(percents, min_size=2, max_size=10))
def test_better_measures_never_pay_worse(terms: SlaTerms, measures: list[int]) -> None:
    ordered = sorted(measures, reverse=terms.better == "low")
    pay = [terms.payoff(Fraction(each, 100)) for each in ordered]
    assert pay == sorted(pay)
    assert all(-terms.penalty_cap <= each <= terms.reward_cap for each in pay)
    inside = [each for each in ordered if terms.low <= D(each) / 100 <= terms.high]
    assert all(terms.payoff(Fraction(each, 100)) == 0 for each in inside)


@settings(max_examples=25)
@given(some_terms(), st.lists(percents, max_size=10))
def test_floats_follow_fractions(terms: SlaTerms, measures: list[int]) -> None:
    found = sla_payoffs([each / 128 for each in measures], terms)
    assert found.tolist() == pytest.approx([float(terms.payoff(Fraction(each, 128))) for each in measures])


def test_unknown_measures_stay_unknown() -> None:
    assert np.isnan(sla_payoffs([np.nan], PLAIN)).all()
    assert sla_payoffs([], PLAIN).shape == (0,)


def test_tc28_an_interval_that_touches_the_band_moves_no_money() -> None:
    """TC-28: 92 of 100 is [0.8500, 0.9589]; the floor of 95 % is not proven missed, one of 96 % is."""
    line = settle_sla([month("m", 92)], SlaTerms(D("0.95"), D(1), D("0.5"), confidence=0.95)).lines[0]
    assert line.verdict == "within error"
    assert (line.low, line.high) == (pytest.approx(0.8500, abs=5e-5), pytest.approx(0.9589, abs=5e-5))
    proven = settle_sla([month("m", 92)], SlaTerms(D("0.96"), D(1), D("0.5"), confidence=0.95))
    assert proven.lines[0].verdict == "penalty"
    assert proven.net == D("200.00")


def test_too_few_lines_and_nothing_measured() -> None:
    terms = SlaTerms(D("0.95"), D(1), D("0.5"), minimum_n=30)
    lines = settle_sla([month("a", 0, 29), month("b", 0, 30), month("c", 0, 0)], terms).lines
    assert [line.verdict for line in lines] == ["too few", "penalty", "nothing measured"]
    assert [line.amount for line in lines] == [0, D("4750.00"), 0]
    assert settle_sla([], terms).lines == ()
    assert settle_sla([], terms).net == 0


def test_yearly_caps_are_used_up_year_by_year() -> None:
    terms = SlaTerms(D("0.95"), D("0.98"), D("0.5"), D("0.5"), yearly_penalty_cap=D(300), yearly_reward_cap=D(150))
    months = [("a", 90, "1"), ("b", 90, "1"), ("c", 100, "1"), ("d", 100, "1"), ("e", 90, "2")]
    found = settle_sla([month(label, hits, year=year) for label, hits, year in months], terms)
    assert [line.amount for line in found.lines] == [250, 50, -100, -50, 250]
    assert [line.capped for line in found.lines] == [250, 250, -100, -100, 250]
    assert found.net == 400


def test_earn_back_needs_the_whole_run() -> None:
    rule = EarnBack(2, D("0.97"), D("0.8"))
    terms = SlaTerms(D("0.95"), D(1), D("0.5"), minimum_n=50, earn_back=rule)
    good = settle_sla([month("a", 90), month("b", 97), month("gap", 0, 10), month("c", 99)], terms)
    assert [line.earned_back for line in good.lines] == [0, 0, 0, -200]
    assert good.lines[3].earned_back_for == ("a",)
    assert good.net == 50
    lost = settle_sla([month("a", 90), month("b", 97), month("c", 96), month("d", 99), month("e", 99)], terms)
    assert lost.earned_back == 0
    frame = good.frame()
    assert frame["earned_back_for"].to_list() == ["", "", "", "a"]
    assert frame["amount"].sum() == 250


def test_smaller_is_better_and_a_table() -> None:
    terms = SlaTerms(
        D(50), D(100), better="low", penalty_steps=((D(100), D("0.01")), (D(500), D("0.04"))), reward_rate=D("0.0001")
    )
    ppm = [SlaPeriod(str(each), D(1000), n=10, measure=D(each)) for each in (20, 50, 100, 101, 500, 501)]
    assert [str(line.amount) for line in settle_sla(ppm, terms).lines] == [
        "-3.00",
        "0.00",
        "0.00",
        "10.00",
        "10.00",
        "40.00",
    ]
    guarded = SlaTerms(D(50), D(100), D("0.001"), better="low", confidence=0.9)
    known = SlaPeriod("x", D(1000), n=10, measure=D(150), interval=(D(110), D(190)))
    unsure = SlaPeriod("y", D(1000), n=10, measure=D(150), interval=(D(90), D(210)))
    bare = SlaPeriod("z", D(1000), n=10, measure=D(150))
    assert [line.verdict for line in settle_sla([known, unsure, bare], guarded).lines] == [
        "penalty", "within error", "within error",
    ]  # fmt: skip


def test_terms_and_periods_check_themselves() -> None:
    for wrong, field in (
        ({"low": D("0.99")}, "low: 0.99 lies above"),
        ({"penalty_rate": D(-1)}, "penalty_rate"),
        ({"penalty_cap": D(2)}, "penalty_cap"),
        ({"better": "big"}, "better"),
        ({"confidence": 1.0}, "confidence"),
        ({"penalty_steps": ((D("0.99"), D("0.1")),)}, "good side"),
        ({"penalty_steps": ((D("0.9"), D("0.1")), (D("0.8"), D("0.05")))}, "let shares rise"),
        ({"penalty_steps": ((D("0.9"), D("0.1")),), "penalty_rate": D(1)}, "use a table or a rate"),
        ({"minimum_n": -1}, "minimum_n"),
    ):
        with pytest.raises(ValueError, match=field):
            SlaTerms(**({"low": D("0.95"), "high": D("0.98")} | wrong))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs one of the two"):
        SlaPeriod("m", D(1), n=1)
    with pytest.raises(ValueError, match="5 of 4"):
        SlaPeriod("m", D(1), n=4, hits=5)
    with pytest.raises(ValueError, match=r"value: .* is no exact number"):
        SlaPeriod("m", 0.5, n=4, hits=4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="periods"):
        EarnBack(0, D(1))


def test_excuses_take_misses_out_and_nothing_else() -> None:
    lines = pl.DataFrame(
        {
            "period": ["a"] * 5 + ["b"],
            "hit": [True, False, False, True, None, False],
            "cause": [None, "buyer change", "late", "buyer change", None, "strike"],
        }
    )
    found = count_hits(lines, {"buyer change", "strike"})
    assert found.select("lines", "excused", "n", "hits").rows() == [(4, 1, 3, 2), (1, 1, 0, 0)]
    assert found["as_judged"].to_list() == [pytest.approx(2 / 3), None]
    assert count_hits(lines.clear(), set()).height == 0
    with pytest.raises(ValueError, match="column cause is missing"):
        count_hits(lines.drop("cause"), set())


@settings(max_examples=25)
@given(st.lists(st.decimals(0, 10**6, places=2), max_size=6), st.decimals(0, 10**6, places=2))
def test_a_common_cap_keeps_proportions(amounts: list[Decimal], cap: Decimal) -> None:
    found = cap_together(amounts, cap)
    assert sum(found.amounts) == min(sum(amounts), cap)
    assert found.cut == sum(amounts) - sum(found.amounts)
    assert all(kept <= asked for kept, asked in zip(found.amounts, amounts, strict=True))


@settings(max_examples=25)
@given(st.floats(0, 1), st.integers(0, 8), some_terms())
def test_expected_pay_by_listing_every_outcome(p: float, n: int, terms: SlaTerms) -> None:
    mean = square = fined = 0.0
    for outcome in product((0, 1), repeat=n):
        chance = p ** sum(outcome) * (1 - p) ** (n - sum(outcome))
        pay = float(terms.payoff(Fraction(sum(outcome), n))) if n else 0.0
        mean, square, fined = mean + chance * pay, square + chance * pay**2, fined + chance * (pay < 0)
    found = expected_sla(p, n, terms)
    assert found.net.item() == pytest.approx(mean, abs=1e-9)
    assert found.sd.item() == pytest.approx(max(square - mean**2, 0) ** 0.5, abs=1e-6)
    assert found.penalty_chance.item() == pytest.approx(fined, abs=1e-9)
    assert found.reward.item() - found.penalty.item() == pytest.approx(mean, abs=1e-9)


def test_expected_pay_of_a_supplier_that_keeps_its_word() -> None:
    """One line of 20 may be late at 95 %: P(more than one) = 0.2642 by tables of the binomial."""
    plain = SlaTerms(D("0.95"), D(1), D("0.5"))
    assert expected_sla(0.95, 20, plain).penalty_chance.item() == pytest.approx(0.2642, abs=5e-5)
    guarded = SlaTerms(D("0.95"), D(1), D("0.5"), confidence=0.95)
    many = expected_sla([0.95, np.nan, 0.7], [[20], [0]], guarded)
    assert many.net.shape == (2, 3)
    assert np.isnan(many.net[:, 1]).all()
    assert many.net[1, 0] == 0
    assert many.penalty_chance[0, 0] == pytest.approx(0.0755, abs=5e-5)
    with pytest.raises(ValueError, match="true_share"):
        expected_sla(1.2, 5, plain)
    with pytest.raises(ValueError, match="n: give whole numbers"):
        expected_sla(0.5, 2.5, plain)


def test_marginal_pay_is_the_slope_and_vanishes_beyond_the_cap() -> None:
    p, step = np.linspace(0.6, 0.99, 14), 1e-6
    found = incentive_gaps(PLAIN, 0.1, 60, p)
    slope = (expected_sla(p + step, 60, PLAIN).net - expected_sla(p - step, 60, PLAIN).net) / (2 * step)
    assert found["marginal"].to_list() == pytest.approx(slope.tolist(), abs=1e-6)
    assert not found["enough"][0]
    assert found.filter(pl.col("true_share").is_between(0.91, 0.95))["enough"].all()
    with pytest.raises(ValueError, match="saving"):
        incentive_gaps(PLAIN, -1, 5)
