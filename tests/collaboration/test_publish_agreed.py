"""What an agreement lets through to its supplier, and what is no draft at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from collaboration.scenes import (
    agreed,
    at,
    demand_draft,
    demand_frame,
    measures_frame,
    orders_frame,
    score_draft,
    wording,
)
from fixtures.worlds import World
from tierwise.collaboration.agree.actions import end_agreement
from tierwise.collaboration.agree.records import Grain
from tierwise.collaboration.publish import queries
from tierwise.collaboration.publish.actions import publish
from tierwise.kernel.audit import Invalid, NotAllowed, Stale
from tierwise.kernel.ids import uuid7

pytestmark = [pytest.mark.database, pytest.mark.usefixtures("standing_clock")]


def test_without_an_agreement_nothing_is_published(world: World) -> None:
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], demand_draft(world))
    assert refused.value.code == "no_agreement"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (("order_forecast",), {}),
        (("demand",), {"series": pl.concat([demand_frame(), orders_frame()])}),
    ],
)  # fmt: skip
def test_fields_that_are_not_shared_are_refused(world: World, fields: tuple[str, ...], what: dict[str, object]) -> None:
    agreed(world, said=wording(fields=fields))
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], demand_draft(world, **what))
    assert refused.value.code == "field_not_shared"


def test_lines_need_their_own_consent(world: World) -> None:
    agreed(world, said=wording(fields=("scorecard",)))
    with pytest.raises(NotAllowed, match="scorecard_lines"):
        publish(world["planner"], score_draft(world))
    assert publish(world["planner"], score_draft(world, lines=None))


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"horizon_days": 30}, "beyond_reach"),
        ({"horizon_days": 62}, ""),
        ({"grain": Grain.ITEM_MONTH}, ""),
    ],
)
def test_dates_outside_the_horizon_are_refused(world: World, terms: dict[str, object], code: str) -> None:
    agreed(world, said=wording(**terms))
    if not code:
        assert publish(world["planner"], demand_draft(world))
        return
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], demand_draft(world))
    assert refused.value.code == code


def test_a_grain_finer_than_agreed_is_refused_but_not_for_orders(world: World) -> None:
    agreed(world)
    weekly = demand_frame().with_columns(bucket_days=pl.lit(7))
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], demand_draft(world, series=weekly))
    assert refused.value.code == "finer_grain"
    orders = orders_frame().with_columns(bucket_days=pl.lit(7))
    assert publish(world["planner"], demand_draft(world, series=orders))


def test_periods_before_the_agreed_history_are_refused(world: World) -> None:
    agreed(world, said=wording(history_days=30))
    old = score_draft(world, period_start=date(2025, 5, 1), period_end=date(2025, 5, 31))
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], old)
    assert refused.value.code == "before_history"


def test_after_the_end_nothing_more_is_published(world: World) -> None:
    made = agreed(world, said=wording(notice_days=0))
    end_agreement(world["planner"], made, date(2025, 7, 1))
    assert publish(world["planner"], demand_draft(world))
    with at(days=1), pytest.raises(NotAllowed):
        publish(world["planner"], demand_draft(world, fingerprint="f2"))


def test_a_draft_cut_to_another_wording_is_stale(world: World) -> None:
    agreed(world)
    with pytest.raises(Stale):
        publish(world["planner"], demand_draft(world, agreement_version=uuid7()))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"series": demand_frame().with_columns(quantity=pl.lit(Decimal(7)))}, "held_back_value"),
        ({"held_back": None}, "held_back"),
        ({"series": demand_frame((1.0, 2.0)).with_columns(quantity=pl.lit(None)), "held_back": None}, "no_quantity"),
        ({"series": demand_frame((1.0,)).with_columns(revenue=pl.lit(5))}, "columns"),
        ({"series": pl.concat([demand_frame((1.0,))] * 2)}, "twice"),
        ({"series": demand_frame((1.0,)).drop("unit")}, "empty"),
        ({"series": demand_frame((1.0,)).with_columns(unit=pl.lit("X" * 17))}, "length"),
        ({"series": demand_frame((1.0,)).with_columns(signal=pl.lit("prices"))}, "signal"),
        ({"series": demand_frame((1.0,)).with_columns(bucket_start=pl.lit("soon"))}, "types"),
    ],
)
def test_rows_that_are_wrong_are_refused(world: World, change: dict[str, object], code: str) -> None:
    agreed(world)
    with pytest.raises(Invalid) as refused:
        publish(world["planner"], demand_draft(world, **change))
    assert refused.value.code == code
    assert queries.publications(world["planner"]) == []


def test_a_measure_that_is_no_number_is_refused(world: World) -> None:
    agreed(world)
    with pytest.raises(Invalid, match="finite"):
        publish(world["planner"], score_draft(world, measures=measures_frame().with_columns(value=float("nan"))))
