"""Masters that imports bring, as frames."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
from django.db.models import Q, QuerySet

from tierwise.directory.models import (
    Arc,
    Closure,
    Customer,
    Item,
    ItemUnit,
    Lane,
    Site,
)
from tierwise.directory.queries.validity import in_force
from tierwise.kernel.viewer import Viewer, viewer_scope


def items_like(viewer: Viewer, words: str, limit: int = 10) -> list[tuple[str, str]]:
    """Code and name of items whose code or name holds the words."""
    with viewer_scope(viewer):
        rows = Item.objects.filter(Q(code__icontains=words) | Q(name__icontains=words))
        return list(rows.order_by("code").values_list("code", "name")[:limit])


def _frame(rows: QuerySet[Any], columns: Mapping[str, Any], **names: str) -> pl.DataFrame:
    """Columns of a table as a frame; ``names`` maps a frame's column to the field it is read from."""
    fields = [names.get(column, column) for column in columns]
    return pl.DataFrame(list(rows.values_list(*fields)), schema=columns, orient="row")


def items(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        columns: dict[str, Any] = dict.fromkeys(
            ("item", "name", "unit", "business_unit", "category", "family", "make_or_buy"), pl.String
        )
        columns |= {"sold": pl.Boolean, "launched_on": pl.Date, "ends_on": pl.Date}
        return _frame(Item.objects.all(), columns, item="code")


def customers(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        columns: dict[str, Any] = dict.fromkeys(
            ("customer", "customer_group", "holding", "country", "region", "channel"), pl.String
        )
        return _frame(Customer.objects.all(), columns | {"service_requirement": pl.Float64}, customer="code")


def sites(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        columns: dict[str, Any] = dict.fromkeys(
            ("site", "name", "supplier", "kind", "country", "city", "timezone", "calendar"), pl.String
        )
        return _frame(Site.objects.all(), columns | {"latitude": pl.Float64, "longitude": pl.Float64}, site="code")


def closures(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        return _frame(Closure.objects.all(), {"calendar": pl.String, "closed_on": pl.Date, "name": pl.String})


def item_units(viewer: Viewer) -> pl.DataFrame:
    with viewer_scope(viewer):
        columns = {"item": pl.String, "unit": pl.String, "per_unit": pl.Decimal(18, 4), "valid_from": pl.Date}
        return _frame(ItemUnit.objects.all(), columns)


def lanes(viewer: Viewer, on: date | None = None) -> pl.DataFrame:
    """Lanes open on a day, or all."""
    with viewer_scope(viewer):
        rows = Lane.objects.all() if on is None else in_force(Lane.objects.all(), on)
        columns: dict[str, Any] = dict.fromkeys(
            (
                "lane",
                "item",
                "supplier",
                "contract_parent",
                "manufacturer",
                "payee",
                "ship_from",
                "ship_to",
                "incoterm",
            ),
            pl.String,
        )
        columns |= {
            "lead_time_days": pl.Int64, "minimum_order": pl.Decimal(18, 4), "price": pl.Decimal(18, 6),
            "currency": pl.String, "share": pl.Float64, "valid_from": pl.Date, "valid_to": pl.Date,
        }  # fmt: skip
        return _frame(rows, columns, lane="code")


def arcs(viewer: Viewer) -> pl.DataFrame:
    """Movements of the network, each with the days it is open."""
    with viewer_scope(viewer):
        columns: dict[str, Any] = dict.fromkeys(("item", "from_site", "to_site", "kind"), pl.String)
        columns |= {
            "share": pl.Float64, "yield_ratio": pl.Float64, "offset_days": pl.Int64, "valid_from": pl.Date,
            "valid_to": pl.Date,
        }  # fmt: skip
        return _frame(Arc.objects.all(), columns)
