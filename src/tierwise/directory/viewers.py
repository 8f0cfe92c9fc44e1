"""From a signed-in account to the viewer the database is told about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from tierwise.directory.models import Company, Onboarding, Person, Support
from tierwise.directory.records import SupportState
from tierwise.directory.wording import role_word
from tierwise.kernel.clock import now, today
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Viewer, viewer_scope
from tierwise.web.viewing import Name

PREVIEW = "preview"
PREVIEWERS = BUYER_EDITORS
PREVIEW_LASTS = timedelta(hours=1)
"""A preview that somebody forgot to leave ends by itself."""
LEAVE = "/desk/preview/leave"
WELCOMED = "welcomed"


def invitation_digest(token: str) -> str:
    """What is kept of an invitation's token."""
    return hashlib.sha256(token.encode()).hexdigest()


class DirectoryOfViewers:
    """The directory's answer to the web's port."""

    def viewer_of(self, request: HttpRequest) -> Viewer | None:
        return viewer_of(request)

    def previewer_of(self, request: HttpRequest) -> Viewer | None:
        viewer = viewer_of(request)
        if viewer is None or not viewer.preview or not request.user.is_authenticated:
            return None
        return viewer_for(request.user)

    def due_first(self, request: HttpRequest, viewer: Viewer) -> str:
        return due_first(request, viewer)

    def name_of(self, viewer: Viewer) -> Name:
        # A supplier's login does not know the buyer who looks through its eyes.
        people = Person.objects.using("default") if viewer.preview else Person.objects.all()
        person = people.filter(id=viewer.person).values_list("name", flat=True).first()
        company = Company.objects.filter(id=viewer.company).values_list("name", flat=True).first()
        return Name(person or "", company or "", role_word(viewer.role))

    def language_of(self, request: HttpRequest) -> str:
        return str(getattr(request, "profile_language", ""))

    def names_of(self, viewer: Viewer, people: Iterable[UUID]) -> dict[UUID, str]:
        del viewer
        return dict(Person.objects.filter(id__in=set(people)).values_list("id", "name"))


def viewer_of(request: HttpRequest) -> Viewer | None:
    """The viewer of a request, or None when nobody active is signed in."""
    if not request.user.is_authenticated:
        return None
    person = _person(request.user.person_id) if request.user.is_active else None
    if person is None:
        return None
    request.profile_language = person["language"]  # type: ignore[attr-defined]
    viewer = _viewer(person)
    chosen = request.session.get(PREVIEW)
    if chosen is None or request.path == LEAVE:
        return viewer
    return _through(viewer, chosen)


def due_first(request: HttpRequest, viewer: Viewer) -> str:
    """The page of welcome, for a supplier that was let in and has not accepted the terms. Asked once a session."""
    settled = str(viewer.company)
    if not viewer.is_supplier or viewer.preview or request.session.get(WELCOMED) == settled:
        return ""
    with viewer_scope(viewer):
        if Onboarding.objects.filter(company_id=viewer.company, accepted_at=None).exists():
            return reverse("portal-welcome")
    request.session[WELCOMED] = settled
    return ""


def begin_preview(request: HttpRequest, supplier: UUID, role: Role) -> None:
    until = now() + PREVIEW_LASTS
    request.session[PREVIEW] = {"supplier": str(supplier), "role": role.value, "until": until.isoformat()}


def leave_preview(request: HttpRequest) -> UUID | None:
    """Ends a preview; returns whose it was."""
    chosen = request.session.pop(PREVIEW, None)
    return UUID(chosen["supplier"]) if chosen else None


def _through(viewer: Viewer, chosen: dict[str, str]) -> Viewer:
    """What a buyer becomes while he looks through a supplier's eyes; himself again when it lasted too long."""
    if viewer.role not in PREVIEWERS or datetime.fromisoformat(chosen["until"]) < now():
        return viewer
    seen = Viewer(viewer.person, UUID(chosen["supplier"]), Role(chosen["role"]), preview=True)
    return replace(seen, segments=supported_segments(seen))


def viewer_for(account: Account) -> Viewer | None:
    """Looked up anew each time, so that a deactivated person or an ended support is out at once."""
    return viewer_of_person(account.person_id) if account.is_active else None


def viewer_of_person(person_id: UUID) -> Viewer | None:
    """What an active person may see today."""
    person = _person(person_id)
    return _viewer(person) if person else None


def _person(person_id: UUID) -> dict[str, Any] | None:
    people = Person.objects.using("default").filter(id=person_id, active=True)
    return people.values("id", "company", "role", "language").first()  # type: ignore[return-value]


def _viewer(person: dict[str, Any]) -> Viewer:
    viewer = Viewer(person["id"], person["company"], Role(person["role"]))
    return replace(viewer, segments=supported_segments(viewer)) if viewer.is_supplier else viewer


def supported_segments(viewer: Viewer) -> frozenset[UUID]:
    """Segments a supplier serves today, by confirmed supports."""
    day = today()
    with viewer_scope(viewer):
        rows = Support.objects.filter(
            models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=day),
            state=SupportState.CONFIRMED, valid_from__lte=day,
        )  # fmt: skip
        return frozenset(rows.values_list("segment_id", flat=True))
