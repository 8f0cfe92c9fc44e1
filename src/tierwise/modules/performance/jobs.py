"""The scorecards' pipeline: score what is closed, restate what a ruling touched, publish what changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import astuple, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.collaboration.publish import queries as publications
from tierwise.directory import queries as directory
from tierwise.directory.records import read_facet
from tierwise.kernel.audit import Invalid
from tierwise.kernel.pipeline import Outcome, Progress, fingerprint, run_step, silent
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake import queries as lake
from tierwise.lake.actions import DIRECTORY
from tierwise.lake.records import ManifestRecord
from tierwise.modules.performance import actions, queries
from tierwise.modules.performance.ports import severity_events
from tierwise.modules.performance.queries.computing import PeriodSpan, Request, compute
from tierwise.modules.performance.queries.drafting import drafts_of
from tierwise.modules.performance.queries.loading import TABLES
from tierwise.modules.performance.records import DEFAULT_FORMULA, CardRecord, Correction, FormulaRecord, Scoring

CODE = "scorecards/1"
"""Version of what the step does; part of its key."""
LOOK_BACK = 12
"""Recorded periods that the monthly cycle computes again, for late facts."""


def formula_in_force(worker: Viewer) -> FormulaRecord:
    """The newest version; the defaults are written as version 1 where nobody has written one."""
    found = queries.formula(worker)
    if found is None:
        actions.put_formula(worker, DEFAULT_FORMULA, 0)
        found = queries.formula(worker)
    assert found is not None
    return found


def score_periods(
    worker: Viewer,
    periods: Collection[str] = (),
    progress: Progress = silent,
    formula: UUID | None = None,
    on: date | None = None,
) -> list[Outcome]:
    """Scores periods closed by a day (today), all or those named, and records what is new or changed.

    A period that has cards keeps the formula, policies and priors of its first scoring, unless ``formula`` names
    another version to restate it by. Where a period's scores changed, later ones are computed again, for their
    standings look back. A period whose inputs are those of its last run is skipped.
    """
    with viewer_scope(worker):
        manifest, current = lake.manifest(worker), formula_in_force(worker)
        wanted = queries.formula(worker, formula) if formula else None
        spans = queries.closed(worker, (wanted or current).formula, manifest, on)
        recorded = set(queries.recorded_periods(worker))
    if unknown := sorted(set(periods) - {span.label for span in spans}):
        raise Invalid(
            "period",
            f"{', '.join(unknown)}: no such period is closed, or the facts do not reach so far.",
            field="periods",
        )
    labels = frozenset(periods or (span.label for span in spans))
    run = _Run(worker, manifest, wanted, current, labels, frozenset(recorded), spans)
    with viewer_scope(worker):
        together = queries.periods_at_once(worker, manifest, len(spans))
    for place in range(0, len(spans), together):
        progress(spans[place].label, place / len(spans))
        run.score(spans[place : place + together])
    progress("", 1.0)
    return run.outcomes


@dataclass
class _Run:
    """A run over the periods named (``labels``), a chunk at a time; ``wanted`` is a formula to restate by.

    ``dirty`` says that cards have changed, so that recorded periods after them follow.
    """

    worker: Viewer
    manifest: ManifestRecord
    wanted: FormulaRecord | None
    current: FormulaRecord
    labels: Set[str]
    recorded: Set[str]
    spans: Sequence[PeriodSpan]
    dirty: bool = False
    outcomes: list[Outcome] = field(default_factory=list)

    @cached_property
    def shelf(self) -> queries.Shelf:
        """Neighbouring periods share rows: a line is ordered in one month, due in another and received in a third."""
        return queries.shelf_of(self.worker, self.manifest, last=self.spans[-1].end)

    def is_due(self, span: PeriodSpan) -> bool:
        return span.label in self.labels or (self.dirty and span.label in self.recorded)

    def score(self, spans: Sequence[PeriodSpan]) -> None:
        """Scores what is due of consecutive periods and records it, in one transaction."""
        if not any(self.is_due(span) for span in spans):
            return
        with viewer_scope(self.worker):
            book = actions.open_book(self.worker, [span.label for span in spans])
            ground = queries.ground_of(self.worker, spans)
            requests = [Request(self._formula(span, ground), span, self.manifest) for span in spans]
            chunk = _Chunk(self.worker, ground, book, self.shelf)
            for place, request in enumerate(requests):
                if not self.is_due(request.period):
                    continue
                outcome = chunk.score(request, [each for each in requests[place:] if self.is_due(each.period)])
                result = outcome.result
                self.dirty = self.dirty or (not outcome.skipped and result["new"] + result["restated"] > 0)
                self.outcomes.append(outcome)
            if chunk.found:
                actions.record_differences(self.worker, chunk.found)

    def _formula(self, span: PeriodSpan, ground: queries.Ground) -> FormulaRecord:
        """The formula to restate by, or that the period was last recorded by; the newest for one without cards."""
        kept = ground.kept.get(span.label)
        if self.wanted is not None or kept is None or kept.formula == self.current.id:
            return self.wanted or self.current
        return queries.formula(self.worker, kept.formula) or self.current


@dataclass
class _Chunk:
    """Periods whose facts are read, judged and measured together, the first time that one of them is not skipped.

    Their cards are written at the end, in the transaction of their steps; ``ground`` grows by each of them.
    """

    worker: Viewer
    ground: queries.Ground
    book: actions.Book
    shelf: queries.Shelf
    measured: dict[str, tuple[queries.Facts, queries.Measured]] = field(default_factory=dict)
    found: list[actions.Difference] = field(default_factory=list)

    def score(self, request: Request, rest: Sequence[Request]) -> Outcome:
        """One step. ``rest`` are the requests still to come, this one first: those of its formula are measured too."""
        label = request.period.label

        def work() -> dict[str, Any]:
            if label not in self.measured:
                alike = [each for each in rest if each.formula.id == request.formula.id]
                found = queries.measured_periods(self.worker, alike, self.shelf)
                self.measured.update(zip((each.period.label for each in alike), found, strict=True))
            measured = self.measured.pop(label)
            computed = queries.cards_of(self.worker, request, measured, self.ground, with_lines=False)
            difference = actions.difference(self.book, computed)
            self.found.append(difference)
            self.ground = replace(self.ground, earlier=difference.laid_over(self.ground.earlier))
            done = difference.done.to_dict()
            return {**done, "cards": computed.cards.height, "warnings": list(computed.warnings)}

        return run_step(self.worker, "scorecards", label, _inputs(self.worker, request, self.ground), work)


def _inputs(worker: Viewer, request: Request, ground: queries.Ground) -> str:
    """Everything that a period's cards follow from: facts, formula, policies, rulings, events and earlier cards."""
    span = request.period
    # What the period keeps from its first scoring stands for the policies then; before, those in force do.
    policies = ground.values(span.label)
    before = ground.earlier.filter(pl.col("period_start") < span.start)
    events = severity_events(worker, span.start, span.end, request.formula.formula.period)
    return fingerprint(
        CODE,
        {name: request.manifest.versions.get(name) for name in (*TABLES, DIRECTORY)},
        request.formula.id,
        {code: vars(read_facet(Scoring, policies.get(code, {}))) for code in ground.segments.values()},
        [astuple(each) for each in ground.corrections],
        before.select("supplier", "segment", "period", "fingerprint").rows(),
        events.rows() if events is not None else None,
    )


def restate(worker: Viewer, supplier: UUID, periods: Iterable[str]) -> list[actions.Recorded]:
    """States a supplier's cards of some periods anew from the facts they were computed from, rulings included.

    Later periods follow where a score moved, for their standings look back. Nobody else's card is touched.
    """
    with viewer_scope(worker):
        codes = {company.id: company.code for company in directory.suppliers(worker)}
        cards = sorted(queries.scorecards(worker, supplier=supplier), key=lambda card: card.period_start)
    wanted, done = set(periods), []
    newest: dict[str, CardRecord] = {}
    for card in cards:
        held = newest.get(card.period)
        if held is None or card.computed_at > held.computed_at:
            newest[card.period] = card
    dirty = False
    for label, card in newest.items():
        if label not in wanted and not dirty:
            continue
        with viewer_scope(worker):
            formula = queries.formula(worker, card.formula)
            assert formula is not None
            span = PeriodSpan(label, card.period_start, card.period_end)
            facts = lake.manifest(worker, card.manifest)
            request = Request(formula, span, facts, frozenset({codes[supplier]}))
            recorded = actions.record_scorecards(worker, compute(worker, request))
        dirty = dirty or bool(recorded.changed)
        done.append(recorded)
    return done


def publish_scorecards(worker: Viewer, periods: Collection[str] = (), suppliers: Collection[UUID] = ()) -> list[UUID]:
    """Publishes cards that have not gone out, where an agreement in force shares them and the support is confirmed.

    Returns the ids of the publications. A restated card replaces the former one; one that stands is not sent again.
    """
    with viewer_scope(worker):
        drafts = drafts_of(worker, periods, suppliers)
        return actions.publish_cards(worker, drafts) if len(drafts) else []


def score_closed(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """The cycle's step: periods closed by a day that have no cards, and the last ones again for late facts."""
    with viewer_scope(worker):
        current, manifest = formula_in_force(worker), lake.manifest(worker)
        spans = queries.closed(worker, current.formula, manifest, on)
        recorded = queries.recorded_periods(worker)
    again = set(recorded[-LOOK_BACK:])
    due = [span.label for span in spans if span.label in again or span.label not in set(recorded)]
    outcomes = score_periods(worker, due, progress, on=on) if due else []
    worked = [outcome.result for outcome in outcomes if not outcome.skipped]
    return {
        "periods": len(outcomes), "skipped": len(outcomes) - len(worked),
        "recorded": sum(result["new"] + result["restated"] for result in worked),
        "warnings": sorted({warning for result in worked for warning in result["warnings"]}),
    }  # fmt: skip


def publish_closed(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """The cycle's step: everything that may go out and has not."""
    del on
    progress("scorecards", 0.0)
    return {"published": len(publish_scorecards(worker))}


def take_ruling(worker: Viewer, payload: Mapping[str, Any]) -> None:
    """On ``case_ruled``: an upheld dispute corrects the line, restates the supplier's periods it lies in, publishes."""
    if payload.get("state") != "upheld":
        return
    supplier = UUID(str(payload["supplier"]))
    with viewer_scope(worker):
        own = queries.scorecards(worker, supplier=supplier)
        sent = publications.publication(worker, UUID(str(payload["publication"])))
        line = publications.line(worker, UUID(str(payload["subject"])))
    days = [line.values.get("due_on"), line.values.get("delivered_on"), _day(payload.get("delivered_on"))]
    spans = {card.period: (card.period_start, card.period_end) for card in own}
    touched = [
        label
        for label, (start, end) in spans.items()
        if start == sent.period_start or any(day is not None and start <= day <= end for day in days)
    ]
    correction = Correction(
        supplier, str(payload["order"]), str(payload["line"]), UUID(str(payload["case"])),
        datetime.fromisoformat(str(payload["ruled_at"])), _day(payload.get("delivered_on")),
        _quantity(payload.get("received")), _quantity(payload.get("rejected")), str(payload.get("excluded") or ""),
    )  # fmt: skip
    actions.apply_correction(worker, correction)
    restate(worker, supplier, touched)
    publish_scorecards(worker, suppliers=[supplier])


def _day(value: Any) -> date | None:
    return date.fromisoformat(str(value)) if value else None


def _quantity(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
