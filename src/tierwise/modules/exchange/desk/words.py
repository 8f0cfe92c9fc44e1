"""Words of states and kinds, tabs and doors that the pages share."""

from __future__ import annotations

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.viewer import Viewer
from tierwise.modules.exchange.actions import put_channel
from tierwise.modules.exchange.records.words import ChannelKind, ChannelState, DeliveryState, RowState
from tierwise.web.pages import Crumb, Status, Tab, Tone

STATES: dict[DeliveryState, tuple[str | Promise, Tone]] = {
    DeliveryState.QUEUED: (gettext_lazy("Queued"), Tone.PLAIN),
    DeliveryState.SENT: (gettext_lazy("Sent, not acknowledged yet"), Tone.PLAIN),
    DeliveryState.ACKNOWLEDGED: (gettext_lazy("Acknowledged"), Tone.GOOD),
    DeliveryState.REFUSED: (gettext_lazy("Refused"), Tone.BAD),
    DeliveryState.FAILED: (gettext_lazy("Failed"), Tone.BAD),
    DeliveryState.EXPIRED: (gettext_lazy("Never acknowledged"), Tone.BAD),
    DeliveryState.SET_ASIDE: (gettext_lazy("Set aside"), Tone.PLAIN),
}
CHANNEL_STATES: dict[ChannelState, tuple[str | Promise, Tone]] = {
    ChannelState.ACTIVE: (gettext_lazy("Active"), Tone.GOOD),
    ChannelState.PAUSED: (gettext_lazy("Paused"), Tone.WATCH),
    ChannelState.DISABLED: (gettext_lazy("Disabled"), Tone.BAD),
}
ROW_STATES: dict[RowState, tuple[str | Promise, Tone]] = {
    RowState.OPEN: (gettext_lazy("Waits for you"), Tone.BAD),
    RowState.AGAIN: (gettext_lazy("Goes with the next batch"), Tone.PLAIN),
    RowState.SETTLED: (gettext_lazy("Settled"), Tone.GOOD),
}
KINDS: dict[ChannelKind, str | Promise] = {
    ChannelKind.FOLDER: gettext_lazy("Folder"),
    ChannelKind.SFTP: gettext_lazy("SFTP"),
    ChannelKind.REST: gettext_lazy("Web service (REST, OData)"),
    ChannelKind.WEBHOOK: gettext_lazy("Webhook"),
}


def status(state: DeliveryState) -> Status:
    label, tone = STATES[state]
    return Status(str(label), tone)


def channel_status(state: ChannelState) -> Status:
    label, tone = CHANNEL_STATES[state]
    return Status(str(label), tone)


def statuses() -> dict[str, Status]:
    return {state.value: status(state) for state in STATES}


def channel_statuses() -> dict[str, Status]:
    return {state.value: channel_status(state) for state in CHANNEL_STATES}


def row_statuses() -> dict[str, Status]:
    return {state.value: Status(str(label), tone) for state, (label, tone) in ROW_STATES.items()}


def crumbs(*further: Crumb) -> tuple[Crumb, ...]:
    return (Crumb(_("Sent decisions"), reverse("desk-exchange")), *further)


def tabs(active: str) -> tuple[Tab, ...]:
    pages = (
        ("desk-exchange", _("Deliveries")),
        ("desk-exchange-feeds", _("Feeds")),
        ("desk-exchange-channels", _("Channels")),
    )
    return tuple(Tab(label, reverse(name), name == active) for name, label in pages)


def may(viewer: Viewer) -> bool:
    """Whether the viewer runs the connections, and not only reads of them."""
    return viewer.role in put_channel.roles  # type: ignore[attr-defined]


def must(viewer: Viewer) -> Viewer:
    if not may(viewer):
        raise NotAllowed("role", _("Only administrators set up what is sent to other systems."))
    return viewer
