"""Commands on the segmentation scheme."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

from tierwise.cli.acting import acting
from tierwise.cli.output import console, fail, say, show
from tierwise.kernel.audit import Refused
from tierwise.modules.segmentation import actions, queries
from tierwise.modules.segmentation.records import read_scheme
from tierwise.wire.documents import DocumentError


def plan_document(path: Path, on: date, email: str, as_json: bool) -> None:
    if not path.exists():
        fail(f"{path} is not there.", as_json)
    actor, text = acting(email), path.read_text(encoding="utf-8")
    try:
        document = read_scheme(text)
        number = actions.write_scheme(actor, text)
        planned = queries.plan_scheme(actor, document, on)
        plan = actions.file_plan(actor, number, planned)
    except (DocumentError, Refused, ValueError) as error:
        fail(str(error), as_json)
    summary = planned.summary
    if as_json:
        say({"plan": plan, "fingerprint": planned.fingerprint, "version": number, **summary,
             "sections": planned.sections_as_json()}, True)  # fmt: skip
        return
    console.print(f"Version {number}, from {on}: {summary['moves']} members move, {summary['new_cells']} are new.")
    rows = [
        {"segment": row["segment"], "before": row["before"], "joined": row["joined"], "left": row["left"],
         "after": row["after"]}
        for row in summary["segments"]
    ]  # fmt: skip
    show(rows, False, "No segment changes.")
    for section in planned.sections:
        console.print(f"{section.title}: {section.headline}", markup=False)
    console.print(f"\nTo apply it:  tierwise scheme apply {plan} {planned.fingerprint}", markup=False)


def apply_planned(plan_id: str, fingerprint: str, email: str, as_json: bool) -> None:
    actor = acting(email)
    try:
        applied = actions.apply_plan(actor, UUID(plan_id), fingerprint)
    except ValueError:
        fail(f"{plan_id} is not the id of a plan; `tierwise scheme plan` prints it.", as_json)
    except Refused as refusal:
        fail(refusal.message, as_json, code=refusal.code)
    values = {"version": applied.version, "moved": applied.moved, "new_cells": applied.new_cells}
    say(values, as_json, f"Version {applied.version} is live: {applied.moved} moved, {applied.new_cells} new.")


def list_versions(email: str, as_json: bool) -> None:
    rows = [
        {"version": v.number, "title": v.title, "state": v.state, "written": f"{v.written_at:%Y-%m-%d}",
         "effective": v.effective_on, "restores": v.restores}
        for v in queries.scheme_versions(acting(email))
    ]  # fmt: skip
    show(rows, as_json, "There is no scheme yet.")


def print_version(number: int, email: str) -> None:
    try:
        console.print(queries.scheme_version(acting(email), number).document, markup=False)
    except Refused as refusal:
        fail(refusal.message)


def go_back(number: int, email: str, as_json: bool) -> None:
    try:
        version = actions.roll_back(acting(email), number)
    except Refused as refusal:
        fail(refusal.message, as_json)
    say({"version": version}, as_json, f"Version {number} is now draft {version}; plan and apply it.")
