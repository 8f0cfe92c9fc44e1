"""What is carried, and what may come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tierwise.wire.acknowledgements import RefusedRow


@dataclass(frozen=True, slots=True)
class Item:
    """One file as it goes out."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch with everything a transport needs; ``done_rows`` were taken by an earlier attempt.

    ``progressed`` is told how many rows the receiver has taken, so that a new process goes on from there.
    """

    delivery: UUID
    feed: str
    number: int
    rows: int
    digest: str
    schema_version: str
    queued_at: datetime
    items: tuple[Item, ...]
    done_rows: int = 0
    progressed: Callable[[int], None] = field(default=lambda _: None)

    @property
    def key(self) -> str:
        return str(self.delivery)

    def lines(self) -> list[str]:
        """Rows as JSON objects, where the files are NDJSON."""
        return [line for item in self.items for line in item.content.decode().splitlines() if line]

    def manifest(self) -> bytes:
        """What a done-file says, so that a receiver can check what it read."""
        return (
            json.dumps(
                {
                    "feed": self.feed, "batch": self.number, "delivery": self.key, "rows": self.rows,
                    "digest": self.digest, "schema_version": self.schema_version,
                    "files": [item.name for item in self.items],
                },
                indent=1,
            ) + "\n"
        ).encode()  # fmt: skip

    @property
    def stem(self) -> str:
        """Name of the done-file and of acknowledgements: that of the batch's only file, else feed and number."""
        return self.items[0].name if len(self.items) == 1 else f"{self.feed}_{self.number:08}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """It arrived. ``refused`` are rows the receiver turned down in its answer."""

    answer: str = ""
    refused: tuple[RefusedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AckFile:
    """An acknowledgement found at the receiver's: for which stem, positive or not, and what it says."""

    stem: str
    negative: bool
    content: bytes
    name: str


class TransportFault(Exception):
    """It did not arrive. ``again``: worth another try, not before ``after`` seconds. ``gone``: never call again."""

    def __init__(self, message: str, *, again: bool = True, after: float = 0.0, gone: bool = False) -> None:
        super().__init__(message)
        self.again, self.after, self.gone = again, after, gone


class NotTaken(Exception):
    """The receiver read the batch and took none of it."""


ACK_ENDINGS = {".ack": False, ".nak": True}


def ack_name(name: str) -> tuple[str, bool] | None:
    """(stem, negative) of an acknowledgement file's name; None for any other file."""
    for ending, negative in ACK_ENDINGS.items():
        if name.endswith(ending):
            return name.removesuffix(ending), negative
    return None
