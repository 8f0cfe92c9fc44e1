"""The main job without a mouse: every stop of the Tab key is marked and in sight, and nothing holds the focus."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from browser.conftest import ADMINISTRATOR, READY, SUPPLIER_ADMINISTRATOR, Site
from tierwise.kernel.viewer import Side
from tierwise.web.navigation import places

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.database, pytest.mark.slow]

STOPS = 110
"""More than any page has; whoever needs more has been caught."""
STOP = """() => {
  const one = document.activeElement
  if (!one || one === document.body) return null
  const style = getComputedStyle(one.closest('.jump') ?? one), place = one.getBoundingClientRect()
  // Grids draw their own border; of a date the browser marks the part that is typed into.
  const own = one.matches('.ag-cell, .ag-header-cell, [type=date]')
  const marked = own || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
  const seen = place.width > 0 && place.height > 0 && place.bottom > 0 && place.top < innerHeight
  return {marked, seen, text: one.outerHTML.slice(0, 120)}
}"""
PAGES = {
    ADMINISTRATOR: (Side.BUYER, ("/desk/agreements/offer/", "/desk/imports/new")),
    SUPPLIER_ADMINISTRATOR: (Side.SUPPLIER, ()),
}
"""Of each side, the pages that its rail does not lead to."""


def opened(page: Page, path: str) -> None:
    page.goto(path)
    page.wait_for_function(READY)


def reach(page: Page, selector: str) -> None:
    """By the Tab key alone."""
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{page.url}: no Tab leads to {selector}")


@pytest.mark.parametrize("who", PAGES)
def test_every_stop_is_marked_and_in_sight_and_the_last_leads_out(site: Site, who: str) -> None:
    page = site.window(who)
    wrong = []
    side, further = PAGES[who]
    for path in [*(reverse(place.url) for place in places() if place.side is side), *further]:
        opened(page, path)
        found = []
        while len(found) < STOPS:
            page.keyboard.press("Tab")
            stop = page.evaluate(STOP)
            # After the last stop comes the browser's own bar, or where there is none the first one again.
            if stop is None or (found and stop["text"] == found[0]["text"]):
                break
            found.append(stop)
        wrong += [f"{path}: {one['text']}" for one in found if not (one["marked"] and one["seen"])]
        if len(found) == STOPS:
            wrong.append(f"{path}: no way out after {found[-1]['text']}")
        if "skip" not in found[0]["text"]:
            wrong.append(f"{path}: begins with {found[0]['text']}")
    assert not wrong, "\n".join(wrong)


def test_one_skips_to_the_content_moves_in_a_table_and_opens_a_row(site: Site) -> None:
    page = site.window(ADMINISTRATOR)
    opened(page, "/desk/suppliers/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reach(page, ".ag-header-cell")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    where = "[document.activeElement.closest('[row-index]').getAttribute('row-index'), \
             document.activeElement.getAttribute('col-id')]"
    assert page.evaluate(where) == ["1", "code"]
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.locator(".tw-sel").nth(3).wait_for()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/desk/suppliers/[0-9a-f-]{36}/"))


def test_a_heat_map_is_one_stop_and_walked_by_the_arrows(site: Site) -> None:
    page = site.window(ADMINISTRATOR)
    opened(page, "/desk/scorecards/")
    reach(page, ".heat tbody a")
    where = "(at => [at.parentElement.rowIndex, at.cellIndex])(document.activeElement.closest('td, th'))"
    row, column = page.evaluate(where)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    below, beside = page.evaluate(where)
    assert below > row
    assert beside > column
    assert page.locator(".heat tbody a[tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    page.locator("#panel .panel-head").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate(where) == [below, beside]


def test_whoever_types_a_name_jumps_to_it(site: Site) -> None:
    page = site.window(ADMINISTRATOR)
    opened(page, "/desk/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.matches('input')")
    page.keyboard.type("varnholt")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/desk/suppliers/"))


def test_a_panel_takes_the_focus_and_gives_it_back(site: Site) -> None:
    page = site.window(ADMINISTRATOR)
    opened(page, "/desk/audit/")
    reach(page, ".ag-header-cell")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#panel dl").first.wait_for()
    assert page.evaluate("document.getElementById('panel').contains(document.activeElement)")
    page.keyboard.press("Escape")
    page.locator("#panel").wait_for(state="hidden")
    assert page.evaluate("document.querySelector('tw-grid, #main').contains(document.activeElement)")


def test_a_question_keeps_the_focus_until_it_is_answered(site: Site) -> None:
    page = site.window(ADMINISTRATOR)
    opened(page, "/desk/people/")
    reach(page, ".button.is-danger")
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    for _ in range(4):
        page.keyboard.press("Tab")
        # After the last stop the browser's own bar has a turn, which to the page is its body.
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.matches('.button.is-danger')")


def test_after_a_refusal_the_first_fault_has_the_focus(site: Site) -> None:
    page = site.window(SUPPLIER_ADMINISTRATOR)
    opened(page, "/portal/company/")
    page.get_by_label("Name").fill("Somebody")
    page.get_by_label("E-mail").fill("henning.varn@varnholt.example.com")
    page.keyboard.press("Enter")
    page.locator(".field-error").first.wait_for()
    assert page.evaluate("document.activeElement.closest('.field.has-errors') !== null")
    site.complaints[:] = [one for one in site.complaints if "422" not in one]


def test_a_cut_is_moved_by_the_arrows(site: Site) -> None:
    page = site.window(ADMINISTRATOR)
    opened(page, "/desk/scheme/")
    slider = page.locator("#consequence input[type=range]").first
    slider.wait_for()
    slider.focus()
    before = slider.input_value()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert slider.input_value() != before
