"""Rows of publications between frames and tables, in bulk.

Row security forbids COPY into a table, so frames go in as one JSON parameter that the server takes apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, cast
from uuid import UUID

import polars as pl
import polars.selectors as cs
from django.db import connections, models
from psycopg import sql

from tierwise.collaboration.publish.models import Published, PublishedLine, PublishedMeasure, PublishedSeries
from tierwise.collaboration.publish.records import (
    LINE_COLUMNS,
    LINE_KEY,
    MEASURE_COLUMNS,
    MEASURE_KEY,
    SERIES_COLUMNS,
    SERIES_KEY,
)
from tierwise.kernel.audit import Invalid
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import Viewer

BATCH = 20_000


@dataclass(frozen=True, slots=True)
class RowKind:
    """One sort of row: its table, its columns in the order the digest takes them, and what tells two rows apart."""

    name: str
    model: type[Published]
    columns: Mapping[str, Any]
    key: Sequence[str]


SERIES = RowKind("series", PublishedSeries, SERIES_COLUMNS, SERIES_KEY)
MEASURES = RowKind("measures", PublishedMeasure, MEASURE_COLUMNS, MEASURE_KEY)
LINES = RowKind("lines", PublishedLine, LINE_COLUMNS, LINE_KEY)
ROW_KINDS = (SERIES, MEASURES, LINES)


def normalised(frame: pl.DataFrame, kind: RowKind) -> pl.DataFrame:
    """The frame with all declared columns, types as declared and an id for each row. Invalid names what is wrong."""
    if unknown := sorted(set(frame.columns) - set(kind.columns)):
        raise Invalid("columns", f"{kind.name}: no such columns: {', '.join(unknown)}.", field=kind.name)
    absent = [pl.lit(None).alias(name) for name in kind.columns if name not in frame.columns]
    try:
        full = frame.with_columns(absent).select(
            pl.col(name).cast(dtype, strict=True) for name, dtype in kind.columns.items()
        )
    except pl.exceptions.PolarsError as error:
        raise Invalid("types", f"{kind.name}: {error}", field=kind.name) from error
    fields = _fields(kind, kind.columns)
    for name, field in fields.items():
        if not field.null and not field.blank and full[name].null_count():
            raise Invalid("empty", f"{kind.name}: {name} is empty in some rows.", field=name)
        length = getattr(field, "max_length", None)
        if length and cast(int, full[name].str.len_chars().max() or 0) > length:
            raise Invalid("length", f"{kind.name}: {name} takes {length} characters.", field=name)
    if full.filter(pl.any_horizontal(~cs.float().is_finite(), False)).height:
        raise Invalid("finite", f"{kind.name}: a value is not a finite number.", field=kind.name)
    full = full.with_columns(cs.string().fill_null(""))
    if full.select(kind.key).is_duplicated().any():
        raise Invalid("twice", f"{kind.name}: two rows share {', '.join(kind.key)}.", field=kind.name)
    return full.with_columns(id=pl.Series([str(uuid7()) for _ in range(full.height)], dtype=pl.String))


def _fields(kind: RowKind, names: Iterable[str]) -> dict[str, models.Field[Any, Any]]:
    return {name: cast("models.Field[Any, Any]", kind.model._meta.get_field(name)) for name in names}


def insert(actor: Viewer, kind: RowKind, frame: pl.DataFrame, owner: Mapping[str, UUID]) -> None:
    """Adds a normalised frame; ``owner`` gives supplier_id, segment_id and publication_id of every row."""
    connection = connections[actor.alias]
    fields = _fields(kind, ("id", *kind.columns))
    names = [sql.Identifier(name) for name in fields]
    types = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast(LiteralString, field.db_type(connection))))
        for name, field in fields.items()
    ]
    statement = sql.SQL("insert into {} ({}, {}) select {}, {} from json_to_recordset(%s) as r({})").format(
        sql.Identifier(kind.model._meta.db_table),
        sql.SQL(", ").join(sql.Identifier(column) for column in owner),
        sql.SQL(", ").join(names),
        sql.SQL(", ").join(sql.Literal(str(value)) + sql.SQL("::uuid") for value in owner.values()),
        sql.SQL(", ").join(sql.SQL("r.") + sql.Identifier(name) for name in fields),
        sql.SQL(", ").join(types),
    )
    with connection.cursor() as cursor:
        for part in frame.iter_slices(BATCH):
            cursor.execute(statement, [part.write_json()])


def read(rows: models.QuerySet[Any], columns: Mapping[str, Any]) -> pl.DataFrame:
    """Rows as a frame, with their ids as text in ``id``."""
    found = [(str(row[0]), *row[1:]) for row in rows.values_list("id", *columns)]
    return pl.DataFrame(found, schema={"id": pl.String, **columns}, orient="row")
