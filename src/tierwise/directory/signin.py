"""Ways in: nobody signs up by himself; who was invited chooses a password, a passkey, or comes by the provider."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.mfa.adapter import DefaultMFAAdapter
from django import forms
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.contrib.auth.password_validation import validate_password
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from tierwise.directory.actions import note_lockout
from tierwise.directory.joining import invitation_behind, join
from tierwise.directory.lockout import locked_until, lockout_key
from tierwise.directory.models import Person
from tierwise.directory.onboarding import invitation_about
from tierwise.directory.providers import provider_address, required_provider
from tierwise.directory.sessions import end_session, end_sessions_of, sessions_of
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import SYSTEM


class ClosedSignUp(DefaultAccountAdapter):
    """Accounts come from invitations alone; whose company has a provider of its own signs in there."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        del request
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Not by host name, which whoever asks chooses.
        del request
        return lockout_key(str(credentials.get("email") or credentials.get("username") or ""))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Tells the trail, once, when this failure was the one that locks the address."""
        del request
        email = str(credentials.get("email") or credentials.get("username") or "").strip()
        if email and locked_until(email) is not None:
            account = Account.objects.filter(email__iexact=email).first()
            if account is not None:
                note_lockout(SYSTEM, account.person_id)

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        by_provider = "sociallogin" in (kwargs.get("signal_kwargs") or {})
        known = [user.person_id] if isinstance(user, Account) else []
        person = Person.objects.using("default").filter(id__in=known).first()
        provider = required_provider(person) if person and not by_provider else None
        if provider is not None:
            text = _("Your company signs in with %(name)s. Use its button below.")
            messages.warning(request, text % {"name": provider.name})
            return redirect("account_login")
        answer: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return answer


class Passkeys(DefaultMFAAdapter):
    """What a device shows when it keeps or offers a passkey."""

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Tierwise"}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        return {**super().get_public_key_credential_user_entity(user), "display_name": getattr(user, "email", "")}


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("Choose a password"), widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least ten characters."),
    )  # fmt: skip

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password)
        return password


@never_cache
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link. A used, expired or unknown link says so, and nothing more."""
    found = invitation_behind(token)
    if found is None:
        return render(request, "web/invitation_gone.html", status=404)
    invitation, person = found
    provider = required_provider(person)
    passkey = request.POST.get("way") == "passkey"
    form = PasswordForm(request.POST if request.method == "POST" and not passkey else None)
    taken = False
    if request.method == "POST" and provider is None and (passkey or form.is_valid()):
        account = join(invitation, person, None if passkey else form.cleaned_data["password"])
        if account is not None:
            return _first_page(request, account, passkey)
        taken = True
    context: dict[str, Any] = {
        "form": form, "taken": taken, "person": person, "about": invitation_about(person), "provider": provider,
        "provider_href": provider_address(provider) if provider else "",
    }  # fmt: skip
    return render(request, "web/invitation.html", context)


def _first_page(request: HttpRequest, account: Account, passkey: bool) -> HttpResponse:
    target = reverse("mfa_add_webauthn") if passkey else "/"
    record_authentication(request, account, "password" if not passkey else "invitation", reauthenticated=True)
    answer: HttpResponse = perform_login(request, account, email_verification="none", redirect_url=target)
    return answer


@never_cache
@login_required
def sessions(request: HttpRequest) -> HttpResponse:
    """Where one is signed in."""
    account = _account(request)
    found, count = sessions_of(account, request.session.session_key or "")
    others = any(not one.current for one in found)
    context = {"sessions": found, "others": others, "more": count - len(found)}
    return render(request, "account/sessions.html", context)


@require_POST
@login_required
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Ends one session, or all but the one it is asked from."""
    account = _account(request)
    if request.POST.get("which") == "others":
        ended = end_sessions_of([account.person_id], keep=request.session.session_key or "")
        messages.success(request, _("Signed out everywhere else: %(n)d.") % {"n": ended})
        return redirect("usersessions_list")
    if not request.POST.get("which", "").isdecimal() or not end_session(account, int(request.POST["which"])):
        raise Http404
    messages.success(request, _("That session has ended."))
    return redirect("usersessions_list")


def _account(request: HttpRequest) -> Account:
    assert isinstance(request.user, Account)
    return request.user
