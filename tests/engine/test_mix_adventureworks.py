"""The mix on a real bicycle maker: 130 sold products, 2,383 current bill rows, 265 bought items."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from engine.mix_oracle import as_units, recurse
from tierwise.engine.attribution import AttributionPolicy, lead_intervals
from tierwise.engine.mix import WindowParams, explain, segment_mix, window_mix
from tierwise.engine.mix.carry import net_demand
from tierwise.engine.network import rows_valid_on

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MAKER, SALES = DATA / "adventureworks", DATA / "adventureworks_sales"
ON = date(2025, 6, 30)
pytestmark = pytest.mark.skipif(not (MAKER / "Product.csv").exists(), reason="the adventureworks extracts are not here")


def _table(name: str, **columns: int) -> pl.DataFrame:
    """Chosen columns of a tab-separated file without header, as text."""
    frame = pl.read_csv(MAKER / f"{name}.csv", separator="\t", has_header=False, infer_schema=False, quote_char=None)
    return frame.select(pl.col(frame.columns[at]).alias(column) for column, at in columns.items())


@pytest.fixture(scope="module")
def bom() -> pl.DataFrame:
    numbers = _table("Product", id=0, number=2)
    rows = _table("BillOfMaterials", parent=1, component=2, start=3, end=4, quantity=7).filter(pl.col("parent") != "")
    names = dict(numbers.iter_rows())
    day = [pl.col(column).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False) for column in ("start", "end")]
    return rows.select(
        pl.col("parent", "component").replace_strict(names),
        quantity_per=pl.col("quantity").cast(pl.Float64),
        valid_from=day[0],
        valid_to=day[1],
    )


@pytest.fixture(scope="module")
def bought() -> set[str]:
    names = dict(_table("Product", id=0, number=2).iter_rows())
    return {names[number] for number in _table("ProductVendor", id=0)["id"]}


@pytest.fixture(scope="module")
def demand() -> pl.DataFrame:
    """Sales six years later, in segments made up from the parity of the customer's key and the territory."""
    skus = pl.read_csv(SALES / "AdventureWorks_Products.csv", columns=["ProductKey", "ProductSKU"])
    years = [pl.read_csv(SALES / f"AdventureWorks_Sales_{year}.csv") for year in (2017, 2018, 2019)]
    lines = pl.concat(years).join(skus, on="ProductKey")
    assert lines.height == 56_046
    segment = pl.format("{}{}", pl.col("CustomerKey") % 2, (pl.col("TerritoryKey") > 5).cast(pl.Int8))
    return lines.select(
        item="ProductSKU",
        segment=segment.replace_strict({"00": "PREMIUM", "01": "GROWTH", "10": "BASIC", "11": "SPOT"}),
        units=pl.col("OrderQuantity").cast(pl.Float64),
        date=pl.col("OrderDate").str.to_date("%m/%d/%Y").dt.offset_by("6y"),
    )


def test_of_265_bought_items_118_serve_segments(demand: pl.DataFrame, bom: pl.DataFrame, bought: set[str]) -> None:
    current = rows_valid_on(bom, ON)
    mix = segment_mix(demand, current)
    frame = mix.frame()
    sold, reached = set(demand["item"]), set(frame["item"])
    called_for = {mix.network.label(int(node)) for node in mix.network.reached.to}
    assert (demand["units"].sum(), len(sold), len(bought)) == (84_174, 130, 265)
    assert len(bought & sold) == 42
    assert len(bought & called_for) == 86
    assert len(bought & reached) == 118
    assert len(bought - reached) == 147
    sums = frame.group_by("item", "site").agg(pl.col("share").sum())["share"]
    assert ((sums - 1).abs() < 1e-12).all()


def test_equals_the_recursion(demand: pl.DataFrame, bom: pl.DataFrame) -> None:
    current = rows_valid_on(bom, ON)
    defaults = {"site": "*", "option_rate": 1.0, "version_share": 1.0, "yield_ratio": 1.0, "phantom": False}
    netted = net_demand(demand)
    expected = recurse(netted.to_dicts(), [{**row, **defaults} for row in current.to_dicts()], [])
    found = as_units(segment_mix(demand, current).frame())
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(units, rel=1e-9) for key, units in expected.items())


def test_every_bought_item_explains_its_units(demand: pl.DataFrame, bom: pl.DataFrame, bought: set[str]) -> None:
    mix = segment_mix(demand, rows_valid_on(bom, ON))
    whole = dict(mix.frame().group_by("item").agg(pl.col("units").sum()).iter_rows())
    for item in sorted(bought & whole.keys())[::10]:
        told = explain(mix, item, top=3)
        assert told.units == pytest.approx(whole[item], rel=1e-9)
        assert told.contributions["units"].sum() + told.others["units"].sum() == pytest.approx(told.units, rel=1e-9)


def test_a_longer_window_and_hysteresis_calm_the_lead(demand: pl.DataFrame, bom: pl.DataFrame) -> None:
    starts = pl.date_range(date(2025, 1, 1), date(2025, 5, 30), "3d", eager=True).to_list()
    changes: dict[tuple[int, float], int] = {}
    for days in (7, 90):
        mix = window_mix(demand, starts, rows_valid_on(bom, ON), params=WindowParams(window_days=days))
        sums = mix.group_by("item", "site", "valid_from").agg(pl.col("share").sum())["share"]
        assert ((sums - 1).abs() < 1e-12).all()
        for keep in (0.3, 0.2):
            policy = AttributionPolicy(rank=("PREMIUM", "GROWTH", "BASIC", "SPOT"), lead_share=0.3, lead_keep=keep)
            changes[days, keep] = lead_intervals(mix, policy)["changed"].sum()
    assert changes[90, 0.3] < changes[7, 0.3] / 4
    assert changes[90, 0.2] < changes[90, 0.3] / 2
    assert changes[7, 0.2] < changes[7, 0.3]
