"""Cards as drafts of publications: only what an agreement in force shares, to suppliers whose support is confirmed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
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
from tierwise.modules.performance.queries.cards import cards_by_id, codes_of, formulas, measures_of, unpublished
from tierwise.modules.performance.queries.computing import PeriodSpan, Request, lines_of_periods
from tierwise.modules.performance.records import CardDraft, CardDrafts, CardRecord, FormulaRecord

SCORE = "score"
"""Name of the published row that carries the card's score and standing."""
LINES_AT_ONCE = 300_000
"""Purchase lines whose drafts are made together: each goes out once for each segment that it counts for."""
_Terms = Mapping[tuple[UUID, UUID], AgreementRecord]


def publishable(viewer: Viewer, periods: Collection[str] = (), suppliers: Collection[UUID] = ()) -> list[UUID]:
    """Newest cards with numbers that have not gone out and that an agreement in force shares."""
    return _publishable(viewer, agreements.terms_in_force(viewer), periods, suppliers)


def _publishable(
    viewer: Viewer, terms: _Terms, periods: Collection[str] = (), suppliers: Collection[UUID] = ()
) -> list[UUID]:
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


def _shared(period_end: date, agreed: AgreementRecord) -> bool:
    reaches = period_end >= today() - timedelta(days=agreed.terms.history_days)
    return reaches and "scorecard" in agreed.terms.fields


def drafts_of(viewer: Viewer, periods: Collection[str] = (), suppliers: Collection[UUID] = ()) -> CardDrafts:
    """A draft for each card that may go out and has not."""
    terms = agreements.terms_in_force(viewer)
    cards = cards_by_id(viewer, _publishable(viewer, terms, periods, suppliers))
    used = {each.id: each for each in formulas(viewer)}

    def made(wanted: Collection[UUID]) -> Iterator[CardDraft]:
        for part in _pieces(viewer, [card for card in cards if card.id in wanted]):
            with_lines = [
                card for card in part if "scorecard_lines" in terms[card.supplier, card.segment].terms.fields
            ]  # fmt: skip
            lines, measures = _lines(viewer, with_lines, used), _measures(viewer, part)
            for card in part:
                yield _draft(card, used[card.formula], measures[card.id], lines.pop(card.id, None))

    return CardDrafts({card.id: card.supplier for card in cards}, made)


def _pieces(viewer: Viewer, cards: Sequence[CardRecord]) -> Iterator[list[CardRecord]]:
    """Cards in their order, of as many periods together as have some ``LINES_AT_ONCE``, or of some suppliers of one.

    Cards come by period and by supplier, so that the lines of each are read once.
    """
    if not cards:
        return
    months = lake.facts(viewer, "purchase_line").group_by("month").agg(pl.len()).collect(engine="streaming")
    a_month = max(1, int(months["len"].sum()) // max(1, months.height))
    held: list[CardRecord] = []
    lines_held = 0
    for _, own in groupby(cards, lambda card: card.period):
        period = list(own)
        lines = a_month * max(1, round((period[0].period_end - period[0].period_start).days / 30))
        if held and lines_held + lines > LINES_AT_ONCE:
            yield held
            held, lines_held = [], 0
        if lines > LINES_AT_ONCE:
            size = max(1, int(len(period) * LINES_AT_ONCE / lines))
            yield from (period[place : place + size] for place in range(0, len(period), size))
        else:
            held, lines_held = held + period, lines_held + lines
    if held:
        yield held


def _draft(card: CardRecord, formula: FormulaRecord, measures: pl.DataFrame, lines: pl.DataFrame | None) -> CardDraft:
    return CardDraft(
        card.id,
        Draft(
            supplier=card.supplier, segment=card.segment, kind=PublicationKind.SCORECARD, title=_title(card),
            period_start=card.period_start, period_end=card.period_end, manifest=card.manifest,
            fingerprint=card.fingerprint, reply_days=formula.formula.reply_days, measures=measures, lines=lines,
            rules={"formula": card.formula_number, "policy": dict(card.policy), "card": str(card.id)},
        ),
    )  # fmt: skip


def _title(card: CardRecord) -> str:
    return f"Scorecard {card.period}" + (f", revision {card.revision}" if card.revision > 1 else "")


def _measures(viewer: Viewer, cards: Sequence[CardRecord]) -> dict[UUID, pl.DataFrame]:
    """Card → its rows of a publication: the score with the standing, then every measure."""
    about = pl.DataFrame(
        [(str(card.id), f"scorecard/{card.formula_number} ") for card in cards],
        schema={"card": pl.String, "cited": pl.String}, orient="row",
    )  # fmt: skip
    rows = measures_of(viewer, [card.id for card in cards]).join(about, on="card", maintain_order="left")
    rows = rows.with_columns(
        pl.col("weight") / 100, formula=pl.concat_str("cited", "measure"), standing=pl.lit(None, pl.String)
    )
    # Readers show what has no unit of its own in percent: the score goes out as the share of all points.
    points, reason = pl.col("points"), pl.col("note").str.replace_all("_", " ", literal=True)
    overall = pl.DataFrame(
        [(str(card.id), card.n, card.score, card.standing, card.standing_reason) for card in cards],
        schema={"card": pl.String, **{name: MEASURE_COLUMNS[name] for name in ("n", "points", "standing", "note")}},
        orient="row",
    ).join(about, on="card", maintain_order="left")
    sentence = reason.str.slice(0, 1).str.to_uppercase() + reason.str.slice(1).str.to_lowercase()
    overall = overall.with_columns(formula=pl.col("cited") + SCORE, value=points / 100, note=sentence)
    every = pl.concat([overall.with_columns(measure=pl.lit(SCORE)), rows], how="diagonal_relaxed")
    return _by_card(every.select("card", *(pl.col(name).cast(kind) for name, kind in MEASURE_COLUMNS.items())))


def _lines(
    viewer: Viewer, cards: Sequence[CardRecord], formulas: Mapping[UUID, FormulaRecord]
) -> dict[UUID, pl.DataFrame]:
    """Card → the judged lines beneath it; cards without any are left out."""
    found = [
        lines.join(own, on=["supplier", "segment"], maintain_order="left")
        for requests, owners in _requests(viewer, cards, formulas)
        for lines, own in zip(lines_of_periods(viewer, requests), owners, strict=True)
    ]
    return _by_card(published_lines(pl.concat(found), "card")) if found else {}


def _requests(
    viewer: Viewer, cards: Sequence[CardRecord], formulas: Mapping[UUID, FormulaRecord]
) -> Iterator[tuple[list[Request], list[pl.DataFrame]]]:
    """Periods whose lines are computed together, and the cards of each: [supplier, segment, card]."""
    suppliers, segments = codes_of(viewer)
    groups: dict[tuple[UUID, UUID], dict[PeriodSpan, list[CardRecord]]] = defaultdict(lambda: defaultdict(list))
    for card in cards:
        span = PeriodSpan(card.period, card.period_start, card.period_end)
        groups[card.formula, card.manifest][span].append(card)
    names = dict.fromkeys(("supplier", "segment", "card"), pl.String)
    for (formula, manifest), spans in groups.items():
        at = lake.manifest(viewer, manifest)
        codes = frozenset(suppliers[card.supplier] for own in spans.values() for card in own)
        yield (
            [Request(formulas[formula], span, at, codes) for span in spans],
            [
                pl.DataFrame(
                    [(suppliers[card.supplier], segments[card.segment], str(card.id)) for card in own],
                    schema=names, orient="row",
                )
                for own in spans.values()
            ],
        )  # fmt: skip


def _by_card(rows: pl.DataFrame) -> dict[UUID, pl.DataFrame]:
    """The rows of each card, in their order, without the column ``card``."""
    parts = rows.partition_by("card", as_dict=True, include_key=False, maintain_order=True)
    return {UUID(str(card)): part for (card,), part in parts.items()}


def published_lines(lines: pl.DataFrame, *owner: str) -> pl.DataFrame:
    """Judged lines in the columns of a publication. Numbers alike from two sources are told apart by the source.

    ``owner`` names the columns that tell one publication's lines from another's; they are kept.
    """
    twice = pl.struct(*owner, "order", "line").is_duplicated()
    order = pl.when(twice).then(pl.format("{}:{}", "source", "order")).otherwise(pl.col("order"))
    quantities = (pl.col(name).round(4) for name in ("ordered", "received", "rejected"))
    return lines.with_columns(order.alias("order"), *quantities, excluded=pl.col("exclusion")).select(
        *owner, *(pl.col(name).cast(dtype) for name, dtype in LINE_COLUMNS.items())
    )
