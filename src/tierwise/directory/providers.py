"""Sign-in by a provider: who was invited comes in by a verified address, and only to the company it speaks for."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse

from tierwise.directory.entrance import Access, Provider
from tierwise.directory.joining import invited_person, join
from tierwise.directory.models import Company, Person
from tierwise.directory.records import CompanySide
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import Role, Viewer, viewer_scope


def access() -> Access:
    found: Access = settings.TIERWISE_ACCESS
    return found


def company_key(person: Person) -> str:
    """How the settings name a person's company: a supplier's code, nothing for the buying company."""
    with viewer_scope(Viewer(person.id, person.company_id, Role(person.role))):
        side, code = Company.objects.values_list("side", "code").get(id=person.company_id)
    return "" if side == CompanySide.BUYER else code


def required_provider(person: Person) -> Provider | None:
    """The provider a person has to sign in with, if his company asks for one."""
    required = any(provider.required for provider in access().providers.values())
    return access().required_of(company_key(person)) if required else None


def provider_address(provider: Provider) -> str:
    """Where signing in with a provider begins."""
    if provider.kind == "saml":
        return reverse("saml_login", kwargs={"organization_slug": provider.id})
    return reverse("openid_connect_login", kwargs={"provider_id": provider.id})


class InvitedOnly(DefaultSocialAccountAdapter):
    """Nobody signs up by himself here either."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        del request, sociallogin
        return False

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Being joined is what the invitation announced; a second mail would only worry."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        provider = access().providers.get(sociallogin.account.provider)
        # Signed-in people do not tie further providers to themselves: who may vouch for whom stands in the settings.
        tying = sociallogin.state.get("process") == "connect"
        if provider is None or tying or not self._admitted(request, sociallogin, provider):
            name = provider.name if provider else sociallogin.account.provider
            raise ImmediateHttpResponse(render(request, "account/not_invited.html", {"provider": name}, status=403))

    def _admitted(self, request: HttpRequest, sociallogin: SocialLogin, provider: Provider) -> bool:
        if sociallogin.is_existing:
            account = sociallogin.user
            known = [account.person_id] if isinstance(account, Account) else []
            person = Person.objects.using("default").filter(id__in=known, active=True).first()
            return person is not None and company_key(person) == provider.company
        for email in _verified(sociallogin, provider):
            if account := _account_for(email, provider):
                sociallogin.connect(request, account)
                return True
        return False


def _verified(sociallogin: SocialLogin, provider: Provider) -> list[str]:
    """Addresses of its own domains that the provider vouches for."""
    vouched = [one.email for one in sociallogin.email_addresses if one.verified is True or provider.trust_email]
    return [email for email in vouched if provider.speaks_for(email)]


def _account_for(email: str, provider: Provider) -> Account | None:
    """The account of whoever joined under an address, or the one his open invitation makes now."""
    people = Person.objects.using("default").filter(email__iexact=email, active=True)
    for person in people:
        if company_key(person) != provider.company:
            continue
        account = Account.objects.filter(person_id=person.id).first()
        if account is not None:
            return account
        with transaction.atomic(using="default"):
            invitation = invited_person(person)
            if invitation is not None:
                return join(invitation, person, None)
    return None


def sign_in_methods_note(person: Person) -> dict[str, str]:
    """What a page tells somebody whose company signs in elsewhere: the provider's name and address."""
    provider = required_provider(person)
    return {"provider": provider.name, "href": provider_address(provider)} if provider else {}
