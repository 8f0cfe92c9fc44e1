"""Plain mails to people about their access; sent once what they tell of has been committed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.core.mail import EmailMessage, get_connection
from django.db import transaction

from tierwise.directory.models import Person
from tierwise.kernel.viewer import Role, Viewer

ADMINISTRATORS = (Role.ADMINISTRATOR.value, Role.SUPPLIER_ADMINISTRATOR.value)


def administrators_of(company: UUID) -> list[str]:
    """Addresses of those who let people into a company. Call it within a scope that may read them."""
    rows = Person.objects.filter(company_id=company, active=True, role__in=ADMINISTRATORS)
    return list(rows.order_by("email").values_list("email", flat=True))


def mail_after_commit(actor: Viewer, to: Iterable[str], subject: str, text: str) -> None:
    """One mail to each, so that nobody learns the others' addresses. A mail that fails undoes nothing."""
    addresses = sorted(set(to))
    if addresses:
        transaction.on_commit(partial(_send, addresses, subject, text), using=actor.alias, robust=True)


def _send(addresses: list[str], subject: str, text: str) -> None:
    get_connection().send_messages([EmailMessage(subject, text, None, [address]) for address in addresses])
