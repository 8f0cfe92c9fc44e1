"""Values of the spreadsheet door that may cross a border."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

SHEET_DAYS = 60
"""Days a spreadsheet may be sent back. Longer than any reply is due; its state is merged whenever it comes."""


class HandInState(StrEnum):
    TAKEN = "taken"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class MailState(StrEnum):
    WAITING = "waiting"
    TAKEN = "taken"
    REFUSED = "refused"
    IGNORED = "ignored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CellFault:
    """Why one cell was not taken, and what to do. ``was`` and ``now`` are set where two people changed it."""

    why: str
    remedy: str = ""
    sheet: str = ""
    cell: str = ""
    column: str = ""
    value: str = ""
    key: str = ""
    field: str = ""
    was: str = ""
    now: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> CellFault:
        return cls(**{name: str(value) for name, value in kept.items()})

    @property
    def place(self) -> str:
        return f"{self.sheet}!{self.cell}" if self.cell else self.sheet


@dataclass(frozen=True, slots=True)
class HandInRecord:
    """What became of a spreadsheet that was sent back. ``annotated`` finds the file with the messages in its cells."""

    id: UUID
    list_name: str
    scope: str
    person: UUID
    door: str
    at: datetime
    file_name: str
    state: HandInState
    changes: int
    already: int
    faults: tuple[CellFault, ...]
    annotated: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class IssueRecord:
    """A spreadsheet that is out, and until when it may come back."""

    id: UUID
    list_name: str
    scope: str
    company: UUID
    person: UUID
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    mailed: bool


@dataclass(frozen=True, slots=True)
class MailRecord:
    id: UUID
    received_at: datetime
    via: str
    sender: str
    state: MailState
    note: str
    attempts: int
