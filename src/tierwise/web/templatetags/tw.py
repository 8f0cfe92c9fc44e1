"""Tags and filters of Tierwise's templates: ``{% load tw %}``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_info

from tierwise.web import formats
from tierwise.web.icons import ICONS
from tierwise.web.pages.charts import Chart, Map, Timeline
from tierwise.web.pages.doors import SheetDoor
from tierwise.web.pages.grids import Grid
from tierwise.web.pages.rows import Difference, DifferenceRow, Shown, Stat
from tierwise.web.pages.shell import Empty, SegmentFilter
from tierwise.web.pages.values import Action, Interval, Money, Number, Quantity, SegmentChip, Status
from tierwise.web.words import WORDS

register = template.Library()

_JSON_ESCAPES = str.maketrans(
    {"<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


@lru_cache(maxsize=1)
def _read(path: Path, _changed: int) -> dict[str, dict[str, Any]]:
    return cast(dict[str, dict[str, Any]], json.loads(path.read_text(encoding="utf-8")))


def _manifest() -> dict[str, dict[str, Any]]:
    """Read once, and again when the front end was built anew beneath a running server."""
    path = Path(str(files("tierwise.web").joinpath("static", "app", ".vite", "manifest.json")))
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise ImproperlyConfigured(
            "The front end is not built. Run `make build` (it needs Node 20.19 or newer)."
        ) from None


@register.simple_tag
def vite(entry: str) -> SafeString:
    """Styles, preloads and script of one entry of the front end."""
    manifest = _manifest()
    try:
        chunk = next(one for one in manifest.values() if one.get("isEntry") and one.get("name") == entry)
    except StopIteration:
        raise ImproperlyConfigured(f"The front end has no entry {entry!r}. Run `make build`.") from None
    styles = [(_built(path),) for path in chunk.get("css", [])]
    preloads = [(_built(manifest[key]["file"]),) for key in chunk.get("imports", [])]
    return (
        format_html_join("", '<link rel="stylesheet" href="{}">', styles)
        + format_html_join("", '<link rel="modulepreload" href="{}">', preloads)
        + format_html('<script type="module" src="{}"></script>', _built(chunk["file"]))
    )


def _built(path: str) -> str:
    return static(f"app/{path}")


def _embedded(tag: str, payload: str, attributes: Mapping[str, str] | None = None) -> SafeString:
    inside = mark_safe(payload.translate(_JSON_ESCAPES))  # noqa: S308 - JSON with every <, > and & escaped
    given = format_html_join("", ' {}="{}"', (attributes or {}).items())
    return format_html('<{}{}><script type="application/json">{}</script></{}>', tag, given, inside, tag)


@register.simple_tag
def offered_languages() -> list[tuple[str, str]]:
    """Each under its own name, for whoever cannot read the others."""
    return [(code, get_language_info(code)["name_local"].capitalize()) for code, _name in settings.LANGUAGES]


@register.simple_tag
def words() -> SafeString:
    """The catalogue of the components in the browser, in the reader's language."""
    payload = json.dumps({key: str(text) for key, text in WORDS.items()}, ensure_ascii=False)
    inside = mark_safe(payload.translate(_JSON_ESCAPES))  # noqa: S308 - as above
    return format_html('<script type="application/json" id="tw-words">{}</script>', inside)


@register.simple_tag(takes_context=True)
def grid(context: template.Context, one: Grid) -> SafeString:
    """A grid, with the address that exports it, and above it the other doors into its list."""
    attributes = {"id": f"grid-{one.name}"}
    if one.height:
        attributes["style"] = f"--grid-height: {one.height}"
    request, rest = context.get("request"), ""
    if isinstance(request, HttpRequest):
        rest = _of_grid(request, "rows", one)
        if one.exportable:
            attributes["export"] = _of_grid(request, "export", one)
    doors = sheet_door(context, one.door) if one.door is not None else ""
    if not len(one) and isinstance(one.empty, Empty):
        said = {"empty": one.empty, "csrf_token": context.get("csrf_token")}
        return format_html("{}{}", doors, render_to_string("web/parts/empty.html", said))
    return format_html("{}{}", doors, _embedded("tw-grid", one.payload(rest), attributes))


def _of_grid(request: HttpRequest, what: str, one: Grid) -> str:
    """This page's address, asking for one of its grids."""
    query = request.GET.copy()
    query[what] = one.name
    return f"{request.path}?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def sheet_door(context: template.Context, door: SheetDoor | None) -> SafeString:
    """Buttons that hand a list out as a spreadsheet and take it back."""
    if door is None:
        return mark_safe("")
    return render_to_string("web/parts/sheet_door.html", {"door": door, "csrf_token": context.get("csrf_token")})


@register.simple_tag
def chart(one: Chart) -> SafeString:
    return _embedded("tw-chart", one.payload(), {"kind": one.kind, "style": f"--chart-height: {one.height}px"})


@register.simple_tag(name="map")
def map_(one: Map) -> SafeString:
    return _embedded("tw-map", one.payload(), {"style": f"--map-height: {one.height}px"})


@register.simple_tag
def timeline(one: Timeline) -> SafeString:
    return _embedded("tw-timeline", one.payload())


@register.simple_tag
def segment(one: SegmentChip) -> SafeString:
    return formats.chip(one)


@register.simple_tag
def status(one: Status) -> SafeString:
    return formats.status(one)


@register.inclusion_tag("web/parts/stat.html")
def stat(one: Stat) -> dict[str, object]:
    return {"stat": one, "sparkline": one.sparkline()}


@register.inclusion_tag("web/parts/difference.html")
def difference(one: Difference | list[DifferenceRow] | tuple[DifferenceRow, ...]) -> dict[str, object]:
    return {"difference": one if isinstance(one, Difference) else Difference(one)}


@register.inclusion_tag("web/parts/action.html", takes_context=True)
def action(context: template.Context, one: Action | None, look: str = "") -> dict[str, object]:
    return {"action": one, "look": look, "csrf_token": context.get("csrf_token")}


@register.simple_tag
def explain(value: Shown, href: str) -> SafeString:
    """A number that opens: its formula, inputs and lines slide in beside the page."""
    return format_html('<a class="opens" href="{}" data-panel>{}</a>', href, formats.show(value))


@register.simple_tag
def icon(name: str) -> SafeString:
    return format_html(
        '<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        ICONS.get(name, ICONS["dot"]),
    )


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: object) -> str:
    """This page's address with some of its parameters changed; None or an empty text removes one."""
    request = context.get("request")
    query = request.GET.copy() if isinstance(request, HttpRequest) else QueryDict(mutable=True)
    query.pop("export", None)
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}"


_DATE = re.compile(r"(?<![\w-])\d{4}-[01]\d(?:-\d{2}(?: \d{2}:\d{2})?)?(?![\w-])")


@register.filter
def dated(text: object) -> SafeString:
    """Text for between tags, no date or month of which breaks at a hyphen. Markup and a date alone stay as given."""
    safe = conditional_escape(text if isinstance(text, str) else str(text))
    if "<" in safe or len(safe) <= len("2026-12-31 23:59"):
        return safe
    return mark_safe(_DATE.sub(r'<span class="date">\g<0></span>', safe))  # noqa: S308 - escaped above


@register.filter
def show(value: Shown) -> SafeString:
    """A value as text for between tags."""
    return dated(formats.show(value))


@register.filter
def quantity(value: Quantity | Number | None, unit: str = "") -> str:
    """``{{ 1200|quantity:"kg" }}``; a Quantity brings its own unit."""
    return formats.show(value) if isinstance(value, Quantity) else formats.quantity(value, unit)


@register.filter
def money(value: Money | Number | None, currency: str = "") -> str:
    """``{{ amount|money:"EUR" }}``; a Money brings its own currency."""
    return formats.show(value) if isinstance(value, Money) else formats.money(value, currency)


@register.filter
def ratio(value: Number | None, decimals: int = 1) -> str:
    return formats.ratio(value, decimals)


@register.filter
def bizdate(value: date | None) -> str:
    return formats.business_date(value)


@register.filter
def instant(value: datetime | None) -> SafeString:
    return formats.instant(value)


@register.filter
def interval(value: Interval | None) -> SafeString:
    return formats.interval(value)


@register.filter
def iso(value: date | datetime) -> str:
    return value.isoformat()


@register.filter
def active_any(filters: Sequence[SegmentFilter]) -> bool:
    return any(one.active for one in filters)
