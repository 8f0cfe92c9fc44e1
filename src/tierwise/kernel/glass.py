"""Breaking the glass: reading what is private to a supplier, by a login that can nothing else.

The login ``tw_glass`` reads private tables alone, and there only rows of a supplier for whom the announced person has
a :class:`~tierwise.kernel.models.BrokenGlass` whose time is not over. The row comes first and the supplier sees it, so
that nobody looks unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connections, models, transaction

from tierwise.kernel.viewer import Viewer
from tierwise.kernel.zones import Login, Zone, rights_of

MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class PrivateTable:
    """Rows of one private table; ``more`` when there are further ones than are shown."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    more: bool


def private_models() -> list[type[models.Model]]:
    """Tables that are a supplier's alone."""
    found = [m for m in apps.get_models() if m._meta.managed and rights_of(m).zone is Zone.PRIVATE]
    return sorted(found, key=lambda model: model._meta.db_table)


@contextmanager
def _through_glass(person: UUID) -> Iterator[None]:
    alias = Login.GLASS.alias
    with transaction.atomic(using=alias):
        with connections[alias].cursor() as cursor:
            cursor.execute("select set_config('tw.person', %s, true)", [str(person)])
        yield


def look(viewer: Viewer, supplier: UUID) -> list[PrivateTable]:
    """What a supplier keeps to itself, as far as the viewer has broken the glass; the database decides that."""
    found = []
    with _through_glass(viewer.person):
        for model in private_models():
            columns = tuple(str(field.column) for field in model._meta.concrete_fields)
            owner = {rights_of(model).supplier_column: supplier}
            rows = list(
                model._default_manager.using(Login.GLASS.alias).filter(**owner).values_list(*columns)[: MOST_ROWS + 1]
            )
            found.append(PrivateTable(model._meta.db_table, columns, rows[:MOST_ROWS], len(rows) > MOST_ROWS))
    return found
