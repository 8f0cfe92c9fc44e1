"""Who has to know that a scheme was applied, and in which words.

A supplier is told of the segments it serves, under the names it knows them by: that members came or went, and which
rules change. It is told no number, no customer, no cell and no other supplier; of access it gains or loses it hears
once a buyer has confirmed or ended the support.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tierwise.directory import queries as directory
from tierwise.directory.ports import NoticeWording, Said, register_notice_wording
from tierwise.directory.records import NoticePut, NoticeRecord, SupportState
from tierwise.kernel.viewer import Viewer
from tierwise.modules.segmentation import queries

KIND = "scheme_applied"
FACETS = {
    "attribution": gettext_lazy("how your lines count for it"),
    "disclosure": gettext_lazy("what may be shown to you"),
    "scoring": gettext_lazy("how your deliveries are judged"),
}
"""The rules a supplier may know of, by the facet that holds them; others are the buyer's own."""


def notices(viewer: Viewer, plan_id: UUID) -> list[NoticePut]:
    """What to tell each company of a plan that was applied."""
    plan = queries.plan(viewer, plan_id)
    codes = directory.segment_ids(viewer)
    moves = queries.moves(viewer, plan_id)
    moved = {codes[code] for name in ("from_segment", "to_segment") for code in moves[name].unique() if code in codes}
    ruled = directory.facets_set_by(viewer, plan.version)
    told: dict[UUID, list[dict[str, Any]]] = {}
    for support in directory.supports(viewer):
        if support.state is not SupportState.CONFIRMED:
            continue
        rules = sorted(ruled.get(support.segment, set()) & FACETS.keys())
        if support.segment in moved or rules:
            line = {"segment": support.shown_name, "members": support.segment in moved, "rules": rules}
            told.setdefault(support.supplier, []).append(line)
    own = {"version": plan.version, "moves": plan.summary["moves"], "suppliers": len(told)}
    return [
        NoticePut(directory.host(viewer).id, KIND, str(plan_id), own, plan.effective_on),
        *(
            NoticePut(supplier, KIND, str(plan_id), {"segments": sorted(lines, key=lambda one: one["segment"])},
                      plan.effective_on)
            for supplier, lines in sorted(told.items())
        ),
    ]  # fmt: skip


def say(notice: NoticeRecord, at_desk: bool) -> Said:
    return _said_at_desk(notice) if at_desk else _said_in_portal(notice.said["segments"])


def _said_at_desk(notice: NoticeRecord) -> Said:
    said = notice.said
    text = ngettext(
        "Scheme version %(version)d was applied: %(moves)d member moves",
        "Scheme version %(version)d was applied: %(moves)d members move", said["moves"],
    )  # fmt: skip
    told = ngettext("%d supplier is told", "%d suppliers are told", said["suppliers"]) % said["suppliers"]
    return Said(text % said, reverse("desk-plan", args=[notice.key]), (told,))


def _said_in_portal(lines: Iterable[dict[str, Any]]) -> Said:
    return Said(
        _("Your customer has changed its segments"), reverse("portal-company"),
        tuple(f"{line['segment']}: {'; '.join(_parts(line))}" for line in lines),
    )  # fmt: skip


def _parts(line: dict[str, Any]) -> list[str]:
    members = [_("products or customers came or went, so shares and demand may change")] if line["members"] else []
    rules = [_("new rules for %(what)s") % {"what": FACETS[name]} for name in line["rules"]]
    return [*members, *rules]


def register() -> None:
    register_notice_wording(KIND, NoticeWording(say, prompt=True))
