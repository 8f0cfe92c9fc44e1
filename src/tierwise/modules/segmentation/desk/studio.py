"""The scheme studio: the document on the left, what it would do on the right, cuts dragged in the picture."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tierwise.directory import queries as directory
from tierwise.engine.scheme import difference
from tierwise.kernel.audit import Invalid
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer
from tierwise.modules.segmentation import actions, queries
from tierwise.modules.segmentation.desk.members import may
from tierwise.modules.segmentation.desk.segments import crumb
from tierwise.modules.segmentation.queries import SchemeEvaluation
from tierwise.modules.segmentation.records import (
    CELL,
    METRICS,
    SchemeDocument,
    SchemeState,
    line_of,
    next_month,
    read_scheme,
    with_cut,
)
from tierwise.web.pages import (
    Action,
    CoverageCurve,
    Difference,
    DifferenceRow,
    Notice,
    Page,
    Quantity,
    SegmentChip,
    Series,
    Stat,
    Tone,
    respond,
)
from tierwise.web.viewing import DeskRequest
from tierwise.wire.documents import DocumentError

STARTER = """# A first scheme: what earns most is worked on together, the rest runs on default terms.
title: First scheme
currency: {currency}
grain: [item, customer_group]
window_months: 12

thresholds:
  - {{name: worth, metric: net_revenue, kind: cumulative_share, cuts: [0.8, 0.95], labels: [A, B, C]}}

segments:
  - {{code: FLOW, name: Premium flow, rank: 1, slot: 1, effort_hours: 300, partner_hours: 200}}
  - {{code: CORE, name: Core range, rank: 2, slot: 2, effort_hours: 200, partner_hours: 100}}
  - {{code: TAIL, name: Long tail, rank: 3, slot: 3, collaborate: none}}

rules:
  - {{name: earns most, segment: FLOW, when: {{worth: [A]}}}}
  - {{name: earns well, segment: CORE, when: {{worth: [B]}}}}
default_segment: TAIL
"""
_SPARE_LINES = 60
_SHARES = {"cumulative_share", "quantile"}


def scheme(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    text, about = _opened(viewer, request.GET.get("version", ""))
    edits = may(viewer, actions.write_scheme)
    page = Page(
        _("Scheme"), (crumb(),), lead=about,
        actions=(Action(_("Plans and versions"), reverse("desk-scheme-history")),),
    )  # fmt: skip
    return respond(request, "segmentation/studio.html", {
        "page": page, "edits": edits, "from_day": next_month(today()), **_document(text),
        **consequence(viewer, text, request.GET.get("cut", "")),
    })  # fmt: skip


def _opened(viewer: Viewer, version: str) -> tuple[str, str]:
    """The text to begin with: the version asked for, else the newest draft, else what is live."""
    if version.isdigit():
        found = queries.scheme_version(viewer, int(version))
        return found.document, _("From version %(n)d.") % {"n": found.number}
    versions = queries.scheme_versions(viewer)
    if not versions:
        about = _("Nothing is live yet; this is a beginning to change.")
        return STARTER.format(currency=directory.host(viewer).currency or "EUR"), about
    newest = versions[0]
    if newest.state is SchemeState.DRAFT:
        return newest.document, _("Draft, version %(n)d.") % {"n": newest.number}
    live = next((v for v in versions if v.state is SchemeState.LIVE), newest)
    return live.document, _("Version %(n)d is live; a change becomes a new draft.") % {"n": live.number}


def _document(text: str) -> dict[str, object]:
    lines = text.count("\n") + 1
    return {"text": text, "rows": lines + 1, "numbers": range(1, lines + _SPARE_LINES)}


@require_POST
def trial(request: DeskRequest) -> HttpResponse:
    """What the text as it stands would do; a cut that was dragged is written into it first."""
    text, shown = request.POST.get("document", ""), request.POST.get("cut", "")
    context: dict[str, object] = {}
    dragged = request.POST.get("dragged", "")
    if dragged:
        text = _dragged(text, shown, dragged)
        context = {"replace": True, "edits": True, **_document(text)}
    return render(request, "segmentation/consequence.html", {
        **context, **consequence(request.viewer, text, shown),
    })  # fmt: skip


def _dragged(text: str, shown: str, value: str) -> str:
    name, _sep, index = shown.rpartition("/")
    try:
        cut = next(each for each in read_scheme(text).thresholds if each.name == name)
        number = float(value)
        rounded = round(number / 100, 3) if cut.kind in _SHARES else float(f"{number:.4g}")
        return with_cut(text, name, int(index), rounded)
    except (StopIteration, ValueError):
        return text


@require_POST
def save(request: DeskRequest) -> HttpResponse:
    """Keeps the text as a draft and, where a day is given, plans it."""
    text = request.POST.get("document", "")
    viewer = request.viewer
    try:
        number = actions.write_scheme(viewer, text)
    except DocumentError:
        page = Page(_("Scheme"), (crumb(),), lead=_("Nothing was kept: the document has mistakes."))
        context = {"page": page, "edits": True, "from_day": next_month(today()), **_document(text),
                   **consequence(viewer, text, "")}  # fmt: skip
        return respond(request, "segmentation/studio.html", context)
    if request.POST.get("keep"):
        messages.success(request, _("Kept as draft, version %(n)d.") % {"n": number})
        return redirect(f"{reverse('desk-scheme')}?version={number}")
    planned = queries.plan_scheme(viewer, read_scheme(text), given_day(request.POST.get("effective_on", "")))
    return redirect("desk-plan", actions.file_plan(viewer, number, planned))


def given_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("effective_on", _("Give the day as YYYY-MM-DD."), field="effective_on") from None


def consequence(viewer: Viewer, text: str, shown: str) -> dict[str, object]:
    """Mistakes by place, or what the scheme would change and cover."""
    try:
        document = read_scheme(text)
        found = queries.evaluate_scheme(viewer, document, today(), repeat=True)
    except DocumentError as error:
        problems: list[dict[str, Any]] = [
            {"line": line_of(text, one.place), "place": one.place, "why": one.why, "remedy": one.remedy}
            for one in error.problems
        ]
        return {"problems": sorted(problems, key=lambda one: one["line"])}
    except Invalid as error:
        return {"consequence_notices": [Notice(error.message, Tone.BAD)]}
    cuts = [
        (f"{cut.name}/{index}", f"{cut.name}: {better} | {worse}")
        for cut in document.thresholds
        for index, (better, worse) in enumerate(zip(cut.labels, cut.labels[1:], strict=False))
    ]
    chosen = shown if shown in dict(cuts) else (cuts[0][0] if cuts else "")
    return {
        "stats": _stats(found), "difference": _difference(viewer, found),
        "consequence_notices": [Notice(warning, Tone.WATCH) for warning in found.warnings],
        "curve": curve(found, chosen) if chosen else None, "cuts": cuts, "chosen": chosen,
        "measured": found.until, "formula": _formula(document, chosen),
    }  # fmt: skip


def _stats(found: SchemeEvaluation) -> list[Stat]:
    cells = found.evaluation.cells
    return [
        Stat(_("Demand cells"), cells.height),
        Stat(_("Near a cut"), int(cells["boundary"].sum())),
        Stat(_("Held"), int(cells["held"].sum()), _("%(n)d pinned by hand") % {"n": int(cells["pinned"].sum())}),
    ]


def _difference(viewer: Viewer, found: SchemeEvaluation) -> Difference:
    """Members of each segment now and then; who moves is counted, the plan names them."""
    standing = queries.assignments(viewer, found.manifest).filter(pl.col("valid_to").is_null()).select(*CELL, "segment")
    after = found.evaluation.cells.select(*CELL, "segment")
    values = found.cells.select(*CELL, "profit")
    changed = difference(standing.join(after, on=CELL, how="semi"), after, values)
    chips = {chip.code: chip for chip in directory.segment_chips(viewer).values()}
    chips |= {s.code: SegmentChip(s.code, s.name, s.slot) for s in found.document.segments}
    order = {s.code: s.rank for s in found.document.segments}
    rows = [
        DifferenceRow(
            _("Members"), row["before"], row["after"], Quantity(row["after"] - row["before"], ""),
            who=_("%(a)d join, %(b)d leave") % {"a": row["joined"], "b": row["left"]},
            segments=(chips[row["segment"]],), tone=Tone.WATCH if row["joined"] or row["left"] else Tone.PLAIN,
        )
        for row in sorted(changed.segments.to_dicts(), key=lambda row: order.get(row["segment"], 99))
    ]  # fmt: skip
    moved = changed.moves.filter(pl.col("from").is_not_null())
    total = ngettext("%(n)d member moves", "%(n)d members move", moved.height) % {"n": moved.height}
    return Difference(rows, f"{total} ({_money(moved['profit'].abs().sum(), found)})")


def _money(value: Any, found: SchemeEvaluation) -> str:
    return _("%(amount)s %(currency)s of margin") % {
        "amount": f"{value:,.0f}", "currency": found.document.currency,
    }  # fmt: skip


def _formula(document: SchemeDocument, chosen: str) -> str:
    name, _sep, _index = chosen.rpartition("/")
    cut = next((each for each in document.thresholds if each.name == name), None)
    return f"{METRICS[cut.metric].label}: {METRICS[cut.metric].formula}." if cut else ""


def curve(found: SchemeEvaluation, chosen: str) -> CoverageCurve:
    """What lies above a cut, wherever it is put: shares of margin, revenue, units and cells."""
    name, _sep, index = chosen.rpartition("/")
    cut = next(each for each in found.document.thresholds if each.name == name)
    points = queries.coverage_of(found, name).points
    along = {"quantile": pl.col("count_share") * 100, "value": pl.col("threshold")}.get(
        cut.kind, pl.col(cut.metric) / pl.col(cut.metric).max() * 100
    )
    # Where what is summed turns negative, a share of the sum says nothing more.
    peak = int(points[cut.metric].arg_max() or 0) if cut.kind == "cumulative_share" else points.height
    reached = points.head(peak + 1)
    drawn = reached.with_columns(along.alias("x")).drop_nulls("x").unique("x", keep="last").sort("x")
    shares = [(_("Net margin"), "profit"), (_("Net revenue"), "revenue"), (_("Units"), "units"), (_("Cells"), "count")]
    metric = METRICS[cut.metric]
    percent = cut.kind in _SHARES
    label = {
        "cumulative_share": _("Cut: share of %(metric)s"), "quantile": _("Cut: share of the cells"),
        "value": _("Cut: %(metric)s"),
    }[cut.kind] % {"metric": metric.label.lower()}  # fmt: skip
    return CoverageCurve(
        _("What “%(name)s” covers") % {"name": cut.name}, "%",
        _("Drag the line: the cut is written into the document."),
        x=drawn["x"].to_list(),
        series=[Series(str(title), (drawn[f"{key}_share"] * 100).to_list()) for title, key in shares],
        threshold=cut.cuts[int(index)] * (100 if percent else 1), parameter="dragged", x_label=label,
        x_unit="%" if percent else _unit(metric.unit, found.document.currency),
    )  # fmt: skip


def _unit(unit: str, currency: str) -> str:
    return currency if unit == "money" else unit


def download(request: DeskRequest, number: int) -> HttpResponse:
    found = queries.scheme_version(request.viewer, number)
    response = HttpResponse(found.document, content_type="application/yaml; charset=utf-8")
    name = f"{slugify(found.title) or 'scheme'}-{number}.yaml"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
