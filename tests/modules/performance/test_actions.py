"""Each action: success, wrong role, wrong company, repeated, concurrent."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from fixtures.worlds import NOW, World
from modules.performance.orders import Orders, steady
from modules.performance.test_publishing import agree
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.clock import clock_set
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake import queries as lake
from tierwise.modules.performance import actions, jobs, queries
from tierwise.modules.performance.queries.drafting import drafts_of
from tierwise.modules.performance.records import ComputedCards, Correction, Formula

pytestmark = pytest.mark.database
MAY = date(2025, 5, 1)
FORMULA = Formula(shrinkage=False)


def both(*calls: Callable[[], Any]) -> list[Any]:
    """Runs calls at the same time, each on connections of its own; a refusal is a result."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait(10)
        try:
            with clock_set(NOW):
                return call()
        except (Stale, Invalid) as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def entries(viewer: Viewer, action: str) -> list[AuditEntry]:
    with viewer_scope(viewer):
        return list(AuditEntry.objects.filter(action=action).order_by("at", "id"))


# put_formula


def test_put_formula_adds_a_version(world: World) -> None:
    first = actions.put_formula(world["manager"], FORMULA)
    second = actions.put_formula(world["administrator"], FORMULA.with_changes(reply_days=5), 1)
    found = queries.formulas(world["viewer"])
    assert [(each.id, each.number) for each in found] == [(second, 2), (first, 1)]
    assert found[0].formula.reply_days == 5
    assert [entry.detail for entry in entries(world["viewer"], "put_formula")] == [{"number": 1}, {"number": 2}]


@pytest.mark.parametrize("who", ["viewer", "a administrator", "b planner"])
def test_put_formula_is_the_buyers_editors(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        actions.put_formula(world[who], FORMULA)
    assert queries.formulas(world["viewer"]) == []


def test_put_formula_repeated_is_one_version(world: World) -> None:
    assert actions.put_formula(world["planner"], FORMULA) == actions.put_formula(world["planner"], FORMULA)
    assert len(queries.formulas(world["viewer"])) == 1


def test_put_formula_from_an_old_version_is_stale(world: World) -> None:
    actions.put_formula(world["planner"], FORMULA)
    actions.put_formula(world["planner"], FORMULA.with_changes(reply_days=5))
    with pytest.raises(Stale, match="Version 2"):
        actions.put_formula(world["manager"], FORMULA.with_changes(reply_days=7), 1)


def test_put_formula_concurrently_takes_one(world: World) -> None:
    done = both(
        lambda: actions.put_formula(world["planner"], FORMULA.with_changes(reply_days=5), 0),
        lambda: actions.put_formula(world["manager"], FORMULA.with_changes(reply_days=7), 0),
    )
    assert sum(isinstance(each, Stale) for each in done) == 1
    assert [each.number for each in queries.formulas(world["viewer"])] == [1]


# record_scorecards


@pytest.fixture
def computed(world: World) -> ComputedCards:
    orders = Orders()
    orders.share("BOLT", {"STD": 1.0})
    for supplier in ("A", "B"):
        steady(orders, supplier, MAY, good=11, bad=1)
    orders.lay(world)
    actions.put_formula(world["planner"], FORMULA)
    return compute(world)


def compute(world: World) -> ComputedCards:
    used = queries.formula(world["planner"])
    assert used is not None
    span = queries.PeriodSpan("2025-05", MAY, date(2025, 5, 31))
    return queries.compute(world["planner"], queries.Request(used, span, lake.manifest(world["planner"])))


def test_record_scorecards(world: World, computed: ComputedCards) -> None:
    done = actions.record_scorecards(world["planner"], computed)
    assert (done.new, done.restated, done.unchanged) == (2, 0, 0)
    assert set(done.suppliers) == set(world.suppliers.values())
    assert entries(world["viewer"], "record_scorecards")[0].count == 2


@pytest.mark.parametrize("who", ["viewer", "a planner"])
def test_record_scorecards_is_the_buyers_editors(world: World, computed: ComputedCards, who: str) -> None:
    with pytest.raises(NotAllowed):
        actions.record_scorecards(world[who], computed)
    assert queries.scorecards(world["viewer"]) == []


def test_record_scorecards_of_a_company_that_is_no_supplier(world: World, computed: ComputedCards) -> None:
    from polars import col, lit

    foreign = replace(computed, cards=computed.cards.with_columns(supplier=lit("HOST")))
    with pytest.raises(Invalid, match="HOST"):
        actions.record_scorecards(world["planner"], foreign)
    some = computed.cards.filter(col("supplier") == "A")
    assert actions.record_scorecards(world["planner"], replace(computed, cards=some)).new == 1


def test_record_scorecards_repeated_changes_nothing(world: World, computed: ComputedCards) -> None:
    actions.record_scorecards(world["planner"], computed)
    again = actions.record_scorecards(world["manager"], compute(world))
    assert (again.new, again.restated, again.unchanged) == (0, 0, 2)


def test_record_scorecards_concurrently_makes_one_revision(world: World, computed: ComputedCards) -> None:
    done = both(*[lambda: actions.record_scorecards(world["planner"], computed)] * 3)
    assert sorted(each.new for each in done) == [0, 0, 2]
    assert {card.revision for card in queries.scorecards(world["viewer"])} == {1}


# apply_correction


def correction(world: World, **changes: Any) -> Correction:
    said = Correction(world.suppliers["A"], "P0001", "1", uuid7(), datetime(2025, 6, 20, tzinfo=UTC), date(2025, 5, 2))
    return replace(said, **changes)


@pytest.mark.parametrize("who", ["manager", "planner", "administrator"])
def test_apply_correction(world: World, who: str) -> None:
    said = correction(world)
    actions.apply_correction(world[who], said)
    assert queries.corrections(world["viewer"]) == [said]
    assert queries.corrections(world["viewer"], ["B"]) == []


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_apply_correction_wants_a_judge(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        actions.apply_correction(world[who], correction(world))
    assert queries.corrections(world["viewer"]) == []


def test_apply_correction_of_a_company_that_is_no_supplier(world: World) -> None:
    with pytest.raises(NotFound):
        actions.apply_correction(world["manager"], correction(world, supplier=world.host))
    with pytest.raises(Invalid):
        actions.apply_correction(world["manager"], correction(world, delivered_on=None))


def test_apply_correction_repeated_is_one(world: World) -> None:
    said = correction(world)
    assert actions.apply_correction(world["manager"], said) == actions.apply_correction(world.worker, said)
    with pytest.raises(Stale):
        actions.apply_correction(world["manager"], replace(said, delivered_on=date(2025, 5, 3)))
    assert len(queries.corrections(world["viewer"])) == 1


def test_apply_correction_concurrently_is_one(world: World) -> None:
    said = correction(world)
    done = both(*[lambda: actions.apply_correction(world["manager"], said)] * 3)
    assert len(set(done)) == 1
    assert len(queries.corrections(world["viewer"])) == 1


# publish_scorecards


@pytest.fixture
def ready(world: World, computed: ComputedCards) -> World:
    with clock_set(NOW):
        agree(world, "A", "STD")
        actions.record_scorecards(world["planner"], computed)
    return world


def test_publish_scorecards(ready: World) -> None:
    with clock_set(NOW):
        made = actions.publish_cards(ready["planner"], drafts_of(ready["planner"]))
    assert [card.publication for card in queries.scorecards(ready["viewer"], supplier=ready.suppliers["A"])] == made


@pytest.mark.parametrize("who", ["viewer", "a planner"])
def test_publish_scorecards_is_the_buyers_editors(ready: World, who: str) -> None:
    with clock_set(NOW):
        drafts = drafts_of(ready["planner"])
    with pytest.raises(NotAllowed):
        actions.publish_cards(ready[who], drafts)


def test_publish_scorecards_to_another_supplier_is_refused(ready: World) -> None:
    """B has agreed to nothing: a draft turned to it does not go out, and the card stays unsent."""
    with clock_set(NOW):
        (one,) = drafts_of(ready["planner"])
        turned = replace(one, draft=replace(one.draft, supplier=ready.suppliers["B"]))
        with pytest.raises(NotAllowed, match="agreement"):
            actions.publish_cards(ready["planner"], [turned])
    assert all(card.publication is None for card in queries.scorecards(ready["viewer"]))


def test_publish_scorecards_repeated_sends_once(ready: World) -> None:
    with clock_set(NOW):
        drafts = drafts_of(ready["planner"])
        assert len(actions.publish_cards(ready["planner"], drafts)) == 1
        assert actions.publish_cards(ready["planner"], drafts) == []


def test_publish_scorecards_concurrently_sends_once(ready: World) -> None:
    with clock_set(NOW):
        drafts = drafts_of(ready["planner"])
    done = both(*[lambda: actions.publish_cards(ready["planner"], drafts)] * 3)
    assert sorted(len(each) for each in done) == [0, 0, 1]


def test_two_workers_score_a_period_once(world: World) -> None:
    orders = Orders()
    steady(orders, "A", MAY, good=12)
    orders.lay(world)
    done = both(*[lambda: jobs.score_periods(world.worker, ["2025-05"])] * 2)
    assert sorted(outcomes[0].skipped for outcomes in done) == [False, True]
    assert len(queries.scorecards(world["viewer"])) == 1
