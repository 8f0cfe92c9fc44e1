"""Some fields of the rows of a list: ``fields`` in the address of whatever answers with rows that have names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, get_args, get_origin

from django.http import HttpRequest

from tierwise.kernel.audit import Refused
from tierwise.web.api.paging import Page
from tierwise.web.api.versions import adapter

NAME = "fields"
ABOUT = "Only these fields of each row, parted by commas; all of them without it"


class UnknownField(Refused):
    """``fields`` names what the rows do not have."""

    status = 400


@lru_cache(maxsize=512)
def row_kind(answer: Any) -> Any:
    """What the rows of an answer are, or None where it is no list of rows with names."""
    if get_origin(answer) is list:
        (row,) = get_args(answer)
    elif isinstance(answer, type) and issubclass(answer, Page):
        row = answer.model_fields["items"].annotation
        (row,) = get_args(row)
    else:
        return None
    return row if field_names(row) else None


@lru_cache(maxsize=512)
def field_names(row: Any) -> tuple[str, ...]:
    """The fields of a row in their order."""
    schema = adapter(row).json_schema(mode="serialization")
    if reference := schema.get("$ref"):
        schema = schema["$defs"][str(reference).rsplit("/", 1)[-1]]
    return tuple(schema.get("properties", ()))


def fields_asked(request: HttpRequest, answer: Any) -> Any:
    """What of an answer is written: None for all of it. Names that its rows lack are refused, and those they have told.

    A name may come in a list with commas, in a parameter of its own, or both.
    """
    query = request.META.get("QUERY_STRING", "")
    if NAME not in query and "%" not in query:
        return None
    if NAME not in request.GET or (row := row_kind(answer)) is None:
        return None
    asked = [name.strip() for text in request.GET.getlist(NAME) for name in text.split(",")]
    known = field_names(row)
    if unknown := [name for name in asked if name not in known]:
        raise UnknownField(
            "fields",
            f"There is no field {unknown[0]!r} here.",
            field=NAME,
            remedy=f"ask for some of {', '.join(known)}",
        )
    chosen = set(asked)
    return {"__all__": chosen} if get_origin(answer) is list else {"items": {"__all__": chosen}, "next": True}
