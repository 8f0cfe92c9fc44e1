"""Periods scored together say what each says alone; pages ask the same few questions however much there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from polars.testing import assert_frame_equal

from fixtures.worlds import NOW, World
from modules.performance.orders import Orders, steady
from tierwise.directory.models import Person
from tierwise.engine.attribution import Basis
from tierwise.engine.scoring import OtifParams
from tierwise.kernel.clock import clock_set
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import Account, StepRun
from tierwise.kernel.viewer import viewer_scope
from tierwise.lake import queries as lake
from tierwise.modules.performance import actions, jobs, queries
from tierwise.modules.performance.models import Scorecard
from tierwise.modules.performance.queries.computing import periods as chunking
from tierwise.modules.performance.records import Correction, Formula

pytestmark = pytest.mark.database
MONTHS = [date(2025, month, 1) for month in range(1, 6)]
FORMULAS = [
    Formula(least_suppliers=2),
    Formula(shrinkage=False, attribution={"otif": Basis.PEGGED, "reject_ppm": Basis.LEAD}),
    Formula(shrinkage=False, otif=OtifParams(level="order", fallbacks=("requested",))),  # type: ignore[arg-type]
]


@pytest.fixture
def clock() -> Iterator[None]:
    with clock_set(NOW):
        yield


@pytest.fixture
def book(world: World, clock: None) -> World:
    """Five months of two suppliers, with lines that several months see: put off, refused later, moved by a ruling."""
    orders = Orders()
    orders.share("BOLT", {"PREM": 0.3, "STD": 0.5}, basis="first_mix", start=date(2024, 12, 1))
    orders.mix[-1]["valid_to"] = orders.mix[-2]["valid_to"] = date(2025, 3, 31)
    orders.share("BOLT", {"PREM": 1 / 3, "STD": 1 / 3}, start=date(2025, 4, 1))
    for place, month in enumerate(MONTHS):
        for supplier in ("A", "B"):
            steady(orders, supplier, month, good=8 + place, bad=3 if supplier == "B" else place, rejected=place)
        orders.add("A", month.replace(day=27), 9, item="NUT", segment="PREM")
        orders.add("B", month.replace(day=28), None, item="NUT")
    moved = orders.add("B", date(2025, 2, 26), 20, received=60)
    first = next(row for row in orders.lines if row["order"] == moved)
    orders.lines.append(
        first
        | {"revision": 1, "revised_on": date(2025, 3, 15), "changed_by": "agreed", "promised_on": date(2025, 4, 2)}
    )
    # One order over two months.
    orders.lines.append(first | {"line": "2", "requested_on": date(2025, 3, 9), "promised_on": date(2025, 3, 9)})
    ruled = orders.add("A", date(2025, 3, 4), 3)
    orders.lay(world)
    actions.apply_correction(
        world["planner"],
        Correction(
            world.suppliers["A"], ruled, "1", uuid7(), datetime(2025, 6, 1, tzinfo=UTC), date(2025, 2, 20),
            rejected=Decimal(7),
        ),
    )  # fmt: skip
    return world


def requests(world: World) -> list[queries.Request]:
    used = queries.formula(world.worker)
    assert used is not None
    manifest = lake.manifest(world.worker)
    return [queries.Request(used, span, manifest) for span in queries.closed(world.worker, used.formula, manifest)]


@pytest.mark.parametrize("formula", FORMULAS, ids=["mix", "pegged and lead", "whole orders"])
def test_periods_measured_together_are_measured_as_alone(book: World, formula: Formula) -> None:
    actions.put_formula(book["planner"], formula)
    wanted = requests(book)
    assert len(wanted) >= 5
    order = {"measures": ["supplier", "segment", "measure"], "first_mix": ["supplier", "segment"]}
    rows = 0
    for request, (facts, together) in zip(wanted, queries.measured_periods(book.worker, wanted), strict=True):
        alone = queries.measured_of(book.worker, request)
        assert facts.warnings == queries.load_lines(book.worker, request)[0].warnings
        for name in ("measures", "first_mix", "lines", "received"):
            left, right = (getattr(each, name) for each in (together, alone))
            by = order.get(name, ["source", "order", "line", "segment", "due_on"])
            said = [column for column in right.columns if column != "line_id"]
            assert_frame_equal(left.select(said).sort(by), right.select(said).sort(by), rel_tol=1e-9)
            rows += right.height
    assert rows > 300


@pytest.mark.parametrize("formula", FORMULAS, ids=["mix", "pegged and lead", "whole orders"])
def test_lines_of_many_periods_are_those_of_each(book: World, formula: Formula) -> None:
    actions.put_formula(book["planner"], formula)
    wanted, rows = requests(book), 0
    for request, together in zip(wanted, queries.lines_of_periods(book.worker, wanted), strict=True):
        alone = queries.lines_of(book.worker, request)
        by = ["source", "order", "line", "segment", "due_on"]
        said = [column for column in alone.columns if column != "line_id"]
        assert_frame_equal(together.select(said).sort(by), alone.select(said).sort(by), rel_tol=1e-9)
        rows += alone.height
    assert rows > 100


def recorded(world: World) -> tuple[dict[Any, Any], dict[str, tuple[str, Any]]]:
    """What cards say, and each step's key and result."""
    with viewer_scope(world.worker):
        cards = Scorecard.objects.values_list("supplier", "segment", "period", "revision", "fingerprint", "standing")
        runs = StepRun.objects.filter(step="scorecards").values_list("partition", "fingerprint", "result")
        return {row[:4]: row[4:] for row in cards}, {row[0]: row[1:] for row in runs}


@pytest.mark.parametrize("formula", FORMULAS, ids=["mix", "pegged and lead", "whole orders"])
def test_chunks_of_any_length_record_the_same(book: World, formula: Formula, monkeypatch: pytest.MonkeyPatch) -> None:
    actions.put_formula(book["planner"], formula)
    found = []
    for length in (12, 2, 1):
        monkeypatch.setattr(chunking, "CHUNK", length)
        outcomes = jobs.score_periods(book.worker)
        assert len(outcomes) >= 5
        assert not any(outcome.skipped for outcome in outcomes)
        found.append(recorded(book))
        assert all(outcome.skipped for outcome in jobs.score_periods(book.worker))
        with viewer_scope(book.worker):
            Scorecard.objects.all().delete()
            StepRun.objects.filter(step="scorecards").update(step=f"in chunks of {length}")
    assert len(found[0][0]) > 20
    assert found[0] == found[1] == found[2]


def test_fewer_periods_are_read_together_the_more_lines_there_are(book: World, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = lake.manifest(book.worker)
    lines = lake.facts(book.worker, "purchase_line", manifest).select(pl.len()).collect().item()
    assert chunking.periods_at_once(book.worker, manifest, 5) == chunking.CHUNK
    for at_once, periods in ((lines, 5), (lines // 5 * 2, 2), (lines // 50, 1)):
        monkeypatch.setattr(chunking, "LINES_AT_ONCE", at_once)
        assert chunking.periods_at_once(book.worker, manifest, 5) in {periods, periods - 1} - {0}


def test_a_period_computed_alone_restates_nothing_that_was_scored_with_others(book: World) -> None:
    actions.put_formula(book["planner"], FORMULAS[0])
    jobs.score_periods(book.worker)
    done = [actions.record_scorecards(book.worker, queries.compute(book.worker, each)) for each in requests(book)]
    assert sum(each.unchanged for each in done) > 20
    assert sum(each.changed for each in done) == 0


def test_what_is_recorded_is_what_was_computed(book: World) -> None:
    actions.put_formula(book["planner"], FORMULAS[0])
    computed = queries.compute(book.worker, requests(book)[3])
    actions.record_scorecards(book.worker, computed)
    suppliers = {key: code for code, key in book.suppliers.items()}
    segments = {key: code for code, key in book.segments.items()}
    cards = queries.scorecards(book["viewer"], measures=True)
    names = ("value", "low", "high", "shrunk", "numerator", "denominator", "n", "effective_n", "limit", "target",
             "weight", "points", "prior_mean", "prior_n")  # fmt: skip
    said = {
        (suppliers[card.supplier], segments[card.segment], each.measure): tuple(getattr(each, name) for name in names)
        for card in cards
        for each in card.measures
    }
    rows = computed.measures.select("supplier", "segment", "measure", *names).rows()
    assert said == {row[:3]: row[3:] for row in rows}
    card = next(card for card in cards if (suppliers[card.supplier], segments[card.segment]) == ("A", "STD"))
    row = computed.cards.filter(supplier="A", segment="STD").row(0, named=True)
    assert (card.score, card.n, card.standing, card.standing_reason, card.first_mix, card.computed_at) == (
        row["score"], row["n"], row["standing"], row["reason"], row["first_mix"], NOW,
    )  # fmt: skip
    assert card.policy["least_n"] == 10


def test_noise_of_sums_is_no_restatement(book: World) -> None:
    """Shares have nine decimals, so a sum of them lies between two roundings as often as one time in ten."""
    actions.put_formula(book["planner"], FORMULAS[0])
    computed = queries.compute(book.worker, requests(book)[3])
    assert computed.cards.height > 3

    def with_value(value: float) -> dict[tuple[str, str], str]:
        return actions.fingerprints(
            replace(computed, measures=computed.measures.with_columns(denominator=pl.lit(value)))
        )

    assert with_value(4.787542885) == with_value(4.787542885000001) == with_value(4.787542884999999)
    assert with_value(4.787542885) != with_value(4.7875429)


def test_pages_ask_as_many_questions_for_few_cards_as_for_many(book: World) -> None:
    actions.put_formula(book["planner"], FORMULAS[0])
    with viewer_scope(book.worker):
        email = Person.objects.get(id=book["planner"].person).email
    account = Account.objects.create_account(email, book["planner"].person, "a long enough secret")
    client = Client()
    client.force_login(account, "allauth.account.auth_backends.AuthenticationBackend")

    def questions(address: str) -> int:
        asked = []

        def note(execute: Any, sql: str, *rest: Any) -> Any:
            asked.append(sql)
            return execute(sql, *rest)

        with connections["buyer"].execute_wrapper(note):
            assert client.get(address).status_code == 200
        return len(asked)

    heat, few = reverse("desk-scorecards"), []
    for periods in (["2025-01", "2025-02"], ["2025-03", "2025-04", "2025-05"]):
        jobs.score_periods(book.worker, periods)
        cards = queries.scorecards(book["planner"], supplier=book.suppliers["A"], period=periods[-1])
        few.append([questions(heat), questions(reverse("desk-scorecard", args=[cards[0].id]))])
        with viewer_scope(book.worker):
            kept = Scorecard.objects.filter(period__in=["2025-01", "2025-02"])
            kept.filter(supplier=book.suppliers["B"]).delete()
    assert 0 < few[0][0] <= 30
    assert few[0] == few[1]
