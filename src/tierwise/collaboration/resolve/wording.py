"""Cases in words, alike on both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.collaboration.publish.records import LineRecord
from tierwise.collaboration.resolve.ports import Change
from tierwise.collaboration.resolve.records import (
    CaseEntryRecord,
    CaseFile,
    CaseRecord,
    CaseState,
    CaseStep,
    DisputeReason,
    Ruling,
)
from tierwise.collaboration.showing import EXCLUSIONS
from tierwise.kernel.clock import now
from tierwise.web.pages import (
    Difference,
    DifferenceRow,
    Fact,
    Quantity,
    Status,
    Timeline,
    TimelineEntry,
    Tone,
)
from tierwise.web.pages.rows import Shown

REASONS = {
    DisputeReason.DELIVERED_EARLIER: gettext_lazy("It was delivered earlier"),
    DisputeReason.QUANTITY_WRONG: gettext_lazy("The quantity is wrong"),
    DisputeReason.DATE_CHANGED_BY_BUYER: gettext_lazy("The buyer changed the date"),
    DisputeReason.NOT_OUR_FAULT: gettext_lazy("It was not our fault"),
    DisputeReason.REJECT_NOT_JUSTIFIED: gettext_lazy("The reject is not justified"),
    DisputeReason.NOT_OUR_ORDER: gettext_lazy("It is not our order"),
}
STATES = {
    CaseState.OPEN: (gettext_lazy("Open"), Tone.WATCH),
    CaseState.UPHELD: (gettext_lazy("Upheld"), Tone.GOOD),
    CaseState.REJECTED: (gettext_lazy("Rejected"), Tone.PLAIN),
    CaseState.WITHDRAWN: (gettext_lazy("Withdrawn"), Tone.PLAIN),
}
STEPS = {
    CaseStep.OPENED: gettext_lazy("Dispute opened"),
    CaseStep.NOTE: gettext_lazy("Note"),
    CaseStep.WITHDRAWN: gettext_lazy("Dispute withdrawn"),
    CaseStep.RULED: gettext_lazy("Ruled"),
}
VALUES = {
    "delivered_on": gettext_lazy("Delivered on"),
    "received": gettext_lazy("Received"),
    "rejected": gettext_lazy("Rejected"),
    "days_late": gettext_lazy("Calendar days late"),
    "excluded": gettext_lazy("Left out of the score"),
}


def status(case: CaseRecord) -> Status:
    if case.state is CaseState.OPEN and case.due_at < now():
        return Status(_("Ruling overdue"), Tone.BAD)
    label, tone = STATES[case.state]
    return Status(str(label), tone)


def title(case: CaseRecord) -> str:
    return _("Case %(n)s: order %(order)s, line %(line)s") % {"n": case.number, "order": case.order, "line": case.line}


def line_facts(line: LineRecord) -> list[Fact]:
    """The line as it was judged."""
    values = line.values

    def quantity(name: str) -> Shown:
        return None if values[name] is None else Quantity(values[name], values["unit"])

    return [
        Fact(_("Order and line"), f"{line.order} / {line.line}"),
        Fact(_("Item"), line.item, note=line.item_name),
        Fact(_("Due"), values["due_on"]),
        Fact(_("Delivered, as judged"), values["delivered_on"]),
        Fact(_("Days late"), values["days_late"]),
        Fact(_("Ordered"), quantity("ordered")),
        Fact(_("Received"), quantity("received")),
        Fact(_("Rejected"), quantity("rejected")),
        Fact(_("On time"), _verdict(values["on_time"])),
        Fact(_("In full"), _verdict(values["in_full"])),
    ]


def _verdict(value: bool | None) -> Status:
    if value is None:
        return Status(_("Not judged"))
    return Status(_("Yes"), Tone.GOOD) if value else Status(_("No"), Tone.BAD)


def claim_facts(case: CaseRecord) -> list[Fact]:
    claim = case.claim
    found = [Fact(_("Reason given"), str(REASONS[claim.reason])), Fact(_("What happened"), claim.text)]
    if claim.delivered_on is not None:
        found.append(Fact(_("Delivered, as claimed"), claim.delivered_on))
    if claim.quantity is not None:
        found.append(Fact(_("Quantity, as claimed"), claim.quantity))
    found += [Fact(_("Opened"), case.opened_at), Fact(_("Ruling due"), case.due_at)]
    return found


def ruling_facts(ruling: Ruling | None) -> list[Fact]:
    if ruling is None:
        return []
    found = [Fact(_("Ruling"), _("Upheld") if ruling.upheld else _("Rejected"), note=ruling.text)]
    found += [
        Fact(_("Put right: %(what)s") % {"what": VALUES[name]}, getattr(ruling, name))
        for name in ("delivered_on", "received", "rejected")
        if getattr(ruling, name) is not None
    ]
    if ruling.excluded is not None:
        found.append(Fact(str(VALUES["excluded"]), str(EXCLUSIONS[ruling.excluded.value])))
    return found


def effect(changes: list[Change], *, who: str) -> Difference:
    """What a ruling would move, from → to."""
    rows = [
        DifferenceRow(str(VALUES.get(c.what, c.what)), _shown(c.before), _shown(c.after), _moved(c), who)
        for c in changes
    ]
    return Difference(rows, empty=_("Nothing changes: the line stays as it was judged."))


def _shown(value: Any) -> Shown:
    if value in {None, ""}:
        return "–"
    return str(EXCLUSIONS[value]) if isinstance(value, str) and value in EXCLUSIONS else value


def _moved(change: Change) -> Shown:
    if isinstance(change.before, int | float) and isinstance(change.after, int | float):
        return change.after - change.before
    return None


def timeline(
    file: CaseFile, names: Mapping[UUID, str], companies: tuple[str, str], href: Callable[[UUID], str], *, at_desk: bool
) -> Timeline:
    """Steps of both companies, the newest first; a step with evidence opens it."""
    entries = [_entry(entry, names, href, at_desk) for entry in reversed(file.entries)]
    return Timeline(entries, ours=companies[0], theirs=companies[1])


def _entry(
    entry: CaseEntryRecord, names: Mapping[UUID, str], href: Callable[[UUID], str], at_desk: bool
) -> TimelineEntry:
    ours = (entry.side == "supplier") is not at_desk
    what = str(STEPS[entry.what])
    if entry.file is not None:
        what = _("%(what)s, with %(file)s") % {"what": what, "file": entry.file.name}
    return TimelineEntry(
        entry.at, what, names.get(entry.person, ""), "ours" if ours else "theirs", note=entry.text,
        href=href(entry.id) if entry.file is not None else "",
    )  # fmt: skip
