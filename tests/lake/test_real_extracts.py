"""The example mappings bring four public extracts in with their known totals, and nothing is dropped in silence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from tierwise.lake.imports import Options, Prepared, prepare
from tierwise.lake.issues import Severity
from tierwise.lake.mapping_reader import load_mapping
from tierwise.lake.store import Batch, LakeStore

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the public extracts are not beside the checkout")


@cache
def extract(name: str) -> Prepared:
    known = {"item": extract("adventureworks").tables["item"]["item"]} if name == "adventureworks_sales" else None
    return prepare(DATA / name, load_mapping(ROOT / "examples" / "mappings" / f"{name}.yaml"), Options(known or {}))


def notes(name: str, table: str) -> dict[tuple[str, str], int]:
    return {(one.column, one.why): one.count for one in extract(name).report.counts if one.table == table}


def raw(path: str, **options: object) -> pl.DataFrame:
    return pl.read_csv(DATA / path, infer_schema=False, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["adventureworks", "adventureworks_sales", "scms", "online_retail"])
def test_every_row_read_is_imported_merged_or_left_out_by_count(name: str) -> None:
    report = extract(name).report
    assert report.total(Severity.REFUSE) == 0
    for table in report.tables:
        assert table.read == table.rows + table.merged + sum(table.left_out.values()), table


def test_adventureworks_purchases() -> None:
    tables = extract("adventureworks").tables
    lines, receipts, rejects = tables["purchase_line"], tables["receipt"], tables["reject"]
    assert (lines.height, lines["order"].n_unique(), tables["supplier"].height) == (8845, 4012, 104)
    assert lines["quantity"].sum() == 2_348_637
    assert lines["amount"].sum().quantize(Decimal("0.01")) == Decimal("63791994.84")
    assert receipts["quantity"].sum() == 2_327_299
    assert rejects["quantity"].sum() == 72_700
    assert rejects.height / lines.height == pytest.approx(0.064, abs=0.0005)
    assert pytest.approx(0.0312, abs=0.00005) == 72_700 / 2_327_299
    both = lines.join(receipts, on=["order", "line"], suffix="_received", validate="1:1")
    assert both.filter(pl.col("quantity_received") < pl.col("quantity")).height / 8845 == pytest.approx(
        0.043, abs=0.0005
    )
    assert both.filter(pl.col("quantity_received") > pl.col("quantity")).height == 0
    states = dict(lines["state"].value_counts().iter_rows())
    assert states == {"closed": 8169, "open": 477 + 57, "cancelled": 142}
    assert lines.filter(pl.col("cancelled_by") == "buyer")["state"].unique().to_list() == ["cancelled"]


def test_adventureworks_network() -> None:
    tables = extract("adventureworks").tables
    assert tables["lane"].height == 460
    assert tables["lane"]["item"].n_unique() == 265
    assert tables["lane"]["unit"].unique().to_list() == ["EA"]
    assert tables["site"]["site"].to_list() == ["MAIN"]
    assert tables["bill_of_material"].height == 2679 - 103
    assert tables["cost"].group_by("kind").len().sort("kind").rows() == [("list", 395), ("standard", 395)]
    assert tables["stock"].height == 1069


def test_adventureworks_sold_bought_and_reached() -> None:
    """All 130 sold products match; of 265 bought items 42 are sold, 86 reached by the bill, 118 in all."""
    tables, sales = extract("adventureworks").tables, extract("adventureworks_sales").tables
    sold = set(sales["demand"]["item"])
    assert len(sold) == 130
    assert sold <= set(tables["item"]["item"])
    bill = tables["bill_of_material"].filter(pl.col("valid_to").is_null())
    below: dict[str, set[str]] = {}
    for parent, component in bill.select("parent", "component").iter_rows():
        below.setdefault(parent, set()).add(component)
    reached: set[str] = set()
    ahead = set(sold)
    while ahead:
        ahead = {one for parent in ahead for one in below.get(parent, ())} - reached
        reached |= ahead
    bought = set(tables["lane"]["item"])
    assert (len(bought & sold), len(bought & reached), len(bought & (sold | reached))) == (42, 86, 118)


def test_adventureworks_sales() -> None:
    prepared = extract("adventureworks_sales")
    demand, customers = prepared.tables["demand"], prepared.tables["customer"]
    assert (demand.height, demand["quantity"].sum(), demand["customer"].n_unique()) == (56_046, 84_174, 17_411)
    assert (demand["ordered_on"].min(), demand["ordered_on"].max()) == (date(2023, 1, 1), date(2025, 6, 30))
    assert prepared.report.tables[-1].shift == "+6 years"
    assert customers.height == 18_148
    assert customers["name"].null_count() == customers.height
    assert customers["customer_group"].value_counts()["count"].min() > 2_000  # type: ignore[operator]
    assert demand["region"].n_unique() == 10
    assert demand["occurrence"].value_counts().sort("occurrence").rows() == [(1, 56_042), (2, 4)]
    lines = pl.concat([raw(f"adventureworks_sales/AdventureWorks_Sales_{year}.csv") for year in (2017, 2018, 2019)])
    priced = lines.join(raw("adventureworks_sales/AdventureWorks_Products.csv"), on="ProductKey")
    cents = sum(
        int(count) * Decimal(price) for count, price in priced.select("OrderQuantity", "ProductPrice").iter_rows()
    )
    assert demand["revenue"].sum() == cents


def test_scms_on_time() -> None:
    tables = extract("scms").tables
    lines = tables["purchase_line"].join(tables["receipt"], on=["order", "line"], validate="1:1")
    assert (lines.height, tables["supplier"].height, tables["demand"].height) == (2273, 54, 5234)
    late = (lines["arrived_on"] - lines["requested_on"]).dt.total_days()
    assert (late <= 0).mean() == pytest.approx(0.9340, abs=0.00005)
    assert (late == 0).mean() == pytest.approx(0.7791, abs=0.00005)
    assert late.mean() == pytest.approx(-8.05, abs=0.005)
    assert extract("scms").report.tables[-1].left_out == {"filled from the regional warehouse": 2961}


def test_scms_lists_every_dirty_cell() -> None:
    """Cell by cell: what is no number or date in the file is in the listing, with its row and value."""
    lines = raw("scms/scms_delivery_history_to_2011.csv").with_row_index("row", offset=2)
    number, day = r"^-?[\d.]+$", r"^(\d+/\d+/\d\d|\d{4}-\d\d-\d\d)$"
    dirty = [
        lines.filter(~pl.col(column).str.contains(pattern)).select(
            pl.col("row").cast(pl.Int64), pl.lit(column).alias("column"), pl.col(column).alias("value")
        )
        for column, pattern in {
            "PQ First Sent to Client Date": day, "PO Sent to Vendor Date": day,
            "Weight (Kilograms)": number, "Freight Cost (USD)": number,
        }.items()
    ]  # fmt: skip
    expected = pl.concat(dirty).sort("column", "row")
    listed = extract("scms").report.issues.filter(pl.col("why").str.starts_with("declared as no value"))
    assert expected.height == 2681 + 3232 + 1816 + 1943
    assert listed.select("row", "column", "value").sort("column", "row").equals(expected)
    weighed = ("Weight (Kilograms)", "declared as no value: the shipment was weighed as a whole")
    assert notes("scms", "purchase_line")[weighed] == 650


def test_scms_misprinted_dates_fit_the_deliveries() -> None:
    """Read as month-day-year none of the 1,001 dates lies after the delivery; read as printed 236 do."""
    lines = raw("scms/scms_delivery_history_to_2011.csv")
    printed = pl.col("PQ First Sent to Client Date").str.to_date("%Y-%m-%d", strict=False)
    delivered = pl.col("Delivered to Client Date").str.to_date("%d-%b-%y")
    assert lines.filter(printed.is_not_null()).height == 1001
    assert lines.filter(printed > delivered).height == 236
    demand = extract("scms").tables["demand"]
    assert demand.filter(pl.col("ordered_on") > pl.col("shipped_on")).height == 0


def test_online_retail() -> None:
    prepared = extract("online_retail")
    demand = prepared.tables["demand"]
    lines = raw("online_retail/online_retail.csv.gz").select(pl.col("Quantity", "UnitPrice").cast(pl.Float64))
    assert (demand.height, prepared.tables["item"].height, prepared.tables["customer"].height) == (
        541_909,
        4_070,
        4_373,
    )
    assert demand.filter(customer="ANONYMOUS").height == 135_080
    returns = lines.filter((pl.col("Quantity") < 0) | (pl.col("UnitPrice") < 0)).height
    assert demand.filter(kind="return").height == returns == 10_626
    sign = pl.when(pl.col("kind") == "return").then(-1).otherwise(1)
    net = demand.select(
        units=(sign * pl.col("quantity").cast(pl.Float64)).sum(),
        money=(sign * pl.col("revenue").cast(pl.Float64)).sum(),
    )
    # the two bad-debt entries return one unit each at a negative price
    assert net["units"][0] == lines["Quantity"].sum() - 4
    assert net["money"][0] == pytest.approx((lines["Quantity"] * lines["UnitPrice"]).sum(), abs=0.01)
    assert not demand.select("order", "line", "occurrence").is_duplicated().any()
    assert prepared.tables["customer"].filter(customer="ANONYMOUS")["customer_group"].to_list() == ["anonymous"]


def test_a_second_import_changes_nothing_and_a_corrected_one_just_what_differs(tmp_path: Path) -> None:
    lake, tables = LakeStore(tmp_path), extract("adventureworks").tables
    versions: dict[str, int] = {}
    names = ("purchase_line", "receipt", "reject", "bill_of_material", "cost", "stock")
    for day in (1, 2):
        for name in names:
            at = datetime(2025, 10, day, tzinfo=UTC)
            change = lake.apply(Batch(name, tables[name], "adventureworks", at), versions)
            versions[name] = change.version
            assert (change.new, change.unchanged) == (
                (tables[name].height, 0) if day == 1 else (0, tables[name].height)
            )
    assert set(versions.values()) == {0}
    stock = tables["stock"].with_columns(
        pl.when(pl.int_range(pl.len()) == 3)
        .then(pl.lit(0))
        .otherwise("quantity")
        .cast(pl.Decimal(18, 4))
        .alias("quantity")
    )
    change = lake.apply(Batch("stock", stock, "adventureworks", datetime(2025, 10, 3, tzinfo=UTC)), versions)
    assert (change.new, change.changed, change.closed) == (0, 1, 0)
