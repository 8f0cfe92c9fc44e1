"""Taking a passage out of free text that two companies have exchanged: a mark stays, and proof of what stood there.

Texts that may hold people's data are declared on their models as ``redactable``; nobody else changes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.apps import apps
from django.db import models
from django.utils.translation import gettext as _

from tierwise.directory.models import Redaction
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale, Subject, action, record
from tierwise.kernel.clock import now, today
from tierwise.kernel.viewer import SYSTEM, Role, Viewer, viewer_scope
from tierwise.kernel.zones import rights_of

LEAST, MOST_FOUND, _AROUND = 3, 100, 80


@dataclass(frozen=True, slots=True)
class FoundText:
    """A text in which something was found: where it stands, whose it is, and the words around it."""

    table: str
    row: UUID
    field: str
    company: UUID
    around: str
    text: str

    @property
    def digest(self) -> str:
        return _digest(self.text)


@dataclass(frozen=True, slots=True)
class Passage:
    """What is to go: exact words of one text, and the digest of the text as it was read."""

    table: str
    row: UUID
    field: str
    words: str
    digest: str


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def redactable_texts() -> Iterator[tuple[type[models.Model], str]]:
    """Every model with its columns of free text."""
    for model in apps.get_models():
        for field in getattr(model, "redactable", ()):
            yield model, field


def find_text(viewer: Viewer, words: str) -> list[FoundText]:
    """Texts that contain some words, whatever their case; for administrators."""
    if viewer.role is not Role.ADMINISTRATOR:
        raise NotAllowed("role", _("Only administrators look for people's data."))
    words = words.strip()
    if len(words) < LEAST:
        return []
    found: list[FoundText] = []
    with viewer_scope(viewer):
        for model, field in redactable_texts():
            owner = rights_of(model).supplier_column
            rows = model._default_manager.filter(**{f"{field}__icontains": words}).order_by("id")
            for row, company, text in rows.values_list("id", owner, field)[: MOST_FOUND - len(found)]:
                found.append(FoundText(model._meta.db_table, row, field, company, _around(text, words), text))
    return found


def _around(text: str, words: str) -> str:
    at = text.casefold().find(words.casefold())
    begin, end = max(0, at - _AROUND), at + len(words) + _AROUND
    return ("… " if begin else "") + text[begin:end] + (" …" if end < len(text) else "")


@action("redact_text", roles={Role.ADMINISTRATOR})
def redact_text(actor: Viewer, passage: Passage, reason: str) -> str:
    """Replaces every occurrence of the words by a mark, for both companies; returns the text as it now stands."""
    reason, words = reason.strip(), passage.words.strip()
    if not 0 < len(reason) <= 300:
        raise Invalid("reason", _("Say why, in at most %(n)d characters.") % {"n": 300}, field="reason")
    if words and words.casefold() in reason.casefold():
        raise Invalid("reason", _("The reason stays; do not repeat the words in it."), field="reason")
    model = next(
        (m for m, field in redactable_texts() if (m._meta.db_table, field) == (passage.table, passage.field)), None
    )
    if model is None:
        raise NotFound("text", _("There is no such text."))
    # Rows that both companies hold to be final are written by the worker's login alone, and only in these columns.
    with viewer_scope(SYSTEM):
        rows = model._default_manager.filter(id=passage.row)
        held = rows.select_for_update().values_list(passage.field, rights_of(model).supplier_column).first()
        if held is None:
            raise NotFound("text", _("There is no such text."))
        text, company = str(held[0]), held[1]
        if _digest(text) != passage.digest:
            raise Stale("changed", _("The text has changed since you looked; look again."))
        if len(words) < LEAST or words not in text:
            raise Invalid("words", _("These words do not stand in the text, exactly so."), field="words")
        after = text.replace(words, f"[redacted {today().isoformat()}]")
        rows.update(**{passage.field: after})
    Redaction.objects.create(
        at=now(), by=actor.person, table=passage.table, row=passage.row, field=passage.field, reason=reason,
        before=_digest(text), after=_digest(after),
    )  # fmt: skip
    record(
        actor, Subject(passage.table, passage.row, supplier=company), field=passage.field, reason=reason,
        before=_digest(text), after=_digest(after),
    )  # fmt: skip
    return after
