"""One PostgreSQL for the run, one fresh database per test that writes: cloned from a migrated template.

The embedded server is used unless ``TIERWISE_TEST_DATABASE_URL`` names another; the same tests pass on both.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures.homes import make_home

_HOME = make_home()
os.environ["TIERWISE_HOME"] = str(_HOME)
os.environ["TIERWISE_DATABASE_URL"] = os.environ.get("TIERWISE_TEST_DATABASE_URL", "")
os.environ["TIERWISE_DATABASE_NAME"] = f"tierwise_test_{os.getpid()}"
os.environ["DJANGO_SETTINGS_MODULE"] = "tierwise.config.settings"
# Playwright's synchronous interface leaves an event loop in the thread, which Django would take for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

import django  # noqa: E402
import hypothesis  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import catalogues  # noqa: E402

# Pages speak what the catalogues say, so tests must not depend on `make setup` having run since they changed.
catalogues.compile_all()
django.setup()
# No test is timed: the machine may be busy. A change is judged on the same examples each time; new ones are looked for
# wherever people run the tests.
hypothesis.settings.register_profile("looking", deadline=None)
hypothesis.settings.register_profile("judging", deadline=None, derandomize=True)
hypothesis.settings.load_profile("judging" if os.environ.get("CI") else "looking")

from fixtures.browsers import browser  # noqa: E402, F401
from fixtures.databases import Template  # noqa: E402
from fixtures.worlds import World, build_world  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", default=None) and not hasattr(config, "workerinput"):
        # Workers would find it before they come here, and take this process's home and database for theirs.
        del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several workers dear files come first: one that begins last would be waited for alone."""
    if hasattr(config, "workerinput"):
        dear = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
        items.sort(key=lambda item: item.path not in dear)


def pytest_sessionfinish() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def template(django_db_blocker: object) -> Iterator[Template]:
    """A migrated, closed database to clone."""
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())  # type: ignore[attr-defined]
        found = Template.make()
        stack.callback(found.remove)
        yield found


@pytest.fixture
def database(template: Template, django_db_blocker: object, settings: object, tmp_path: Path) -> Iterator[Template]:
    """A database and a lake of the test's own."""
    settings.TIERWISE_HOME = tmp_path  # type: ignore[attr-defined]
    settings.TIERWISE_LAKE = str(tmp_path / "lake")  # type: ignore[attr-defined]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"  # type: ignore[attr-defined]
    with django_db_blocker.unblock(), template.clone():  # type: ignore[attr-defined]
        yield template


@pytest.fixture
def world(database: Template) -> World:
    """One buying company, two suppliers that know nothing of each other, three segments."""
    return build_world()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public data sets beside the checkout; tests that read them are skipped where they are not."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the public data sets are not here (expected in ../shared/data)")
    return SHARED / "data"
