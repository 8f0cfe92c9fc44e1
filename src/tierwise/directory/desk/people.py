"""People: one's own company's, and those of suppliers, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tierwise.directory import queries
from tierwise.directory.actions import change_role, set_person_active
from tierwise.directory.confirming import due_reviews, review_page
from tierwise.directory.inviting import InvitationForm, SentInvitation, invite, people_shown, tend_sign_in
from tierwise.directory.listing import people_like
from tierwise.directory.wording import role_choices
from tierwise.doors.showing import sheet_door
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.due import Due
from tierwise.web.pages import Action, Crumb, Page, respond
from tierwise.web.viewing import DeskRequest


def own_company(request: DeskRequest) -> HttpResponse:
    """The people of the buying company; an invitation posted here is answered with its link, shown this once."""
    viewer = _administrator(request.viewer)
    form = InvitationForm(request.POST if request.method == "POST" else None, supplier=False)
    sent = invite(request, viewer, viewer.company, form) if request.method == "POST" else None
    return _page(request, viewer.company, form, sent)


def invite_to_supplier(request: DeskRequest, supplier: UUID) -> HttpResponse:
    """The people of a supplier, with the form to invite another."""
    viewer = _administrator(request.viewer)
    if supplier == viewer.company:
        return redirect("desk-people")
    if queries.company(viewer, supplier) is None:
        raise NotFound("supplier", _("There is no such supplier."))
    form = InvitationForm(request.POST if request.method == "POST" else None, supplier=True)
    sent = invite(request, viewer, supplier, form) if request.method == "POST" else None
    return _page(request, supplier, form, sent)


def _page(request: DeskRequest, company: UUID, form: InvitationForm, sent: SentInvitation | None) -> HttpResponse:
    viewer, own = request.viewer, company == request.viewer.company
    if sent is not None:
        form = InvitationForm(supplier=not own)
    if own:
        confirm = Action(_("Confirm who may enter"), reverse("desk-review-people"))
        page = Page(_("People"), (Crumb(_("Administration")),), actions=(confirm,), door=sheet_door(viewer, "people"))
        here = reverse("desk-people")
    else:
        found = queries.company(viewer, company)
        name = found.name if found else ""
        crumbs = (
            Crumb(_("Suppliers"), reverse("desk-suppliers")),
            Crumb(name, reverse("desk-supplier", args=[company])),
        )
        page = Page(_("People"), crumbs, door=sheet_door(viewer, "people", str(company)))
        here = reverse("desk-supplier-people", args=[company])
    response = respond(request, "directory/people.html", {
        "page": page, **people_shown(request, viewer, partial(people_like, viewer, company)), "administers": True,
        "roles": role_choices(supplier=not own), "invitation": form, "invite_href": here, "sent": sent,
        "people_next": "" if own else company,
    }, status=422 if form.errors else 200)  # fmt: skip
    response["Cache-Control"] = "no-store"
    return response


def _administrator(viewer: Viewer) -> Viewer:
    if viewer.role is not Role.ADMINISTRATOR:
        raise NotAllowed("role", _("Only administrators see and change who may enter."))
    return viewer


@require_POST
def set_active(request: DeskRequest, person: UUID) -> HttpResponse:
    active = request.POST.get("active") == "yes"
    set_person_active(request.viewer, person, active)
    messages.success(request, _("Let in again.") if active else _("Shut out, at once and in every open window."))
    return _back(request)


@require_POST
def set_role(request: DeskRequest, person: UUID) -> HttpResponse:
    try:
        role = Role(request.POST.get("role", ""))
    except ValueError:
        raise Invalid("role", _("Choose a role."), field="role") from None
    change_role(request.viewer, person, role)
    messages.success(request, _("The role counts from the next page on."))
    return _back(request)


@require_POST
def tend(request: DeskRequest, person: UUID) -> HttpResponse:
    messages.success(request, tend_sign_in(request, request.viewer, person))
    return _back(request)


def review(request: DeskRequest) -> HttpResponse:
    return review_page(request, "desk-review-people", Crumb(_("People"), reverse("desk-people")))


def review_due(viewer: Viewer) -> Sequence[Due]:
    return due_reviews(viewer, "desk-review-people")


def _back(request: DeskRequest) -> HttpResponseRedirect:
    """To the list the form stood in: a supplier's when it names one, else one's own company's."""
    try:
        supplier = UUID(request.POST.get("next", ""))
    except ValueError:
        return redirect("desk-people")
    return redirect("desk-supplier-people", supplier=supplier)


def address(subject: str, company: UUID | None) -> str:
    """Where a recorded person stands: among his company's people."""
    del subject
    return reverse("desk-supplier-people", args=[company]) if company else ""
