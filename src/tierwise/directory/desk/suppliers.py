"""Suppliers: the list, the record with its tabs, and the effective policy of a lane."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import polars as pl
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tierwise.directory import queries
from tierwise.directory.desk.beginning import import_action
from tierwise.directory.desk.newcomers import INVITERS
from tierwise.directory.desk.supports import state_of
from tierwise.directory.inviting import PEOPLE_SHOWN, InvitationForm, person_rows
from tierwise.directory.listing import people_like
from tierwise.directory.ports import Fragment, fragments
from tierwise.directory.records import COMMON, CompanyRecord, SupportState, YearOfPurchases
from tierwise.directory.viewers import PREVIEWERS
from tierwise.directory.wording import INVOLVEMENT_WORDS, kind_word, role_choices
from tierwise.doors.showing import sheet_door
from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Viewer
from tierwise.web.addresses import addresses_of
from tierwise.web.due import due_for, next_due_by_supplier
from tierwise.web.pages import (
    Action,
    Column,
    Crumb,
    Empty,
    Fact,
    Grid,
    Kind,
    Link,
    Map,
    Page,
    Site,
    Status,
    Tab,
    Tone,
    respond,
)
from tierwise.web.segment_filter import all_segments, chosen_segment, nothing_of, segment_filters
from tierwise.web.viewing import DeskRequest

ACTIVE = {"true": Status("Active", Tone.GOOD), "false": Status("Switched off", Tone.PLAIN)}


def supplier_list(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    chips = queries.segment_chips(viewer)
    open_chips = [chips[s.id] for s in queries.segments(viewer)]
    chosen = chosen_segment(request, open_chips)
    year = queries.purchases(viewer)
    rows = _list_rows(viewer, year.by("supplier"))
    if chosen is not None:
        rows = [row for row in rows if chosen.code in str(row["segments"]).split(",")]
    columns = (
        Column("name", _("Supplier"), Kind.LINK, href="address", card=True),
        Column("code", _("Code"), Kind.CODE),
        Column("country", _("Country"), card=True),
        Column("lanes", _("Open lanes"), Kind.QUANTITY, total=True),
        Column(
            "spend", _("Purchases, 12 months"), Kind.MONEY, unit=year.currency, decimals=0, total=True, card=True,
            note=_("Ordered from %(since)s to %(until)s, each line as last revised, at the rate of its day")
            % {"since": year.since, "until": year.until},
        ),
        Column("segments", _("Segments"), Kind.SEGMENT, card=True, width=330, note=_("Confirmed and proposed")),
        Column("people", _("People"), Kind.QUANTITY),
        Column("next_due", _("Next due"), Kind.DATE, card=True),
        Column("parent", _("Owned by")),
        Column("active", _("State"), Kind.STATUS, statuses=ACTIVE),
    )  # fmt: skip
    grid = Grid(
        "suppliers", columns, rows, segments=tuple(chips.values()), label=_("Suppliers"),
        empty=nothing_of(request, chosen, _no_supplier(viewer)),
    )  # fmt: skip
    page = Page(
        _("Suppliers"), (Crumb(_("Directory")),), segments=segment_filters(request, open_chips),
        all_segments=all_segments(request), as_of=_("Purchases to %(day)s") % {"day": year.until},
        lead=unpriced(year), door=sheet_door(viewer, "supports"), action=_invite_action(viewer),
    )  # fmt: skip
    return respond(request, "web/grid.html", {"page": page, "grid": grid})


def _no_supplier(viewer: Viewer) -> Empty:
    text = _(
        "Here stand your suppliers with their lanes, purchases and segments. They come with the table supplier of an "
        "extract; who is not in your ERP yet can be invited."
    )
    return Empty(_("No supplier yet"), text, import_action(viewer))


def _invite_action(viewer: Viewer) -> Action | None:
    invites = viewer.role in INVITERS
    return Action(_("Invite a supplier"), reverse("desk-supplier-new")) if invites else None


def unpriced(year: YearOfPurchases) -> str:
    """What the sums leave out, where they leave out anything."""
    if not year.unpriced:
        return ""
    text = ngettext(
        "%d line has no amount or no exchange rate and is not in the sums.",
        "%d lines have no amount or no exchange rate and are not in the sums.", year.unpriced,
    )  # fmt: skip
    return text % year.unpriced


def _list_rows(viewer: Viewer, spend: dict[str, float]) -> list[dict[str, Any]]:
    companies = queries.suppliers(viewer)
    names = {company.code: company.name for company in companies}
    chips = queries.segment_chips(viewer)
    served: dict[UUID, list[str]] = {}
    for support in queries.supports(viewer):
        code = chips[support.segment].code
        # Everybody serves the common segment; naming it tells something only where there is no other.
        if code != COMMON:
            served.setdefault(support.supplier, []).append(code)
    lanes = dict(queries.lanes(viewer, today()).group_by("supplier").len().iter_rows())
    people, due = queries.people_counts(viewer), next_due_by_supplier(due_for(viewer))
    addresses = addresses_of("desk-supplier", [one.id for one in companies])
    return [
        {
            "name": one.name, "address": address, "code": one.code,
            "country": one.country, "parent": names.get(one.parent_code, one.parent_code),
            "segments": ",".join(served.get(one.id, [COMMON])), "lanes": lanes.get(one.code, 0),
            "spend": round(spend.get(one.code) or 0.0), "people": people.get(one.id, 0), "next_due": due.get(one.id),
            "active": str(one.active).lower(),
        }
        for one, address in zip(companies, addresses, strict=True)
    ]  # fmt: skip


def record(request: DeskRequest, supplier: UUID, tab: str = "") -> HttpResponse:
    viewer = request.viewer
    company = queries.company(viewer, supplier)
    if company is None or supplier == viewer.company:
        raise NotFound("supplier", _("There is no such supplier."))
    chosen = next((one for one in fragments("supplier") if one.key == tab), None)
    if tab and chosen is None:
        raise NotFound("tab", _("There is no such part of this record."))
    status = Status(_("Active"), Tone.GOOD) if company.active else Status(_("Switched off"))
    page = Page(
        company.name, (Crumb(_("Directory")), Crumb(_("Suppliers"), reverse("desk-suppliers"))), status=status,
        tabs=_tabs(viewer, company.id, tab), door=None if tab else sheet_door(viewer, "supports", str(company.id)),
    )  # fmt: skip
    if chosen is not None:
        context = dict(chosen.context(request, supplier))
        return respond(request, "directory/fragment.html", {"page": page, "fragment": chosen.template, **context})
    return respond(request, "directory/supplier.html", {"page": page, **_overview(viewer, company)})


def _tabs(viewer: Viewer, supplier: UUID, active: str) -> tuple[Tab, ...]:
    found: list[Fragment] = fragments("supplier")
    if not found:
        return ()
    overview = Tab(_("Overview"), reverse("desk-supplier", args=[supplier]), not active)
    return (
        overview,
        *(
            Tab(
                str(one.label), reverse("desk-supplier-tab", args=[supplier, one.key]), one.key == active,
                one.count(viewer, supplier) if one.count else None,
            )
            for one in found
        ),
    )  # fmt: skip


def _overview(viewer: Viewer, company: CompanyRecord) -> dict[str, object]:
    lanes = _lanes(viewer, company)
    sites = queries.sites(viewer)
    edits, administers = viewer.role in BUYER_EDITORS, viewer.role is Role.ADMINISTRATOR
    chips = queries.segment_chips(viewer)
    supports = [
        {"record": one, "chip": chips[one.segment], "state": state_of(one),
         "involvement": INVOLVEMENT_WORDS[one.involvement], "proposed": one.state is SupportState.PROPOSED}
        for one in queries.supports(viewer, supplier=company.id)
    ]  # fmt: skip
    people, found, _everybody = people_like(viewer, company.id, "", PEOPLE_SHOWN)
    return {
        "company": company, "facts": _facts(viewer, company), "map": _map(company, lanes, sites),
        "grids": [lane_grid(lanes, sites, queries.items(viewer), _covered(viewer, company))],
        "supports": supports, "involvements": list(INVOLVEMENT_WORDS.items()), "edits": edits,
        "people": person_rows(viewer, people), "people_more": found > len(people), "administers": administers,
        "roles": role_choices(supplier=True), "today": today(),
        "invitation": InvitationForm(supplier=True) if administers else None,
        "invite_href": reverse("desk-supplier-people", args=[company.id]), "people_next": company.id,
        "family": _family(viewer, company), "previews": company.active and may_preview(viewer),
    }  # fmt: skip


def _facts(viewer: Viewer, company: CompanyRecord) -> list[Fact]:
    year = queries.purchases(viewer)
    spend = year.by("supplier").get(company.code) or 0.0
    period = _("%(since)s to %(until)s") % {"since": year.since, "until": year.until}
    facts = [
        Fact(_("Code"), company.code),
        Fact(_("Kind"), kind_word(company.kind)),
        Fact(_("Country"), company.country),
        Fact(_("Invoices in"), company.currency),
        Fact(_("Purchases in twelve months"), queries.as_money(spend, year.currency), period),
        Fact(_("D-U-N-S"), company.duns),
        Fact(_("LEI"), company.lei),
    ]
    return [fact for fact in facts if fact.value]


def _family(viewer: Viewer, company: CompanyRecord) -> list[CompanyRecord]:
    """Companies of the same owner, the owner included."""
    head = company.parent_code or company.code
    return [one for one in queries.companies_of_owner(viewer, head) if one.id != company.id]


def _lanes(viewer: Viewer, company: CompanyRecord) -> pl.DataFrame:
    """Lanes on which the company is any of the parties."""
    code = company.code
    parties = [pl.col(name) == code for name in ("supplier", "contract_parent", "manufacturer", "payee")]
    return queries.lanes(viewer, today()).filter(pl.any_horizontal(parties))


def _covered(viewer: Viewer, company: CompanyRecord) -> set[str]:
    return {str(policy["lane"]) for policy in queries.lane_policies(viewer, company.id)}


def lane_grid(lanes: pl.DataFrame, sites: pl.DataFrame, items: pl.DataFrame, covered: set[str]) -> Grid:
    """Lanes with their parties, terms, and the policy that counts on them."""
    places = dict(sites.select("site", "name").iter_rows())
    names = dict(items.select("item", "name").iter_rows())
    rows = [
        {
            **row, "item_name": names.get(row["item"], row["item"]),
            "item_href": reverse("desk-item", args=[row["item"]]),
            "from_name": places.get(row["ship_from"], row["ship_from"]),
            "to_name": places.get(row["ship_to"], row["ship_to"]),
            "policy": _("Show") if row["lane"] in covered else "",
            "policy_href": reverse("desk-lane-policy", args=[row["lane"]]) if row["lane"] in covered else "",
        }
        for row in lanes.sort("item", "lane").iter_rows(named=True)
    ]  # fmt: skip
    columns = (
        Column("item_name", _("Item"), Kind.LINK, href="item_href", card=True),
        Column("lane", _("Lane"), Kind.CODE, card=True),
        Column("policy", _("Policy"), href="policy_href", card=True),
        Column("supplier", _("Order-taking vendor"), Kind.CODE),
        Column("contract_parent", _("Contract parent"), Kind.CODE),
        Column("manufacturer", _("Manufacturer"), Kind.CODE),
        Column("payee", _("Payee"), Kind.CODE),
        Column("from_name", _("Ships from")),
        Column("to_name", _("Ships to"), card=True),
        Column("incoterm", _("Incoterm"), Kind.CODE),
        Column("lead_time_days", _("Lead time"), Kind.QUANTITY, unit=_("days"), card=True),
        Column("price", _("Price"), Kind.MONEY, unit_field="currency"),
        Column("minimum_order", _("Minimum order"), Kind.QUANTITY),
        Column("share", _("Share of the item"), Kind.RATIO, decimals=0),
        Column("valid_from", _("From"), Kind.DATE),
        Column("valid_to", _("To"), Kind.DATE),
    )
    return Grid("lanes", columns, rows, label=_("Lanes"), empty=_("No lane is open today."))


def _map(company: CompanyRecord, lanes: pl.DataFrame, sites: pl.DataFrame) -> Map:
    """The company's sites, ours that it ships to, and how many lanes run between them."""
    touched = set(lanes["ship_from"].to_list()) | set(lanes["ship_to"].to_list())
    placed = sites.filter(
        (pl.col("supplier") == company.code) | pl.col("site").is_in(list(touched)),
        pl.col("latitude").is_not_null(), pl.col("longitude").is_not_null(),
    )  # fmt: skip
    points = [
        Site(
            row["site"], row["name"], row["latitude"], row["longitude"], _site_kind(row),
            note=", ".join(part for part in (row["city"], row["country"]) if part),
        )
        for row in placed.iter_rows(named=True)
    ]  # fmt: skip
    known = {point.key for point in points}
    pairs = lanes.group_by("ship_from", "ship_to").len().sort("ship_from", "ship_to")
    links = [
        Link(start, end, _("%(n)d lanes") % {"n": count}, float(count))
        for start, end, count in pairs.iter_rows()
        if start in known and end in known and start != end
    ]
    return Map(_("Sites and lanes"), points, links, height=340, empty=_("No site of this supplier has a position."))


def _site_kind(row: dict[str, Any]) -> str:
    if row["supplier"]:
        return "supplier"
    return "warehouse" if row["kind"] in {"warehouse", "third_party"} else "own"


def lane_policy(request: DeskRequest, lane: str) -> HttpResponse:
    """The one policy of a lane that serves several segments, field by field, with where each value comes from."""
    viewer = request.viewer
    found = next((one for one in queries.lane_policies(viewer) if one["lane"] == lane), None)
    if found is None:
        raise NotFound("lane", _("This lane has no policy: no segment's demand reaches it."))
    rows = [
        {"facet": name.split(".")[0].replace("_", " "), "field": name.split(".")[-1].replace("_", " "),
         "value": _setting(value), "why": str(found["explanation"].get(name, ""))}
        for name, value in sorted(found["values"].items())
    ]  # fmt: skip
    columns = (
        Column("field", _("Field"), card=True),
        Column("facet", _("Facet")),
        Column("value", _("Value"), card=True),
        Column("why", _("Where it comes from"), card=True, width=640),
    )
    company = queries.company(viewer, found["supplier_id"])
    address = reverse("desk-supplier", args=[company.id]) if company else ""
    crumbs = (
        Crumb(_("Suppliers"), reverse("desk-suppliers")), Crumb(company.name if company else "", address),
    )  # fmt: skip
    facts = [
        Fact(_("Supplier"), company.name if company else "", href=address), Fact(_("Computed"), found["computed_at"]),
        Fact(_("Scheme version"), found["scheme_version"]),
    ]  # fmt: skip
    context = {
        "page": Page(_("Policy of lane %(lane)s") % {"lane": lane}, crumbs),
        "explained": Fact("", _("%(n)d settings") % {"n": len(rows)}),
        "formula": _(
            "One lane serves several segments, so each setting combines theirs: the strictest, the average by share, "
            "or that of the leading segment, as the setting declares."
        ),
        "facts": facts, "grids": [Grid("policy", columns, rows, label=_("Settings"))],
    }  # fmt: skip
    return respond(request, "web/explain.html", context)


def _setting(value: object) -> str:
    """A combined value without the digits that an average leaves behind."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def may_preview(viewer: Viewer) -> bool:
    return viewer.role in PREVIEWERS


def own_address(subject: str, supplier: UUID | None) -> str:
    """Where a recorded supplier stands."""
    del supplier
    return reverse("desk-supplier", args=[subject])


def address(subject: str, supplier: UUID | None) -> str:
    """Where a recorded support stands: on its supplier's page."""
    del subject
    return reverse("desk-supplier", args=[supplier]) + "#segments" if supplier else ""
