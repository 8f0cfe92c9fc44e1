"""Facts of a span of days, ready to be judged: units aligned, agreed lead times beside them, rulings laid over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import polars as pl

from tierwise.directory import queries as directory
from tierwise.kernel.viewer import Viewer
from tierwise.lake.queries import facts
from tierwise.lake.records import ManifestRecord
from tierwise.modules.performance.queries.cards import corrections
from tierwise.modules.performance.queries.rulings import Rulings, lay_over
from tierwise.modules.performance.records import Correction

TABLES = ("purchase_line", "receipt", "reject", "mix", "assignment")
"""Tables of the lake that a card is computed from."""
KEY = ["source", "order", "line"]
EVENTS = ("handed_over_on", "arrived_on", "posted_on")
_DUE = ("requested_on", "promised_on", "confirmed_on")
_LINE = (
    *KEY, "revision", "revised_on", "changed_by", "supplier", "item", "site", "ship_from", "ordered_on", "quantity",
    "unit", *_DUE, "state", "cancelled_by", "segment",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """Which days' lines are wanted, of which suppliers (codes; None: all)."""

    first: date
    last: date
    suppliers: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"last ({self.last}) is before first ({self.first}); swap them")


@dataclass(frozen=True, slots=True)
class Facts:
    """Frames that name a line by ``line_id``.

    ``lines``: every revision, in the unit of the line. ``about``: one row per line with codes, unit, ``per_base`` (base
    units in one of its unit), the segment pegged and ``ruled_out``. ``receipts`` and ``rejects`` in the unit of the
    line, after rulings. ``mix`` as in the lake. ``warnings`` say what could not be converted; ``odd`` names the line of
    each receipt or reject that could not. ``booked`` are the days of receipts before any ruling. ``closures`` are the
    closed days of each calendar; a line carries that of the site it is due at.
    """

    lines: pl.DataFrame = field(repr=False)
    receipts: pl.DataFrame = field(repr=False)
    rejects: pl.DataFrame = field(repr=False)
    mix: pl.DataFrame = field(repr=False)
    about: pl.DataFrame = field(repr=False)
    scheme_version: int = 0
    warnings: tuple[str, ...] = ()
    booked: pl.DataFrame = field(repr=False, default_factory=pl.DataFrame)
    odd: pl.DataFrame = field(repr=False, default_factory=pl.DataFrame)
    closures: Mapping[str, tuple[date, ...]] = field(repr=False, default_factory=dict)


def load_facts(viewer: Viewer, span: Span, manifest: ManifestRecord, supposed: Sequence[Correction] = ()) -> Facts:
    """Everything about lines that were due or received within the span, at one manifest, with rulings laid over it.

    ``supposed`` are corrections on trial, laid over after those that stand.
    """
    keys = _keys(viewer, span, manifest)
    lines = _of(facts(viewer, "purchase_line", manifest), keys).select(*_LINE).collect()
    lines = keys.join(lines, on=KEY, how="inner", nulls_equal=True)
    first = lines.sort("line_id", "revision").unique("line_id", keep="first", maintain_order=True)
    about = _with_units(viewer, first)
    lines = lines.drop("unit").join(_lead_times(viewer, first), on="line_id", how="left")
    lines = lines.join(directory.sites(viewer).select("site", "calendar"), on="site", how="left", maintain_order="left")
    receipts = _of(facts(viewer, "receipt", manifest), keys).select(*KEY, "receipt", *EVENTS, "quantity", "unit")
    rejects = _of(facts(viewer, "reject", manifest), keys)
    rejects = rejects.select(*KEY, "receipt", "reason", "rejected_on", "quantity", "unit")
    units = _conversions(viewer)
    received, odd_receipts = _in_line_units(keys.join(receipts.collect(), on=KEY, nulls_equal=True), about, units)
    refused, odd_rejects = _in_line_units(keys.join(rejects.collect(), on=KEY, nulls_equal=True), about, units)
    odd = pl.concat([odd_receipts, odd_rejects])
    said = [*corrections(viewer, span.suppliers), *supposed]
    rulings = Rulings(about, lines, received, refused)
    rulings = lay_over(rulings, said, _codes(viewer) if said else {})
    return Facts(
        rulings.lines, rulings.receipts, rulings.rejects, _mix(viewer, manifest, first, span), rulings.about,
        _scheme_version(_schemes(viewer, manifest), span), _warnings(about, odd.height),
        received.select("line_id", *EVENTS), odd, _closures(viewer),
    )  # fmt: skip


def load_spans(viewer: Viewer, spans: Sequence[Span], manifest: ManifestRecord) -> list[Facts]:
    """What :func:`load_facts` returns for each span of the same suppliers, read at once; a line may be in several."""
    whole = Span(min(span.first for span in spans), max(span.last for span in spans), spans[0].suppliers)
    facts, schemes = load_facts(viewer, whole, manifest), _schemes(viewer, manifest)
    return [_part(facts, span, _scheme_version(schemes, span)) for span in spans]


def _part(facts: Facts, span: Span, scheme_version: int) -> Facts:
    """The lines of a shorter span: by their own dates or what was booked, whatever a ruling says of the day."""
    found = pl.concat(
        [facts.lines.filter(_within(_DUE, span)).select("line_id"),
         facts.booked.filter(_within(EVENTS, span)).select("line_id")]
    ).unique()  # fmt: skip

    def own(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(found, on="line_id", how="semi", maintain_order="left")

    about, odd = own(facts.about), own(facts.odd)
    return Facts(
        own(facts.lines), own(facts.receipts), own(facts.rejects), facts.mix, about, scheme_version,
        _warnings(about, odd.height), own(facts.booked), odd, facts.closures,
    )  # fmt: skip


def _within(names: Sequence[str], span: Span) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).is_between(span.first, span.last) for name in names)


def _codes(viewer: Viewer) -> dict[UUID, str]:
    return {company.id: company.code for company in directory.suppliers(viewer)}


def _keys(viewer: Viewer, span: Span, manifest: ManifestRecord) -> pl.DataFrame:
    """[line_id, source, order, line] of lines with a date that may make them due, or a receipt, within the span."""
    lines = facts(viewer, "purchase_line", manifest)
    if span.suppliers is not None:
        lines = lines.filter(pl.col("supplier").is_in(list(span.suppliers)))
    received = facts(viewer, "receipt", manifest).filter(_within(EVENTS, span)).select(KEY)
    if span.suppliers is not None:
        received = received.join(lines.select(KEY), on=KEY, how="semi", nulls_equal=True)
    found = pl.concat([lines.filter(_within(_DUE, span)).select(KEY), received]).unique().collect()
    return found.sort(KEY).with_row_index("line_id")


def _of(table: pl.LazyFrame, keys: pl.DataFrame) -> pl.LazyFrame:
    return table.join(keys.lazy().select(KEY), on=KEY, how="semi", nulls_equal=True)


def _conversions(viewer: Viewer) -> pl.DataFrame:
    """[item, unit, valid_from, factor]: base units in one other unit."""
    units = directory.item_units(viewer).select(
        "item", "unit", "valid_from", factor=pl.col("per_unit").cast(pl.Float64)
    )
    return units.sort("valid_from")


def _with_units(viewer: Viewer, first: pl.DataFrame) -> pl.DataFrame:
    """One row per line with the names of its item and its unit in base units."""
    base = directory.items(viewer).select("item", item_name="name", _base="unit")
    lines = first.select(
        "line_id", *KEY, "supplier", "item", "site", "ordered_on", "unit", segment_pegged="segment"
    ).join(base, on="item", how="left", maintain_order="left")
    lines = lines.with_columns(unit=pl.coalesce("unit", "_base"))
    return _factor(lines, _conversions(viewer)).rename({"_factor": "per_base"})


def _factor(rows: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Adds ``_factor``: base units in one ``unit`` of ``item`` on ``ordered_on``; null where nobody declared it."""
    rows = rows.with_row_index("_place").sort("ordered_on")
    joined = rows.join_asof(
        units, left_on="ordered_on", right_on="valid_from", by=["item", "unit"], check_sortedness=False
    )
    is_base = (pl.col("unit") == pl.col("_base")) | pl.col("unit").is_null() | pl.col("_base").is_null()
    factor = pl.when(is_base).then(1.0).otherwise(pl.col("factor"))
    return joined.with_columns(_factor=factor).sort("_place").drop("_place", "factor", "valid_from")


def _in_line_units(rows: pl.DataFrame, about: pl.DataFrame, units: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quantities in the unit of their line; and [line_id] of rows that could not be converted and are as given."""
    line = about.select("line_id", "item", "ordered_on", "_base", "per_base", _line_unit="unit")
    rows = rows.with_columns(pl.col("quantity").cast(pl.Float64)).join(line, on="line_id", maintain_order="left")
    rows = _factor(rows.with_columns(unit=pl.coalesce("unit", "_line_unit")), units)
    other = pl.col("unit") != pl.col("_line_unit")
    ratio = pl.when(other).then(pl.col("_factor") / pl.col("per_base")).otherwise(1.0)
    rows = rows.with_columns(_ratio=ratio)
    odd = rows.filter(pl.col("_ratio").is_null()).select("line_id")
    rows = rows.with_columns(pl.col("quantity") * pl.col("_ratio").fill_null(1.0))
    return rows.drop("item", "ordered_on", "_base", "per_base", "_line_unit", "_factor", "_ratio", "unit"), odd


def _lead_times(viewer: Viewer, first: pl.DataFrame) -> pl.DataFrame:
    """[line_id, lead_time_days] agreed on the lane of each line on the day it was ordered.

    Where several lanes bring an item from one supplier to a site, the one from the line's own shipping site counts.
    """
    lanes = directory.lanes(viewer).filter(pl.col("lead_time_days").is_not_null()).sort("valid_from", "lane")
    lanes = lanes.select("item", "supplier", "ship_from", "lead_time_days", "valid_from", "valid_to", site="ship_to")
    lines = first.select("line_id", "item", "supplier", "site", "ship_from", "ordered_on").sort("ordered_on")
    lines = lines.with_columns(pl.col("ship_from").fill_null(""))
    found = []
    for by in (["item", "supplier", "site", "ship_from"], ["item", "supplier", "site"]):
        joined = lines.join_asof(lanes, left_on="ordered_on", right_on="valid_from", by=by, check_sortedness=False)
        open_then = pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("ordered_on"))
        found.append(joined.filter(pl.col("lead_time_days").is_not_null() & open_then))
        lines = lines.join(found[-1], on="line_id", how="anti", maintain_order="left")
    return pl.concat([part.select("line_id", "lead_time_days") for part in found])


def _closures(viewer: Viewer) -> dict[str, tuple[date, ...]]:
    days = directory.closures(viewer).group_by("calendar").agg("closed_on")
    return {calendar: tuple(sorted(closed)) for calendar, closed in days.iter_rows()}


def _mix(viewer: Viewer, manifest: ManifestRecord, first: pl.DataFrame, span: Span) -> pl.DataFrame:
    """The mix of the lines' items, from the day that the first of them was ordered."""
    columns = ("item", "site", "segment", "valid_from", "valid_to", "share", "basis")
    ordered: date = first["ordered_on"].min() or span.first  # type: ignore[assignment]
    within = pl.col("valid_from") <= span.last, pl.col("valid_to").is_null() | (pl.col("valid_to") >= ordered)
    mix = facts(viewer, "mix", manifest).filter(*within).select(columns)
    return mix.join(first.lazy().select("item").unique(), on="item", how="semi").collect()


def _schemes(viewer: Viewer, manifest: ManifestRecord) -> pl.DataFrame:
    """[scheme_version, valid_from, valid_to]: when schemes decided about anything."""
    columns = ("scheme_version", "valid_from", "valid_to")
    return facts(viewer, "assignment", manifest).select(columns).unique().collect()


def _scheme_version(schemes: pl.DataFrame, span: Span) -> int:
    """Version of the scheme that decided on the last day of the span; 0 before the first."""
    then = pl.col("valid_from") <= span.last, pl.col("valid_to").is_null() | (pl.col("valid_to") >= span.last)
    return int(schemes.filter(*then)["scheme_version"].max() or 0)  # type: ignore[arg-type]


def _warnings(about: pl.DataFrame, odd: int) -> tuple[str, ...]:
    found = []
    if lines := about["per_base"].null_count():
        found.append(f"{lines} lines are in a unit that no conversion names; they count one to one.")
    if odd:
        found.append(f"{odd} receipts or rejects are in a unit that cannot be brought to their line's; taken as given.")
    return tuple(found)
