"""Every page that the rails and the pages themselves lead to, as both companies see it, on a desk and on a phone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve, reverse

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from browser.conftest import ADMINISTRATOR, SUPPLIER_ADMINISTRATOR, Site
from tierwise.kernel.viewer import Side
from tierwise.web.navigation import places

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.database, pytest.mark.slow]

MOST = 80
"""More kinds of pages than there are; a crawl that reaches it has lost its way."""


def kind_of(address: str) -> str:
    """The name of the page behind an address: one record stands for all of its kind."""
    try:
        return resolve(urlsplit(address).path).url_name or ""
    except Resolver404:
        return ""


def links_of(page: Page, start: str) -> Iterator[str]:
    """Addresses that the page leads to on its own side; what is exported or only opens beside it is left out."""
    for href in page.eval_on_selector_all(
        "main a[href], #panel a[href]", "all => all.map(a => a.getAttribute('href'))"
    ):
        if href.startswith(start) and "export=" not in href:
            yield href


def crawl(page: Page, side: Side, look: Callable[[str], list[str]]) -> tuple[set[str], list[str]]:
    """Visits one page of each kind, beginning with the rail; returns the kinds seen and what was wrong."""
    from playwright.sync_api import Error

    start = "/portal/" if side is Side.SUPPLIER else "/desk/"
    waiting = deque(reverse(place.url) for place in places() if place.side is side)
    seen: set[str] = set()
    wrong: list[str] = []
    while waiting:
        address = waiting.popleft()
        kind = kind_of(address)
        if not kind or kind in seen:
            continue
        seen.add(kind)
        assert len(seen) < MOST
        try:
            answer = page.goto(address)
        except Error as error:
            if "Download is starting" not in error.message:
                raise
            continue
        if answer is None or answer.status != 200:
            wrong.append(f"{address}: answered {answer.status if answer else 'nothing'}")
            continue
        wrong += look(kind)
        waiting.extend(links_of(page, start))
    return seen, wrong


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
@pytest.mark.parametrize(("who", "side"), [(ADMINISTRATOR, Side.BUYER), (SUPPLIER_ADMINISTRATOR, Side.SUPPLIER)])
def test_every_page_is_whole(
    site: Site, look: Callable[[Page, str], list[str]], who: str, side: Side, width: int, scheme: str
) -> None:
    page = site.window(who, width, scheme)
    seen, wrong = crawl(page, side, lambda kind: look(page, f"{kind} {width} {scheme}"))
    assert wrong == []
    rail = {place.url for place in places() if place.side is side}
    assert rail <= seen
    assert len(seen) > len(rail), "no page led to a record"
