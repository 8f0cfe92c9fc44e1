"""What a supplier reads of publications: its own, in the segments it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import polars as pl
from django.db.models import QuerySet

from tierwise.collaboration.publish import reading
from tierwise.collaboration.publish.models import Publication
from tierwise.collaboration.publish.records import (
    LineFilter,
    LineRecord,
    PublicationKind,
    PublicationQuestion,
    PublicationRecord,
)
from tierwise.collaboration.records import DueItem
from tierwise.kernel.pages import Slice
from tierwise.kernel.viewer import Viewer, viewer_scope

T = TypeVar("T")


def _mine(viewer: Viewer) -> QuerySet[Publication]:
    return Publication.objects.filter(supplier_id=viewer.company)


def my_publications(
    viewer: Viewer, *, segment: UUID | None = None, kind: PublicationKind | None = None, current: bool = False
) -> list[PublicationRecord]:
    """Publications, the newest first; ``current`` leaves out those that a newer one replaced."""
    with viewer_scope(viewer):
        found = reading.records(reading.narrowed(viewer.company, segment, kind), supplier=viewer.company)
    return [record for record in found if not (current and record.superseded)]


def my_publication(viewer: Viewer, publication_id: UUID) -> PublicationRecord:
    with viewer_scope(viewer):
        return reading.one_record(_mine(viewer), publication_id, viewer.company)


def my_revisions(viewer: Viewer, record: PublicationRecord) -> list[PublicationRecord]:
    with viewer_scope(viewer):
        return reading.chain(_mine(viewer), record)


def my_series(viewer: Viewer, *publication_ids: UUID, signal: str = "", item: str = "") -> pl.DataFrame:
    """Cells of publications; a held-back cell has the status ``held_back`` and no quantity."""
    with viewer_scope(viewer):
        return reading.series(publication_ids, signal=signal, item=item)


def my_compared_series(viewer: Viewer, record: PublicationRecord, *, item: str = "") -> pl.DataFrame:
    """Cells with ``before`` and ``change`` against the publication that this one replaced."""
    with viewer_scope(viewer):
        before = reading.series([record.supersedes] if record.supersedes else [], item=item)
        return reading.compared(reading.series([record.id], item=item), before)


def my_measures(viewer: Viewer, *publication_ids: UUID) -> pl.DataFrame:
    with viewer_scope(viewer):
        return reading.measures(publication_ids)


def my_headlines(
    viewer: Viewer, publication_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[str, float | None, int, str]]]:
    """Of each scorecard what lists show: measure, value, n and standing of its score and of on time in full."""
    with viewer_scope(viewer):
        return reading.headlines(publication_ids)


def my_lines(viewer: Viewer, *publication_ids: UUID, wanted: LineFilter | None = None) -> pl.DataFrame:
    with viewer_scope(viewer):
        return reading.lines(publication_ids, wanted)


def my_line(viewer: Viewer, line_id: UUID) -> LineRecord:
    with viewer_scope(viewer):
        return reading.line_record(line_id)


def my_lines_of(viewer: Viewer, line_ids: Iterable[UUID]) -> dict[UUID, LineRecord]:
    """Single lines by their ids, as far as they are in sight."""
    with viewer_scope(viewer):
        return {line.id: line for line in reading.line_records(line_ids)}


def my_unanswered(viewer: Viewer) -> list[DueItem]:
    """Current publications that ask for a reply and have none, the nearest clock first."""
    with viewer_scope(viewer):
        return reading.unanswered(_mine(viewer), viewer.company)


def my_publications_page(viewer: Viewer, question: PublicationQuestion, part: Slice) -> list[PublicationRecord]:
    """One page of publications, the newest first."""
    with viewer_scope(viewer):
        return reading.page(viewer, replace(question, supplier=viewer.company), part)


def my_lines_page(viewer: Viewer, publication_id: UUID, part: Slice, row: Callable[..., T]) -> list[T]:
    """One page of a scorecard's lines, as ``row`` makes them of their columns and ids."""
    with viewer_scope(viewer):
        return reading.lines_page(publication_id, part, row)


def verify_digest(viewer: Viewer, publication_id: UUID) -> bool:
    """Do the rows still say what they said when they were published?"""
    with viewer_scope(viewer):
        return reading.digest_holds(viewer, _mine(viewer), publication_id)
