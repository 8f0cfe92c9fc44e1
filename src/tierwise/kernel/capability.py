"""A promise to a user, and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """``works``: page, API, command and story all there; ``partly``: some of it; ``planned``: not yet."""

    WORKS = "works"
    PARTLY = "partly"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class Capability:
    """One row of the promise: who keeps it, how far, and where to find it.

    ``page`` is the name of a URL, ``api`` of an operation, ``command`` words after ``tierwise``, ``story`` a test file
    and function.
    """

    number: str
    promise: str
    state: State = State.PLANNED
    page: str = ""
    action: str = ""
    api: str = ""
    command: str = ""
    story: str = ""

    @property
    def order(self) -> tuple[int, int]:
        chapter, row = self.number.split(".")
        return int(chapter), int(row)
