"""What was agreed for each purchase line: revisions folded into one row with its due date and where that came from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tierwise.engine.matching import Ints, KeyIndex
from tierwise.engine.scoring.params import DateBasis, OtifParams

KEY = ("order", "line")
OPTIONAL_KEY = ("source", "schedule")
DUE_FROM = pl.Enum(["requested", "request_change", "promised", "first_confirmed", "agreed_change"])

_DATES = ("requested_on", "promised_on", "confirmed_on")
_REQUIRED = ("supplier", "ordered_on", "quantity")
_OPTIONAL: dict[str, pl.Expr] = {
    "revision": pl.lit(0, dtype=pl.Int64),
    "revised_on": pl.lit(None, dtype=pl.Date),
    "changed_by": pl.lit("buyer"),
    **{name: pl.lit(None, dtype=pl.Date) for name in _DATES},
    "state": pl.lit("open"),
    "cancelled_by": pl.lit(None, dtype=pl.String),
    "lead_time_days": pl.lit(None, dtype=pl.Int64),
    "frozen_days": pl.lit(None, dtype=pl.Int64),
}
_CARRIED = ("line_id", "item", "site", "calendar", "as_of")


def key_columns(names: list[str]) -> list[str]:
    """The columns that name a line in these facts: order and line, with source and schedule where the frame has
    them."""
    return [*KEY, *(name for name in OPTIONAL_KEY if name in names)]


def own_key(names: list[str]) -> list[str]:
    """Those of the columns above that the frame has; lines named by their id need none of them."""
    return [name for name in (*KEY, *OPTIONAL_KEY) if name in names]


def naming(lines: pl.DataFrame, *events: pl.DataFrame | None) -> list[str]:
    """The columns that lines and events name a line by: its id where all of them have it, else its key."""
    if all("line_id" in frame.columns for frame in (lines, *events) if frame is not None):
        return ["line_id"]
    return key_columns(lines.columns)


@dataclass(frozen=True, slots=True)
class Agreed:
    """``lines``, one row each, and where the events of a line find it."""

    lines: pl.DataFrame = field(repr=False)
    index: KeyIndex = field(repr=False)
    placed: Ints = field(repr=False)

    def row_of(self, events: pl.DataFrame) -> Ints:
        """For each event the row of its line, or -1."""
        found = self.index.find(events)
        return np.where(found >= 0, self.placed[found], -1) if self.placed.size else found


def agreed_lines(lines: pl.DataFrame, params: OtifParams, by: list[str]) -> Agreed:
    """One row per line as it was known on the day of its column ``as_of``: key, supplier, due_on, due_from, quantities,
    cancellation.

    ``buyer_disturbed`` marks a buyer's change of date or quantity inside the frozen time before the (earlier) due date.
    ``by`` are the columns that name a line.
    """
    key = [*by, *(name for name in own_key(lines.columns) if name not in by)]
    frame = known_then(lines, by)
    index = KeyIndex(frame, by)
    at = np.arange(frame.height)
    later = (frame["revision"] > 0).to_numpy()
    several = np.zeros(frame.height, dtype=np.bool_)
    if later.any():
        several[index.first[later]] = True
        several = several[index.first]
    if (index.first != at)[~several].any():
        raise ValueError(f"lines hold the same {', '.join(key)} twice in a revision; number revisions or drop repeats")
    frame = frame.with_columns(_at=at)
    single = frame.filter(~pl.Series(several)).with_columns(*_unrevised()) if several.any() else None
    if single is None:
        folded = frame.with_columns(*_unrevised())
    else:
        revised = _fold(frame.filter(pl.Series(several)), (by, key), params)
        folded = pl.concat([single.select(revised.columns), revised], how="vertical")
    placed = np.full(frame.height, -1, dtype=np.int64)
    placed[index.first[folded["_at"].to_numpy()]] = np.arange(folded.height)
    carried = [name for name in _CARRIED if name in folded.columns]
    due_on, due_from = _due(params)
    agreed = folded.select(
        *key,
        *(name for name in carried if name not in key),
        "supplier",
        "ordered_on",
        due_on.alias("due_on"),
        due_from.alias("due_from"),
        pl.col("quantity").alias("ordered"),
        "lead_time_days",
        "state",
        "cancelled_by",
        "cancelled_on",
        "buyer_disturbed",
    )
    return Agreed(agreed, index, placed)


def first_due(params: OtifParams) -> pl.Expr:
    """The due date of a line that was never revised.

    >>> from datetime import date
    >>> line = pl.DataFrame({"requested_on": [date(2024, 5, 8)], "promised_on": [date(2024, 5, 10)]})
    >>> line.select(first_due(OtifParams(basis=DateBasis.PROMISED))).item()
    datetime.date(2024, 5, 10)
    """
    names = [_DUE_OF[basis] for basis in (params.basis, *params.fallbacks)]
    return pl.coalesce(name for own in names for name in own)


def known_then(frame: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """The revisions that were known on the day of ``as_of``, with what is optional filled in."""
    if missing := [name for name in (*by, *_REQUIRED) if name not in frame.columns]:
        raise ValueError(f"lines lack {', '.join(missing)}; map them from the purchase orders")
    added = [value.alias(name) for name, value in _OPTIONAL.items() if name not in frame.columns]
    quantity = pl.col("quantity").cast(pl.Float64)
    frame = frame.with_columns(quantity, *added).with_columns(
        pl.col("revision").fill_null(0), pl.col("changed_by").fill_null("buyer"), pl.col("state").fill_null("open")
    )
    if frame.select((quantity.is_null() | quantity.is_nan() | (quantity < 0)).any()).item():
        raise ValueError("lines.quantity must be a number of 0 or more on every row; repair or leave out those lines")
    known = frame.select(is_known()).to_series()
    return frame if known.all() else frame.filter(known)


def is_known() -> pl.Expr:
    """Whether a revision was there on the day of ``as_of``."""
    as_of = pl.col("as_of")
    return (pl.col("ordered_on").is_null() | (pl.col("ordered_on") <= as_of)) & (
        pl.col("revised_on").is_null() | (pl.col("revised_on") <= as_of)
    )


def _unrevised() -> list[pl.Expr]:
    nothing = pl.lit(None, dtype=pl.Date)
    cancelled = pl.col("state") == "cancelled"
    return [
        nothing.alias("request_change"),
        nothing.alias("agreed_change"),
        pl.when(cancelled).then(pl.col("revised_on")).alias("cancelled_on"),
        pl.lit(False).alias("buyer_disturbed"),
    ]


def _fold(frame: pl.DataFrame, names: tuple[list[str], list[str]], params: OtifParams) -> pl.DataFrame:
    """Lines with revisions. Every revision repeats the whole line, so only what *changed* in a binding revision counts;
    otherwise a buyer's change of quantity would carry the supplier's own re-dating into the agreement."""
    by, key = names
    ordered = frame.sort([*by, "revision"])
    begins = pl.any_horizontal(*(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in by))
    ordered = ordered.with_columns(_new=begins | (pl.int_range(pl.len()) == 0))
    if ordered.select((~pl.col("_new") & (pl.col("revision") == pl.col("revision").shift(1))).any()).item():
        raise ValueError(f"lines hold the same {', '.join(key)} and revision twice; number revisions or drop repeats")
    watched = (*_DATES, "quantity")
    ordered = ordered.with_columns(_line=pl.col("_new").cum_sum(), _place=pl.int_range(pl.len()))
    ordered = ordered.with_columns(_began=pl.when("_new").then("_place").forward_fill())
    ordered = ordered.with_columns(**{f"_before_{name}": _last_known(name) for name in watched})
    later = ~pl.col("_new")
    binding = later & pl.col("changed_by").is_in(["buyer", "agreed"])

    def changed(name: str) -> pl.Expr:
        return pl.col(name).is_not_null() & pl.col(name).ne_missing(pl.col(f"_before_{name}"))

    new_value = {name: pl.when(binding & changed(name)).then(pl.col(name)) for name in watched}
    need = pl.coalesce("requested_on", "confirmed_on", "promised_on")
    need_before = pl.coalesce("_before_requested_on", "_before_confirmed_on", "_before_promised_on")
    frozen = pl.coalesce(pl.col("frozen_days"), pl.lit(params.frozen_days, dtype=pl.Int64))
    late_change = pl.col("revised_on") > pl.min_horizontal(need, need_before) - pl.duration(days=frozen)
    by_buyer = later & (pl.col("changed_by") == "buyer") & (changed("requested_on") | changed("quantity"))
    ordered = ordered.with_columns(
        request_change=new_value["requested_on"],
        # Where both sides' word changed it outweighs the request alone.
        agreed_change=pl.coalesce(new_value["confirmed_on"], new_value["promised_on"], new_value["requested_on"]),
        _quantity_change=new_value["quantity"],
        buyer_disturbed=(by_buyer & late_change & (frozen > 0)).fill_null(value=False),
    )
    first, last = ("supplier", "ordered_on", "lead_time_days", "frozen_days"), ("state", "cancelled_by")
    carried = [name for name in _CARRIED if name in frame.columns and name not in key]
    return (
        ordered.group_by("_line", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in ("_at", *key, *carried, *first)),
            *(pl.col(name).first(ignore_nulls=True) for name in _DATES),
            *(pl.col(name).last() for name in last),
            *(pl.col(name).last(ignore_nulls=True) for name in ("request_change", "agreed_change")),
            pl.coalesce(pl.col("_quantity_change").last(ignore_nulls=True), pl.col("quantity").first()).alias(
                "quantity"
            ),
            pl.col("revised_on").filter(pl.col("state") == "cancelled").first().alias("cancelled_on"),
            pl.col("buyer_disturbed").any(),
        )
        .drop("_line")
    )


def _last_known(name: str) -> pl.Expr:
    """The last value of the line's earlier revisions that is there; lines lie together. A window per line is slow."""
    known = pl.when(pl.col(name).is_not_null()).then("_place").cum_max().forward_fill().shift(1)
    return pl.when(known >= pl.col("_began")).then(pl.col(name).gather(known))


_DUE_OF: dict[DateBasis, tuple[str, ...]] = {
    DateBasis.REQUESTED: ("requested_on",),
    DateBasis.PROMISED: ("promised_on",),
    DateBasis.FIRST_CONFIRMED: ("confirmed_on",),
    DateBasis.LAST_AGREED: ("promised_on", "confirmed_on"),
}
"""What :func:`_due` comes to where nothing was changed."""


def _due(params: OtifParams) -> tuple[pl.Expr, pl.Expr]:
    sources: dict[DateBasis, list[tuple[str, str]]] = {
        DateBasis.REQUESTED: [("request_change", "request_change"), ("requested_on", "requested")],
        DateBasis.PROMISED: [("promised_on", "promised")],
        DateBasis.FIRST_CONFIRMED: [("confirmed_on", "first_confirmed")],
        DateBasis.LAST_AGREED: [
            ("agreed_change", "agreed_change"),
            ("promised_on", "promised"),
            ("confirmed_on", "first_confirmed"),
        ],
    }
    wanted = [pair for basis in (params.basis, *params.fallbacks) for pair in sources[basis]]
    due = pl.coalesce(*(pl.col(column) for column, _ in wanted))
    named = pl.coalesce(
        *(pl.when(pl.col(column).is_not_null()).then(pl.lit(name, dtype=DUE_FROM)) for column, name in wanted)
    )
    return due, named
