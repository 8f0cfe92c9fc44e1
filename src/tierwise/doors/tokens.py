"""The signed token in a spreadsheet: whose it is, which list, and from what state it was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core import signing

from tierwise.kernel.audit import Invalid

_SALT = "tierwise.doors.sheet"


@dataclass(frozen=True, slots=True)
class Claims:
    issue: UUID
    person: UUID
    company: UUID
    list_name: str
    scope: str
    base: str
    language: str
    expires_at: datetime


def sign(claims: Claims) -> str:
    """Signed with the installation's secret; readable by anybody, changeable by nobody."""
    said = [
        str(claims.issue), str(claims.person), str(claims.company), claims.list_name, claims.scope, claims.base,
        claims.language, claims.expires_at.isoformat(),
    ]  # fmt: skip
    return signing.dumps(said, salt=_SALT, compress=True)


def read_token(token: str) -> Claims:
    try:
        issue, person, company, name, scope, base, language, expires = signing.loads(token, salt=_SALT)
        return Claims(
            UUID(issue), UUID(person), UUID(company), name, scope, base, language, datetime.fromisoformat(expires)
        )
    except (signing.BadSignature, ValueError, TypeError):
        raise Invalid(
            "token", "This spreadsheet was not made here, or its hidden sheet was changed; download it anew."
        ) from None
