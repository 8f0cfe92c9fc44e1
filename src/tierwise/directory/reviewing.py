"""Confirming access: every so often each company's administrators say of each person whether he may stay.

A review opens by itself, asks until its day, reminds, and after a grace ends the access nobody confirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from tierwise.directory.entrance import Review
from tierwise.directory.mailing import ADMINISTRATORS, administrators_of, mail_after_commit
from tierwise.directory.models import AccessReview, Company, Person, ReviewedAccess, Support
from tierwise.directory.records import AccessDecision, CompanySide, SupportState
from tierwise.directory.sessions import end_sessions_of, last_seen
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now, today
from tierwise.kernel.viewer import Role, Viewer, viewer_scope

_OPEN = AccessDecision.OPEN.value
_DECIDERS = {Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR}


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    id: UUID
    company: UUID
    opened_at: datetime
    due_on: date
    ends_on: date
    closed: bool
    people: int
    waiting: int


@dataclass(frozen=True, slots=True)
class ReviewedPerson:
    """One line of a review. ``seen`` is when the person was last here; ``decidable`` whether the viewer may decide."""

    id: UUID
    person: UUID
    name: str
    email: str
    role: str
    reach: str
    decision: AccessDecision
    decided_by: UUID | None
    seen: datetime | None
    decidable: bool


def review_settings() -> Review:
    found: Review = settings.TIERWISE_ACCESS.review
    return found


def standing_review(viewer: Viewer) -> ReviewRecord | None:
    """The open review of the viewer's company, or the last one that was closed."""
    with viewer_scope(viewer):
        rows = AccessReview.objects.filter(company_id=viewer.company)
        row = rows.filter(closed_at=None).first() or rows.order_by("-opened_at").first()
        if row is None:
            return None
        lines = ReviewedAccess.objects.filter(company_id=viewer.company, review_id=row.id)
        waiting = lines.filter(decision=_OPEN).count()
        return ReviewRecord(
            row.id,
            row.company_id,
            row.opened_at,
            row.due_on,
            row.ends_on,
            row.closed_at is not None,
            lines.count(),
            waiting,
        )


def reviewed_people(viewer: Viewer, review: UUID) -> list[ReviewedPerson]:
    """Everybody in a review of the viewer's company, those still open first."""
    with viewer_scope(viewer):
        rows = list(
            ReviewedAccess.objects.filter(company_id=viewer.company, review_id=review).values(
                "id", "person_id", "role", "reach", "decision", "decided_by"
            )
        )
        ids = {row["person_id"] for row in rows}
        people = {
            p["id"]: p
            for p in Person.objects.filter(company_id=viewer.company, id__in=ids).values("id", "name", "email")
        }
    seen, alone = last_seen(ids), _alone(viewer)
    found = [
        ReviewedPerson(
            row["id"], row["person_id"], people[row["person_id"]]["name"], people[row["person_id"]]["email"],
            row["role"], row["reach"], AccessDecision(row["decision"]), row["decided_by"], seen.get(row["person_id"]),
            viewer.role in _DECIDERS and (row["person_id"] != viewer.person or alone),
        )
        for row in rows
        if row["person_id"] in people
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.decision is not AccessDecision.OPEN, one.name.casefold()))


def _alone(viewer: Viewer) -> bool:
    """Whether nobody else could confirm the viewer: the only administrator confirms himself, and the trail says so."""
    with viewer_scope(viewer):
        others = Person.objects.filter(company_id=viewer.company, active=True, role__in=ADMINISTRATORS)
        return not others.exclude(id=viewer.person).exists()


@action("decide_access", roles=_DECIDERS)
def decide_access(actor: Viewer, line_ids: Sequence[UUID], keep: bool) -> int:
    """Confirms or withdraws the access of people of one's own company; returns how many. Withdrawn ends at once."""
    if not line_ids:
        raise Invalid("people", _("Choose at least one person."), field="people")
    # The review first, as its end does: a decision and the end at once must not both count.
    review = AccessReview.objects.filter(company_id=actor.company, closed_at=None).first()
    lines = list(
        ReviewedAccess.objects.select_for_update()
        .filter(company_id=actor.company, id__in=list(line_ids))
        .order_by("id")
    )
    if len(lines) != len(set(line_ids)):
        raise NotFound("access", _("There is no such person in this review."))
    if review is None or any(line.review_id != review.id for line in lines):
        raise Stale("closed", _("This review is closed."))
    if any(line.decision != _OPEN for line in lines):
        raise Stale("decided", _("A colleague has decided about this already; look again."))
    if any(line.person_id == actor.person for line in lines) and not (keep and _alone(actor)):
        raise NotAllowed("self", _("Another administrator decides about your own access."))
    decision = AccessDecision.CONFIRMED if keep else AccessDecision.WITHDRAWN
    for line in lines:
        line.decision, line.decided_by, line.decided_at = decision.value, actor.person, now()
        line.save(update_fields=["decision", "decided_by", "decided_at"])
        record(
            actor, Subject("person", line.person_id, supplier=line.company_id), decision=decision.value, role=line.role
        )
    if not keep:
        _shut_out(actor, [line.person_id for line in lines])
    return len(lines)


def _shut_out(actor: Viewer, people: list[UUID]) -> None:
    Person.objects.filter(id__in=people).update(active=False)
    mail_ended = Person.objects.filter(id__in=people).values_list("email", flat=True)
    text = _("Your access to Tierwise has ended. If you still need it, ask an administrator of your company.\n")
    mail_after_commit(actor, mail_ended, _("Your access to Tierwise has ended"), text)
    # At once: what a session still holds is refused by the middleware until it is gone.
    end_sessions_of(people)


def open_reviews(worker: Viewer, on: date, said: Review, company: UUID | None = None) -> int:
    """Opens a review in every company whose last one, or whose first person, is long enough ago; in one, at once."""
    with viewer_scope(worker):
        companies = Company.objects.filter(active=True) if company is None else Company.objects.filter(id=company)
        wanted = [row for row in companies.order_by("id") if company or _due(row.id, on, said)]
        return sum(open_review(worker, row.id, on, said) for row in wanted)


def _due(company: UUID, on: date, said: Review) -> bool:
    last = AccessReview.objects.filter(company_id=company).order_by("-opened_at").values_list("opened_at", flat=True)
    joined = Person.objects.filter(company_id=company).exclude(joined_at=None).order_by("joined_at")
    since = last.first() or joined.values_list("joined_at", flat=True).first()
    return since is not None and (on - since.date()).days >= said.every_days


@action("open_review", roles={Role.SYSTEM})
def open_review(worker: Viewer, company: UUID, on: date, said: Review) -> int:
    """Asks a company's administrators to confirm who may enter. 0 where one is open or nobody has joined."""
    held = Company.objects.select_for_update().filter(id=company).first()
    if held is None:
        raise NotFound("company", _("There is no such company."))
    people = list(Person.objects.filter(company_id=company, active=True).exclude(joined_at=None).order_by("id"))
    opened = people and not AccessReview.objects.filter(company_id=company, closed_at=None).exists()
    if opened:
        due_on = on + timedelta(days=said.answer_days)
        review = AccessReview.objects.create(
            company_id=company, opened_at=now(), due_on=due_on, ends_on=due_on + timedelta(days=said.grace_days)
        )
        reach = _reach(held)
        ReviewedAccess.objects.bulk_create(
            [ReviewedAccess(company_id=company, review=review, person=p, role=p.role, reach=reach) for p in people]
        )
        _tell(worker, review, len(people))
        publish_event(worker, "access_review_opened", company=company, due_on=due_on)
    record(worker, Subject("company", company, supplier=company), count=len(people) if opened else 0)
    return int(bool(opened))


def _reach(company: Company) -> str:
    """What people of a company reach: the buyer's everything, a supplier's the segments it serves, by its names."""
    if company.side == CompanySide.BUYER:
        return _("All segments")
    rows = Support.objects.filter(supplier_id=company.id, state=SupportState.CONFIRMED, valid_from__lte=today())
    names = rows.exclude(valid_to__lt=today()).order_by("slot").values_list("shown_name", flat=True)
    return ", ".join(dict.fromkeys(names))[:400] or _("No segment")


def _tell(actor: Viewer, review: AccessReview, waiting: int) -> None:
    text = _(
        "Please confirm who of your company may use Tierwise: %(n)d people wait for you, until %(due)s. "
        "Access that nobody confirms ends after %(end)s.\n"
    ) % {"n": waiting, "due": review.due_on, "end": review.ends_on}
    mail_after_commit(actor, administrators_of(review.company_id), _("Confirm who may use Tierwise"), text)


def remind(worker: Viewer, on: date) -> int:
    """Mails administrators once when the day has passed and the grace runs."""
    with viewer_scope(worker):
        late = AccessReview.objects.select_for_update().filter(closed_at=None, reminded_at=None, due_on__lt=on)
        reminded = 0
        for review in late:
            waiting = ReviewedAccess.objects.filter(company_id=review.company_id, review=review, decision=_OPEN).count()
            if waiting:
                _tell(worker, review, waiting)
                reminded += 1
            review.reminded_at = now()
            review.save(update_fields=["reminded_at"])
    return reminded


def end_reviews(worker: Viewer, on: date) -> int:
    """Closes reviews whose grace is over, or that are decided throughout; returns how many people were suspended."""
    with viewer_scope(worker):
        open_ones = list(AccessReview.objects.filter(closed_at=None).order_by("id"))
        over = [one for one in open_ones if one.ends_on < on or not _undecided(one).exists()]
        return sum(end_review(worker, one.id) for one in over)


def _undecided(review: AccessReview) -> Any:
    return ReviewedAccess.objects.filter(company_id=review.company_id, review_id=review.id, decision=_OPEN)


@action("end_review", roles={Role.SYSTEM})
def end_review(worker: Viewer, review_id: UUID) -> int:
    """Suspends whom nobody confirmed, but for a company's last administrator; tells them and their administrators."""
    review = AccessReview.objects.select_for_update().filter(id=review_id).first()
    if review is None:
        raise NotFound("review", "There is no such review.")
    if review.closed_at is not None:
        raise Stale("closed", "This review is closed.")
    lines = list(_undecided(review).select_for_update().order_by("id"))
    staying = _last_administrator(review.company_id, {line.person_id for line in lines})
    for line in lines:
        kept = line.person_id == staying
        line.decision = (AccessDecision.KEPT if kept else AccessDecision.SUSPENDED).value
        line.decided_at = now()
        line.save(update_fields=["decision", "decided_at"])
    suspended = [line.person_id for line in lines if line.person_id != staying]
    review.closed_at = now()
    review.save(update_fields=["closed_at"])
    record(
        worker, Subject("access_review", review.id, supplier=review.company_id), count=len(suspended),
        suspended=suspended, kept=staying,
    )  # fmt: skip
    if suspended:
        publish_event(worker, "access_suspended", company=review.company_id, people=suspended)
    return len(suspended)


def suspend(worker: Viewer, news: dict[str, Any]) -> None:
    """Carries a suspension out: the worker decides it, the buyer's login writes people. Bears repetition."""
    with viewer_scope(worker):
        told = administrators_of(UUID(news["company"]))
    acting = Viewer(worker.person, worker.company, Role.ADMINISTRATOR, door=worker.door)
    people = [UUID(one) for one in news["people"]]
    with viewer_scope(acting):
        if Person.objects.filter(id__in=people, active=True).exists():
            _shut_out(acting, people)
            text = _("People whom nobody confirmed in time were shut out: %(n)d. Let in again who should stay.\n")
            mail_after_commit(acting, told, _("Access ended"), text % {"n": len(people)})


def _last_administrator(company: UUID, leaving: set[UUID]) -> UUID | None:
    """Who stays although unconfirmed, so that a company never loses everybody who could let people in."""
    roles = Person.objects.filter(company_id=company, active=True, role__in=ADMINISTRATORS).order_by("joined_at", "id")
    administrators = list(roles.values_list("id", flat=True))
    return administrators[0] if administrators and set(administrators) <= leaving else None


def waiting_for(viewer: Viewer) -> ReviewRecord | None:
    """The open review that waits for the viewer, if he may decide in it."""
    found = standing_review(viewer) if viewer.role in _DECIDERS else None
    return found if found and not found.closed and found.waiting else None
