"""Commands that need the database: import, cycle, audit, founding."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from tierwise.cli.acting import acting
from tierwise.cli.output import NOTHING, fail, say, show, watching
from tierwise.directory import queries as directory
from tierwise.directory.actions import found_company, invite_person
from tierwise.kernel.audit import Refused
from tierwise.kernel.cycle import cycle_steps, run_cycle
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import SYSTEM, Door, Role, Viewer, viewer_scope


def found_installation(name: str, administrator: str, place: tuple[str, str, str]) -> str:
    """The company, its first administrator, and the path where he chooses a password."""
    code, country, currency = place
    admin = Viewer(uuid7(), uuid7(), Role.ADMINISTRATOR, door=Door.COMMAND)
    try:
        if any(p.role == Role.ADMINISTRATOR for p in directory.people(SYSTEM)):
            fail("This installation has an administrator already; ask for an invitation there.")
        found_company(admin, code, name, country, currency)
        invited = invite_person(
            admin, admin.company, administrator.split("@", maxsplit=1)[0], administrator, Role.ADMINISTRATOR
        )
    except Refused as refusal:
        fail(refusal.message)
    return f"/invitation/{invited.token}/"


def run_whole_cycle(on: date, as_json: bool) -> None:
    with watching(as_json) as tell:
        results = run_cycle(SYSTEM, on, tell)
    _say_results(results, as_json)


def run_steps(word: str, on: date, as_json: bool) -> None:
    """Runs the cycle's steps whose name begins with a word."""
    chosen = [step for step in cycle_steps() if step.name.startswith(word)]
    if not chosen:
        raise SystemExit(NOTHING)
    with watching(as_json) as tell:
        results = {step.name: step.run(SYSTEM, on, tell) for step in chosen}
    _say_results(results, as_json)


def _say_results(results: dict[str, dict[str, Any]], as_json: bool) -> None:
    lines = [
        f"{name}: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in said.items()) for name, said in results.items()
    ]
    say(results, as_json, "\n".join(lines))


def list_audit(limit: int, action: str, email: str, as_json: bool) -> None:
    actor = acting(email)
    with viewer_scope(actor):
        entries = AuditEntry.objects.order_by("-at", "-id")
        if action:
            entries = entries.filter(action=action)
        names = ("at", "person", "door", "action", "outcome", "subject_kind", "subject", "count")
        rows = [dict(zip(names, row, strict=True)) for row in entries.values_list(*names)[:limit]]
    people: dict[UUID, str] = directory.names_of(actor, {row["person"] for row in rows})
    shown = [row | {"at": f"{row['at']:%Y-%m-%d %H:%M:%S}", "person": people.get(row["person"], "—")} for row in rows]
    show(shown, as_json, "Nothing was done yet.")
