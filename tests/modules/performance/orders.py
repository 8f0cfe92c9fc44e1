"""Purchase orders to score: laid into the test's lake as an import would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from fixtures.worlds import World
from tierwise.directory.models import Item
from tierwise.kernel.viewer import viewer_scope
from tierwise.lake.actions import project
from tierwise.lake.schemas import TABLES


def rows_of(table: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a declared table; what is not given is empty."""
    schema = TABLES[table].schema
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


@dataclass
class Orders:
    """A book of purchase lines; :meth:`lay` writes it whole."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    mix: list[dict[str, Any]] = field(default_factory=list)
    reaches: bool = True

    def add(
        self, supplier: str, due: date, late: int | None = 0, *, item: str = "BOLT", quantity: int = 100,
        received: int | None = None, rejected: int = 0, **more: Any,
    ) -> str:  # fmt: skip
        """A line due on a day and delivered ``late`` days after it (None: never). Returns its order number."""
        order = f"P{len(self.lines):04d}"
        key = {"order": order, "line": "1"}
        self.lines.append(
            key
            | {
                "revision": 0, "supplier": supplier, "item": item, "site": "MAIN",
                "ordered_on": due - timedelta(days=20),
                "revised_on": due - timedelta(days=20), "changed_by": "buyer", "quantity": Decimal(quantity),
                "requested_on": due, "promised_on": due, "state": "open",
            }
            | more
        )  # fmt: skip
        if late is not None:
            day = due + timedelta(days=late)
            taken = quantity if received is None else received
            self.receipts.append(
                key | {"receipt": "1", "arrived_on": day, "posted_on": day, "quantity": Decimal(taken)}
            )
            if rejected:
                self.rejects.append(
                    key | {"receipt": "1", "reason": "dent", "rejected_on": day, "quantity": Decimal(rejected)}
                )
        return order

    def share(
        self, item: str, shares: Mapping[str, float], *, basis: str = "window", start: date = date(2020, 1, 1)
    ) -> None:
        """The mix of an item from a day on."""
        self.mix += [
            {"item": item, "site": "*", "segment": segment, "valid_from": start, "share": share, "units": 100.0 * share,
             "basis": basis}
            for segment, share in shares.items()
        ]  # fmt: skip

    def lay(self, world: World) -> int:
        """Brings lake and directory to what the book says; returns the manifest's number."""
        with viewer_scope(world.worker):
            have = set(Item.objects.values_list("code", flat=True))
            for code in {row["item"] for row in self.lines} - have:
                Item.objects.create(code=code, name=code.title(), unit="EA")
        # Customers go on ordering, so the facts reach beyond every period that the tests look at.
        sale = {"order": "S1", "line": "1", "occurrence": 1, "kind": "order", "item": "BIKE", "customer": "C",
                "ordered_on": date(2026, 1, 1), "quantity": Decimal(1)}  # fmt: skip
        tables = {
            "demand": rows_of("demand", [sale] if self.reaches else []),
            "purchase_line": rows_of("purchase_line", self.lines), "receipt": rows_of("receipt", self.receipts),
            "reject": rows_of("reject", self.rejects), "mix": rows_of("mix", self.mix),
        }  # fmt: skip
        return project(world.worker, tables, frozenset(tables), "test orders")


def steady(orders: Orders, supplier: str, month: date, good: int, bad: int = 0, **more: Any) -> None:
    """``good`` lines on time and ``bad`` five days late in a month."""
    for number in range(good + bad):
        orders.add(supplier, month + timedelta(days=number % 28), 0 if number < good else 5, **more)
