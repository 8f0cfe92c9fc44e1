"""Changes of how the lake is laid out, numbered, each applied once to every installation.

The manifest's entry ``layout`` says how many have been applied, so a change counts in the very transaction that moves
the manifest to the versions it made. One that died before leaves commits that nobody names and is run again: a change
starts from the version it is given and bears that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tierwise.lake.schemas import TABLES
from tierwise.lake.store import KEEPS_LOG, LakeStore

LAYOUT = "layout"


@dataclass(frozen=True, slots=True)
class LakeChange:
    """``run`` brings one table from a version to the new layout and returns the version it has then."""

    number: int
    name: str
    run: Callable[[LakeStore, str, int], int]


def _keep_log(store: LakeStore, table: str, version: int) -> int:
    """Without it, Delta drops the log's beginning after a month, and versions that results name cannot be opened."""
    return store.configure(table, version, KEEPS_LOG)


def _mix_by_month(store: LakeStore, table: str, version: int) -> int:
    """A period's mix is read and replaced by itself: the table came in one piece, which was read as a whole."""
    return store.lay_by_month(table, version) if table == "mix" else version


CHANGES: tuple[LakeChange, ...] = (
    LakeChange(1, "keep the log of every version", _keep_log),
    LakeChange(2, "lay the mix by month", _mix_by_month),
)
NEWEST = len(CHANGES)


def pending(versions: Mapping[str, int]) -> tuple[LakeChange, ...]:
    """Changes that a manifest's lake has not seen."""
    return tuple(change for change in CHANGES if change.number > versions.get(LAYOUT, 0))


def apply_changes(store: LakeStore, versions: Mapping[str, int]) -> dict[str, int]:
    """Applies what is pending and returns the versions of the next manifest."""
    reached = dict(versions)
    for change in pending(versions):
        for table in sorted(TABLES.keys() & reached.keys()):
            reached[table] = change.run(store, table, reached[table])
        reached[LAYOUT] = change.number
    return reached
