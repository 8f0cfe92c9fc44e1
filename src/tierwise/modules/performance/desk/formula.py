"""The formula: what holds, its versions, and a new one on trial against the last period."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tierwise.directory import queries as directory
from tierwise.kernel.audit import Invalid, Refused
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries as lake
from tierwise.modules.performance import actions, queries, words
from tierwise.modules.performance.desk.heatmap import crumb, may
from tierwise.modules.performance.forms import FormulaForm, initial_of
from tierwise.modules.performance.records import DEFAULT_FORMULA, ComputedCards, Formula, FormulaRecord
from tierwise.web.pages import (
    Action,
    Column,
    Crumb,
    Difference,
    DifferenceRow,
    Fact,
    Grid,
    Kind,
    Notice,
    Page,
    Stat,
    Tone,
    respond,
)
from tierwise.web.viewing import DeskRequest

SHOWN = 25


def _base(viewer: Viewer) -> tuple[Formula, int]:
    found = queries.formula(viewer)
    return (found.formula, found.number) if found else (DEFAULT_FORMULA, 0)


def read(request: DeskRequest) -> HttpResponse:
    formula, number = _base(request.viewer)
    versions = queries.formulas(request.viewer)
    edits = may(request.viewer, actions.put_formula)
    page = Page(
        _("Formula of scorecards"), (crumb(),),
        lead=_("What differs by segment, such as targets and weights, stands in the segments' policy."),
        action=Action(_("Write a new version"), reverse("desk-scorecard-formula-new")) if edits else None,
        as_of=_("version %(n)d") % {"n": number} if number else _("defaults, not yet written"),
    )  # fmt: skip
    return respond(request, "web/record.html", {
        "page": page, "facts": [Fact(label, value) for label, value in _readable(formula).items()],
        "grids": [_policies(request.viewer), _versions(request.viewer, versions)],
    })  # fmt: skip


def _readable(formula: Formula) -> dict[str, str]:
    """Label → value in words, in the order of the form."""
    form = FormulaForm(None, formula)
    values = initial_of(formula) | {
        name: field.initial for name, field in form.fields.items() if name.startswith("by_")
    }
    found = {}
    for name, field in form.fields.items():
        value: Any = values.get(name)
        choices = dict(getattr(field, "choices", ()))
        shown = choices.get(value, value)
        if isinstance(value, bool):
            shown = _("yes") if value else _("no")
        if value is None or value == "":
            shown = _("any") if name in {"early_days", "over_tolerance"} else "–"
        found[str(field.label)] = str(shown).replace("\n", "; ")
    return found


def _policies(viewer: Viewer) -> Grid:
    """What each segment expects today."""
    chips = directory.segment_chips(viewer)
    policies = queries.policies(viewer)
    rows = [
        {"segment": chip.code, "name": chip.name, **policies[key]} for key, chip in chips.items() if key in policies
    ]
    columns = [Column("segment", _("Segment"), Kind.SEGMENT, card=True)]
    for stem, measure in (("otif", "otif"), ("fill", "fill_rate"), ("adherence", "lead_time_adherence")):
        group = str(words.MEASURES[measure].name)
        columns += [Column(f"{stem}_{part}", label, Kind.RATIO, group=group, decimals=0) for part, label in _parts()]
    ppm = str(words.MEASURES["reject_ppm"].name)
    kinds = {"limit": Kind.QUANTITY, "target": Kind.QUANTITY, "weight": Kind.RATIO}
    columns += [Column(f"reject_ppm_{part}", label, kinds[part], group=ppm, decimals=0) for part, label in _parts()]
    columns.append(Column("least_n", _("Judged from n"), Kind.QUANTITY, card=True))
    return Grid("policies", columns, rows, label=_("What each segment expects"), segments=tuple(chips.values()),
                empty=_("No segment yet."))  # fmt: skip


def _parts() -> list[tuple[str, str]]:
    return [("limit", _("Limit")), ("target", _("Target")), ("weight", _("Weight"))]


def _versions(viewer: Viewer, versions: list[FormulaRecord]) -> Grid:
    names = directory.names_of(viewer, [each.written_by for each in versions])
    rows = []
    for place, each in enumerate(versions):
        before = versions[place + 1].formula if place + 1 < len(versions) else DEFAULT_FORMULA
        changed = [f"{row.what}: {row.before} → {row.after}" for row in differences(before, each.formula)]
        rows.append({
            "number": each.number, "title": each.title, "written_at": each.written_at,
            "who": names.get(each.written_by) or _("Tierwise"), "changed": "; ".join(changed) or "–",
        })  # fmt: skip
    columns = [
        Column("number", _("Version"), Kind.QUANTITY, card=True), Column("title", _("Title"), card=True),
        Column("written_at", _("Written"), Kind.INSTANT, card=True), Column("who", _("By")),
        Column("changed", _("Changed"), card=True, width=640),
    ]  # fmt: skip
    return Grid(
        "versions", columns, rows, label=_("Versions"), empty=_("The defaults hold until a version is written.")
    )


def differences(before: Formula, after: Formula) -> list[DifferenceRow]:
    was, will = _readable(before), _readable(after)
    return [DifferenceRow(label, was[label], will[label]) for label in will if was[label] != will[label]]


def write(request: DeskRequest) -> HttpResponse:
    """The form of a new version; what it would do stands beside it before it is written."""
    base, number = _base(request.viewer)
    if not may(request.viewer, actions.put_formula):
        return redirect("desk-scorecard-formula")
    form = FormulaForm(request.POST if request.method == "POST" else None, base)
    if request.method == "POST" and form.is_valid():
        try:
            actions.put_formula(request.viewer, form.formula, int(request.POST.get("based_on") or number))
        except Refused as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("Written. It holds for periods that are scored from now on."))
            return redirect("desk-scorecard-formula")
    page = Page(
        _("New version of the formula"), (crumb(), Crumb(_("Formula"), reverse("desk-scorecard-formula"))),
        lead=_("Periods that were scored keep the formula they were scored by."),
        as_of=_("from version %(n)d") % {"n": number},
    )  # fmt: skip
    status = 422 if form.is_bound else 200
    context = {
        "page": page, "form": form, "based_on": number, "document_href": reverse("desk-scorecard-formula-new"),
        "consequence_href": reverse("desk-scorecard-formula-trial"), **_consequence(request.viewer, base, form),
    }  # fmt: skip
    return respond(request, "performance/formula.html", context, status)


@require_POST
def trial(request: DeskRequest) -> HttpResponse:
    """What the version in the form would change, computed on the last period; nothing is written."""
    base, _number = _base(request.viewer)
    form = FormulaForm(request.POST, base)
    return render(request, "web/consequence.html", _consequence(request.viewer, base, form))


def _consequence(viewer: Viewer, base: Formula, form: FormulaForm) -> dict[str, object]:
    if not form.is_bound:
        text = _("Change a value: what moves is shown here, on the last period that was scored.")
        return {"consequence_notices": [Notice(text)]}
    if not form.is_valid():
        faults = [f"{form.fields[name].label if name in form.fields else ''} {' '.join(map(str, each))}".strip()
                  for name, each in form.errors.items()]  # fmt: skip
        return {"consequence_notices": [Notice(fault, Tone.BAD) for fault in faults]}
    wanted = form.formula
    rows = differences(base, wanted)
    if not rows:
        return {"consequence_notices": [Notice(_("Nothing differs from the version that holds."))]}
    try:
        effect = _effect(viewer, base, wanted)
    except (Invalid, ValueError) as error:
        return {"consequence_notices": [Notice(str(error), Tone.BAD)], "difference": Difference(rows)}
    moved, total = effect.pop("moved", []), str(effect.pop("total", ""))
    return effect | {"difference": Difference([*rows, *moved], total=total)}


def _effect(viewer: Viewer, base: Formula, wanted: Formula) -> dict[str, Any]:
    """The last closed period of the wanted kind under both formulas."""
    manifest = lake.manifest(viewer)
    spans = queries.closed(viewer, wanted, manifest)
    if not spans:
        return {"consequence_notices": [Notice(_("No period has closed yet, so there is nothing to compare on."))]}

    def on_trial(formula: Formula) -> ComputedCards:
        held = FormulaRecord(UUID(int=0), 0, formula.title, formula, now(), viewer.person)
        return queries.compute(viewer, queries.Request(held, spans[-1], manifest, anew=True))

    compared = on_trial(base.with_changes(period=wanted.period))
    moved, standings, total = _moved(viewer, compared, on_trial(wanted))
    text = ngettext("%(n)d of %(all)d scores moves", "%(n)d of %(all)d scores move", len(moved)) % {
        "n": len(moved), "all": total,
    }  # fmt: skip
    text += ", " + ngettext("%(n)d standing changes.", "%(n)d standings change.", standings) % {"n": standings}
    return {
        "stats": [
            Stat(
                _("Scores that move"), len(moved), _("of %(n)d in %(period)s") % {"n": total, "period": spans[-1].label}
            ),
            Stat(_("Standings that change"), standings),
        ],
        "moved": moved[:SHOWN],
        "total": text,
    }


def _moved(viewer: Viewer, before: ComputedCards, after: ComputedCards) -> tuple[list[DifferenceRow], int, int]:
    """Cards whose score or standing differs, the largest move first; how many standings; how many cards."""
    pair = ["supplier", "segment"]
    columns = [*pair, "score", "standing"]
    joined = before.cards.select(columns).join(
        after.cards.select(columns), on=pair, how="full", suffix="_will", coalesce=True
    )
    names = {company.code: company.name for company in directory.suppliers(viewer)}
    chips = {chip.code: chip for chip in directory.segment_chips(viewer).values()}
    rows, standings = [], 0
    for row in joined.iter_rows(named=True):
        was, will = row["score"], row["score_will"]
        changed = (row["standing"] or "") != (row["standing_will"] or "")
        change = None if was is None or will is None else will - was
        if not changed and (change is None or abs(change) < 0.05) and (was is None) == (will is None):
            continue
        standings += changed
        who = f"{words.standing_name(row['standing'] or '–')} → {words.standing_name(row['standing_will'] or '–')}"
        rows.append((abs(change or 0.0), DifferenceRow(
            names.get(row["supplier"], row["supplier"]), None if was is None else round(was, 1),
            None if will is None else round(will, 1), None if change is None else round(change, 1),
            who if changed else "", segments=(chips[row["segment"]],),
        )))  # fmt: skip
    rows.sort(key=lambda each: -each[0])
    return [row for _size, row in rows], standings, joined.height
