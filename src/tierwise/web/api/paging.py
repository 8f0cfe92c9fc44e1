"""Long lists page by page: an opaque cursor says after which row the next page begins."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from ninja import Field, Query
from pydantic import BaseModel, ConfigDict

from tierwise.kernel.audit import Invalid
from tierwise.kernel.pages import MOST, Slice

T = TypeVar("T")
R = TypeVar("R")


class Paging(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(frozen=True)

    limit: int = Field(100, ge=1, le=MOST, description="At most so many rows")
    cursor: str = Field("", max_length=2000, description="`next` of the page before; empty for the first page")


Paged = Annotated[Paging, Query()]


class Page(BaseModel, Generic[T]):
    """Some rows of a list; ``next`` is null on the last page."""

    items: list[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """What orders a list: its name and the kinds of its key, the last of them unique."""

    name: str
    kinds: tuple[type, ...]

    def slice(self, paging: Paging) -> Slice:
        return Slice(paging.limit, self._read(paging.cursor) if paging.cursor else ())

    def _read(self, cursor: str) -> tuple[Any, ...]:
        try:
            text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
            name, *values = json.loads(text)
            if name != self.name or len(values) != len(self.kinds):
                raise ValueError(name)
            return tuple(_value(kind, value) for kind, value in zip(self.kinds, values, strict=True))
        except (ValueError, TypeError, AttributeError):
            raise Invalid(
                "cursor", "This cursor is not one of this list; begin with its first page.", field="cursor"
            ) from None

    def page(self, rows: Sequence[R], paging: Paging, key: Callable[[R], Iterable[Any]]) -> tuple[list[R], str | None]:
        """The rows to show of those read (one more than asked for, where there are more) and the next cursor."""
        shown = list(rows[: paging.limit])
        if len(rows) <= paging.limit:
            return shown, None
        text = json.dumps([self.name, *(_plain(value) for value in key(shown[-1]))], separators=(",", ":"))
        return shown, base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value if isinstance(value, str | int) else str(value)


def _value(kind: type, value: Any) -> Any:
    if type(value) is not (int if kind is int else str):
        raise ValueError(value)
    return _READ[kind](value)


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError(text)
    return text


def _whole(number: int) -> int:
    if abs(number) > 2**31 - 1:
        raise ValueError(number)
    return number


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


_READ: dict[type, Callable[[Any], Any]] = {
    str: _text, int: _whole, UUID: UUID, date: date.fromisoformat, datetime: _instant,
}  # fmt: skip
