"""Known totals of public data, through the import and the module, against plain recomputation from the files."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from fixtures.worlds import World
from tierwise.engine.scoring import DateBasis, Event, OtifParams
from tierwise.kernel.clock import clock_set
from tierwise.lake import queries as lake
from tierwise.lake.jobs import import_extract
from tierwise.lake.records import ImportState
from tierwise.modules.performance import actions, queries
from tierwise.modules.performance.records import Formula

pytestmark = [pytest.mark.database, pytest.mark.slow]
MAPPINGS = Path(__file__).resolve().parents[3] / "examples" / "mappings"
LATER = datetime(2025, 1, 1, tzinfo=UTC)


def bring(world: World, folder: Path, mapping: str) -> None:
    outcome = import_extract(world["planner"], folder, MAPPINGS / mapping)
    assert outcome.state is ImportState.IMPORTED


def sums(world: World, formula: Formula, first: date, last: date) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of every measure over all suppliers, segments and days of a span, in one computation."""
    written = actions.put_formula(world["planner"], formula)
    used = queries.formula(world["planner"], written)
    assert used is not None
    with clock_set(LATER):
        totals: dict[str, list[float]] = {}
        for year in range(first.year, last.year + 1):
            span = queries.PeriodSpan(str(year), date(year, 1, 1), date(year, 12, 31))
            request = queries.Request(used, span, lake.manifest(world["planner"]), anew=True)
            facts, judged = queries.load_lines(world["planner"], request)
            from tierwise.modules.performance.queries.judging import measure

            found = measure(facts, judged, formula, ("COMMON",)).measures
            for name, top, bottom in found.group_by("measure").agg(pl.col("numerator", "denominator").sum()).rows():
                held = totals.setdefault(name, [0.0, 0.0])
                held[0] += top
                held[1] += bottom
    return {name: (held[0], held[1]) for name, held in totals.items()}


def test_adventureworks_fill_rate_and_rejects(world: World, shared_data: Path) -> None:
    """8,845 lines: ordered 2,348,637, received 2,327,299 (99.091 %), rejected 72,700 (3.12 %)."""
    folder = shared_data / "adventureworks"
    with (folder / "PurchaseOrderDetail.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t")]
    ordered, received, refused = (sum(float(row[place]) for row in rows) for place in (3, 7, 8))
    assert (len(rows), ordered, received, refused) == (8_845, 2_348_637, 2_327_299, 72_700)
    bring(world, folder, "adventureworks.yaml")
    # Orders that were rejected (status 3) are cancelled by us and not judged, so nothing is left out here.
    formula = Formula(
        otif=OtifParams(basis=DateBasis.REQUESTED, event=Event.POSTING, late_cancellation_counts=True), close_days=3660,
        shrinkage=False,
    )  # fmt: skip
    found = sums(world, formula, date(2010, 1, 1), date(2015, 12, 31))
    assert found["reject_ppm"] == (pytest.approx(refused), pytest.approx(received))
    assert refused / received == pytest.approx(0.0312, abs=5e-5)
    assert found["fill_rate"] == (pytest.approx(received), pytest.approx(ordered))
    assert found["fill_rate"][0] / found["fill_rate"][1] == pytest.approx(0.99091, abs=5e-6)


def test_scms_direct_deliveries(world: World, shared_data: Path) -> None:
    """Of 2,273 direct deliveries 93.40 % came on or before the scheduled day, 77.91 % on it, on average 8.05 days before."""

    def day(text: str) -> date:
        return datetime.strptime(text, "%d-%b-%y" if "-" in text else "%m/%d/%y").replace(tzinfo=UTC).date()

    path = shared_data / "scms" / "scms_delivery_history_to_2011.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Fulfill Via"] == "Direct Drop"]
    gaps = [(day(row["Delivered to Client Date"]) - day(row["Scheduled Delivery Date"])).days for row in rows]
    bring(world, shared_data / "scms", "scms.yaml")
    promised = OtifParams(basis=DateBasis.PROMISED)
    span = date(2005, 1, 1), date(2013, 12, 31)
    found = sums(world, Formula(otif=promised, close_days=3660), *span)
    assert found["otif"] == (pytest.approx(sum(gap <= 0 for gap in gaps)), pytest.approx(len(gaps)))
    assert found["otif"][0] / found["otif"][1] == pytest.approx(0.9340, abs=5e-5)
    assert found["lead_time_bias"][0] / found["lead_time_bias"][1] == pytest.approx(sum(gaps) / len(gaps))
    assert sum(gaps) / len(gaps) == pytest.approx(-8.05, abs=5e-3)
    exact = sums(world, Formula(otif=OtifParams(basis=DateBasis.PROMISED, early_days=0), close_days=3660), *span)
    assert exact["on_time"] == (pytest.approx(sum(gap == 0 for gap in gaps)), pytest.approx(len(gaps)))
    assert exact["on_time"][0] / exact["on_time"][1] == pytest.approx(0.7791, abs=5e-5)
