"""Lists that go on from page to page: a page shows a part, an export takes all."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from tierwise.kernel.pages import Slice
from tierwise.web.api.paging import Keys
from tierwise.web.onward import part_of, rows_onward

NUMBERS = list(range(1, 1202))
KEYS = Keys("numbers", (int,))


def read(part: Slice) -> list[int]:
    after = part.after[0] if part.after else 0
    return [number for number in NUMBERS if number > after][: part.limit + 1]


def test_parts_follow_each_other_and_lose_nothing() -> None:
    address, found, parts = "/list", [], 0
    while address:
        shown, onward = rows_onward(RequestFactory().get(address), KEYS, read, lambda one: (one,), limit=500)
        found, address, parts = found + shown, onward.after, parts + 1
    assert (found, parts) == (NUMBERS, 3)


@pytest.mark.parametrize("address", ["/list?export=numbers", "/list?export=numbers&after=nonsense"])
def test_an_export_takes_all_of_them(address: str) -> None:
    request = RequestFactory().get(address)
    assert rows_onward(request, KEYS, read, lambda one: (one,), limit=500)[0] == NUMBERS
    assert part_of(request, NUMBERS, 100)[0] == NUMBERS
