"""Rows of publications between frames and tables, in bulk.

Row security forbids COPY into a table, so frames go in as one JSON parameter that the server takes apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import numpy as np
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
    Draft,
)
from tierwise.collaboration.publish.refusals import of_draft
from tierwise.kernel.audit import Invalid
from tierwise.kernel.ids import uuid7s
from tierwise.kernel.viewer import Viewer

BATCH = 20_000
PLACE = "place"
OWNER_COLUMNS = ("supplier_id", "segment_id", "publication_id")


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


def invalid(draft: Draft, code: str, message: str, field: str) -> Invalid:
    return of_draft(draft, Invalid(code, message, field=field))


def refuse_if(wrong: pl.DataFrame, drafts: Sequence[Draft], code: str, message: str, field: str) -> None:
    """Refuses the batch when there are wrong rows; the first draft that has one is named."""
    if wrong.height:
        raise invalid(drafts[cast(int, wrong[PLACE].min())], code, message, field)


def stacked(
    name: str, columns: Mapping[str, Any], given: Mapping[int, pl.DataFrame], drafts: Sequence[Draft]
) -> pl.DataFrame:
    """Frames of many drafts as one with the columns as declared and ``place``, the draft's place among the drafts.

    Columns that a frame lacks are null, others of its own are left out.
    """
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for place, frame in given.items():
        alike.setdefault(tuple(frame.schema.items()), []).append(place)
    parts = [pl.DataFrame(schema={PLACE: pl.UInt32, **columns})]
    for places in alike.values():
        try:
            parts.append(_cast(columns, places, given))
        except pl.exceptions.PolarsError:
            # Once more one by one, to name the draft.
            for place in places:
                try:
                    _cast(columns, [place], given)
                except pl.exceptions.PolarsError as error:
                    raise invalid(drafts[place], "types", f"{name}: {error}", name) from error
            raise
    return pl.concat(parts)


def _cast(columns: Mapping[str, Any], places: Sequence[int], given: Mapping[int, pl.DataFrame]) -> pl.DataFrame:
    whole = pl.concat([given[place] for place in places])
    owners = np.repeat(np.array(places, dtype=np.uint32), [given[place].height for place in places])
    absent = [pl.lit(None).alias(name) for name in columns if name not in whole.columns]
    return whole.with_columns(*absent, pl.Series(PLACE, owners)).select(
        PLACE, *(pl.col(name).cast(dtype, strict=True) for name, dtype in columns.items())
    )


def normalised(kind: RowKind, given: Mapping[int, pl.DataFrame], drafts: Sequence[Draft]) -> pl.DataFrame:
    """Frames of many drafts as one: all declared columns, types as declared, ``place`` of the draft, ids of the rows.

    Invalid names the draft and what is wrong in it.
    """
    for place, frame in given.items():
        if unknown := sorted(set(frame.columns) - set(kind.columns)):
            said = f"{kind.name}: no such columns: {', '.join(unknown)}."
            raise invalid(drafts[place], "columns", said, kind.name)
    full = stacked(kind.name, kind.columns, given, drafts)
    for name, field in _fields(kind, kind.columns).items():
        if not field.null and not field.blank:
            said = f"{kind.name}: {name} is empty in some rows."
            refuse_if(full.filter(pl.col(name).is_null()), drafts, "empty", said, name)
        if length := getattr(field, "max_length", None):
            said = f"{kind.name}: {name} takes {length} characters."
            refuse_if(full.filter(pl.col(name).str.len_chars() > length), drafts, "length", said, name)
    endless = full.filter(pl.any_horizontal(~cs.float().is_finite(), False))
    refuse_if(endless, drafts, "finite", f"{kind.name}: a value is not a finite number.", kind.name)
    full = full.with_columns(cs.string().fill_null(""))
    twice = full.filter(full.select(PLACE, *kind.key).is_duplicated())
    refuse_if(twice, drafts, "twice", f"{kind.name}: two rows share {', '.join(kind.key)}.", kind.name)
    return full.with_columns(id=pl.Series([str(each) for each in uuid7s(full.height)], dtype=pl.String))


def _fields(kind: RowKind, names: Iterable[str]) -> dict[str, models.Field[Any, Any]]:
    return {name: cast("models.Field[Any, Any]", kind.model._meta.get_field(name)) for name in names}


def insert(actor: Viewer, kind: RowKind, frame: pl.DataFrame) -> None:
    """Adds a normalised frame to which ``OWNER_COLUMNS`` were joined as text."""
    connection = connections[actor.alias]
    fields = _fields(kind, ("id", *OWNER_COLUMNS, *kind.columns))
    types = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast(LiteralString, field.db_type(connection))))
        for name, field in fields.items()
    ]
    statement = sql.SQL("insert into {} ({}) select {} from json_to_recordset(%s) as r({})").format(
        sql.Identifier(kind.model._meta.db_table),
        sql.SQL(", ").join(sql.Identifier(name) for name in fields),
        sql.SQL(", ").join(sql.Identifier("r", name) for name in fields),
        sql.SQL(", ").join(types),
    )
    with connection.cursor() as cursor:
        for part in frame.select(*fields).iter_slices(BATCH):
            cursor.execute(statement, [part.write_json()])


def read(rows: models.QuerySet[Any], columns: Mapping[str, Any]) -> pl.DataFrame:
    """Rows as a frame, with their ids as text in ``id``."""
    found = [(str(row[0]), *row[1:]) for row in rows.values_list("id", *columns)]
    return pl.DataFrame(found, schema={"id": pl.String, **columns}, orient="row")
