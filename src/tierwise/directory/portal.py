"""Suppliers' pages of the directory: what is due, one's own company and people, one's own account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.directory import shared
from tierwise.directory.access import access_page
from tierwise.directory.actions import change_role, choose_language, revoke_token, set_person_active
from tierwise.directory.confirming import due_reviews, review_page
from tierwise.directory.inviting import InvitationForm, invite, people_shown, tend_sign_in
from tierwise.directory.newcomer import AcceptForm, first_steps
from tierwise.directory.onboarding import complete_onboarding, my_onboarding, terms
from tierwise.directory.privacy import export_own, glasses, note_glass
from tierwise.directory.telling import in_words
from tierwise.directory.wording import kind_word, role_choices
from tierwise.doors.showing import sheet_door
from tierwise.kernel.audit import Invalid, NotAllowed
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Role, Side, Viewer
from tierwise.web import formats, navigation
from tierwise.web.due import Due, add_due_sources, coming_for, due_for, worklist
from tierwise.web.navigation import Place
from tierwise.web.onward import part_of
from tierwise.web.pages import Action, Crumb, Empty, Fact, Page, WorklistRow, respond
from tierwise.web.segment_filter import all_segments, chosen_segment, segment_filters
from tierwise.web.viewing import DeskRequest

LONGEST = 100

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
    if not chips and (onboarding := my_onboarding(viewer)):
        text = first_steps(onboarding.host_name)
    page = Page(
        _("What is due"), segments=segment_filters(request, chips), all_segments=all_segments(request),
    )  # fmt: skip
    shown, onward = part_of(request, rows, LONGEST)
    context = {
        "page": page, "rows": shown, "onward": onward, "panel": panel, "coming": coming,
        "news": in_words(shared.my_news(viewer), at_desk=False), "empty": Empty(_("Nothing is due"), text),
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
        Fact(_("Kind"), kind_word(mine.kind)),
        Fact(_("Country"), mine.country),
        Fact(_("Invoices in"), mine.currency),
        Fact(_("D-U-N-S"), mine.duns),
        Fact(_("LEI"), mine.lei),
    ]
    looks = glasses(viewer, viewer.company)
    actions = (Action(_("Confirm who may enter"), reverse("portal-review-people")),) if administers else ()
    response = respond(request, "directory/company.html", {
        "page": Page(mine.name, actions=actions, door=sheet_door(viewer, "people")),
        "facts": [fact for fact in facts if fact.value], "supports": supports, "sent": sent,
        **people_shown(request, viewer, partial(shared.my_people_like, viewer)),
        "administers": administers, "portal": True,
        "history": [{"record": one, "name": _("An administrator of your customer")} for one in looks],
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


@require_POST
def set_language(request: DeskRequest) -> HttpResponse:
    """Kept with the person, and in a cookie, so that the sign-in page speaks it too."""
    language = request.POST.get("language", "")
    choose_language(request.viewer, language)
    back = request.POST.get("next", "")
    response = redirect(back if url_has_allowed_host_and_scheme(back, None) else "portal-home")
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 24 * 3600, samesite="Lax", secure=request.is_secure()
    )  # fmt: skip
    return response


@require_POST
def tend(request: DeskRequest, person: UUID) -> HttpResponse:
    messages.success(request, tend_sign_in(request, request.viewer, person))
    return redirect("portal-company")


def review(request: DeskRequest) -> HttpResponse:
    return review_page(request, "portal-review-people", Crumb(_("Company and people"), reverse("portal-company")))


def welcome(request: DeskRequest) -> HttpResponse:
    """The first page of a supplier that was invited: terms, and what it is called and where it is."""
    viewer, asked = request.viewer, my_onboarding(request.viewer)
    if asked is None or not asked.open:
        return redirect("portal-home")
    if viewer.role is not Role.SUPPLIER_ADMINISTRATOR:
        raise NotAllowed("terms", _("An administrator of your company has to accept the terms first."))
    said, mine = terms(), shared.my_company(viewer)
    form = AcceptForm(
        request.POST if request.method == "POST" else None,
        initial={"name": mine.name, "country": mine.country, "terms": said.digest},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        complete_onboarding(viewer, given["name"], given["country"], given["terms"])
        messages.success(request, _("Welcome. That was all."))
        return redirect("portal-home")
    return respond(request, "directory/welcome.html", {
        "page": Page(_("Welcome"), lead=first_steps(asked.host_name)), "form": form, "terms": said.text, "asked": asked,
        "submit": _("Accept and begin"),
    }, status=422 if form.errors else 200)  # fmt: skip


@require_POST
def take_away(request: DeskRequest) -> HttpResponseBase:
    """Everything that is the supplier's own, as one file."""
    package = export_own(request.viewer)
    name = f"tierwise-{shared.my_company(request.viewer).code}-{today().isoformat()}.zip"
    response = FileResponse(package, as_attachment=True, filename=name, content_type="application/zip")
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def glass_read(request: DeskRequest, glass: UUID) -> HttpResponse:
    note_glass(request.viewer, glass)
    return redirect("portal-company")


def review_due(viewer: Viewer) -> Sequence[Due]:
    return due_reviews(viewer, "portal-review-people")


def glass_due(viewer: Viewer) -> Sequence[Due]:
    """Looks of the buyer into what is private, until somebody has noted them."""
    if viewer.role is not Role.SUPPLIER_ADMINISTRATOR:
        return []
    unread = [one for one in glasses(viewer, viewer.company) if one.seen_at is None]
    what = _("Your customer opened what your company keeps to itself")
    here = reverse("portal-company") + "#glass"
    return [
        Due(WorklistRow(what, here, one.reason, due=one.opened_at, late=True), key=f"glass-{one.id}") for one in unread
    ]


add_due_sources(Side.SUPPLIER, review_due, glass_due)

urlpatterns = [
    path("welcome", welcome, name="portal-welcome"),
    path("company/review", review, name="portal-review-people"),
    path("company/take-away", take_away, name="portal-take-away"),
    path("company/glass/<uuid:glass>", glass_read, name="portal-glass"),
    path("company/people/<uuid:person>/tend", tend, name="portal-person-tend"),
    path("language", set_language, name="portal-language"),
    path("", home, name="portal-home"),
    path("company/", company, name="portal-company"),
    path("api-access/", access, name="portal-access"),
    path("api-access/<uuid:token>/revoke", revoke_access, name="portal-access-revoke"),
    path("company/people/<uuid:person>/active", set_active, name="portal-person-active"),
    path("company/people/<uuid:person>/role", set_role, name="portal-person-role"),
]
