"""Writes of scorecards: formulas, cards, corrections that rulings made, and which publication a card went out with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import polars as pl
from django.db import connections
from django.db.models import Model
from psycopg import sql

from tierwise.collaboration.publish.actions import publish_many
from tierwise.collaboration.publish.records import Draft
from tierwise.directory import queries as directory
from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, publish_events, record
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7, uuid7s
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Viewer
from tierwise.modules.performance.models import LineCorrection, Scorecard, ScorecardFormula, ScorecardMeasure
from tierwise.modules.performance.queries.cards import latest_cards
from tierwise.modules.performance.records import CardDraft, CardDrafts, ComputedCards, Correction, Formula

JUDGES = BUYER_EDITORS | {Role.QUALITY}
_NUMBERS = (
    "value", "low", "high", "shrunk", "numerator", "denominator", "effective_n", "limit", "target", "weight", "points",
)  # fmt: skip
_DIGITS = 9
"""Significant digits that count as a change: sums of floats differ in the last ones with the order of rows."""


def _take_turn(actor: Viewer, what: str) -> None:
    number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], signed=True)
    with connections[actor.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [number])


@action("put_formula", roles=BUYER_EDITORS)
def put_formula(actor: Viewer, formula: Formula, based_on: int | None = None) -> UUID:
    """Adds a version of the formula and returns its id; it holds for periods that are scored from now on.

    ``based_on`` is the version the writer started from. The newest version written again has no second effect.
    """
    _take_turn(actor, "scorecard formula")
    last = ScorecardFormula.objects.order_by("-number").first()
    number = last.number if last else 0
    if last is not None and Formula.from_dict(last.parameters) == formula:
        record(actor, Subject("scorecard_formula", last.id), repeated=True)
        return last.id
    if based_on is not None and based_on != number:
        message = f"Version {number} was written meanwhile; look at it and apply your change anew."
        raise Stale("formula_changed", message, number=number)
    row = ScorecardFormula(
        number=number + 1, title=formula.title, parameters=formula.to_dict(), written_at=now(), written_by=actor.person
    )
    row.save(force_insert=True)
    record(actor, Subject("scorecard_formula", row.id), number=row.number)
    publish_event(actor, "formula_written", formula=row.id, number=row.number)
    return row.id


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording did: cards that are new, restated, or stand as they were."""

    new: int
    restated: int
    unchanged: int
    suppliers: tuple[UUID, ...] = field(default=())

    @property
    def changed(self) -> int:
        return self.new + self.restated

    def to_dict(self) -> dict[str, int]:
        return {"new": self.new, "restated": self.restated, "unchanged": self.unchanged}


@dataclass(frozen=True, slots=True)
class Book:
    """Ids by code, and the newest revision and fingerprint of each card of some periods."""

    suppliers: Mapping[str, UUID]
    segments: Mapping[str, UUID]
    standing: Mapping[str, Mapping[tuple[UUID, UUID], tuple[int, str]]] = field(repr=False)


def open_book(actor: Viewer, periods: Collection[str]) -> Book:
    """Reads what is recorded of some periods. Whoever else records them waits until this transaction ends."""
    standing: dict[str, dict[tuple[UUID, UUID], tuple[int, str]]] = {period: {} for period in sorted(periods)}
    for period in standing:
        _take_turn(actor, f"scorecards {period}")
    rows = latest_cards(Scorecard.objects.filter(period__in=list(standing)))
    names = ("period", "supplier_id", "segment_id", "revision", "fingerprint")
    for period, supplier, segment, revision, print_ in rows.values_list(*names):
        standing[period][supplier, segment] = revision, print_
    suppliers = {company.code: company.id for company in directory.suppliers(actor)}
    return Book(suppliers, directory.segment_ids(actor), standing)


@dataclass(frozen=True, slots=True)
class Difference:
    """Cards of one period that are new or say something new, by (supplier, segment) code; not yet written."""

    computed: ComputedCards = field(repr=False)
    cards: Mapping[tuple[str, str], Scorecard] = field(repr=False)
    done: Recorded

    def laid_over(self, earlier: pl.DataFrame) -> pl.DataFrame:
        """What ``queries.history`` answers once the cards are written."""
        fresh = pl.DataFrame(
            [
                (*pair, card.period, card.period_start, card.period_end, card.score, card.n, card.standing,
                 card.standing_reason, card.fingerprint, str(card.id), None)
                for pair, card in self.cards.items()
            ],
            schema=earlier.schema, orient="row",
        )  # fmt: skip
        kept = earlier.join(fresh, on=["supplier", "segment", "period"], how="anti")
        return pl.concat([kept, fresh]).sort("supplier", "segment", "period_start")


def difference(book: Book, computed: ComputedCards) -> Difference:
    """What recording the cards of a period would write."""
    if unknown := sorted(set(computed.cards["supplier"]) - set(book.suppliers)):
        raise Invalid("supplier", f"No such supplier: {', '.join(unknown[:5])}.", field="supplier")
    prints, standing = fingerprints(computed), book.standing[computed.period]
    made: dict[tuple[str, str], Scorecard] = {}
    for row in computed.cards.iter_rows(named=True):
        pair = row["supplier"], row["segment"]
        key = book.suppliers[pair[0]], book.segments[pair[1]]
        revision, print_ = standing.get(key, (0, ""))
        if print_ != prints[pair]:
            made[pair] = _card(computed, row, key, revision + 1, prints[pair])
    restated = sum(card.revision > 1 for card in made.values())
    touched = tuple(sorted({card.supplier_id for card in made.values()}))
    done = Recorded(len(made) - restated, restated, computed.cards.height - len(made), touched)
    return Difference(computed, made, done)


@action("record_scorecards", roles=BUYER_EDITORS)
def record_scorecards(actor: Viewer, computed: ComputedCards) -> Recorded:
    """Records the cards of a period: those that are new, and a new revision of those whose numbers changed."""
    found = difference(open_book(actor, [computed.period]), computed)
    _write(actor, [found])
    return found.done


@action("record_scorecards", roles=BUYER_EDITORS)
def record_differences(actor: Viewer, found: Sequence[Difference]) -> None:
    """Records the cards of many periods at once, in the transaction in which their book was opened."""
    _write(actor, found)


def _write(actor: Viewer, found: Sequence[Difference]) -> None:
    for each in found:
        cards = [{name: getattr(card, name) for name in _CARD} for card in each.cards.values()]
        _insert(actor, Scorecard, _CARD, json.dumps(cards, default=str))
        _insert(actor, ScorecardMeasure, _MEASURE, _measures(each))
        computed, done = each.computed, each.done
        record(
            actor, Subject("scorecards", computed.period), formula=computed.formula.number, manifest=computed.manifest,
            count=done.changed, **done.to_dict(),
        )  # fmt: skip
    news = [(each.computed.period, each.done) for each in found if each.cards]
    publish_events(
        actor, "scorecards_recorded",
        [{"period": period, "suppliers": done.suppliers, **done.to_dict()} for period, done in news],
    )  # fmt: skip


def _card(
    computed: ComputedCards, row: dict[str, Any], key: tuple[UUID, UUID], revision: int, fingerprint: str
) -> Scorecard:
    return Scorecard(
        id=uuid7(), supplier_id=key[0], segment_id=key[1], period=computed.period, period_start=computed.period_start,
        period_end=computed.period_end, revision=revision, formula_id=computed.formula.id, manifest=computed.manifest,
        scheme_version=computed.scheme_version, fingerprint=fingerprint, policy=computed.policies[row["segment"]],
        n=row["n"], score=row["score"], ungated=row["ungated"], gates=row["gates"], missing=row["missing"],
        first_mix=row["first_mix"], standing=row["standing"], standing_reason=row["reason"], computed_at=now(),
    )  # fmt: skip


_MEASURE = {
    "id": "uuid", "scorecard_id": "uuid", "measure": "text", "n": "int", "note": "text",
    **dict.fromkeys((*_NUMBERS, "prior_mean", "prior_n"), "float8"),
}  # fmt: skip
_CARD = {
    "id": "uuid", "supplier_id": "uuid", "segment_id": "uuid", "formula_id": "uuid", "manifest": "uuid",
    **dict.fromkeys(("period", "fingerprint", "gates", "missing", "standing", "standing_reason"), "text"),
    **dict.fromkeys(("period_start", "period_end"), "date"),
    **dict.fromkeys(("revision", "scheme_version", "n"), "int"),
    **dict.fromkeys(("score", "ungated", "first_mix"), "float8"), "policy": "jsonb", "computed_at": "timestamptz",
}  # fmt: skip


def _measures(found: Difference) -> str:
    """The measures of the cards as JSON, which keeps every digit; NaN and infinity, which it lacks, become null."""
    cards = pl.DataFrame(
        [(*pair, str(card.id)) for pair, card in found.cards.items()],
        schema=dict.fromkeys(("supplier", "segment", "scorecard_id"), pl.String), orient="row",
    )  # fmt: skip
    rows = found.computed.measures.join(cards, on=["supplier", "segment"], how="inner")
    ids = pl.Series("id", [str(each) for each in uuid7s(rows.height)], dtype=pl.String)
    return rows.with_columns(ids, note=pl.lit("")).select(*_MEASURE).write_json()


def _insert(actor: Viewer, model: type[Model], columns: Mapping[str, str], rows: str) -> None:
    """Rows in one statement; preparing each value of each model object took most of the time of scoring."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    typed = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in columns.items())
    statement = sql.SQL("insert into {} ({}) select {} from json_to_recordset(%s) as given ({})")
    with connections[actor.alias].cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(model._meta.db_table), names, names, typed), [rows])


def fingerprints(computed: ComputedCards) -> dict[tuple[str, str], str]:
    """(supplier, segment) → a digest of everything a card says; where it was computed from plays no part."""
    pair = ["supplier", "segment"]

    def text(names: Sequence[str]) -> list[pl.Expr]:
        # Shares are decimal, so sums of them lie halfway between two roundings often; there the noise would decide.
        nudged = (pl.col(name) * (1 + 0.01 * 10.0**-_DIGITS) for name in names)
        return [each.round_sig_figs(_DIGITS).cast(pl.String).fill_null("-") for each in nudged]

    measures = computed.measures.sort(*pair, "measure").select(
        *pair, said=pl.concat_str("measure", pl.col("n").cast(pl.String), *text(_NUMBERS), separator=" ")
    )
    said = measures.group_by(pair, maintain_order=True).agg(pl.col("said").str.join("\n"))
    cards = computed.cards.join(said, on=pair, how="left").select(
        *pair,
        text=pl.concat_str(
            pl.lit(f"{computed.formula.number} {computed.period}"), *text(["score", "ungated", "first_mix"]),
            pl.col("n").cast(pl.String), "gates", "missing", "standing", "reason", pl.col("said").fill_null(""),
            separator="\n",
        ),
    )  # fmt: skip
    return {
        (supplier, segment): hashlib.sha256(body.encode()).hexdigest() for supplier, segment, body in cards.iter_rows()
    }


@action("apply_correction", roles=JUDGES)
def apply_correction(actor: Viewer, correction: Correction) -> UUID:
    """Keeps what an upheld case says about a line; scoring lays it over the facts. Returns the correction's id.

    A case corrects once: the same correction again has no second effect, another one of the same case is refused.
    """
    if correction.supplier not in {company.id for company in directory.suppliers(actor)}:
        raise NotFound("supplier", "There is no such supplier.")
    said = asdict(correction)
    if not any(said[name] is not None for name in ("delivered_on", "received", "rejected")) and not correction.excluded:
        raise Invalid("nothing", "The correction says nothing: give a date, a quantity or a reason to leave it out.",
                      field="delivered_on")  # fmt: skip
    supplier = said.pop("supplier")
    fresh = LineCorrection(id=uuid7(), supplier_id=supplier, **said)
    LineCorrection.objects.bulk_create([fresh], ignore_conflicts=True)
    kept = LineCorrection.objects.get(case=correction.case)
    subject = Subject("line_correction", kept.id, kept.supplier_id)
    if kept.id == fresh.id:
        record(actor, subject, order=kept.order, line=kept.line, case=kept.case)
        return kept.id
    same = (kept.supplier_id, kept.order, kept.line, kept.delivered_on, kept.received, kept.rejected, kept.excluded)
    if same != (supplier, *(said[n] for n in ("order", "line", "delivered_on", "received", "rejected", "excluded"))):
        raise Stale("corrected", "This case has corrected the line already, and differently.", correction=str(kept.id))
    record(actor, subject, repeated=True)
    return kept.id


@action("publish_scorecards", roles=BUYER_EDITORS)
def publish_cards(actor: Viewer, drafts: Collection[CardDraft]) -> list[UUID]:
    """Publishes cards to their suppliers and notes with which publication each went out; all or none."""
    suppliers = _suppliers(drafts)
    waiting = set(
        Scorecard.objects.select_for_update()
        .filter(id__in=list(suppliers), publication=None)
        .order_by("id")
        .values_list("id", flat=True)
    )
    going: list[UUID] = []

    def sent() -> Iterator[Draft]:
        for each in drafts.made(waiting) if isinstance(drafts, CardDrafts) else drafts:
            if each.card in waiting:
                going.append(each.card)
                yield each.draft

    ids = publish_many(actor, sent(), {suppliers[card] for card in waiting}) if waiting else []
    _note_publications(actor, going, ids)
    record(actor, Subject("scorecards", ""), count=len(going), already=len(suppliers) - len(going))
    return ids


def _suppliers(drafts: Collection[CardDraft]) -> Mapping[UUID, UUID]:
    if isinstance(drafts, CardDrafts):
        return drafts.suppliers
    return {each.card: each.draft.supplier for each in drafts}


def _note_publications(actor: Viewer, cards: Sequence[UUID], publications: Sequence[UUID]) -> None:
    statement = sql.SQL(
        "update {} as card set publication = given.publication"
        " from unnest(%s::uuid[], %s::uuid[]) as given(id, publication) where card.id = given.id"
    ).format(sql.Identifier(Scorecard._meta.db_table))
    with connections[actor.alias].cursor() as cursor:
        cursor.execute(statement, [list(cards), list(publications)])
