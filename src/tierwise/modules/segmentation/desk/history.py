"""Versions of the scheme and their plans; two documents side by side; going back."""

from __future__ import annotations

import difflib

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tierwise.directory import queries as directory
from tierwise.kernel.viewer import Viewer
from tierwise.modules.segmentation import actions, queries, words
from tierwise.modules.segmentation.desk.members import may
from tierwise.modules.segmentation.desk.plans import consequence
from tierwise.modules.segmentation.desk.segments import crumb
from tierwise.modules.segmentation.records import SchemeState, VersionRecord
from tierwise.web.pages import Action, Column, Crumb, Grid, Kind, Page, respond
from tierwise.web.viewing import DeskRequest


def history(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    page = Page(
        _("Plans and versions"), (crumb(),), action=Action(_("Open the scheme"), reverse("desk-scheme")),
        lead=_("Versions are never changed once applied; going back writes a new one."),
    )  # fmt: skip
    return respond(request, "web/grid.html", {"page": page, "grids": [_versions(viewer), _plans(viewer)]})


def _versions(viewer: Viewer) -> Grid:
    found = queries.scheme_versions(viewer)
    people = {v.written_by for v in found} | {v.applied_by for v in found if v.applied_by}
    names = directory.names_of(viewer, people)
    rows = [
        {
            "number": v.number, "title": v.title, "address": reverse("desk-scheme-version", args=[v.number]),
            "state": v.state.value, "effective_on": v.effective_on, "written_at": v.written_at,
            "written_by": names.get(v.written_by, ""), "applied_at": v.applied_at,
            "applied_by": names.get(v.applied_by, "") if v.applied_by else "",
            "restores": _("version %(n)d") % {"n": v.restores} if v.restores else "",
        }
        for v in found
    ]  # fmt: skip
    columns = (
        Column("title", _("Scheme"), Kind.LINK, href="address", card=True, width=240),
        Column("number", _("Version"), Kind.QUANTITY, card=True),
        Column("state", _("State"), Kind.STATUS, card=True,
               statuses=words.statuses({k.value: v for k, v in words.VERSION.items()})),
        Column("effective_on", _("In force from"), Kind.DATE, card=True),
        Column("written_at", _("Written"), Kind.INSTANT),
        Column("written_by", _("By")),
        Column("applied_at", _("Applied"), Kind.INSTANT),
        Column("applied_by", _("Applied by")),
        Column("restores", _("Brings back")),
    )  # fmt: skip
    return Grid("versions", columns, rows, label=_("Versions"), empty=_("There is no scheme yet."))


def _plans(viewer: Viewer) -> Grid:
    found = queries.plans(viewer)
    names = directory.names_of(viewer, {plan.planned_by for plan in found})
    rows = [
        {
            "what": consequence(plan), "address": reverse("desk-plan", args=[plan.id]), "version": plan.version,
            "state": plan.state.value, "effective_on": plan.effective_on, "planned_at": plan.planned_at,
            "who": _("Cycle") if plan.filed_by_cycle else names.get(plan.planned_by, ""),
            "profit": plan.summary["profit_moved"], "currency": plan.summary["currency"],
        }
        for plan in found
    ]  # fmt: skip
    columns = (
        Column("what", _("Plan"), Kind.LINK, href="address", card=True, width=380),
        Column("state", _("State"), Kind.STATUS, card=True,
               statuses=words.statuses({k.value: v for k, v in words.PLAN.items()})),
        Column("version", _("Version"), Kind.QUANTITY, card=True),
        Column("effective_on", _("In force from"), Kind.DATE, card=True),
        Column("profit", _("Margin that moves"), Kind.MONEY, unit_field="currency", decimals=0),
        Column("planned_at", _("Filed"), Kind.INSTANT),
        Column("who", _("By")),
    )  # fmt: skip
    return Grid("plans", columns, rows, label=_("Plans"), empty=_("Nothing has been planned yet."))


def version(request: DeskRequest, number: int) -> HttpResponse:
    """One version's text, and what it changed against another."""
    viewer = request.viewer
    found, versions = queries.scheme_version(viewer, number), queries.scheme_versions(viewer)
    other = _other(viewer, request.GET.get("against", ""), found, versions)
    page = Page(
        _("%(title)s, version %(n)d") % {"title": found.title, "n": number},
        (crumb(), Crumb(_("Plans and versions"), reverse("desk-scheme-history"))),
        status=words.status(words.VERSION[found.state]), action=_back(viewer, found),
        actions=(
            Action(_("Open in the studio"), f"{reverse('desk-scheme')}?version={number}"),
            Action(_("Download"), reverse("desk-scheme-file", args=[number])),
        ),
        lead=_("In force from %(day)s.") % {"day": found.effective_on} if found.effective_on else "",
    )  # fmt: skip
    lines = _compared(other.document, found.document) if other else [("", line) for line in found.document.splitlines()]
    return respond(request, "segmentation/version.html", {
        "page": page, "lines": lines, "other": other, "number": number,
        "others": [v for v in versions if v.number != number],
        "changed": sum(bool(mark.strip()) for mark, _line in lines),
    })  # fmt: skip


def _other(
    viewer: Viewer, against: str, found: VersionRecord, versions: list[VersionRecord]
) -> VersionRecord | None:  # fmt: skip
    if against.isdigit():
        return queries.scheme_version(viewer, int(against))
    return next((v for v in versions if v.number < found.number), None)


def _compared(before: str, after: str) -> list[tuple[str, str]]:
    return [
        (line[:1], line[2:])
        for line in difflib.ndiff(before.splitlines(), after.splitlines())
        if not line.startswith("?")
    ]


def _back(viewer: Viewer, found: VersionRecord) -> Action | None:
    if found.state is not SchemeState.PAST or not may(viewer, actions.roll_back):
        return None
    return Action(
        _("Go back to version %(n)d: draft it again") % {"n": found.number},
        reverse("desk-scheme-back", args=[found.number]), True,
    )  # fmt: skip


@require_POST
def back(request: DeskRequest, number: int) -> HttpResponse:
    draft = actions.roll_back(request.viewer, number)
    text = _("Version %(old)d is draft %(new)d again. Plan it to see who would move.")
    messages.success(request, text % {"old": number, "new": draft})
    return redirect(f"{reverse('desk-scheme')}?version={draft}")
