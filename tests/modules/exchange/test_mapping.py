"""Mappings: every mistake is named, and what is written is what was asked for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.exchange.scenes import TODAY
from tierwise.modules.exchange.layout import (
    DIGEST,
    CannotMap,
    base_after,
    difference,
    digested,
    empty_base,
    everything,
    mapped,
    write,
)
from tierwise.modules.exchange.records.feeds import FEEDS, ITEM_SEGMENTS, LANE_POLICIES
from tierwise.modules.exchange.records.mapping import default_mapping, read_out_mapping
from tierwise.modules.exchange.records.words import Send
from tierwise.wire.documents import DocumentError


def mistakes(text: str) -> str:
    with pytest.raises(DocumentError) as error:
        read_out_mapping(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("feed: ruling", "feed: 'ruling' is not a feed; did you mean 'rulings'"),
        ("feed: rulings\nfrom: csv", "from: is not known here"),
        ("feed: rulings\ncolumns: {A: suplier}", "columns.A: 'suplier' is not a column of rulings; did you mean"),
        ("feed: rulings\ncolumns: {A: {from: order, constant: x}}", "has 2 origins"),
        ("feed: rulings\ncolumns: {A: {values: {a: b}}}", "has 0 origins"),
        ("feed: rulings\ncolumns: {A: {from: order, unit: percent}}", "order has no unit"),
        ("feed: item_segments\ncolumns: {A: {from: share, unit: weeks}}", "has the unit 'ratio'"),
        ("feed: rulings\ncolumns: {A: {text: '{order}/{lin}'}}", "'lin' is not a column"),
        ("feed: rulings\nname: x.csv", "has no {batch}"),
        ("feed: rulings\nname: '../{batch}'", "not a plain file name"),
        ("feed: rulings\nname: '{batch}{nope}'", "cannot be filled in"),
        ("feed: rulings\nsplit: site\nname: '{batch}.csv'", "has no {part}"),
        ("feed: rulings\nsplit: plant", "'plant' is not a column"),
        ("feed: rulings\nwhere: sit = 'P1'", "where"),
        ("feed: rulings\nwhere: item in (select 1)", "query of its own"),
        ("feed: rulings\ndecimal: ';'", "no decimal sign"),
        ("feed: rulings\ndates: yyyy", "no date pattern"),
        ("feed: rulings\nseparator: '||'", "one character"),
        ("feed: rulings\nencoding: klingon", "not known"),
        ("- a", "start with `feed:`"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_place_and_remedy(text: str, why: str) -> None:
    assert why in mistakes(text)


@pytest.mark.parametrize("feed", FEEDS.values(), ids=lambda feed: feed.name)
def test_the_mapping_one_starts_from_can_be_used(feed: object) -> None:
    mapping = read_out_mapping(default_mapping(feed))  # type: ignore[arg-type]
    assert [column.name for column in mapping.columns] == ["change", *mapping.feed.schema]
    assert write(empty_batch(mapping.feed), mapping, 1, TODAY)[0].rows == 0


def empty_batch(feed: object) -> pl.DataFrame:
    return difference(digested(pl.DataFrame(schema=feed.schema), feed), empty_base(feed), feed, frozenset())  # type: ignore[attr-defined, arg-type]


def lanes() -> pl.DataFrame:
    rows = [
        ("L1", "I1", "A", "P1", "cadence.horizon_days", "14", 14.0, 3),
        ("L2", "I1", "B", "P/2", "cadence.horizon_days", "28", 28.0, 3),
        ("L3", "I2", "B", None, "cadence.horizon_days", "7", 7.0, 3),
    ]
    return pl.DataFrame(rows, schema=LANE_POLICIES.schema, orient="row")


def all_new(rows: pl.DataFrame, feed: object = LANE_POLICIES) -> pl.DataFrame:
    return difference(digested(rows, feed), empty_base(feed), feed, frozenset())  # type: ignore[arg-type]


def test_names_codes_constants_texts_and_numbers() -> None:
    mapping = read_out_mapping("""
feed: lane_policies
decimal: ","
columns:
  MANDT: {constant: "100"}
  KEY: {text: "{item}-{supplier}"}
  VENDOR: {from: supplier, values: {A: "0001"}, otherwise: keep}
  PLANT: {from: site, empty: "-"}
  DAYS: {from: number, decimals: 1}
  LFD: row
  BATCH: batch
  ID: row_key
""")
    [file] = write(all_new(lanes()), mapping, 7, TODAY)
    assert file.name == "lane_policies_00000007.csv"
    assert file.content.decode() == (
        "MANDT,KEY,VENDOR,PLANT,DAYS,LFD,BATCH,ID\n"
        '100,I1-A,0001,P1,"14,0",1,7,L1|cadence.horizon_days\n'
        '100,I1-B,B,P/2,"28,0",2,7,L2|cadence.horizon_days\n'
        '100,I2-B,B,-,"7,0",3,7,L3|cadence.horizon_days\n'
    )


def test_a_code_without_a_translation_stops_the_batch() -> None:
    text = "feed: lane_policies\ncolumns: {V: {from: supplier, values: {A: x}, otherwise: %s}}"
    with pytest.raises(CannotMap, match="B is not in its code map"):
        write(all_new(lanes()), read_out_mapping(text % "refuse"), 1, TODAY)
    emptied = mapped(all_new(lanes()).with_row_index("row"), read_out_mapping(text % "empty"))
    assert emptied["V"].to_list() == ["x", None, None]


def test_files_are_split_by_site_with_plain_names() -> None:
    mapping = read_out_mapping("feed: lane_policies\nsplit: site\nform: json\ncolumns: {L: lane}")
    files = write(all_new(lanes()), mapping, 1, TODAY)
    assert [(f.name, f.content) for f in files] == [
        ("lane_policies_00000001_none.json", b'[{"L":"L3"}]\n'),
        ("lane_policies_00000001_P_2.json", b'[{"L":"L2"}]\n'),
        ("lane_policies_00000001_P1.json", b'[{"L":"L1"}]\n'),
    ]


def test_units_are_converted_and_rounded() -> None:
    rows = pl.DataFrame([("I1", "PREM", Decimal("0.123456"), 2)], schema=ITEM_SEGMENTS.schema, orient="row")
    mapping = read_out_mapping("feed: item_segments\ncolumns: {P: {from: share, unit: percent, decimals: 2}, R: share}")
    assert write(all_new(rows, ITEM_SEGMENTS), mapping, 1, TODAY)[0].content == b"P,R\n12.35,0.123456\n"


def test_equal_decisions_give_equal_bytes() -> None:
    mapping = read_out_mapping("feed: lane_policies\nform: xlsx")
    one = write(all_new(lanes()), mapping, 1, TODAY)
    two = write(all_new(lanes().reverse()), mapping, 1, TODAY)
    assert one == two


# --- what differs, and what the receiver holds

shares = st.dictionaries(st.sampled_from("abcdefgh|\\"), st.integers(1, 9), max_size=8)


def items(values: dict[str, int]) -> pl.DataFrame:
    rows = [(item, "S", Decimal(share) / 10, 1) for item, share in values.items()]
    return digested(pl.DataFrame(rows, schema=ITEM_SEGMENTS.schema, orient="row"), ITEM_SEGMENTS)


def held(base: pl.DataFrame) -> dict[str, str]:
    return dict(base.select("item", DIGEST).iter_rows())


@settings(max_examples=60)
@given(before=shares, after=shares, refused=st.sets(st.sampled_from("abcdefgh|\\")))
def test_batches_bring_the_receiver_to_what_is_true(
    before: dict[str, int], after: dict[str, int], refused: set[str]
) -> None:
    """Law: after a batch the receiver holds today's rows, and the old word for rows it refused."""
    old, new = items(before), items(after)
    first = difference(old, empty_base(ITEM_SEGMENTS), ITEM_SEGMENTS, frozenset())
    assert set(first["change"].unique()) <= {"new"}
    base = base_after(empty_base(ITEM_SEGMENTS), first, ITEM_SEGMENTS, Send.CHANGES, frozenset())
    assert held(base) == held(old)
    moved = difference(new, base, ITEM_SEGMENTS, frozenset())
    kinds = dict(moved.select("item", "change").iter_rows())
    expected = dict.fromkeys(before.keys() - after.keys(), "gone") | dict.fromkeys(after.keys() - before.keys(), "new")
    expected |= {i: "changed" for i in before.keys() & after.keys() if before[i] != after[i]}
    assert kinds == expected
    keys = frozenset(moved.filter(pl.col("item").is_in(list(refused)))["row_key"])
    settled = base_after(base, moved, ITEM_SEGMENTS, Send.CHANGES, keys)
    wanted = {**held(new), **{i: d for i, d in held(old).items() if i in refused}}
    wanted = {i: d for i, d in wanted.items() if i not in refused or i in before}
    assert held(settled) == wanted
    # What was refused is not asked again, what was taken is not sent again.
    turned = frozenset((r["row_key"], r[DIGEST]) for r in moved.to_dicts() if r["row_key"] in keys)
    assert difference(new, settled, ITEM_SEGMENTS, turned).is_empty()
    whole = everything(new, base, ITEM_SEGMENTS)
    assert held(base_after(base, whole, ITEM_SEGMENTS, Send.EVERYTHING, frozenset())) == held(new)


def test_a_filter_that_leaves_a_row_out_takes_it_back() -> None:
    from tierwise.modules.exchange.layout import kept

    first = all_new(lanes())
    base = base_after(empty_base(LANE_POLICIES), first, LANE_POLICIES, Send.CHANGES, frozenset())
    now = digested(kept(lanes(), "supplier = 'A'"), LANE_POLICIES)
    moved = difference(now, base, LANE_POLICIES, frozenset())
    assert moved.select("lane", "change").rows() == [("L2", "gone"), ("L3", "gone")]


def test_dates_follow_the_pattern() -> None:
    mapping = read_out_mapping(
        "feed: supports\ndates: '%d.%m.%Y'\ncolumns: {V: valid_from, W: {from: valid_from, dates: '%Y%m%d'}}"
    )
    schema = FEEDS["supports"].schema
    rows = pl.DataFrame([("A", "S", date(2025, 7, 1), None, "execution", "confirmed")], schema=schema, orient="row")
    assert write(all_new(rows, FEEDS["supports"]), mapping, 1, TODAY)[0].content == b"V,W\n01.07.2025,20250701\n"


def test_the_mapping_of_the_manual_can_be_used() -> None:
    import re
    from pathlib import Path

    manual = (Path(__file__).resolve().parents[3] / "docs" / "exchange.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", manual, re.DOTALL)
    assert example is not None
    assert read_out_mapping(example.group(1)).feed.name == "rulings"
    keys = {key for line in re.findall(r"^\| (`.*?) \|", manual, re.MULTILINE) for key in re.findall(r"`(\w+)`", line)}
    from tierwise.modules.exchange.records.mapping import MAPPING_KEYS

    documented = {key for group in MAPPING_KEYS["document"] for key in group.split(", ")}
    assert documented <= keys
    assert set(FEEDS) <= keys
