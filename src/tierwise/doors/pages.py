"""Pages of the spreadsheet door, alike on both sides: hand out, take back, what became of it, what is out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tierwise.doors import handed
from tierwise.doors.actions import request_sheets, revoke_sheet
from tierwise.doors.mail.writing import XLSX, annotated_name, in_words
from tierwise.doors.ports import list_named, registered_lists
from tierwise.doors.records import HandInRecord, HandInState, MailState
from tierwise.doors.sheets import Expected, SheetFile, make_sheet, receive_sheet
from tierwise.kernel.audit import NotFound, Refused
from tierwise.kernel.files import LARGEST, path_of
from tierwise.kernel.viewer import Door, Viewer
from tierwise.web.api.paging import Keys
from tierwise.web.onward import rows_onward
from tierwise.web.pages import Action, Column, Crumb, Empty, Fact, Grid, Kind, Notice, Page, Status, Tone, respond
from tierwise.web.viewing import DeskRequest, names_of

KEYS = Keys("hand-ins", (datetime, UUID))


@dataclass(frozen=True)
class Pages:
    """The pages of one side; ``side`` begins the names of their addresses."""

    side: str

    def urls(self) -> list[URLPattern]:
        return [
            path("sheets/", self.overview, name=f"{self.side}-sheets"),
            path("sheets/results/<uuid:result>/", self.result, name=f"{self.side}-sheet-result"),
            path("sheets/results/<uuid:result>/messages/", self.annotated, name=f"{self.side}-sheet-messages"),
            path("sheets/out/<uuid:issue>/call-off/", require_POST(self.call_off), name=f"{self.side}-sheet-call-off"),
            path("sheets/<slug:name>/make/", require_POST(self.make), name=f"{self.side}-sheet-make"),
            path("sheets/<slug:name>/hand-in/", require_POST(self.take), name=f"{self.side}-sheet-hand-in"),
            path("sheets/<slug:name>/mail/", require_POST(self.mail), name=f"{self.side}-sheet-mail"),
        ]

    def make(self, request: DeskRequest, name: str) -> HttpResponse:
        viewer = replace(request.viewer, door=Door.SPREADSHEET)
        file = make_sheet(viewer, name, request.POST.get("scope", ""))
        return as_download(file.name, file.content)

    def take(self, request: DeskRequest, name: str) -> HttpResponse:
        viewer = replace(request.viewer, door=Door.SPREADSHEET)
        scope = request.POST.get("scope", "")
        sent = request.FILES.get("file")
        if not isinstance(sent, UploadedFile):
            messages.error(request, _("Choose the filled-in spreadsheet first."))
            return redirect(list_named(name).page(viewer, scope))
        # One byte more than is taken suffices to refuse it.
        file = SheetFile(sent.name or "sheet.xlsx", sent.read(LARGEST + 1))
        record = receive_sheet(viewer, file, Expected(name, scope))
        if record.state is not HandInState.REFUSED:
            messages.success(request, in_words(record))
        return redirect(f"{self.side}-sheet-result", record.id)

    def mail(self, request: DeskRequest, name: str) -> HttpResponse:
        scope = request.POST.get("scope", "")
        request_sheets(request.viewer, name, scope)
        messages.success(request, _("The spreadsheet is on its way."))
        one = list_named(name)
        return redirect(one.page(request.viewer, scope))

    def call_off(self, request: DeskRequest, issue: UUID) -> HttpResponse:
        revoke_sheet(request.viewer, issue)
        messages.success(request, _("Called off; it is no longer taken back."))
        return redirect(f"{self.side}-sheets")

    def result(self, request: DeskRequest, result: UUID) -> HttpResponse:
        viewer = request.viewer
        record = handed.hand_in(viewer, result)
        refused = record.state is HandInState.REFUSED
        back = _back(viewer, record)
        action = Action(_("Back to the list"), back) if back else None
        marked = Action(
            _("Download it with the messages in its cells"), reverse(f"{self.side}-sheet-messages", args=[record.id])
        )
        page = Page(
            record.file_name or _("Spreadsheet"), (Crumb(_("Spreadsheets"), reverse(f"{self.side}-sheets")),),
            status=_status(record), action=marked if record.annotated else action,
            actions=(action,) if record.annotated and action else (),
        )  # fmt: skip
        notices = []
        if refused:
            text = _("None of its rows was taken. Mend the cells below and hand it in again.")
            notices = [Notice(text, Tone.BAD, in_words(record))]
        facts = [
            Fact(_("List"), _title(record.list_name)), Fact(_("Came in"), record.at),
            Fact(_("By"), names_of(viewer, [record.person]).get(record.person, "–")),
            Fact(_("Door"), _door(record.door)), Fact(_("What it did"), in_words(record)),
        ]  # fmt: skip
        grids = [_faults(record)] if refused else []
        context = {"page": page, "facts": facts, "grids": grids, "notices": notices}
        return respond(request, "web/record.html", context)

    def annotated(self, request: DeskRequest, result: UUID) -> HttpResponse:
        record = handed.hand_in(request.viewer, result)
        if not record.annotated:
            raise NotFound("sheet", _("There is no marked-up file."))
        return as_download(annotated_name(record.file_name), path_of(record.annotated).read_bytes())

    def overview(self, request: DeskRequest) -> HttpResponse:
        """What came back and what became of it, and what is out."""
        viewer = request.viewer
        read = partial(handed.hand_ins_page, viewer, None)
        results, onward = rows_onward(request, KEYS, read, lambda one: (one.at, one.id), handed.SHOWN)
        out = handed.issues(viewer)
        people = names_of(viewer, {one.person for one in results} | {one.person for one in out})
        lists = [Action(str(one.title), one.page(viewer, "")) for one in registered_lists() if one.open_to(viewer)]
        page = Page(
            _("Spreadsheets"),
            lead=_("Lists that went out to be filled in, and what came back: by hand-in on a page or by mail."),
        )
        rows = [
            {
                "file": one.file_name, "href": reverse(f"{self.side}-sheet-result", args=[one.id]),
                "list": _title(one.list_name), "at": one.at, "by": people.get(one.person, "–"), "door": _door(one.door),
                "state": _status(one).label, "did": in_words(one),
            }
            for one in results
        ]  # fmt: skip
        came_back = Grid(
            "came-back",
            (
                Column("file", _("File"), Kind.LINK, href="href", card=True, width=280),
                Column("list", _("List"), card=True), Column("state", _("State"), Kind.STATUS, card=True,
                statuses={s.label: s for s in map(_status, results)}), Column("did", _("What it did"), width=300),
                Column("at", _("Came in"), Kind.INSTANT, card=True), Column("by", _("By")), Column("door", _("Door")),
            ),
            rows, label=_("Came back"), empty=_nothing_back(lists),
        )  # fmt: skip
        context = {
            "page": page, "grid": came_back, "onward": onward, "lists": lists, "out": [
                {"issue": one, "title": _title(one.list_name), "person": people.get(one.person, "–"),
                 "call_off": Action(_("Call off"), reverse(f"{self.side}-sheet-call-off", args=[one.id]), post=True)}
                for one in out
            ],
        }  # fmt: skip
        return respond(request, "doors/overview.html", context)


def _nothing_back(lists: list[Action]) -> Empty:
    text = _(
        "A list goes out as a spreadsheet from its own page, is filled in, and handed in there or mailed back. What "
        "became of it stands here."
    )
    first = lists[0] if lists else None
    step = Action(_("Open the list: %(list)s") % {"list": first.label}, first.href) if first else None
    return Empty(_("Nothing has come back yet"), text, step)


def _back(viewer: Viewer, record: HandInRecord) -> str:
    try:
        return list_named(record.list_name).page(viewer, record.scope)
    except (Refused, ValueError):
        return ""


def _title(name: str) -> str:
    try:
        return str(list_named(name).title)
    except NotFound:
        return name


def _status(record: HandInRecord) -> Status:
    return {
        HandInState.TAKEN: Status(_("Taken"), Tone.GOOD),
        HandInState.UNCHANGED: Status(_("No change"), Tone.PLAIN),
        HandInState.REFUSED: Status(_("Refused"), Tone.BAD),
    }[record.state]


def _door(door: str) -> str:
    words: dict[str, Callable[[], str]] = {
        Door.SPREADSHEET.value: lambda: _("Page"), Door.EMAIL.value: lambda: _("Mail"),
        Door.API.value: lambda: _("API"),
    }  # fmt: skip
    return words[door]() if door in words else door


def _faults(record: HandInRecord) -> Grid:
    columns = (
        Column("cell", _("Cell"), Kind.CODE, card=True),
        Column("column", _("Column"), card=True),
        Column("value", _("What you wrote"), card=True),
        Column("why", _("Why it is not taken"), card=True, width=440),
        Column("remedy", _("What to do"), width=440),
        Column("was", _("Was")),
        Column("now", _("Now")),
        Column("sheet", _("Sheet")),
    )
    rows = [fault.to_dict() for fault in record.faults]
    # Most faults are no conflicts: what would stand empty is left out.
    shown = [column for column in columns if column.card or any(row[column.field] for row in rows)]
    return Grid("messages", shown, rows, label=_("Messages"))


def as_download(name: str, content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type=XLSX)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
    response["Content-Disposition"] = f'attachment; filename="{plain}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


MAIL_WORDS: dict[MailState, Callable[[], Status]] = {
    MailState.WAITING: lambda: Status(_("Waits"), Tone.WATCH),
    MailState.TAKEN: lambda: Status(_("Taken"), Tone.GOOD),
    MailState.REFUSED: lambda: Status(_("Refused and answered"), Tone.WATCH),
    MailState.IGNORED: lambda: Status(_("Left unanswered"), Tone.PLAIN),
    MailState.FAILED: lambda: Status(_("Could not be read"), Tone.BAD),
}
