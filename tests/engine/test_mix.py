"""The mix carried up the network, against a plain recursion and by its laws."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.mix_oracle import as_units, recurse
from tierwise.engine.mix import COMMON, explain, segment_mix
from tierwise.engine.mix.carry import net_demand

ITEMS = [f"I{number}" for number in range(8)]
SITES = ["*", "A", "B", "C"]
DEMAND_SCHEMA = {"item": pl.String, "site": pl.String, "segment": pl.String, "units": pl.Float64}
BOM_SCHEMA = {
    "parent": pl.String, "component": pl.String, "site": pl.String, "version": pl.String, "version_share": pl.Float64,
    "quantity_per": pl.Float64, "option_rate": pl.Float64, "yield_ratio": pl.Float64, "phantom": pl.Boolean,
}  # fmt: skip
ARC_SCHEMA = {
    "item": pl.String,
    "from_site": pl.String,
    "to_site": pl.String,
    "share": pl.Float64,
    "yield_ratio": pl.Float64,
}


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Acyclic by construction: bills go to higher items, movements come from earlier sites."""
    demand = draw(st.lists(st.fixed_dictionaries({
        "item": st.sampled_from(ITEMS[:4]), "site": st.sampled_from(SITES), "segment": st.sampled_from("PGS"),
        "units": st.integers(1, 50).map(float),
    }), min_size=1, max_size=6))  # fmt: skip
    bom: dict[tuple[str, ...], dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 14))):
        parent = draw(st.integers(0, 6))
        component = draw(st.integers(parent + 1, 7))
        version = draw(st.sampled_from("12"))
        site = draw(st.sampled_from(SITES))
        bom[ITEMS[parent], ITEMS[component], site, version] = {
            "parent": ITEMS[parent], "component": ITEMS[component], "site": site, "version": version,
            "version_share": {"1": 0.6, "2": 0.4}[version], "quantity_per": float(draw(st.integers(0, 4))),
            "option_rate": draw(st.sampled_from([1.0, 0.25])), "yield_ratio": draw(st.sampled_from([1.0, 0.8])),
            "phantom": draw(st.booleans()),
        }  # fmt: skip
    arcs: dict[tuple[str, str, str], dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 6))):
        item = draw(st.sampled_from(ITEMS))
        source, target = sorted(draw(st.lists(st.integers(1, 3), min_size=2, max_size=2, unique=True)))
        arcs[item, SITES[source], SITES[target]] = {
            "item": item, "from_site": SITES[source], "to_site": SITES[target],
            "share": draw(st.sampled_from([0.5, 0.3, 0.0])), "yield_ratio": draw(st.sampled_from([1.0, 0.9])),
        }  # fmt: skip
    return demand, list(bom.values()), list(arcs.values())


def _frames(parts: Any) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    schemas = (DEMAND_SCHEMA, BOM_SCHEMA, ARC_SCHEMA)
    demand, bom, arcs = (pl.DataFrame(rows, schema=schema) for rows, schema in zip(parts, schemas, strict=True))
    return demand, bom, arcs


@settings(max_examples=150)
@given(networks())
def test_equals_the_recursion(parts: Any) -> None:
    found = as_units(segment_mix(*_frames(parts)).frame())
    expected = recurse(*parts)
    assert found.keys() == expected.keys()
    for key, units in expected.items():
        assert found[key] == pytest.approx(units, rel=1e-9), key


@settings(max_examples=60)
@given(networks(), st.randoms(use_true_random=False))
def test_shares_sum_to_one_and_do_not_depend_on_row_order(parts: Any, chance: random.Random) -> None:
    demand, bom, arcs = _frames(parts)
    frame = segment_mix(demand, bom, arcs).frame()
    sums = frame.group_by("item", "site").agg(pl.col("share").sum())["share"]
    assert ((sums - 1).abs() < 1e-12).all()
    shuffled = [part.sample(fraction=1, shuffle=True, seed=chance.randint(0, 99)) for part in (demand, bom, arcs)]
    assert segment_mix(*shuffled).frame().equals(frame)


@settings(max_examples=60)
@given(networks(), st.sampled_from(ITEMS), st.sampled_from(SITES))
def test_explanations_add_up_to_the_mix(parts: Any, item: str, site: str) -> None:
    mix = segment_mix(*_frames(parts))
    told = explain(mix, item, site, top=100).contributions
    by_segment = dict(told.group_by("segment").agg(pl.col("units").sum()).iter_rows())
    rows = mix.frame().filter(pl.col("item") == item, pl.col("site") == site)
    assert by_segment.keys() == set(rows["segment"])
    for segment, units in rows.select("segment", "units").iter_rows():
        assert by_segment[segment] == pytest.approx(units, rel=1e-9)


def _bikes() -> tuple[pl.DataFrame, pl.DataFrame]:
    demand = pl.DataFrame({
        "item": ["ROAD", "TOUR", "CITY", "KIDS", "WHEEL"],
        "segment": ["PREMIUM", "PREMIUM", "PREMIUM", "BASIC", "BASIC"],
        "units": [10.0, 11.0, 10.0, 9.5, 19.0],
    })  # fmt: skip
    parents = ["ROAD", "TOUR", "CITY", "KIDS"]
    bom = pl.DataFrame({"parent": parents, "component": ["WHEEL"] * 4, "quantity_per": [2.0] * 4})
    return demand, bom


def test_the_explanation_reads_as_a_sentence() -> None:
    told = explain(segment_mix(*_bikes()), "WHEEL")
    assert told.units == 100
    assert told.sentence() == (
        "62 % PREMIUM through 3 end items (TOUR, CITY, ROAD); 38 % BASIC through 2 end items (KIDS, WHEEL)"
    )
    assert told.contributions["main_path"].to_list()[0] == "KIDS → WHEEL"


def test_top_keeps_the_largest_and_counts_the_rest() -> None:
    told = explain(segment_mix(*_bikes()), "WHEEL", top=1)
    assert told.contributions["end_item"].to_list() == ["KIDS", "TOUR"]
    assert told.others.sort("segment").rows() == [("BASIC", 19.0, 1), ("PREMIUM", 40.0, 2)]
    assert told.sentence().startswith("62 % PREMIUM through 3 end items (TOUR, …)")
    with pytest.raises(ValueError, match="top"):
        explain(segment_mix(*_bikes()), "WHEEL", top=0)


def test_the_main_path_takes_the_branch_that_carries_most() -> None:
    demand = pl.DataFrame({"item": ["A"], "segment": ["P"], "units": [1.0]})
    bom = pl.DataFrame(
        {"parent": ["A", "A", "B", "C"], "component": ["B", "C", "D", "D"], "quantity_per": [1, 1, 2, 3]}
    )
    row = explain(segment_mix(demand, bom), "D").contributions.row(0, named=True)
    assert (row["units"], row["paths"], row["main_path"]) == (5.0, 2, "A → C → D")


def test_an_item_that_no_segment_reaches_has_no_mix() -> None:
    mix = segment_mix(*_bikes())
    told = explain(mix, "ANVIL")
    assert told.contributions.is_empty()
    assert told.sentence() == "No segment's demand reaches ANVIL."
    assert "ANVIL" not in mix.frame()["item"]


def test_phantoms_are_passed_through_and_not_listed() -> None:
    demand = pl.DataFrame({"item": ["A"], "segment": ["P"], "units": [10.0]})
    bom = pl.DataFrame({
        "parent": ["A", "KIT"], "component": ["KIT", "BOLT"], "quantity_per": [2.0, 3.0], "phantom": [True, False],
    })  # fmt: skip
    assert as_units(segment_mix(demand, bom).frame()) == {("A", "*", "P"): 10, ("BOLT", "*", "P"): 60}


def test_a_moved_unit_counts_once_for_the_item_as_a_whole() -> None:
    demand = pl.DataFrame({"item": ["A"], "site": ["SHOP"], "segment": ["P"], "units": [10.0]})
    arcs = pl.DataFrame({
        "item": ["A", "A"], "from_site": ["DC", "PLANT"], "to_site": ["SHOP", "DC"], "share": [1.0, 1.0],
    })  # fmt: skip
    assert as_units(segment_mix(demand, arcs=arcs).frame()) == {
        ("A", site, "P"): 10 for site in ("*", "SHOP", "DC", "PLANT")
    }


def test_returns_net_within_their_cell_and_never_below_zero() -> None:
    demand = pl.DataFrame({
        "item": ["A"] * 5, "segment": ["P", "P", "G", "G", None], "cell": ["p1", "p2", "g1", "g1", "x"],
        "units": [10.0, -4.0, 5.0, -2.0, 1.0],
    })  # fmt: skip
    assert net_demand(demand).select("segment", "units").rows() == [(COMMON, 1.0), ("G", 3.0), ("P", 10.0)]
    assert net_demand(demand.drop("cell")).select("segment", "units").rows() == [(COMMON, 1.0), ("G", 3.0), ("P", 6.0)]
    assert net_demand(demand.filter(pl.col("units") < 0)).is_empty()


def test_empty_and_broken_demand() -> None:
    empty = pl.DataFrame(schema=DEMAND_SCHEMA)
    assert segment_mix(empty).frame().is_empty()
    with pytest.raises(ValueError, match=r"demand\.units"):
        segment_mix(pl.DataFrame({"item": ["A"], "segment": ["P"], "units": [float("nan")]}))
    with pytest.raises(ValueError, match="segment"):
        segment_mix(pl.DataFrame({"item": ["A"], "units": [1.0]}))
