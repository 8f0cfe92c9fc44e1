"""Commands on facts: import, probe, repair, history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from tierwise.cli.acting import acting
from tierwise.cli.output import console, fail, say, show, watching
from tierwise.kernel.audit import Refused
from tierwise.kernel.viewer import viewer_scope
from tierwise.lake import queries
from tierwise.lake.jobs import How, ImportOutcome, import_extract, repair
from tierwise.lake.ports import masters
from tierwise.lake.probing import ProbeError, probe
from tierwise.lake.records import ImportState, moved_tables
from tierwise.lake.repairs import corrections, read_sheet, sheet_of, workbook_of
from tierwise.lake.schemas import TABLES, Home
from tierwise.wire.documents import DocumentError, near

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class ImportChoice:
    quarantine: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class ShowChoice:
    as_of: datetime | None
    manifest: int
    limit: int
    as_json: bool


def import_folder(folder: Path, mapping: Path | None, choice: ImportChoice, email: str) -> None:
    if mapping is None:
        fail("Give the mapping with --mapping, or ask for a proposal with --probe.", choice.as_json)
    for path in (folder, mapping):
        if not path.exists():
            fail(f"{path} is not there.", choice.as_json)
    actor = acting(email)
    try:
        with watching(choice.as_json) as tell:
            outcome = import_extract(actor, folder, mapping, How(tell, quarantine=choice.quarantine))
    except (DocumentError, Refused) as error:
        fail(str(error), choice.as_json)
    except KeyboardInterrupt:
        console.print("Cancelled; nothing was imported.")
        raise SystemExit(INTERRUPTED) from None
    _say_outcome(outcome, choice.as_json)
    if outcome.state is ImportState.REFUSED:
        raise SystemExit(1)


def _say_outcome(outcome: ImportOutcome, as_json: bool) -> None:
    report = outcome.report
    if as_json:
        say({"run": outcome.run, "state": outcome.state, "report": report.to_dict() if report else {}}, True)
    elif report is None:
        console.print("These are the files of the latest import; nothing changed.")
    else:
        console.print(str(report), markup=False)


def propose_mapping(file: Path, table: str, email: str, as_json: bool) -> None:
    if not file.exists():
        fail(f"{file} is not there.", as_json)
    actor = acting(email)
    with viewer_scope(actor):
        known = masters().known_codes(actor)
    try:
        found = probe(file, table, known)
    except ProbeError as error:
        fail(str(error), as_json)
    if as_json:
        say(found.to_dict(), True)
    else:
        console.print(found.document, markup=False, end="", soft_wrap=True)


def list_manifests(table: str, limit: int, email: str, as_json: bool) -> None:
    if table:
        _declared(table, as_json)
    found = queries.manifests(acting(email), table, limit + 1)
    rows = [
        {"manifest": one.number, "at": f"{one.moved_at:%Y-%m-%d %H:%M:%S}", "why": one.reason,
         "moved": ", ".join(moved_tables(one, before))}
        for one, before in zip(found, [*found[1:], None], strict=False)
    ]  # fmt: skip
    show(rows[:limit], as_json, "Nothing was imported yet.")


def _declared(table: str, as_json: bool) -> None:
    known = [name for name, one in TABLES.items() if one.home is Home.LAKE]
    if table not in known:
        fail(f"{table} is not a table of the lake; {near(table, known)}", as_json)


def show_rows(table: str, choice: ShowChoice, email: str) -> None:
    _declared(table, choice.as_json)
    actor = acting(email)
    at = queries.manifest_numbered(actor, choice.manifest) if choice.manifest else queries.manifest(actor)
    if at is None:
        fail(f"There is no state {choice.manifest} of the lake; `tierwise lake history` lists them.", choice.as_json)
    as_of = choice.as_of.replace(tzinfo=UTC) if choice.as_of else None
    rows = queries.facts(actor, table, at, as_of)
    total = int(rows.select(pl.len()).collect().item())
    shown = rows.head(choice.limit).collect()
    given = [name for name in shown.columns if shown[name].null_count() < shown.height]
    show(shown.select(given).to_dicts(), choice.as_json, f"{table} holds no row then.")
    if not choice.as_json and total > shown.height:
        console.print(f"… {total - shown.height} more; --limit shows more of them.")


def list_quarantine(mapping: str, limit: int, email: str, as_json: bool) -> None:
    rows = [
        {"mapping": row.mapping, "table": row.table, "file": row.file, "row": row.row, "key": row.key,
         "wrong": "; ".join(f"{one['column']}: {one['why']}" for one in row.faults)}
        for row in queries.quarantined(acting(email), mapping, limit=limit)
    ]  # fmt: skip
    show(rows, as_json, "No row waits for repair.")


def save_quarantine(mapping: str, file: Path, email: str) -> None:
    rows = queries.quarantined(acting(email), mapping, limit=1_000_000)
    if not rows:
        fail(f"No row of {mapping} waits for repair.")
    if file.suffix.lower() == ".xlsx":
        file.write_bytes(workbook_of(rows))
    else:
        sheet_of(rows).write_csv(file)
    console.print(f"{len(rows)} rows in {file}; correct them and hand them to `tierwise quarantine repair`.")


def repair_quarantine(mapping: str, file: Path | None, email: str, as_json: bool) -> None:
    actor = acting(email)
    try:
        rows = queries.quarantined(actor, mapping, limit=1_000_000)
        given = corrections(read_sheet(file.name, file.read_bytes()), rows) if file else {}
        outcomes = repair(actor, mapping, given)
    except (Refused, ValueError, OSError) as error:
        fail(str(error), as_json)
    for outcome in outcomes:
        _say_outcome(outcome, as_json)
    left = len(queries.quarantined(actor, mapping, limit=1_000_000))
    if not as_json:
        console.print(f"{len(rows) - left} rows came in, {left} still wait for repair.")
