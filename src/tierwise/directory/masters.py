"""Keeps the masters that imports bring: declared tables in, rows of PostgreSQL out, in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from django.db import models

from tierwise.directory.models import Arc, Closure, Company, Customer, Item, ItemUnit, Lane, Site
from tierwise.directory.records import CompanySide
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import Viewer
from tierwise.lake.ports import MasterChange
from tierwise.lake.schemas import TABLES, Kind, Table

HOMES: dict[str, type[models.Model]] = {
    "supplier": Company,
    "customer": Customer,
    "site": Site,
    "closure": Closure,
    "item": Item,
    "item_unit": ItemUnit,
    "lane": Lane,
    "arc": Arc,
}
# Where a declared column has another name in the directory.
_RENAMED: dict[str, dict[str, str]] = {
    "supplier": {"supplier": "code", "parent": "parent_code"},
    "customer": {"customer": "code"},
    "site": {"site": "code"},
    "item": {"item": "code"},
    "lane": {"lane": "code"},
}
_TEXT = {Kind.CODE, Kind.TEXT, Kind.UNIT, Kind.CURRENCY, Kind.COUNTRY, Kind.CHOICE}
BATCH = 2000


class DirectoryMasters:
    """The directory as the lake's keeper of masters."""

    def known_codes(self, viewer: Viewer) -> dict[str, pl.Series]:
        del viewer
        found: dict[str, pl.Series] = {}
        for name in ("supplier", "customer", "site", "item", "lane"):
            rows = _rows_of(name).values_list("code", flat=True)
            found[name] = pl.Series(name, list(rows), dtype=pl.String)
        return found

    def put(
        self, actor: Viewer, source: str, tables: Mapping[str, pl.DataFrame], complete: frozenset[str]
    ) -> dict[str, MasterChange]:
        del actor
        order = [name for name in HOMES if name in tables]
        return {name: _put_one(TABLES[name], source, tables[name], name in complete) for name in order}


def _rows_of(name: str) -> models.QuerySet[Any]:
    rows = HOMES[name]._default_manager.all()
    return rows.filter(side=CompanySide.SUPPLIER) if name == "supplier" else rows


def _fields(table: Table) -> dict[str, str]:
    """Declared column → field of the directory's model."""
    renamed = _RENAMED.get(table.name, {})
    return {column.name: renamed.get(column.name, column.name) for column in table.columns}


def _put_one(table: Table, source: str, frame: pl.DataFrame, complete: bool) -> MasterChange:
    """Adds and updates what differs; with ``complete``, ends what this source no longer names."""
    model, fields = HOMES[table.name], _fields(table)
    key = [fields[name] for name in table.key]
    arriving = _filled(table, frame).rename(fields)
    standing = _standing(table, arriving.schema)
    joined = arriving.join(standing, on=key, how="left", suffix="_was", nulls_equal=True)
    values = [name for name in fields.values() if name not in key]
    is_new = pl.col("id").is_null()
    same = pl.all_horizontal([pl.col(name).eq_missing(pl.col(f"{name}_was")) for name in values] or [pl.lit(True)])
    new = joined.filter(is_new)
    changed = joined.filter(~is_new & ~same)
    gone = standing.filter(pl.col("source") == source).join(arriving, on=key, how="anti", nulls_equal=True)
    _insert(model, new.select(fields.values()), source)
    _update(model, changed.select("id", *values), source)
    ended = _end(model, gone) if complete else 0
    return MasterChange(new.height, changed.height, ended, frame.height - new.height - changed.height)


def _filled(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Text that is missing is empty in the directory; a missing column counts as missing values."""
    columns = []
    for column in table.columns:
        value = pl.col(column.name) if column.name in frame.columns else pl.lit(None, dtype=column.dtype)
        columns.append(value.fill_null("").alias(column.name) if column.kind in _TEXT else value.alias(column.name))
    return frame.select(columns)


def _standing(table: Table, schema: pl.Schema) -> pl.DataFrame:
    names = list(_fields(table).values())
    rows = list(_rows_of(table.name).values_list("id", "source", *names))
    return pl.DataFrame(
        [(str(row[0]), *row[1:]) for row in rows],
        schema={"id": pl.String, "source": pl.String, **{name: schema[name] for name in names}},
        orient="row",
    )


def _insert(model: type[models.Model], frame: pl.DataFrame, source: str) -> None:
    extra = {"source": source} | ({"side": CompanySide.SUPPLIER.value} if model is Company else {})
    model._default_manager.bulk_create(
        [model(id=uuid7(), **extra, **row) for row in frame.iter_rows(named=True)], batch_size=BATCH
    )


def _update(model: type[models.Model], frame: pl.DataFrame, source: str) -> None:
    if frame.is_empty():
        return
    fields = [name for name in frame.columns if name != "id"]
    rows = [model(source=source, **row) for row in frame.iter_rows(named=True)]
    model._default_manager.bulk_update(rows, ["source", *fields], batch_size=500)


def _end(model: type[models.Model], gone: pl.DataFrame) -> int:
    """Companies that others may refer to are switched off; other rows go."""
    if gone.is_empty():
        return 0
    rows = model._default_manager.filter(id__in=gone["id"].to_list())
    return rows.update(active=False) if model is Company else rows.delete()[0]
