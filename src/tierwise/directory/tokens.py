"""Tokens of machines: what is kept of them, and from a token to the viewer the database is told about."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from tierwise.directory.models import ApiToken
from tierwise.directory.records import TokenRecord
from tierwise.directory.viewers import supported_segments
from tierwise.kernel.clock import now, today
from tierwise.kernel.pages import Slice, keyset
from tierwise.kernel.pooled.base import Planned
from tierwise.kernel.viewer import Door, Role, Viewer, literal, viewer_scope
from tierwise.web.api.passes import Pass

MAKERS = frozenset({Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})
START = "tw_"
_NOTED = timedelta(minutes=5)
"""How often a token's last use is written down; more often would cost every request a write."""
_SHOWN = timedelta(days=90)
_REMEMBERED = 10_000


def public_part(token_id: UUID) -> str:
    """The part of a token that may be shown: it finds the token and opens nothing."""
    return f"{START}{token_id.hex}"


def token_text(token_id: UUID, secret: str) -> str:
    return f"{public_part(token_id)}_{secret}"


def secret_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def own_tokens(viewer: Viewer) -> list[TokenRecord]:
    """Tokens of one's own company, the newest first; those long over are left out."""
    with viewer_scope(viewer):
        return [_record(row) for row in _own(viewer).order_by("-made_at", "-id")]


def own_tokens_page(viewer: Viewer, part: Slice) -> list[TokenRecord]:
    """One page of the same."""
    with viewer_scope(viewer):
        return [_record(row) for row in keyset(_own(viewer), ("-made_at", "-id"), part)]


def _own(viewer: Viewer) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(company_id=viewer.company, expires_at__gt=now() - _SHOWN)


def _record(row: ApiToken) -> TokenRecord:
    return TokenRecord(
        row.id, public_part(row.id), row.name, row.person_id, row.role, tuple(row.scopes.split()), row.made_at,
        row.expires_at, row.revoked_at, row.last_used_at,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Known:
    digest: str
    found: Pass


# Everything below is asked anew within each request's own transaction; memory only spares composing the viewer.
_MAKERS = sorted(role.value for role in MAKERS)
_STANDS = Planned(
    "api_token_stands", "uuid, uuid, timestamptz, date, uuid[], boolean",
    f"""
    select exists (
        select from directory_apitoken t
        join directory_person p on p.company_id = t.company_id and p.id = t.person_id
        where t.company_id = $1 and t.id = $2 and t.revoked_at is null and t.expires_at > $3
          and p.active and p.role in ({", ".join(map(literal, _MAKERS))})
    ) and (not $6 or coalesce((
        select array_agg(s.segment_id order by s.segment_id) from directory_support s
        where s.supplier_id = $1 and s.state = 'confirmed' and s.valid_from <= $4
          and (s.valid_to is null or s.valid_to >= $4)
    ), '{{}}') = $5)
    """,  # noqa: S608  the roles are our own
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Standing:
    """The condition under which a token still stands for what is remembered of it."""

    asker: str
    seen: str

    @classmethod
    def of(cls, token: UUID, viewer: Viewer) -> _Standing:
        segments = "{" + ",".join(str(segment) for segment in sorted(viewer.segments)) + "}"
        of_supplier = "true" if viewer.is_supplier else "false"
        return cls(f"'{viewer.company}', '{token}'", f"'{segments}', {of_supplier}")

    def __call__(self) -> Planned:
        return replace(_STANDS, values=f"{self.asker}, '{now().isoformat()}', '{today().isoformat()}', {self.seen}")


class DirectoryOfTokens:
    """The directory's answer to the web's port."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, _Known] = OrderedDict()
        self._noted: dict[UUID, datetime] = {}
        self._lock = threading.Lock()

    def pass_of(self, token: str, *, fresh: bool = False) -> Pass | None:
        parts = token.split("_", 2)
        if len(parts) != 3 or f"{parts[0]}_" != START or len(parts[1]) != 32:
            return None
        try:
            token_id = UUID(hex=parts[1])
        except ValueError:
            return None
        known = None if fresh else self._known.get(token_id)
        known = known or self._look_up(token_id)
        if known is None or not hmac.compare_digest(known.digest, secret_digest(parts[2])):
            return None
        self._note(token_id)
        return known.found

    def _look_up(self, token_id: UUID) -> _Known | None:
        rows = ApiToken.objects.using("default").filter(
            id=token_id, revoked_at=None, expires_at__gt=now(), person__active=True, person__role__in=_MAKERS
        )
        row = rows.values("digest", "role", "scopes", "company_id", "person_id").first()
        if row is None:
            self.forget(token_id)
            return None
        viewer = Viewer(row["person_id"], row["company_id"], Role(row["role"]), door=Door.API)
        viewer = replace(viewer, segments=supported_segments(viewer)) if viewer.is_supplier else viewer
        found = Pass(token_id, viewer, frozenset(row["scopes"].split()), _Standing.of(token_id, viewer))
        known = _Known(row["digest"], found)
        with self._lock:
            self._known[token_id] = known
            while len(self._known) > _REMEMBERED:
                gone, _ = self._known.popitem(last=False)
                self._noted.pop(gone, None)
        return known

    def forget(self, token_id: UUID) -> None:
        with self._lock:
            self._known.pop(token_id, None)
            self._noted.pop(token_id, None)

    def _note(self, token_id: UUID) -> None:
        moment, last = now(), self._noted.get(token_id)
        if last is not None and last <= moment < last + _NOTED:
            return
        self._noted[token_id] = moment
        ApiToken.objects.using("default").filter(id=token_id).update(last_used_at=moment)
