"""Spreadsheets at the buyer's desk, and the mail that came in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.doors import handed
from tierwise.doors.pages import MAIL_WORDS, Pages
from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Side
from tierwise.web.navigation import Place, add_places
from tierwise.web.pages import Action, Column, Empty, Grid, Kind, Page, respond
from tierwise.web.viewing import DeskRequest

_GROUP = gettext_lazy("Share")
add_places(
    Place(
        "desk-sheets", gettext_lazy("Spreadsheets"), "document", Side.BUYER, 44, _GROUP,
        BUYER_EDITORS | {Role.QUALITY},
    ),
    Place(
        "desk-mailroom", gettext_lazy("Mailroom"), "message", Side.BUYER, 905, gettext_lazy("Administration"),
        frozenset({Role.ADMINISTRATOR}),
    ),
)  # fmt: skip


def mailroom(request: DeskRequest) -> HttpResponse:
    """Every message that came in, and what became of it."""
    if request.viewer.role is not Role.ADMINISTRATOR:
        raise NotAllowed("role", _("Only administrators look into the mailroom."))
    found = handed.mails(request.viewer)
    words = {state: word() for state, word in MAIL_WORDS.items()}
    rows = [
        {
            "at": one.received_at, "sender": one.sender or "–", "via": one.via.upper(), "state": words[one.state].label,
            "note": one.note, "attempts": one.attempts,
        }
        for one in found
    ]  # fmt: skip
    columns = (
        Column("at", _("Came in"), Kind.INSTANT, card=True),
        Column("sender", _("Handed over by"), card=True, width=260),
        Column("state", _("State"), Kind.STATUS, statuses={s.label: s for s in words.values()}, card=True),
        Column("note", _("Why"), card=True, width=420),
        Column("via", _("By")),
        Column("attempts", _("Failed attempts"), Kind.QUANTITY),
    )
    where = settings.TIERWISE_MAILBOX
    lead = (
        _("Spreadsheets that are sent to %(mailbox)s are read here.") % {"mailbox": where}
        if where
        else _("No mailbox is set up; TIERWISE_MAILBOX names it, and “tierwise mailroom” listens.")
    )
    text = _(
        "Every message to the mailbox stands here with what became of it; a filled-in spreadsheet is its usual load."
    )
    step = Action(_("See the spreadsheets"), reverse("desk-sheets"))
    grid = Grid("mails", columns, rows, empty=Empty(_("No message has come in"), text, step))
    return respond(request, "web/grid.html", {"page": Page(_("Mailroom"), lead=lead), "grid": grid})


urlpatterns = [*Pages("desk").urls(), path("mailroom/", mailroom, name="desk-mailroom")]
