"""What follows from assignments: mixes, supports and the one policy of each lane."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fixtures.worlds import NOW, World
from modules.segmentation.small_company import ON, SCHEME, applied, cell, planned, ticking
from tierwise.directory import queries as directory
from tierwise.directory.actions import confirm_support, end_support
from tierwise.directory.records import COMMON, Involvement, SupportState
from tierwise.engine.mix import WindowParams, window_mix
from tierwise.lake import queries as lake
from tierwise.lake import staging
from tierwise.modules.segmentation import jobs, queries
from tierwise.modules.segmentation.actions import apply_plan, pin_cell
from tierwise.modules.segmentation.queries import mix as mix_queries
from tierwise.modules.segmentation.queries.mix import month_starts
from tierwise.modules.segmentation.records import next_month, read_scheme

pytestmark = pytest.mark.database
HIGHER = SCHEME.replace("cuts: [1000]", "cuts: [5000]")


def mixes(world: World, item: str) -> pl.DataFrame:
    return lake.facts(world["viewer"], "mix").filter(item=item, site="*").sort("valid_from", "segment").collect()


def run_all(world: World, on: date = ON) -> None:
    with ticking(NOW + timedelta(days=(on - ON).days)):
        for job in (jobs.place_cells, jobs.refresh_mix, jobs.derive_policies):
            job(world.worker, on)


def test_a_wheel_serves_the_segments_of_the_bicycles_it_goes_into(live: World) -> None:
    found = mixes(live, "WHEEL").filter(pl.col("valid_to").is_null())
    # Per month 2 wheels for each of 29 premium bicycles and for each of 5 standard ones.
    shares = dict(found.select("segment", "share").iter_rows())
    assert shares == {"PREM": pytest.approx(29 / 34), "STD": pytest.approx(5 / 34)}
    assert dict(mixes(live, "SPARE").select("segment", "share").iter_rows()) == {"STD": 1.0}
    assert mixes(live, "GLUE").is_empty()


def test_mixes_sum_to_one_in_every_month_and_the_months_follow_one_another(live: World) -> None:
    rows = lake.facts(live["viewer"], "mix").collect()
    sums = rows.group_by("item", "site", "valid_from").agg(pl.col("share").sum())["share"]
    assert ((sums - 1).abs() < 1e-12).all()
    periods = rows.select("item", "site", "valid_from", "valid_to").unique().sort("item", "site", "valid_from")
    following = pl.col("valid_from").shift(-1).over("item", "site")
    assert periods.filter(following.is_not_null() & (pl.col("valid_to").dt.offset_by("1d") != following)).is_empty()
    assert sorted(rows["valid_from"].unique()) == month_starts(date(2023, 2, 1), ON)  # from the first purchase on


def test_periods_before_the_first_sale_carry_the_first_mix_and_say_so(live: World) -> None:
    rows = mixes(live, "WHEEL").filter(segment="PREM")
    basis = dict(rows.select("valid_from", "basis").iter_rows())
    assert {day: kind for day, kind in basis.items() if kind == "first_mix"}.keys() == set(
        month_starts(date(2023, 2, 1), date(2023, 7, 1))
    )
    first = rows.filter(valid_from=date(2023, 8, 1))["share"][0]
    assert rows.filter(basis="first_mix")["share"].to_list() == [first] * 6


def test_the_share_of_a_window_counts_each_day_for_the_segment_it_had(in_force: World) -> None:
    applied(in_force, HIGHER, on=date(2025, 9, 1))
    run_all(in_force)
    shares = dict(mixes(in_force, "WHEEL").filter(pl.col("valid_to").is_null()).select("segment", "share").iter_rows())
    assert shares["PREM"] == pytest.approx(29 / 34)  # premium until the end of August, as far as demand is known


def test_suppliers_that_serve_a_segment_are_proposed_and_people_confirm(live: World) -> None:
    shares = queries.supplier_shares(
        live["viewer"], lake.facts(live["viewer"], "mix").collect(), ON, lake.manifest(live["viewer"])
    )
    found = {(s, segment): share for s, segment, share in shares.iter_rows()}
    # B: frames for 800 go wholly into premium bicycles, spare parts for 100 are standard.
    assert found["B", "PREM"] == pytest.approx(800 / 900)
    proposed = directory.supports(live["viewer"], state=SupportState.PROPOSED)
    assert [(one.supplier, one.segment) for one in proposed] == [(live.suppliers["B"], live.segments["PREM"])]
    assert (proposed[0].shown_code, proposed[0].shown_name) == ("LINE-1", "Line one")
    confirm_support(live["planner"], proposed[0].id, Involvement.CO_CREATION)
    run_all(live, date(2025, 8, 1))
    assert directory.supports(live["viewer"], state=SupportState.PROPOSED) == []


def test_a_plan_tells_whose_access_changes(live: World) -> None:
    support = directory.supports(live["viewer"], state=SupportState.PROPOSED)[0]
    confirm_support(live["planner"], support.id, Involvement.EXECUTION)
    plan, _, _ = planned(live, HIGHER)
    told = queries.plan(live["viewer"], plan)
    section = told.sections[0]
    assert section["title"] == "Suppliers and people"
    assert section["headline"].startswith("0 suppliers gain access to a segment, 2 lose it; 6 of their people")
    rows = {(row["supplier_name"], row["segment"]): row for row in told.summary["supports"]}
    assert set(rows) == {("Supplier A", "PREM"), ("Supplier B", "PREM")}
    assert not rows["Supplier B", "PREM"]["begins"]
    assert rows["Supplier B", "PREM"]["share_before"] == pytest.approx(800 / 900)
    assert rows["Supplier B", "PREM"]["share_after"] == 0


def test_a_plan_that_moves_nobody_touches_no_supplier(live: World) -> None:
    again = queries.plan_scheme(live["planner"], read_scheme(SCHEME), ON)
    assert (again.moves.height, again.supports) == (0, ())


def test_one_policy_a_lane_weighed_and_explained(live: World) -> None:
    lanes = {row["lane"]: row for row in directory.lane_policies(live["viewer"])}
    assert set(lanes) == {"L1", "L2", "L3"}
    weighed = lanes["L1"]["values"]["scoring.otif_target"]
    assert weighed == pytest.approx(0.97 * 29 / 34 + 0.9 * 5 / 34, abs=1e-4)
    assert "PREM 0.97 (85 %)" in lanes["L1"]["explanation"]["scoring.otif_target"]
    assert lanes["L3"]["values"]["scoring.otif_target"] == 0.9
    assert lanes["L2"]["values"]["scoring.fill_target"] == 0.98  # nobody sets it: the default


def test_the_common_segment_has_a_say_with_its_defaults(in_force: World) -> None:
    lanes = pl.DataFrame({"lane": "L9", "supplier": "A", "segment": ["PREM", COMMON], "share": [0.5, 0.5]})
    found = jobs.lane_policies(in_force.worker, lanes, ON)[0]
    assert found.values["scoring.otif_target"] == pytest.approx((0.97 + 0.95) / 2)


def test_a_mix_says_through_which_products_a_part_serves(in_force: World) -> None:
    told = queries.explain_mix(in_force["viewer"], read_scheme(SCHEME), "WHEEL", ON)
    assert told is not None
    assert told.sentence() == "85 % PREM through 1 end item (BIKE-1); 15 % STD through 1 end item (BIKE-2)"
    assert queries.explain_mix(in_force["viewer"], read_scheme(SCHEME), "GLUE", ON) is None


def test_an_ended_support_is_not_counted_as_standing(live: World) -> None:
    support = directory.supports(live["viewer"], state=SupportState.PROPOSED)[0]
    end_support(live["planner"], support.id, date(2025, 6, 30))
    pin_cell(live["planner"], cell("BIKE-1", "KEY"), "STD", "why", None)
    pin_cell(live["planner"], cell("BIKE-1", "SMALL"), "STD", "why", None)
    plan, fingerprint, _ = planned(live)
    supports = queries.plan(live["viewer"], plan).summary["supports"]
    # B's part in Premium was ended by hand: with the plan it cannot end once more.
    assert [(row["supplier_name"], row["standing"]) for row in supports] == [("Supplier A", "confirmed")]
    assert apply_plan(live["manager"], plan, fingerprint).moved == 2


@pytest.mark.parametrize("held", [250_000, 0])
def test_the_mix_made_in_pieces_is_that_of_all_demand_at_once(
    in_force: World, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """One period at a time, laid down by month or held; a month later only the month before is touched."""
    monkeypatch.setattr(mix_queries, "_LINES", 1)
    monkeypatch.setattr(staging, "HELD", held)
    key = ["item", "site", "valid_from", "segment"]
    columns = [*key, "valid_to", "share", "units", "basis"]
    for on in (ON, next_month(ON)):
        with ticking(NOW + timedelta(days=(on - ON).days)):
            said = jobs.refresh_mix(in_force.worker, on)
            at = lake.manifest(in_force.worker)
            demand = queries.load_demand(in_force.worker, read_scheme(SCHEME), on, at)
            lines = mix_queries.assigned_demand(demand, queries.assignments(in_force.worker, at))
            starts, params = month_starts(date(2023, 2, 1), on), WindowParams(90, hold_periods=12)
            whole = window_mix(lines, starts, *queries.load_network(in_force.worker, at), params)
        found = lake.facts(in_force.worker, "mix").select(columns).sort(key).collect()
        assert_frame_equal(found, whole.select(columns).sort(key), rel_tol=1e-12)
        assert said == {"rows": whole.height, "items": whole["item"].n_unique()}
    every = lake.store().history("mix", at.versions).collect()
    closed = every.filter(pl.col("known_to").is_not_null())
    assert closed.height > 3
    assert closed.select(pl.col("valid_from", "valid_to").unique()).rows() == [(ON, None)]
    assert every["month"].to_list() == every["valid_from"].dt.strftime("%Y-%m").to_list()
    assert not list(Path(lake.store().root).glob(".staging/*"))
