"""Checks and what they find. Rooms add their own when they start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

EXAMINATION = "examination"
"""The step under which the worker keeps what it found last, for the administrators' page."""


class Severity(StrEnum):
    """``note``: worth knowing; ``warning``: will become a fault; ``fault``: something does not work or is not safe."""

    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``mend`` does what ``remedy`` says, where that is safe to do unasked."""

    check: str
    severity: Severity
    what: str
    remedy: str
    mend: Callable[[], None] | None = None

    def told(self) -> dict[str, Any]:
        values = {name: value for name, value in asdict(self).items() if name != "mend"}
        return values | {"severity": self.severity.value, "can_mend": self.mend is not None}


@dataclass(frozen=True, slots=True)
class Check:
    """A question and how it is asked. Those that need no database are asked even where it does not start."""

    name: str
    ask: Callable[[], Iterable[Finding]]
    needs_database: bool = True


@dataclass(frozen=True, slots=True)
class Examination:
    asked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Severity | None:
        order = list(Severity)
        return max((f.severity for f in self.findings), key=order.index, default=None)


_checks: dict[str, Check] = {}


def add_checks(*checks: Check) -> None:
    _checks.update({check.name: check for check in checks})


def examine(needs_database: bool | None = None) -> Examination:
    """Asks all checks, or those that need the database or not. A check that breaks off is a finding itself."""
    chosen = [check for check in _checks.values() if needs_database in {None, check.needs_database}]
    found = tuple(finding for check in chosen for finding in _ask(check))
    return Examination(tuple(check.name for check in chosen), found)


def _ask(check: Check) -> Iterator[Finding]:
    try:
        yield from check.ask()
    except Exception as error:
        what = f"could not be looked at: {type(error).__name__}: {str(error)[:300]}"
        yield Finding(check.name, Severity.FAULT, what, "See the message; mend what it names, then ask again.")
