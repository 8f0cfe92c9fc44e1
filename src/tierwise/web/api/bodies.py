"""Values as machines send them: taken strictly, so that what the description forbids is never guessed at."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict

from tierwise.kernel.audit import Invalid

T = TypeVar("T")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*([Zz]|[+-]\d{2}:?\d{2})")


class Body(Schema):
    """What a request carries. Unknown names are refused, numbers are not read out of texts."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _written(pattern: re.Pattern[str], what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise AssertionError(f"give {what}")
        if not isinstance(value, str | date | None):
            raise AssertionError(f"give {what} as text")
        return value

    return check


def _text(value: Any) -> Any:
    if not isinstance(value, str | UUID | None):
        raise AssertionError("give a text")
    return value


_NO_NUL = r"^[^\u0000]*$"
Id = Annotated[UUID, Field(strict=False), BeforeValidator(_text)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_written(_DAY, "a day as YYYY-MM-DD"))]
Instant = Annotated[
    datetime, Field(strict=False), BeforeValidator(_written(_INSTANT, "an instant with its offset, as RFC 3339 has it"))
]
Quantity = Annotated[Decimal, Field(strict=False, ge=0, max_digits=18, decimal_places=4)]
Sentence = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\u0000]*\S[^\u0000]*$")]
Comment = Annotated[str, Field(max_length=2000, pattern=_NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=160, pattern=r"^[^\u0000]*\S[^\u0000]*$")]
Code = Annotated[str, Field(max_length=240, pattern=_NO_NUL)]
Whole = Annotated[int, Field(ge=0, le=2**31 - 1)]
Days = Annotated[int, Field(ge=1, le=3660)]


def made(build: Callable[[], T]) -> T:
    """A value of the trade from what was sent. Its own complaint names the field and the remedy."""
    try:
        return build()
    except ValueError as error:
        field, _, rest = str(error).partition(": ")
        named = field if field.isidentifier() and rest else ""
        raise Invalid("value", str(error), field=named) from None
