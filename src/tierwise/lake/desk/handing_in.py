"""Handing an extract in: files and a mapping, checked while it is written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.resources import files as resources
from pathlib import Path
from typing import Any
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.kernel.audit import Invalid, NotAllowed, publish_event
from tierwise.kernel.files import keep
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.lake import queries
from tierwise.lake.actions import begin_import, cancel_import
from tierwise.lake.desk.runs import mapping_text, run_of
from tierwise.lake.fact_pages import MAPPING_KEYS
from tierwise.lake.jobs import end_abandoned, run_beside
from tierwise.lake.mapping_reader import read_mapping
from tierwise.lake.ports import masters
from tierwise.lake.probing import ProbeError, probe
from tierwise.lake.uploads import (
    DIRECT,
    PROPOSED,
    QUARANTINE,
    folder_of,
    forget_old_proposals,
    keep_upload,
    take_over,
)
from tierwise.web.pages import Crumb, Page, respond
from tierwise.web.viewing import DeskRequest
from tierwise.wire.documents import DocumentError, Problem


class Files(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or several files."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        one = super().clean
        return (
            [one(file, initial) for file in data] if isinstance(data, list | tuple) and data else [one(data, initial)]
        )


class UploadForm(forms.Form):
    extract = FilesField(
        label=gettext_lazy("Files of the extract"), widget=Files(attrs={"multiple": True}),
        help_text=gettext_lazy("CSV, Excel or Parquet, also gzipped; several at once, or one zip."), required=False,
    )  # fmt: skip
    kept = forms.UUIDField(required=False, widget=forms.HiddenInput)
    quarantine = forms.BooleanField(
        required=False, label=gettext_lazy("Take the sound rows, keep the others for repair"),
        help_text=gettext_lazy("Otherwise one faulty row is enough and nothing is imported."),
    )  # fmt: skip
    mapping = forms.CharField(
        label=gettext_lazy("Mapping"), strip=False, required=False,
        widget=forms.Textarea(attrs={"spellcheck": "false", "rows": 26, "class": "code"}),
        help_text=gettext_lazy("YAML: which file and column fills which table. Every mistake is named beside it."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("kept") and not any(given.get("extract") or ()):
            self.add_error("extract", _("Choose the files of the extract."))
        if not (given.get("mapping") or "").strip() and "propose" not in self.data:
            self.add_error("mapping", _("Write a mapping, or let one be proposed for the files."))
        return given


def new(request: DeskRequest) -> HttpResponse:
    """The form: files, and a mapping written, pasted or taken from an earlier import or an example."""
    viewer = _editor(request.viewer)
    examples = starting_points(viewer)
    form = UploadForm(initial={"mapping": _starting_text(examples, request.GET.get("from", ""))})
    problems: Sequence[Problem] = ()
    if request.method == "POST" and "propose" in request.POST:
        form = _proposed(viewer, UploadForm(request.POST, request.FILES))
        problems = problems_of(form["mapping"].value() or "")
    elif request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        problems = problems_of(request.POST.get("mapping", ""))
        if form.is_valid() and not problems:
            run = _begin(viewer, form)
            if run is not None:
                return redirect("desk-import-run", run=run)
    page = Page(
        _("Import an extract"), (Crumb(_("Directory")), Crumb(_("Imports"), reverse("desk-import"))),
        lead=_("All of it is imported or, where anything is wrong, nothing, with every fault named."),
    )  # fmt: skip
    context = {
        "page": page, "form": form, "examples": examples, "problems": problems, "keys": MAPPING_KEYS,
        "check_href": reverse("desk-import-check"), "mapping": form["mapping"].value() or "",
        "kept": kept_files(form["kept"].value()),
    }  # fmt: skip
    return respond(request, "lake/import.html", context, status=422 if form.errors or problems else 200)


def _begin(viewer: Viewer, form: UploadForm) -> UUID | None:
    """Keeps what was handed in and sets the import going, here or, when it is large, with the worker."""
    text, kept = form.cleaned_data["mapping"], form.cleaned_data["kept"]
    files = [file for file in form.cleaned_data["extract"] if file]
    if not files and not _is_own(viewer, kept):
        form.add_error("extract", _("Choose the files of the extract."))
        return None
    try:
        # A refusal rolls back to here, so that the form can still be shown in the same transaction.
        with transaction.atomic(using=viewer.alias):
            run = begin_import(viewer, read_mapping(text).name, keep(text.encode()))
            size = keep_upload(run, files, text) if files else take_over(kept, run, text)
            if form.cleaned_data["quarantine"]:
                (folder_of(run) / QUARANTINE).touch()
    except Invalid as refused:
        form.add_error("extract", refused.message)
        return None
    start_import(viewer, run, size)
    return run


def _proposed(viewer: Viewer, form: UploadForm) -> UploadForm:
    """The form again with a mapping for its largest file; the files stay here meanwhile."""
    if not form.is_valid():
        return form
    kept = form.cleaned_data["kept"]
    try:
        files = [file for file in form.cleaned_data["extract"] if file]
        if files or not _is_own(viewer, kept):
            forget_old_proposals()
            kept = uuid7()
            keep_upload(kept, files, "")
            (folder_of(kept) / PROPOSED).write_text(str(viewer.person))
        extract = folder_of(kept) / "extract"
        largest = max((one for one in extract.rglob("*") if one.is_file()), key=lambda one: one.stat().st_size)
        text = probe(largest, known=masters().known_codes(viewer), folder=extract).document
    except Invalid as refused:
        form.add_error("extract", refused.message)
        return form
    except (ProbeError, ValueError) as error:
        form.add_error("extract", str(error))
        return form
    return UploadForm(initial={"mapping": text, "kept": kept, "quarantine": form.cleaned_data["quarantine"]})


def _is_own(viewer: Viewer, kept: UUID | None) -> bool:
    mark = folder_of(kept) / PROPOSED if kept else None
    return mark is not None and mark.is_file() and mark.read_text() == str(viewer.person)


def kept_files(kept: object) -> list[str]:
    """Names of the files that wait beside a proposal."""
    if not kept:
        return []
    extract = folder_of(UUID(str(kept))) / "extract"
    return sorted(file.relative_to(extract).as_posix() for file in extract.rglob("*") if file.is_file())


def start_import(viewer: Viewer, run: UUID, size: int) -> None:
    """Once this request's transaction stands: small extracts beside the request, large ones by the worker."""
    if size <= DIRECT:
        transaction.on_commit(partial(run_beside, viewer, run), using=viewer.alias)
    else:
        publish_event(
            viewer, "import_requested", run=run, person=viewer.person, company=viewer.company, role=viewer.role.value
        )


@require_POST
def check(request: DeskRequest) -> HttpResponse:
    """What is wrong with a mapping as it is being written."""
    text = request.POST.get("mapping", "")
    return render(request, "lake/problems.html", {"problems": problems_of(text), "mapping": text})


def problems_of(text: str) -> Sequence[Problem]:
    if not text.strip():
        return ()
    try:
        read_mapping(text)
    except DocumentError as error:
        return error.problems
    return ()


@require_POST
def cancel(request: DeskRequest, run: UUID) -> HttpResponse:
    """Asks a running import to stop; one that nobody is at is closed at once."""
    viewer = _editor(request.viewer)
    cancel_import(viewer, run)
    transaction.on_commit(partial(end_abandoned, viewer, run), using=viewer.alias)
    return redirect("desk-import-run", run=run)


@require_POST
def again(request: DeskRequest, run: UUID) -> HttpResponse:
    """Takes up a run whose process died; one that is being worked on is left alone."""
    viewer = _editor(request.viewer)
    folder = folder_of(run_of(viewer, run).id) / "extract"
    if folder.is_dir():
        start_import(viewer, run, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()))
    return redirect("desk-import-run", run=run)


def _editor(viewer: Viewer) -> Viewer:
    if viewer.role not in BUYER_EDITORS:
        raise NotAllowed("role", _("Planners, category managers and administrators import extracts."))
    return viewer


def starting_points(viewer: Viewer) -> dict[str, str]:
    """Name → text of mappings to start from: those of earlier imports, then the examples that come with the product."""
    found: dict[str, str] = {}
    for run in queries.import_runs(viewer):
        if run.mapping not in found and (text := mapping_text(run)):
            found[run.mapping] = text
    examples = resources("tierwise.lake") / "mappings"
    if examples.is_dir():
        for file in sorted(examples.iterdir(), key=lambda one: one.name):
            name = Path(file.name)
            if name.suffix == ".yaml":
                found.setdefault(_("Example: %s") % name.stem, file.read_text(encoding="utf-8"))
    return found


def _starting_text(examples: dict[str, str], wanted: str) -> str:
    return examples.get(wanted) or next(iter(examples.values()), "")
