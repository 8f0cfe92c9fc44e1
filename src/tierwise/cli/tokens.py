"""Commands on tokens of machines."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tierwise.cli.acting import acting
from tierwise.cli.output import console, fail, say, show
from tierwise.directory.actions import TokenWish, make_token, revoke_token
from tierwise.directory.tokens import own_tokens
from tierwise.kernel.audit import Refused
from tierwise.kernel.viewer import Role
from tierwise.web.api.scopes import scopes_of


def make(name: str, role: str, scopes: Sequence[str], days: int, email: str, as_json: bool) -> None:
    actor = acting(email, either_side=True)
    readable = [scope for scope in scopes_of(actor.is_supplier) if scope.endswith(":read")]
    try:
        chosen = Role(role) if role else (Role.SUPPLIER_VIEWER if actor.is_supplier else Role.VIEWER)
    except ValueError:
        fail(f"There is no role {role}; choose one of {', '.join(one.value for one in Role)}.", as_json)
    try:
        made = make_token(actor, TokenWish(name, chosen, scopes or readable, days))
    except Refused as refusal:
        fail(refusal.message, as_json)
    if as_json:
        say({"id": made.id, "token": made.token}, True)
        return
    console.print("The token, shown this once:")
    console.print(made.token, markup=False, soft_wrap=True)


def list_all(email: str, as_json: bool) -> None:
    rows = [
        {
            "id": one.id, "name": one.name, "role": one.role, "scopes": " ".join(one.scopes),
            "ends": f"{one.expires_at:%Y-%m-%d}", "revoked": one.revoked_at and f"{one.revoked_at:%Y-%m-%d}",
            "last_used": one.last_used_at and f"{one.last_used_at:%Y-%m-%d %H:%M}",
        }
        for one in own_tokens(acting(email, either_side=True))
    ]  # fmt: skip
    show(rows, as_json, "No machine has been let in yet.")


def revoke(token: str, email: str, as_json: bool) -> None:
    actor = acting(email, either_side=True)
    try:
        revoke_token(actor, UUID(token))
    except ValueError:
        fail(f"{token} is not an id; `tierwise token list` shows them.", as_json)
    except Refused as refusal:
        fail(refusal.message, as_json)
    say({"revoked": token}, as_json, "Revoked; its next request is refused.")
