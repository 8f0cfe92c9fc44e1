"""Publications in words and pictures, alike on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.collaboration.publish.records import CellStatus, PublicationKind, PublicationRecord, Reply
from tierwise.collaboration.showing import EXCLUSIONS
from tierwise.kernel.clock import now
from tierwise.web.formats import number
from tierwise.web.pages import (
    Column,
    Fact,
    Grid,
    Interval,
    Kind,
    LineChart,
    Series,
    Stat,
    Status,
    Timeline,
    TimelineEntry,
    Tone,
)

KINDS = {
    PublicationKind.DEMAND: gettext_lazy("Demand"),
    PublicationKind.SCORECARD: gettext_lazy("Scorecard"),
}
SIGNALS = {"demand": gettext_lazy("Demand"), "order_forecast": gettext_lazy("Order forecast")}
MEASURES = {
    "score": gettext_lazy("Score"),
    "otif": gettext_lazy("On time in full"),
    "on_time": gettext_lazy("On time"),
    "in_full": gettext_lazy("In full"),
    "fill_rate": gettext_lazy("Fill rate"),
    "line_fill_rate": gettext_lazy("Line fill rate"),
    "lead_time_adherence": gettext_lazy("Lead time kept"),
    "lead_time_bias": gettext_lazy("Mean lead time deviation"),
    "reject_ppm": gettext_lazy("Rejects per million"),
    "rejected_lines": gettext_lazy("Lines with rejects"),
}
UNITS = {"lead_time_bias": ("d", 1), "reject_ppm": ("ppm", 0)}
POINTS = gettext_lazy("points")
"""What the score is told in, of a hundred; it is published as their share."""


NOTES = {
    "First rating": gettext_lazy("First rating"),
    "Confirmed": gettext_lazy("Within the standing"),
    "Upgraded": gettext_lazy("Moved up"),
    "Downgraded": gettext_lazy("Moved down"),
    "Within margin": gettext_lazy("Too close to the bound to move"),
    "Waiting": gettext_lazy("Waits for another period before it moves"),
    "Small sample": gettext_lazy("Too few lines to move the standing"),
    "Incomplete": gettext_lazy("Measures are missing"),
    "No activity": gettext_lazy("Nothing was due or received"),
    "Severity": gettext_lazy("Set by a severe event"),
}
"""What is published beside a standing, in the reader's language."""
STANDINGS = {
    "preferred": gettext_lazy("Preferred"),
    "approved": gettext_lazy("Approved"),
    "conditional": gettext_lazy("Conditional"),
    "watch": gettext_lazy("Watch"),
    "probation": gettext_lazy("Probation"),
    "improve": gettext_lazy("Improve"),
    "too_few": gettext_lazy("Too few lines"),
}
"""Usual names of standings; a formula may name others, which stand as written."""


def note_text(note: str) -> str:
    return str(NOTES.get(note, note))


def measure_name(code: str) -> str:
    return str(MEASURES.get(code, code.replace("_", " ").capitalize()))


def standing_name(code: str) -> str:
    return str(STANDINGS.get(code, code.replace("_", " ").capitalize()))


def states() -> dict[str, Status]:
    """Every state that :func:`state_of` tells, by its label."""
    found = [
        Status(_("Replaced")), Status(_("Acknowledged"), Tone.GOOD), Status(_("Disputed"), Tone.WATCH),
        Status(_("Current")), Status(_("Reply overdue"), Tone.BAD), Status(_("Reply awaited"), Tone.WATCH),
    ]  # fmt: skip
    return {state.label: state for state in found}


def state_of(record: PublicationRecord, at: datetime | None = None) -> Status:
    """Replaced, answered, waiting for an answer, or just current; now, or at the time the record was asked for."""
    if record.superseded:
        return Status(_("Replaced"))
    if record.reply is Reply.ACKNOWLEDGED:
        return Status(_("Acknowledged"), Tone.GOOD)
    if record.reply is Reply.DISPUTED:
        return Status(_("Disputed"), Tone.WATCH)
    if record.reply_due_at is None:
        return Status(_("Current"))
    late = record.reply_due_at < (at or now())
    return Status(_("Reply overdue"), Tone.BAD) if late else Status(_("Reply awaited"), Tone.WATCH)


def period(record: PublicationRecord) -> str:
    return f"{record.period_start.isoformat()} – {record.period_end.isoformat()}"


def facts(record: PublicationRecord) -> list[Fact]:
    return [
        Fact(_("Number"), record.number),
        Fact(_("Period"), period(record)),
        Fact(_("Published"), record.published_at),
        Fact(_("Reply by"), record.reply_due_at),
        Fact(_("Answered"), record.replied_at, note=record.comment),
    ]


def has_series(record: PublicationRecord) -> bool:
    return bool({"demand", "order_forecast"} & set(record.content))


def revision_timeline(
    records: Sequence[PublicationRecord], hrefs: Sequence[str], companies: tuple[str, str], *, at_desk: bool
) -> Timeline:
    """Publications that replaced each other, and the replies to them."""
    buyer, supplier = ("ours", "theirs") if at_desk else ("theirs", "ours")
    entries: list[TimelineEntry] = []
    for record, href in zip(records, hrefs, strict=True):
        if record.replied_at is not None and record.reply is not None:
            said = _("Acknowledged") if record.reply is Reply.ACKNOWLEDGED else _("Disputed")
            entries.append(TimelineEntry(record.replied_at, said, side=supplier, note=record.comment))
        said = _("Published as number %(n)s") % {"n": record.number}
        entries.append(TimelineEntry(record.published_at, said, side=buyer, href=href, status=state_of(record)))
    return Timeline(entries, title=_("Revisions"), ours=companies[0], theirs=companies[1])


def series_grid(cells: pl.DataFrame, extra: Sequence[Column] = (), *, empty: str = "") -> Grid:
    """Cells, one a row. A held-back cell says so in words: no figure stands for it, least of all a zero."""
    shown = {
        CellStatus.OK.value: Status(_("Shown")),
        CellStatus.HELD_BACK.value: Status(_("Held back"), Tone.WATCH),
    }
    changes = {"changed": Status(_("Changed"), Tone.WATCH), "new": Status(_("New")), "": Status("–")}
    columns = [
        Column("item", _("Item"), Kind.CODE, card=True),
        *extra,
        Column("bucket_start", _("From"), Kind.DATE, card=True),
        Column("quantity", _("Quantity"), Kind.QUANTITY, unit_field="unit", card=True),
        Column("status", _("Cell"), Kind.STATUS, statuses=shown, card=True),
        Column("before", _("Before"), Kind.QUANTITY, unit_field="unit"),
        Column("change", _("Since the last one"), Kind.STATUS, statuses=changes, card=True),
        Column("item_name", _("Name")),
        *([Column("site", _("Site"), Kind.CODE)] if cells["site"].str.len_chars().sum() else []),
        *([Column("region", _("Region"))] if cells["region"].str.len_chars().sum() else []),
        Column("signal_name", _("Signal")),
        Column("binds", _("Binds as")),
        Column("bucket_days", _("Days"), Kind.QUANTITY),
    ]
    names = {code: str(label) for code, label in SIGNALS.items()}
    named = cells.with_columns(
        signal_name=pl.col("signal").replace(names), binds=pl.col("binds").str.replace_all("_", " "),
        change=pl.col("change").replace({"": None}),
    )  # fmt: skip
    return Grid("series", columns, named, empty=empty or _("No cells."), label=_("Cells"))


def series_chart(cells: pl.DataFrame) -> LineChart | None:
    """What is shown per bucket, against what was shown before; None where units differ or nothing is shown."""
    shown = cells.filter(pl.col("quantity").is_not_null())
    if shown.is_empty() or shown["unit"].n_unique() > 1 or shown["bucket_start"].n_unique() < 2:
        return None
    hidden = cells.filter(pl.col("status") == CellStatus.HELD_BACK.value).height
    per = (
        shown.group_by("signal", "bucket_start")
        .agg(pl.col("quantity").cast(pl.Float64).sum(), pl.col("before").cast(pl.Float64).sum(),
             known=pl.col("before").is_not_null().any())
        .sort("bucket_start")
    )  # fmt: skip
    x = per["bucket_start"].unique().sort().to_list()
    series: list[Series] = []
    for signal in per["signal"].unique().sort():
        own = {row["bucket_start"]: row for row in per.filter(pl.col("signal") == signal).iter_rows(named=True)}
        name = str(SIGNALS.get(signal, signal))
        series.append(Series(name, [own[day]["quantity"] if day in own else None for day in x]))
        if any(row["known"] for row in own.values()):
            before = [own[day]["before"] if day in own and own[day]["known"] else None for day in x]
            series.append(Series(_("%(name)s, published before") % {"name": name}, before, dashed=True))
    note = _("%(n)s held-back cells are not in these sums.") % {"n": hidden} if hidden else ""
    return LineChart(_("What is shown per bucket"), shown["unit"][0], note, x=x, series=series, zero=True)


def measure_stats(measures: pl.DataFrame) -> list[Stat]:
    """Each measure with its interval and n; a target missed on few observations is no alarm."""
    found = []
    for row in measures.iter_rows(named=True):
        unit, decimals = UNITS.get(row["measure"], ("ratio", 1))
        n = row["effective_n"] or row["n"]
        if row["measure"] == "score" and row["value"] is not None:
            value = Interval(row["value"] * 100, n=n, unit=str(POINTS), decimals=1)
        else:
            value = Interval(row["value"], row["low"], row["high"], n, unit, decimals)
        target = Interval(row["target"], unit=unit, decimals=decimals)
        note = _target_text(target) if row["target"] is not None else note_text(row["note"])
        found.append(Stat(measure_name(row["measure"]), value, note))
    return found


def _target_text(target: Interval) -> str:
    value = float(target.value or 0)
    shown = (
        f"{number(value * 100, target.decimals)} %"
        if target.unit == "ratio"
        else f"{number(value, target.decimals)} {target.unit}"
    )
    return _("Target %(value)s") % {"value": shown}


def measures_grid(measures: pl.DataFrame) -> Grid:
    columns = [
        Column("name", _("Measure"), card=True),
        Column("shown", _("Value"), card=True),
        Column("interval", _("Interval"), card=True),
        Column("n", _("n"), Kind.QUANTITY, card=True),
        Column("effective_n", _("Effective n"), Kind.QUANTITY, decimals=1),
        Column("target_shown", _("Target"), card=True),
        Column("numerator", _("Numerator"), Kind.QUANTITY, decimals=2),
        Column("denominator", _("Denominator"), Kind.QUANTITY, decimals=2),
        Column("weight", _("Weight"), Kind.RATIO),
        Column("points", _("Points"), Kind.QUANTITY, decimals=1),
        Column("standing_name", _("Standing")),
        Column("formula", _("Formula"), Kind.CODE),
        Column("note", _("Note")),
    ]
    rows = [
        row
        | {
            "name": measure_name(row["measure"]),
            "shown": _figure(row["measure"], row["value"]),
            "interval": _span(row["measure"], row["low"], row["high"]),
            "target_shown": _figure(row["measure"], row["target"]),
            "standing_name": standing_name(row["standing"]),
            "note": note_text(row["note"]),
        }
        for row in measures.iter_rows(named=True)
    ]
    return Grid("measures", columns, rows, label=_("Measures"), empty=_("No measures."))


def _span(measure: str, low: float | None, high: float | None) -> str:
    return "–" if low is None and high is None else f"{_figure(measure, low)} – {_figure(measure, high)}"


def _figure(measure: str, value: float | None) -> str:
    if value is None:
        return "–"
    if measure == "score":
        return f"{number(value * 100, 1)} {POINTS}"
    unit, decimals = UNITS.get(measure, ("ratio", 1))
    return f"{number(value * 100, decimals)} %" if unit == "ratio" else f"{number(value, decimals)} {unit}"


def lines_grid(lines: pl.DataFrame, extra: Sequence[Column] = ()) -> Grid:
    """Judged purchase lines; the marks say what was judged, never by colour alone."""
    good, bad = Status(_("Yes"), Tone.GOOD), Status(_("No"), Tone.BAD)
    marks = {"true": good, "false": bad}
    columns = [
        Column("order", _("Order"), Kind.CODE, card=True),
        Column("line", _("Line"), Kind.CODE, frozen=True, card=True),
        Column("on_time", _("On time"), Kind.STATUS, statuses=marks, card=True),
        Column("in_full", _("In full"), Kind.STATUS, statuses=marks, card=True),
        *extra,
        Column("item", _("Item"), Kind.CODE, card=True),
        Column("item_name", _("Name")),
        Column("due_on", _("Due"), Kind.DATE, card=True),
        Column("delivered_on", _("Delivered"), Kind.DATE, card=True),
        Column("days_late", _("Days late"), Kind.QUANTITY),
        Column("ordered", _("Ordered"), Kind.QUANTITY, unit_field="unit"),
        Column("received", _("Received"), Kind.QUANTITY, unit_field="unit"),
        Column("rejected", _("Rejected"), Kind.QUANTITY, unit_field="unit"),
        Column("excluded", _("Left out"), note=_("Why a line is not judged")),
        Column("share", _("Counts with"), Kind.RATIO, note=_("Share with which the line counts for this segment")),
        Column("due_from", _("Due by")),
    ]
    reasons = {code: str(label) for code, label in EXCLUSIONS.items()}
    shown = lines.with_columns(
        pl.col("on_time", "in_full").cast(pl.String), excluded=pl.col("excluded").replace(reasons),
        due_from=pl.col("due_from").str.replace_all("_", " "),
    )  # fmt: skip
    return Grid("lines", columns, shown, label=_("Purchase lines"), empty=_("No line of this kind."), height="34rem")
