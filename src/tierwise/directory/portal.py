"""Suppliers' pages of the directory: what is due, one's own company and people, one's own account."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.directory import shared
from tierwise.directory.access import access_page
from tierwise.directory.actions import change_role, revoke_token, set_person_active
from tierwise.directory.inviting import InvitationForm, invite, person_rows, role_choices
from tierwise.doors.showing import sheet_door
from tierwise.kernel.audit import Invalid, NotAllowed
from tierwise.kernel.viewer import Role, Side
from tierwise.web import formats, navigation
from tierwise.web.due import coming_for, due_for, worklist
from tierwise.web.navigation import Place
from tierwise.web.pages import Empty, Fact, Page, respond
from tierwise.web.segment_filter import all_segments, chosen_segment, segment_filters
from tierwise.web.viewing import DeskRequest

navigation.add_places(
    Place("portal-home", gettext_lazy("What is due"), "home", Side.SUPPLIER, 0),
    Place(
        "portal-access",
        gettext_lazy("API access"),
        "exchange",
        Side.SUPPLIER,
        905,
        gettext_lazy("Company"),
        frozenset({Role.SUPPLIER_ADMINISTRATOR}),
    ),
    Place("portal-company", gettext_lazy("Company and people"), "people", Side.SUPPLIER, 900, gettext_lazy("Company")),
)
INVOLVEMENT = {
    "advisory": gettext_lazy("You advise"),
    "co_creation": gettext_lazy("You create together"),
    "execution": gettext_lazy("You carry out"),
}


def home(request: DeskRequest) -> HttpResponse:
    """What waits for this supplier's person, by clock and value."""
    viewer = request.viewer
    chips = list(shared.my_segment_chips(viewer).values())
    chosen = chosen_segment(request, chips)
    rows, panel = worklist(due_for(viewer), request.GET.get("open", ""))
    rows = [row for row in rows if chosen is None or chosen.code in {chip.code for chip in row.segments}]
    coming = coming_for(viewer)
    text = _("New work appears here as soon as your customer shares something that asks for an answer.")
    if coming:
        text = _("Next: %(what)s, %(when)s.") % {"what": coming[0].what, "when": _when(coming[0].at)}
    page = Page(
        _("What is due"), segments=segment_filters(request, chips), all_segments=all_segments(request),
    )  # fmt: skip
    context = {
        "page": page, "rows": rows, "panel": panel, "coming": coming, "empty": Empty(_("Nothing is due"), text),
    }  # fmt: skip
    return respond(request, "directory/home.html", context)


def _when(at: date | datetime) -> str:
    return localtime(at).strftime("%Y-%m-%d %H:%M") if isinstance(at, datetime) else formats.business_date(at)


def company(request: DeskRequest) -> HttpResponse:
    """Facts of the company, the segments it serves, its people; an invitation posted here shows its link this once."""
    viewer = request.viewer
    administers = viewer.role is Role.SUPPLIER_ADMINISTRATOR
    form = InvitationForm(request.POST if request.method == "POST" else None, supplier=True)
    sent = None
    if request.method == "POST":
        if not administers:
            raise NotAllowed("role", _("Only your company's administrators invite people."))
        sent = invite(request, viewer, viewer.company, form)
        form = InvitationForm(supplier=True) if sent else form
    mine, chips = shared.my_company(viewer), shared.my_segment_chips(viewer)
    supports = [
        {"chip": chips[one.segment], "involvement": INVOLVEMENT[one.involvement], "record": one}
        for one in shared.my_supports(viewer)
    ]
    facts = [
        Fact(_("Code at your customer"), mine.code),
        Fact(_("Kind"), mine.kind.replace("_", " ").capitalize()),
        Fact(_("Country"), mine.country),
        Fact(_("Invoices in"), mine.currency),
        Fact(_("D-U-N-S"), mine.duns),
        Fact(_("LEI"), mine.lei),
    ]
    response = respond(request, "directory/company.html", {
        "page": Page(mine.name, door=sheet_door(viewer, "people")),
        "facts": [fact for fact in facts if fact.value], "supports": supports, "sent": sent,
        "people": person_rows(viewer, shared.my_people(viewer)), "administers": administers, "portal": True,
        "roles": role_choices(supplier=True), "invitation": form if administers else None,
        "invite_href": reverse("portal-company"), "people_next": "",
    }, status=422 if form.errors else 200)  # fmt: skip
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def set_active(request: DeskRequest, person: UUID) -> HttpResponse:
    active = request.POST.get("active") == "yes"
    set_person_active(request.viewer, person, active)
    messages.success(request, _("Let in again.") if active else _("Shut out, at once and in every open window."))
    return redirect("portal-company")


@require_POST
def set_role(request: DeskRequest, person: UUID) -> HttpResponse:
    try:
        role = Role(request.POST.get("role", ""))
    except ValueError:
        raise Invalid("role", _("Choose a role."), field="role") from None
    change_role(request.viewer, person, role)
    messages.success(request, _("The role counts from the next page on."))
    return redirect("portal-company")


def access(request: DeskRequest) -> HttpResponse:
    """Tokens of the company's machines."""
    return access_page(request, Page(_("API access")), "portal-access", "portal-access-revoke")


@require_POST
def revoke_access(request: DeskRequest, token: UUID) -> HttpResponse:
    revoke_token(request.viewer, token)
    messages.success(request, _("Revoked. Its next request is refused."))
    return redirect("portal-access")


urlpatterns = [
    path("", home, name="portal-home"),
    path("company/", company, name="portal-company"),
    path("api-access/", access, name="portal-access"),
    path("api-access/<uuid:token>/revoke", revoke_access, name="portal-access-revoke"),
    path("company/people/<uuid:person>/active", set_active, name="portal-person-active"),
    path("company/people/<uuid:person>/role", set_role, name="portal-person-role"),
]
