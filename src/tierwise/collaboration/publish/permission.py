"""What an agreement lets through: fields, grain and dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import polars as pl

from tierwise.collaboration.agree.records import SHARED_FIELDS, AgreementRecord
from tierwise.collaboration.publish.records import Draft
from tierwise.collaboration.publish.refusals import of_draft
from tierwise.collaboration.publish.rows import PLACE, invalid
from tierwise.kernel.audit import NotAllowed, Stale
from tierwise.kernel.clock import today


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the cells of one signal go, and the days of the shortest of them."""

    first: date
    last: date
    shortest_bucket_days: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The shared fields that stand in a draft: signals of its series, a scorecard, the lines beneath it."""

    fields: frozenset[str]
    reach: Mapping[str, Reach]
    cells: Callable[[], pl.DataFrame]


def shown_in(drafts: Sequence[Draft], series: pl.DataFrame) -> list[Shown]:
    """What each of the drafts shows. ``series`` holds the normalised cells of all."""
    reaches: dict[int, dict[str, Reach]] = {}
    of_signals = series.group_by(PLACE, "signal").agg(
        pl.col("bucket_start").min().alias("first"), pl.col("bucket_start").max().alias("last"),
        pl.col("bucket_days").min(),
    )  # fmt: skip
    for place, signal, first, last, days in of_signals.iter_rows():
        reaches.setdefault(place, {})[signal] = Reach(first, last, days)
    return [_shown(draft, reaches.get(place, {}), partial(_cells, series, place)) for place, draft in enumerate(drafts)]


def _cells(series: pl.DataFrame, place: int) -> pl.DataFrame:
    return series.filter(pl.col(PLACE) == place)


def _shown(draft: Draft, reach: Mapping[str, Reach], cells: Callable[[], pl.DataFrame]) -> Shown:
    content = set(reach)
    if draft.measures is not None:
        content.add("scorecard")
    if draft.lines is not None:
        content.add("scorecard_lines")
    if unknown := sorted(content - set(SHARED_FIELDS)):
        raise invalid(draft, "signal", f"No agreement knows the field {', '.join(unknown)}.", "signal")
    if not content:
        raise invalid(draft, "nothing", "There is nothing to publish: the series are empty.", "series")
    return Shown(frozenset(content), reach, cells)


def permit(draft: Draft, shown: Shown, wording: AgreementRecord | None) -> AgreementRecord:
    """The wording a draft is published under. Refused when none is in force or it does not reach that far."""
    if wording is None:
        said = "No data-sharing agreement is in force with this supplier for this segment."
        raise of_draft(draft, NotAllowed("no_agreement", said))
    if draft.agreement_version not in {None, wording.version_id}:
        said = "The draft was cut to a wording that is no longer in force; compute it again."
        raise of_draft(draft, Stale("agreement_changed", said))
    terms = wording.terms
    if beyond := sorted(shown.fields - set(terms.fields)):
        said = f"The agreement does not share {', '.join(beyond)}."
        raise of_draft(draft, NotAllowed("field_not_shared", said, fields=beyond))
    day = today()
    first, last = day - timedelta(days=terms.history_days), day + timedelta(days=terms.horizon_days)
    if draft.period_end < first:
        said = f"The agreement reaches back to {first}."
        raise of_draft(draft, NotAllowed("before_history", said, first=first.isoformat()))
    if any(reach.first < first or reach.last > last for reach in shown.reach.values()):
        outside = shown.cells().filter(~pl.col("bucket_start").is_between(first, last)).height
        said = f"{outside} cells lie outside {first} to {last}, which the agreement covers."
        raise of_draft(draft, NotAllowed("beyond_reach", said, cells=outside))
    # The order forecast is what the supplier must deliver of its own items; the grain protects demand.
    shortest, demand = terms.grain.shortest_bucket_days, shown.reach.get("demand")
    if demand is not None and demand.shortest_bucket_days < shortest:
        finer = shown.cells().filter((pl.col("signal") == "demand") & (pl.col("bucket_days") < shortest)).height
        said = f"The agreement shows demand by {terms.grain.value}."
        raise of_draft(draft, NotAllowed("finer_grain", said, cells=finer))
    return wording
