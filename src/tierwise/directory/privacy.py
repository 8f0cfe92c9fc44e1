"""What is a supplier's own: who looked into what it keeps to itself, and everything of it as files to take away."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

from django.apps import apps
from django.db import models
from django.utils.translation import gettext as _

from tierwise.directory.mailing import administrators_of, mail_after_commit
from tierwise.directory.models import Company
from tierwise.directory.records import CompanySide
from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now, today
from tierwise.kernel.files import path_of
from tierwise.kernel.glass import PrivateTable, look
from tierwise.kernel.models import BrokenGlass, StoredFile
from tierwise.kernel.viewer import Role, Viewer, viewer_scope
from tierwise.kernel.zones import Login, rights_of

MOST_HOURS = 24
_REASON_LENGTH = 600
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class GlassRecord:
    """One look into a supplier's private zone, as both sides see it."""

    id: UUID
    supplier: UUID
    person: UUID
    reason: str
    opened_at: datetime
    until: datetime
    seen_at: datetime | None

    @property
    def open(self) -> bool:
        return self.until > now()


@action("break_glass", roles={Role.ADMINISTRATOR})
def break_glass(actor: Viewer, supplier: UUID, reason: str, hours: int) -> UUID:
    """Opens a supplier's private zone to the actor for some hours; the supplier is told at once, with the reason."""
    reason = reason.strip()
    if len(reason) < 20 or len(reason) > _REASON_LENGTH:
        text = _("Say why in 20 to %(n)d characters; the supplier reads it.") % {"n": _REASON_LENGTH}
        raise Invalid("reason", text, field="reason")
    if not 1 <= hours <= MOST_HOURS:
        raise Invalid("hours", _("Choose 1 to %(n)d hours.") % {"n": MOST_HOURS}, field="hours")
    held = Company.objects.select_for_update().filter(id=supplier, side=CompanySide.SUPPLIER).first()
    if held is None:
        raise NotFound("supplier", _("There is no such supplier."))
    if BrokenGlass.objects.filter(supplier_id=supplier, person=actor.person, until__gt=now()).exists():
        raise Stale("open", _("It is open to you already."))
    made = BrokenGlass(
        supplier_id=supplier, person=actor.person, reason=reason, opened_at=now(), until=now() + timedelta(hours=hours)
    )
    made.save(force_insert=True)
    record(actor, Subject("supplier", supplier, supplier=supplier), reason=reason, hours=hours)
    publish_event(actor, "glass_broken", supplier=supplier, glass=made.id)
    text = _(
        "An administrator of your customer has opened what your company keeps to itself, "
        "for %(hours)d hours.\n\nThe reason given: %(reason)s\n\nIt stands on your page “Company and people”, too.\n"
    )
    given = {"hours": hours, "reason": reason}
    mail_after_commit(actor, administrators_of(supplier), _("Your private data was opened"), text % given)
    return made.id


@action("close_glass", roles={Role.ADMINISTRATOR})
def close_glass(actor: Viewer, supplier: UUID) -> None:
    """Ends the actor's own look before its time."""
    rows = BrokenGlass.objects.select_for_update().filter(supplier_id=supplier, person=actor.person, until__gt=now())
    found = rows.first()
    if found is None:
        raise Stale("closed", _("Nothing is open to you."))
    found.until = max(now(), found.opened_at + timedelta(microseconds=1))
    found.save(update_fields=["until"])
    record(actor, Subject("supplier", supplier, supplier=supplier), glass=found.id)


@action("look_behind_glass", roles={Role.ADMINISTRATOR})
def look_behind_glass(actor: Viewer, supplier: UUID) -> list[PrivateTable]:
    """What a supplier keeps to itself; only while the actor's glass is broken, and every look is noted."""
    if not BrokenGlass.objects.filter(supplier_id=supplier, person=actor.person, until__gt=now()).exists():
        raise Stale("closed", _("Open it first, with a reason that the supplier will read."))
    found = look(actor, supplier)
    record(
        actor, Subject("supplier", supplier, supplier=supplier), rows={table.name: len(table.rows) for table in found}
    )
    return found


def glasses(viewer: Viewer, supplier: UUID) -> list[GlassRecord]:
    """Looks into a supplier's private zone, the newest first; a supplier asks for its own."""
    with viewer_scope(viewer):
        rows = BrokenGlass.objects.filter(supplier_id=supplier).order_by("-opened_at")
        names = ("id", "supplier_id", "person", "reason", "opened_at", "until", "seen_at")
        return [GlassRecord(*row) for row in rows.values_list(*names)]


@action("note_glass", roles={Role.SUPPLIER_ADMINISTRATOR})
def note_glass(actor: Viewer, glass: UUID) -> None:
    """Says that the supplier has read of a look."""
    found = BrokenGlass.objects.select_for_update().filter(supplier_id=actor.company, id=glass).first()
    if found is None:
        raise NotFound("glass", _("There is no such entry."))
    if found.seen_at is not None:
        raise Stale("seen", _("A colleague has noted this already."))
    found.seen_at = now()
    found.save(update_fields=["seen_at"])
    record(actor, Subject("supplier", actor.company, supplier=actor.company), glass=glass)


@action("export_own", roles={Role.SUPPLIER_ADMINISTRATOR})
def export_own(actor: Viewer) -> IO[bytes]:
    """Everything a supplier may read, as one ZIP of CSV and JSON with its files: its own, and what was shared with it.

    Written table by table to disk, so its size is not bound by memory. What may be read is the database's answer: the
    supplier's login under its row policies, and nothing else.
    """
    # Not a context: whoever sends the answer closes it, and it goes with the last handle.
    made: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
    counts: dict[str, int] = {}
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for model in _own_models():
            if rows := _write_table(package, model, actor.company):
                counts[model._meta.db_table] = rows
        counts["files"] = _write_files(package, actor.company)
        package.writestr("README.txt", _about(counts))
    made.seek(0)
    record(actor, Subject("company", actor.company, supplier=actor.company), count=sum(counts.values()), tables=counts)
    return made


def _own_models() -> list[type[models.Model]]:
    """Tables with rows of single suppliers that a supplier's login reads."""
    found = [
        m for m in apps.get_models()
        if m._meta.managed and rights_of(m).supplier_column and "select" in rights_of(m).verbs(Login.SUPPLIER)
    ]  # fmt: skip
    return sorted(found, key=lambda model: model._meta.db_table)


def _write_table(package: zipfile.ZipFile, model: type[models.Model], company: UUID) -> int:
    columns = [str(field.column) for field in model._meta.concrete_fields]
    rows = model._default_manager.filter(**{rights_of(model).supplier_column: company}).order_by("pk")
    if not rows.exists():
        return 0
    name, count = model._meta.db_table, 0
    # One entry of a ZIP is written at a time, so each form reads the rows anew, in the same transaction.
    with package.open(f"tables/{name}.csv", "w") as raw, io.TextIOWrapper(raw, "utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(columns)
        for row in _values(rows, columns):
            writer.writerow([_csv_cell(value) for value in row])
            count += 1
    with package.open(f"tables/{name}.json", "w") as raw, io.TextIOWrapper(raw, "utf-8") as text:
        for number, row in enumerate(_values(rows, columns)):
            text.write(("[\n" if not number else ",\n") + json.dumps(dict(zip(columns, row, strict=True)), default=str))
        text.write("\n]\n")
    return count


def _values(rows: models.QuerySet[Any], columns: list[str]) -> Iterator[tuple[Any, ...]]:
    yield from rows.values_list(*columns).iterator(chunk_size=2000)


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, default=str) if isinstance(value, (dict, list)) else str(value)
    # A spreadsheet would run what begins so.
    return f"'{text}" if text[:1] in "=+-@\t\r" and not isinstance(value, (int, float)) and not _number(text) else text


def _number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()


def _write_files(package: zipfile.ZipFile, company: UUID) -> int:
    count = 0
    for file_id, name, digest in StoredFile.objects.filter(owner_id=company).values_list("id", "name", "sha256"):
        path = path_of(digest)
        if path.exists():
            with package.open(f"files/{file_id}-{name}", "w") as target, path.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
            count += 1
    return count


def _about(counts: dict[str, int]) -> str:
    lines = "".join(f"  {name}: {count}\n" for name, count in counts.items())
    return (
        f"Everything of your company in Tierwise on {today().isoformat()}: what you replied, disputed, drafted and\n"
        "handed in, your people, and what your customer shared with you and you may still read.\n\n"
        "tables/NAME.csv and tables/NAME.json hold the same rows; instants are UTC; ids tie tables together.\n"
        "files/ID-NAME are the files you handed in; ID is the column id of tables/kernel_storedfile.\n\n"
        f"Rows:\n{lines}"
    )
