"""Channels: made, tried, paused; their secrets entered and never shown again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tierwise.collaboration.showing import explain
from tierwise.kernel.audit import Invalid
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Viewer
from tierwise.modules.exchange import actions
from tierwise.modules.exchange.actions import ChannelPut, Revealed
from tierwise.modules.exchange.desk.words import KINDS, channel_status, channel_statuses, crumbs, may, must, tabs
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.feeds import FEEDS
from tierwise.modules.exchange.records.settings import (
    SECRETS,
    SETTINGS,
    AcknowledgedBy,
    Auth,
    Method,
    Per,
    fingerprint,
)
from tierwise.modules.exchange.records.words import ChannelKind, ChannelRecord, ChannelState
from tierwise.web.due import Due
from tierwise.web.pages import Action, Column, Crumb, Empty, Fact, Grid, Kind, Notice, Page, Tone, WorklistRow, respond
from tierwise.web.viewing import DeskRequest

LABELS: dict[str, Any] = {
    "path": gettext_lazy("Folder"), "acks": gettext_lazy("Folder of acknowledgements"),
    "done_file": gettext_lazy("Write a done-file when all files are there"),
    "acknowledged_by": gettext_lazy("Acknowledged by"), "host": gettext_lazy("Server"), "user": gettext_lazy("User"),
    "host_key": gettext_lazy("The server's public key"), "port": gettext_lazy("Port"), "url": gettext_lazy("Address"),
    "method": gettext_lazy("Method"), "per": gettext_lazy("One request for"),
    "entity": gettext_lazy("Path of one record (OData)"), "auth": gettext_lazy("Sign in by"),
    "token_url": gettext_lazy("Address of tokens (OAuth 2)"), "client_id": gettext_lazy("Client (OAuth 2)"),
    "scope": gettext_lazy("Scope (OAuth 2)"), "if_match": gettext_lazy("Change only what exists (If-Match: *)"),
    "csrf": gettext_lazy("Fetch a token before writing (SAP)"), "batch_size": gettext_lazy("Rows in an OData batch"),
    "timeout_seconds": gettext_lazy("Wait for an answer, seconds"),
    "rows_per_message": gettext_lazy("Rows in a message"),
    "disable_after_days": gettext_lazy("Disable after days of failure"), "password": gettext_lazy("Password"),
    "private_key": gettext_lazy("Private key"), "passphrase": gettext_lazy("Passphrase of the key"),
    "token": gettext_lazy("Token"), "client_secret": gettext_lazy("Client secret"),
    "secret": gettext_lazy("Signing secret"), "old_secret": gettext_lazy("Signing secret before"),
    "ca": gettext_lazy("Certificates of your own authority"),
}  # fmt: skip
CHOICES: dict[str, list[tuple[str, Any]]] = {
    "acknowledged_by": [
        (AcknowledgedBy.DELIVERY.value, gettext_lazy("delivery: that it lies there is enough")),
        (AcknowledgedBy.FILE.value, gettext_lazy("a file of the receiver (.ack or .nak)")),
        (AcknowledgedBy.HAND.value, gettext_lazy("a person, here")),
    ],
    "method": [(one.value, one.value) for one in Method],
    "per": [
        (Per.BATCH.value, gettext_lazy("the whole file")), (Per.RECORD.value, gettext_lazy("each row")),
        (Per.ODATA.value, gettext_lazy("many rows in an OData batch")),
    ],
    "auth": [
        (Auth.NONE.value, gettext_lazy("nothing")), (Auth.BASIC.value, gettext_lazy("user and password")),
        (Auth.BEARER.value, gettext_lazy("token")), (Auth.OAUTH2.value, gettext_lazy("OAuth 2, client credentials")),
    ],
}  # fmt: skip
HELP: dict[str, Any] = {
    "path": gettext_lazy("A folder below has no need of its whole path."),
    "host_key": gettext_lazy(
        "As ssh-keyscan prints it, without the host. Leave it empty to have it fetched: try the channel, then accept "
        "the fingerprint."
    ),
    "ca": gettext_lazy("In PEM, for a receiver whose certificate no public authority has signed."),
    "url": gettext_lazy("With one request for each row it may hold {COLUMN} of the mapping."),
    "entity": gettext_lazy("Such as Materials('{MATNR}'), below the address of the service."),
}
_SECRET_AREAS = frozenset({"private_key"})
_AREAS = frozenset({"ca"})


def channel_form(kind: ChannelKind, data: Any = None, standing: ChannelRecord | None = None) -> forms.Form:
    """The form of a kind, made from its settings; a secret that is held is asked for only to change it."""
    made: dict[str, forms.Field] = {"name": forms.CharField(label=_("Name"), max_length=80)}
    made |= {each.name: _field(kind, each) for each in fields(SETTINGS[kind])}
    made |= {name: _secret_field(name, standing is not None and name in standing.secrets) for name in SECRETS[kind]}
    made["expire_days"] = forms.IntegerField(label=_("Days to wait for an acknowledgement"), min_value=1, max_value=90)
    cls: type[forms.Form] = type("ChannelForm", (forms.Form,), made)
    if data is not None:
        return cls(data)
    defaults = {each.name: each.default for each in fields(SETTINGS[kind]) if each.default is not MISSING}
    initial = {**defaults, "expire_days": 7, **(standing.settings if standing else {})}
    if standing is not None:
        initial |= {"name": standing.name, "expire_days": standing.expire_days}
    return cls(initial=initial)


def _field(kind: ChannelKind, each: Field[Any]) -> forms.Field:
    label, told = LABELS[each.name], HELP.get(each.name, "")
    if each.name in CHOICES:
        # A web service answers in its reply and writes no files.
        without = {AcknowledgedBy.FILE.value} if kind is ChannelKind.REST else set()
        options = [choice for choice in CHOICES[each.name] if choice[0] not in without]
        return forms.ChoiceField(label=label, choices=options, help_text=told)
    if each.type == "bool":
        return forms.BooleanField(label=label, required=False)
    if each.type == "int":
        return forms.IntegerField(label=label)
    widget = forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}) if each.name in _AREAS else None
    return forms.CharField(label=label, required=each.default is MISSING, help_text=told, widget=widget)


def _secret_field(name: str, held: bool) -> forms.Field:
    told = _("Kept sealed, never shown again.")
    if held:
        told = _("Kept sealed. Leave it empty to keep the one that is there.")
    area = forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"})
    line = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    widget = area if name in _SECRET_AREAS else line
    return forms.CharField(label=LABELS[name], required=False, help_text=told, widget=widget)


def _wanted(kind: ChannelKind, form: forms.Form) -> ChannelPut:
    given = form.cleaned_data
    settings = {each.name: given[each.name] for each in fields(SETTINGS[kind]) if each.name in given}
    secrets = {name: given[name] for name in SECRETS[kind] if given.get(name)}
    return ChannelPut(given["name"], kind, settings, secrets, given["expire_days"])


def list_page(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    feeds: dict[UUID, list[str]] = {}
    for route in log.routes(viewer):
        feeds.setdefault(route.channel, []).append(route.feed)
    columns = (
        Column("name", _("Channel"), Kind.LINK, href="href", card=True),
        Column("kind", _("Kind"), card=True),
        Column("state", _("State"), Kind.STATUS, statuses=channel_statuses(), card=True),
        Column("feeds", _("Feeds"), card=True, width=320),
        Column("failing", _("Fails since"), Kind.INSTANT),
        Column("reason", _("Reason"), width=280),
    )
    rows = [
        {"name": one.name, "href": reverse("desk-exchange-channel", args=[one.id]), "kind": str(KINDS[one.kind]),
         "state": one.state.value, "feeds": ", ".join(feeds.get(one.id, [])), "failing": one.failing_since,
         "reason": one.reason}
        for one in log.channels(viewer)
    ]  # fmt: skip
    new = Action(_("New channel"), reverse("desk-exchange-channel-new")) if may(viewer) else None
    page = Page(
        _("Channels"), crumbs(), lead=_("Ways to other systems."), tabs=tabs("desk-exchange-channels"),
        action=new,
    )  # fmt: skip
    text = _("Nothing leaves this installation. A channel is a folder, an SFTP server, a web service or a webhook.")
    grid = Grid("channels", columns, rows, empty=Empty(_("No channel yet"), text, new))
    return respond(request, "web/grid.html", {"page": page, "grid": grid})


def new(request: DeskRequest) -> HttpResponse:
    """First the kind, then what that kind must be told."""
    viewer = must(request.viewer)
    given = request.POST.get("kind") or request.GET.get("kind", "")
    parts = crumbs(Crumb(_("Channels"), reverse("desk-exchange-channels")))
    if given not in {kind.value for kind in ChannelKind}:
        choose = type(
            "KindForm",
            (forms.Form,),
            {"kind": forms.ChoiceField(label=_("Kind"), choices=[(k.value, str(v)) for k, v in KINDS.items()])},
        )
        return respond(
            request, "web/form.html",
            {"page": Page(_("New channel"), parts), "form": choose(), "form_method": "get", "submit": _("Go on"),
             "cancel_href": reverse("desk-exchange-channels")},
        )  # fmt: skip
    kind = ChannelKind(given)
    form = channel_form(kind, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        done = _try(request, viewer, form, kind, None)
        if done is not None:
            return done
    page = Page(_("New channel: %s") % KINDS[kind], parts)
    context = {
        "page": page, "form": form, "form_href": f"{reverse('desk-exchange-channel-new')}?kind={kind.value}",
        "cancel_href": reverse("desk-exchange-channels"), "submit": _("Make the channel"),
    }  # fmt: skip
    return respond(request, "web/form.html", context, status=422 if form.errors else 200)


def edit(request: DeskRequest, channel: UUID) -> HttpResponse:
    viewer = must(request.viewer)
    found = log.channel(viewer, channel)
    form = channel_form(found.kind, request.POST if request.method == "POST" else None, found)
    if request.method == "POST" and form.is_valid():
        done = _try(request, viewer, form, found.kind, channel)
        if done is not None:
            return done
    page = Page(_("Change %s") % found.name, crumbs(Crumb(_("Channels"), reverse("desk-exchange-channels"))))
    context = {"page": page, "form": form, "cancel_href": reverse("desk-exchange-channel", args=[channel])}
    return respond(request, "web/form.html", context, status=422 if form.errors else 200)


def _try(
    request: DeskRequest, viewer: Viewer, form: forms.Form, kind: ChannelKind, channel: UUID | None
) -> HttpResponse | None:
    try:
        kept = actions.put_channel(viewer, _wanted(kind, form), channel)
    except Invalid as refused:
        explain(form, refused)
        return None
    if kept.secret:
        return _reveal(request, kept)
    messages.success(request, _("Kept. Try the channel before you put a feed on it."))
    return redirect("desk-exchange-channel", kept.channel)


def _reveal(request: DeskRequest, kept: Revealed) -> HttpResponse:
    """The one answer that shows a secret; it is kept neither in the session nor by the browser."""
    found = log.channel(request.viewer, kept.channel)
    page = Page(_("The signing secret of %s") % found.name, crumbs())
    context = {"page": page, "secret": kept.secret, "until": found.old_secret_until,
               "next_href": reverse("desk-exchange-channel", args=[kept.channel])}  # fmt: skip
    response = respond(request, "exchange/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response


def record(request: DeskRequest, channel: UUID) -> HttpResponse:
    viewer = request.viewer
    found = log.channel(viewer, channel)
    mine = may(viewer)
    page = Page(
        found.name, crumbs(Crumb(_("Channels"), reverse("desk-exchange-channels"))), status=channel_status(found.state),
        action=Action(_("Put a feed on it"), reverse("desk-exchange-route-edit", args=[channel])) if mine else None,
        actions=_buttons(found) if mine else (),
    )  # fmt: skip
    facts = [
        Fact(_("Kind"), str(KINDS[found.kind])),
        *(Fact(str(LABELS[name]), _shown(value)) for name, value in found.settings.items() if value not in ("", False)),
        Fact(_("Secrets held"), ", ".join(str(LABELS[name]) for name in found.secrets) or _("none")),
        Fact(_("Days to wait for an acknowledgement"), found.expire_days),
        Fact(_("Fails since"), found.failing_since),
        Fact(_("Last try"), found.test_result, f"{found.tested_at:%Y-%m-%d %H:%M} UTC" if found.tested_at else ""),
    ]
    notices = [Notice(found.reason, Tone.BAD, _("Disabled"))] if found.state is ChannelState.DISABLED else []
    if found.old_secret_until is not None and found.old_secret_until > now():
        told = _("The secret before still signs until %s UTC.") % f"{found.old_secret_until:%Y-%m-%d %H:%M}"
        notices.append(Notice(told, title=_("The secret is being changed")))
    if found.shown_key:
        notices.append(_shown_key(found, mine))
    context = {"page": page, "facts": [f for f in facts if f.value not in (None, "")], "notices": notices,
               "grids": [_routes(viewer, found)]}  # fmt: skip
    return respond(request, "web/record.html", context)


def _shown_key(found: ChannelRecord, mine: bool) -> Notice:
    pinned = str(found.settings.get("host_key", ""))
    text = _("%(host)s shows the key %(new)s.") % {"host": found.settings["host"], "new": fingerprint(found.shown_key)}
    if pinned:
        text += " " + _("Accepted before: %s.") % fingerprint(pinned)
    text += " " + _("Ask its operator for the fingerprint, by another way than this line, and compare.")
    title = _("The server shows another key than the one accepted") if pinned else _("The server's key waits for you")
    accept = Action(
        _("It is the same: accept this key"), reverse("desk-exchange-channel-host-key", args=[found.id]), post=True,
        fields={"key": found.shown_key},
    )  # fmt: skip
    return Notice(text, Tone.BAD if pinned else Tone.WATCH, title, accept if mine else None)


def _shown(value: Any) -> str:
    if isinstance(value, str) and value.startswith("-----BEGIN"):
        return _("%d certificates") % value.count("-----BEGIN")
    return _("yes") if value is True else str(value)


def _buttons(found: ChannelRecord) -> tuple[Action, ...]:
    here = [found.id]
    active = found.state is ChannelState.ACTIVE
    word = _("Pause") if active else _("Let it go on")
    target = ChannelState.PAUSED if active else ChannelState.ACTIVE
    tried = _("Send a test event") if found.kind is ChannelKind.WEBHOOK else _("Try the connection")
    buttons = [
        Action(_("Change"), reverse("desk-exchange-channel-edit", args=here)),
        Action(tried, reverse("desk-exchange-channel-test", args=here), post=True),
        Action(word, reverse("desk-exchange-channel-state", args=here), post=True, fields={"state": target.value}),
        Action(_("Its deliveries"), reverse("desk-exchange") + f"?channel={found.id}"),
    ]
    if found.kind is ChannelKind.WEBHOOK:
        secret = reverse("desk-exchange-channel-secret", args=here)
        ask = _("The receiver must be given the new secret within a week; until then both sign.")
        buttons.append(Action(_("New signing secret"), secret, post=True, ask=ask))
        if "old_secret" in found.secrets:
            ask = _("Messages are then signed with the new secret alone.")
            buttons.append(Action(_("Drop the old secret"), secret, post=True, fields={"drop": "yes"}, ask=ask))
    return tuple(buttons)


def _routes(viewer: Viewer, found: ChannelRecord) -> Grid:
    columns = (
        Column("title", _("Feed"), Kind.LINK, href="href", card=True),
        Column("active", _("Active"), Kind.FLAG, card=True),
        Column("last", _("Batches"), Kind.QUANTITY, card=True),
        Column("acknowledged", _("Acknowledged up to"), Kind.QUANTITY, card=True),
    )
    rows = [
        {"title": FEEDS[route.feed].title, "href": reverse("desk-exchange-route", args=[route.id]),
         "active": route.active,
         "last": route.last_number, "acknowledged": route.base_number}
        for route in log.routes(viewer, channel=found.id)
    ]  # fmt: skip
    return Grid("routes", columns, rows, label=_("Feeds on this channel"), empty=_("No feed yet: nothing goes out."))


@require_POST
def state(request: DeskRequest, channel: UUID) -> HttpResponse:
    try:
        wanted = ChannelState(request.POST.get("state", ""))
    except ValueError:
        raise Invalid("state", _("Choose to pause it or to let it go on."), field="state") from None
    actions.set_channel_state(request.viewer, channel, wanted)
    return redirect("desk-exchange-channel", channel)


@require_POST
def test(request: DeskRequest, channel: UUID) -> HttpResponse:
    actions.request_test(request.viewer, channel)
    messages.success(request, _("The worker tries it; what comes of it stands under Last try in a moment."))
    return redirect("desk-exchange-channel", channel)


@require_POST
def host_key(request: DeskRequest, channel: UUID) -> HttpResponse:
    """A person has compared the fingerprint."""
    actions.accept_host_key(request.viewer, channel, request.POST.get("key", ""))
    messages.success(request, _("Accepted. Nothing is sent to a server that shows another key."))
    return redirect("desk-exchange-channel", channel)


@require_POST
def secret(request: DeskRequest, channel: UUID) -> HttpResponse:
    """A new signing secret, shown once, or the end of the old one."""
    if request.POST.get("drop"):
        actions.drop_secret(request.viewer, channel)
        messages.success(request, _("Only the new secret signs now."))
        return redirect("desk-exchange-channel", channel)
    return _reveal(request, actions.rotate_secret(request.viewer, channel))


def disabled(viewer: Viewer) -> Sequence[Due]:
    """Channels that the program has given up."""
    if not may(viewer):
        return []
    return [
        Due(
            WorklistRow(
                _("Mend the channel %s") % one.name, reverse("desk-exchange-channel", args=[one.id]), one.reason,
                due=(one.failing_since or now()) + timedelta(days=1), late=True, status=channel_status(one.state),
            ),
            key=f"channel-{one.id}",
        )
        for one in log.channels(viewer)
        if one.state is ChannelState.DISABLED
    ]  # fmt: skip


def address(subject: str, supplier: UUID | None) -> str:
    del supplier
    return reverse("desk-exchange-channel", args=[subject]) if subject else ""
