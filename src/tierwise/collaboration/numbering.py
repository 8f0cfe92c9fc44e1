"""Numbers that people see: counted for each supplier by itself, without gaps, whoever writes at the same time.

The counter is a row, not the highest number found: a supplier whose segment has ended no longer sees the records that
carry the highest numbers, yet must not meet them again.
"""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db import models

from tierwise.kernel.viewer import Viewer


class Counter(models.Model):
    """The last number given to a supplier; one table for each noun that is numbered."""

    supplier = models.OneToOneField("directory.Company", models.PROTECT, primary_key=True, related_name="+")
    last = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.supplier_id} {self.last}"

    def advance(self) -> int:
        """The next number. It goes back with the transaction when that fails."""
        self.last += 1
        self.save(update_fields=["last"])
        return self.last


C = TypeVar("C", bound=Counter)


def hold(actor: Viewer, counter: type[C], supplier: UUID) -> C:
    """The supplier's counter, held until the transaction ends: who else numbers for this supplier waits.

    Several suppliers are held in the order of their ids, or two batches may wait for each other.
    """
    rows = counter._default_manager.using(actor.alias)
    rows.bulk_create([counter(supplier_id=supplier)], ignore_conflicts=True)
    return rows.select_for_update().get(supplier_id=supplier)
