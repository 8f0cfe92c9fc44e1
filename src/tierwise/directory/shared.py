"""What a supplier reads of the directory: itself, its people, and the segments it serves under the names it knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import Q

from tierwise.directory.listing import people_like
from tierwise.directory.models import Company, Notice, Person, Support
from tierwise.directory.records import (
    COMMON,
    CompanyRecord,
    Involvement,
    NoticeRecord,
    PersonRecord,
    SupportRecord,
    SupportState,
)
from tierwise.kernel.clock import now, today
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.web.pages import SegmentChip

NEWS_LASTS = timedelta(days=45)
"""What is older than a monthly rhythm and a half is no longer news."""


def my_company(viewer: Viewer) -> CompanyRecord:
    with viewer_scope(viewer):
        row = Company.objects.get(id=viewer.company)
        return CompanyRecord(
            row.id, row.code, row.name, row.country, row.currency, "", row.kind, row.active, row.duns, row.lei
        )


def my_people(viewer: Viewer) -> list[PersonRecord]:
    with viewer_scope(viewer):
        rows = Person.objects.filter(company_id=viewer.company).order_by("name")
        return [
            PersonRecord(
                p.id, p.company_id, p.name, p.email, p.role, p.active, p.joined_at is not None, p.erased_at is not None
            )
            for p in rows
        ]


def my_people_like(viewer: Viewer, words: str, limit: int) -> tuple[list[PersonRecord], int, int]:
    """Colleagues whose name or address holds the words; how many so, and in all."""
    return people_like(viewer, viewer.company, words, limit)


def my_supports(viewer: Viewer) -> list[SupportRecord]:
    """Confirmed supports in force today."""
    day = today()
    with viewer_scope(viewer):
        rows = Support.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day), state=SupportState.CONFIRMED, valid_from__lte=day
        ).order_by("slot", "shown_name")
        return [
            SupportRecord(
                s.id, s.supplier_id, s.segment_id, SupportState(s.state), Involvement(s.involvement), s.shown_code,
                s.shown_name, s.slot, s.valid_from, s.valid_to,
            )
            for s in rows
        ]  # fmt: skip


def my_segment_chips(viewer: Viewer) -> dict[UUID, SegmentChip]:
    """Segment → its chip under the name the supplier knows."""
    return {
        s.segment: SegmentChip(s.shown_code, s.shown_name, 0 if s.shown_code == COMMON else s.slot)
        for s in my_supports(viewer)
    }


def my_people_names(viewer: Viewer, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of colleagues; people of the other company are not named here."""
    with viewer_scope(viewer):
        return dict(Person.objects.filter(company_id=viewer.company, id__in=set(ids)).values_list("id", "name"))


def my_news(viewer: Viewer, limit: int = 20) -> list[NoticeRecord]:
    """What the viewer's company was told lately, the newest first. For both sides: each has its own."""
    with viewer_scope(viewer):
        rows = Notice.objects.filter(company_id=viewer.company, at__gte=now() - NEWS_LASTS).order_by("-at", "-id")
        return [NoticeRecord(n.kind, n.key, n.at, n.effective_on, n.said) for n in rows[:limit]]
