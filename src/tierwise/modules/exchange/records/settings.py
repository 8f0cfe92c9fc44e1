"""What a channel of each kind must be told; checked when it is made, whoever tells it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography.x509 import BasicConstraints, ExtensionNotFound, load_pem_x509_certificates

from tierwise.modules.exchange.records.words import ChannelKind
from tierwise.wire.tabular import Form

S = TypeVar("S")


class AcknowledgedBy(StrEnum):
    """``delivery``: it lies there, which is enough. ``file``: the receiver writes one. ``hand``: a person says so."""

    DELIVERY = "delivery"
    FILE = "file"
    HAND = "hand"


class Per(StrEnum):
    """One request for the whole file, one for each row, or rows in OData batches."""

    BATCH = "batch"
    RECORD = "record"
    ODATA = "odata"


class Auth(StrEnum):
    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    OAUTH2 = "oauth2"


class Method(StrEnum):
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"


def _need(name: str, value: str, remedy: str) -> None:
    if not value.strip():
        raise ValueError(f"{name}: {remedy}")


def _one_of(name: str, value: str, kinds: type[StrEnum]) -> None:
    if value not in {one.value for one in kinds}:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(kinds)}")


def _address(name: str, value: str) -> None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError(f"{name}: {value!r} is no address") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError(f"{name}: give a full address that begins with https://")
    if parts.username or parts.password:
        raise ValueError(f"{name}: leave user and password out of the address; they have fields of their own")


def _certificates(text: str) -> None:
    if not text:
        return
    try:
        found = load_pem_x509_certificates(text.encode())
    except ValueError:
        found = []
    if not found or "PRIVATE KEY" in text:
        raise ValueError("ca: paste certificates, each from -----BEGIN CERTIFICATE----- to its end, and no key")
    for one in found:
        try:
            authority = one.extensions.get_extension_for_class(BasicConstraints).value.ca
        except ExtensionNotFound:
            authority = False
        if not authority:
            name = one.subject.rfc4514_string()
            raise ValueError(f"ca: {name} is no authority's certificate; paste the one it was signed with")


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """``acks`` is the folder in which the receiver answers; the same one when empty."""

    path: str
    acks: str = ""
    done_file: bool = True
    acknowledged_by: str = AcknowledgedBy.FILE.value

    def __post_init__(self) -> None:
        _need("path", self.path, "name the folder that the receiver reads")
        _one_of("acknowledged_by", self.acknowledged_by, AcknowledgedBy)


@dataclass(frozen=True, slots=True)
class SftpSettings:
    """``host_key`` is the server's public key as ``ssh-keyscan`` prints it, without the host: ``ssh-ed25519 AAAA…``.

    Without one nothing is sent: a try of the channel fetches it, and a person accepts its fingerprint.
    """

    host: str
    user: str
    host_key: str = ""
    path: str = "."
    port: int = 22
    acks: str = ""
    done_file: bool = True
    acknowledged_by: str = AcknowledgedBy.FILE.value

    def __post_init__(self) -> None:
        _need("host", self.host, "name the server")
        _need("user", self.user, "name the user to sign in as")
        parts = self.host_key.split()
        if parts and (len(parts) < 2 or not parts[0].startswith(("ssh-", "ecdsa-", "sk-"))):
            raise ValueError("host_key: paste the server's public key, such as `ssh-ed25519 AAAAC3…`, from ssh-keyscan")
        if not 0 < self.port < 65536:
            raise ValueError(f"port: {self.port} is not a port")
        _one_of("acknowledged_by", self.acknowledged_by, AcknowledgedBy)


@dataclass(frozen=True, slots=True)
class RestSettings:
    """``url`` may hold ``{COLUMN}`` where each row has its own address.

    ``if_match`` sends ``If-Match: *``, so that only what exists is changed; ``csrf`` fetches the token SAP gateways
    want before a write. ``ca``: certificates (PEM) of an authority of your own that are believed here besides the
    public ones.
    """

    url: str
    method: str = Method.POST.value
    per: str = Per.BATCH.value
    entity: str = ""
    auth: str = Auth.NONE.value
    user: str = ""
    token_url: str = ""
    client_id: str = ""
    scope: str = ""
    if_match: bool = False
    csrf: bool = False
    batch_size: int = 100
    timeout_seconds: int = 30
    acknowledged_by: str = AcknowledgedBy.DELIVERY.value
    ca: str = ""

    def __post_init__(self) -> None:
        _address("url", self.url.replace("{", "").replace("}", ""))
        _certificates(self.ca)
        _one_of("method", self.method, Method)
        _one_of("per", self.per, Per)
        _one_of("auth", self.auth, Auth)
        _one_of("acknowledged_by", self.acknowledged_by, AcknowledgedBy)
        if self.acknowledged_by == AcknowledgedBy.FILE:
            raise ValueError("acknowledged_by: a web service answers in its reply; choose delivery or hand")
        if self.per == Per.ODATA:
            _need("entity", self.entity, "give the path of one record below the service, such as Materials('{MATNR}')")
        if self.per != Per.RECORD and "{" in self.url:
            raise ValueError("url: {COLUMN} needs one request per record")
        if self.auth == Auth.OAUTH2:
            _address("token_url", self.token_url)
            _need("client_id", self.client_id, "give the client that was registered for Tierwise")
        if self.auth == Auth.BASIC:
            _need("user", self.user, "name the user to sign in as")
        if not 1 <= self.timeout_seconds <= 300:
            raise ValueError("timeout_seconds: choose 1 to 300")
        if not 1 <= self.batch_size <= 1000:
            raise ValueError("batch_size: choose 1 to 1000")


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    url: str
    rows_per_message: int = 500
    disable_after_days: int = 5
    timeout_seconds: int = 15
    ca: str = ""

    def __post_init__(self) -> None:
        _address("url", self.url)
        _certificates(self.ca)
        if not 1 <= self.rows_per_message <= 5000:
            raise ValueError("rows_per_message: choose 1 to 5000")
        if not 1 <= self.disable_after_days <= 30:
            raise ValueError("disable_after_days: choose 1 to 30")
        if not 1 <= self.timeout_seconds <= 60:
            raise ValueError("timeout_seconds: choose 1 to 60")


Settings = FolderSettings | SftpSettings | RestSettings | WebhookSettings
SETTINGS: dict[ChannelKind, type[Settings]] = {
    ChannelKind.FOLDER: FolderSettings,
    ChannelKind.SFTP: SftpSettings,
    ChannelKind.REST: RestSettings,
    ChannelKind.WEBHOOK: WebhookSettings,
}
SECRETS: dict[ChannelKind, tuple[str, ...]] = {
    ChannelKind.FOLDER: (),
    ChannelKind.SFTP: ("password", "private_key", "passphrase"),
    ChannelKind.REST: ("password", "token", "client_secret"),
    ChannelKind.WEBHOOK: (),
}
"""Secrets that people enter; a webhook's is made here and shown once."""


def read_settings(kind: ChannelKind, values: Mapping[str, Any]) -> Settings:
    """Settings from given values; what is missing takes its default. ValueError names the field."""
    cls = SETTINGS[kind]
    known = {each.name: each for each in fields(cls)}
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"{unknown[0]}: a {kind.value} channel has no such setting; it has {', '.join(known)}")
    given: dict[str, Any] = {}
    for name, value in values.items():
        wanted = known[name].type
        try:
            given[name] = int(value) if wanted == "int" else bool(value) if wanted == "bool" else str(value).strip()
        except (TypeError, ValueError):
            raise ValueError(f"{name}: {value!r} is not a whole number") from None
    try:
        return cls(**given)
    except TypeError:
        missing = next(name for name, each in known.items() if name not in given)
        raise ValueError(f"{missing}: is missing") from None


def as_values(settings: Settings) -> dict[str, Any]:
    return asdict(settings)


def acknowledged_by(settings: Settings) -> AcknowledgedBy:
    return AcknowledgedBy(getattr(settings, "acknowledged_by", AcknowledgedBy.DELIVERY))


def required_form(settings: Settings) -> Form | None:
    """Channels that send row by row read one JSON object per line."""
    if isinstance(settings, WebhookSettings) or (isinstance(settings, RestSettings) and settings.per != Per.BATCH):
        return Form.NDJSON
    return None


def fingerprint(host_key: str) -> str:
    """Of a public key as ssh shows it, for people to compare."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
