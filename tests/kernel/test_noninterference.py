"""What a supplier sees is a function of its own rows: whatever others have, add or change makes no difference to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import models
from django.db.models import Count, Exists, F, Max, OuterRef, Window
from django.db.models.functions import RowNumber
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fixtures.databases import Template
from fixtures.random_worlds import (
    NOW,
    RandomWorld,
    WorldPlan,
    person_id,
    populate,
    readable_tables,
    supplier_plans,
    two_worlds,
)
from fixtures.rows import Connection
from tierwise.directory.models import Company, Person, Support
from tierwise.directory.viewers import supported_segments
from tierwise.kernel.clock import clock_set
from tierwise.kernel.viewer import viewer_scope
from tierwise.kernel.zones import rights_of

pytestmark = pytest.mark.database
# Every example is a world in PostgreSQL: a smaller one would take minutes to find.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture(scope="module")
def superuser(template: Template, django_db_blocker: Any) -> Iterator[Connection]:
    with (
        django_db_blocker.unblock(),
        template.clone() as name,
        psycopg.connect(template.runtime.admin_conninfo(name), autocommit=True) as connection,
    ):
        yield connection


def models_read() -> list[type[models.Model]]:
    tables = {*readable_tables(), "directory_company", "directory_support"}
    return sorted((m for m in apps.get_models() if m._meta.db_table in tables), key=lambda m: m._meta.label)


def questions(model: type[models.Model]) -> Iterator[Any]:
    """Rows, counts, aggregates, orders, joins and sub-queries: what pages put together."""
    rows = model._default_manager.all()
    owner = rights_of(model).supplier_column
    yield list(rows.order_by("pk").values())
    yield rows.count(), rows.exists(), rows.aggregate(n=Count("pk", distinct=True))
    yield sorted(rows.values_list(owner).annotate(n=Count("pk")).values_list("n", flat=True))
    yield list(rows.annotate(place=Window(RowNumber(), order_by=F("pk").asc())).order_by("pk").values_list("place"))
    for field in model._meta.concrete_fields:
        if isinstance(field, models.PositiveIntegerField) or field.name == "number":
            yield rows.aggregate(top=Max(field.name))
        target = field.related_model
        if not isinstance(target, type) or not issubclass(target, models.Model) or not rights_of(target).supplier:
            continue
        yield list(rows.order_by("pk").values_list("pk", f"{field.name}__pk"))
        there = target._default_manager.filter(pk=OuterRef(field.name))
        yield rows.annotate(there=Exists(there)).filter(there=True).count()


def answers(world: RandomWorld) -> list[Any]:
    with clock_set(NOW):
        viewer = world.viewer()
        assert supported_segments(viewer) == viewer.segments
        with viewer_scope(viewer):
            return [(model._meta.label, *questions(model)) for model in models_read()]


@settings(max_examples=12, phases=WITHOUT_SHRINKING)
@given(pair=two_worlds())
def test_others_make_no_difference(superuser: Connection, pair: tuple[WorldPlan, WorldPlan]) -> None:
    first, second = (answers(populate(superuser, plan)) for plan in pair)
    assert first == second


@settings(max_examples=8, phases=WITHOUT_SHRINKING)
@given(suppliers=st.lists(supplier_plans(), min_size=1, max_size=3))
def test_a_supplier_sees_all_that_is_its_own_and_supported(superuser: Connection, suppliers: list[Any]) -> None:
    """The other half: isolation by showing nothing at all would pass the test above."""
    world = populate(superuser, WorldPlan(tuple(suppliers)))
    viewer = world.viewer()
    with viewer_scope(viewer):
        for model in models_read():
            if model in (Company, Support, Person):
                continue
            rights = rights_of(model)
            expected = {
                world.rows.key(table, owner) for table, owner in world.rows.made
                if table == model._meta.db_table and owner.company == viewer.company
                and (not rights.segment_column or owner.segment in viewer.segments)
            }  # fmt: skip
            assert set(model._default_manager.values_list("pk", flat=True)) == expected, model
        assert Company.objects.get().id == viewer.company
        assert Support.objects.count() == len(suppliers[0].supports)
        assert person_id(0) in set(Person.objects.values_list("pk", flat=True))
