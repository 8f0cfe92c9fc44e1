"""Ways in: nobody signs up by himself; who was invited chooses a password."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django import forms
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from tierwise.directory.models import Invitation, Person
from tierwise.directory.viewers import invitation_digest
from tierwise.kernel.clock import now
from tierwise.kernel.models import Account


class ClosedSignUp(DefaultAccountAdapter):
    """Accounts come from invitations alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        del request
        return False


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("Choose a password"), widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password)
        return password


def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link. A used, expired or unknown link says so, and nothing more."""
    digest = invitation_digest(token)
    waiting = Invitation.objects.using("default").filter(digest=digest, used_at=None, expires_at__gt=now()).first()
    person = Person.objects.using("default").filter(id=waiting.person_id, active=True).first() if waiting else None
    if waiting is None or person is None or _renewed(waiting):
        return render(request, "web/invitation_gone.html", status=404)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = _join(waiting, person, form.cleaned_data["password"])
        if account is not None:
            login(request, account, backend="allauth.account.auth_backends.AuthenticationBackend")
            return redirect("/")
        form.add_error(
            None, _("This address signs in for another company already. Ask to be invited under another address.")
        )
    context: dict[str, Any] = {"form": form, "person": person}
    return render(request, "web/invitation.html", context)


def _renewed(invitation: Invitation) -> bool:
    """Whether a newer invitation has taken this one's place. Ids rise with time."""
    later = Invitation.objects.using("default").filter(person_id=invitation.person_id, id__gt=invitation.id)
    return later.exists()


def _join(invitation: Invitation, person: Person, password: str) -> Account | None:
    """The account that the invitation makes; None when somebody of another company signs in with the address."""
    with transaction.atomic(using="default"):
        # Taken under lock, so that a link clicked twice makes one account.
        held = Invitation.objects.using("default").select_for_update().get(id=invitation.id)
        account = Account.objects.filter(person_id=person.id).first()
        if account is None and Account.objects.filter(email__iexact=person.email).exists():
            return None
        if account is None:
            account = Account.objects.create_account(person.email, person.id, password)
        elif held.used_at is None:
            account.set_password(password)
            account.save(update_fields=["password"])
        elif not account.check_password(password):
            raise Http404
        held.used_at = now()
        held.save(update_fields=["used_at"])
        Person.objects.using("default").filter(id=person.id, joined_at=None).update(joined_at=now())
    return account
