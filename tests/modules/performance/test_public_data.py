"""Known totals of public data, through the import and the module, against plain recomputation from the files."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from fixtures.worlds import World
from tierwise.engine.scoring import DateBasis, Event, OtifParams
from tierwise.lake import queries as lake
from tierwise.lake.jobs import import_extract
from tierwise.lake.records import ImportState
from tierwise.modules.performance import actions, queries
from tierwise.modules.performance.queries.measuring import measure
from tierwise.modules.performance.records import Formula

pytestmark = [pytest.mark.database, pytest.mark.slow]
MAPPINGS = Path(__file__).resolve().parents[3] / "examples" / "mappings"


def bring(world: World, folder: Path, mapping: str) -> None:
    outcome = import_extract(world["planner"], folder, MAPPINGS / mapping)
    assert outcome.state is ImportState.IMPORTED


def totals(world: World, formula: Formula, years: range) -> tuple[dict[str, tuple[float, float]], pl.DataFrame]:
    """Numerator and denominator of every measure over all suppliers, segments and years; and every line due."""
    written = actions.put_formula(world["planner"], formula)
    used = queries.formula(world["planner"], written)
    assert used is not None
    tables, lines = [], []
    for year in years:
        span = queries.PeriodSpan(str(year), date(year, 1, 1), date(year, 12, 31))
        request = queries.Request(used, span, lake.manifest(world["planner"]), anew=True)
        facts, judged = queries.load_lines(world["planner"], request)
        tables.append(measure(facts, judged, formula, ("COMMON",))[0].measures)
        lines.append(judged.due)
    found = pl.concat(tables).group_by("measure").agg(pl.col("numerator", "denominator").sum())
    return {name: (top, bottom) for name, top, bottom in found.rows()}, pl.concat(lines)


def test_adventureworks_fill_rate_and_rejects(world: World, shared_data: Path) -> None:
    """8,845 lines: ordered 2,348,637, received 2,327,299 (99.091 %), rejected 72,700 (3.12 %)."""
    folder = shared_data / "adventureworks"
    with (folder / "PurchaseOrderDetail.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    ordered, received, refused = (sum(float(row[place]) for row in rows) for place in (3, 7, 8))
    assert (len(rows), ordered, received, refused) == (8_845, 2_348_637, 2_327_299, 72_700)
    bring(world, folder, "adventureworks.yaml")
    formula = Formula(otif=OtifParams(basis=DateBasis.REQUESTED, event=Event.POSTING), close_days=3660, shrinkage=False)
    found, lines = totals(world, formula, range(2021, 2027))
    assert found["reject_ppm"] == (pytest.approx(refused), pytest.approx(received))
    assert refused / received == pytest.approx(0.0312, abs=5e-5)
    assert (lines.height, lines["ordered"].sum(), lines["received"].sum()) == (len(rows), ordered, received)
    assert received / ordered == pytest.approx(0.99091, abs=5e-6)
    # Orders that the buyer rejected (status 3) stay in the list and out of the fill rate.
    with (folder / "PurchaseOrderHeader.csv").open(encoding="utf-8-sig", newline="") as file:
        cancelled = {row[0] for row in csv.reader(file, delimiter="\t") if row[2] == "3"}
    kept = [row for row in rows if row[0] not in cancelled]
    wanted = sum(float(row[7]) for row in kept), sum(float(row[3]) for row in kept)
    assert found["fill_rate"] == (pytest.approx(wanted[0]), pytest.approx(wanted[1]))
    assert lines.filter(pl.col("exclusion") == "cancelled_by_buyer").height == len(rows) - len(kept)


def with_codes(path: Path, folder: Path) -> None:
    """A copy of the extract in which vendors, items and sites go by short codes: their names are up to 95 long."""
    frame = pl.read_csv(path, infer_schema=False, encoding="utf8")
    names = {"Vendor": "V", "Item Description": "I", "Manufacturing Site": "S"}
    frame.with_columns(
        pl.format("{}{}", pl.lit(mark), pl.col(name).rank("dense")).alias(name) for name, mark in names.items()
    ).write_csv(folder / path.name)


def test_scms_direct_deliveries(world: World, shared_data: Path, tmp_path: Path) -> None:
    """2,273 direct deliveries: 93.40 % on or before the scheduled day, 77.91 % on it, on average 8.05 days before."""

    def day(text: str) -> date:
        return datetime.strptime(text, "%d-%b-%y" if "-" in text else "%m/%d/%y").replace(tzinfo=UTC).date()

    path = shared_data / "scms" / "scms_delivery_history_to_2011.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Fulfill Via"] == "Direct Drop"]
    gaps = [(day(row["Delivered to Client Date"]) - day(row["Scheduled Delivery Date"])).days for row in rows]
    with_codes(path, tmp_path)
    bring(world, tmp_path, "scms.yaml")
    promised = OtifParams(basis=DateBasis.PROMISED)
    years = range(2005, 2014)
    found, _ = totals(world, Formula(otif=promised, close_days=3660), years)
    assert found["otif"] == (pytest.approx(sum(gap <= 0 for gap in gaps)), pytest.approx(len(gaps)))
    assert found["otif"][0] / found["otif"][1] == pytest.approx(0.9340, abs=5e-5)
    assert found["lead_time_bias"][0] / found["lead_time_bias"][1] == pytest.approx(sum(gaps) / len(gaps))
    assert sum(gaps) / len(gaps) == pytest.approx(-8.05, abs=5e-3)
    on_the_day = OtifParams(basis=DateBasis.PROMISED, early_days=0)
    exact, _ = totals(world, Formula(otif=on_the_day, close_days=3660), years)
    assert exact["on_time"] == (pytest.approx(sum(gap == 0 for gap in gaps)), pytest.approx(len(gaps)))
    assert exact["on_time"][0] / exact["on_time"][1] == pytest.approx(0.7791, abs=5e-5)
