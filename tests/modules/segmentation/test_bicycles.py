"""The join on a real bicycle maker: from 56,046 sales lines to the vendors of bought components."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.conf import settings as live_settings

from engine.mix_oracle import as_units, recurse
from fixtures.databases import Template, close_all
from fixtures.worlds import World, build_world
from modules.segmentation.small_company import applied, assert_history_is_whole, ticking
from tierwise.directory import queries as directory
from tierwise.engine.attribution import AttributionPolicy, attribute
from tierwise.engine.mix import COMMON, segment_mix
from tierwise.engine.mix.carry import net_demand
from tierwise.engine.network import rows_valid_on
from tierwise.lake import queries as lake
from tierwise.lake.jobs import import_extract
from tierwise.lake.records import ImportState
from tierwise.modules.segmentation import jobs, queries
from tierwise.modules.segmentation.queries.mix import assigned_demand
from tierwise.modules.segmentation.records import read_scheme

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
ON = date(2025, 7, 1)
NETWORK_ON = date(2025, 6, 30)
SCHEME = (ROOT / "examples" / "schemes" / "bicycles.yaml").read_text(encoding="utf-8")
pytestmark = [
    pytest.mark.database,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (DATA / "adventureworks").is_dir(), reason="the public extracts are not beside the checkout"
    ),
]


@pytest.fixture(scope="module")
def maker(template: Template, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The bicycle maker with its scheme live, its mixes and its policies; these tests only read it."""
    home = tmp_path_factory.mktemp("bicycles")
    before = live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        stack.enter_context(template.clone())
        stack.enter_context(ticking(datetime(2025, 7, 1, 9, tzinfo=UTC)))
        live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE = home, str(home / "lake")
        world = build_world()
        for name in ("adventureworks", "adventureworks_sales"):
            mapping = ROOT / "examples" / "mappings" / f"{name}.yaml"
            outcome = import_extract(world["administrator"], DATA / name, mapping)
            assert outcome.state is ImportState.IMPORTED
        applied(world, SCHEME, ON)
        for job in (jobs.place_cells, jobs.refresh_mix, jobs.derive_policies):
            job(world.worker, ON)
        yield world
        close_all()
        live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE = before


@pytest.fixture(scope="module")
def demand(maker: World) -> pl.DataFrame:
    loaded = queries.load_demand(maker["viewer"], read_scheme(SCHEME), ON, lake.manifest(maker["viewer"]))
    return assigned_demand(loaded, queries.assignments(maker["viewer"]))


@pytest.fixture(scope="module")
def bill(maker: World) -> pl.DataFrame:
    bom, _ = queries.load_network(maker["viewer"], lake.manifest(maker["viewer"]))
    return rows_valid_on(bom, NETWORK_ON)


def test_every_sale_counts_for_exactly_one_segment(maker: World, demand: pl.DataFrame) -> None:
    assert demand.height == 56_046
    assert demand["units"].sum() == 84_174
    assert set(demand["segment"]) == {"RIDE", "GEAR", "REST"}
    assert_history_is_whole(maker["viewer"])


def test_segments_reach_118_of_265_bought_items_the_rest_stands_in_common(
    maker: World, demand: pl.DataFrame, bill: pl.DataFrame
) -> None:
    bought = set(directory.lanes(maker["viewer"])["item"])
    mix = segment_mix(demand.drop("date"), bill).frame()
    reached = set(mix["item"])
    assert (len(bought), len(bought & reached), len(bought - reached)) == (265, 118, 147)
    sums = mix.group_by("item", "site").agg(pl.col("share").sum())["share"]
    assert ((sums - 1).abs() < 1e-12).all()
    lines = pl.DataFrame({"line_id": range(265), "item": sorted(bought), "date": ON})
    held = mix.with_columns(valid_from=pl.lit(date(1900, 1, 1)), valid_to=pl.lit(None, pl.Date))
    told = attribute(lines, held, AttributionPolicy())
    common = told.filter(segment=COMMON)
    assert common.height == 147
    assert (common["share"] == 1).all()


def test_the_mix_equals_a_plain_recursion(demand: pl.DataFrame, bill: pl.DataFrame) -> None:
    defaults = {"site": "*", "option_rate": 1.0, "version_share": 1.0, "yield_ratio": 1.0, "phantom": False}
    plain = bill.select("parent", "component", pl.col("quantity_per").cast(pl.Float64)).to_dicts()
    expected = recurse(net_demand(demand.drop("date")).to_dicts(), [{**row, **defaults} for row in plain], [])
    found = as_units(segment_mix(demand.drop("date"), bill).frame())
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(units, rel=1e-9) for key, units in expected.items())


def test_what_is_kept_is_what_the_window_before_each_month_says(maker: World, demand: pl.DataFrame) -> None:
    at = lake.manifest(maker["viewer"])
    kept = lake.facts(maker["viewer"], "mix", at).collect()
    bom, arcs = queries.load_network(maker["viewer"], at)
    for start in (date(2024, 3, 1), date(2025, 7, 1)):
        since = start.toordinal() - 90
        window = demand.filter(pl.col("date").is_between(date.fromordinal(since), start, closed="left"))
        again = segment_mix(window.drop("date"), rows_valid_on(bom, start), rows_valid_on(arcs, start)).frame()
        both = again.join(kept.filter(valid_from=start), on=["item", "site", "segment"], suffix="_kept")
        assert both.height == again.height > 0
        assert ((both["share"] - both["share_kept"]).abs() < 1e-12).all()


def test_months_before_an_items_first_sale_carry_its_first_mix_marked(maker: World) -> None:
    kept = lake.facts(maker["viewer"], "mix").collect()
    bought = set(directory.lanes(maker["viewer"])["item"])
    early = kept.filter(pl.col("item").is_in(bought), pl.col("basis") == "first_mix")
    assert early["item"].n_unique() > 50
    first = kept.filter(basis="window").group_by("item", "site").agg(pl.col("valid_from").min().alias("began"))
    placed = early.join(first, on=["item", "site"])
    assert placed.height == early.height
    assert (placed["valid_from"] < placed["began"]).all()
    begins = kept.join(first, left_on=["item", "site", "valid_from"], right_on=["item", "site", "began"])
    carried = placed.join(begins, on=["item", "site", "segment"], suffix="_first")
    assert ((carried["share"] - carried["share_first"]).abs() < 1e-12).all()


def test_segments_and_common_sum_to_what_each_vendor_was_paid(maker: World) -> None:
    lines = (
        lake.facts(maker["viewer"], "purchase_line")
        .filter(pl.col("state") != "cancelled")
        .select(pl.concat_str("order", pl.lit("/"), "line").alias("line_id"), "item", "supplier", "site",
                pl.col("ordered_on").alias("date"), pl.col("amount").cast(pl.Float64))
        .collect()
    )  # fmt: skip
    told = attribute(
        lines.drop("supplier", "amount"), lake.facts(maker["viewer"], "mix").collect(), AttributionPolicy()
    )
    spent = (
        told.join(lines, on="line_id").group_by("supplier", "segment").agg((pl.col("share") * pl.col("amount")).sum())
    )
    totals = lines.group_by("supplier").agg(pl.col("amount").sum().alias("total"))
    both = spent.group_by("supplier").agg(pl.col("share").sum()).join(totals, on="supplier")
    assert both.height == totals.height
    assert ((both["share"] - both["total"]).abs() < 1e-6 * both["total"]).all()
    vendors = dict(spent.group_by("segment").agg(pl.col("supplier").n_unique()).iter_rows())
    assert vendors["RIDE"] > 10
    assert vendors[COMMON] > 10


def test_vendors_of_components_are_proposed_for_the_segment_of_the_bicycles(maker: World) -> None:
    names = directory.support_names(maker["viewer"]).filter(segment_code="RIDE")
    assert names.height > 10
    assert set(names["shown_code"]) == {"LINE-1"}
    mix = rows_valid_on(lake.facts(maker["viewer"], "mix").collect(), ON)
    whole = mix.filter(pl.col("share").round(4) == 1, segment="RIDE")["item"].unique()
    lanes = directory.lanes(maker["viewer"], ON).filter(pl.col("item").is_in(whole.implode()))["lane"]
    targets = {
        row["lane"]: row["values"]["scoring.otif_target"] for row in directory.lane_policies(maker["viewer"])
    }  # fmt: skip
    assert len(lanes) > 5
    assert {targets[lane] for lane in lanes} == {0.96}
    assert max(targets.values()) == 0.96
    assert min(targets.values()) == 0.95
