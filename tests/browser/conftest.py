"""The demo company behind a live server, and windows in which its people are signed in.

The small demo is seeded once for the run; every test gets a clone of its database and a copy of its lake, so that a
journey may write. Nothing is emptied afterwards, which the web's logins could not do; the clone is dropped.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from django.test.testcases import LiveServerThread

from fixtures.databases import Template, close_all
from fixtures.worlds import build_world
from tierwise.directory.models import Person
from tierwise.kernel.clock import today
from tierwise.kernel.cycle import run_cycle
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import SYSTEM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
MANIFEST = ROOT / "src/tierwise/web/static/app/.vite/manifest.json"
ARTEFACTS = ROOT / "artefacts/pages"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"

PLANNER = "pavel.dworzak@kesselhain.example.com"
ADMINISTRATOR = "ines.rautner@kesselhain.example.com"
SUPPLIER_ADMINISTRATOR = "henning.varn@varnholt.example.com"
FOUNDER = "ada.administrator@example.com"
FIRST_SUPPLIER = "a.administrator@example.com"
SUPPLIER_PLANNER = "silke.brandeis@varnholt.example.com"


@dataclass(frozen=True)
class Seeded:
    """The demo as it stands after seeding: a database to clone and a home to copy."""

    database: str
    home: Path
    password: str


@pytest.fixture(scope="session")
def seeded(template: Template, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    if not MANIFEST.exists():
        pytest.skip("the front end is not built (make build)")
    from tierwise.demo.seed import password, seed

    home = tmp_path_factory.mktemp("seeded home")
    with django_db_blocker.unblock(), template.clone() as name:  # type: ignore[attr-defined]
        with _at_home(home):
            seed(home, "small")
            run_cycle(SYSTEM, today())
            secret = password(home)
        close_all()
        yield Seeded(name, home, secret)


@contextmanager
def _at_home(home: Path) -> Iterator[None]:
    before = django_settings.TIERWISE_HOME, django_settings.TIERWISE_LAKE
    django_settings.TIERWISE_HOME, django_settings.TIERWISE_LAKE = home, str(home / "lake")
    try:
        yield
    finally:
        django_settings.TIERWISE_HOME, django_settings.TIERWISE_LAKE = before


@dataclass
class Site:
    """The served demo. Windows opened here fail the test for whatever their console complains about."""

    address: str
    home: Path
    password: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    _open: list[BrowserContext] = field(default_factory=list)

    def window(self, email: str = "", width: int = 1440, language: str = "en") -> Page:
        """A window of somebody signed in already, or of nobody."""
        context = self.browser.new_context(
            base_url=self.address, viewport={"width": width, "height": 900}, locale=language
        )  # fmt: skip
        context.set_default_timeout(15_000)
        self._open.append(context)
        if email:
            client = Client()
            client.force_login(Account.objects.get(email=email), BACKEND)
            key = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": key, "url": self.address}])
        page = context.new_page()
        page.on("console", lambda message: self._note(page, message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._note(page, str(error)))
        return page

    def _note(self, page: Page, text: str) -> None:
        self.complaints.append(f"{page.url}: {text}")

    def close(self) -> None:
        for context in self._open:
            context.close()


@pytest.fixture
def site(
    seeded: Seeded, template: Template, browser: Browser, django_db_blocker: object, settings: object, tmp_path: Path
) -> Iterator[Site]:
    home = tmp_path / "home"
    shutil.copytree(seeded.home, home)
    with _served(template, seeded, browser, django_db_blocker, settings, home) as found:
        yield found


@pytest.fixture
def empty_site(
    template: Template, browser: Browser, django_db_blocker: object, settings: object, tmp_path: Path
) -> Iterator[Site]:
    """An installation of the first day: companies and people, and nothing else."""
    if not MANIFEST.exists():
        pytest.skip("the front end is not built (make build)")
    founded = Seeded("", tmp_path, "")
    with _served(template, founded, browser, django_db_blocker, settings, tmp_path) as found:
        build_world(bare=True)
        for email in (FOUNDER, FIRST_SUPPLIER):
            person = Person.objects.using("default").get(email=email)
            Account.objects.create_account(email, person.id)
        yield found


@contextmanager
def _served(
    template: Template, seeded: Seeded, browser: Browser, django_db_blocker: object, settings: object, home: Path
) -> Iterator[Site]:
    settings.EXCHANGE_FOLDERS = [str(home / "exchange")]  # type: ignore[attr-defined]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"  # type: ignore[attr-defined]
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())  # type: ignore[attr-defined]
        stack.enter_context(template.clone(seeded.database) if seeded.database else template.clone())
        stack.enter_context(_at_home(home))
        server = LiveServerThread("127.0.0.1", _plain)
        server.daemon = True
        server.start()
        server.is_ready.wait(20)
        stack.callback(server.terminate)
        found = Site(f"http://127.0.0.1:{server.port}", home, seeded.password, browser)
        stack.callback(found.close)
        yield found
    assert found.complaints == []


def _plain(handler: WSGIHandler) -> WSGIHandler:
    """Static files are served by the application itself."""
    return handler


READY = """() => document.readyState === 'complete' && !document.querySelector('.loading-bar, .htmx-request')
  && ['tw-grid', 'tw-chart', 'tw-map', 'tw-timeline'].every(tag => !document.querySelector(tag + ':not(.is-ready)'))"""
LOOKS = [(1440, "light", RULES), (1440, "dark", ["color-contrast"]), (390, "dark", RULES)]
"""Of a page, at once: all of it on a desk by day, its colours by night, and all of it again on a phone."""
REPEATED = [[".ag-row:nth-child(n+9)"], [".cards > li:nth-child(n+9)"], ["tbody tr:nth-child(n+13)"]]
"""Rows of a table are alike: the first ones stand for all."""

CUT_SEGMENTS = """[...document.querySelectorAll('tw-grid .seg > span')]
  .filter(name => name.scrollWidth > name.clientWidth + 1 && name.clientWidth > 0).map(name => name.innerText)"""


@pytest.fixture(scope="session")
def axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci)")
    return AXE.read_text()


@pytest.fixture
def look(axe: str) -> Callable[[Page, str], list[str]]:
    """What is wrong with the page a window shows, wide and narrow, light and dark. Keeps its pictures as artefacts."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)

    def found(page: Page, name: str) -> list[str]:
        wrong = []
        before = page.viewport_size
        page.wait_for_function(READY)
        page.evaluate(axe)
        for width, scheme, rules in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            page.wait_for_function(READY)
            broken = page.evaluate(
                "([exclude, runOnly]) => axe.run({exclude}, {runOnly, resultTypes: ['violations']})"
                ".then(all => all.violations)",
                [[one for one in REPEATED if page.query_selector(one[0])], rules],
            )
            wrong += [f"{name} {width} {scheme}: {one['id']} {one['nodes'][0]['html'][:160]}" for one in broken]
            picture = re.sub(r"[^\w]+", "-", f"{name} {width} {scheme}").strip("-") + ".png"
            page.screenshot(path=ARTEFACTS / picture)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{name} {width}: wider than the window")
            wrong += [f"{name} {width}: cuts segment {one}" for one in page.evaluate(CUT_SEGMENTS)]
        if before:
            page.set_viewport_size(before)
        return wrong

    return found


def pytest_configure() -> None:
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
