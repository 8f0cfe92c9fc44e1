"""From a delivery to the transport of its channel's kind. Secrets are opened here and go no further."""

from __future__ import annotations

from collections.abc import Callable

from tierwise.kernel.audit import NotFound
from tierwise.kernel.clock import now
from tierwise.kernel.files import path_of
from tierwise.kernel.vault import unseal
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.modules.exchange.models import Channel
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.settings import (
    AcknowledgedBy,
    FolderSettings,
    RestSettings,
    SftpSettings,
    WebhookSettings,
    acknowledged_by,
    read_settings,
)
from tierwise.modules.exchange.records.words import ChannelRecord, DeliveryRecord
from tierwise.modules.exchange.transport import folder, rest, sftp, webhook
from tierwise.modules.exchange.transport.parcel import AckFile, Item, Outcome, Parcel, TransportFault


def secrets_of(viewer: Viewer, channel: ChannelRecord) -> dict[str, str]:
    with viewer_scope(viewer):
        row = Channel.objects.filter(id=channel.id).first()
    if row is None:
        raise NotFound("channel", "There is no such channel.")
    return unseal(row.sealed, str(row.id))


def _signing(channel: ChannelRecord, secrets: dict[str, str]) -> list[str]:
    """Secrets that sign: the new one first, the old one until its day."""
    old_holds = channel.old_secret_until is not None and channel.old_secret_until > now()
    held = [secrets.get("secret", ""), secrets.get("old_secret", "") if old_holds else ""]
    return [one for one in held if one]


def carry(viewer: Viewer, delivery: DeliveryRecord, progressed: Callable[[int], None]) -> Outcome:
    """Sends a delivery's files as they were kept. Raises ``TransportFault`` and ``NotTaken``."""
    channel = log.channel(viewer, delivery.channel)
    parcel = Parcel(
        delivery.id, delivery.feed, delivery.number, delivery.rows, delivery.digest, delivery.schema_version,
        delivery.queued_at,
        tuple(Item(one.name, path_of(one.sha256).read_bytes(), one.media_type) for one in delivery.files),
        delivery.progress, progressed,
    )  # fmt: skip
    settings, secrets = read_settings(channel.kind, channel.settings), secrets_of(viewer, channel)
    match settings:
        case FolderSettings():
            return folder.send(settings, parcel)
        case SftpSettings():
            return sftp.send(settings, secrets, parcel)
        case RestSettings():
            return rest.send(settings, secrets, parcel)
        case WebhookSettings():
            return webhook.send(settings, _signing(channel, secrets), parcel)


def answers_of(viewer: Viewer, channel: ChannelRecord) -> list[AckFile]:
    """Acknowledgement files that lie ready, where the channel has such."""
    settings = read_settings(channel.kind, channel.settings)
    if acknowledged_by(settings) is not AcknowledgedBy.FILE:
        return []
    match settings:
        case FolderSettings():
            return folder.acknowledgements(settings)
        case SftpSettings():
            return sftp.acknowledgements(settings, secrets_of(viewer, channel))
        case _:
            return []


def mark_taken(viewer: Viewer, channel: ChannelRecord, answer: AckFile) -> None:
    settings = read_settings(channel.kind, channel.settings)
    match settings:
        case FolderSettings():
            folder.take(settings, answer)
        case SftpSettings():
            sftp.take(settings, secrets_of(viewer, channel), answer)
        case _:
            pass


def probe(viewer: Viewer, channel: ChannelRecord) -> str:
    """Tries a channel without sending a decision; returns what it found."""
    settings, secrets = read_settings(channel.kind, channel.settings), secrets_of(viewer, channel)
    match settings:
        case FolderSettings():
            return folder.test(settings)
        case SftpSettings():
            return sftp.test(settings, secrets)
        case RestSettings():
            return rest.test(settings, secrets)
        case WebhookSettings():
            return webhook.test(settings, _signing(channel, secrets))


def newly_shown_key(channel: ChannelRecord) -> str:
    """The host key that an SFTP server shows where it is not the one pinned, else nothing."""
    settings = read_settings(channel.kind, channel.settings)
    if not isinstance(settings, SftpSettings):
        return ""
    try:
        found = sftp.shown_key(settings)
    except TransportFault:
        return ""
    return found if found.split() != settings.host_key.split()[:2] else ""
