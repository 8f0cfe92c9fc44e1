"""Scoring from the lake to recorded cards, in a small world."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from fixtures.worlds import NOW, World
from modules.performance.orders import Orders, steady
from tierwise.directory.models import Closure, PolicyFacet, Site
from tierwise.engine.scoring import OtifParams
from tierwise.kernel.audit import Invalid
from tierwise.kernel.clock import clock_set
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import viewer_scope
from tierwise.lake import queries as lake
from tierwise.modules.performance import actions, jobs, queries
from tierwise.modules.performance.records import CardRecord, Correction, Formula

pytestmark = pytest.mark.database
MARCH, APRIL, MAY = date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1)
PLAIN = Formula(shrinkage=False)


def cards_of(world: World, supplier: str = "A", segment: str = "STD") -> dict[str, CardRecord]:
    found = queries.scorecards(
        world["viewer"], supplier=world.suppliers[supplier], segment=world.segments[segment], measures=True
    )
    return {card.period: card for card in found}


def score(world: World, *periods: str) -> dict[str, int]:
    with clock_set(NOW):
        outcomes = jobs.score_periods(world.worker, periods)
    return {
        name: sum(o.result[name] for o in outcomes if not o.skipped) for name in ("new", "restated", "unchanged")
    } | {"skipped": sum(o.skipped for o in outcomes)}


def test_a_month_of_lines_becomes_one_card_per_supplier_and_segment(world: World) -> None:
    orders = Orders()
    orders.share("BOLT", {"PREM": 0.25, "STD": 0.65})
    steady(orders, "A", MAY, good=16, bad=4)
    orders.lay(world)
    actions.put_formula(world["planner"], PLAIN)
    assert score(world)["new"] == 3
    shares = {"PREM": 0.25, "STD": 0.65, "COMMON": 0.10}
    for segment, share in shares.items():
        card = cards_of(world, segment=segment)["2025-05"]
        otif = card.measure("otif")
        assert otif is not None
        assert otif.value == pytest.approx(0.8)
        assert (otif.numerator, otif.denominator) == (pytest.approx(16 * share), pytest.approx(20 * share))
        assert otif.n == 20
        assert otif.effective_n == pytest.approx(20)
        # Against the defaults: OTIF 0.8 earns nothing, fill rate and rejects everything, adherence of 3 days 25 of 100.
        assert card.score == pytest.approx(0.4 * 0 + 0.2 * 100 + 0.1 * 25 + 0.3 * 100)
        assert card.standing == "watch"
        assert card.standing_reason == "first_rating"


def test_segments_and_common_sum_to_the_suppliers_total(world: World) -> None:
    orders = Orders()
    orders.share("BOLT", {"PREM": 0.31, "STD": 0.33})
    orders.share("NUT", {"STD": 1.0})
    for item in ("BOLT", "NUT", "ORPHAN"):
        steady(orders, "A", MAY, good=7, bad=2, item=item, rejected=3)
    orders.lay(world)
    score(world)
    sums = dict.fromkeys(("otif", "fill_rate", "reject_ppm", "line_fill_rate"), (0.0, 0.0))
    for segment in world.segments:
        card = cards_of(world, segment=segment)["2025-05"]
        for name, (top, bottom) in sums.items():
            each = card.measure(name)
            assert each is not None
            sums[name] = top + (each.numerator or 0), bottom + (each.denominator or 0)
    assert sums["otif"] == (pytest.approx(21), pytest.approx(27))
    assert sums["fill_rate"] == (pytest.approx(2700), pytest.approx(2700))
    # Lines of the 27th and 28th that came five days late were received in June.
    assert sums["reject_ppm"][0] / sums["reject_ppm"][1] == pytest.approx(0.03)


def test_running_twice_changes_nothing(world: World) -> None:
    orders = Orders()
    steady(orders, "A", APRIL, good=12)
    steady(orders, "A", MAY, good=10, bad=3)
    orders.lay(world)
    first = score(world)
    assert first["new"] == 2
    assert score(world) == {"new": 0, "restated": 0, "unchanged": 0, "skipped": 3}
    before = {card.id for card in queries.scorecards(world["viewer"])}
    orders.share("UNUSED", {"PREM": 1.0})
    orders.lay(world)
    again = score(world)
    assert (again["new"], again["restated"], again["unchanged"]) == (0, 0, 2)
    assert {card.id for card in queries.scorecards(world["viewer"])} == before


def test_a_late_fact_restates_its_period_and_nobody_else(world: World) -> None:
    orders = Orders()
    for supplier in ("A", "B"):
        steady(orders, supplier, MAY, good=12)
    orders.lay(world)
    score(world)
    orders.add("A", date(2025, 5, 20), None)
    orders.lay(world)
    assert score(world)["restated"] == 1
    card = cards_of(world, segment="COMMON")["2025-05"]
    assert card.revision == 2
    assert [each.revision for each in queries.revisions(world["viewer"], card)] == [2, 1]
    assert cards_of(world, "B", "COMMON")["2025-05"].revision == 1


def test_with_peers_a_restated_supplier_does_not_move_the_others(world: World) -> None:
    """The prior is the one of the first scoring: a ruling about one supplier tells the others nothing."""
    orders = Orders()
    for supplier in ("A", "B"):
        steady(orders, supplier, MAY, good=12 if supplier == "A" else 20, bad=6 if supplier == "A" else 1)
    orders.lay(world)
    actions.put_formula(world["planner"], Formula(least_suppliers=2))
    score(world)
    b = cards_of(world, "B", "COMMON")["2025-05"].measure("otif")
    assert b is not None
    assert b.prior_n is not None
    assert b.shrunk != b.value
    for _ in range(3):
        orders.add("A", date(2025, 5, 20), None)
    orders.lay(world)
    assert score(world)["restated"] == 1
    assert cards_of(world, "B", "COMMON")["2025-05"].revision == 1
    a = cards_of(world, "A", "COMMON")["2025-05"].measure("otif")
    assert a is not None
    assert (a.prior_mean, a.prior_n) == (b.prior_mean, b.prior_n)
    assert a.value is not None
    assert a.effective_n is not None
    assert b.prior_mean is not None
    expected = (a.value * a.effective_n + b.prior_mean * b.prior_n) / (a.effective_n + b.prior_n)
    assert a.shrunk == pytest.approx(expected)


def test_small_n_never_downgrades(world: World) -> None:
    orders = Orders()
    steady(orders, "A", MARCH, good=20)
    for month in (APRIL, MAY):
        steady(orders, "A", month, good=0, bad=9)
    orders.lay(world)
    actions.put_formula(world["planner"], PLAIN)
    score(world)
    cards = cards_of(world, segment="COMMON")
    assert cards["2025-03"].standing == "excellent"
    for period in ("2025-04", "2025-05"):
        assert cards[period].score is not None
        assert cards[period].score < 70
        assert (cards[period].standing, cards[period].standing_reason) == ("excellent", "small_sample")


def test_enough_bad_lines_in_two_months_do(world: World) -> None:
    orders = Orders()
    steady(orders, "A", MARCH, good=20)
    for month in (APRIL, MAY):
        steady(orders, "A", month, good=0, bad=10)
    orders.lay(world)
    actions.put_formula(world["planner"], PLAIN)
    score(world)
    cards = cards_of(world, segment="COMMON")
    assert (cards["2025-04"].standing, cards["2025-04"].standing_reason) == ("excellent", "waiting")
    assert (cards["2025-05"].standing, cards["2025-05"].standing_reason) == ("watch", "downgraded")


def test_an_idle_month_leaves_the_standing(world: World) -> None:
    orders = Orders()
    steady(orders, "A", MARCH, good=20)
    steady(orders, "B", APRIL, good=20)
    orders.lay(world)
    score(world)
    idle = cards_of(world, segment="COMMON")["2025-04"]
    assert idle.idle
    assert idle.score is None
    assert idle.measures == ()
    assert (idle.standing, idle.standing_reason) == ("excellent", "no_activity")
    assert "2025-03" not in cards_of(world, "B", "COMMON")


def test_an_upheld_dispute_restates_the_line_and_later_standings(world: World) -> None:
    orders = Orders()
    steady(orders, "A", MARCH, good=20)
    steady(orders, "A", APRIL, good=9)
    disputed = orders.add("A", date(2025, 4, 15), 9)
    steady(orders, "A", MAY, good=0, bad=12)
    orders.lay(world)
    actions.put_formula(world["planner"], PLAIN.with_changes(standing_periods=1))
    score(world)
    assert [cards_of(world, segment="COMMON")[p].standing for p in ("2025-04", "2025-05")] == ["good", "watch"]
    manifest = lake.manifest(world.worker).number
    actions.apply_correction(world["manager"], correction(world, disputed, delivered_on=date(2025, 4, 14)))
    with clock_set(NOW):
        done = jobs.restate(world.worker, world.suppliers["A"], ["2025-04"])
    cards = cards_of(world, segment="COMMON")
    otif = cards["2025-04"].measure("otif")
    assert otif is not None
    assert otif.value == 1.0
    assert cards["2025-04"].revision == 2
    assert cards["2025-04"].standing == "excellent"
    assert cards["2025-05"].standing == "watch"
    assert next(each.changed for each in done) == 1
    assert lake.manifest(world.worker).number == manifest
    with clock_set(NOW):
        assert sum(each.changed for each in jobs.restate(world.worker, world.suppliers["A"], ["2025-04"])) == 0
    assert score(world)["restated"] == 0


def correction(world: World, order: str, **said: object) -> Correction:
    return Correction(world.suppliers["A"], order, "1", uuid7(), datetime(2025, 6, 20, tzinfo=UTC), **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "measure", "value"),
    [
        ({"excluded": "force_majeure"}, "otif", 9 / 9),
        ({"delivered_on": date(2025, 5, 14)}, "otif", 9 / 10),
        ({"delivered_on": date(2025, 5, 14), "received": Decimal(100)}, "otif", 10 / 10),
        ({"received": Decimal(100)}, "line_fill_rate", 10 / 10),
        ({"rejected": Decimal(0)}, "reject_ppm", 0.0),
        ({"rejected": Decimal(20)}, "reject_ppm", 1e6 * 20 / 950),
        ({"excluded": "data_error"}, "reject_ppm", 0.0),
    ],
)  # fmt: skip
def test_each_kind_of_correction(world: World, said: dict[str, object], measure: str, value: float) -> None:
    orders = Orders()
    steady(orders, "A", MAY, good=9)
    order = orders.add("A", date(2025, 5, 14), 2, received=50, rejected=10)
    orders.lay(world)
    actions.apply_correction(world["manager"], correction(world, order, **said))
    score(world, "2025-05")
    found = cards_of(world, segment="COMMON")["2025-05"].measure(measure)
    assert found is not None
    assert found.value == pytest.approx(value)


def test_the_latest_ruling_about_a_field_wins(world: World) -> None:
    orders = Orders()
    order = orders.add("A", MAY, 3)
    orders.lay(world)
    early = correction(world, order, delivered_on=date(2025, 5, 2), rejected=Decimal(4))
    late = Correction(early.supplier, order, "1", uuid7(), datetime(2025, 6, 25, tzinfo=UTC), date(2025, 5, 1))
    for each in (late, early):
        actions.apply_correction(world["manager"], each)
    score(world, "2025-05")
    card = cards_of(world, segment="COMMON")["2025-05"]
    assert [card.measure(name).value for name in ("otif", "reject_ppm")] == [1.0, pytest.approx(40_000)]  # type: ignore[union-attr]


def test_a_period_keeps_policy_and_formula_of_its_first_scoring(world: World) -> None:
    orders = Orders()
    orders.share("BOLT", {"STD": 1.0})
    steady(orders, "A", APRIL, good=18, bad=2)
    orders.lay(world)
    actions.put_formula(world["planner"], PLAIN)
    with clock_set(datetime(2025, 5, 20, tzinfo=UTC)):
        jobs.score_periods(world.worker)
    before = cards_of(world)["2025-04"]
    with viewer_scope(world.worker):
        PolicyFacet.objects.create(
            segment_id=world.segments["STD"], facet="scoring", values={"otif_target": 0.99, "otif_limit": 0.9},
            scheme_version=2, valid_from=date(2020, 1, 1),
        )  # fmt: skip
    actions.put_formula(world["planner"], PLAIN.with_changes(lead_time_tolerance_days=0))
    steady(orders, "A", MAY, good=18, bad=2)
    orders.lay(world)
    assert score(world)["restated"] == 0
    after = cards_of(world)
    assert after["2025-04"].id == before.id
    assert after["2025-04"].policy["otif_target"] == 0.95
    assert after["2025-05"].policy["otif_target"] == 0.99
    assert (after["2025-04"].formula_number, after["2025-05"].formula_number) == (1, 2)


def test_a_named_formula_restates_a_period_by_it(world: World) -> None:
    orders = Orders()
    steady(orders, "A", APRIL, good=10, bad=10)
    orders.lay(world)
    actions.put_formula(world["planner"], PLAIN)
    score(world)
    wide = actions.put_formula(world["planner"], PLAIN.with_changes(lead_time_tolerance_days=9))
    with clock_set(NOW):
        jobs.score_periods(world.worker, ["2025-04"], formula=wide)
    card = cards_of(world, segment="COMMON")["2025-04"]
    assert (card.revision, card.formula_number) == (2, 2)
    assert card.measure("lead_time_adherence").value == 1.0  # type: ignore[union-attr]


def test_only_closed_periods_are_scored(world: World) -> None:
    orders = Orders()
    steady(orders, "A", date(2025, 6, 1), good=12)
    orders.lay(world)
    with pytest.raises(Invalid, match="2025-06"):
        score(world, "2025-06")
    with clock_set(datetime(2025, 7, 10, tzinfo=UTC)):
        jobs.score_periods(world.worker, ["2025-06"])
    assert list(cards_of(world, segment="COMMON")) == ["2025-06"]


def test_a_period_waits_until_the_facts_reach_its_closing_day(world: World) -> None:
    """Lines look undelivered while the import lags; they are judged once the facts tell of the day it closes on."""
    orders = Orders(reaches=False)
    steady(orders, "A", APRIL, good=12)
    steady(orders, "A", MAY, good=12)
    orders.lay(world)
    score(world)
    assert list(cards_of(world, segment="COMMON")) == ["2025-04"]
    orders.add("B", date(2025, 6, 12), 0)
    orders.lay(world)
    score(world)
    assert list(cards_of(world, segment="COMMON")) == ["2025-05", "2025-04"]


def test_the_lines_behind_a_score_are_lines_not_quantities(world: World) -> None:
    """One huge line does not make a month of twenty a small sample; it widens the interval of the fill rate."""
    orders = Orders()
    steady(orders, "A", MAY, good=19)
    orders.add("A", date(2025, 5, 15), 0, quantity=100_000)
    orders.lay(world)
    score(world)
    card = cards_of(world, segment="COMMON")["2025-05"]
    assert card.measure("fill_rate").effective_n == pytest.approx(1.04, abs=0.01)  # type: ignore[union-attr]
    assert (card.n, card.standing_reason) == (20, "first_rating")


def test_a_pegged_line_counts_for_its_segment_and_a_carried_back_mix_is_marked(world: World) -> None:
    orders = Orders()
    orders.share("BOLT", {"STD": 0.5, "PREM": 0.5}, basis="first_mix")
    steady(orders, "A", MAY, good=6)
    steady(orders, "A", MAY, good=4, segment="PREM")
    steady(orders, "A", MAY, good=2, segment="NOT-OURS")
    orders.lay(world)
    actions.put_formula(world["planner"], PLAIN.with_changes(attribution={"otif": "pegged"}))  # type: ignore[dict-item]
    score(world)
    prem, std = (cards_of(world, segment=code)["2025-05"] for code in ("PREM", "STD"))
    assert prem.measure("otif").denominator == pytest.approx(4 + 8 / 2)  # type: ignore[union-attr]
    assert std.measure("otif").denominator == pytest.approx(8 / 2)  # type: ignore[union-attr]
    assert prem.measure("fill_rate").denominator == pytest.approx(1200 / 2)  # type: ignore[union-attr]
    assert prem.first_mix == 1.0


def test_a_holiday_at_the_receiving_site_moves_the_last_good_day(world: World) -> None:
    """Due on Wednesday the 30th, delivered on Friday: in time by one working day where the 1st of May is kept."""
    with viewer_scope(world.worker):
        Site.objects.create(code="MAIN", name="Main plant", calendar="DE")
        Closure.objects.create(calendar="DE", closed_on=date(2025, 5, 1), name="May Day")
    orders = Orders()
    orders.share("BOLT", {"STD": 1.0})
    steady(orders, "A", MAY, good=4, bad=0)
    orders.add("A", date(2025, 4, 30), 2)
    orders.add("A", date(2025, 4, 30), 2, site="OTHER")
    orders.lay(world)
    actions.put_formula(world["planner"], Formula(shrinkage=False, otif=OtifParams(working_days=True, late_days=1)))
    score(world)
    otif = cards_of(world)["2025-04"].measure("otif")
    assert otif is not None
    assert (otif.numerator, otif.n) == (1, 2)


def test_quarters(world: World) -> None:
    orders = Orders()
    for month in (date(2025, 1, 1), date(2025, 2, 1), MARCH):
        steady(orders, "A", month, good=5)
    orders.lay(world)
    actions.put_formula(world["planner"], PLAIN.with_changes(period="quarter"))
    score(world)
    card = cards_of(world, segment="COMMON")["2025-Q1"]
    assert (card.period_start, card.period_end) == (date(2025, 1, 1), date(2025, 3, 31))
    assert card.measure("otif").n == 15  # type: ignore[union-attr]


def test_lines_under_a_card_carry_its_numbers(world: World) -> None:
    orders = Orders()
    orders.share("BOLT", {"PREM": 0.3})
    steady(orders, "A", MAY, good=8, bad=3)
    orders.lay(world)
    score(world)
    card = cards_of(world, segment="PREM")["2025-05"]
    used = queries.formula(world["viewer"], card.formula)
    assert used is not None
    span = queries.PeriodSpan(card.period, card.period_start, card.period_end)
    request = queries.Request(used, span, lake.manifest(world["viewer"], card.manifest), frozenset({"A"}))
    lines = queries.lines_of(world["viewer"], request).filter(pl.col("segment") == "PREM")
    otif = card.measure("otif")
    assert otif is not None
    assert (lines["share"] * lines["otif"].cast(pl.Float64)).sum() == pytest.approx(otif.numerator)
    assert lines["share"].sum() == pytest.approx(otif.denominator)


def test_suppliers_do_not_read_cards(world: World) -> None:
    from tierwise.kernel.audit import NotAllowed

    for read in (queries.scorecards, queries.formulas, queries.history, queries.recorded_periods):
        with pytest.raises(NotAllowed):
            read(world["a planner"])
