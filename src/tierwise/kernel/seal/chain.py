"""What a seal says and how it is proved: hashes of entries, a head that carries the one before, a signature.

Pure: bytes and frozen values in, bytes and verdicts out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ID_BYTES, HASH_BYTES = 16, 32
LEAF_BYTES = ID_BYTES + HASH_BYTES
GENESIS = "0" * 64


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A point in the order of entries: the era of the database's transaction numbers, then the number."""

    era: int
    transaction: int


START = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a head vouches for. ``since`` is within the batch, ``until`` the first place after it."""

    number: int
    previous: str
    since: Place
    until: Place
    entries: int
    digest: str
    sealed_at: str

    @property
    def head(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def leaf(entry: UUID, content: str) -> bytes:
    """An entry as the seal keeps it: its id, so that a missing one can be named, and the hash of all it says."""
    return entry.bytes + hashlib.sha256(content.encode()).digest()


def leaves_of(packed: bytes) -> dict[UUID, bytes]:
    """The packed leaves of a seal, in their order."""
    parts = (packed[at : at + LEAF_BYTES] for at in range(0, len(packed), LEAF_BYTES))
    return {UUID(bytes=part[:ID_BYTES]): part for part in parts if len(part) == LEAF_BYTES}


def digest(leaves: Iterable[bytes]) -> str:
    running = hashlib.sha256()
    for each in leaves:
        running.update(each)
    return running.hexdigest()


class Signer:
    """The installation's signature, which follows from its secret, so that no further file has to be kept."""

    def __init__(self, secret: str) -> None:
        seed = hmac.new(secret.encode(), b"audit seal", hashlib.sha256).digest()
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw().hex()

    def sign(self, head: str) -> str:
        return self._key.sign(bytes.fromhex(head)).hex()


def signed_by(key: str, head: str, signature: str) -> bool:
    """Whether the holder of a public key signed this head. Malformed values are simply not signed."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), bytes.fromhex(head))
    except (InvalidSignature, ValueError):
        return False
    return True
