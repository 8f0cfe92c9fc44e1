"""Heavy steps give the same results wherever they are worked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import pytest
from django.core.exceptions import ImproperlyConfigured
from polars.testing import assert_frame_equal

from tierwise.engine.mix import WindowParams, joined_mixes, period_mixes, window_mix
from tierwise.engine.network.build import NO_ARCS, NO_BOM
from tierwise.engine.scoring import Period, periods_between
from tierwise.kernel import compute
from tierwise.kernel.compute import in_turn, spread
from tierwise.lake.schemas import TABLES
from tierwise.lake.store import Files, stored_schema
from tierwise.modules.performance.queries.computing import PeriodSpan, judge_part
from tierwise.modules.performance.queries.judging import together
from tierwise.modules.performance.queries.loading import Known, part_of, read_facts
from tierwise.modules.performance.queries.reading import Span
from tierwise.modules.performance.queries.shelf import Shelf
from tierwise.modules.performance.records import Formula
from tierwise.modules.segmentation.queries.protecting import Asked, cells_of_bucket

START = date(2025, 1, 1)
RAY = [f"ignore::{kind}" for kind in ("DeprecationWarning", "FutureWarning", "ResourceWarning")]


def squared(part: int, add: int) -> int:
    return part**2 + add


def where(part: int) -> tuple[int, str]:
    import ray

    # As long as real work takes: what is over at once may well stay on the node that asked.
    time.sleep(0.05)
    return part, ray.get_runtime_context().get_node_id()


@pytest.fixture(autouse=True)
def forget_the_choice() -> Iterator[None]:
    compute.chosen.cache_clear()
    yield
    compute.chosen.cache_clear()


def test_parts_are_worked_in_order_here(settings: object) -> None:
    assert spread(squared, range(5), 1) == [1, 2, 5, 10, 17]
    assert spread(squared, [], 1) == []


def test_parts_in_turn_are_made_when_the_one_before_is_done(settings: object) -> None:
    made: list[int] = []

    def parts() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            yield number

    found = in_turn(squared, parts(), 1)
    assert (next(found), made) == (1, [0])
    assert (list(found), made) == ([2, 5], [0, 1, 2])


def test_an_unknown_place_is_refused(settings: object) -> None:
    settings.TIERWISE_COMPUTE = "spark"  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="TIERWISE_COMPUTE: 'spark'"):
        spread(squared, [1, 2], 0)


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[None]:
    """A cluster of two nodes with a core each, on this machine."""
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    yield
    ray.shutdown()
    cluster.shutdown()
    del os.environ["RAY_ADDRESS"]


@pytest.mark.slow
@pytest.mark.filterwarnings(*RAY)
def test_two_nodes_give_what_one_process_gives(two_nodes: None, settings: object) -> None:
    days = [START + timedelta(days=number) for number in range(720)]
    demand = pl.DataFrame({
        "item": [f"I{number % 7}" for number in range(720)], "segment": [f"S{number % 3}" for number in range(720)],
        "units": [float(number % 11 + 1) for number in range(720)], "date": days,
    })  # fmt: skip
    starts = [START + timedelta(days=90 + 30 * number) for number in range(20)]
    runs, params = [starts[:7], starts[7:14], starts[14:]], WindowParams(60)
    settings.TIERWISE_COMPUTE = "ray"  # type: ignore[attr-defined]

    mixes = spread(period_mixes, runs, demand, NO_BOM, NO_ARCS, params)
    assert_frame_equal(joined_mixes(mixes, starts), window_mix(demand, starts, params=params))
    assert spread(squared, range(40), 2) == [number**2 + 2 for number in range(40)]

    found = spread(where, range(64))
    assert [part for part, _ in found] == list(range(64))
    assert len({node for _, node in found}) == 2


def purchase_lines(count: int) -> dict[str, pl.DataFrame]:
    """Lines due over half a year and their receipts, some late, some refused, as the lake holds them."""
    numbers = range(count)
    due = [START + timedelta(days=number % 180) for number in numbers]
    lines = pl.DataFrame({
        "order": [f"{number:05}" for number in numbers], "supplier": [f"V{number % 5}" for number in numbers],
        "requested_on": due, "promised_on": due, "ordered_on": [day - timedelta(days=30) for day in due],
    }).with_columns(
        source=pl.lit("erp"), line=pl.lit("1"), revision=pl.lit(0), quantity=pl.lit(10.0), state=pl.lit("open"),
        item=pl.lit("BOLT"), site=pl.lit("P1"), unit=pl.lit("EA"), changed_by=pl.lit("buyer"),
    )  # fmt: skip
    came = [day + timedelta(days=number % 9 - 4) for number, day in enumerate(due)]
    receipts = lines.select(
        "source", "order", "line", "quantity", "unit", receipt=pl.lit("1"), arrived_on=pl.Series(came),
        posted_on=pl.Series(came),
    )  # fmt: skip
    rejects = receipts.gather_every(7).select(
        "source", "order", "line", "receipt", "unit", quantity=pl.lit(1.0), reason=pl.lit("dent"),
        rejected_on="arrived_on",
    )  # fmt: skip
    return {"purchase_line": lines, "receipt": receipts, "reject": rejects}


@pytest.mark.slow
@pytest.mark.filterwarnings(*RAY)
def test_two_nodes_judge_periods_as_one_process_does(two_nodes: None, settings: object) -> None:
    tables = purchase_lines(400)

    def scan(name: str) -> pl.LazyFrame:
        held = tables.get(name, pl.DataFrame())
        return held.lazy().select(
            pl.col(column).cast(dtype) if column in held.columns else pl.lit(None, dtype=dtype).alias(column)
            for column, dtype in stored_schema(TABLES[name]).items()
        )

    def files(name: str) -> Files:
        rows = scan(name)
        return Files(pl.DataFrame({"path": ["all"]}), lambda paths: rows if paths else rows.clear())

    text = pl.String
    known = Known(
        pl.DataFrame({"item": ["BOLT"], "item_name": ["Bolt"], "_base": ["EA"]}),
        pl.DataFrame(schema={"item": text, "unit": text, "valid_from": pl.Date, "factor": pl.Float64}),
        pl.DataFrame(schema=TABLES["lane"].schema),
        pl.DataFrame({"site": ["P1"], "calendar": [None]}, schema={"site": text, "calendar": text}),
    )
    formula = Formula()
    months = [PeriodSpan(*row) for row in periods_between(START, date(2025, 6, 30), Period.MONTH).iter_rows()]
    facts = read_facts(Shelf(files), scan("mix"), known, Span(START, date(2025, 6, 30)))
    parts = [(part_of(facts, Span(month.start, month.end)), [month.window(formula)]) for month in months]
    alone = [judge_part(part, formula) for part in parts]
    assert sum(each.due.height for each in alone) == 400
    assert sum(each.received["rejected"].sum() for each in alone) > 20

    settings.TIERWISE_COMPUTE = "ray"  # type: ignore[attr-defined]
    for one, other in zip(alone, spread(judge_part, parts, formula), strict=True):
        assert_frame_equal(one.due, other.due)
        assert_frame_equal(one.received, other.received)
        assert one.windows == other.windows
    every = judge_part((facts, [month.window(formula) for month in months]), formula)
    for name in ("due", "received"):
        left, right = (getattr(each, name).sort("line_id") for each in (every, together(alone)))
        assert_frame_equal(left.drop("line_id"), right.select(left.columns).drop("line_id"))


@pytest.mark.slow
@pytest.mark.filterwarnings(*RAY)
def test_two_nodes_carry_demand_as_one_process_does(two_nodes: None, settings: object) -> None:
    bom = pl.DataFrame({"parent": ["BIKE", "WHEEL"], "component": ["WHEEL", "SPOKE"], "quantity_per": [2.0, 30.0]})
    parts = [
        (START + timedelta(days=7 * week), pl.DataFrame(
            {"item": ["BIKE", "BIKE"], "segment": ["PREM", "STD"], "holding": ["H1", "H2"], "units": [week + 1.0, 2.0]}
        ))
        for week in range(12)
    ]  # fmt: skip
    lanes = pl.DataFrame({
        "place": [0, 1], "rule": [0, 0], "segment": ["PREM", "STD"], "item": ["SPOKE", "SPOKE"], "shown": [1, 1],
        "share": [1.0, 0.5],
    }, schema_overrides=dict.fromkeys(("place", "rule", "shown"), pl.UInt32))  # fmt: skip
    asked = Asked(lanes, ((2, 10.0),))
    alone = [cells_of_bucket(part, bom, NO_ARCS, asked) for part in parts]
    assert sum(each.held["total"].sum() for each in alone) == 60 * (78 + 12)
    settings.TIERWISE_COMPUTE = "ray"  # type: ignore[attr-defined]
    for one, other in zip(alone, in_turn(cells_of_bucket, iter(parts), bom, NO_ARCS, asked), strict=True):
        assert_frame_equal(one.shown, other.shown)
        assert_frame_equal(one.held, other.held)
