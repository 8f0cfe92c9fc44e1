"""What is due: every module says what waits for a viewer, the home pages rank it.

>>> add_due_sources(Side.BUYER, offers_unanswered)
>>> add_coming_sources(Side.BUYER, next_cycle)

A source is called with the viewer, inside his scope, and returns what waits for *him*; it must be cheap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Side, Viewer
from tierwise.web.pages import Interval, Money, Panel, Quantity, WorklistRow


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that waits, and whom it concerns. ``row.value`` is money at stake in the host's currency.

    ``key`` tells it apart in the address; with ``panel`` it opens beside the list, made only when it is opened.
    """

    row: WorklistRow
    supplier: UUID | None = None
    key: str = ""
    panel: Callable[[], Panel] | None = None


@dataclass(frozen=True, slots=True)
class Coming:
    """What happens next by itself, for those with nothing to do."""

    at: date | datetime
    what: str
    href: str = ""


DueSource = Callable[[Viewer], Sequence[Due]]
ComingSource = Callable[[Viewer], Sequence[Coming]]
_due: dict[Side, list[DueSource]] = defaultdict(list)
_coming: dict[Side, list[ComingSource]] = defaultdict(list)


def add_due_sources(side: Side, *sources: DueSource) -> None:
    """Modules add theirs when they start."""
    _due[side].extend(source for source in sources if source not in _due[side])


def add_coming_sources(side: Side, *sources: ComingSource) -> None:
    _coming[side].extend(source for source in sources if source not in _coming[side])


def due_for(viewer: Viewer) -> list[Due]:
    """Everything that waits for a viewer, by clock and within a clock by what is at stake."""
    return ranked(due for source in _due[viewer.side] for due in source(viewer))


def worklist(found: Sequence[Due], opened: str = "") -> tuple[list[WorklistRow], Panel | None]:
    """Rows with the addresses of their panels, and the panel of the one that is opened."""
    rows, panel = [], None
    for due in found:
        selected = bool(due.key) and due.key == opened
        address = f"?open={due.key}" if due.panel and due.key else ""
        rows.append(replace(due.row, panel=address, selected=selected) if address or selected else due.row)
        if selected and due.panel:
            panel = due.panel()
    return rows, panel


def ranked(found: Iterable[Due]) -> list[Due]:
    """Late first, then today and tomorrow, this week, later, without a day; in each the most at stake first."""
    day = today()

    def place(due: Due) -> tuple[int, Decimal, str, str]:
        at = _day(due.row.due)
        return _urgency(at, day), -_stake(due.row), str(at or ""), due.row.what

    return sorted(found, key=place)


def _urgency(at: date | None, day: date) -> int:
    if at is None:
        return 4
    steps = (day, day + timedelta(days=2), day + timedelta(days=7))
    return sum(at >= step for step in steps)


def _stake(row: WorklistRow) -> Decimal:
    match row.value:
        case Money(amount=amount):
            return Decimal(amount)
        case Quantity() | Interval() | None | str():
            return Decimal(0)
        case int() | float() | Decimal() as number:
            return Decimal(str(number))
        case _:
            return Decimal(0)


def coming_for(viewer: Viewer, limit: int = 5) -> list[Coming]:
    """What happens next by itself, the nearest first."""
    found = [coming for source in _coming[viewer.side] for coming in source(viewer)]
    return sorted(found, key=lambda coming: (str(coming.at), coming.what))[:limit]


def next_due_by_supplier(found: Iterable[Due]) -> dict[UUID, date]:
    """The nearest day on which something is due with each supplier."""
    nearest: dict[UUID, date] = {}
    for due in found:
        at = _day(due.row.due)
        if due.supplier is not None and at is not None:
            nearest[due.supplier] = min(at, nearest.get(due.supplier, at))
    return nearest


def _day(at: date | datetime | None) -> date | None:
    return at.date() if isinstance(at, datetime) else at
