"""The condition of the installation, as the worker found it at the last full hour. The command finds it at once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tierwise.kernel.actions import request_examination
from tierwise.kernel.queries import last_examination
from tierwise.web.pages import Action, Column, Crumb, Empty, Fact, Grid, Kind, Page, Status, Tone, respond
from tierwise.web.viewing import DeskRequest


def _severities() -> dict[str, Status]:
    """The worst first."""
    return {
        "fault": Status(_("Fault"), Tone.BAD),
        "warning": Status(_("Warning"), Tone.WATCH),
        "note": Status(_("Note"), Tone.PLAIN),
    }


@require_POST
def examine_now(request: DeskRequest) -> HttpResponse:
    request_examination(request.viewer)
    messages.success(request, _("The worker looks it over; look again in a moment."))
    return redirect("desk-condition")


def condition(request: DeskRequest) -> HttpResponse:
    """What is wrong, how bad it is, how to mend it; the worst first."""
    found = last_examination(request.viewer)
    crumbs, again = (Crumb(_("Administration")),), Action(_("Examine it now"), reverse("desk-condition-now"), post=True)
    if found is None:
        text = _("What is wrong with this installation stands here, and how to mend it. The worker looks every hour.")
        empty = Empty(_("Not examined yet"), text, again)
        return respond(request, "directory/condition.html", {"page": Page(_("Condition"), crumbs), "empty": empty})
    severities = _severities()
    order = list(severities)
    rows = sorted(found.findings, key=lambda finding: order.index(finding["severity"]))
    lead = ngettext("%(n)d thing found", "%(n)d things found", len(rows)) % {"n": len(rows)}
    page = Page(_("Condition"), crumbs, lead=_("%(found)s by %(checks)d checks.") % {
        "found": lead, "checks": len(found.asked)}, action=again)  # fmt: skip
    columns = (
        Column("severity", _("How bad"), Kind.STATUS, statuses=severities, card=True),
        Column("check", _("Where"), card=True),
        Column("what", _("What is wrong"), width=420, card=True),
        Column("remedy", _("How to mend it"), width=420),
    )
    shown = [{name: row[name] for name in ("severity", "check", "what", "remedy")} for row in rows]
    context = {
        "page": page, "facts": [Fact(_("Examined"), found.at), Fact(_("Checks"), ", ".join(found.asked))],
        "grid": Grid("condition", columns, shown, label=_("Findings")) if shown else None,
        "empty": Empty(_("Nothing is wrong"), _("The next look is at the next full hour.")),
    }  # fmt: skip
    return respond(request, "directory/condition.html", context)
