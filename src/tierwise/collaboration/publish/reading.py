"""Publications as records and frames, for both sides; the row policies decide what comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import polars as pl
from django.db.models import Exists, OuterRef, QuerySet

from tierwise.collaboration.publish.digest import digest_of
from tierwise.collaboration.publish.models import (
    Publication,
    PublicationReply,
    PublishedLine,
    PublishedMeasure,
    PublishedSeries,
)
from tierwise.collaboration.publish.records import (
    LINE_COLUMNS,
    MEASURE_COLUMNS,
    SERIES_COLUMNS,
    SERIES_KEY,
    LineFilter,
    LineRecord,
    PublicationKind,
    PublicationQuestion,
    PublicationRecord,
    Reply,
)
from tierwise.collaboration.publish.rows import read
from tierwise.collaboration.records import DueItem, DueKind
from tierwise.kernel.audit import NotFound
from tierwise.kernel.pages import Slice, Statement, keyset, narrowing
from tierwise.kernel.viewer import Viewer

T = TypeVar("T")
# Looked up in place of called: of long lists the words of each row took a good part.
_KINDS = {kind.value: kind for kind in PublicationKind}
_REPLIES: dict[str | None, Reply | None] = {None: None, "": None, **{reply.value: reply for reply in Reply}}


def narrowed(supplier: UUID | None, segment: UUID | None, kind: PublicationKind | None) -> QuerySet[Publication]:
    asked = {"supplier_id": supplier, "segment_id": segment, "kind": kind}
    return Publication.objects.filter(**{name: value for name, value in asked.items() if value is not None})


_NEWER = "exists (select from publish_publication n where n.supplier_id = p.supplier_id and n.supersedes_id = p.id)"
_COLUMNS = (
    "p.id, p.supplier_id, p.segment_id, p.kind, p.number, p.title, p.period_start, p.period_end, p.published_at, "
    "p.reply_due_at, p.supersedes_id"
)


def _page_statement(superseded: str) -> Statement:
    return Statement(
        "select * from publish_publication p", ("published_at", "id"), falling=True,
        # What belongs to each is looked up for the page alone.
        around=f"""
            select {_COLUMNS}, {superseded}, p.digest, r.reply, p.agreement_version_id, p.content, r.replied_at,
                   coalesce(r.comment, '')
            from ({{page}}) p
            left join publish_publicationreply r on r.supplier_id = p.supplier_id and r.publication_id = p.id
            order by p.published_at desc, p.id desc
        """,  # noqa: S608  columns alone
    )  # fmt: skip


_PAGE, _CURRENT_PAGE = _page_statement(_NEWER), _page_statement("false")


def page(viewer: Viewer, question: PublicationQuestion, part: Slice) -> list[PublicationRecord]:
    """One page, the newest first."""
    asked = narrowing({"supplier_id": question.supplier, "segment_id": question.segment, "kind": question.kind})
    if question.current:
        asked.append((f"not {_NEWER}", ()))
    statement = _CURRENT_PAGE if question.current else _PAGE
    return [_listed(row) for row in statement.page(viewer.alias, asked, part)]


def _listed(row: tuple[Any, ...]) -> PublicationRecord:
    id_, supplier, segment, kind, *told, reply, agreement, content, replied_at, comment = row
    values: list[Any] = [
        id_, supplier, segment, _KINDS[kind], *told, _REPLIES[reply], agreement,
        tuple(content.split("+")), replied_at, comment,
    ]  # fmt: skip
    return PublicationRecord(*values)


def lines_page(publication: UUID, part: Slice, row: Callable[..., T]) -> list[T]:
    """Lines of a publication by order and line, with their ids."""
    rows = PublishedLine.objects.filter(publication_id=publication)
    return [row(**each) for each in keyset(rows, ("order", "line", "id"), part).values("id", *LINE_COLUMNS)]


def records(
    rows: QuerySet[Publication], at: datetime | None = None, supplier: UUID | None = None
) -> list[PublicationRecord]:
    """Newest first. With ``at``, as they stood then: later ones, replies and supersessions are left out.

    ``supplier`` says whose all rows are, where that is known: a table less is planned and joined in two statements.
    """
    theirs: dict[str, Any] = (
        {"supplier__in": rows.values("supplier_id")} if supplier is None else {"supplier": supplier}
    )
    replies = PublicationReply.objects.filter(**theirs)
    successors = Publication.objects.filter(**theirs, supersedes__isnull=False)
    if at is not None:
        rows = rows.filter(published_at__lte=at)
        replies = replies.filter(replied_at__lte=at)
        successors = successors.filter(published_at__lte=at)
    superseded = set(successors.values_list("supersedes", flat=True))
    replied = {row[0]: row[1:] for row in replies.values_list("publication_id", "reply", "replied_at", "comment")}
    ordered = rows.order_by("-published_at", "-number").values_list(*_FIELDS)
    return [_record(row, row[0] in superseded, replied.get(row[0], _UNANSWERED)) for row in ordered]


_FIELDS = (
    "id", "supplier_id", "segment_id", "kind", "number", "title", "period_start", "period_end", "published_at",
    "reply_due_at", "supersedes_id", "digest", "agreement_version_id", "content",
)  # fmt: skip
_UNANSWERED = (None, None, "")


def _record(row: tuple[Any, ...], superseded: bool, answer: tuple[Any, ...]) -> PublicationRecord:
    """From plain columns: an object of the mapper for each took most of the time of long lists."""
    id_, supplier, segment, kind, *told, digest, agreement, content = row
    reply, replied_at, comment = answer
    values: list[Any] = [
        id_, supplier, segment, _KINDS[kind], *told, superseded, digest, _REPLIES[reply],
        agreement, tuple(content.split("+")), replied_at, comment,
    ]  # fmt: skip
    return PublicationRecord(*values)


def unanswered(rows: QuerySet[Publication], supplier: UUID) -> list[DueItem]:
    """Current publications of a supplier that ask for a reply and have none, the nearest clock first."""
    own = {"supplier": supplier}
    replies = PublicationReply.objects.filter(**own, publication=OuterRef("id"))
    newer = Publication.objects.filter(**own, supersedes=OuterRef("id"))
    asked = rows.filter(~Exists(replies), ~Exists(newer), **own, reply_due_at__isnull=False)
    told = asked.order_by("reply_due_at", "id").values_list(
        "id", "segment_id", "number", "title", "published_at", "reply_due_at"
    )
    return [DueItem(DueKind.PUBLICATION, row[0], supplier, *row[1:], mine=True) for row in told]


def one_record(rows: QuerySet[Publication], publication_id: UUID, supplier: UUID | None = None) -> PublicationRecord:
    found = records(rows.filter(id=publication_id), supplier=supplier)
    if not found:
        raise NotFound("publication", "There is no such publication.")
    return found[0]


def chain(rows: QuerySet[Publication], record: PublicationRecord) -> list[PublicationRecord]:
    """The publications this one stands in a line with, newest first."""
    asked = rows.filter(supplier_id=record.supplier, segment_id=record.segment, kind=record.kind)
    older = {one: before for one, before in asked.values_list("id", "supersedes") if before is not None}
    newer = {before: one for one, before in older.items()}
    head = record.id
    while head in newer:
        head = newer[head]
    ids: list[UUID] = [head]
    while ids[-1] in older:
        ids.append(older[ids[-1]])
    found = {one.id: one for one in records(rows.filter(id__in=ids), supplier=record.supplier)}
    return [found[one] for one in ids if one in found]


def series(publications: Iterable[UUID], *, signal: str = "", item: str = "") -> pl.DataFrame:
    rows = PublishedSeries.objects.filter(publication_id__in=list(publications))
    if signal:
        rows = rows.filter(signal=signal)
    if item:
        rows = rows.filter(item=item)
    return read(rows.order_by("signal", "item", "site", "region", "bucket_start"), SERIES_COLUMNS)


def compared(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The series with what each cell said ``before``, and ``change``: new, changed, or empty where it says the same.

    A cell that was held back and is shown now, or the other way about, has changed too.
    """
    previous = before.select(*SERIES_KEY, before="quantity", status_before="status")
    known = pl.col("status_before").is_not_null()
    same = pl.col("quantity").eq_missing(pl.col("before")) & (pl.col("status") == pl.col("status_before"))
    change = pl.when(~known).then(pl.lit("new")).when(same).then(pl.lit("")).otherwise(pl.lit("changed"))
    joined = now.join(previous, on=list(SERIES_KEY), how="left", maintain_order="left")
    return joined.with_columns(change=pl.lit("") if before.is_empty() else change)


def measures(publications: Iterable[UUID]) -> pl.DataFrame:
    rows = PublishedMeasure.objects.filter(publication_id__in=list(publications)).order_by("measure")
    return read(rows, MEASURE_COLUMNS)


def headlines(publications: Sequence[UUID]) -> dict[UUID, list[tuple[str, float | None, int, str]]]:
    """Of each scorecard what lists show: measure, value, n and standing of its score and of on time in full."""
    rows = PublishedMeasure.objects.filter(publication_id__in=publications, measure__in=("score", "otif"))
    found: dict[UUID, list[tuple[str, float | None, int, str]]] = {}
    for owner, measure, value, n, standing in rows.values_list("publication_id", "measure", "value", "n", "standing"):
        found.setdefault(owner, []).append((measure, value, n, standing))
    return found


def lines(publications: Iterable[UUID], wanted: LineFilter | None = None) -> pl.DataFrame:
    rows = PublishedLine.objects.filter(publication_id__in=list(publications))
    if wanted is not None:
        asked: dict[str, Any] = {
            name: getattr(wanted, name) for name in ("on_time", "in_full", "otif") if getattr(wanted, name) is not None
        }
        rows = rows.filter(**asked)
        if wanted.item:
            rows = rows.filter(item=wanted.item)
        if wanted.excluded is not None:
            rows = rows.exclude(excluded="") if wanted.excluded else rows.filter(excluded="")
    return read(rows.order_by("order", "line"), LINE_COLUMNS)


def line_record(line_id: UUID) -> LineRecord:
    row = PublishedLine.objects.filter(id=line_id).first()
    if row is None:
        raise NotFound("line", "There is no such line.")
    return _line(row)


def _line(row: PublishedLine) -> LineRecord:
    values = {name: getattr(row, name) for name in LINE_COLUMNS}
    return LineRecord(row.id, row.publication_id, row.segment_id, row.order, row.line, row.item, row.item_name, values)


def line_records(line_ids: Iterable[UUID]) -> list[LineRecord]:
    """Lines that are in sight, of those named."""
    return [_line(row) for row in PublishedLine.objects.filter(id__in=list(line_ids))]


def digest_holds(viewer: Viewer, rows: QuerySet[Publication], publication_id: UUID) -> bool:
    row = rows.filter(id=publication_id).first()
    if row is None:
        raise NotFound("publication", "There is no such publication.")
    return digest_of(viewer, row) == row.digest
