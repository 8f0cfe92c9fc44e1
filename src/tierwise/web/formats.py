"""Numbers, money, dates and instants as readers see them: in their language and zone, with units, without false
precision."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import singledispatch

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tierwise.web.pages.values import Interval, Money, Number, Quantity, SegmentChip, Status, Tone

GAP = "–"  # nothing known
LARGE = 1000  # cents beside a whole amount of this size say nothing
SPACE = "\u202f"  # narrow, does not break
MARKS = {Tone.GOOD: "✓", Tone.WATCH: "!", Tone.BAD: "✕", Tone.PLAIN: ""}
MINOR_UNITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}


def number(value: Number | None, decimals: int | None = None) -> str:
    """Grouped, in the reader's language. Without ``decimals`` as many places as the number has, at most three."""
    if value is None or not math.isfinite(value):
        return GAP
    if decimals is None:
        exact = Decimal(str(value)).normalize()
        exponent = exact.as_tuple().exponent
        decimals = min(3, max(0, -exponent)) if isinstance(exponent, int) else 0
    rounded = round(Decimal(str(value)), decimals)
    shown = number_format(abs(rounded), decimals, use_l10n=True, force_grouping=True)
    return f"−{shown}" if rounded < 0 else shown


def quantity(value: Number | None, unit: str = "", decimals: int | None = None) -> str:
    shown = number(value, decimals)
    return f"{shown}{SPACE}{unit}" if unit and shown != GAP else shown


def money(value: Number | None, currency: str, decimals: int | None = None) -> str:
    """Amount and ISO code, with the currency's minor units; large whole amounts go without."""
    places = MINOR_UNITS.get(currency, 2) if decimals is None else decimals
    if decimals is None and value is not None and not -LARGE < value < LARGE and value % 1 == 0:
        places = 0
    shown = number(value, places)
    return shown if shown == GAP else f"{shown}{SPACE}{currency}".rstrip(SPACE)


def ratio(value: Number | None, decimals: int = 1) -> str:
    return quantity(None if value is None else value * 100, "%", decimals)


def business_date(value: date | None) -> str:
    """A date at a site: ISO, never converted."""
    return GAP if value is None else value.strftime("%Y-%m-%d")


def instant(value: datetime | None) -> SafeString:
    """An instant in the reader's zone, with the zone on hover."""
    if value is None:
        return SafeString(GAP)
    local = timezone.localtime(value if value.tzinfo else value.replace(tzinfo=UTC))
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.astimezone(UTC).isoformat(timespec="seconds"),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        local.strftime("%Y-%m-%d %H:%M"),
    )


def interval(value: Interval | None) -> SafeString:
    """``92.0 % (85.0–95.9), n = 100``; a hollow mark goes before it when n is small."""
    if value is None or value.value is None:
        return SafeString(GAP)
    percent = value.unit == "ratio"
    unit = "%" if percent else value.unit

    def bare(one: Number) -> str:
        return number(one * 100 if percent else one, value.decimals)

    mark = format_html('<span class="hollow" title="{}" role="img" aria-label="{}">○</span> ', _few(), _few())
    bounds = f" ({bare(value.low)}–{bare(value.high)})" if value.low is not None and value.high is not None else ""
    n = "" if value.n is None else f"n = {number(value.n, 0 if value.n == int(value.n) else 1)}"
    # On a line of its own, as under a figure, the comma has nothing to part.
    comma = SafeString('<span class="interval-comma">, </span>') if n and not bounds else ", " if n else ""
    head: str = f"{bare(value.value)}{SPACE}{unit}" if percent else bare(value.value)
    if unit and not percent:
        head = format_html('{}{}<span class="interval-unit">{}</span>', head, SPACE, unit)
    return format_html(
        '<span class="interval{}">{}{}<span class="interval-n">{}{}{}</span></span>',
        " is-small" if value.small else "",
        mark if value.small else "",
        head,
        bounds,
        comma,
        n,
    )


def _few() -> str:
    return _("few observations")


def chip(segment: SegmentChip) -> SafeString:
    """The chip of a segment: colour, code and name; patterned beyond the eighth colour."""
    return format_html(
        '<span class="seg seg-{}{}" title="{}"><b>{}</b><span>{}</span></span>',
        segment.colour,
        " is-patterned" if segment.patterned else "",
        segment.name,
        segment.code,
        segment.name,
    )


def status(value: Status) -> SafeString:
    mark = MARKS[value.tone]
    return format_html(
        '<span class="status is-{}">{}{}</span>',
        value.tone.value,
        format_html('<i aria-hidden="true">{}</i>', mark) if mark else "",
        value.label,
    )


@singledispatch
def show(value: object) -> str:
    """Any value a page may hold, in its own form."""
    return GAP if value is None else str(value)


show.register(SegmentChip)(chip)
show.register(Status)(status)
show.register(Interval)(interval)
show.register(int)(number)
show.register(float)(number)
show.register(Decimal)(number)
show.register(date)(business_date)
show.register(datetime)(instant)


@show.register
def _show_flag(value: bool) -> str:
    return _("Yes") if value else _("No")


@show.register
def _show_money(value: Money) -> str:
    return money(value.amount, value.currency)


@show.register
def _show_quantity(value: Quantity) -> str:
    return quantity(value.amount, value.unit)


@show.register
def _show_text(value: str) -> str:
    return value or GAP
