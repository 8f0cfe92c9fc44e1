"""What the worker does for the directory: news and the mails that bring it, reviews of access, what is purged."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.core.mail import get_connection
from procrastinate.contrib.django import app

from tierwise.directory.actions import give_notices
from tierwise.directory.erasing import apply_erasures
from tierwise.directory.models import Company, Notice, Person, Support
from tierwise.directory.ports import prompt_kinds
from tierwise.directory.records import CompanySide, NoticePut, NoticeRecord
from tierwise.directory.reviewing import end_reviews, open_reviews, remind, review_settings
from tierwise.directory.telling import mail
from tierwise.kernel.audit import Subject, action, record
from tierwise.kernel.clock import now
from tierwise.kernel.pipeline import Progress, silent
from tierwise.kernel.retention import purge
from tierwise.kernel.viewer import SUPPLIER_ROLES, SYSTEM, Role, Viewer, viewer_scope

_READERS = SUPPLIER_ROLES | {Role.CATEGORY_MANAGER}
"""Whom news is mailed to: everybody at the supplier; at the buyer those who answer for a category."""


def tell_support_confirmed(worker: Viewer, news: dict[str, Any]) -> None:
    _tell_support(worker, news, "support_confirmed", None)


def tell_support_ended(worker: Viewer, news: dict[str, Any]) -> None:
    _tell_support(worker, news, "support_ended", date.fromisoformat(news["on"]))


def _tell_support(worker: Viewer, news: dict[str, Any], kind: str, last: date | None) -> None:
    supplier, segment = UUID(news["supplier"]), UUID(news["segment"])
    held = Support.objects.filter(supplier_id=supplier, segment_id=segment).order_by("-valid_from").first()
    if held is None:
        return
    said = {"segment": held.shown_name, "last_day": str(last) if last else ""}
    key = f"{held.id} {last or held.valid_from}"
    give_notices(worker, [NoticePut(supplier, kind, key, said, None if last else held.valid_from)])


def mail_notices(worker: Viewer, *, prompt: bool) -> int:
    """Mails what nobody has been told of: one mail to each person of a company, with all of it; returns how many.

    ``prompt`` mails only companies that have news which does not wait for the day's mail.
    """
    with viewer_scope(worker):
        unmailed = Notice.objects.filter(mailed_at=None)
        unmailed = unmailed.filter(kind__in=prompt_kinds()) if prompt else unmailed
        companies = list(unmailed.order_by("company").values_list("company", flat=True).distinct())
    return sum(_mail_company(worker, company) for company in companies)


def _mail_company(worker: Viewer, company: UUID) -> int:
    with viewer_scope(worker):
        held = list(
            Notice.objects.select_for_update(skip_locked=True)
            .filter(company_id=company, mailed_at=None)
            .order_by("-at", "-id")
        )
        if not held:
            return 0
        at_desk = Company.objects.get(id=company).side == CompanySide.BUYER
        notices = [NoticeRecord(n.kind, n.key, n.at, n.effective_on, n.said) for n in held]
        people = Person.objects.filter(
            company_id=company, active=True, joined_at__isnull=False, role__in=[role.value for role in _READERS]
        ).order_by("id")
        mails = [mail(p.name, p.email, p.language, notices, at_desk=at_desk) for p in people]
        Notice.objects.filter(id__in=[one.id for one in held]).update(mailed_at=now())
        # Sent last and over one connection: a server that does not answer leaves everything to the next try.
        return get_connection().send_messages(mails) or 0 if mails else 0


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="mail_prompt_notices", lock="mail_notices")
def mail_prompt_notices(timestamp: int) -> int:
    del timestamp
    return mail_notices(SYSTEM, prompt=True)


@app.periodic(cron="0 5 * * *")
@app.task(queueing_lock="mail_daily_notices", lock="mail_notices")
def mail_daily_notices(timestamp: int) -> int:
    """After the nightly cycle, so that the day's mail brings what it published."""
    del timestamp
    return mail_notices(SYSTEM, prompt=False)


def step_reviews(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """Opens reviews of access that are due, reminds, and ends what nobody confirmed in time."""
    progress("reviews of access", 0.0)
    said = review_settings()
    opened = open_reviews(worker, on, said) if said.every_days else 0
    return {"opened": opened, "reminded": remind(worker, on), "suspended": end_reviews(worker, on)}


def step_retention(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """Purges what has been kept long enough, and makes sure that who was erased stays so."""
    del on
    progress("erasures", 0.0)
    again = apply_erasures(worker)
    progress("retention", 0.3)
    return {"erased again": again, "purged": purge_kept(worker)}


@action("purge", roles={Role.SYSTEM})
def purge_kept(worker: Viewer) -> dict[str, int]:
    """Purges by the tables' retention; one entry with the rows of each."""
    gone = purge(worker)
    record(worker, Subject("retention", "all"), count=sum(gone.values()), tables=gone)
    return gone
