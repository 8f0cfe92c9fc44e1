"""Letting people in, as both sides' pages do it: roles in words, the form, the link and the mail that carries it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

from django import forms
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.directory.actions import INVITATION_DAYS, end_sessions, invite_person, unlock_person
from tierwise.directory.erasing import erase_person
from tierwise.directory.lockout import locked
from tierwise.directory.records import PersonRecord
from tierwise.directory.wording import role_choices, role_word
from tierwise.kernel.audit import Invalid, Refused
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.refusals import in_words

ADMINISTERING = frozenset({Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})


class InvitationForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    email = forms.EmailField(label=gettext_lazy("E-mail"), help_text=gettext_lazy("The address to sign in with."))
    role = forms.ChoiceField(label=gettext_lazy("Role"))

    def __init__(self, data: object = None, *, supplier: bool) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        choices = role_choices(supplier)
        self.fields["role"] = forms.ChoiceField(
            label=gettext_lazy("Role"), choices=choices, initial=choices[-1][0]
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SentInvitation:
    """An invitation as the inviting person sees it, once."""

    name: str
    email: str
    link: str
    days: int = INVITATION_DAYS


def invite(request: HttpRequest, actor: Viewer, company: UUID, form: InvitationForm) -> SentInvitation | None:
    """Invites whom a form names and mails the link; None with the form's errors filled in."""
    if not form.is_valid():
        return None
    given = form.cleaned_data
    try:
        # A refusal rolls back to here, so that the page can still be shown in the same transaction.
        with transaction.atomic(using=actor.alias):
            wanted = Invitee(given["name"], given["email"], Role(given["role"]))
            return invite_by_mail(actor, company, wanted, request.build_absolute_uri("/"))
    except Refused as refused:
        form.add_error(refused.parameters.get("field"), in_words(refused))
        return None


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody to be let in."""

    name: str
    email: str
    role: Role


def invite_by_mail(actor: Viewer, company: UUID, wanted: Invitee, address: str) -> SentInvitation:
    """Invites somebody and mails the link once that is settled; ``address`` is where people open the pages."""
    made = invite_person(actor, company, wanted.name, wanted.email, wanted.role)
    link = urljoin(address, reverse("invitation", args=[made.token]))
    sent = SentInvitation(wanted.name.strip(), wanted.email.strip().lower(), link)
    transaction.on_commit(partial(mail_invitation, sent), using=actor.alias, robust=True)
    return sent


def mail_invitation(sent: SentInvitation) -> None:
    """Carries the link to whom it lets in."""
    subject = _("Your invitation to Tierwise")
    text = _(
        "Hello %(name)s,\n\nyou have been invited to Tierwise. Set up your sign-in here:\n%(link)s\n\n"
        "The link works once, within %(days)d days. If you do not expect it, do nothing.\n"
    )
    send_mail(subject, text % {"name": sent.name, "link": sent.link, "days": sent.days}, None, [sent.email])


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person on a page, with what the viewer may do about him."""

    record: PersonRecord
    role: str
    myself: bool
    locked: datetime | None = None

    @property
    def state(self) -> str:
        if self.record.erased:
            return "erased"
        if not self.record.active:
            return "out"
        return "joined" if self.record.joined else "invited"


PEOPLE_SHOWN = 100


def person_rows(viewer: Viewer, people: list[PersonRecord]) -> list[PersonRow]:
    """People by name, those shut out last."""
    # Who may end a lockout sees it; nobody else learns that somebody tried.
    tried = [one.email for one in people if one.active and one.joined] if viewer.role in ADMINISTERING else []
    waiting = locked(tried)
    rows = [PersonRow(one, role_word(one.role), one.id == viewer.person, waiting.get(one.email)) for one in people]
    return sorted(rows, key=lambda row: (not row.record.active, row.record.name.casefold()))


FoundPeople = tuple[list[PersonRecord], int, int]


def people_shown(request: HttpRequest, viewer: Viewer, find: Callable[[str, int], FoundPeople]) -> dict[str, Any]:
    """What the list of people shows: a page can hold a hundred of them with their forms; the others are searched.

    ``find`` reads those whose name or address holds words, at most so many, and counts them and everybody.
    """
    words = request.GET.get("find", "").strip()
    people, found, everybody = find(words, PEOPLE_SHOWN)
    return {
        "people": person_rows(viewer, people), "people_find": words, "people_found": found,
        "people_many": everybody > PEOPLE_SHOWN,
    }  # fmt: skip


def tend_sign_in(request: HttpRequest, actor: Viewer, person: UUID) -> str:
    """What both sides' lists of people do besides role and access; returns what to say about it."""
    match request.POST.get("what"):
        case "sign_out":
            end_sessions(actor, person)
            return _("Signed out everywhere. Signing in again is possible.")
        case "unlock":
            unlock_person(actor, person)
            return _("Unlocked; the next try counts.")
        case "erase":
            erase_person(actor, person, request.POST.get("reason", ""))
            return _("Erased. What was done stays, without a name.")
        case _:
            raise Invalid("what", _("Choose what to do."), field="what")
