"""Values as machines send them: taken strictly, so that what the description forbids is never guessed at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

from ninja import Field, Schema
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, WithJsonSchema

from tierwise.kernel.audit import Invalid

T = TypeVar("T")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})")
_QUANTITY = re.compile(r"^[0-9]{1,14}(\.[0-9]{1,4})?$")


class Body(Schema):
    """What a request carries. Unknown names are refused, numbers are not read out of texts."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _written(pattern: re.Pattern[str], what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise AssertionError(f"give {what}")
        if not isinstance(value, str | None):
            raise AssertionError(f"give {what} as text")
        return value

    return check


def _whole(value: Any) -> Any:
    # To JSON 3.0 is a whole number.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(value: Any) -> Any:
    if not isinstance(value, str | UUID | None):
        raise AssertionError("give a text")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise AssertionError("give an instant that is one in UTC, too") from None


_NO_NUL = r"^[^\u0000]*$"
# What a blank is differs: a new line of EBCDIC is one by Unicode alone, a mark of byte order by ECMAScript alone.
_MARK = r"\s\u0085\ufeff\u0000"
SAYING = rf"^[^\u0000]*[^{_MARK}][^\u0000]*$"
"""A text that says something: more than blanks."""
MAIL_ADDRESS = rf"^[^@{_MARK}]+@[^@{_MARK}]+$"


def named(names: Iterable[str]) -> WithJsonSchema:
    """For a name in an address that is one of a few. Of another one the operation says that there is none."""
    return WithJsonSchema({"type": "string", "enum": list(names)})


Id = Annotated[UUID, Field(strict=False), BeforeValidator(_text)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_written(_DAY, "a day as YYYY-MM-DD"))]
Instant = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_written(_INSTANT, "an instant as 2026-03-01T08:00:00Z")),
    AfterValidator(_in_utc),
]  # fmt: skip
Quantity = Annotated[
    Decimal,
    Field(strict=False),
    BeforeValidator(_written(_QUANTITY, "a quantity such as 12.5")),
    WithJsonSchema({"type": "string", "pattern": _QUANTITY.pattern, "description": "At most four places"}),
]
Sentence = Annotated[str, Field(min_length=1, max_length=4000, pattern=SAYING)]
Comment = Annotated[str, Field(max_length=2000, pattern=_NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=160, pattern=SAYING)]
Code = Annotated[str, Field(max_length=240, pattern=_NO_NUL)]
Whole = Annotated[int, Field(ge=0, le=2**31 - 1), BeforeValidator(_whole)]
Days = Annotated[int, Field(ge=1, le=3660), BeforeValidator(_whole)]
DaysOfAYear = Annotated[int, Field(ge=0, le=365), BeforeValidator(_whole)]


def made(build: Callable[[], T]) -> T:
    """A value of the trade from what was sent. Its own complaint names the field and the remedy."""
    try:
        return build()
    except ValueError as error:
        field, _, rest = str(error).partition(": ")
        named = field if field.isidentifier() and rest else ""
        raise Invalid("value", str(error), field=named) from None
