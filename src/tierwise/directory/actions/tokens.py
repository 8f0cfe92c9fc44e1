"""Tokens of machines."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tierwise.directory.models import (
    ApiToken,
)
from tierwise.directory.tokens import MAKERS, secret_digest, token_text
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Subject, action, record
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.api.scopes import check_scopes

TOKEN_DAYS = 366
"""The longest a token may live: what nobody renews ends."""


@dataclass(frozen=True, slots=True)
class TokenWish:
    """What a new token is to be: its name, the role it acts in, what it may do, and for how many days."""

    name: str
    role: Role
    scopes: Iterable[str]
    days: int = 90


@dataclass(frozen=True, slots=True)
class TokenMade:
    """A new token; its text is kept nowhere."""

    id: UUID
    token: str


@action("make_token", roles=MAKERS)
def make_token(actor: Viewer, wish: TokenWish) -> TokenMade:
    """Makes a machine's way into one's own company, in one's own name; returns its text, which is kept nowhere.

    It acts in a role of its own side, which administrators give out to people as well, and stops with its maker.
    """
    name = wish.name.strip()
    if not 0 < len(name) <= 80:
        raise Invalid("name", "Name the machine that will use it, in at most 80 characters.", field="name")
    if wish.role.side is not actor.side:
        raise NotAllowed("role_of_other_side", f"The role {wish.role.value} is not one of your company.", field="role")
    if not 1 <= wish.days <= TOKEN_DAYS:
        raise Invalid("days", f"Give 1 to {TOKEN_DAYS} days until it ends.", field="days")
    try:
        scopes = check_scopes(wish.scopes, actor.is_supplier)
    except ValueError as error:
        raise Invalid("scopes", str(error), field="scopes") from None
    token_id, secret = uuid7(), secrets.token_urlsafe(32)
    made = ApiToken(
        id=token_id, company_id=actor.company, person_id=actor.person, name=name, role=wish.role.value,
        scopes=" ".join(sorted(scopes)), digest=secret_digest(secret), made_at=now(),
        expires_at=now() + timedelta(days=wish.days),
    )  # fmt: skip
    made.save(force_insert=True)
    record(actor, Subject("api_token", token_id, _supplier(actor)), role=wish.role.value, scopes=scopes, days=wish.days)
    return TokenMade(token_id, token_text(token_id, secret))


def _supplier(actor: Viewer) -> UUID | None:
    return actor.company if actor.is_supplier else None


@action("revoke_token", roles=MAKERS)
def revoke_token(actor: Viewer, token_id: UUID) -> None:
    """Ends a token of one's own company at once; ending it again has no second effect."""
    held = ApiToken.objects.select_for_update().filter(id=token_id, company_id=actor.company).first()
    if held is None:
        raise NotFound("token", "There is no such token.")
    repeated = held.revoked_at is not None
    if not repeated:
        held.revoked_at = now()
        held.save(update_fields=["revoked_at"])
    record(actor, Subject("api_token", token_id, _supplier(actor)), repeated=repeated)
