"""What pages call the states, reasons and results of segmentation."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.directory.records import Involvement, SupportState
from tierwise.engine.scheme import DEFAULT_RULE, Reason
from tierwise.modules.segmentation.queries import PIN_ENDED
from tierwise.modules.segmentation.records import PlanState, SchemeState
from tierwise.web.pages import Status, Tone

Word = str | Promise

REASONS: dict[str, Word] = {
    Reason.ASSIGNED: gettext_lazy("new, placed by the rules at once"),
    Reason.KEPT: gettext_lazy("the rules put it here"),
    Reason.MOVED_BEYOND_MARGIN: gettext_lazy("beyond the cut by more than the margin"),
    Reason.MOVED_AFTER_STREAK: gettext_lazy("qualified elsewhere often enough in a row"),
    Reason.MOVED_SEGMENT_GONE: gettext_lazy("its segment leaves the scheme"),
    Reason.HELD: gettext_lazy("held: near a cut, not yet often enough"),
    Reason.PINNED: gettext_lazy("pinned by hand"),
    PIN_ENDED: gettext_lazy("its pin has ended"),
}
SELECTION: dict[str, Word] = {
    "picked": gettext_lazy("picked: worth most within the hours"),
    "picked_for_floor": gettext_lazy("picked to reach the floor"),
    "value_not_positive": gettext_lazy("earns nothing after cost to serve"),
    "other_level_picked": gettext_lazy("picked at another depth"),
    "not_enough_hours": gettext_lazy("the hours are spent on what is worth more"),
    "no_pick": gettext_lazy("no pick meets the floors"),
}
DEPTH: dict[str, Word] = {
    "deep": gettext_lazy("in depth"), "standard": gettext_lazy("standard"), "none": gettext_lazy("default terms"),
}  # fmt: skip
VERSION: dict[SchemeState, tuple[Word, Tone]] = {
    SchemeState.DRAFT: (gettext_lazy("Draft"), Tone.PLAIN),
    SchemeState.LIVE: (gettext_lazy("Live"), Tone.GOOD),
    SchemeState.PAST: (gettext_lazy("Past"), Tone.PLAIN),
}
PLAN: dict[PlanState, tuple[Word, Tone]] = {
    PlanState.OPEN: (gettext_lazy("Open"), Tone.WATCH),
    PlanState.APPLIED: (gettext_lazy("Applied"), Tone.GOOD),
    PlanState.STALE: (gettext_lazy("Out of date"), Tone.PLAIN),
}
SUPPORT: dict[SupportState, tuple[Word, Tone]] = {
    SupportState.PROPOSED: (gettext_lazy("Proposed"), Tone.WATCH),
    SupportState.CONFIRMED: (gettext_lazy("Confirmed"), Tone.GOOD),
    SupportState.ENDED: (gettext_lazy("Ended"), Tone.PLAIN),
}
INVOLVEMENT: dict[Involvement, Word] = {
    Involvement.EXECUTION: gettext_lazy("Carries out"),
    Involvement.ADVISORY: gettext_lazy("Advises"),
    Involvement.CO_CREATION: gettext_lazy("Creates with us"),
}
COST_BASIS: dict[str, Word] = {
    "known": gettext_lazy("every line has its cost"),
    "estimated": gettext_lazy("partly estimated from the cell's own ratio"),
    "unknown": gettext_lazy("not known"),
}


def status(words: tuple[Word, Tone]) -> Status:
    return Status(str(words[0]), words[1])


def statuses(words: dict[str, tuple[Word, Tone]]) -> dict[str, Status]:
    return {str(key): status(pair) for key, pair in words.items()}


def rule_in_words(rule: str) -> str:
    """What decided: a rule by name, hysteresis, a pin, or that no rule took the cell."""
    if rule in REASONS:
        return str(REASONS[rule])
    return _("no rule took it") if rule == DEFAULT_RULE else _("rule “%(rule)s”") % {"rule": rule}


def reason_in_words(reason: str) -> str:
    """``moved_beyond_margin: earners`` as a sentence's part."""
    code, _sep, rule = reason.partition(": ")
    told = str(REASONS.get(code, code))
    return f"{rule_in_words(rule)}; {told}" if rule else told
