"""Channels and what goes over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now
from tierwise.kernel.vault import seal, unseal
from tierwise.kernel.viewer import Role, Viewer
from tierwise.modules.exchange.models import Channel, Route
from tierwise.modules.exchange.records.mapping import read_out_mapping
from tierwise.modules.exchange.records.settings import SECRETS, Settings, as_values, read_settings, required_form
from tierwise.modules.exchange.records.words import ChannelKind, ChannelState
from tierwise.wire.webhooks import new_secret

INTEGRATORS = frozenset({Role.ADMINISTRATOR})
ROTATION_DAYS = 7
"""How long both secrets of a webhook sign, so that its receiver can change over."""
SECRET, OLD_SECRET = "secret", "old_secret"


@dataclass(frozen=True, slots=True)
class ChannelPut:
    """A channel as somebody wants it. A secret left out stays as it is; an empty one is deleted."""

    name: str
    kind: ChannelKind
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    expire_days: int = 7


@dataclass(frozen=True, slots=True)
class Revealed:
    """A channel, and the secret that was made for it: shown now and never again. Empty where none was."""

    channel: UUID
    secret: str = ""


@action("put_channel", roles=INTEGRATORS)
def put_channel(actor: Viewer, wanted: ChannelPut, channel_id: UUID | None = None) -> Revealed:
    """Makes a channel, or changes one. The kind of a channel stays. The audit names settings and secrets, no value of
    a secret."""
    name = wanted.name.strip()
    if not 0 < len(name) <= 80:
        raise Invalid("name", "Give the channel a name of at most 80 characters.", field="name")
    if not 1 <= wanted.expire_days <= 90:
        raise Invalid("expire_days", "Choose 1 to 90 days.", field="expire_days")
    try:
        settings = read_settings(wanted.kind, wanted.settings)
    except ValueError as error:
        place, _, why = str(error).partition(": ")
        raise Invalid(place, why, field=place) from None
    if unknown := sorted(set(wanted.secrets) - set(SECRETS[wanted.kind])):
        raise Invalid("secret", f"A {wanted.kind.value} channel has no secret {unknown[0]}.", field=unknown[0])
    row = _held(channel_id) if channel_id else Channel(kind=wanted.kind.value, state=ChannelState.ACTIVE.value)
    if row.kind != wanted.kind:
        raise Stale("kind", f"{row.name} is a {row.kind} channel and stays one; make a new channel.", field="kind")
    if channel_id:
        _refuse_forms(row, settings)
    row.name, row.settings, row.expire_days = name, as_values(settings), wanted.expire_days
    row.shown_key = ""  # perhaps another server's now
    made = new_secret() if row.kind == ChannelKind.WEBHOOK and not row.sealed else ""
    _keep(row, {**wanted.secrets, **({SECRET: made} if made else {})})
    try:
        with transaction.atomic(using=actor.alias):
            row.save(force_insert=channel_id is None)
    except IntegrityError:
        raise Invalid("name_taken", f"There is a channel {name} already; choose another name.", field="name") from None
    record(actor, Subject("channel", row.id), kind=row.kind, name=name, settings=row.settings, secrets=row.secret_names)
    return Revealed(row.id, made)


def _refuse_forms(row: Channel, settings: Settings) -> None:
    needed = required_form(settings)
    for route in Route.objects.filter(channel=row):
        if needed and read_out_mapping(route.mapping).layout.form is not needed:
            raise Invalid(
                "form", f"The mapping of {route.feed} must be of the form {needed.value} for this.", field="per"
            )


def _held(channel_id: UUID) -> Channel:
    found = Channel.objects.select_for_update().filter(id=channel_id).first()
    if found is None:
        raise NotFound("channel", "There is no such channel.")
    return found


def _keep(row: Channel, changed: Mapping[str, str]) -> None:
    """Seals secrets anew; those not named stay."""
    if not changed:
        return
    # Where the installation's secret is another one, what was sealed is lost and is entered again.
    held = {} if set(changed) >= set(row.secret_names) else unseal(row.sealed, str(row.id))
    held = {name: value for name, value in {**held, **changed}.items() if value}
    row.sealed = seal(held, str(row.id)) if held else ""
    row.secret_names = sorted(held)


@action("rotate_secret", roles=INTEGRATORS)
def rotate_secret(actor: Viewer, channel_id: UUID) -> Revealed:
    """A new secret for a webhook. For a week both sign, so that no message is lost while the receiver changes over."""
    row = _held(channel_id)
    if row.kind != ChannelKind.WEBHOOK:
        raise Stale("kind", "Only a webhook has a secret that is made here.")
    made, held = new_secret(), unseal(row.sealed, str(row.id))
    _keep(row, {SECRET: made, OLD_SECRET: held.get(SECRET, "")})
    row.old_secret_until = now() + timedelta(days=ROTATION_DAYS)
    row.save(update_fields=["sealed", "secret_names", "old_secret_until"])
    record(actor, Subject("channel", row.id), until=row.old_secret_until)
    return Revealed(row.id, made)


@action("drop_secret", roles=INTEGRATORS)
def drop_secret(actor: Viewer, channel_id: UUID) -> None:
    """Ends a rotation at once: the old secret signs no more. Doing so again has no second effect."""
    row = _held(channel_id)
    if OLD_SECRET in row.secret_names:
        _keep(row, {OLD_SECRET: ""})
        row.old_secret_until = None
        row.save(update_fields=["sealed", "secret_names", "old_secret_until"])
    record(actor, Subject("channel", row.id))


@action("set_channel_state", roles=INTEGRATORS)
def set_channel_state(actor: Viewer, channel_id: UUID, state: ChannelState, reason: str = "") -> None:
    """Pauses a channel or lets it go on. What waits keeps its order; going on forgets how long it had failed."""
    if state is ChannelState.DISABLED and actor.role is not Role.SYSTEM:
        raise Invalid("state", "People pause a channel; only the program disables one.", field="state")
    row = _held(channel_id)
    row.state, row.reason = state.value, reason[:300]
    if state is ChannelState.ACTIVE:
        row.failing_since = None
    row.save(update_fields=["state", "reason", "failing_since"])
    record(actor, Subject("channel", row.id), state=state.value, reason=reason)


@action("put_route", roles=INTEGRATORS)
def put_route(actor: Viewer, channel_id: UUID, mapping: str) -> UUID:
    """Sends a feed over a channel under a mapping, or changes the mapping; the document names the feed.

    Raises DocumentError with every mistake. A changed mapping holds from the next batch on.
    """
    document = read_out_mapping(mapping)
    row = _held(channel_id)
    needed = required_form(read_settings(ChannelKind(row.kind), row.settings))
    if needed and document.layout.form is not needed:
        raise Invalid("form", f"This channel sends row by row; write `form: {needed.value}`.", field="mapping")
    route, made = Route.objects.get_or_create(channel=row, feed=document.feed.name, defaults={"mapping": mapping})
    if not made:
        route.mapping = mapping
        route.save(update_fields=["mapping"])
    record(actor, Subject("route", route.id), channel=row.id, feed=route.feed, mapping=document.digest)
    return route.id


@action("set_route_active", roles=INTEGRATORS)
def set_route_active(actor: Viewer, route_id: UUID, active: bool) -> None:
    """Stops a feed on its channel, or lets it go on from what was last acknowledged."""
    route = Route.objects.select_for_update().filter(id=route_id).first()
    if route is None:
        raise NotFound("route", "There is no such feed on a channel.")
    route.active = active
    route.save(update_fields=["active"])
    record(actor, Subject("route", route.id), active=active)


@action("request_test", roles=INTEGRATORS)
def request_test(actor: Viewer, channel_id: UUID) -> None:
    """Asks the worker to try a channel; what came of it is shown with the channel."""
    row = _held(channel_id)
    row.tested_at, row.test_result = None, "…"
    row.save(update_fields=["tested_at", "test_result"])
    record(actor, Subject("channel", row.id))
    publish_event(actor, "channel_test_requested", channel=row.id)


@action("accept_host_key", roles=INTEGRATORS)
def accept_host_key(actor: Viewer, channel_id: UUID, key: str) -> None:
    """Pins the key that the server showed. ``Stale`` where it has shown another one than the person read."""
    row = _held(channel_id)
    if row.kind != ChannelKind.SFTP:
        raise Stale("kind", "Only an SFTP server has a host key.")
    before = str(row.settings.get("host_key", ""))
    if not key or key not in {row.shown_key, before}:
        raise Stale("host_key", "The server has shown another key since; try the channel and compare again.")
    if key != before:
        row.settings = {**row.settings, "host_key": key}
        row.shown_key = ""
        row.save(update_fields=["settings", "shown_key"])
    record(actor, Subject("channel", row.id), accepted=key, before=before)


@action("note_test", roles={Role.SYSTEM})
def note_test(actor: Viewer, channel_id: UUID, result: str, shown_key: str = "") -> None:
    """What came of a try; ``shown_key`` where the server showed a key that is not the one pinned."""
    row = _held(channel_id)
    row.tested_at, row.test_result, row.shown_key = now(), result[:500], shown_key
    row.save(update_fields=["tested_at", "test_result", "shown_key"])
    record(actor, Subject("channel", row.id), result=row.test_result)
