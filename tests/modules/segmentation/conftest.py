from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings

from fixtures.databases import Template, close_all
from fixtures.worlds import World, build_world
from modules.segmentation.small_company import bring, ticking


@pytest.fixture(scope="session")
def imported(
    template: Template, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, World, Path]]:
    """A database and a lake with the small company in them, to copy: the import takes longer than most tests."""
    home = tmp_path_factory.mktemp("small company")
    before = live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        name = stack.enter_context(template.clone())
        live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE = home, str(home / "lake")
        with ticking():
            world = build_world()
            bring(world, home / "extract")
        close_all()
        live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE = before
        yield name, world, home


@pytest.fixture
def small(
    template: Template, imported: tuple[str, World, Path], django_db_blocker: Any, settings: Any, tmp_path: Path
) -> Iterator[World]:
    """The world with the small company's facts, in a database and a lake of the test's own."""
    name, world, home = imported
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    settings.TIERWISE_HOME, settings.TIERWISE_LAKE = tmp_path, str(tmp_path / "lake")
    with django_db_blocker.unblock(), template.clone(name), ticking():
        yield world
