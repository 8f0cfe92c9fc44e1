"""Publications at the buyer's desk: the list, the record with its internal part, and what a supplier knew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import cast
from uuid import UUID

import polars as pl
from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.collaboration.desk import desk_names
from tierwise.collaboration.publish import queries, wording
from tierwise.collaboration.publish.records import PublicationQuestion, PublicationRecord
from tierwise.collaboration.showing import Names, chosen_id
from tierwise.directory import queries as directory
from tierwise.directory.ports import Fragment, register_supplier_fragment
from tierwise.doors.showing import sheet_door
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Side
from tierwise.web.addresses import addresses_of
from tierwise.web.api.paging import Keys
from tierwise.web.choosing import offer_choice
from tierwise.web.navigation import Place, add_places
from tierwise.web.onward import Onward, rows_onward
from tierwise.web.pages import (
    Action,
    Chart,
    Column,
    Crumb,
    Empty,
    Fact,
    Grid,
    Kind,
    Page,
    RowsOnDemand,
    Stat,
    Status,
    Tone,
    respond,
)
from tierwise.web.segment_filter import all_segments, nothing_of
from tierwise.web.viewing import DeskRequest

_GROUP = gettext_lazy("Share")
KEYS = Keys("publications", (datetime, UUID))
add_places(
    Place("desk-publications", gettext_lazy("Publications"), "publish", Side.BUYER, 41, _GROUP),
    Place("desk-known", gettext_lazy("What a supplier knew"), "eye", Side.BUYER, 42, _GROUP),
)


def _list_grid(found: list[PublicationRecord], names: Names, empty: str | Empty, at: datetime | None = None) -> Grid:
    columns = [
        Column("title", _("Publication"), Kind.LINK, href="href", card=True),
        Column("supplier", _("Supplier"), card=True),
        Column("segment", _("Segment"), Kind.SEGMENT, card=True),
        Column("state", _("State"), Kind.STATUS, statuses=wording.states(), card=True),
        Column("kind", _("Kind")),
        Column("period_start", _("Period from"), Kind.DATE),
        Column("period_end", _("to"), Kind.DATE),
        Column("published_at", _("Published"), Kind.INSTANT, card=True),
        Column("reply_due_at", _("Reply by"), Kind.INSTANT),
    ]
    rows = RowsOnDemand(found, partial(_list_rows, names, at))
    return Grid("publications", columns, rows, empty=empty, segments=names.chips)


def _list_rows(names: Names, at: datetime | None, found: Sequence[PublicationRecord]) -> list[dict[str, object]]:
    addresses = addresses_of("desk-publication", [record.id for record in found])
    return [
        {
            "title": f"{record.number} {record.title}", "href": address, "supplier": names.company(record.supplier),
            "segment": names.segment(record.segment).code, "kind": str(wording.KINDS[record.kind]),
            "state": wording.state_of(record, at).label, "period_start": record.period_start,
            "period_end": record.period_end, "published_at": record.published_at, "reply_due_at": record.reply_due_at,
        }
        for record, address in zip(found, addresses, strict=True)
    ]  # fmt: skip


def _newest(request: DeskRequest, asked: PublicationQuestion) -> tuple[list[PublicationRecord], Onward]:
    read = partial(queries.publications_page, request.viewer, asked)
    return rows_onward(request, KEYS, read, lambda one: (one.published_at, one.id))


def publications(request: DeskRequest) -> HttpResponse:
    names = desk_names(request.viewer)
    segment, supplier = names.chosen(request), chosen_id(request, "supplier")
    asked = PublicationQuestion(supplier, segment, current=False)
    found, onward = _newest(request, asked)
    page = Page(
        _("Publications"),
        lead=_("Everything suppliers were shown. What was published is never changed, only replaced."),
        segments=names.filters(request), all_segments=all_segments(request),
    )  # fmt: skip
    text = _("The next publication run sends what the agreements in force share; every version stands here for ever.")
    agreements = Action(_("See the agreements"), reverse("desk-agreements"))
    none = Empty(_("Nothing was published yet"), text, agreements)
    empty = nothing_of(request, names.segment(segment) if segment else None, none)
    return respond(request, "web/grid.html", {"page": page, "grid": _list_grid(found, names, empty), "onward": onward})


def publication(request: DeskRequest, publication_id: UUID) -> HttpResponse:
    viewer = request.viewer
    record = queries.publication(viewer, publication_id)
    names = desk_names(viewer)
    charts: list[Chart] = []
    grids: list[Grid] = []
    stats: list[Stat] = []
    reasons: Grid | None = None
    if wording.has_series(record):
        cells = queries.compared_series(viewer, record)
        chart = wording.series_chart(cells)
        charts += [chart] if chart else []
        grids.append(wording.series_grid(cells))
        reasons = _reasons_grid(cells)
    else:
        measures = queries.measures(viewer, record.id)
        stats = wording.measure_stats(measures)
        grids.append(wording.measures_grid(measures))
        if "scorecard_lines" in record.content:
            door = None if record.superseded else sheet_door(viewer, "scorecard-lines", str(record.id))
            grids.append(replace(wording.lines_grid(queries.lines(viewer, record.id)), door=door))
    revisions = queries.revisions(viewer, record)
    page = Page(
        record.title,
        (Crumb(_("Publications"), reverse("desk-publications")), Crumb(names.company(record.supplier))),
        status=wording.state_of(record), segment=names.segment(record.segment),
        actions=(_knew_then(record),),
    )  # fmt: skip
    return respond(
        request, "publish/desk_publication.html",
        {
            "page": page, "stats": stats, "charts": charts, "grids": grids,
            "facts": [Fact(_("Supplier"), names.company(record.supplier)), *wording.facts(record)],
            "timeline": wording.revision_timeline(
                revisions, [reverse("desk-publication", args=[r.id]) for r in revisions],
                (directory.host(viewer).name, names.company(record.supplier)), at_desk=True,
            ),
            "internal_facts": _basis_facts(request, record), "reasons": reasons,
        },
    )  # fmt: skip


def _knew_then(record: PublicationRecord) -> Action:
    day = record.published_at.date().isoformat()
    return Action(_("What the supplier knew that day"), f"{reverse('desk-known')}?supplier={record.supplier}&on={day}")


def _basis_facts(request: DeskRequest, record: PublicationRecord) -> list[Fact]:
    """The internal part: digest, facts and rules."""
    holds = queries.verify_digest(request.viewer, record.id)
    verdict = Status(_("Unchanged since published"), Tone.GOOD) if holds else Status(_("Changed!"), Tone.BAD)
    found = [Fact(_("Digest"), verdict, note=record.digest)]
    basis = queries.basis(request.viewer, record.id)
    if basis is not None:
        found += [Fact(_("State of the facts"), str(basis.manifest)), Fact(_("Fingerprint"), basis.fingerprint[:16])]
        found += [Fact(_("Rule: %(name)s") % {"name": name}, _plain(value)) for name, value in _each(basis.rules)]
    return found


def _each(rules: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Rules one by one, those of a group too: "policy, least n"."""
    for name, value in rules.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}, {inner}", deep) for inner, deep in _each(value))
        else:
            yield name.replace("_", " "), value


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _reasons_grid(cells: pl.DataFrame) -> Grid | None:
    hidden = cells.filter(pl.col("reason").is_not_null())
    if hidden.is_empty():
        return None
    columns = [
        Column("item", _("Item"), Kind.CODE, card=True),
        Column("region", _("Region")),
        Column("bucket_start", _("From"), Kind.DATE, card=True),
        Column("reason", _("Reason"), card=True),
        Column("numbers", _("Numbers"), card=True),
    ]
    plain = hidden.with_columns(pl.col("reason").str.replace_all("_", " "))
    return Grid("held-back", columns, plain, label=_("Why cells are held back"), height="16rem")


class KnownForm(forms.Form):
    supplier = forms.ChoiceField(label=gettext_lazy("Supplier"))
    on = forms.DateField(
        label=gettext_lazy("At the end of"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


def known(request: DeskRequest) -> HttpResponse:
    """What did this supplier know at the end of that day?"""
    names = desk_names(request.viewer)
    asked = KnownForm({"supplier": request.GET.get("supplier", ""), "on": request.GET.get("on") or today()})
    offer_choice(asked, "supplier", names.companies, _("Choose a supplier"))
    page = Page(
        _("What a supplier knew"),
        lead=_("Everything published to one supplier by the end of a day, and which of it was current then."),
    )
    # Before a supplier is chosen nothing is wrong yet.
    filters = asked if request.GET else KnownForm(initial={"on": today()})
    if filters is not asked:
        offer_choice(filters, "supplier", names.companies, _("Choose a supplier"))
    context: dict[str, object] = {"page": page, "filters": filters}
    if asked.is_valid():
        context |= _known(request, names, UUID(asked.cleaned_data["supplier"]), asked.cleaned_data["on"])
    else:
        context["empty"] = _nothing_chosen(bool(names.companies))
    return respond(request, "publish/desk_known.html", context)


def _nothing_chosen(any_supplier: bool) -> Empty:
    text = _("Its publications as of that day appear here.")
    if any_supplier:
        return Empty(_("Choose a supplier and a day"), text)
    text = _("There is none yet. Once something was published to one, this page says what it knew on any day.")
    return Empty(_("No supplier to choose"), text, Action(_("See the suppliers"), reverse("desk-suppliers")))


def _known(request: DeskRequest, names: Names, supplier: UUID, on: date) -> dict[str, object]:
    end = datetime.combine(on + timedelta(days=1), time.min, UTC) - timedelta(microseconds=1)
    found = queries.known_at(request.viewer, supplier, end)
    stats = [
        Stat(_("Publications received by then"), len(found.publications)),
        Stat(_("Current then"), len(found.current)),
        Stat(_("Unanswered then"), sum(p.reply is None and p.reply_due_at is not None for p in found.current)),
    ]
    empty = _("Nothing had been published to this supplier by the end of that day.")
    return {"stats": stats, "grid": _list_grid(list(found.publications), names, empty, end)}


def _of_supplier(request: HttpRequest, supplier: UUID) -> dict[str, object]:
    """The supplier's publications, for its record."""
    asked = cast(DeskRequest, request)
    names, empty = desk_names(asked.viewer), _("Nothing was published to this supplier yet.")
    found, onward = _newest(asked, PublicationQuestion(supplier, current=False))
    return {"tab_grid": _list_grid(found, names, empty), "onward": onward}


register_supplier_fragment(
    Fragment("publications", gettext_lazy("Publications"), 41, "agree/supplier_tab.html", _of_supplier)
)

urlpatterns = [
    path("publications/", publications, name="desk-publications"),
    path("publications/<uuid:publication_id>/", publication, name="desk-publication"),
    path("known/", known, name="desk-known"),
]
