"""What a contract must say before "on time in full" means one number: the parameters of the judgement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any, Self


class DateBasis(StrEnum):
    """Which date a line is held to.

    ``REQUESTED`` the day the buyer asked for, as the buyer last moved it. ``PROMISED`` the first promise and
    ``FIRST_CONFIRMED`` the first confirmation, whatever happened later (SCOR's *original* commit date).
    ``LAST_AGREED`` the first promise or confirmation, superseded by every change that the buyer caused or both agreed;
    a supplier that moves its own date stays bound to the former one.
    """

    REQUESTED = "requested"
    PROMISED = "promised"
    FIRST_CONFIRMED = "first_confirmed"
    LAST_AGREED = "last_agreed"


class Event(StrEnum):
    """Which moment of a delivery is compared with the due date."""

    HAND_OVER = "handed_over_on"
    ARRIVAL = "arrived_on"
    POSTING = "posted_on"


class Level(StrEnum):
    """What is one trial: a line (or schedule line), or a whole order that is good only when all its lines are."""

    LINE = "line"
    ORDER = "order"


class Partials(StrEnum):
    """How split deliveries count.

    ``COMPLETE_BY_DUE`` what arrived inside the window must add up to the ordered quantity less the tolerance: a split
    delivery that completes in time is on time. ``FIRST`` the first day of delivery alone decides date and quantity.
    ``EACH`` every delivery must fall inside the window; the quantities add up.
    """

    COMPLETE_BY_DUE = "complete_by_due"
    FIRST = "first"
    EACH = "each"


class Exclusion(StrEnum):
    """Why a line is not judged; such lines stay in the result and are listed, never dropped."""

    NO_QUANTITY = "no_quantity"
    CANCELLED_BY_BUYER = "cancelled_by_buyer"
    CANCELLED_UNKNOWN = "cancelled_unknown"
    NO_BASIS = "no_basis"
    OPEN = "open"
    UNDATED_RECEIPT = "undated_receipt"
    BUYER_CAUSED = "buyer_caused"


@dataclass(frozen=True, slots=True)
class OtifParams:
    """One contract's definition of on time in full; two definitions are the same when their fingerprints are.

    Days are calendar days, or working days of ``weekdays`` less ``closures`` when ``working_days``; then a due date
    on a closed day may still be met on the next open day. A line that names a ``calendar`` keeps its closed days as
    well: ``closures_of`` holds them by the calendar's name. They are facts, not part of the definition.
    ``early_days`` None accepts any earliness. Tolerances are shares of the ordered quantity; ``over_tolerance`` None
    accepts any excess. ``grace_days`` only postpones the judgement (bookings lag), it never makes a late delivery
    good. ``frozen_days`` is the time before the due date in which a buyer's own change of date or quantity excuses a
    miss (a column of that name on the lines takes precedence).
    """

    basis: DateBasis = DateBasis.LAST_AGREED
    fallbacks: tuple[DateBasis, ...] = ()
    event: Event = Event.ARRIVAL
    event_fallbacks: tuple[Event, ...] = ()
    early_days: int | None = None
    late_days: int = 0
    grace_days: int = 0
    working_days: bool = False
    weekdays: tuple[bool, ...] = (True, True, True, True, True, False, False)
    closures: tuple[date, ...] = ()
    closures_of: Mapping[str, tuple[date, ...]] = field(default_factory=dict, compare=False, repr=False)
    under_tolerance: float = 0.0
    over_tolerance: float | None = None
    level: Level = Level.LINE
    partials: Partials = Partials.COMPLETE_BY_DUE
    deduct_rejects: bool = False
    frozen_days: int = 0
    late_cancellation_counts: bool = True

    def __post_init__(self) -> None:
        for name, kind in (("basis", DateBasis), ("event", Event), ("level", Level), ("partials", Partials)):
            object.__setattr__(self, name, _member(kind, getattr(self, name), name))
        object.__setattr__(self, "fallbacks", tuple(_member(DateBasis, each, "fallbacks") for each in self.fallbacks))
        object.__setattr__(
            self, "event_fallbacks", tuple(_member(Event, each, "event_fallbacks") for each in self.event_fallbacks)
        )
        for name in ("early_days", "late_days", "grace_days", "frozen_days"):
            _whole_days(name, getattr(self, name), optional=name == "early_days")
        if not 0 <= self.under_tolerance < 1:
            raise ValueError(
                f"under_tolerance is {self.under_tolerance}; give a share of the quantity from 0 to below 1"
            )
        if self.over_tolerance is not None and not 0 <= self.over_tolerance < float("inf"):
            raise ValueError(
                f"over_tolerance is {self.over_tolerance}; give a share of 0 or more, or None for any excess"
            )
        object.__setattr__(self, "weekdays", tuple(bool(day) for day in self.weekdays))
        if len(self.weekdays) != 7 or not any(self.weekdays):
            raise ValueError(
                "weekdays must say for each of the seven days from Monday whether it is worked, one at least"
            )
        object.__setattr__(self, "closures", tuple(sorted(set(self.closures))))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold, for a contract or an export."""
        return {
            name: [day.isoformat() for day in value] if name == "closures" else value
            for name, value in asdict(self).items()
            if name != "closures_of"
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The parameters back from :meth:`to_dict`; an unknown name is an error, a missing one takes the default."""
        known = {each.name for each in fields(cls)} - {"closures_of"}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"unknown parameters {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        if "closures" in given:
            given["closures"] = tuple(date.fromisoformat(str(day)) for day in given["closures"])
        return cls(**given)

    @property
    def fingerprint(self) -> str:
        """Identifies the definition: what a signed score or a settlement cites."""
        text = json.dumps({"formula": "otif/1", **self.to_dict()}, sort_keys=True)
        return "otif/1:" + hashlib.sha256(text.encode()).hexdigest()[:16]


def _member(kind: type[StrEnum], value: object, name: str) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError:
        raise ValueError(f"{name} is {value!r}; choose from {', '.join(kind)}") from None


def _whole_days(name: str, value: object, *, optional: bool) -> None:
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(
            f"{name} is {value!r}; give whole days, 0 or more{', or None for no limit' if optional else ''}"
        )
