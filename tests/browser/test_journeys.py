"""What people come for, in the browser: signing in, letting somebody in, deciding, handing in an extract."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core import mail

from browser.conftest import ADMINISTRATOR, PLANNER, SUPPLIER_ADMINISTRATOR, SUPPLIER_PLANNER, Site
from tierwise.demo.extract import MAPPING_PATH

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.database, pytest.mark.slow]


@pytest.mark.parametrize(("email", "home"), [(PLANNER, "/desk/"), (SUPPLIER_PLANNER, "/portal/")])
def test_one_signs_in_to_what_is_due_and_out_again(site: Site, email: str, home: str) -> None:
    page = site.window()
    page.goto(home)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("not correct").wait_for()
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"**{home}")
    assert page.get_by_role("heading", level=1).inner_text() == "What is due"
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")
    page.goto(home)
    assert "/accounts/login/" in page.url


def test_an_invited_colleague_comes_in(site: Site) -> None:
    page = site.window(SUPPLIER_ADMINISTRATOR)
    page.goto("/portal/company/")
    page.get_by_label("Name").fill("Nele Neumann")
    page.get_by_label("E-mail").fill("nele@varnholt.example.com")
    page.get_by_label("Role", exact=True).select_option("Planner")
    page.get_by_role("button", name="Invite: mail the link").click()
    link = page.locator(".path a").get_attribute("href")
    assert link is not None
    assert link in mail.outbox[0].body

    hers = site.window()
    hers.goto(link)
    hers.get_by_label("Choose a password").fill("a long sentence of hers")
    hers.get_by_role("button", name="Set up my account").click()
    hers.wait_for_url("**/portal/")
    hers.goto("/portal/company/")
    assert hers.get_by_role("button", name="Invite: mail the link").count() == 0
    assert hers.get_by_text("Nele Neumann").count() >= 1

    page.goto("/portal/company/")
    row = page.get_by_role("row", name=re.compile("Nele Neumann"))
    row.get_by_role("button", name="Shut out").click()
    page.locator("dialog").get_by_role("button", name="Shut out").click()
    page.get_by_text("Shut out, at once").wait_for()
    hers.goto("/portal/company/")
    hers.wait_for_url("**/accounts/login/**")
    hers.get_by_label("Email").fill("nele@varnholt.example.com")
    hers.get_by_label("Password").fill("a long sentence of hers")
    hers.get_by_role("button", name="Sign in", exact=True).click()
    hers.get_by_text("Your access has ended").wait_for()


def test_a_mapping_is_checked_while_it_is_written(site: Site) -> None:
    page = site.window(PLANNER)
    page.goto("/desk/imports/new")
    page.get_by_role("textbox", name="Mapping").fill("source: erp\nfiles: {a: a.csv}\ntabels: {}\n")
    page.locator("#problems").get_by_text("did you mean 'tables'?").wait_for()


def test_an_extract_is_refused_with_every_fault_and_then_taken(site: Site, tmp_path: Path) -> None:
    extract = site.home / "demo extract"
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    _pack(extract, good)
    _pack(extract, bad, spoil="service_log")
    page = site.window(PLANNER)
    _hand_in(page, bad)
    page.get_by_role("heading", name="Nothing was imported").wait_for(timeout=60_000)
    assert page.get_by_role("heading", name="Faults").count() == 1
    page.get_by_text("is not a date").first.wait_for()
    page.goto("/desk/")
    page.get_by_role("link", name="Put the extract").click()
    page.wait_for_url("**/desk/imports/*/")
    _hand_in(page, good)
    page.get_by_text("Unchanged").first.wait_for(timeout=60_000)
    page.goto("/desk/")
    assert page.get_by_role("link", name="Put the extract").count() == 0


def _pack(folder: Path, target: Path, spoil: str = "") -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                content = file.read_bytes()
                if spoil and spoil in file.name:
                    content = content.replace(b"-0", b"-9", 40)
                archive.writestr(file.relative_to(folder).as_posix(), content)


def _hand_in(page: Page, archive: Path) -> None:
    page.goto("/desk/imports/new")
    page.get_by_role("textbox", name="Mapping").fill(MAPPING_PATH.read_text() + f"# {archive.name}\n")
    page.get_by_label("Files of the extract").set_input_files(archive)
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url(re.compile(r"/desk/imports/[0-9a-f-]{36}/$"))


def test_the_audit_trail_says_what_was_done_on_the_pages(site: Site) -> None:
    page = site.window(ADMINISTRATOR)
    page.goto("/desk/people/")
    row = page.get_by_role("row", name=re.compile("Agnes Okonjo"))
    row.get_by_label("Role of Agnes Okonjo").select_option("Planner")
    row.get_by_role("button", name="Change").click()
    page.get_by_text("The role counts from the next page on").wait_for()
    page.goto("/desk/audit/?action=change_role")
    page.get_by_text("1 entry.").wait_for()
    page.locator("[role=row] [col-id=at] a").first.click()
    panel = page.locator("#panel")
    panel.get_by_text("Change role").wait_for()
    assert panel.locator("dd", has_text=re.compile("^viewer$")).count() == 1


def test_by_keyboard_one_skips_the_rail_and_opens_a_supplier(site: Site) -> None:
    page = site.window(PLANNER)
    page.goto("/desk/suppliers/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("[role=row] [col-id=name] a", has_text="Varnholt Elektronik").wait_for()
    page.locator("tw-grid input").first.press("Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.getAttribute('col-id')") == "name":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/desk/suppliers/[0-9a-f-]{36}/$"))
