"""A new supplier from the buyer's form to its own first page, with its steps counted; and passkeys, from end to end."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from django.core import mail

from browser.conftest import ADMINISTRATOR, SUPPLIER_ADMINISTRATOR, Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.database, pytest.mark.slow]
MOST_STEPS, MOST_SECONDS = 12, 600


@dataclass
class Steps:
    """What people do, one by one: a page opened, a field filled, a button pressed."""

    taken: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def open(self, page: Page, address: str) -> None:
        self.taken.append(f"open {address}")
        page.goto(address)

    def fill(self, page: Page, label: str, value: str) -> None:
        self.taken.append(f"fill {label}")
        page.get_by_label(label, exact=True).fill(value)

    def press(self, page: Page, role: str, name: str) -> None:
        self.taken.append(f"press {name}")
        page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]

    def tick(self, page: Page, label: str) -> None:
        self.taken.append(f"tick {label}")
        page.get_by_label(label).check()


def test_a_supplier_is_in_within_twelve_steps(site: Site, look: Callable[[Page, str], list[str]]) -> None:
    """No D-U-N-S number, no bank details, nobody else needed."""
    steps, wrong = Steps(), []
    buyer = site.window(ADMINISTRATOR)
    steps.open(buyer, "/desk/suppliers/")
    steps.press(buyer, "link", "Invite a supplier")
    steps.fill(buyer, "Company", "Nordwerk")
    steps.fill(buyer, "Person", "Nia New")
    steps.fill(buyer, "E-mail", "nia@nordwerk.example")
    wrong += look(buyer, "invite a supplier")
    steps.press(buyer, "button", "Invite: mail the link")
    buyer.get_by_text("Nia New is invited").wait_for()
    link = re.findall(r"http://\S+/invitation/\S+", str(mail.outbox[-1].body))[0]

    supplier = site.window(width=390)
    asked: list[str] = []
    steps.open(supplier, link)
    supplier.get_by_text("It costs you nothing").wait_for()
    asked += supplier.locator("label").all_inner_texts()
    wrong += look(supplier, "invitation")
    steps.fill(supplier, "Choose a password", "copper-kettle-4711")
    steps.press(supplier, "button", "Set up my account")
    supplier.wait_for_url("**/portal/welcome")
    asked += supplier.locator("label").all_inner_texts()
    wrong += look(supplier, "welcome")
    steps.fill(supplier, "Country", "DE")
    steps.tick(supplier, "We accept these terms")
    steps.press(supplier, "button", "Accept and begin")
    supplier.get_by_text("confirms which parts of its demand you serve").wait_for()
    wrong += look(supplier, "first page of a new supplier")

    seconds = time.monotonic() - steps.began
    sys.stdout.write(f"{len(steps.taken)} steps in {seconds:.0f} s: {', '.join(steps.taken)}\n")
    assert len(steps.taken) <= MOST_STEPS, steps.taken
    assert seconds < MOST_SECONDS
    assert not [label for label in asked if re.search(r"d.?u.?n.?s|bank|iban|swift", label, re.IGNORECASE)]
    assert wrong == []


def with_authenticator(page: Page) -> None:
    """A device that keeps passkeys and always finds its owner there."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }})  # fmt: skip


def test_a_passkey_is_enrolled_signs_in_is_listed_and_removed(
    site: Site, look: Callable[[Page, str], list[str]]
) -> None:
    # A passkey belongs to a name, which a bare address is not.
    site.address = site.address.replace("127.0.0.1", "localhost")
    page, wrong = site.window(), []
    with_authenticator(page)
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(SUPPLIER_ADMINISTRATOR)
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/portal/")
    page.goto("/accounts/2fa/webauthn/add/")
    if "reauthenticate" in page.url:
        page.get_by_label("Password").fill(site.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/webauthn/add/")
    page.get_by_label("Name").fill("Desk key")
    page.get_by_label("Passwordless").check()
    wrong += look(page, "add a passkey")
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(lambda address: "/add/" not in address)

    page.goto("/accounts/2fa/webauthn/")
    page.get_by_text("Desk key").wait_for()
    wrong += look(page, "passkeys")
    page.goto("/portal/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")
    wrong += look(page, "sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/portal/")

    page.goto("/accounts/sessions/")
    wrong += look(page, "sessions")
    page.goto("/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove").click()
    if "reauthenticate" in page.url:
        page.get_by_label("Password").fill(site.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/remove/**")
    page.get_by_role("button", name="Remove").click()
    page.wait_for_url(lambda address: "/remove" not in address)
    page.goto("/accounts/2fa/webauthn/")
    assert page.get_by_text("Desk key").count() == 0
    assert wrong == []


@pytest.mark.parametrize("width", [1440, 390])
def test_pages_about_access_can_be_looked_at(site: Site, look: Callable[[Page, str], list[str]], width: int) -> None:
    from tierwise.directory import queries
    from tierwise.directory.entrance import Review
    from tierwise.directory.reviewing import open_reviews
    from tierwise.kernel.clock import today
    from tierwise.kernel.viewer import SYSTEM

    assert open_reviews(SYSTEM, today(), Review(every_days=1)) >= 0
    supplier = queries.suppliers(SYSTEM)[0].id
    buyer, seller = site.window(ADMINISTRATOR, width), site.window(SUPPLIER_ADMINISTRATOR, width)
    wrong = []
    for window, address in (
        (buyer, "/desk/people/"), (buyer, "/desk/people/review"), (buyer, "/desk/privacy/?words=late"),
        (buyer, f"/desk/suppliers/{supplier}/private"), (buyer, "/desk/suppliers/invite"),
        (seller, "/portal/company/"), (seller, "/portal/company/review"),
    ):  # fmt: skip
        window.goto(address)
        wrong += look(window, f"{address} {width}")
    assert wrong == []
