"""From a signed-in account to the viewer the database is told about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from django.db import models
from django.http import HttpRequest

from tierwise.directory.models import Company, Person, Support
from tierwise.directory.records import SupportState
from tierwise.kernel.clock import today
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import Role, Viewer, viewer_scope
from tierwise.web.viewing import Name


def invitation_digest(token: str) -> str:
    """What is kept of an invitation's token."""
    return hashlib.sha256(token.encode()).hexdigest()


class DirectoryOfViewers:
    """The directory's answer to the web's port."""

    def viewer_of(self, request: HttpRequest) -> Viewer | None:
        return viewer_of(request)

    def name_of(self, viewer: Viewer) -> Name:
        person = Person.objects.filter(id=viewer.person).values_list("name", flat=True).first()
        company = Company.objects.filter(id=viewer.company).values_list("name", flat=True).first()
        return Name(person or "", company or "")

    def names_of(self, viewer: Viewer, people: Iterable[UUID]) -> dict[UUID, str]:
        del viewer
        return dict(Person.objects.filter(id__in=set(people)).values_list("id", "name"))


def viewer_of(request: HttpRequest) -> Viewer | None:
    """The viewer of a request, or None when nobody active is signed in."""
    if not request.user.is_authenticated:
        return None
    return viewer_for(request.user)


def viewer_for(account: Account) -> Viewer | None:
    """Looked up anew each time, so that a deactivated person or an ended support is out at once."""
    person = (
        Person.objects.using("default")
        .filter(id=account.person_id, active=True)
        .values("id", "company", "role")
        .first()
    )
    if person is None or not account.is_active:
        return None
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
