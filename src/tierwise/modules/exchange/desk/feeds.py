"""What may leave, what it says now, and what would go out over a channel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from uuid import UUID

import polars as pl
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from tierwise.kernel.audit import Invalid, NotFound
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.modules.exchange import actions
from tierwise.modules.exchange.desk.words import crumbs, may, must, tabs
from tierwise.modules.exchange.layout import CannotMap
from tierwise.modules.exchange.preparing import Preview, preview
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.queries.feeds import feed_rows
from tierwise.modules.exchange.records.feeds import FEEDS, Feed
from tierwise.modules.exchange.records.mapping import MAPPING_KEYS, default_mapping, read_out_mapping
from tierwise.modules.exchange.records.settings import read_settings, required_form
from tierwise.modules.exchange.records.words import RouteRecord
from tierwise.web.pages import Action, Column, Crumb, Fact, Grid, Kind, Notice, Page, Tone, respond
from tierwise.web.viewing import DeskRequest
from tierwise.wire.documents import DocumentError, Problem
from tierwise.wire.tabular import Form

SHOWN = 2000
EXCERPT = 4000


class RouteForm(forms.Form):
    mapping = forms.CharField(
        label=gettext_lazy("Mapping"), strip=False,
        widget=forms.Textarea(attrs={"spellcheck": "false", "rows": 26, "class": "code"}),
        help_text=gettext_lazy("YAML: which columns go out, under which names and in which form."),
    )  # fmt: skip


class SinceForm(forms.Form):
    since = forms.DateField(
        label=gettext_lazy("Queued since"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Every batch since that day goes out again, in order and under its own number."),
    )  # fmt: skip


def feeds_page(request: DeskRequest) -> HttpResponse:
    """The feeds there are, and over which channels each goes."""
    channels: dict[str, list[str]] = {}
    for route in log.routes(request.viewer):
        channels.setdefault(route.feed, []).append(route.channel_name)
    columns = (
        Column("title", _("Feed"), Kind.LINK, href="href", card=True),
        Column("name", _("Name"), Kind.CODE),
        Column("binds", _("What it binds"), card=True, width=420),
        Column("channels", _("Goes over"), card=True),
    )
    rows = [
        {"title": feed.title, "href": reverse("desk-exchange-feed", args=[feed.name]), "name": feed.name,
         "binds": feed.binds, "channels": ", ".join(channels.get(feed.name, []))}
        for feed in FEEDS.values()
    ]  # fmt: skip
    page = Page(
        _("Feeds"), crumbs(), lead=_("What is decided here and may go back to other systems."),
        tabs=tabs("desk-exchange-feeds"),
    )  # fmt: skip
    return respond(request, "web/grid.html", {"page": page, "grid": Grid("feeds", columns, rows)})


def _feed(name: str) -> Feed:
    if name not in FEEDS:
        raise NotFound("feed", _("There is no such feed."))
    return FEEDS[name]


def feed_page(request: DeskRequest, name: str) -> HttpResponse:
    """What a feed says today, and what its columns mean."""
    viewer, feed = request.viewer, _feed(name)
    rows = feed_rows(viewer, feed, today())
    key = ", ".join(feed.key)
    described = [
        {"name": c.name, "kind": _type(c.kind), "unit": c.unit, "meaning": c.meaning, "key": c.name in feed.key}
        for c in feed.columns
    ]
    about = (
        Column("name", _("Column"), Kind.CODE, card=True),
        Column("meaning", _("Meaning"), card=True, width=360),
        Column("unit", _("Unit")),
        Column("key", _("Key"), Kind.FLAG),
        Column("kind", _("Type")),
    )
    page = Page(feed.title, crumbs(Crumb(_("Feeds"), reverse("desk-exchange-feeds"))))
    facts = [
        Fact(_("Name"), feed.name),
        Fact(_("What it binds"), feed.binds),
        Fact(_("Key"), key),
        Fact(_("Rows today"), rows.height),
    ]
    over = [
        Fact(route.channel_name, _("what would go out"), href=reverse("desk-exchange-route", args=[route.id]))
        for route in log.routes(viewer, feed=feed.name)
    ]
    grids = [
        Grid("today", _columns(feed, rows), rows.head(SHOWN), label=_("What it says today"),
             empty=_("Nothing yet: no decision of this kind was made.")),
        Grid("columns", about, described, label=_("Columns")),
    ]  # fmt: skip
    return respond(request, "web/record.html", {"page": page, "facts": [*facts, *over], "grids": grids})


def _columns(feed: Feed, rows: pl.DataFrame) -> list[Column]:
    kinds = {name: _kind(kind) for name, kind in rows.schema.items()}
    own = {c.name: c for c in feed.columns}
    return [
        Column(name, name, kinds[name], card=name in feed.key, decimals=4 if kinds[name] is Kind.QUANTITY else None,
               note=own[name].meaning if name in own else "")
        for name in rows.columns
    ]  # fmt: skip


def _type(kind: pl.DataType) -> str:
    """A column's type in words."""
    if kind.is_decimal() or kind.is_float():
        return _("number")
    if kind.is_integer():
        return _("whole number")
    words = {pl.Date: _("date"), pl.Datetime: _("instant, UTC"), pl.Boolean: _("yes or no")}
    return words.get(kind.base_type(), _("text"))


def _kind(kind: pl.DataType) -> Kind:
    if kind == pl.Date:
        return Kind.DATE
    if isinstance(kind, pl.Datetime):
        return Kind.INSTANT
    return Kind.QUANTITY if kind.is_float() or kind.is_decimal() else Kind.CODE


def _route(viewer: Viewer, route: UUID) -> RouteRecord:
    found = next((one for one in log.routes(viewer) if one.id == route), None)
    if found is None:
        raise NotFound("route", _("There is no such feed on a channel."))
    return found


def route_page(request: DeskRequest, route: UUID) -> HttpResponse:
    """What would go out now, with the bytes; nothing is queued by looking."""
    viewer = request.viewer
    found = _route(viewer, route)
    feed = _feed(found.feed)
    shown, notices = _preview(viewer, found)
    edit = reverse("desk-exchange-route-edit", args=[found.channel]) + f"?feed={found.feed}"
    switch = Action(
        _("Stop this feed") if found.active else _("Let this feed go on"),
        reverse("desk-exchange-route-active", args=[found.id]), post=True,
        fields={"active": "" if found.active else "yes"},
    )  # fmt: skip
    waiting = log.outstanding(viewer, found.id)
    page = Page(
        f"{feed.title} → {found.channel_name}",
        crumbs(Crumb(_("Channels"), reverse("desk-exchange-channels")),
               Crumb(found.channel_name, reverse("desk-exchange-channel", args=[found.channel]))),
        action=Action(_("Change the mapping"), edit) if may(viewer) else None, actions=(switch,) if may(viewer) else (),
    )  # fmt: skip
    facts = [
        Fact(_("Batches so far"), found.last_number),
        Fact(_("Acknowledged up to batch"), found.base_number),
        Fact(_("Rows that differ from what the receiver holds"), shown.moved.height if shown else None),
        Fact(_("Rows that would go out"), shown.batch.height if shown and shown.moved.height else 0),
    ]
    if waiting is not None:
        href = reverse("desk-exchange-delivery", args=[waiting.id])
        facts.append(Fact(_("Waits for"), waiting.label, _("one batch at a time, so that the order holds"), href=href))
    context: dict[str, object] = {
        "page": page, "facts": [f for f in facts if f.value is not None], "notices": notices,
        "mapping_text": found.mapping,
        "texts": _texts(shown), "grids": _moved(feed, shown),
        "since_form": SinceForm() if may(viewer) and found.last_number else None,
        "since_href": reverse("desk-exchange-route-resend", args=[found.id]),
    }  # fmt: skip
    return respond(request, "exchange/route.html", context)


def _preview(viewer: Viewer, route: RouteRecord) -> tuple[Preview | None, list[Notice]]:
    try:
        return preview(viewer, route, today()), []
    except (CannotMap, DocumentError) as error:
        return None, [Notice(str(error), Tone.BAD, _("Nothing can go out under this mapping"))]


def _moved(feed: Feed, shown: Preview | None) -> list[Grid]:
    if shown is None or shown.moved.is_empty():
        return []
    rows = shown.moved.select("change", *feed.schema).head(SHOWN)
    return [Grid("moved", _columns(feed, rows), rows, label=_("What would go out"))]


def _texts(shown: Preview | None) -> list[tuple[str, str]]:
    texts = []
    for one in shown.files[:3] if shown else ():
        if one.media_type.startswith("text/") or "json" in one.media_type:
            text = one.content[:EXCERPT].decode("utf-8", "replace")
            texts.append((one.name, text + ("\n…" if len(one.content) > EXCERPT else "")))
    return texts


def route_form(request: DeskRequest, channel: UUID) -> HttpResponse:
    """The mapping of a feed on a channel, checked while it is written."""
    viewer = must(request.viewer)
    found = log.channel(viewer, channel)
    routes = {route.feed: route for route in log.routes(viewer, channel=channel)}
    wanted = request.GET.get("feed", "")
    feed = FEEDS.get(wanted) or next(iter(FEEDS.values()))
    needed = required_form(read_settings(found.kind, found.settings)) or Form.CSV
    standing = routes.get(feed.name)
    form = RouteForm(initial={"mapping": standing.mapping if standing else default_mapping(feed, needed)})
    problems: Sequence[Problem] = ()
    if request.method == "POST":
        form = RouteForm(request.POST)
        problems = problems_of(request.POST.get("mapping", ""))
        if form.is_valid() and not problems:
            try:
                route = actions.put_route(viewer, channel, form.cleaned_data["mapping"])
            except Invalid as refused:
                form.add_error("mapping", refused.message)
            else:
                messages.success(request, _("Kept. This is what would go out; nothing has been sent by it."))
                return redirect("desk-exchange-route", route)
    page = Page(
        _("A feed to %s") % found.name,
        crumbs(Crumb(_("Channels"), reverse("desk-exchange-channels")),
               Crumb(found.name, reverse("desk-exchange-channel", args=[channel]))),
    )  # fmt: skip
    context = {
        "page": page, "form": form, "problems": problems, "keys": MAPPING_KEYS,
        "mapping": form["mapping"].value() or "",
        "feeds": [(one.name, one.title) for one in FEEDS.values()], "columns": feed.columns, "feed": feed,
        "check_href": reverse("desk-exchange-check"), "back_href": reverse("desk-exchange-channel", args=[channel]),
    }  # fmt: skip
    return respond(request, "exchange/mapping.html", context, status=422 if form.errors or problems else 200)


@require_POST
def check(request: DeskRequest) -> HttpResponse:
    """What is wrong with a mapping as it is being written."""
    text = request.POST.get("mapping", "")
    return render(request, "exchange/problems.html", {"problems": problems_of(text), "mapping": text})


def problems_of(text: str) -> Sequence[Problem]:
    if not text.strip():
        return ()
    try:
        read_out_mapping(text)
    except DocumentError as error:
        return error.problems
    return ()


@require_POST
def set_active(request: DeskRequest, route: UUID) -> HttpResponse:
    actions.set_route_active(request.viewer, route, request.POST.get("active") == "yes")
    return redirect("desk-exchange-route", route)


@require_POST
def resend_all(request: DeskRequest, route: UUID) -> HttpResponse:
    form = SinceForm(request.POST)
    if not form.is_valid():
        raise Invalid("since", _("Give the day as year-month-day."), field="since")
    since = datetime.combine(form.cleaned_data["since"], time(), UTC)
    count = actions.resend_since(request.viewer, route, since)
    text = ngettext("%d batch goes out again.", "%d batches go out again, in their order.", count)
    messages.success(request, text % count)
    return redirect("desk-exchange-route", route)
