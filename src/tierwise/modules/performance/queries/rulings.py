"""Rulings laid over the facts. The facts stay as they came; what is judged is what was ruled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import polars as pl

from tierwise.engine.matching import beside
from tierwise.modules.performance.records import Correction

_EVENTS = ("handed_over_on", "arrived_on", "posted_on")
_SAID = {"delivered_on": pl.Date, "received": pl.Float64, "rejected": pl.Float64, "excluded": pl.String}


@dataclass(frozen=True, slots=True)
class Rulings:
    """Frames by ``line_id`` that rulings change; ``about`` says which lines were ruled out,
    ``ruled`` names all that a ruling is about."""

    about: pl.DataFrame
    keys: pl.DataFrame
    lines: pl.DataFrame
    receipts: pl.DataFrame
    rejects: pl.DataFrame
    ruled: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"line_id": pl.UInt32}))


def lay_over(frames: Rulings, corrections: Sequence[Correction], codes: Mapping[UUID, str]) -> Rulings:
    """The frames as ruled. Of several rulings about a line each field is the latest one's.

    A day of delivery puts everything received on that day (the ordered quantity where nothing was booked); a quantity
    alone scales what was received and leaves its days. A line ruled out is marked in ``about.ruled_out``.
    """
    if not corrections:
        return replace(frames, about=frames.about.with_columns(ruled_out=pl.lit(None, pl.String)))
    said = _said(frames, corrections, codes)
    about = frames.about.join(said.select("line_id", ruled_out="excluded"), on="line_id", how="left")
    frames = replace(frames, about=about, ruled=said.select("line_id").unique())
    if said.is_empty():
        return frames
    return replace(frames, receipts=_receipts(frames, said), rejects=_rejects(frames, said))


def _said(frames: Rulings, corrections: Sequence[Correction], codes: Mapping[UUID, str]) -> pl.DataFrame:
    """[line_id, delivered_on, received, rejected, excluded], one row per line that a ruling names."""
    rows = [
        (
            codes.get(c.supplier, ""), c.order, c.line, place, c.delivered_on,
            None if c.received is None else float(c.received), None if c.rejected is None else float(c.rejected),
            c.excluded or None,
        )
        for place, c in enumerate(sorted(corrections, key=lambda c: c.ruled_at))
    ]  # fmt: skip
    key = {"supplier": pl.String, "order": pl.String, "line": pl.String}
    frame = pl.DataFrame(rows, schema={**key, "_place": pl.Int64, **_SAID}, orient="row").sort("_place")
    latest = frame.group_by(list(key), maintain_order=True).agg(pl.col(name).drop_nulls().last() for name in _SAID)
    # Where two sources number alike, lines are published as source:order.
    about = frames.about.filter(pl.col("supplier").is_in(latest["supplier"].unique().to_list()))
    about = beside(about, frames.keys, ["line_id"])
    named = about.select("line_id", *key)
    marked = about.select("line_id", "supplier", pl.format("{}:{}", "source", "order").alias("order"), "line")
    return pl.concat([named, marked]).join(latest, on=list(key), how="inner").select("line_id", *_SAID)


def _receipts(frames: Rulings, said: pl.DataFrame) -> pl.DataFrame:
    touched = said.filter(pl.col("delivered_on").is_not_null() | pl.col("received").is_not_null())
    if touched.is_empty():
        return frames.receipts
    own = frames.receipts.join(touched, on="line_id", how="semi")
    total = own.group_by("line_id").agg(
        _total=pl.col("quantity").sum(),
        _receipt=pl.col("receipt").first(),
        **{f"_{e}": pl.col(e).max() for e in _EVENTS},
    )
    ordered = (
        frames.lines.sort("revision")
        .group_by("line_id")
        .agg(
            _ordered=pl.col("quantity").last().cast(pl.Float64),
        )
    )
    wanted = touched.join(total, on="line_id", how="left").join(ordered, on="line_id", how="left")
    booked = pl.col("_total").fill_null(0.0) > 0
    moved = pl.col("delivered_on").is_not_null()
    anew = wanted.filter(moved | ~booked).select(
        "line_id",
        receipt=pl.col("_receipt").fill_null("1"),
        **{e: pl.coalesce("delivered_on", f"_{e}") for e in _EVENTS},
        quantity=pl.coalesce("received", pl.when(booked).then("_total"), pl.when(moved).then("_ordered")),
    )  # fmt: skip
    ratio = wanted.filter(~moved & booked).select("line_id", _ratio=pl.col("received") / pl.col("_total"))
    kept = frames.receipts.join(anew, on="line_id", how="anti").join(ratio, on="line_id", how="left")
    kept = kept.with_columns(pl.col("quantity") * pl.col("_ratio").fill_null(1.0)).drop("_ratio")
    return pl.concat([kept, anew.select(kept.columns)])


def _rejects(frames: Rulings, said: pl.DataFrame) -> pl.DataFrame:
    touched = said.filter(pl.col("rejected").is_not_null())
    if touched.is_empty():
        return frames.rejects
    own = frames.rejects.join(touched, on="line_id", how="semi")
    seen = own.group_by("line_id").agg(pl.col("receipt").first(), pl.col("rejected_on").max())
    day = frames.receipts.group_by("line_id").agg(
        _on=pl.coalesce(pl.col("arrived_on").max(), pl.col("posted_on").max()), _receipt=pl.col("receipt").first()
    )
    anew = (
        touched.filter(pl.col("rejected") > 0)
        .join(seen, on="line_id", how="left")
        .join(day, on="line_id", how="left")
        .select(
            "line_id",
            receipt=pl.coalesce("receipt", "_receipt", pl.lit("1")),
            rejected_on=pl.coalesce("rejected_on", "_on"),
            quantity="rejected",
        )
    )  # fmt: skip
    kept = frames.rejects.join(touched, on="line_id", how="anti")
    return pl.concat([kept, anew.select(kept.columns)])
