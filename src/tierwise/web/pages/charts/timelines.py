"""What happened to a record, by whom."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tierwise.web.pages.grids import plain
from tierwise.web.pages.values import Status


@dataclass(frozen=True)
class TimelineEntry:
    """What happened, who did it and in which company: ``ours``, ``theirs`` or ``system``.

    ``internal`` entries are notes only the reader's own company sees; they stand visibly apart.
    """

    at: datetime | date
    what: str
    who: str = ""
    side: str = "ours"
    status: Status | None = None
    note: str = ""
    href: str = ""
    internal: bool = False

    def __post_init__(self) -> None:
        if self.side not in {"ours", "theirs", "system"}:
            raise ValueError(f"TimelineEntry: side is ours, theirs or system, not {self.side!r}")


@dataclass(frozen=True)
class Timeline:
    """What both companies did to a record, newest first."""

    entries: Sequence[TimelineEntry]
    empty: str = ""
    title: str = ""
    ours: str = ""
    theirs: str = ""

    def payload(self) -> str:
        entries = [
            {
                "at": entry.at,
                "day": not isinstance(entry.at, datetime),
                "what": str(entry.what),
                "who": entry.who,
                "side": entry.side,
                "status": entry.status.payload() if entry.status else None,
                "note": str(entry.note),
                "href": entry.href,
                "internal": entry.internal,
            }
            for entry in self.entries
        ]
        spec = {"title": str(self.title), "empty": str(self.empty), "ours": self.ours, "theirs": self.theirs}
        return json.dumps(spec | {"entries": entries}, default=plain, ensure_ascii=False, separators=(",", ":"))
