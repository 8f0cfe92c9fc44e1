"""A new supplier: its name and the address of one person are enough; it says the rest itself."""

from __future__ import annotations

from functools import partial

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.directory.inviting import SentInvitation, mail_invitation
from tierwise.directory.onboarding import NewSupplier, invite_supplier
from tierwise.kernel.audit import NotAllowed, Refused
from tierwise.kernel.viewer import Role
from tierwise.web.pages import Crumb, Page, respond
from tierwise.web.viewing import DeskRequest

INVITERS = frozenset({Role.ADMINISTRATOR, Role.CATEGORY_MANAGER})


class NewSupplierForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Company"), max_length=300)
    contact = forms.CharField(label=gettext_lazy("Person"), max_length=120)
    email = forms.EmailField(
        label=gettext_lazy("E-mail"), help_text=gettext_lazy("This person administers the company's access.")
    )
    about = forms.CharField(
        label=gettext_lazy("What it is about"), required=False, max_length=600,
        widget=forms.Textarea(attrs={"rows": 3}), help_text=gettext_lazy("The supplier reads it in the invitation."),
    )  # fmt: skip
    code = forms.CharField(
        label=gettext_lazy("Supplier number"), required=False, max_length=240,
        help_text=gettext_lazy("As in the ERP. Without one, it gets a number here until you know it."),
    )  # fmt: skip


def invite_new(request: DeskRequest) -> HttpResponse:
    """The form; an invitation posted here is answered with its link, shown this once."""
    viewer = request.viewer
    if viewer.role not in INVITERS:
        raise NotAllowed("role", _("Administrators and category managers invite suppliers."))
    form = NewSupplierForm(request.POST if request.method == "POST" else None)
    sent, company = None, None
    if request.method == "POST" and form.is_valid():
        given = {key: form.cleaned_data[key] for key in ("name", "email", "contact", "about", "code")}
        try:
            with transaction.atomic(using=viewer.alias):
                made = invite_supplier(viewer, NewSupplier(**given))
        except Refused as refused:
            form.add_error(_field(refused), refused.message)
        else:
            link = request.build_absolute_uri(reverse("invitation", args=[made.invited.token]))
            sent = SentInvitation(given["contact"].strip(), given["email"].strip().lower(), link)
            transaction.on_commit(partial(mail_invitation, sent), using=viewer.alias, robust=True)
            company, form = made.company, NewSupplierForm()
    page = Page(_("Invite a supplier"), (Crumb(_("Suppliers"), reverse("desk-suppliers")),))
    response = respond(request, "directory/new_supplier.html", {
        "page": page, "form": form, "sent": sent, "submit": _("Invite: mail the link"), "company": company,
    }, status=422 if form.errors else 200)  # fmt: skip
    response["Cache-Control"] = "no-store"
    return response


def _field(refused: Refused) -> str | None:
    """The form calls the person's name by another word than the action that lets him in."""
    field = refused.parameters.get("field")
    if refused.code == "name" and refused.parameters.get("action") == "invite_person":
        return "contact"
    return field if field in NewSupplierForm.base_fields else None
