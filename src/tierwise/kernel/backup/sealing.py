"""Encrypted streams: chunks of AES-256-GCM whose order and end are proved, under a passphrase or a key file.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance"): the nonce counts the chunks and marks the last, so a chunk that was moved, left out
or cut off does not open. Each stream has a key of its own, drawn from the master key by HKDF and a salt.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"TIERWISE BACKUP 1\n"
CHUNK = 1 << 20
TAG = 16
# 128 MB and about half a second for each guess (RFC 7914; OWASP's first choice).
_SCRYPT: dict[str, int] = {"n": 1 << 17, "r": 8, "p": 1}


class WrongKey(Exception):
    """The backup does not open: another passphrase or key, or it was damaged."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What opens a backup: a passphrase, or 32 bytes from a key file. Exactly one of the two."""

    passphrase: str = ""
    key: bytes = b""

    def __post_init__(self) -> None:
        if bool(self.passphrase) == bool(self.key):
            raise ValueError("lock: give a passphrase or a key file, one of the two")
        if self.key and len(self.key) != 32:
            raise ValueError("key: is not 32 bytes; make one with `tierwise backup --new-key FILE`")

    @classmethod
    def from_file(cls, path: Path) -> Lock:
        try:
            return cls(key=bytes.fromhex(path.read_text().strip()))
        except ValueError as error:
            raise ValueError(f"{path} is no key file; make one with `tierwise backup --new-key FILE`") from error

    def describe(self) -> dict[str, Any]:
        """How a master key is made of this lock, to be written beside what it locks."""
        if self.key:
            return {"by": "key"}
        return {"by": "scrypt", "salt": secrets.token_hex(16), **_SCRYPT}

    def master(self, described: dict[str, Any]) -> bytes:
        """The master key. WrongKey where the other kind of lock was used."""
        if described.get("by") == "key":
            if not self.key:
                raise WrongKey("This backup was locked with a key file; name it with --key-file.")
            return self.key
        if not self.passphrase:
            raise WrongKey("This backup was locked with a passphrase, not with a key file.")
        n, r, p = (min(int(described[name]), 1 << 20) for name in "nrp")
        salt = bytes.fromhex(described["salt"])
        return hashlib.scrypt(self.passphrase.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def new_key(path: Path) -> None:
    """Writes a fresh key file, readable by its owner alone. FileExistsError where there is one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")


def _stream_key(master: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"tierwise backup stream").derive(master))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class SealedWriter(io.RawIOBase):
    """Encrypts what is written to it. Without :meth:`close` the stream has no end and does not open."""

    def __init__(self, file: BinaryIO, master: bytes, described: dict[str, Any]) -> None:
        super().__init__()
        salt = secrets.token_bytes(32)
        head = json.dumps(described | {"stream": salt.hex()}, sort_keys=True).encode()
        self._file, self._cipher, self._bound = file, _stream_key(master, salt), MAGIC + head
        self._buffer, self._number = bytearray(), 0
        file.write(MAGIC + head + b"\n")

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._buffer += data
        # One chunk is held back, for the last one is marked as such.
        while len(self._buffer) > CHUNK:
            self._put(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]
        return len(data)

    def finish(self) -> None:
        self._put(bytes(self._buffer), last=True)
        self._buffer.clear()
        self._file.flush()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), chunk, self._bound))
        self._number += 1


def described_in(file: BinaryIO) -> dict[str, Any]:
    """The head of a stream. WrongKey where it is none."""
    if file.read(len(MAGIC)) != MAGIC:
        raise WrongKey("This is no backup of Tierwise.")
    head = file.readline(4096)
    try:
        found = dict(json.loads(head))
    except (TypeError, ValueError) as error:
        raise WrongKey("The head of this backup is damaged.") from error
    # What the chunks are bound to is what the head says; that it is written as it was written, only this tells.
    if json.dumps(found, sort_keys=True).encode() + b"\n" != head:
        raise WrongKey("The head of this backup is damaged.")
    return found


class SealedReader(io.RawIOBase):
    """Decrypts a stream as it is read. WrongKey at the first chunk that is not what was written there."""

    def __init__(self, file: BinaryIO, master: bytes, described: dict[str, Any]) -> None:
        super().__init__()
        self._file = file
        self._cipher = _stream_key(master, bytes.fromhex(described["stream"]))
        self._bound = MAGIC + json.dumps(described, sort_keys=True).encode()
        self._number, self._plain, self._ended = 0, memoryview(b""), False
        self._ahead = file.read(CHUNK + TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any, /) -> int:
        while not self._plain and not self._ended:
            self._next()
        count = min(len(target), len(self._plain))
        target[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _next(self) -> None:
        chunk, self._ahead = self._ahead, self._file.read(CHUNK + TAG)
        last = not self._ahead
        try:
            self._plain = memoryview(self._cipher.decrypt(_nonce(self._number, last), chunk, self._bound))
        except InvalidTag:
            where = "" if self._number == 0 else f" after {self._number} MB"
            why = "wrong passphrase or key, or damaged" if self._number == 0 else "damaged or cut off"
            raise WrongKey(f"The backup does not open{where}: {why}.") from None
        self._number += 1
        self._ended = last
