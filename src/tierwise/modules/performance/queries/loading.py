"""Facts of a span of days, ready to be judged: units aligned, agreed lead times beside them, rulings laid over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.directory import queries as directory
from tierwise.engine.matching import KeyIndex, beside, marked, only, taken
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.lake.records import ManifestRecord
from tierwise.modules.performance.queries.cards import corrections
from tierwise.modules.performance.queries.reading import DUE, EVENTS, Span, within
from tierwise.modules.performance.queries.rulings import Rulings, lay_over
from tierwise.modules.performance.queries.shelf import Shelf
from tierwise.modules.performance.records import Correction

TABLES = ("purchase_line", "receipt", "reject", "mix", "assignment")
"""Tables of the lake that a card is computed from."""
_ORIGIN = ("unit", "ship_from", "segment")
"""What is told of a line by its first revision alone."""
_FIRST = ("line_id", *_ORIGIN, "supplier", "item", "site", "ordered_on", "revised_on")


@dataclass(frozen=True, slots=True)
class Facts:
    """Frames that name a line by ``line_id``.

    ``lines``: every revision, in the unit of the line, and ``keys`` what each is called. ``about``: one row per line
    with codes, unit, ``per_base`` (base units in one of its unit), the segment pegged and ``ruled_out``.
    ``items`` holds names. ``receipts`` and ``rejects`` in the unit of the line, after rulings. ``mix`` as in the lake.
    ``warnings`` say what could not be converted; ``odd`` names the line of each receipt or reject that could not.
    ``booked`` are the days of receipts before any ruling, ``ruled`` the lines that rulings are about. ``closures`` are
    the closed days of each calendar; a line carries that of the site it is due at.
    """

    lines: pl.DataFrame = field(repr=False)
    receipts: pl.DataFrame = field(repr=False)
    rejects: pl.DataFrame = field(repr=False)
    mix: pl.DataFrame = field(repr=False)
    about: pl.DataFrame = field(repr=False)
    keys: pl.DataFrame = field(repr=False)
    scheme_version: int = 0
    warnings: tuple[str, ...] = ()
    booked: pl.DataFrame = field(repr=False, default_factory=pl.DataFrame)
    ruled: pl.DataFrame = field(repr=False, default_factory=pl.DataFrame)
    odd: pl.DataFrame = field(repr=False, default_factory=pl.DataFrame)
    closures: Mapping[str, tuple[date, ...]] = field(repr=False, default_factory=dict)
    items: pl.DataFrame = field(repr=False, default_factory=pl.DataFrame)


@dataclass(frozen=True, slots=True)
class Known:
    """What facts are read with besides themselves: masters, and rulings with the codes of the suppliers they name."""

    items: pl.DataFrame = field(repr=False)
    units: pl.DataFrame = field(repr=False)
    lanes: pl.DataFrame = field(repr=False)
    sites: pl.DataFrame = field(repr=False)
    closures: Mapping[str, tuple[date, ...]] = field(repr=False, default_factory=dict)
    rulings: tuple[Correction, ...] = ()
    codes: Mapping[UUID, str] = field(repr=False, default_factory=dict)


def shelf_of(
    viewer: Viewer, manifest: ManifestRecord, suppliers: frozenset[str] | None = None, last: date | None = None
) -> Shelf:
    """Rows about the lines of some suppliers (codes; None: all) at a manifest, for one span after the other up to a
    last day (None: for one span)."""
    return Shelf(partial(lake.files, viewer, at=manifest), suppliers, last)


def load_facts(
    viewer: Viewer, span: Span, manifest: ManifestRecord, shelf: Shelf, supposed: Sequence[Correction] = ()
) -> Facts:
    """Everything about lines that were due or received within the span, at one manifest, with rulings laid over it.

    ``shelf`` is that of the manifest; ``supposed`` are corrections on trial, laid over after those that stand.
    """
    mix = lake.facts(viewer, "mix", manifest)
    read = read_facts(shelf, mix, known(viewer, shelf.suppliers, supposed), span)
    return replace(read, scheme_version=_scheme_version(_schemes(viewer, manifest), span))


def known(viewer: Viewer, suppliers: frozenset[str] | None = None, supposed: Sequence[Correction] = ()) -> Known:
    """The masters of today and the rulings about some suppliers' lines (None: all)."""
    rulings = (*corrections(viewer, suppliers), *supposed)
    return Known(
        directory.items(viewer).select("item", item_name="name", _base="unit"), _conversions(viewer),
        directory.lanes(viewer), directory.sites(viewer).select("site", "calendar"), _closures(viewer), rulings,
        {company.id: company.code for company in directory.suppliers(viewer)} if rulings else {},
    )  # fmt: skip


def read_facts(shelf: Shelf, mix: pl.LazyFrame, known: Known, span: Span) -> Facts:
    """The facts of a span from the rows of the lake; no scheme version."""
    rows = shelf.read(span)
    lines = rows.lines
    first = _first_revisions(lines)
    about = _with_units(first, known)
    lines = beside(lines.drop(_ORIGIN), _lead_times(known.lanes, first), ["line_id"])
    if known.closures:
        lines = beside(lines, known.sites, ["site"])
    received, odd_receipts = _in_line_units(rows.receipts, about, known.units)
    refused, odd_rejects = _in_line_units(rows.rejects, about, known.units)
    odd = pl.concat([odd_receipts, odd_rejects])
    rulings = lay_over(Rulings(about, rows.keys, lines, received, refused), known.rulings, known.codes)
    return Facts(
        rulings.lines, rulings.receipts, rulings.rejects, _mix(mix, first, span), rulings.about,
        rows.keys, 0, _warnings(about, odd.height), received.select("line_id", *EVENTS), rulings.ruled, odd,
        known.closures, known.items.select("item", "item_name"),
    )  # fmt: skip


def _first_revisions(lines: pl.DataFrame) -> pl.DataFrame:
    """Each line as it first stood: revision 0, which nearly every line has, or the least there is."""
    placed = lines.select(_FIRST).filter(lines["revision"] == 0)
    size = _most(lines) + 1
    there, with_first = (int(marked(size, frame["line_id"]).sum()) for frame in (lines, placed))
    if placed.height == there == with_first:
        return placed
    every = lines.select(*_FIRST, "revision").sort("line_id", "revision")
    return every.unique("line_id", keep="first", maintain_order=True).drop("revision")


def load_spans(
    viewer: Viewer, spans: Sequence[Span], manifest: ManifestRecord, shelf: Shelf
) -> tuple[Facts, list[Facts]]:
    """What :func:`load_facts` returns for all spans as one, and that with the warnings and scheme of each span."""
    whole = Span(min(span.first for span in spans), max(span.last for span in spans))
    facts, schemes = load_facts(viewer, whole, manifest, shelf), _schemes(viewer, manifest)
    own = [
        replace(facts, warnings=_warnings_in(facts, span), scheme_version=_scheme_version(schemes, span))
        for span in spans
    ]
    return facts, own


def part_of(facts: Facts, span: Span) -> Facts:
    """The lines of a shorter span: by their own dates or what was booked, whatever a ruling says of the day."""
    found = _seen(facts, span)

    def own(frame: pl.DataFrame) -> pl.DataFrame:
        return only(frame, found)

    about, odd = own(facts.about), own(facts.odd)
    return replace(
        facts, lines=own(facts.lines), receipts=own(facts.receipts), rejects=own(facts.rejects), about=about,
        keys=own(facts.keys),
        warnings=_warnings(about, odd.height), booked=own(facts.booked), odd=odd, scheme_version=0,
    )  # fmt: skip


def _seen(facts: Facts, span: Span) -> npt.NDArray[np.bool_]:
    return marked(
        ids_of(facts),
        facts.lines.filter(within(DUE, span))["line_id"], facts.booked.filter(within(EVENTS, span))["line_id"],
    )  # fmt: skip


def ids_of(facts: Facts) -> int:
    """How many ids of lines there are, so that an array of this length can be read by them."""
    frames = (facts.lines, facts.receipts, facts.rejects, facts.about, facts.booked)
    return 1 + max(map(_most, frames))


def _most(frame: pl.DataFrame) -> int:
    found: int | None = frame["line_id"].max()  # type: ignore[assignment]
    return found or 0


def _conversions(viewer: Viewer) -> pl.DataFrame:
    """[item, unit, valid_from, factor]: base units in one other unit."""
    units = directory.item_units(viewer).select(
        "item", "unit", "valid_from", factor=pl.col("per_unit").cast(pl.Float64)
    )
    return units.sort("valid_from")


def _with_units(first: pl.DataFrame, known: Known) -> pl.DataFrame:
    """One row per line with its unit in base units."""
    lines = first.select(
        "line_id", "supplier", "item", "site", "ordered_on", "revised_on", "unit", segment_pegged="segment"
    )  # fmt: skip
    lines = beside(lines, known.items.select("item", "_base"), ["item"])
    if lines["unit"].null_count():
        lines = lines.with_columns(unit=pl.coalesce("unit", "_base"))
    return lines.with_columns(_factor(lines, known.units).alias("per_base"))


def _factor(rows: pl.DataFrame, units: pl.DataFrame) -> pl.Series:
    """Base units in one ``unit`` of ``item`` on ``ordered_on``; null where nobody declared it."""
    given = pl.col("unit")
    is_base = rows.select(((given == pl.col("_base")) | given.is_null() | pl.col("_base").is_null()).alias("base"))[
        "base"
    ]
    if is_base.all():
        return pl.Series(np.ones(rows.height))
    other = rows.select("item", "unit", "ordered_on").with_row_index("_place").filter(~is_base).sort("ordered_on")
    joined = other.join_asof(
        units, left_on="ordered_on", right_on="valid_from", by=["item", "unit"], check_sortedness=False
    ).sort("_place")
    return pl.Series(np.ones(rows.height)).scatter(joined["_place"], joined["factor"])


def _in_line_units(rows: pl.DataFrame, about: pl.DataFrame, units: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quantities in the unit of their line; and [line_id] of rows that could not be converted and are as given."""
    line = KeyIndex(about, ["line_id"]).find(rows)
    other = (rows["unit"] != taken(about.select("unit"), line)["unit"]).fill_null(value=False)
    if not other.any():
        return rows.drop("unit"), rows.select("line_id").clear()
    places = other.arg_true()
    own = taken(about.select("item", "ordered_on", "_base", "per_base"), line[places.to_numpy()])
    own = own.with_columns(rows["unit"].gather(places))
    ratio = _factor(own, units) / own["per_base"]
    odd = rows.select(pl.col("line_id").gather(places)).filter(ratio.is_null())
    converted = rows["quantity"].gather(places) * ratio.fill_null(1.0)
    return rows.with_columns(rows["quantity"].scatter(places, converted)).drop("unit"), odd


def _lead_times(lanes: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """[line_id, lead_time_days] agreed on the lane of each line on the day it was ordered.

    Where several lanes bring an item from one supplier to a site, the one from the line's own shipping site counts: its
    row comes first.
    """
    lanes = lanes.filter(pl.col("lead_time_days").is_not_null()).sort("valid_from", "lane")
    lanes = lanes.select("item", "supplier", "ship_from", "lead_time_days", "valid_from", "valid_to", site="ship_to")
    lines = first.select("line_id", "item", "supplier", "site", "ship_from", "ordered_on")
    found = [pl.DataFrame(schema={"line_id": pl.UInt32, "lead_time_days": pl.Int64})]
    for by in (["item", "supplier", "site", "ship_from"], ["item", "supplier", "site"]):
        # By the number of the lane's names, not by the names: a join of three texts takes ten times as long.
        named = lanes.drop_nulls(by)
        if named.is_empty():
            continue
        index = KeyIndex(named, by)
        held = named.select("lead_time_days", "valid_from", "valid_to", _lane=index.first)
        wanted = lines.select("line_id", "ordered_on", _lane=index.find(lines)).filter(pl.col("_lane") >= 0)
        joined = wanted.sort("ordered_on").join_asof(
            held, left_on="ordered_on", right_on="valid_from", by="_lane", check_sortedness=False
        )
        open_then = pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("ordered_on"))
        agreed = joined.filter(pl.col("lead_time_days").is_not_null() & open_then)
        found.append(agreed.select("line_id", pl.col("lead_time_days").cast(pl.Int64)))
    return pl.concat(found)


def _closures(viewer: Viewer) -> dict[str, tuple[date, ...]]:
    days = directory.closures(viewer).group_by("calendar").agg("closed_on")
    return {calendar: tuple(sorted(closed)) for calendar, closed in days.iter_rows()}


def _mix(mix: pl.LazyFrame, first: pl.DataFrame, span: Span) -> pl.DataFrame:
    """The mix of the lines' items, from the day that the first of them was ordered."""
    columns = ("item", "site", "segment", "valid_from", "valid_to", "share", "basis")
    ordered: date = first["ordered_on"].min() or span.first  # type: ignore[assignment]
    in_use = pl.col("valid_from") <= span.last, pl.col("valid_to").is_null() | (pl.col("valid_to") >= ordered)
    found = mix.filter(*in_use).select(columns).collect()
    return found if found.is_empty() else found.join(first.select("item").unique(), on="item", how="semi")


def _schemes(viewer: Viewer, manifest: ManifestRecord) -> pl.DataFrame:
    """[scheme_version, valid_from, valid_to]: when schemes decided about anything."""
    columns = ("scheme_version", "valid_from", "valid_to")
    return lake.facts(viewer, "assignment", manifest).select(columns).unique().collect()


def _scheme_version(schemes: pl.DataFrame, span: Span) -> int:
    """Version of the scheme that decided on the last day of the span; 0 before the first."""
    then = pl.col("valid_from") <= span.last, pl.col("valid_to").is_null() | (pl.col("valid_to") >= span.last)
    return int(schemes.filter(*then)["scheme_version"].max() or 0)  # type: ignore[arg-type]


def _warnings_in(facts: Facts, span: Span) -> tuple[str, ...]:
    """What could not be converted of the lines of a shorter span."""
    if not facts.warnings:
        return ()
    found = _seen(facts, span)
    return _warnings(only(facts.about, found), only(facts.odd, found).height)


def _warnings(about: pl.DataFrame, odd: int) -> tuple[str, ...]:
    found = []
    if lines := about["per_base"].null_count():
        found.append(f"{lines} lines are in a unit that no conversion names; they count one to one.")
    if odd:
        found.append(f"{odd} receipts or rejects are in a unit that cannot be brought to their line's; taken as given.")
    return tuple(found)
