"""Pages of long lists by the key of the last row, so that no page costs more than the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)
T = TypeVar("T")
MOST = 500


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows that come after a key; ``after`` is empty for the first page. One row more is read than is shown."""

    limit: int = 100
    after: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST:
            raise ValueError(f"limit: give 1 to {MOST}")


def keyset(rows: QuerySet[M], order: Sequence[str], part: Slice) -> QuerySet[M]:
    """Rows of one page, and one more. ``order`` names columns that are never null, the last of them unique."""
    return _after(rows, order, part.after).order_by(*order)[: part.limit + 1]


def _after(rows: QuerySet[M], order: Sequence[str], after: tuple[Any, ...]) -> QuerySet[M]:
    if not after:
        return rows
    wanted = Q()
    equal: dict[str, Any] = {}
    for name, value in zip(order, after, strict=True):
        field = name.lstrip("-")
        wanted |= Q(**equal, **{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal[field] = value
    return rows.filter(wanted)


def cut(rows: Sequence[T], key: Callable[[T], tuple[Any, ...]], part: Slice) -> list[T]:
    """The same for a short list in memory, by a rising key."""
    ordered = sorted(rows, key=key)
    return [row for row in ordered if not part.after or key(row) > part.after][: part.limit + 1]
