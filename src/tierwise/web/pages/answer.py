"""Answers a request with a page, or with one of its grids as a workbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _

from tierwise.web.pages.grids import Grid
from tierwise.wire.spreadsheets import write_workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def respond(
    request: HttpRequest, template: str, context: Mapping[str, object] | None = None, status: int = 200
) -> HttpResponse:
    """Renders the template at once, so that what it reads it reads inside the viewer's transaction.

    With ``?export=NAME`` the grid of that name found in the context is sent instead, as a workbook with all its rows;
    with ``?rows=NAME`` as JSON, for a page that holds its first rows only. Whoever may see the page may have its
    grids, because all come from the same context.
    """
    context = context or {}
    export, rows = request.GET.get("export"), request.GET.get("rows")
    if (export is None and rows is None) or request.method != "GET":
        return render(request, template, dict(context), status=status)
    for grid in grids_in(context):
        if grid.name == export and grid.exportable:
            return workbook(grid)
        if grid.name == rows:
            return HttpResponse(grid.payload(), content_type="application/json", headers={"Cache-Control": "no-store"})
    raise Http404(_("This page has no table of that name."))


def workbook(grid: Grid) -> HttpResponse:
    """One grid as a file to download."""
    response = HttpResponse(write_workbook([grid.sheet(get_current_timezone_name())]), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{grid.name}.xlsx"'
    response["Cache-Control"] = "no-store"
    return response


def grids_in(value: object) -> Iterator[Grid]:
    """Grids among context values, also in lists and mappings of them."""
    if isinstance(value, Grid):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from grids_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from grids_in(inner)
