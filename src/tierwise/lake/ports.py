"""What the lake needs answered from above: who keeps the masters that an import brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from tierwise.kernel.viewer import Viewer


@dataclass(frozen=True, slots=True)
class MasterChange:
    """Rows of one master table that an import added, changed, ended or left as they were."""

    new: int = 0
    changed: int = 0
    closed: int = 0
    unchanged: int = 0


class Masters(Protocol):
    """Keeper of the master tables declared in ``lake.schemas.MASTERS``."""

    def known_codes(self, viewer: Viewer) -> dict[str, pl.Series]:
        """Per master table, the codes that facts may refer to."""

    def put(
        self, actor: Viewer, source: str, tables: Mapping[str, pl.DataFrame], complete: frozenset[str]
    ) -> dict[str, MasterChange]:
        """Brings the tables to what the extract says, in the caller's transaction."""


_masters: list[Masters] = []


def register_masters(keeper: Masters) -> None:
    _masters[:] = [keeper]


def masters() -> Masters:
    if not _masters:
        raise RuntimeError("no keeper of masters has registered")
    return _masters[0]
