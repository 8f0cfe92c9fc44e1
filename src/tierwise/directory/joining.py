"""From an invitation to an account: the one place where accounts are made."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404

from tierwise.directory.models import Invitation, Person
from tierwise.directory.viewers import invitation_digest
from tierwise.kernel.clock import now
from tierwise.kernel.models import Account


def invitation_behind(token: str) -> tuple[Invitation, Person] | None:
    """The open invitation of a link and whom it lets in; None when it was used, expired, renewed or never was."""
    digest = invitation_digest(token)
    waiting = Invitation.objects.using("default").filter(digest=digest, used_at=None, expires_at__gt=now()).first()
    person = Person.objects.using("default").filter(id=waiting.person_id, active=True).first() if waiting else None
    if waiting is None or person is None or _renewed(waiting):
        return None
    return waiting, person


def invited_person(person: Person) -> Invitation | None:
    """The open invitation of a person, held until the transaction ends."""
    newest = Invitation.objects.using("default").select_for_update().filter(person_id=person.id).order_by("-id").first()
    return newest if newest and newest.used_at is None and newest.expires_at > now() else None


def _renewed(invitation: Invitation) -> bool:
    """Whether a newer invitation has taken this one's place. Ids rise with time."""
    later = Invitation.objects.using("default").filter(person_id=invitation.person_id, id__gt=invitation.id)
    return later.exists()


def join(invitation: Invitation, person: Person, password: str | None) -> Account | None:
    """The account that an invitation makes; None when somebody of another company signs in with the address.

    Without a password the person signs in with a passkey or a provider.
    """
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
        elif password is None or not account.check_password(password):
            raise Http404
        held.used_at = now()
        held.save(update_fields=["used_at"])
        Person.objects.using("default").filter(id=person.id, joined_at=None).update(joined_at=now())
    return account
