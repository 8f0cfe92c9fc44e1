"""The small company at three stages, each reached once for the run and copied for every test that begins there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings

from fixtures.databases import Template, close_all
from fixtures.worlds import World, build_world
from modules.segmentation.small_company import ON, applied, bring, ticking
from tierwise.modules.segmentation import jobs


@dataclass(frozen=True)
class Stage:
    """A database and a home to copy."""

    database: str
    world: World
    home: Path


@contextmanager
def stage(template: Template, home: Path, reach: Callable[[], World], begin: Stage | None = None) -> Iterator[Stage]:
    """What stands once a stage is reached, from an empty database or from the stage before."""
    before = live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE
    with template.clone(begin.database if begin else "") as name:
        if begin:
            shutil.copytree(begin.home, home, dirs_exist_ok=True)
        live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE = home, str(home / "lake")
        try:
            with ticking():
                world = reach()
        finally:
            close_all()
            live_settings.TIERWISE_HOME, live_settings.TIERWISE_LAKE = before
        yield Stage(name, world, home)


@pytest.fixture(scope="session")
def imported(template: Template, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("small company")

    def reach() -> World:
        world = build_world()
        bring(world, home / "extract")
        return world

    with django_db_blocker.unblock(), stage(template, home, reach) as found:
        yield found


@pytest.fixture(scope="session")
def ruled(
    template: Template, imported: Stage, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    def reach() -> World:
        applied(imported.world)
        return imported.world

    home = tmp_path_factory.mktemp("small company in force")
    with django_db_blocker.unblock(), stage(template, home, reach, imported) as found:
        yield found


@pytest.fixture(scope="session")
def cycled(
    template: Template, ruled: Stage, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    def reach() -> World:
        for job in (jobs.place_cells, jobs.refresh_mix, jobs.derive_policies):
            job(ruled.world.worker, ON)
        return ruled.world

    home = tmp_path_factory.mktemp("small company cycled")
    with django_db_blocker.unblock(), stage(template, home, reach, ruled) as found:
        yield found


@pytest.fixture
def begin(template: Template, django_db_blocker: Any, settings: Any, tmp_path: Path) -> Callable[[Stage], Any]:
    """Begins at a stage, in a database and a lake of the test's own."""

    @contextmanager
    def begun(found: Stage) -> Iterator[World]:
        shutil.copytree(found.home, tmp_path, dirs_exist_ok=True)
        settings.TIERWISE_HOME, settings.TIERWISE_LAKE = tmp_path, str(tmp_path / "lake")
        with django_db_blocker.unblock(), template.clone(found.database), ticking():
            yield found.world

    return begun


@pytest.fixture
def small(begin: Callable[[Stage], Any], imported: Stage) -> Iterator[World]:
    """The world with the small company's facts, and no scheme."""
    with begin(imported) as world:
        yield world


@pytest.fixture
def in_force(begin: Callable[[Stage], Any], ruled: Stage) -> Iterator[World]:
    """The small company with its scheme applied."""
    with begin(ruled) as world:
        yield world


@pytest.fixture
def live(begin: Callable[[Stage], Any], cycled: Stage) -> Iterator[World]:
    """The small company with its scheme applied and a cycle run."""
    with begin(cycled) as world:
        yield world
