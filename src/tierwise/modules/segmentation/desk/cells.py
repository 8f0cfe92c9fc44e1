"""One demand cell: where it is, since when and why, and the pin that overrules the rules."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.directory import queries as directory
from tierwise.directory.records import COMMON
from tierwise.engine.thresholds import UNKNOWN
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.modules.segmentation import actions, queries, words
from tierwise.modules.segmentation.desk.members import cell_address, may
from tierwise.modules.segmentation.desk.segments import crumb
from tierwise.modules.segmentation.records import ATTRIBUTES, CELL, METRICS
from tierwise.web.pages import Action, Column, Crumb, Fact, Grid, Kind, Money, Page, Quantity, Shown, respond
from tierwise.web.viewing import DeskRequest


class PinForm(forms.Form):
    segment = forms.ChoiceField(label=gettext_lazy("Segment"))
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=200)
    expires_on = forms.DateField(
        label=gettext_lazy("Last day"), required=False, widget=forms.DateInput({"type": "date"}),
        help_text=gettext_lazy("Better with an end: a pin without one hides what the rules would say."),
    )  # fmt: skip

    def __init__(self, data: Any, viewer: Viewer, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        choices = [(s.code, f"{s.code} {s.name}") for s in directory.segments(viewer) if s.code != COMMON]
        self.fields["segment"] = forms.ChoiceField(label=_("Segment"), choices=choices)


def cell(request: DeskRequest) -> HttpResponse:
    return _page(request, {name: request.GET.get(name, "") for name in CELL})


def why_mixed(viewer: Viewer, item: str, on: date) -> str:
    """Through which sold items the segments reach a bought one, for the item's page."""
    return queries.mix_sentence(viewer, queries.live_document(viewer), item, on)


@require_POST
def pin(request: DeskRequest) -> HttpResponse:
    where = {name: request.POST.get(name, "") for name in CELL}
    if request.POST.get("decision") == "unpin":
        actions.unpin_cell(request.viewer, where)
        messages.success(request, _("The pin is gone; the rules decide again with the next plan that is applied."))
        return redirect(cell_address(where))
    form = PinForm(request.POST, request.viewer)
    if not form.is_valid():
        return _page(request, where, form)
    given = form.cleaned_data
    actions.pin_cell(request.viewer, where, given["segment"], given["reason"], given["expires_on"])
    messages.success(request, _("Pinned. It counts from the next plan that is applied."))
    return redirect(cell_address(where))


def _page(request: DeskRequest, where: dict[str, str], form: PinForm | None = None) -> HttpResponse:
    viewer = request.viewer
    told = queries.explain_cell(viewer, where)
    chips = {chip.code: chip for chip in directory.segment_chips(viewer).values()}
    current = next((row["segment"] for row in reversed(told["intervals"]) if row["valid_from"] <= today()), "")
    fixed = queries.pin_of(viewer, where)
    names = dict(directory.items(viewer).select("item", "name").iter_rows())
    document = queries.live_document(viewer)
    crumbs = (crumb(), Crumb(chips[current].name, reverse("desk-segment", args=[current]))) if current else (crumb(),)
    title = names.get(where["item"]) or where["item"]
    page = Page(
        title, crumbs, segment=chips.get(current),
        lead=" · ".join(where[name] for name in CELL if where[name] != "*"),
    )  # fmt: skip
    first = {"segment": fixed.segment, "reason": fixed.reason, "expires_on": fixed.expires_on} if fixed else None
    edits = may(viewer, actions.pin_cell)
    return respond(request, "segmentation/cell.html", {
        "page": page, "cell": where, "facts": _facts(told["latest"], document.currency if document else ""),
        "why": _sentence(told["latest"], chips), "numbers": _numbers(told["latest"]),
        "grids": [_intervals(told["intervals"], tuple(chips.values()))], "pin": fixed,
        "pin_over": bool(fixed and fixed.expires_on and fixed.expires_on < today()),
        "form": (form or PinForm(None, viewer, first)) if edits else None,
        "unpin": Action(_("Take the pin away"), reverse("desk-cell-pin"), True, where | {"decision": "unpin"})
        if fixed and edits else None,
        "item_href": reverse("desk-item", args=[where["item"]]) if where["item"] in names else "",
    })  # fmt: skip


def _facts(latest: dict[str, Any] | None, currency: str) -> list[Fact]:
    if latest is None:
        return []
    money = {name: Money(round(latest[name] or 0, 2), currency) for name in ("revenue", "profit")}  # type: ignore[arg-type]
    basis = words.COST_BASIS.get(latest["cost_basis"] or "")
    return [
        Fact(_("Net revenue"), money["revenue"], METRICS["net_revenue"].formula),
        Fact(_("Net margin"), money["profit"] if latest["profit"] is not None else None,
             METRICS["net_margin"].formula + (f"; {basis}" if basis else "")),
        Fact(_("Units"), Quantity(latest["units"] or 0, ""), METRICS["volume"].formula),
        Fact(_("Order lines"), latest["lines"]),
        Fact(_("Lines a month"), round(latest["lines_per_month"] or 0, 2)),
        Fact(_("Variation"), None if latest["cv"] is None else round(latest["cv"], 3), METRICS["cv"].formula),
        Fact(_("Demand"), _known(latest["demand_class"])),
    ]  # fmt: skip


def _sentence(latest: dict[str, Any] | None, chips: dict[str, Any]) -> str:
    """Why it is where it is, in one sentence."""
    if latest is None:
        return _("It has not been evaluated since it was placed.")
    name = chips[latest["proposed"]].name if latest["proposed"] in chips else latest["proposed"]
    told = _("The rules propose %(segment)s: %(rule)s.") % {
        "segment": name, "rule": words.rule_in_words(latest["rule"]),
    }  # fmt: skip
    if latest["reason"] not in {"kept", "assigned"}:
        told += " " + _("It is where it is because it is %(reason)s.") % {"reason": words.REASONS[latest["reason"]]}
    if latest["streak"]:
        told += " " + _("Evaluations in a row that proposed %(segment)s: %(n)d.") % {
            "segment": latest["streak_segment"], "n": latest["streak"],
        }  # fmt: skip
    return told


def _numbers(latest: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Per threshold and metric: the value, the cut nearest to it, and how far it lies from that."""
    if latest is None:
        return []
    told = json.loads(latest["numbers"])
    rows = [
        {
            "name": name, "metric": METRICS[found["metric"]].label, "value": _rounded(found["value"]),
            "label": found["label"], "cut": _rounded(found.get("cut")), "distance": found.get("distance"),
            "near": bool(found.get("boundary")), "formula": METRICS[found["metric"]].formula,
        }
        for name, found in (told.get("thresholds") or {}).items()
    ]  # fmt: skip
    rows += [
        {"name": METRICS[name].label, "metric": "", "value": _rounded(value), "formula": METRICS[name].formula}
        for name, value in (told.get("metrics") or {}).items()
    ]
    rows += [
        {"name": name.replace("_", " "), "metric": "", "value": _known(value), "formula": ATTRIBUTES[name]}
        for name, value in (told.get("attributes") or {}).items()
    ]
    return rows


def _known(value: Shown) -> Shown:
    return _("not enough history") if value == UNKNOWN else value


def _rounded(value: float | None) -> Shown:
    if value is None:
        return None
    return round(value) if abs(value) >= 100 else round(value, 3)


def _intervals(intervals: list[dict[str, Any]], chips: tuple[Any, ...]) -> Grid:
    earliest = date(1900, 1, 1)
    rows = [
        row | {"since": _("the beginning") if row["valid_from"] == earliest else str(row["valid_from"]),
               "until": str(row["valid_to"] or _("further notice")), "why": words.rule_in_words(row["rule"])}
        for row in reversed(intervals)
    ]  # fmt: skip
    columns = (
        Column("segment", _("Segment"), Kind.SEGMENT, card=True),
        Column("since", _("From"), card=True),
        Column("until", _("To"), card=True),
        Column("scheme_version", _("Version"), Kind.QUANTITY, card=True),
        Column("why", _("Decided by"), card=True, width=320),
    )
    return Grid("intervals", columns, rows, label=_("Where it was"), segments=chips, empty=_("Not placed yet."))
