"""What an agreement lets through: fields, grain and dates."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from tierwise.collaboration.agree.records import SHARED_FIELDS, AgreementRecord
from tierwise.collaboration.publish.records import Draft
from tierwise.kernel.audit import Invalid, NotAllowed, Stale
from tierwise.kernel.clock import today


def content_of(draft: Draft, series: pl.DataFrame | None) -> frozenset[str]:
    """The shared fields that stand in a draft: signals of its series, a scorecard, the lines beneath it."""
    content = set() if series is None else set(series["signal"].unique())
    if draft.measures is not None:
        content.add("scorecard")
    if draft.lines is not None:
        content.add("scorecard_lines")
    if unknown := sorted(content - set(SHARED_FIELDS)):
        raise Invalid("signal", f"No agreement knows the field {', '.join(unknown)}.", field="signal")
    if not content:
        raise Invalid("nothing", "There is nothing to publish: the series are empty.", field="series")
    return frozenset(content)


def permit(
    draft: Draft, content: frozenset[str], series: pl.DataFrame | None, wording: AgreementRecord | None
) -> AgreementRecord:
    """The wording a draft is published under. Refused when none is in force or it does not reach that far."""
    if wording is None:
        raise NotAllowed("no_agreement", "No data-sharing agreement is in force with this supplier for this segment.")
    if draft.agreement_version not in {None, wording.version_id}:
        raise Stale("agreement_changed", "The draft was cut to a wording that is no longer in force; compute it again.")
    terms = wording.terms
    if beyond := sorted(content - set(terms.fields)):
        raise NotAllowed("field_not_shared", f"The agreement does not share {', '.join(beyond)}.", fields=beyond)
    day = today()
    first, last = day - timedelta(days=terms.history_days), day + timedelta(days=terms.horizon_days)
    if draft.period_end < first:
        raise NotAllowed("before_history", f"The agreement reaches back to {first}.", first=first.isoformat())
    if series is not None:
        _permit_series(series.filter(pl.col("signal").is_in(terms.fields)), wording, (first, last))
    return wording


def _permit_series(series: pl.DataFrame, wording: AgreementRecord, reach: tuple[object, object]) -> None:
    outside = series.filter(~pl.col("bucket_start").is_between(*reach))  # type: ignore[arg-type]
    if outside.height:
        raise NotAllowed(
            "beyond_reach",
            f"{outside.height} cells lie outside {reach[0]} to {reach[1]}, which the agreement covers.",
            cells=outside.height,
        )
    # The order forecast is what the supplier must deliver of its own items; the grain protects demand.
    shortest = wording.terms.grain.shortest_bucket_days
    finer = series.filter((pl.col("signal") == "demand") & (pl.col("bucket_days") < shortest))
    if finer.height:
        raise NotAllowed(
            "finer_grain", f"The agreement shows demand by {wording.terms.grain.value}.", cells=finer.height
        )
