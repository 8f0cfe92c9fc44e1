"""The page on which administrators of either side confirm who may enter, and the notice that it waits."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tierwise.directory.records import AccessDecision
from tierwise.directory.reviewing import decide_access, reviewed_people, standing_review, waiting_for
from tierwise.directory.wording import role_word
from tierwise.kernel.audit import Invalid, NotAllowed
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.due import Due
from tierwise.web.pages import Action, Crumb, Empty, Notice, Page, Status, Tone, WorklistRow, respond
from tierwise.web.viewing import DeskRequest

DECISION_WORDS = {
    AccessDecision.OPEN: (gettext_lazy("Waits"), Tone.WATCH),
    AccessDecision.CONFIRMED: (gettext_lazy("Confirmed"), Tone.GOOD),
    AccessDecision.WITHDRAWN: (gettext_lazy("Withdrawn"), Tone.PLAIN),
    AccessDecision.SUSPENDED: (gettext_lazy("Suspended"), Tone.BAD),
    AccessDecision.KEPT: (gettext_lazy("Kept: last administrator"), Tone.WATCH),
}


def review_page(request: DeskRequest, here: str, crumb: Crumb) -> HttpResponse:
    """Shows the review of the viewer's company; a POST decides about the people it names."""
    viewer = request.viewer
    if viewer.role not in {Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR}:
        raise NotAllowed("role", _("Only administrators confirm who may enter."))
    if request.method == "POST":
        return _decide(request, here)
    review = standing_review(viewer)
    people = reviewed_people(viewer, review.id) if review else []
    rows = [(one, role_word(one.role), _status(one.decision)) for one in people]
    page = Page(_("Confirm who may enter"), (crumb,), status=_state(review is None or review.closed))
    notices = []
    if review and not review.closed and review.waiting:
        text = _("Please answer by %(due)s. Access that nobody confirms ends after %(end)s.")
        tone = Tone.BAD if review.due_on < today() else Tone.WATCH
        notices.append(Notice(text % {"due": review.due_on, "end": review.ends_on}, tone))
    return respond(request, "directory/review.html", {
        "page": page, "notices": notices, "review": review, "rows": rows, "here": reverse(here),
        "undecided": [one for one in people if one.decision is AccessDecision.OPEN and one.decidable],
        "empty": Empty(
            _("Nobody has to be confirmed"), _("A review opens by itself when it is time."),
            Action(crumb.label, crumb.href) if crumb.href else None,
        ),
    })  # fmt: skip


def _status(decision: AccessDecision) -> Status:
    label, tone = DECISION_WORDS[decision]
    return Status(str(label), tone)


def _state(closed: bool) -> Status:
    return Status(_("Nothing is asked")) if closed else Status(_("Open"), Tone.WATCH)


def _decide(request: DeskRequest, here: str) -> HttpResponse:
    keep = request.POST.get("decision") == "confirm"
    try:
        lines = [UUID(one) for one in request.POST.getlist("line")]
    except ValueError:
        raise Invalid("people", _("Choose at least one person."), field="line") from None
    count = decide_access(request.viewer, lines, keep)
    kept = ngettext("%d person is confirmed.", "%d people are confirmed.", count)
    ended = ngettext("%d person is shut out, at once.", "%d people are shut out, at once.", count)
    messages.success(request, (kept if keep else ended) % count)
    return redirect(here)


def due_reviews(viewer: Viewer, here: str) -> Sequence[Due]:
    """The open review, for those who decide in it."""
    review = waiting_for(viewer)
    if review is None:
        return []
    what = ngettext("Confirm that %d person may enter", "Confirm that %d people may enter", review.waiting)
    row = WorklistRow(
        what % review.waiting, reverse(here),
        _("Access that nobody confirms ends after %(end)s.") % {"end": review.ends_on},
        due=review.due_on, late=review.due_on < today(),
    )  # fmt: skip
    return [Due(row, key=f"review-{review.id}")]
