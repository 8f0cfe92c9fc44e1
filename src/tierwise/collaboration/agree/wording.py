"""Agreements in words, alike on both sides: states, what is shared, differences, what happened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.collaboration.agree.records import (
    SHARED_FIELDS,
    AgreementHistory,
    AgreementRecord,
    AgreementState,
    DataSharingTerms,
    Frequency,
    Grain,
    Wording,
)
from tierwise.kernel.clock import today
from tierwise.web.pages import Difference, DifferenceRow, Fact, Status, Timeline, TimelineEntry, Tone

FIELDS = {
    "demand": gettext_lazy("Demand of the segment"),
    "order_forecast": gettext_lazy("Order forecast for the supplier's items"),
    "scorecard": gettext_lazy("Scorecard"),
    "scorecard_lines": gettext_lazy("Purchase lines beneath the scorecard"),
}
GRAINS = {
    Grain.ITEM_WEEK: gettext_lazy("Item by week"),
    Grain.ITEM_MONTH: gettext_lazy("Item by month"),
    Grain.FAMILY_MONTH: gettext_lazy("Item family by month"),
}
FREQUENCIES = {Frequency.WEEKLY: gettext_lazy("Weekly"), Frequency.MONTHLY: gettext_lazy("Monthly")}
STATES = {
    AgreementState.OFFERED: (gettext_lazy("Offered"), Tone.WATCH),
    AgreementState.IN_FORCE: (gettext_lazy("In force"), Tone.GOOD),
    AgreementState.DECLINED: (gettext_lazy("Declined"), Tone.BAD),
    AgreementState.WITHDRAWN: (gettext_lazy("Withdrawn"), Tone.PLAIN),
    AgreementState.SUPERSEDED: (gettext_lazy("Superseded"), Tone.PLAIN),
    AgreementState.ENDED: (gettext_lazy("Ended"), Tone.PLAIN),
    AgreementState.EXPIRED: (gettext_lazy("Expired unanswered"), Tone.BAD),
}


DEPTHS = {
    "none": gettext_lazy("default terms: by month, once a month, at most 184 days ahead"),
    "standard": gettext_lazy("the standard depth: by month, once a month, at most 366 days ahead"),
    "deep": gettext_lazy("depth: as finely, often and far as both agree"),
}
TERMS = {
    "grain": gettext_lazy("Grain of demand"),
    "frequency": gettext_lazy("Published"),
    "horizon_days": gettext_lazy("Looks ahead"),
}


def too_far(beyond: Iterable[str], depth: str) -> str:
    """Which terms go further than the segment is worked on, and what would help."""
    said = _("%(terms)s: further than the segment is worked on (%(depth)s). Share less, or plan hours for it.")
    return said % {"terms": ", ".join(str(TERMS[name]) for name in beyond), "depth": DEPTHS[depth]}


def status(state: AgreementState) -> Status:
    label, tone = STATES[state]
    return Status(str(label), tone)


def statuses() -> dict[str, Status]:
    return {state.value: status(state) for state in AgreementState}


def record_status(record: AgreementRecord) -> Status:
    """An accepted wording that begins later says so."""
    if record.state is AgreementState.IN_FORCE and record.valid_from > today():
        return Status(_("Accepted, begins %(day)s") % {"day": record.valid_from.isoformat()}, Tone.GOOD)
    return status(record.state)


def shared_fields(terms: DataSharingTerms) -> str:
    return ", ".join(str(FIELDS[name]) for name in SHARED_FIELDS if name in terms.fields)


def days(count: int) -> str:
    return _("%(count)s days") % {"count": count}


def _values(terms: DataSharingTerms, valid_from: date, valid_to: date | None) -> list[tuple[str, str]]:
    return [
        *((str(label), _("shared") if name in terms.fields else _("not shared")) for name, label in FIELDS.items()),
        (_("Grain of demand"), str(GRAINS[terms.grain])),
        (_("Looks ahead"), days(terms.horizon_days)),
        (_("Looks back"), days(terms.history_days)),
        (_("Published"), str(FREQUENCIES[terms.frequency])),
        (_("May be used for"), terms.purpose),
        (_("Kept by the supplier at most"), days(terms.retention_days)),
        (_("Buyer rules on disputes within"), days(terms.ruling_days)),
        (_("Notice before the end"), days(terms.notice_days)),
        (_("From"), valid_from.isoformat()),
        (_("Until"), valid_to.isoformat() if valid_to else _("ended by notice")),
    ]


def facts(record: AgreementRecord) -> list[Fact]:
    return [Fact(label, value) for label, value in _values(record.terms, record.valid_from, record.valid_to)]


def difference(before: AgreementRecord | None, after: AgreementRecord | Wording) -> Difference:
    """What an offer would change against what is in force; against nothing where nothing is."""
    new = _values(after.terms, after.valid_from, after.valid_to)
    if before is None:
        rows = [DifferenceRow(label, _("nothing agreed"), value) for label, value in new]
    else:
        old = dict(_values(before.terms, before.valid_from, before.valid_to))
        rows = [DifferenceRow(label, old[label], value) for label, value in new if old[label] != value]
    return Difference(rows, empty=_("The wording says the same as the one in force."))


def timeline(history: AgreementHistory, ours: str, theirs: str, *, at_desk: bool) -> Timeline:
    """Offers and answers, the newest first."""
    buyer, supplier = ("ours", "theirs") if at_desk else ("theirs", "ours")
    answers = {
        AgreementState.DECLINED: (_("Version %(n)s declined"), Tone.BAD),
        AgreementState.IN_FORCE: (_("Version %(n)s accepted"), Tone.GOOD),
        AgreementState.SUPERSEDED: (_("Version %(n)s accepted"), Tone.GOOD),
        AgreementState.ENDED: (_("Version %(n)s accepted"), Tone.GOOD),
    }
    entries: list[TimelineEntry] = []
    for version in history.versions:
        if version.answered_at is not None and version.state in answers:
            text, _tone = answers[version.state]
            said = text % {"n": version.version}
            entries.append(TimelineEntry(version.answered_at, said, side=supplier, note=version.answer))
        if version.offered_at is not None:
            said = _("Version %(n)s offered") % {"n": version.version}
            entries.append(TimelineEntry(version.offered_at, said, side=buyer, status=record_status(version)))
    return Timeline(entries, ours=ours, theirs=theirs)
