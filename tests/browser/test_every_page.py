"""Every page that the rails and the pages themselves lead to, as both companies see it, on a desk and on a phone."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve, reverse

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from browser.conftest import (
    ADMINISTRATOR,
    ARTEFACTS,
    FIRST_SUPPLIER,
    FOUNDER,
    READY,
    SUPPLIER_ADMINISTRATOR,
    SUPPLIER_PLANNER,
    Site,
)
from browser.scenes import live_a_little
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
        page.wait_for_function(READY)
        wrong += look(kind)
        waiting.extend(links_of(page, start))
    return seen, wrong


PEOPLE = pytest.mark.parametrize(
    ("who", "side"), [(ADMINISTRATOR, Side.BUYER), (SUPPLIER_ADMINISTRATOR, Side.SUPPLIER)]
)


RECORDS = {
    Side.BUYER: {
        "desk-agreement", "desk-case", "desk-cell", "desk-import-run", "desk-item", "desk-pins", "desk-plan",
        "desk-publication", "desk-scorecard", "desk-scorecard-measure", "desk-segment", "desk-supplier",
        "desk-supplier-tab", "desk-exchange-channel", "desk-exchange-delivery", "desk-audit-entry", "desk-lane-policy",
        "desk-quarantine",
    },
    Side.SUPPLIER: {"portal-agreement", "portal-publication", "portal-case"},
}  # fmt: skip
"""Pages that no rail leads to. One that the crawl no longer finds is one that people no longer find."""


@PEOPLE
def test_every_page_is_whole(site: Site, look: Callable[[Page, str], list[str]], who: str, side: Side) -> None:
    live_a_little(site, ADMINISTRATOR, SUPPLIER_PLANNER)
    page = site.window(who)
    seen, wrong = crawl(page, side, lambda kind: look(page, kind))
    assert wrong == []
    assert {place.url for place in places() if place.side is side} | RECORDS[side] <= seen


ACCOUNT = ("sessions/", "password/change/", "2fa/", "2fa/totp/activate/", "2fa/webauthn/", "email/")


def test_pages_of_ones_account_and_of_errors_are_whole(site: Site, look: Callable[[Page, str], list[str]]) -> None:
    page, wrong = site.window(SUPPLIER_ADMINISTRATOR), []
    for address in ACCOUNT:
        page.goto(f"/accounts/{address}")
        if "reauthenticate" in page.url:
            page.get_by_label("Password").fill(site.password)
            page.keyboard.press("Enter")
            page.wait_for_url(f"**/accounts/{address}")
        wrong += look(page, f"accounts {address}")
    for address, status in (("/portal/nowhere/", 404), ("/desk/people/", 403), ("/invitation/not-one/", 404)):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == status, address
        wrong += look(page, f"{status} {address}")
    nobody = site.window()
    for address in ("/accounts/login/", "/accounts/password/reset/"):
        nobody.goto(address)
        wrong += look(nobody, address)
    # A refused page is a line in the console; nothing else may be there.
    site.complaints[:] = [one for one in site.complaints if "Failed to load resource" not in one]
    assert wrong == []


@pytest.mark.parametrize(("who", "side"), [(FOUNDER, Side.BUYER), (FIRST_SUPPLIER, Side.SUPPLIER)])
def test_every_page_is_whole_on_the_first_day(
    empty_site: Site, look: Callable[[Page, str], list[str]], who: str, side: Side
) -> None:
    page = empty_site.window(who)

    def first_look(kind: str) -> list[str]:
        # A buyer's empty page leads on; a supplier waits for its customer.
        stuck = page.evaluate(NO_WAY_ON) if side is Side.BUYER else []
        return look(page, f"first day {kind}") + [f"{kind}: no next step from “{one}”" for one in stuck]

    seen, wrong = crawl(page, side, first_look)
    assert wrong == []
    assert {place.url for place in places() if place.side is side} <= seen


def test_the_portal_fits_a_phone_and_says_nothing_in_english_in_every_language(site: Site) -> None:
    said: dict[str, dict[str, set[str]]] = {}
    wrong: list[str] = []
    for language, words in (("en", "What is due"), ("de", "Zu erledigen"), ("es", "Pendiente")):
        page = site.window(SUPPLIER_ADMINISTRATOR, 390, language)
        told = said.setdefault(language, {})

        def narrow(
            kind: str, page: Page = page, language: str = language, told: dict[str, set[str]] = told
        ) -> list[str]:
            page.wait_for_function(READY)
            page.screenshot(path=ARTEFACTS / f"{kind} 390 {language}.png")
            told[kind] = set(page.inner_text("body").splitlines())
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            spoken = page.evaluate("document.documentElement.lang")
            wrong = [f"{kind}: too wide"] * bool(wide) + [f"{kind}: speaks {spoken}"] * (spoken != language)
            return wrong + [f"{kind}: cuts {one} in its bar" for one in page.evaluate(CUT)]

        _seen, found = crawl(page, Side.SUPPLIER, narrow)
        wrong += [f"{language} {one}" for one in found]
        page.goto("/portal/")
        assert page.get_by_role("heading", level=1).inner_text() == words
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate(CUT) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 320
    for language in ("de", "es"):
        for kind, lines in said[language].items():
            wrong += [f"{language} {kind}: {line}" for line in lines & said["en"].get(kind, set()) if is_sentence(line)]
    assert wrong == []


NO_WAY_ON = """() => [...document.querySelectorAll('main .empty')]
  .filter(one => !one.querySelector('.button') && !document.querySelector('main form.filters'))
  .map(one => one.innerText.split('\\n')[0])"""
"""Empty pages without a next step: a button, or a form above that asks for something else."""
CUT = """() => [...document.querySelectorAll('.bottom span')].filter(one => {
  const at = one.getBoundingClientRect(), bar = one.closest('.bottom').getBoundingClientRect();
  return one.scrollWidth > Math.ceil(at.width) || at.left < 0 || at.right > bar.right || at.bottom > bar.bottom;
}).map(one => one.innerText)"""
"""Words of the bar at the bottom that do not stand in it whole."""


def is_sentence(line: str) -> bool:
    """Words of ours: titles, names and numbers of the data hold figures, or are shorter."""
    return len(re.findall(r"[A-Za-z]{2,}", line)) > 3 and not re.search(r"[0-9@]", line)
