"""SFTP: the server's key is pinned, files get their name only when they are whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import asyncssh

from tierwise.modules.exchange.records.settings import SftpSettings
from tierwise.modules.exchange.transport.folder import DONE, LARGEST_ACK, PART, TAKEN
from tierwise.modules.exchange.transport.guard import resolve
from tierwise.modules.exchange.transport.parcel import AckFile, Outcome, Parcel, TransportFault, ack_name

T = TypeVar("T")
CONNECT_SECONDS = 20
WHOLE_SECONDS = 600


def _run(settings: SftpSettings, secrets: Mapping[str, str], work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
    """Connects, does the work, and says in words what stood in the way."""
    address = resolve(settings.host, settings.port)
    if not settings.host_key:
        raise TransportFault(
            f"{settings.host} shows no key that was accepted yet. Try the channel and accept its fingerprint.",
            again=False,
        )
    try:
        host_key = asyncssh.import_public_key(" ".join(settings.host_key.split()[:2]))
    except asyncssh.KeyImportError as error:
        raise TransportFault(f"host_key: cannot be read ({error}); paste it anew", again=False) from None
    keys = []
    if secrets.get("private_key"):
        try:
            keys = [asyncssh.import_private_key(secrets["private_key"], secrets.get("passphrase") or None)]
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise TransportFault(f"private_key: cannot be read ({error}); enter it anew", again=False) from None

    async def whole() -> T:
        async with asyncssh.connect(
            address, settings.port, username=settings.user, password=secrets.get("password") or None,
            client_keys=keys or None, known_hosts=([host_key], [], []), agent_path=None, config=None,
            connect_timeout=CONNECT_SECONDS, login_timeout=CONNECT_SECONDS, keepalive_interval=15,
        ) as connection, connection.start_sftp_client() as client:  # fmt: skip
            return await work(client)

    try:
        return asyncio.run(asyncio.wait_for(whole(), WHOLE_SECONDS))
    except asyncssh.HostKeyNotVerifiable:
        raise TransportFault(
            f"{settings.host} shows another host key than the one pinned here. Nothing was sent. Ask its operator "
            "whether the key was changed before you enter the new one.",
            again=False,
        ) from None
    except asyncssh.PermissionDenied as error:
        raise TransportFault(f"{settings.host} does not let {settings.user} in: {error.reason}", again=False) from None
    except asyncssh.SFTPError as error:
        raise TransportFault(f"{settings.host}: {error.reason}") from None
    except TimeoutError:
        raise TransportFault(f"{settings.host} does not answer in time") from None
    except (asyncssh.Error, OSError) as error:
        raise TransportFault(f"{settings.host}: {error}") from None


def shown_key(settings: SftpSettings) -> str:
    """The key that a server shows, as a channel pins it; signs in to nothing and believes nothing."""
    address = resolve(settings.host, settings.port)

    async def asked() -> asyncssh.SSHKey | None:
        return await asyncssh.get_server_host_key(address, settings.port, config=None)

    try:
        found = asyncio.run(asyncio.wait_for(asked(), CONNECT_SECONDS))
    except TimeoutError:
        raise TransportFault(f"{settings.host} does not answer in time") from None
    except (asyncssh.Error, OSError) as error:
        raise TransportFault(f"{settings.host}: {error}") from None
    if found is None:
        raise TransportFault(f"{settings.host} shows no key", again=False)
    return " ".join(found.export_public_key().decode().split()[:2])


def _below(folder: str, name: str) -> str:
    return f"{folder.rstrip('/') or ''}/{name}" if folder else name


def send(settings: SftpSettings, secrets: Mapping[str, str], parcel: Parcel) -> Outcome:
    """Uploads under a name of its own and renames. Doing so again replaces the files by the same bytes."""

    async def work(client: asyncssh.SFTPClient) -> Outcome:
        for item in parcel.items:
            await _put(client, settings.path, item.name, item.content)
        if settings.done_file:
            await _put(client, settings.path, parcel.stem + DONE, parcel.manifest())
        return Outcome(f"{len(parcel.items)} files in {settings.path} at {settings.host}")

    return _run(settings, secrets, work)


async def _put(client: asyncssh.SFTPClient, folder: str, name: str, content: bytes) -> None:
    part, whole = _below(folder, f".{name}{PART}"), _below(folder, name)
    async with client.open(part, "wb") as file:
        await file.write(content)
    await _rename(client, part, whole)


async def _rename(client: asyncssh.SFTPClient, old: str, new: str) -> None:
    """Replaces what is there. Servers without OpenSSH's extension refuse to, so it is removed first for them."""
    try:
        await client.posix_rename(old, new)
    except asyncssh.SFTPOpUnsupported:
        if await client.exists(new):
            await client.remove(new)
        await client.rename(old, new)


def acknowledgements(settings: SftpSettings, secrets: Mapping[str, str]) -> list[AckFile]:
    folder = settings.acks or settings.path

    async def work(client: asyncssh.SFTPClient) -> list[AckFile]:
        found = []
        for entry in sorted(await client.readdir(folder), key=lambda one: str(one.filename)):
            name = str(entry.filename)
            named = ack_name(name)
            if named is None or (entry.attrs.size or 0) > LARGEST_ACK:
                continue
            async with client.open(_below(folder, name), "rb") as file:
                found.append(AckFile(*named, await file.read(), name))
        return found

    return _run(settings, secrets, work)


def take(settings: SftpSettings, secrets: Mapping[str, str], found: AckFile) -> None:
    path = _below(settings.acks or settings.path, found.name)

    async def work(client: asyncssh.SFTPClient) -> None:
        await _rename(client, path, path + TAKEN)

    _run(settings, secrets, work)


def test(settings: SftpSettings, secrets: Mapping[str, str]) -> str:
    async def work(client: asyncssh.SFTPClient) -> str:
        return f"signed in at {settings.host}; {len(await client.listdir(settings.path))} entries in {settings.path}"

    return _run(settings, secrets, work)
