"""A folder that the other system reads: whole files appear, or none, and a done-file says when all are there."""

from __future__ import annotations

import os
from pathlib import Path

from tierwise.modules.exchange.records.settings import FolderSettings
from tierwise.modules.exchange.transport.guard import folder
from tierwise.modules.exchange.transport.parcel import AckFile, Outcome, Parcel, TransportFault, ack_name

DONE, PART, TAKEN = ".done", ".part", ".taken"
LARGEST_ACK = 20 * 1024 * 1024


def send(settings: FolderSettings, parcel: Parcel) -> Outcome:
    """Puts the files there. Doing so again replaces them by the same bytes."""
    home = folder(settings.path)
    try:
        home.mkdir(parents=True, exist_ok=True)
        for item in parcel.items:
            _put(home / item.name, item.content)
        if settings.done_file:
            _put(home / (parcel.stem + DONE), parcel.manifest())
    except OSError as error:
        raise TransportFault(f"{home}: {error.strerror or error}") from error
    return Outcome(f"{len(parcel.items)} files in {home}")


def _put(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}{PART}")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)  # the name itself must outlast a power cut
    finally:
        os.close(handle)


def acknowledgements(settings: FolderSettings) -> list[AckFile]:
    """Files of the receiver that answer a batch."""
    home = folder(settings.acks or settings.path)
    try:
        names = sorted(one.name for one in home.iterdir() if one.is_file() and not one.is_symlink())
        return [
            AckFile(*named, (home / name).read_bytes(), name)
            for name in names
            if (named := ack_name(name)) and (home / name).stat().st_size <= LARGEST_ACK
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TransportFault(f"{home}: {error.strerror or error}") from error


def take(settings: FolderSettings, found: AckFile) -> None:
    """Marks an acknowledgement as read, once what it says is kept."""
    home = folder(settings.acks or settings.path)
    (home / found.name).replace(home / (found.name + TAKEN))


def test(settings: FolderSettings) -> str:
    home = folder(settings.path)
    probe = home / ".tierwise-test.part"
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise TransportFault(f"{home}: {error.strerror or error}") from error
    return f"{home} can be written"
