"""The log of what was sent, one delivery with its files as they went out, and what waits for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from tierwise.collaboration.showing import chosen_id
from tierwise.kernel.audit import Invalid, NotFound
from tierwise.kernel.files import path_of
from tierwise.kernel.viewer import Viewer
from tierwise.modules.exchange import actions
from tierwise.modules.exchange.desk.words import crumbs, may, must, row_statuses, status, statuses, tabs
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.feeds import FEEDS
from tierwise.modules.exchange.records.words import (
    STUCK,
    DeliveryQuestion,
    DeliveryRecord,
    DeliveryState,
    RowState,
)
from tierwise.web.addresses import addresses_of
from tierwise.web.api.paging import Keys
from tierwise.web.due import Due
from tierwise.web.onward import rows_onward
from tierwise.web.pages import Action, Column, Crumb, Empty, Fact, Grid, Kind, Notice, Page, Tone, WorklistRow, respond
from tierwise.web.viewing import DeskRequest
from tierwise.wire.acknowledgements import Acknowledgement

KEYS = Keys("deliveries", (datetime, UUID))
EXCERPT = 6000
READABLE = ("text/csv", "application/json", "application/x-ndjson")


class AnswerForm(forms.Form):
    """The receiver's word, told by a person."""

    verdict = forms.ChoiceField(
        label=gettext_lazy("What the receiver says"),
        choices=[
            ("taken", gettext_lazy("It has taken the batch")),
            ("refused", gettext_lazy("It has taken none of it")),
        ],
    )
    reason = forms.CharField(label=gettext_lazy("Who said so, or why not"), max_length=500)


class SetAsideForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why it is given up"), max_length=500)


def log_page(request: DeskRequest) -> HttpResponse:
    """Every delivery, the newest first."""
    viewer = request.viewer
    feed = request.GET.get("feed", "")
    asked = DeliveryQuestion(chosen_id(request, "channel"), feed if feed in FEEDS else "")
    read = partial(log.deliveries_page, viewer, asked)
    found, onward = rows_onward(request, KEYS, read, lambda one: (one.queued_at, one.id))
    columns = (
        Column("label", _("Batch"), Kind.LINK, href="href", card=True),
        Column("feed", _("Feed"), card=True),
        Column("channel", _("Channel"), card=True),
        Column("state", _("State"), Kind.STATUS, statuses=statuses(), card=True),
        Column("rows", _("Rows"), Kind.QUANTITY, card=True),
        Column("refused", _("Rows to decide"), Kind.QUANTITY),
        Column("queued", _("Queued"), Kind.INSTANT, card=True),
        Column("settled", _("Ended"), Kind.INSTANT),
        Column("attempts", _("Attempts"), Kind.QUANTITY),
        Column("answer", _("Answer"), width=280),
        Column("digest", _("SHA-256"), Kind.CODE),
    )
    rows = [
        {"label": one.label, "href": reverse("desk-exchange-delivery", args=[one.id]), "feed": FEEDS[one.feed].title,
         "channel": one.channel_name, "state": one.state.value, "rows": one.rows, "refused": one.refused_rows or None,
         "queued": one.queued_at, "settled": one.settled_at, "attempts": one.attempts, "answer": one.answer,
         "digest": one.digest}
        for one in found
    ]  # fmt: skip
    send_now = Action(_("Look and send what is new"), reverse("desk-exchange-send"), post=True)
    routed = bool(log.routes(viewer, active=True))
    page = Page(
        _("Sent decisions"), lead=_("What was decided here, on its way back to your ERP and other systems."),
        tabs=tabs("desk-exchange"), action=send_now if routed and may(viewer) else None,
    )  # fmt: skip
    grid = Grid("deliveries", columns, rows, empty=_nothing_sent(viewer, routed, asked))
    return respond(request, "web/grid.html", {"page": page, "grid": grid, "onward": onward})


def _nothing_sent(viewer: Viewer, routed: bool, asked: DeliveryQuestion) -> Empty:
    if asked != DeliveryQuestion():
        text = _("Other channels and feeds may have sent something.")
        return Empty(_("Nothing was sent this way"), text, Action(_("Show all deliveries"), reverse("desk-exchange")))
    text = _("Rulings, segments and policies go back to your ERP from here: every batch with its files and its answer.")
    if routed:
        return Empty(_("Nothing was sent yet"), text + " " + _("The next batch goes out when something is decided."))
    if log.channels(viewer):
        step = Action(_("Put a feed on a channel"), reverse("desk-exchange-channels"))
        return Empty(_("Nothing was sent yet"), text + " " + _("No channel carries a feed yet."), step)
    new = Action(_("Make a channel"), reverse("desk-exchange-channel-new"))
    text += " " + _("First make a channel, then put feeds on it.")
    return Empty(_("Nothing was sent yet"), text, new if may(viewer) else None)


@require_POST
def send(request: DeskRequest) -> HttpResponse:
    actions.request_sending(request.viewer)
    messages.success(request, _("The worker looks what is new and sends it; look again in a moment."))
    return redirect("desk-exchange")


def record(request: DeskRequest, delivery: UUID) -> HttpResponse:
    return _record(request, delivery)


def _record(
    request: DeskRequest, delivery: UUID, answer_form: AnswerForm | None = None, aside: SetAsideForm | None = None,
    code: int = 200,
) -> HttpResponse:  # fmt: skip
    viewer = request.viewer
    found = log.delivery(viewer, delivery)
    open_rows, mine = found.refused_rows, may(viewer)
    again = Action(_("Send the same batch again"), reverse("desk-exchange-resend", args=[found.id]), post=True)
    answerable = found.state in {DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.EXPIRED}
    page = Page(
        f"{FEEDS[found.feed].title}, {_('batch')} {found.number}",
        crumbs(Crumb(found.channel_name, reverse("desk-exchange-channel", args=[found.channel]))),
        status=status(found.state), action=again if mine and found.state is not DeliveryState.SET_ASIDE else None,
    )  # fmt: skip
    context: dict[str, object] = {
        "page": page, "facts": _facts(found), "grids": _grids(viewer, found), "notices": _notices(found),
        "texts": _texts(found), "rows_href": reverse("desk-exchange-rows", args=[found.id]),
        "open_rows": open_rows if mine else 0, "answer_href": reverse("desk-exchange-answer", args=[found.id]),
        "answer_form": (answer_form or AnswerForm()) if mine and answerable else None,
        "aside_form": (aside or SetAsideForm(auto_id="aside_%s")) if mine and found.state in STUCK else None,
    }  # fmt: skip
    return respond(request, "exchange/delivery.html", context, status=code)


def _facts(found: DeliveryRecord) -> list[Fact]:
    facts = [
        Fact(_("Feed"), FEEDS[found.feed].title, href=reverse("desk-exchange-feed", args=[found.feed])),
        Fact(_("Channel"), found.channel_name, href=reverse("desk-exchange-channel", args=[found.channel])),
        Fact(_("Batch number"), found.number, _("the same however often it is sent")),
        Fact(_("Rows"), found.rows),
        Fact(_("Queued"), found.queued_at),
        Fact(_("Sent"), found.sent_at),
        Fact(_("Ended"), found.settled_at),
        Fact(_("Next attempt"), found.next_attempt_at if found.state is DeliveryState.QUEUED else None),
        Fact(_("Answer"), found.answer),
        Fact(_("Schema version"), found.schema_version),
        Fact(_("SHA-256"), found.digest),
    ]
    return [fact for fact in facts if fact.value not in (None, "")]


def _notices(found: DeliveryRecord) -> list[Notice]:
    if found.state in STUCK:
        text = _(
            "Nothing further of this feed goes over this channel until you end it: send it again, say what the "
            "receiver has, or set it aside, so that its rows go out with the next batch."
        )
        return [Notice(text, Tone.BAD, str(status(found.state).label))]
    return []


def _grids(viewer: Viewer, found: DeliveryRecord) -> list[Grid]:
    refused = log.refused_rows(viewer, found.id)
    grids = []
    if refused:
        columns = (
            Column("row", _("Row"), Kind.QUANTITY, card=True),
            Column("key", _("Key"), Kind.CODE, card=True, width=260),
            Column("reason", _("The receiver's reason"), card=True, width=320),
            Column("state", _("State"), Kind.STATUS, statuses=row_statuses(), card=True),
        )
        rows = [{"row": r.row, "key": r.key, "reason": r.reason, "state": r.state.value} for r in refused]
        grids.append(Grid("refused", columns, rows, label=_("Rows the receiver refused")))
    files = (
        Column("name", _("File"), Kind.LINK, href="href", card=True, width=280),
        Column("rows", _("Rows"), Kind.QUANTITY, card=True),
        Column("size", _("Size"), Kind.QUANTITY, unit="B", card=True),
        Column("sha256", _("SHA-256"), Kind.CODE),
    )
    named = [
        {"name": one.name, "rows": one.rows, "size": one.size, "sha256": one.sha256,
         "href": reverse("desk-exchange-file", args=[found.id, place])}
        for place, one in enumerate(found.files)
    ]  # fmt: skip
    tries = (
        Column("at", _("Began"), Kind.INSTANT, card=True),
        Column("ended", _("Ended"), Kind.INSTANT),
        Column("outcome", _("Outcome"), card=True),
        Column("answer", _("Answer"), card=True, width=420),
    )
    words = {"sent": _("Arrived"), "fault": _("Did not arrive"), "": _("Broke off")}
    tried = [
        {"at": one.at, "ended": one.ended_at, "outcome": words.get(one.outcome, one.outcome), "answer": one.answer}
        for one in log.attempts(viewer, found.id)
    ]
    return [
        *grids, Grid("files", files, named, label=_("Files as sent")),
        Grid("attempts", tries, tried, label=_("Attempts"), empty=_("Not tried yet.")),
    ]  # fmt: skip


def _texts(found: DeliveryRecord) -> list[tuple[str, str]]:
    """The beginning of the first readable files."""
    shown = []
    for one in found.files[:3]:
        if one.media_type in READABLE and path_of(one.sha256).is_file():
            with path_of(one.sha256).open("rb") as file:
                text = file.read(EXCERPT).decode("utf-8", "replace")
            shown.append((one.name, text + ("\n…" if one.size > EXCERPT else "")))
    return shown


def file(request: DeskRequest, delivery: UUID, place: int) -> HttpResponseBase:
    """A file, byte for byte as it was sent."""
    found = log.delivery(request.viewer, delivery)
    if place >= len(found.files) or not path_of(found.files[place].sha256).is_file():
        raise NotFound("file", _("There is no such file."))
    one = found.files[place]
    answer = FileResponse(
        path_of(one.sha256).open("rb"), as_attachment=True, filename=one.name, content_type=one.media_type
    )
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def resend(request: DeskRequest, delivery: UUID) -> HttpResponse:
    actions.resend(request.viewer, delivery)
    messages.success(request, _("It goes out again within a minute, under the same number."))
    return redirect("desk-exchange-delivery", delivery)


@require_POST
def answer(request: DeskRequest, delivery: UUID) -> HttpResponse:
    """What the receiver says, or that a stuck batch is given up."""
    if request.POST.get("verdict") == "aside":
        aside = SetAsideForm(request.POST, auto_id="aside_%s")
        if not aside.is_valid():
            return _record(request, delivery, aside=aside, code=422)
        actions.set_aside(request.viewer, delivery, aside.cleaned_data["reason"])
        messages.success(request, _("Set aside. What it held goes out with the next batch."))
        return redirect("desk-exchange-delivery", delivery)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _record(request, delivery, answer_form=form, code=422)
    taken = form.cleaned_data["verdict"] == "taken"
    actions.acknowledge(request.viewer, delivery, Acknowledgement(taken, form.cleaned_data["reason"]))
    messages.success(request, _("Noted."))
    return redirect("desk-exchange-delivery", delivery)


@require_POST
def rows(request: DeskRequest, delivery: UUID) -> HttpResponse:
    must(request.viewer)
    try:
        state = RowState(request.POST.get("state", ""))
    except ValueError:
        raise Invalid("state", _("Choose to send the rows again, or that they are settled."), field="state") from None
    count = actions.decide_rows(request.viewer, delivery, state)
    if state is RowState.AGAIN:
        text = ngettext("%d row goes out with the next batch.", "%d rows go out with the next batch.", count)
    else:
        text = ngettext("%d row is settled.", "%d rows are settled.", count)
    messages.success(request, text % count)
    return redirect("desk-exchange-delivery", delivery)


def stuck(viewer: Viewer) -> Sequence[Due]:
    """Batches that failed or were refused, and refused rows, for those who run the connections."""
    if not may(viewer):
        return []
    found = log.waiting_for_people(viewer)
    known, titles = (
        {state: status(state) for state in DeliveryState},
        {name: feed.title for name, feed in FEEDS.items()},
    )
    end, decide = (
        _("End the stuck batch %(batch)s to %(channel)s"),
        _("Decide about refused rows of %(batch)s to %(channel)s"),
    )
    return [
        Due(
            WorklistRow(
                (end if one.state in STUCK else decide) % {"batch": one.label, "channel": one.channel_name}, place,
                one.answer or titles[one.feed],
                due=(one.settled_at or one.sent_at or one.queued_at) + timedelta(days=1), status=known[one.state],
                value=one.refused_rows or None,
            ),
            key=f"delivery-{one.id}",
        )
        for one, place in zip(found, addresses_of("desk-exchange-delivery", [one.id for one in found]), strict=True)
    ]  # fmt: skip


def address(subject: str, supplier: UUID | None) -> str:
    del supplier
    return reverse("desk-exchange-delivery", args=[subject])
