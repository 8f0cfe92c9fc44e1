"""Lists that grow for ever, on pages: the first rows, and links to those after them. The place is in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest

from tierwise.kernel.pages import MOST, Slice
from tierwise.web.api.paging import Keys, Paging

R = TypeVar("R")
ROWS = 500
CURSOR = "after"


@dataclass(frozen=True, slots=True)
class Onward:
    """Addresses of the rows after those shown and of the first ones; empty where these are shown."""

    after: str = ""
    first: str = ""

    def __bool__(self) -> bool:
        return bool(self.after or self.first)


def rows_onward(
    request: HttpRequest, keys: Keys, read: Callable[[Slice], Sequence[R]], key: Callable[[R], Iterable[Any]],
    limit: int = ROWS,
) -> tuple[list[R], Onward]:  # fmt: skip
    """The rows that the address asks for, read by the key of the last row before them; all of them for an export."""
    if "export" in request.GET:
        return _all(keys, read, key), Onward()
    paging = Paging(limit=limit, cursor=request.GET.get(CURSOR, "")[:2000])
    shown, following = keys.page(read(keys.slice(paging)), paging, key)
    return shown, Onward(_address(request, following or ""), _address(request, "", bool(paging.cursor)))


def _all(keys: Keys, read: Callable[[Slice], Sequence[R]], key: Callable[[R], Iterable[Any]]) -> list[R]:
    found: list[R] = []
    paging: Paging | None = Paging(limit=MOST, cursor="")
    while paging is not None:
        part, following = keys.page(read(keys.slice(paging)), paging, key)
        found += part
        paging = Paging(limit=MOST, cursor=following) if following else None
    return found


def part_of(request: HttpRequest, rows: Sequence[R], limit: int) -> tuple[list[R], Onward]:
    """The same for rows that had to be read and ranked as a whole."""
    if "export" in request.GET:
        return list(rows), Onward()
    given = request.GET.get(CURSOR, "")
    since = int(given) if given.isdecimal() and len(given) < 9 else 0
    following = str(since + limit) if since + limit < len(rows) else ""
    return list(rows[since : since + limit]), Onward(_address(request, following), _address(request, "", since > 0))


def _address(request: HttpRequest, cursor: str, wanted: bool | None = None) -> str:
    if not (cursor if wanted is None else wanted):
        return ""
    query = request.GET.copy()
    for name in (CURSOR, "open", "rows", "export"):
        query.pop(name, None)
    if cursor:
        query[CURSOR] = cursor
    return f"{request.path}?{query.urlencode()}"
