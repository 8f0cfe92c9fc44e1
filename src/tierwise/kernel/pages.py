"""Pages of long lists by the key of the last row, so that no page costs more than the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from django.db import connections
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


Condition = tuple[str, Sequence[Any]]
"""A condition in SQL, and the values of its placeholders."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A list in plain SQL, for those that machines ask all day: composing a query costs more than running it.

    ``select`` goes up to its conditions; ``order`` names columns that are never null, the last of them unique, all
    rising or, with ``falling``, all falling. ``around`` may wrap the page, as ``{page}``, in a further query.
    """

    select: str
    order: tuple[str, ...]
    falling: bool = False
    around: str = "{page}"

    def page(self, alias: str, conditions: Iterable[Condition], part: Slice) -> list[tuple[Any, ...]]:
        """Rows of one page, and one more."""
        asked = [*conditions, *self._after(part)]
        where = f" where {' and '.join(text for text, _ in asked)}" if asked else ""
        order = ", ".join(f"{name}{' desc' if self.falling else ''}" for name in self.order)
        page = f"{self.select}{where} order by {order} limit {part.limit + 1:d}"
        values = [value.value if isinstance(value, Enum) else value for _, given in asked for value in given]
        connection: Any = connections[alias]
        rows: list[tuple[Any, ...]] = connection.rows(self.around.format(page=page), values)
        return rows

    def _after(self, part: Slice) -> list[Condition]:
        if not part.after:
            return []
        places = ", ".join(["%s"] * len(self.order))
        return [(f"({', '.join(self.order)}) {'<' if self.falling else '>'} ({places})", part.after)]


def narrowing(columns: dict[str, Any]) -> list[Condition]:
    """Equalities for the columns that are asked for; what is None does not narrow."""
    return [(f"{name} = %s", [value]) for name, value in columns.items() if value is not None]


def cut(rows: Sequence[T], key: Callable[[T], tuple[Any, ...]], part: Slice) -> list[T]:
    """The same for a short list in memory, by a rising key."""
    ordered = sorted(rows, key=key)
    return [row for row in ordered if not part.after or key(row) > part.after][: part.limit + 1]
