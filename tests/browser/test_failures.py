"""Requests that fail: the reader gets a sentence and a way on, what was typed stays, and nothing waits for ever."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from browser.conftest import ADMINISTRATOR, READY, Site
from tierwise.kernel.viewer import SYSTEM
from tierwise.lake import queries as lake

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.database, pytest.mark.slow]


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    yield site.window(ADMINISTRATOR)
    # What could not be fetched is a line in the console as well; nothing else may be there.
    site.complaints[:] = [one for one in site.complaints if "Failed to " not in one]


def answered(status: int, body: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, body=body, content_type="text/html")


def typed(page: Page, line: str) -> Locator:
    """A line more in the studio's document, whether its field is drawn or hidden behind the editor."""
    text = page.locator("#scheme-text")
    text.evaluate(
        "(field, line) => { field.value += '\\n' + line; field.dispatchEvent(new Event('input', {bubbles: true})) }",
        line,
    )
    return text


def away(route: Route) -> None:
    route.abort("internetdisconnected")


def test_while_offline_the_studio_keeps_the_document_and_tries_again(page: Page) -> None:
    page.goto("/desk/scheme/")
    page.wait_for_function(READY)
    page.route("**/desk/scheme/trial", away)
    page.locator("#consequence").wait_for()
    text = typed(page, "# while offline")
    alert = page.locator("#consequence [role=alert]")
    alert.get_by_text("could not be loaded").wait_for()
    assert page.locator(".htmx-request").count() == 0
    assert "while offline" in text.input_value()
    page.unroute("**/desk/scheme/trial")
    alert.get_by_role("button", name="Try again").click()
    alert.wait_for(state="detached")
    page.locator("#consequence .stat").first.wait_for()


@pytest.mark.parametrize(("status", "body"), [(502, "<html><body><h1>Bad gateway</h1></body></html>"), (500, "")])
def test_a_proxy_in_trouble_does_not_take_the_place_of_a_part(page: Page, status: int, body: str) -> None:
    item = _bought_item()
    page.route(f"**/desk/items/{item}/why", answered(status, body))
    page.goto(f"/desk/items/{item}/")
    page.get_by_role("alert").get_by_text("could not be loaded").wait_for()
    assert page.get_by_text("Bad gateway").count() == 0
    assert page.get_by_text("Following the demand").count() == 0
    page.unroute(f"**/desk/items/{item}/why")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("% ").first.wait_for()
    page.get_by_role("alert").wait_for(state="detached")


def test_a_session_that_ended_says_so_and_leads_back(site: Site, page: Page) -> None:
    page.goto("/desk/scheme/")
    page.wait_for_function(READY)
    page.context.clear_cookies(name="sessionid")
    text = typed(page, "# typed")
    alert = page.locator("#consequence [role=alert]")
    alert.get_by_text("You are no longer signed in").wait_for()
    assert "# typed" in text.input_value()
    assert page.get_by_label("Password").count() == 0
    alert.get_by_role("link", name="Sign in again").click()
    page.get_by_label("Email").fill(ADMINISTRATOR)
    page.get_by_label("Password").fill(site.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/scheme/")


def test_what_is_sent_after_the_session_ended_leads_back_to_its_page(page: Page) -> None:
    page.goto("/desk/agreements/offer/")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("main").locator("form button.is-primary").first.click()
    page.wait_for_url("**/accounts/login/**")
    page.get_by_text("What you sent was not saved").wait_for()
    assert "next=/desk/agreements/offer/" in page.url


@pytest.mark.parametrize(("status", "said"), [(403, "not open to you"), (409, "changed")])
def test_refusals_of_ours_stand_in_their_place_with_a_way_on(page: Page, status: int, said: str) -> None:
    page.goto("/desk/scheme/")
    page.wait_for_function(READY)
    notice = f'<div class="notice" role="alert"><h2>It {said}</h2><a class="button" href="">Reload the page</a></div>'
    page.route("**/desk/scheme/trial", answered(status, notice))
    typed(page, "# more")
    page.locator("#consequence [role=alert]").get_by_text(said).wait_for()
    assert page.locator(".htmx-request").count() == 0
    page.get_by_role("link", name="Reload the page").click()
    page.locator("#consequence .stat").first.wait_for()


@pytest.mark.parametrize("status", [500, 503])
def test_a_fault_of_ours_says_what_it_is_and_leaves_what_stood_there(page: Page, status: int) -> None:
    page.goto("/desk/scheme/")
    page.wait_for_function(READY)
    page.locator("#consequence .stat").first.wait_for()
    notice = (
        '<div class="notice is-bad" role="alert"><h2>It went wrong</h2><p>It is logged.</p><a href="">Reload</a></div>'
    )
    page.route("**/desk/scheme/trial", answered(status, notice))
    text = typed(page, "# more")
    alert = page.locator("#consequence [role=alert]")
    alert.get_by_text("It is logged.").wait_for()
    assert alert.get_by_role("link").count() == 0
    assert page.locator("#consequence .stat").first.is_visible()
    page.unroute("**/desk/scheme/trial")
    alert.get_by_role("button", name="Try again").click()
    alert.wait_for(state="detached")
    assert "# more" in text.input_value()


def test_a_panel_that_does_not_come_says_so_closes_and_tries_again(page: Page) -> None:
    page.goto("/desk/audit/")
    page.wait_for_function(READY)
    page.route(re.compile(r"/desk/audit/[0-9a-f-]{36}/"), away)
    page.locator("[role=row] [col-id=at] a").first.click()
    panel = page.locator("#panel")
    panel.get_by_text("could not be loaded").wait_for()
    assert page.locator(".loading-bar").count() == 0
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    page.locator("[role=row] [col-id=at] a").first.click()
    again = panel.get_by_role("button", name="Try again")
    again.wait_for()
    page.unroute_all()
    again.click()
    panel.locator("dl").first.wait_for()


def test_a_button_that_downloads_can_be_pressed_again(page: Page) -> None:
    page.goto("/desk/suppliers/")
    button = page.get_by_role("button", name="Spreadsheet to fill in")
    for _ in range(2):
        with page.expect_download() as caught:
            button.click()
        assert caught.value.suggested_filename.endswith(".xlsx")
        assert button.is_enabled()


def _bought_item() -> str:
    return str(lake.facts(SYSTEM, "mix", lake.manifest(SYSTEM)).select("item").first().collect().item())
