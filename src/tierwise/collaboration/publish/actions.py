"""Publishing to suppliers, and their replies. How the numbers came about is not known here."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.collaboration.agree import queries as agreements
from tierwise.collaboration.publish import rows
from tierwise.collaboration.publish.digest import FORMAT, digests_of
from tierwise.collaboration.publish.frames import Frames
from tierwise.collaboration.publish.models import HeldBack, Publication, PublicationBasis, PublicationReply
from tierwise.collaboration.publish.permission import permit, shown_in
from tierwise.collaboration.publish.records import Draft, Reply
from tierwise.collaboration.publish.standing import Counters, Standing, hold_counters
from tierwise.kernel.audit import (
    NotFound,
    Stale,
    Subject,
    action,
    publish_event,
    publish_events,
    record,
    record_many,
)
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_EDITORS, Viewer

BATCH = 2000
ROWS_AT_ONCE = 100_000
"""Rows of drafts that are checked, numbered and written together."""


@action("publish", roles=BUYER_EDITORS)
def publish(actor: Viewer, draft: Draft) -> UUID:
    """Publishes a draft to its supplier; returns the publication's id.

    Refused where the agreement in force does not share a field or reach a date. When nothing changed since the latest
    publication of the period, that one is returned and nothing is written.
    """
    return _publish(actor, [draft], hold_counters(actor, [draft.supplier]))[0][0]


@action("publish_many", roles=BUYER_EDITORS)
def publish_many(actor: Viewer, drafts: Iterable[Draft], suppliers: Collection[UUID] = ()) -> list[UUID]:
    """Publishes drafts for any number of suppliers, all or none; ids in the order of the drafts.

    Drafts may be made as they are asked for, and are not kept: so many rows at a time are written. ``suppliers`` then
    names everybody they are for.
    """
    if isinstance(drafts, Sequence):
        suppliers = {draft.supplier for draft in drafts}
    counters = hold_counters(actor, suppliers)
    published = [each for part in _portions(drafts) for each in _publish(actor, part, counters)]
    record(actor, Subject("publications", ""), count=len(published), made=sum(new for _, new in published))
    return [publication for publication, _ in published]


def _portions(drafts: Iterable[Draft]) -> Iterator[list[Draft]]:
    """The drafts in their order, as many together as come to ``ROWS_AT_ONCE``."""
    held: list[Draft] = []
    rows_held = 0
    for draft in drafts:
        held.append(draft)
        rows_held += draft.rows
        if rows_held >= ROWS_AT_ONCE:
            yield held
            held, rows_held = [], 0
    if held:
        yield held


def _publish(actor: Viewer, drafts: Sequence[Draft], counters: Counters) -> list[tuple[UUID, bool]]:
    """For each draft the publication that says it, and whether that was added now."""
    frames = Frames.of(drafts)
    shown = shown_in(drafts, frames.series)
    narrowed = drafts[0].supplier if len({draft.supplier for draft in drafts}) == 1 else None
    wordings = agreements.terms_in_force(actor, supplier=narrowed)
    standing = Standing.before(counters, drafts)
    ids: dict[int, UUID] = {}
    made: dict[int, Publication] = {}
    for place in sorted(range(len(drafts)), key=lambda place: str(drafts[place].supplier)):
        draft, fields = drafts[place], shown[place].fields
        same = standing.unchanged(draft, fields)
        if same is None:
            agreed = permit(draft, shown[place], wordings.get((draft.supplier, draft.segment)))
            made[place] = _publication(draft, fields, agreed.version_id, standing)
            standing.add(made[place], draft.fingerprint)
        ids[place] = made[place].id if same is None else same
    standing.save_numbers()
    if made:
        _keep(actor, drafts, made, frames)
    record_many(actor, [_entry(drafts[place], one, made.get(place)) for place, one in ids.items()])
    publish_events(actor, "publication_made", [_news(publication) for publication in made.values()])
    return [(ids[place], place in made) for place in range(len(drafts))]


def _publication(draft: Draft, fields: frozenset[str], wording: UUID, standing: Standing) -> Publication:
    at = now()
    return Publication(
        supplier_id=draft.supplier, segment_id=draft.segment, agreement_version_id=wording, kind=draft.kind.value,
        number=standing.next_number(draft.supplier), title=draft.title.strip()[:160],
        period_start=draft.period_start, period_end=draft.period_end, published_at=at,
        reply_due_at=at + timedelta(days=draft.reply_days) if draft.reply_days else None,
        supersedes_id=standing.superseded(draft, fields), content="+".join(sorted(fields)), content_schema=FORMAT,
    )  # fmt: skip


def _keep(actor: Viewer, drafts: Sequence[Draft], made: Mapping[int, Publication], frames: Frames) -> None:
    """Adds the publications, by the place of their draft, with all that stands in and behind them."""
    owners = pl.DataFrame(
        [(place, str(one.supplier_id), str(one.segment_id), str(one.id)) for place, one in made.items()],
        schema={rows.PLACE: pl.UInt32, **dict.fromkeys(rows.OWNER_COLUMNS, pl.String)},
        orient="row",
    )
    for kind, frame in frames.kinds():
        rows.insert(actor, kind, frame.join(owners, on=rows.PLACE))
    publications = list(made.values())
    digests = digests_of(actor, publications)
    for publication in publications:
        publication.digest = digests[publication.id]
    Publication.objects.bulk_create(publications, batch_size=BATCH)
    _keep_bases([(one.id, drafts[place]) for place, one in made.items()])
    _keep_reasons(frames.reasons.join(owners, on=rows.PLACE))


def _keep_bases(made: Iterable[tuple[UUID, Draft]]) -> None:
    bases = [
        PublicationBasis(
            publication=publication, manifest=draft.manifest, fingerprint=draft.fingerprint, rules=dict(draft.rules)
        )
        for publication, draft in made
    ]
    PublicationBasis.objects.bulk_create(bases, batch_size=BATCH)


def _keep_reasons(reasons: pl.DataFrame) -> None:
    for part in reasons.select("publication_id", "id", "reason", "numbers").iter_slices(rows.BATCH):
        why = [
            HeldBack(publication=UUID(owner), cell=UUID(cell), reason=reason, numbers=json.loads(numbers or "{}"))
            for owner, cell, reason, numbers in part.iter_rows()
        ]
        HeldBack.objects.bulk_create(why, batch_size=BATCH)


def _entry(draft: Draft, publication: UUID, made: Publication | None) -> tuple[Subject, dict[str, Any]]:
    subject = Subject("publication", publication, draft.supplier, draft.segment)
    if made is None:
        return subject, {"unchanged": True}
    return subject, {"rows": draft.rows, "number": made.number, "digest": made.digest}


def _news(made: Publication) -> dict[str, Any]:
    return {
        "publication": made.id, "supplier": made.supplier_id, "segment": made.segment_id, "kind": made.kind,
        "number": made.number, "title": made.title, "period_start": made.period_start, "period_end": made.period_end,
        "supersedes": made.supersedes_id,
    }  # fmt: skip


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
