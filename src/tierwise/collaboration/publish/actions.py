"""Publishing to suppliers, and their replies. How the numbers came about is not known here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import polars as pl

from tierwise.collaboration.agree import queries as agreements
from tierwise.collaboration.agree.records import AgreementRecord
from tierwise.collaboration.numbering import hold
from tierwise.collaboration.publish import rows
from tierwise.collaboration.publish.digest import FORMAT, digest_of
from tierwise.collaboration.publish.models import (
    HeldBack,
    Publication,
    PublicationBasis,
    PublicationCounter,
    PublicationReply,
)
from tierwise.collaboration.publish.permission import content_of, permit
from tierwise.collaboration.publish.records import HELD_BACK_COLUMNS, SERIES_KEY, CellStatus, Draft, Reply
from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_EDITORS, Viewer


@dataclass(frozen=True, slots=True)
class _Frames:
    """The rows of a draft, normalised."""

    series: pl.DataFrame | None
    measures: pl.DataFrame | None
    lines: pl.DataFrame | None
    reasons: pl.DataFrame

    @classmethod
    def of(cls, draft: Draft) -> _Frames:
        series = None if draft.series is None else rows.normalised(draft.series, rows.SERIES)
        measures = None if draft.measures is None else rows.normalised(draft.measures, rows.MEASURES)
        lines = None if draft.lines is None else rows.normalised(draft.lines, rows.LINES)
        return cls(series, measures, lines, _reasons(series, draft.held_back))

    def present(self) -> list[tuple[rows.RowKind, pl.DataFrame]]:
        given = ((rows.SERIES, self.series), (rows.MEASURES, self.measures), (rows.LINES, self.lines))
        return [(kind, frame) for kind, frame in given if frame is not None and frame.height]


def _reasons(series: pl.DataFrame | None, held_back: pl.DataFrame | None) -> pl.DataFrame:
    """Why each held-back cell is held back, by its id. A value beside the mark, or no reason, is refused."""
    why = pl.DataFrame(schema=HELD_BACK_COLUMNS) if held_back is None else held_back
    if missing := sorted({*SERIES_KEY, "reason"} - set(why.columns)):
        raise Invalid("held_back", f"held_back: the columns {', '.join(missing)} are missing.", field="held_back")
    if "numbers" not in why.columns:
        why = why.with_columns(numbers=pl.lit("{}"))
    why = why.select(pl.col(name).cast(dtype) for name, dtype in HELD_BACK_COLUMNS.items()).with_columns(
        pl.col("site", "region").fill_null("")
    )
    cells = pl.DataFrame(schema={"id": pl.String, **{k: HELD_BACK_COLUMNS[k] for k in SERIES_KEY}})
    if series is not None:
        hidden = pl.col("status") == CellStatus.HELD_BACK.value
        if series.filter(hidden & pl.col("quantity").is_not_null()).height:
            raise Invalid("held_back_value", "A cell that is held back must not carry its quantity.", field="quantity")
        if series.filter(~hidden & pl.col("quantity").is_null()).height:
            raise Invalid("no_quantity", "A cell that is shown needs its quantity.", field="quantity")
        if unknown := set(series["status"].unique()) - {s.value for s in CellStatus}:
            raise Invalid("status", f"No such status: {', '.join(sorted(unknown))}.", field="status")
        cells = series.filter(hidden).select("id", *SERIES_KEY)
    joined = cells.join(why, on=list(SERIES_KEY), how="inner")
    if joined.height != cells.height or why.height != cells.height:
        raise Invalid("held_back", "Each held-back cell needs exactly one reason, and others none.", field="held_back")
    return joined.select("id", "reason", "numbers")


@action("publish", roles=BUYER_EDITORS)
def publish(actor: Viewer, draft: Draft) -> UUID:
    """Publishes a draft to its supplier; returns the publication's id.

    Refused where the agreement in force does not share a field or reach a date. When nothing changed since the latest
    publication of the period, that one is returned and nothing is written.
    """
    return _publish(actor, [draft])[0][0]


@action("publish_many", roles=BUYER_EDITORS)
def publish_many(actor: Viewer, drafts: Sequence[Draft]) -> list[UUID]:
    """Publishes drafts for any number of suppliers, all or none; ids in the order of the drafts."""
    published = _publish(actor, drafts)
    record(actor, Subject("publications", ""), count=len(drafts), made=sum(new for _, new in published))
    return [publication for publication, _ in published]


def _publish(actor: Viewer, drafts: Sequence[Draft]) -> list[tuple[UUID, bool]]:
    wordings = agreements.terms_in_force(actor)
    # Suppliers are held in the order of their ids, or two batches may wait for each other.
    order = sorted(range(len(drafts)), key=lambda place: str(drafts[place].supplier))
    made: dict[int, tuple[UUID, bool]] = {}
    for place in order:
        draft = drafts[place]
        made[place] = _publish_one(actor, draft, wordings.get((draft.supplier, draft.segment)))
    return [made[place] for place in range(len(drafts))]


def _publish_one(actor: Viewer, draft: Draft, wording: AgreementRecord | None) -> tuple[UUID, bool]:
    frames = _Frames.of(draft)
    content = content_of(draft, frames.series)
    counter = hold(actor, PublicationCounter, draft.supplier)
    same = _latest_of_period(draft, content)
    if same is not None and PublicationBasis.objects.filter(publication=same, fingerprint=draft.fingerprint).exists():
        record(actor, Subject("publication", same, draft.supplier, draft.segment), unchanged=True)
        return same, False
    agreed = permit(draft, content, frames.series, wording)
    at = now()
    publication = Publication(
        supplier_id=draft.supplier, segment_id=draft.segment, agreement_version_id=agreed.version_id,
        kind=draft.kind.value, number=counter.advance(), title=draft.title.strip()[:160],
        period_start=draft.period_start, period_end=draft.period_end, published_at=at,
        reply_due_at=at + timedelta(days=draft.reply_days) if draft.reply_days else None,
        supersedes_id=_superseded(draft, content), content="+".join(sorted(content)), content_schema=FORMAT,
    )  # fmt: skip
    owner = {"supplier_id": draft.supplier, "segment_id": draft.segment, "publication_id": publication.id}
    for kind, frame in frames.present():
        rows.insert(actor, kind, frame, owner)
    publication.digest = digest_of(actor, publication)
    publication.save(force_insert=True)
    _keep_basis(draft, publication.id, frames.reasons)
    _announce(actor, publication, sum(frame.height for _, frame in frames.present()))
    return publication.id, True


def _keep_basis(draft: Draft, publication: UUID, reasons: pl.DataFrame) -> None:
    PublicationBasis.objects.create(
        publication=publication, manifest=draft.manifest, fingerprint=draft.fingerprint, rules=dict(draft.rules)
    )
    why = [
        HeldBack(publication=publication, cell=UUID(cell), reason=reason, numbers=json.loads(numbers or "{}"))
        for cell, reason, numbers in reasons.iter_rows()
    ]
    HeldBack.objects.bulk_create(why, batch_size=5000)


def _announce(actor: Viewer, publication: Publication, count: int) -> None:
    record(
        actor, Subject("publication", publication.id, publication.supplier_id, publication.segment_id), rows=count,
        number=publication.number, digest=publication.digest,
    )  # fmt: skip
    publish_event(
        actor, "publication_made", publication=publication.id, supplier=publication.supplier_id,
        segment=publication.segment_id, kind=publication.kind, number=publication.number,
        period_start=publication.period_start, period_end=publication.period_end,
        supersedes=publication.supersedes_id,
    )  # fmt: skip


def _latest_of_period(draft: Draft, content: frozenset[str]) -> UUID | None:
    found = Publication.objects.filter(
        supplier_id=draft.supplier, segment_id=draft.segment, kind=draft.kind, period_start=draft.period_start,
        period_end=draft.period_end,
    ).order_by("-number")  # fmt: skip
    return next((p.id for p in found if not content.isdisjoint(p.content.split("+"))), None)


def _superseded(draft: Draft, content: frozenset[str]) -> UUID | None:
    """The newest current publication that this one replaces: it shows some of the same fields for the same segment."""
    alike = Publication.objects.filter(supplier_id=draft.supplier, segment_id=draft.segment, kind=draft.kind)
    replaced = alike.filter(supersedes__isnull=False).values("supersedes")
    current = alike.exclude(id__in=replaced).order_by("-number")
    if draft.supersedes is not None:
        if not current.filter(id=draft.supersedes).exists():
            raise Stale("superseded", "The publication to be replaced was replaced already, or is another's.")
        return draft.supersedes
    if not draft.kind.rolling:
        current = current.filter(period_start=draft.period_start, period_end=draft.period_end)
    return next((p.id for p in current if not content.isdisjoint(p.content.split("+"))), None)


@action("acknowledge_publication", roles=SUPPLIER_EDITORS)
def acknowledge_publication(actor: Viewer, publication_id: UUID, comment: str = "") -> UUID:
    """Says that a publication was received and read; agreeing to every line is not part of it. Returns the reply's id.

    Acknowledging again has no second effect.
    """
    return _reply(actor, publication_id, Reply.ACKNOWLEDGED, comment)


@action("dispute_publication", roles=SUPPLIER_EDITORS)
def dispute_publication(actor: Viewer, publication_id: UUID) -> UUID:
    """Marks a publication as disputed unless it was answered already; part of disputing one of its lines."""
    return _reply(actor, publication_id, Reply.DISPUTED, "")


def _reply(actor: Viewer, publication_id: UUID, reply: Reply, comment: str) -> UUID:
    row = Publication.objects.filter(id=publication_id, supplier_id=actor.company).first()
    if row is None:
        raise NotFound("publication", "There is no such publication.")
    if Publication.objects.filter(supplier_id=actor.company, supersedes_id=row.id).exists():
        raise Stale("superseded", "A newer publication has replaced this one; answer that instead.")
    mine = PublicationReply(
        id=uuid7(), supplier_id=row.supplier_id, segment_id=row.segment_id, publication_id=row.id, reply=reply.value,
        replied_at=now(), replied_by=actor.person, comment=comment.strip(),
    )  # fmt: skip
    PublicationReply.objects.bulk_create([mine], ignore_conflicts=True)
    kept = PublicationReply.objects.get(supplier_id=row.supplier_id, publication_id=row.id)
    subject = Subject("publication", row.id, row.supplier_id, row.segment_id)
    if kept.id != mine.id:
        if kept.reply != reply.value and reply is Reply.ACKNOWLEDGED:
            raise Stale("replied", f"This publication was answered already: {kept.reply}.", reply=kept.reply)
        record(actor, subject, reply=kept.reply, repeated=True)
        return kept.id
    record(actor, subject, reply=reply.value)
    publish_event(
        actor, f"publication_{reply.value}", publication=row.id, supplier=row.supplier_id, segment=row.segment_id,
        number=row.number,
    )  # fmt: skip
    return kept.id
