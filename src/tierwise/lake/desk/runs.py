"""What came in: every import, what it changed, and what was refused and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID

import polars as pl
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import now
from tierwise.kernel.files import path_of
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.lake import queries
from tierwise.lake.issues import Severity
from tierwise.lake.records import ImportRecord, ImportState
from tierwise.web.api.paging import Keys
from tierwise.web.due import Due
from tierwise.web.formats import number
from tierwise.web.onward import rows_onward
from tierwise.web.pages import (
    Action,
    Column,
    Crumb,
    Empty,
    Fact,
    Grid,
    Kind,
    Message,
    Notice,
    Page,
    Stat,
    Status,
    Tone,
    WorklistRow,
    respond,
)
from tierwise.web.viewing import DeskRequest, names_of

STATES: dict[ImportState, tuple[str | Promise, Tone]] = {
    ImportState.RUNNING: (gettext_lazy("Running"), Tone.PLAIN),
    ImportState.IMPORTED: (gettext_lazy("Imported"), Tone.GOOD),
    ImportState.UNCHANGED: (gettext_lazy("Nothing new"), Tone.PLAIN),
    ImportState.REFUSED: (gettext_lazy("Refused"), Tone.BAD),
    ImportState.CANCELLED: (gettext_lazy("Cancelled"), Tone.PLAIN),
    ImportState.FAILED: (gettext_lazy("Broke off"), Tone.BAD),
}
KEYS = Keys("imports", (datetime, UUID))
SHOWN = 20_000
"""Faults on the page; the list to download holds more."""
SILENT_SECONDS = 120
"""A run that tells nothing for so long has lost its process."""


def log(request: DeskRequest) -> HttpResponse:
    """Every import, the newest first."""
    viewer = request.viewer
    read = partial(queries.imports_page, viewer)
    runs, onward = rows_onward(request, KEYS, read, lambda one: (one.began_at, one.id), 100)
    names = names_of(viewer, {run.person for run in runs})
    messages = [
        Message(
            run.began_at, True, names.get(run.person, _("Command line")), run.mapping, state_of(run), changed_by(run),
            reverse("desk-import-run", args=[run.id]),
        )
        for run in runs
    ]  # fmt: skip
    page = Page(_("Imports"), (Crumb(_("Directory")),), action=upload_action(viewer))
    empty = Empty(
        _("Nothing was imported yet"), _("Hand in your ERP's extract with a mapping; everything else follows from it."),
        upload_action(viewer),
    )  # fmt: skip
    return respond(request, "web/message_log.html", {"page": page, "log": messages, "empty": empty, "onward": onward})


def upload_action(viewer: Viewer) -> Action | None:
    if viewer.role not in BUYER_EDITORS:
        return None
    return Action(_("Import an extract"), reverse("desk-import-new"))


def state_of(run: ImportRecord) -> Status:
    label, tone = STATES[run.state]
    return Status(str(label), tone)


def changed_by(run: ImportRecord) -> str:
    """One line on what an import did."""
    report = run.report
    match run.state:
        case ImportState.RUNNING:
            return str(report.get("progress", {}).get("what", ""))
        case ImportState.FAILED:
            return str(report.get("error", ""))
        case ImportState.REFUSED:
            return _("Nothing: %(n)d faults in %(tables)d tables") % {
                "n": report.get("refusals", 0), "tables": len({one["table"] for one in report.get("counts", [])}),
            }  # fmt: skip
    if report.get("same_files"):
        return _("Nothing: the files of the latest import came again")
    if run.state is ImportState.CANCELLED:
        return _("Nothing: it was cancelled")
    total = _totals(report)
    return _("%(new)s new, %(changed)s changed, %(closed)s closed rows") % {
        name: number(count) for name, count in total.items()
    }


def _totals(report: dict[str, Any]) -> dict[str, int]:
    changes = [table["change"] for table in report.get("tables", []) if table.get("change")]
    return {name: sum(change[name] for change in changes) for name in ("new", "changed", "closed", "unchanged")}


def record(request: DeskRequest, run: UUID) -> HttpResponse:
    """One import: numbers per file and table, what was set aside, and every fault with its remedy."""
    viewer = request.viewer
    found = run_of(viewer, run)
    who = names_of(viewer, [found.person]).get(found.person, _("Command line"))
    page = Page(
        _("Import %(mapping)s") % {"mapping": found.mapping},
        (Crumb(_("Directory")), Crumb(_("Imports"), reverse("desk-import"))), status=state_of(found),
        action=upload_action(viewer) if found.state in {ImportState.REFUSED, ImportState.FAILED} else None,
    )  # fmt: skip
    facts = [
        Fact(_("Source"), str(found.report.get("source", ""))),
        Fact(_("Handed in by"), who),
        Fact(_("Began"), found.began_at),
        Fact(_("Took"), _took(found)),
    ]
    context: dict[str, object] = {
        "page": page, "facts": [fact for fact in facts if fact.value], "notices": _notices(found), "run": found,
        "running": found.state is ImportState.RUNNING, "progress": progress_of(found),
        "stats": _stats(found), "grids": _grids(found), "mapping_text": mapping_text(found),
    }  # fmt: skip
    return respond(request, "lake/run.html", context)


def run_of(viewer: Viewer, run: UUID) -> ImportRecord:
    found = queries.import_run(viewer, run)
    if found is None:
        raise NotFound("import", _("There is no such import."))
    return found


def _took(run: ImportRecord) -> str:
    if run.ended_at is None:
        return ""
    seconds = (run.ended_at - run.began_at).total_seconds()
    return _("%.1f s") % seconds if seconds < 90 else _("%d min") % round(seconds / 60)


def _stats(run: ImportRecord) -> list[Stat]:
    report = run.report
    if run.state not in {ImportState.IMPORTED, ImportState.REFUSED, ImportState.UNCHANGED} or not report.get("tables"):
        return []
    total, refusals = _totals(report), int(report.get("refusals", 0))
    read = sum(file["rows"] for file in report["files"])
    stats = [Stat(_("Rows read"), read, _("%d files") % len(report["files"]))]
    if run.state is ImportState.REFUSED:
        return [*stats, Stat(_("Faults"), refusals, _("nothing was imported"), tone=Tone.BAD),
                Stat(_("Notes"), int(report.get("notes", 0)))]  # fmt: skip
    return [
        *stats,
        Stat(_("New"), total["new"]), Stat(_("Changed"), total["changed"]), Stat(_("Closed"), total["closed"]),
        Stat(_("Unchanged"), total["unchanged"]),
        *([Stat(_("Set aside"), int(report["quarantined"]), _("rows wait for repair"), tone=Tone.WATCH)]
          if report.get("quarantined") else []),
        Stat(_("Notes"), int(report.get("notes", 0))),
    ]  # fmt: skip


def _notices(run: ImportRecord) -> list[Notice]:
    if run.state is ImportState.FAILED:
        text = _("Nothing was imported. Try again; if it stays, give your administrator this text: %s")
        return [Notice(text % run.report.get("error", ""), Tone.BAD, _("The import broke off"))]
    if run.state is ImportState.REFUSED:
        text = _("All or nothing: put right what is listed under Faults, in the extract or in the mapping, and import "
                 "again. Export the list to hand it on.")  # fmt: skip
        return [Notice(text, Tone.BAD, _("Nothing was imported"))]
    if run.state is ImportState.CANCELLED:
        return [Notice(_("It was cancelled. Nothing of it was imported, and nothing of it was left behind."))]
    if run.report.get("quarantined"):
        text = _("%(n)d rows were set aside, with what follows them. Repair them in the quarantine.")
        return [Notice(text % {"n": run.report["quarantined"]}, Tone.WATCH, _("Not every row came in"))]
    if run.report.get("same_files"):
        return [Notice(_("These are the very files of the latest import under this mapping."), title=_("Nothing new"))]
    return []


def _grids(run: ImportRecord) -> list[Grid]:
    if not run.report.get("tables") and not run.report.get("counts"):
        return []
    grids = []
    issues = queries.issues_of(run)
    for severity, name, label in (
        (Severity.REFUSE, "faults", _("Faults")),
        (Severity.NOTE, "notes", _("Notes")),
    ):
        found = issues.filter(pl.col("severity") == severity.value) if issues.height else issues
        if found.height:
            grids.append(_issue_grid(found.head(SHOWN), name, label))
    return [*grids, _table_grid(run.report), _file_grid(run.report)]


def _issue_grid(issues: pl.DataFrame, name: str, label: str) -> Grid:
    columns = (
        Column("file", _("File"), card=True),
        Column("row", _("Row"), Kind.QUANTITY, card=True, width=90),
        Column("table", _("Table"), Kind.CODE),
        Column("column", _("Column"), Kind.CODE, card=True),
        Column("value", _("Value"), Kind.CODE, card=True),
        Column("why", _("What is wrong"), card=True, width=320),
        Column("remedy", _("What to do"), card=True, width=320),
    )
    return Grid(name, columns, issues.drop("severity"), label=label)


def _table_grid(report: dict[str, Any]) -> Grid:
    rows = []
    for table in report.get("tables", []):
        change = table.get("change") or {}
        left_out = "; ".join(f"{count} {why}" for why, count in table["left_out"].items())
        filled = "; ".join(f"{count} × {what}" for what, count in table["filled_in"].items())
        counts = {name: change.get(name) for name in ("new", "changed", "closed", "unchanged")}
        rows.append({**table, **counts, "left_out": left_out, "filled_in": filled})
    columns = (
        Column("table", _("Table"), Kind.CODE, card=True),
        Column("read", _("Read"), Kind.QUANTITY, card=True),
        Column("rows", _("Taken"), Kind.QUANTITY, card=True),
        Column("new", _("New"), Kind.QUANTITY, card=True),
        Column("changed", _("Changed"), Kind.QUANTITY, card=True),
        Column("closed", _("Closed"), Kind.QUANTITY),
        Column("unchanged", _("Unchanged"), Kind.QUANTITY),
        Column("merged", _("Merged"), Kind.QUANTITY),
        Column("shift", _("Dates shifted")),
        Column("complete", _("Full set"), Kind.FLAG, note=_("Rows that are gone are closed")),
        Column("left_out", _("Left out"), width=260),
        Column("filled_in", _("Filled in"), width=260),
    )
    return Grid("tables", columns, rows, label=_("Tables"))


def _file_grid(report: dict[str, Any]) -> Grid:
    columns = (
        Column("path", _("File"), card=True, width=280),
        Column("rows", _("Rows"), Kind.QUANTITY, card=True),
        Column("blank_rows", _("Blank rows"), Kind.QUANTITY),
        Column("size", _("Size"), Kind.QUANTITY, unit="B", card=True),
        Column("sha256", _("SHA-256"), Kind.CODE, width=280),
    )
    return Grid("files", columns, report.get("files", []), label=_("Files"))


def progress_of(run: ImportRecord) -> dict[str, Any]:
    """How far a running import is, and whether anybody is still at it."""
    told = run.report.get("progress", {})
    at = datetime.fromisoformat(told["at"]) if told else run.began_at
    return {
        "what": told.get("what") or _("reading the files"), "percent": round(100 * float(told.get("share", 0))),
        "remaining": _duration(told.get("remaining")),
        "silent": now() - at > timedelta(seconds=SILENT_SECONDS),
    }  # fmt: skip


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 90:
        return _("about %d s left") % max(round(seconds / 5) * 5, 5)
    return _("about %d min left") % round(seconds / 60)


def progress(request: DeskRequest, run: UUID) -> HttpResponse:
    """The moving part of a running import's page; when it is over, the whole page is asked for."""
    found = run_of(request.viewer, run)
    response = render(request, "lake/progress.html", {"run": found, "progress": progress_of(found)})
    if found.state is not ImportState.RUNNING:
        response["HX-Redirect"] = reverse("desk-import-run", args=[run])
    return response


def mapping_text(run: ImportRecord) -> str:
    kept = run.report.get("mapping_file", "")
    file = path_of(kept) if kept else None
    return file.read_text(encoding="utf-8-sig") if file is not None and file.is_file() else ""


def refused(viewer: Viewer) -> Sequence[Due]:
    """Mappings whose latest import did not come in."""
    if viewer.role not in BUYER_EDITORS:
        return []
    latest: dict[str, ImportRecord] = {}
    for run in queries.import_runs(viewer):
        latest.setdefault(run.mapping, run)
    wrong = [run for run in latest.values() if run.state in {ImportState.REFUSED, ImportState.FAILED}]
    names = names_of(viewer, {run.person for run in wrong})
    waiting = queries.quarantine_counts(viewer)
    repairs = [
        Due(
            WorklistRow(
                _("Repair rows of %(mapping)s") % {"mapping": mapping},
                f"{reverse('desk-quarantine')}?mapping={quote(mapping)}",
                _("%(n)d rows did not come in") % {"n": count},
            ),
            key=f"quarantine-{mapping}",
        )
        for mapping, count in waiting.items()
    ]  # fmt: skip
    return repairs + [
        Due(
            WorklistRow(
                _("Put the extract %(mapping)s right") % {"mapping": run.mapping},
                reverse("desk-import-run", args=[run.id]), changed_by(run), who=names.get(run.person, ""),
                due=run.began_at, late=True, status=state_of(run),
            ),
            key=f"import-{run.id}",
        )
        for run in wrong
    ]  # fmt: skip


def address(subject: str, supplier: UUID | None) -> str:
    del supplier
    return reverse("desk-import-run", args=[subject])
