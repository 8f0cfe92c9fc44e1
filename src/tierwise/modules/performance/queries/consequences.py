"""What a change of scheme or a ruling would do to scorecards, for those who decide about either."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import polars as pl

from tierwise.collaboration.publish.records import LineRecord
from tierwise.collaboration.resolve.ports import Change
from tierwise.collaboration.resolve.records import Ruling
from tierwise.directory.ports import ImpactSection, SchemeChange
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.modules.performance.queries.cards import codes_of, formula, scorecards
from tierwise.modules.performance.queries.computing import PeriodSpan, Request, compute
from tierwise.modules.performance.records import CardRecord, Correction


class ScorecardImpact:
    """How many supplier × segment scorecards a scheme would begin and end, and how many are judged by new policies."""

    def section(self, viewer: Viewer, change: SchemeChange) -> ImpactSection:
        begins = [each for each in change.supports if each.begins]
        ends = [each for each in change.supports if not each.begins]
        _, segments = codes_of(viewer)
        newest: dict[tuple[UUID, str], CardRecord] = {}
        for card in scorecards(viewer):
            newest.setdefault((card.supplier, segments.get(card.segment, "")), card)
        judged = {key: card for key, card in newest.items() if key[1] in change.policies_changed}
        rows = [
            {
                "what": each.supplier_name,
                "segment": each.segment,
                "begins": each.begins,
                "standing": held.standing if (held := newest.get((each.supplier, each.segment))) else "",
            }
            for each in (*begins, *ends)
        ]
        lost = sum(1 for each in ends if (each.supplier, each.segment) in newest)
        headline = f"{len(begins)} scorecards begin, {len(ends)} end; {len(judged)} are judged by changed policies"
        warnings = (
            [f"{lost} supplier × segment pairs with a history of scores end; their cards stay readable."]
            if lost
            else []
        )
        return ImpactSection("Scorecards", headline, len(begins) + len(ends), tuple(rows), warnings=tuple(warnings))


class EffectOnMeasures:
    """What the card of a disputed line would say after a ruling; the supplier's other segments count for it too."""

    def changes(self, viewer: Viewer, line: LineRecord, ruling: Ruling) -> list[Change]:
        card = next(
            (each for each in scorecards(viewer, segment=line.segment) if each.publication == line.publication), None
        )
        used = formula(viewer, card.formula) if card else None
        if card is None or used is None or not ruling.upheld:
            return []
        suppliers, segments = codes_of(viewer)
        said = Correction(
            card.supplier, line.order, line.line, line.id, now(), ruling.delivered_on, ruling.received, ruling.rejected,
            ruling.excluded.value if ruling.excluded else "",
        )  # fmt: skip
        span = PeriodSpan(card.period, card.period_start, card.period_end)
        manifest = lake.manifest(viewer, card.manifest)
        request = Request(used, span, manifest, frozenset({suppliers[card.supplier]}))
        own = (pl.col("supplier") == suppliers[card.supplier]) & (pl.col("segment") == segments[card.segment])
        before, after = compute(viewer, request), compute(viewer, replace(request, supposed=(said,)))
        found = _moved(before.measures.filter(own), after.measures.filter(own))
        for what in ("score", "standing"):
            was, will = (each.cards.filter(own)[what].to_list() for each in (before, after))
            if was != will:
                found.insert(0, Change(what, was[0] if was else None, will[0] if will else None))
        return found


def _moved(before: pl.DataFrame, after: pl.DataFrame) -> list[Change]:
    joined = before.select("measure", "value").join(
        after.select("measure", will="value"), on="measure", how="full", coalesce=True
    )
    rows = joined.sort("measure").iter_rows()
    return [Change(measure, was, will) for measure, was, will in rows if was != will]
