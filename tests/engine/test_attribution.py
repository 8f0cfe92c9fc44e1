"""Attribution: every line is divided completely, by the policy's basis, and amounts to the last cent."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.attribution import (
    PARTS,
    AttributionPolicy,
    Basis,
    attribute,
    effective_n,
    effective_n_of,
    lead_intervals,
    split_amounts,
)
from tierwise.engine.mix import COMMON

DAY = date(2025, 3, 10)
MIX_SCHEMA = {
    "item": pl.String, "site": pl.String, "segment": pl.String, "valid_from": pl.Date, "valid_to": pl.Date,
    "share": pl.Float64,
}  # fmt: skip
MARCH = (date(2025, 3, 1), date(2025, 3, 31))
APRIL = (date(2025, 4, 1), None)


def _mix(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=MIX_SCHEMA, orient="row")


MIX = _mix(
    ("W", "*", "P", *MARCH, 0.5),
    ("W", "*", "G", *MARCH, 0.3),
    ("W", "*", "S", *MARCH, 0.2),
    ("W", "A", "G", *MARCH, 1.0),
    ("W", "*", "S", *APRIL, 1.0),
)


def _lines(**columns: list[Any]) -> pl.DataFrame:
    count = max(len(values) for values in columns.values()) if columns else 1
    defaults = {"line_id": [f"L{number}" for number in range(count)], "item": ["W"] * count, "date": [DAY] * count}
    strings = ("site", "item_class", "segment_pegged", "segment_direct", "lead_before")
    return pl.DataFrame({**defaults, **columns}, schema_overrides={k: pl.String for k in strings if k in columns})


def _told(frame: pl.DataFrame) -> list[tuple[str, str, float, str]]:
    return [tuple(row) for row in frame.select("line_id", "segment", "share", "basis").iter_rows()]


def test_mix_is_that_of_the_site_then_of_the_item_then_common() -> None:
    lines = _lines(site=["*", "A", "B", None, "*", "*"], item=["W", "W", "W", "W", "X", "W"],
                   date=[DAY, DAY, DAY, DAY, DAY, date(2025, 2, 28)])  # fmt: skip
    whole = [("G", 0.3, "mix"), ("P", 0.5, "mix"), ("S", 0.2, "mix")]
    assert _told(attribute(lines, MIX, AttributionPolicy())) == [
        *(("L0", *row) for row in whole),
        ("L1", "G", 1.0, "mix"),
        *(("L2", *row) for row in whole),
        *(("L3", *row) for row in whole),
        ("L4", COMMON, 1.0, "common"),
        ("L5", COMMON, 1.0, "common"),
    ]


def test_the_mix_of_the_period_that_holds_the_date_counts() -> None:
    lines = _lines(date=[date(2025, 3, 31), date(2025, 4, 1)])
    found = attribute(lines, MIX, AttributionPolicy())
    assert found["line_id"].to_list() == ["L0", "L0", "L0", "L1"]
    open_ended = MIX.with_columns(valid_to=pl.lit(None, pl.Date))
    assert attribute(lines, open_ended, AttributionPolicy()).equals(found)


def test_pegged_lines_count_whole_and_fall_back_where_no_peg_is() -> None:
    lines = _lines(segment_pegged=["S", None])
    policy = AttributionPolicy(Basis.PEGGED)
    assert _told(attribute(lines, MIX, policy))[0] == ("L0", "S", 1.0, "pegged")
    assert {row[3] for row in _told(attribute(lines, MIX, policy)) if row[0] == "L1"} == {"mix"}
    common = AttributionPolicy(Basis.PEGGED, fallback=Basis.COMMON)
    assert _told(attribute(lines, MIX, common))[1] == ("L1", COMMON, 1.0, "common")


def test_pegged_quantities_leave_their_rest_to_the_fallback() -> None:
    lines = _lines(segment_pegged=["G", "G"], quantity=[10.0, 4.0])
    pegs = pl.DataFrame({"line_id": ["L0", "L0", "L1"], "segment": ["P", "S", "S"], "units": [6.0, 2.0, 8.0]})
    policy = AttributionPolicy(Basis.PEGGED, fallback=Basis.COMMON)
    assert _told(attribute(lines, MIX, policy, pegs)) == [
        ("L0", COMMON, 0.2, "common"),
        ("L0", "P", 0.6, "pegged"),
        ("L0", "S", 0.2, "pegged"),
        ("L1", "S", 1.0, "pegged"),
    ]


def test_direct_lines_and_classes_follow_their_own_rule() -> None:
    lines = _lines(item_class=["tooling", None, "tooling"], segment_direct=["P", "P", None])
    policy = AttributionPolicy(by_class={"tooling": Basis.DIRECT}, fallback=Basis.COMMON)
    told = attribute(lines, MIX, policy)
    assert _told(told)[0] == ("L0", "P", 1.0, "direct")
    assert told.filter(pl.col("line_id") == "L1")["basis"].unique().to_list() == ["mix"]
    assert _told(told)[-1] == ("L2", COMMON, 1.0, "common")


def test_lead_takes_the_whole_line_and_is_slow_to_go() -> None:
    policy = AttributionPolicy(Basis.LEAD, rank=("S", "P", "G"), lead_share=0.3, lead_keep=0.2)
    lines = _lines(lead_before=[None, "S", "G", "S"], item=["W", "W", "W", "X"])
    assert _told(attribute(lines, MIX, policy)) == [
        ("L0", "P", 1.0, "lead"),
        ("L1", "S", 1.0, "lead"),
        ("L2", "P", 1.0, "lead"),
        ("L3", COMMON, 1.0, "common"),
    ]


def test_a_segment_without_rank_never_leads() -> None:
    policy = AttributionPolicy(Basis.LEAD, rank=("G",))
    assert _told(attribute(_lines(lead_before=[None]), MIX, policy)) == [("L0", "G", 1.0, "lead")]


def test_hysteresis_halves_the_changes_of_a_share_that_wanders() -> None:
    wandering = [0.32, 0.28, 0.31, 0.25, 0.33, 0.19, 0.25, 0.31]
    rows: list[tuple[Any, ...]] = []
    for month, share in enumerate(wandering, start=1):
        start = date(2025, month, 1)
        end = date(2025, month, 28)
        rows += [("W", "*", "P", start, end, share), ("W", "*", "B", start, end, 1 - share)]
    loose = lead_intervals(_mix(*rows), AttributionPolicy(rank=("P", "B"), lead_share=0.3, lead_keep=0.3))
    firm = lead_intervals(_mix(*rows), AttributionPolicy(rank=("P", "B"), lead_share=0.3, lead_keep=0.2))
    assert loose["lead"].to_list() == ["P", "B", "P", "B", "P", "B", "B", "P"]
    assert firm["lead"].to_list() == ["P", "P", "P", "P", "P", "B", "B", "P"]
    assert (loose["changed"].sum(), firm["changed"].sum()) == (6, 2)
    assert firm["share"].to_list()[5] == pytest.approx(0.81)


def test_lead_intervals_of_nothing() -> None:
    assert lead_intervals(_mix(), AttributionPolicy(rank=("P",))).is_empty()


@st.composite
def attributions(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, AttributionPolicy]:
    rows: list[tuple[Any, ...]] = []
    for item in "WX":
        for site in draw(st.sets(st.sampled_from(["*", "A"]))):
            weights = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=7))
            rows += [(item, site, f"S{n}", *MARCH, weight / sum(weights)) for n, weight in enumerate(weights)]
    count = draw(st.integers(1, 8))
    segments = st.sampled_from([None, "S0", "S1", "S6"])
    column = lambda values: draw(st.lists(values, min_size=count, max_size=count))  # noqa: E731
    lines = _lines(
        item=column(st.sampled_from("WXY")), site=column(st.sampled_from(["*", "A", None])),
        item_class=column(st.sampled_from(["a", "b", "c", None])), segment_pegged=column(segments),
        segment_direct=column(segments), lead_before=column(segments),
        quantity=column(st.integers(1, 9).map(float)),
    )  # fmt: skip
    pegged = draw(
        st.lists(st.tuples(st.integers(0, count - 1), st.sampled_from(["S0", "S3"]), st.integers(0, 9)), max_size=5)
    )
    pegs = pl.DataFrame(
        [(f"L{line}", segment, float(units)) for line, segment, units in pegged],
        schema={"line_id": pl.String, "segment": pl.String, "units": pl.Float64}, orient="row",
    )  # fmt: skip
    policy = AttributionPolicy(
        Basis.MIX, {"a": Basis.PEGGED, "b": Basis.LEAD, "c": Basis.DIRECT},
        fallback=draw(st.sampled_from([Basis.MIX, Basis.COMMON])), rank=("S2", "S0", "S1"),
    )  # fmt: skip
    return lines, _mix(*rows), pegs, policy


@settings(max_examples=80)
@given(attributions(), st.randoms(use_true_random=False))
def test_every_line_is_divided_completely_whatever_the_row_order(parts: Any, chance: random.Random) -> None:
    lines, mix, pegs, policy = parts
    found = attribute(lines, mix, policy, pegs)
    sums = found.group_by("line_id").agg(pl.col("share_parts").sum())
    assert sums.height == lines.height
    assert sums["share_parts"].unique().to_list() == [PARTS]
    assert not found.select("line_id", "segment", "basis").is_duplicated().any()
    shuffled = [part.sample(fraction=1, shuffle=True, seed=chance.randint(0, 99)) for part in (lines, mix, pegs)]
    assert attribute(shuffled[0], shuffled[1], policy, shuffled[2]).equals(found)


def _by_hand(line: dict[str, Any], mix: pl.DataFrame, pegs: pl.DataFrame, policy: AttributionPolicy) -> dict[Any, Any]:
    """{(segment, basis): share} of one line, read off the definition."""
    sites = [line["site"] or "*", "*"]
    rows = next((own for site in sites if (own := [
        (row["segment"], row["share"]) for row in mix.iter_rows(named=True)
        if (row["item"], row["site"]) == (line["item"], site)
        and row["valid_from"] <= line["date"] and (row["valid_to"] is None or line["date"] <= row["valid_to"])
    ])), [])  # fmt: skip
    basis, found = policy.by_class.get(line["item_class"], policy.basis), {}
    if basis is Basis.LEAD:
        keeps = {
            segment: policy.lead_keep if segment == line["lead_before"] else policy.lead_share for segment, _ in rows
        }
        able = [each for each in policy.rank if any(s == each and share >= keeps[s] for s, share in rows)]
        found = {(able[0], "lead"): 1.0} if able else {}
    elif basis is Basis.DIRECT and line["segment_direct"]:
        found = {(line["segment_direct"], "direct"): 1.0}
    elif basis is Basis.PEGGED:
        own = pegs.filter(pl.col("line_id") == line["line_id"]).group_by("segment").agg(pl.col("units").sum())
        total = own["units"].sum()
        if total > 0:
            found = {(s, "pegged"): units / max(total, line["quantity"]) for s, units in own.iter_rows()}
        elif line["segment_pegged"]:
            found = {(line["segment_pegged"], "pegged"): 1.0}
    left = 1 - sum(found.values())
    if basis is Basis.MIX or (basis is not Basis.LEAD and policy.fallback is Basis.MIX):
        found |= {(segment, "mix"): share * left for segment, share in rows if left > 1e-12}
    left = 1 - sum(found.values())
    return found | ({(COMMON, "common"): left} if left > 1e-12 else {})


@settings(max_examples=150)
@given(attributions())
def test_lines_are_divided_as_one_would_by_hand(parts: Any) -> None:
    lines, mix, pegs, policy = parts
    found = attribute(lines, mix, policy, pegs)
    for line in lines.iter_rows(named=True):
        own = found.filter(pl.col("line_id") == line["line_id"])
        told = {
            (segment, basis): share for segment, basis, share in own.select("segment", "basis", "share").iter_rows()
        }
        wanted = {key: share for key, share in _by_hand(line, mix, pegs, policy).items() if share >= 1 / PARTS}
        assert told == pytest.approx(wanted, abs=2 / PARTS)
        assert own["share_parts"].sum() == PARTS


@settings(max_examples=80)
@given(attributions(), st.data())
def test_segments_and_common_sum_to_the_supplier_total(parts: Any, data: st.DataObject) -> None:
    lines, mix, pegs, policy = parts
    money = [Decimal(data.draw(st.integers(-(10**13), 10**13))) / 10_000 for _ in range(lines.height)]
    pieces = [Decimal(data.draw(st.integers(0, 10**6))) for _ in range(lines.height)]
    lines = lines.with_columns(
        pl.Series("amount", money, dtype=pl.Decimal(18, 4)), pl.Series("pieces", pieces, dtype=pl.Decimal(18, 4))
    )
    shares = attribute(lines, mix, policy, pegs)
    divided = split_amounts(lines, shares, {"amount": Decimal("0.01"), "pieces": Decimal(1)})
    by_line = dict(divided.group_by("line_id").agg(pl.col("amount").sum()).iter_rows())
    assert by_line == dict(zip(lines["line_id"], money, strict=True))
    assert sum(divided["pieces"].to_list()) == sum(pieces)
    assert all(count == int(count) for count in divided["pieces"].to_list())
    parts_of = shares.join(lines.select("line_id", whole="amount"), on="line_id").sort("line_id", "segment", "basis")
    for got, part, whole in zip(divided["amount"], parts_of["share_parts"], parts_of["whole"], strict=True):
        quota = Fraction(whole) * part / PARTS
        assert abs(Fraction(got) - quota) < Fraction(2, 100)


def _thirds(line: str = "L0") -> pl.DataFrame:
    return pl.DataFrame({
        "line_id": [line] * 3, "segment": ["A", "B", "C"], "basis": ["mix"] * 3,
        "share_parts": [333_333_334, 333_333_333, 333_333_333],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "step", "expected"),
    [
        ("100.00", "0.01", ["33.34", "33.33", "33.33"]),
        ("-100.00", "0.01", ["-33.34", "-33.33", "-33.33"]),
        ("100", "1", ["34", "33", "33"]),
        ("10.0050", "0.01", ["3.345", "3.33", "3.33"]),
        ("0.0003", "0.01", ["0.0003", "0", "0"]),
    ],
)
def test_amounts_are_divided_to_the_step(amount: str, step: str, expected: list[str]) -> None:
    lines = pl.DataFrame(
        {"line_id": ["L0"], "amount": [Decimal(amount)]}, schema_overrides={"amount": pl.Decimal(18, 4)}
    )
    divided = split_amounts(lines, _thirds(), {"amount": Decimal(step)})["amount"].to_list()
    assert sum(divided) == Decimal(amount)
    assert divided == [Decimal(value) for value in expected]


def test_the_largest_amounts_are_divided_without_overflow() -> None:
    amount = Decimal("99999999999999.9999")
    lines = pl.DataFrame({"line_id": ["L0"], "amount": pl.Series([amount], dtype=pl.Decimal(18, 4))})
    divided = split_amounts(lines, _thirds(), {"amount": Decimal("0.0001")})["amount"].to_list()
    quotas = [Fraction(amount) * parts / PARTS for parts in _thirds()["share_parts"]]
    assert sum(divided) == amount
    assert all(abs(Fraction(got) - quota) < Fraction(1, 10_000) for got, quota in zip(divided, quotas, strict=True))


def test_the_step_may_differ_by_line_and_empty_amounts_stay_empty() -> None:
    lines = pl.DataFrame({
        "line_id": ["YEN", "EUR", "NONE"], "amount": [Decimal(100), Decimal(100), None],
        "smallest": [Decimal(1), Decimal("0.01"), Decimal(1)],
    }, schema_overrides={"amount": pl.Decimal(18, 4), "smallest": pl.Decimal(18, 4)})  # fmt: skip
    shares = pl.concat([_thirds(line) for line in ("YEN", "EUR", "NONE")])
    divided = split_amounts(lines, shares, {"amount": "smallest"})
    amounts = {key[0]: rows["amount"].to_list() for key, rows in divided.group_by("line_id")}
    assert amounts["YEN"] == [34, 33, 33]
    assert amounts["EUR"][0] == Decimal("33.34")
    assert amounts["NONE"] == [None, None, None]


def test_what_cannot_be_divided_is_refused() -> None:
    floats = pl.DataFrame({"line_id": ["L0"], "amount": [1.0]})
    with pytest.raises(ValueError, match=r"lines\.amount must be a Decimal"):
        split_amounts(floats, _thirds(), {"amount": Decimal("0.01")})
    exact = floats.cast({"amount": pl.Decimal(18, 2)})
    with pytest.raises(ValueError, match=r"multiple of 0\.01"):
        split_amounts(exact, _thirds(), {"amount": Decimal("0.001")})
    with pytest.raises(ValueError, match="no row for 1 line"):
        split_amounts(exact, _thirds("OTHER"), {"amount": Decimal("0.01")})
    with pytest.raises(ValueError, match="not unique"):
        attribute(_lines(line_id=["L0", "L0"]), MIX, AttributionPolicy())
    late = MIX.with_columns(valid_to=pl.lit(APRIL[0]))
    with pytest.raises(ValueError, match="overlapping"):
        attribute(_lines(), late, AttributionPolicy())
    for wrong in ({"basis": Basis.COMMON}, {"basis": Basis.LEAD}, {"fallback": Basis.LEAD}, {"lead_keep": 0.5}):
        with pytest.raises(ValueError, match=r"basis|rank|fallback|lead_keep"):
            AttributionPolicy(**wrong)  # type: ignore[arg-type]


def test_no_lines_give_no_rows() -> None:
    assert attribute(_lines().clear(), MIX, AttributionPolicy()).is_empty()


@given(st.lists(st.floats(0, 1e6), max_size=30))
def test_effective_n_lies_between_one_and_the_count(weights: list[float]) -> None:
    found = effective_n(weights)
    positive = sum(weight > 0 for weight in weights)
    assert found <= positive * (1 + 1e-9)
    assert found >= 1 - 1e-9 if positive else found == 0
    assert effective_n([3.0 * weight for weight in weights]) == pytest.approx(found, rel=1e-6)


def test_effective_n_by_hand() -> None:
    assert effective_n([0.3] * 100) == pytest.approx(100)
    frame = pl.DataFrame({"group": ["a"] * 5 + ["b"], "share": [1.0, 1, 1, 1, 4, 0]})
    assert dict(frame.group_by("group").agg(effective_n_of("share")).iter_rows()) == {"a": 3.2, "b": 0.0}
    with pytest.raises(ValueError, match="weights"):
        effective_n([1.0, -1.0])
