"""What buyers read of publications, the internal reasons included."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import polars as pl

from tierwise.collaboration.publish import reading
from tierwise.collaboration.publish.models import HeldBack, Publication, PublicationBasis
from tierwise.collaboration.publish.records import (
    BasisRecord,
    Known,
    LineFilter,
    LineRecord,
    PublicationKind,
    PublicationQuestion,
    PublicationRecord,
)
from tierwise.kernel.pages import Slice
from tierwise.kernel.viewer import Viewer, viewer_scope

T = TypeVar("T")


def publications(
    viewer: Viewer, *, supplier: UUID | None = None, segment: UUID | None = None, kind: PublicationKind | None = None
) -> list[PublicationRecord]:
    """Publications, the newest first."""
    with viewer_scope(viewer):
        return reading.records(reading.narrowed(supplier, segment, kind), supplier=supplier)


def publication(viewer: Viewer, publication_id: UUID) -> PublicationRecord:
    with viewer_scope(viewer):
        return reading.one_record(Publication.objects.all(), publication_id)


def revisions(viewer: Viewer, record: PublicationRecord) -> list[PublicationRecord]:
    """The publications that replaced each other around this one, the newest first."""
    with viewer_scope(viewer):
        return reading.chain(Publication.objects.all(), record)


def known_at(viewer: Viewer, supplier: UUID, at: datetime) -> Known:
    """What did this supplier know at that instant? Everything published to it by then; later revisions not yet made.

    The rows of each are immutable: read them with :func:`series`, :func:`measures` and :func:`lines`.
    """
    with viewer_scope(viewer):
        found = reading.records(Publication.objects.filter(supplier_id=supplier), at, supplier)
    return Known(supplier, at, tuple(found))


def series(viewer: Viewer, *publication_ids: UUID, item: str = "") -> pl.DataFrame:
    """Cells, with ``reason`` and ``numbers`` (JSON text) where they are held back."""
    with viewer_scope(viewer):
        cells = reading.series(publication_ids, item=item)
        reasons = HeldBack.objects.filter(publication__in=publication_ids).values_list("cell", "reason", "numbers")
        rows = [(str(cell), reason, json.dumps(numbers, sort_keys=True)) for cell, reason, numbers in reasons]
    why = pl.DataFrame(rows, schema={"id": pl.String, "reason": pl.String, "numbers": pl.String}, orient="row")
    return cells.join(why, on="id", how="left", maintain_order="left")


def compared_series(viewer: Viewer, record: PublicationRecord) -> pl.DataFrame:
    """Cells with what the publication before said of each."""
    cells = series(viewer, record.id)
    with viewer_scope(viewer):
        return reading.compared(cells, reading.series([record.supersedes] if record.supersedes else []))


def measures(viewer: Viewer, *publication_ids: UUID) -> pl.DataFrame:
    with viewer_scope(viewer):
        return reading.measures(publication_ids)


def lines(viewer: Viewer, *publication_ids: UUID, wanted: LineFilter | None = None) -> pl.DataFrame:
    with viewer_scope(viewer):
        return reading.lines(publication_ids, wanted)


def line(viewer: Viewer, line_id: UUID) -> LineRecord:
    with viewer_scope(viewer):
        return reading.line_record(line_id)


def basis(viewer: Viewer, publication_id: UUID) -> BasisRecord | None:
    """What a publication was made from: facts, fingerprint and the rules it was held to."""
    with viewer_scope(viewer):
        row = PublicationBasis.objects.filter(publication=publication_id).first()
        return BasisRecord(row.manifest, row.fingerprint, row.rules) if row else None


def publications_page(viewer: Viewer, question: PublicationQuestion, part: Slice) -> list[PublicationRecord]:
    """One page of publications, the newest first."""
    with viewer_scope(viewer):
        return reading.page(viewer, question, part)


def lines_page(viewer: Viewer, publication_id: UUID, part: Slice, row: Callable[..., T]) -> list[T]:
    """One page of a scorecard's lines, as ``row`` makes them of their columns and ids."""
    with viewer_scope(viewer):
        return reading.lines_page(publication_id, part, row)


def verify_digest(viewer: Viewer, publication_id: UUID) -> bool:
    """Do the rows still say what they said when they were published?"""
    with viewer_scope(viewer):
        return reading.digest_holds(viewer, Publication.objects.all(), publication_id)
