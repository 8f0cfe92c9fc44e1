"""Where a backup lies: in one file, or in a folder that several backups share.

A file holds all members in one encrypted stream, the manifest last. A folder holds every content once, encrypted by
itself and named by a keyed hash, and a small manifest per backup: a night's backup adds what is new since the last.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from tierwise.kernel.backup.sealing import CHUNK, Lock, SealedReader, SealedWriter, WrongKey, described_in

MANIFEST = "manifest.json"
_SUFFIX = ".twb"


class Damaged(Exception):
    """A member is missing or is not what the manifest says."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A member as the manifest names it. ``stamp`` tells whether a file is still the one that was copied."""

    name: str
    size: int
    sha256: str
    stamp: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds and what its database held: rows and digest of every table, versions of every lake table."""

    made_at: str
    tierwise: str
    postgres: int
    tables: dict[str, dict[str, Any]]
    lake: dict[str, int]
    members: tuple[Entry, ...]
    audit: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.members)

    def to_json(self) -> bytes:
        values = {name: getattr(self, name) for name in ("made_at", "tierwise", "postgres", "tables", "lake", "audit")}
        members = [[e.name, e.size, e.sha256, e.stamp] for e in self.members]
        return json.dumps(values | {"members": members, "format": 1}, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        values = json.loads(text)
        if values.pop("format", 0) != 1:
            raise Damaged("This backup was made by a newer Tierwise; restore it with that one.")
        members = tuple(Entry(*row) for row in values.pop("members"))
        return cls(members=members, **values)


class Writer(Protocol):
    def known(self, name: str, size: int, stamp: int) -> bool:
        """Whether an earlier backup in the same place holds this very file; it is then only named again."""

    def add(self, name: str, content: BinaryIO, size: int, stamp: int = 0) -> None:
        """Adds a member of a known size. ValueError where the content is shorter or longer."""

    def give_up(self) -> None: ...

    def finish(self, manifest: Manifest) -> None: ...

    @property
    def entries(self) -> list[Entry]: ...


class _Counted(io.RawIOBase):
    """Passes content on and knows its hash and length."""

    def __init__(self, content: BinaryIO) -> None:
        super().__init__()
        self._content, self._hash, self.count = content, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._content.read(size)
        self._hash.update(data)
        self.count += len(data)
        return data

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class FileWriter:
    """One file. Until it is finished it bears another name."""

    def __init__(self, path: Path, lock: Lock) -> None:
        self._path, self._partial = path, path.with_name(path.name + ".partial")
        described = lock.describe()
        self._file = os.fdopen(os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._sealed = SealedWriter(self._file, lock.master(described), described)
        self._tar = tarfile.open(fileobj=self._sealed, mode="w|", bufsize=CHUNK)  # noqa: SIM115
        self.entries: list[Entry] = []

    def known(self, name: str, size: int, stamp: int) -> bool:
        del name, size, stamp
        return False

    def add(self, name: str, content: BinaryIO, size: int, stamp: int = 0) -> None:
        counted = _Counted(content)
        self._tar.addfile(_info(name, size), cast(BinaryIO, counted))
        if counted.count != size or content.read(1):
            raise ValueError(f"{name} changed while it was copied")
        self.entries.append(Entry(name, size, counted.sha256, stamp))

    def finish(self, manifest: Manifest) -> None:
        text = manifest.to_json()
        self._tar.addfile(_info(MANIFEST, len(text)), io.BytesIO(text))
        self._tar.close()
        self._sealed.finish()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._path)

    def give_up(self) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    return info


class Store:
    """A folder of backups. The lock is chosen by the first and the same for all."""

    def __init__(self, folder: Path, lock: Lock, *, create: bool = False) -> None:
        self.folder, head = folder, folder / "lock.json"
        if create and not head.exists():
            for name in ("objects", "manifests"):
                (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(head, json.dumps(lock.describe()).encode())
        if not head.exists():
            raise Damaged(f"{folder} holds no backups.")
        self.described: dict[str, Any] = json.loads(head.read_text())
        self.master = lock.master(self.described)

    def place(self, sha256: str) -> Path:
        """Of a content. Keyed, so that nobody without the key can tell what is in a backup."""
        name = hmac.new(self.master, sha256.encode(), hashlib.sha256).hexdigest()
        return self.folder / "objects" / name[:2] / name

    def names(self) -> list[str]:
        """Of the backups, the oldest first."""
        return sorted(path.stem for path in (self.folder / "manifests").glob(f"*{_SUFFIX}"))

    def manifest(self, name: str) -> Manifest:
        with (self.folder / "manifests" / f"{name}{_SUFFIX}").open("rb") as file:
            return Manifest.from_json(self._open(file).read())

    def _open(self, file: BinaryIO) -> BinaryIO:
        return io.BufferedReader(SealedReader(file, self.master, described_in(file)), CHUNK)

    def put(self, path: Path, content: BinaryIO) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            sealed = SealedWriter(file, self.master, self.described)
            while data := content.read(CHUNK):
                sealed.write(data)
            sealed.finish()
            os.fsync(file.fileno())
        partial.replace(path)

    def read(self, entry: Entry) -> contextlib.AbstractContextManager[BinaryIO]:
        return self._reading(entry)

    @contextlib.contextmanager
    def _reading(self, entry: Entry) -> Iterator[BinaryIO]:
        path = self.place(entry.sha256)
        if not path.exists():
            raise Damaged(f"{entry.name} is missing from the backup.")
        with path.open("rb") as file:
            yield self._open(file)

    def keep(self, count: int) -> list[str]:
        """Removes all but the newest backups, and contents that none of these names. Returns what was removed."""
        names = self.names()
        gone, kept = names[:-count], names[-count:]
        for name in gone:
            (self.folder / "manifests" / f"{name}{_SUFFIX}").unlink()
        if gone:
            needed = {self.place(e.sha256).name for name in kept for e in self.manifest(name).members}
            for path in (self.folder / "objects").glob("*/*"):
                if path.name not in needed:
                    path.unlink()
        return gone


class FolderWriter:
    """One more backup in a folder. What the last one holds already is not copied again."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        names = store.names()
        self._last = {e.name: e for e in store.manifest(names[-1]).members} if names else {}
        self.entries: list[Entry] = []
        self.copied = 0

    def known(self, name: str, size: int, stamp: int) -> bool:
        last = self._last.get(name)
        if last is None or not stamp or (last.size, last.stamp) != (size, stamp):
            return False
        if not self._store.place(last.sha256).exists():
            return False
        self.entries.append(last)
        return True

    def add(self, name: str, content: BinaryIO, size: int, stamp: int = 0) -> None:
        counted = _Counted(content)
        # Its name follows from its hash, which is known at the end alone.
        arriving = self._store.folder / "objects" / "arriving"
        self._store.put(arriving, cast(BinaryIO, counted))
        if counted.count != size:
            arriving.unlink()
            raise ValueError(f"{name} changed while it was copied")
        place = self._store.place(counted.sha256)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        arriving.replace(place)
        self.copied += size
        self.entries.append(Entry(name, size, counted.sha256, stamp))

    def finish(self, manifest: Manifest) -> None:
        path = self._store.folder / "manifests" / f"{self._name}{_SUFFIX}"
        self._store.put(path, io.BytesIO(manifest.to_json()))

    def give_up(self) -> None:
        (self._store.folder / "objects" / "arriving.partial").unlink(missing_ok=True)


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)


Member = tuple[str, BinaryIO]


@contextlib.contextmanager
def opened(source: Path, lock: Lock, which: str = "") -> Iterator[tuple[Iterator[Member], list[Manifest]]]:
    """Members of a backup in their order, each to be read before the next; the list holds the manifest afterwards.

    Every content is compared with the manifest. ``which`` names one of a folder's backups; the newest else.
    """
    found: list[Manifest] = []
    if source.is_dir():
        store = Store(source, lock)
        names = store.names()
        if not names or (which and which not in names):
            raise Damaged(f"{source} holds no backup {which}".rstrip() + f"; there are: {', '.join(names) or 'none'}.")
        found.append(store.manifest(which or names[-1]))
        yield _from_folder(store, found[0]), found
        return
    with source.open("rb") as file:
        described = described_in(file)
        sealed = io.BufferedReader(SealedReader(file, lock.master(described), described), CHUNK)
        yield _from_file(sealed, found), found


def _from_folder(store: Store, manifest: Manifest) -> Iterator[Member]:
    for entry in manifest.members:
        with store.read(entry) as content:
            counted = _Counted(content)
            yield entry.name, cast(BinaryIO, counted)
            _drain(counted)
            _compare(entry, counted)


def _from_file(sealed: BinaryIO, found: list[Manifest]) -> Iterator[Member]:
    seen: dict[str, _Counted] = {}
    try:
        with tarfile.open(fileobj=sealed, mode="r|", bufsize=CHUNK) as tar:
            for info in tar:
                content = tar.extractfile(info)
                if content is None:
                    raise Damaged(f"{info.name} is no file.")
                if info.name == MANIFEST:
                    found.append(Manifest.from_json(content.read()))
                    continue
                seen[info.name] = counted = _Counted(cast(BinaryIO, content))
                yield info.name, cast(BinaryIO, counted)
                _drain(counted)
    except tarfile.TarError as error:
        raise Damaged(f"The backup is damaged: {error}") from error
    if sealed.read(1):
        raise WrongKey("The backup goes on after its end.")
    if not found:
        raise Damaged("The backup has no manifest: it was cut off.")
    for entry in found[0].members:
        if entry.name not in seen:
            raise Damaged(f"{entry.name} is missing from the backup.")
        _compare(entry, seen[entry.name])


def _drain(content: _Counted) -> None:
    while content.read(CHUNK):
        pass


def _compare(entry: Entry, counted: _Counted) -> None:
    if (counted.count, counted.sha256) != (entry.size, entry.sha256):
        raise Damaged(f"{entry.name} is not what was backed up.")
