"""Cards as drafts of publications: only what an agreement in force shares, to suppliers whose support is confirmed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

import polars as pl

from tierwise.collaboration.agree import queries as agreements
from tierwise.collaboration.agree.records import AgreementRecord
from tierwise.collaboration.publish.records import LINE_COLUMNS, MEASURE_COLUMNS, Draft, PublicationKind
from tierwise.directory import queries as directory
from tierwise.directory.records import SupportState
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.modules.performance.queries.cards import cards_by_id, codes_of, formula, unpublished, with_measures
from tierwise.modules.performance.queries.computing import PeriodSpan, Request, lines_of
from tierwise.modules.performance.records import CardDraft, CardRecord

SCORE = "score"
"""Name of the published row that carries the card's score and standing."""


def publishable(viewer: Viewer, periods: Collection[str] = (), suppliers: Collection[UUID] = ()) -> list[UUID]:
    """Newest cards with numbers that have not gone out and that an agreement in force shares."""
    terms = agreements.terms_in_force(viewer)
    if not terms:
        return []
    reach = today() - timedelta(days=max(each.terms.history_days for each in terms.values()))
    confirmed = {(each.supplier, each.segment) for each in directory.supports(viewer, state=SupportState.CONFIRMED)}
    return [
        card.id
        for card in unpublished(viewer, reach, periods, suppliers)
        if (card.supplier, card.segment) in confirmed
        and (agreed := terms.get((card.supplier, card.segment))) is not None
        and _shared(card.period_end, agreed)
    ]


def drafts_of(viewer: Viewer, periods: Collection[str] = (), suppliers: Collection[UUID] = ()) -> list[CardDraft]:
    """A draft for each card that may go out and has not."""
    terms = agreements.terms_in_force(viewer)
    groups: dict[tuple[str, UUID, UUID], list[CardRecord]] = defaultdict(list)
    for card in with_measures(viewer, cards_by_id(viewer, publishable(viewer, periods, suppliers))):
        groups[card.period, card.formula, card.manifest].append(card)
    return [draft for cards in groups.values() for draft in _drafts(viewer, cards, terms)]


def _shared(period_end: date, agreed: AgreementRecord) -> bool:
    reaches = period_end >= today() - timedelta(days=agreed.terms.history_days)
    return reaches and "scorecard" in agreed.terms.fields


def _drafts(
    viewer: Viewer, cards: list[CardRecord], terms: dict[tuple[UUID, UUID], AgreementRecord]
) -> list[CardDraft]:
    """Cards of one period, formula and manifest: their lines are computed together."""
    suppliers, segments = codes_of(viewer)
    used = formula(viewer, cards[0].formula)
    assert used is not None
    with_lines = {card.id for card in cards if "scorecard_lines" in terms[card.supplier, card.segment].terms.fields}
    lines: dict[tuple[str, ...], pl.DataFrame] = {}
    if with_lines:
        span = PeriodSpan(cards[0].period, cards[0].period_start, cards[0].period_end)
        codes = frozenset(suppliers[card.supplier] for card in cards if card.id in with_lines)
        found = lines_of(viewer, Request(used, span, lake.manifest(viewer, cards[0].manifest), codes))
        lines = {
            (str(supplier), str(segment)): part
            for (supplier, segment), part in found.group_by("supplier", "segment", maintain_order=True)
        }
    made = []
    for card in cards:
        own = lines.get((suppliers[card.supplier], segments[card.segment]))
        draft = Draft(
            supplier=card.supplier, segment=card.segment, kind=PublicationKind.SCORECARD, title=_title(card),
            period_start=card.period_start, period_end=card.period_end, manifest=card.manifest,
            fingerprint=card.fingerprint, reply_days=used.formula.reply_days, measures=_measures(card),
            lines=published_lines(own) if own is not None and card.id in with_lines else None,
            rules={"formula": card.formula_number, "policy": dict(card.policy), "card": str(card.id)},
        )  # fmt: skip
        made.append(CardDraft(card.id, draft))
    return made


def _title(card: CardRecord) -> str:
    return f"Scorecard {card.period}" + (f", revision {card.revision}" if card.revision > 1 else "")


def _measures(card: CardRecord) -> pl.DataFrame:
    names = [name for name in MEASURE_COLUMNS if name not in {"formula", "standing"}]
    cited = f"scorecard/{card.formula_number}"
    rows = [
        {name: getattr(each, name) for name in names}
        | {"formula": f"{cited} {each.measure}", "weight": None if each.weight is None else each.weight / 100}
        for each in card.measures
    ]
    # Readers show what has no unit of its own in percent: the score goes out as the share of all points.
    overall = {
        "measure": SCORE, "formula": f"{cited} {SCORE}", "value": None if card.score is None else card.score / 100,
        "n": card.n, "points": card.score, "standing": card.standing,
        "note": card.standing_reason.replace("_", " ").capitalize(),
    }  # fmt: skip
    return pl.DataFrame([overall, *rows], schema=MEASURE_COLUMNS)


def published_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Judged lines in the columns of a publication. Numbers alike from two sources are told apart by the source."""
    twice = pl.struct("order", "line").is_duplicated()
    order = pl.when(twice).then(pl.format("{}:{}", "source", "order")).otherwise(pl.col("order"))
    quantities = (pl.col(name).round(4) for name in ("ordered", "received", "rejected"))
    return lines.with_columns(order.alias("order"), *quantities, excluded=pl.col("exclusion")).select(
        pl.col(name).cast(dtype) for name, dtype in LINE_COLUMNS.items()
    )
