"""Bodies that are no JSON: rows as NDJSON or CSV stand for ``records`` of an operation that takes some."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from tierwise.wire.records import READERS, UnreadableRecords


class Unread(str):
    """Why rows could not be read; what takes ``records`` refuses it with these words."""

    __slots__ = ()


def readable(value: Any) -> Any:
    if isinstance(value, Unread):
        raise ValueError(str(value))
    return value


class BodyParser(Parser):
    """JSON, unless the content type says that rows come as NDJSON or CSV."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        reader = READERS.get(request.content_type or "")
        if reader is None:
            return super().parse_body(request)
        try:
            return {"records": reader(request.body) or Unread("no row: send at least one")}
        except UnreadableRecords as fault:
            return {"records": Unread(fault)}
