"""From rows of a feed to the files of a batch: filter, map, split, write."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from tierwise.modules.exchange.records.feeds import Feed
from tierwise.modules.exchange.records.mapping import Otherwise, OutColumn, OutMapping
from tierwise.modules.exchange.records.words import Change, Send
from tierwise.wire.tabular import MEDIA_TYPES, Form, render

DIGEST = "_digest"
_UNSAFE = re.compile(r"[^\w.-]+")
_TEXT_FORMS = frozenset({Form.CSV})


class CannotMap(ValueError):
    """A value that the mapping has no answer for; nothing is sent until it has."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a batch before it is kept."""

    name: str
    content: bytes
    rows: int
    media_type: str


def row_key(feed: Feed) -> pl.Expr:
    """The key in one text: parts joined by ``|``, which within a part is written ``\\|``."""
    parts = [
        pl.col(name).cast(pl.String).fill_null("").str.replace_all(r"\\", r"\\").str.replace_all(r"\|", r"\|")
        for name in feed.key
    ]
    return pl.concat_str(parts, separator="|")


def digested(rows: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """The rows in the order of their keys, each with a digest of what it says."""
    texts = rows.select(pl.struct(list(feed.schema)).struct.json_encode()).to_series()
    digests = [hashlib.blake2b(str(text).encode(), digest_size=12).hexdigest() for text in texts]
    return rows.with_columns(pl.Series(DIGEST, digests, pl.String)).sort(*feed.key, nulls_last=True)


def kept(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    return rows.filter(pl.sql_expr(where)) if where else rows


def difference(now: pl.DataFrame, base: pl.DataFrame, feed: Feed, refused: frozenset[tuple[str, str]]) -> pl.DataFrame:
    """Rows that are new, changed or gone against ``base`` [key, _digest], with ``change`` and ``row_key``.

    ``refused`` are (row key, digest) that the receiver turned down and nobody has asked to send again: left out, or
    the same refusal would come back with every batch.
    """
    key = list(feed.key)
    was = base.select(*key, _was=DIGEST)
    both = now.join(was, on=key, how="left", nulls_equal=True)
    moved = both.filter(pl.col("_was").is_null() | (pl.col("_was") != pl.col(DIGEST))).with_columns(
        change=pl.when(pl.col("_was").is_null()).then(pl.lit(Change.NEW.value)).otherwise(pl.lit(Change.CHANGED.value))
    )
    gone = was.join(now, on=key, how="anti", nulls_equal=True).with_columns(
        pl.lit(Change.GONE.value).alias("change"), pl.lit("").alias(DIGEST)
    )
    found = pl.concat([moved.drop("_was"), gone.drop("_was")], how="diagonal")
    found = found.select(*feed.schema, DIGEST, "change").with_columns(row_key=row_key(feed)).sort(*key, nulls_last=True)
    if not refused:
        return found
    turned = pl.DataFrame(sorted(refused), schema={"row_key": pl.String, DIGEST: pl.String}, orient="row")
    return found.join(turned, on=["row_key", DIGEST], how="anti", maintain_order="left")


def everything(now: pl.DataFrame, base: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """All rows, each with what became of it; those that are gone are simply not there."""
    key = list(feed.key)
    both = now.join(base.select(*key, _was=DIGEST), on=key, how="left", nulls_equal=True, maintain_order="left")
    same = pl.col("_was") == pl.col(DIGEST)
    new, changed = pl.lit(Change.NEW.value), pl.lit(Change.CHANGED.value)
    change = pl.when(pl.col("_was").is_null()).then(new).when(same).then(pl.lit("")).otherwise(changed)
    return both.with_columns(change=change, row_key=row_key(feed)).select(*feed.schema, DIGEST, "change", "row_key")


def base_after(
    base: pl.DataFrame, batch: pl.DataFrame, feed: Feed, send: Send, refused: frozenset[str]
) -> pl.DataFrame:
    """What the receiver holds once it has taken a batch but for the rows it refused."""
    key = list(feed.key)
    taken = batch.filter(~pl.col("row_key").is_in(list(refused))) if refused else batch
    standing = taken.filter(pl.col("change") != Change.GONE.value).select(*key, DIGEST)
    untouched = base.join(taken.select(key), on=key, how="anti", nulls_equal=True)
    if send is Send.EVERYTHING:
        # What a full batch does not name is gone, unless it names it and the row was refused.
        untouched = untouched.join(batch.select(key), on=key, how="semi", nulls_equal=True)
    return pl.concat([untouched.select(*key, DIGEST), standing]).sort(*key, nulls_last=True)


def empty_base(feed: Feed) -> pl.DataFrame:
    return pl.DataFrame(schema={name: feed.schema[name] for name in feed.key} | {DIGEST: pl.String})


def write(batch: pl.DataFrame, mapping: OutMapping, number: int, on: date) -> list[Written]:
    """The files of a batch. ``CannotMap`` names column, value and remedy."""
    batch = batch.with_row_index("row", 1).with_columns(pl.col("row").cast(pl.Int64), batch=pl.lit(number, pl.Int64))
    layout = mapping.layout
    files = []
    for part, rows in _parts(batch, mapping):
        name = mapping.name.format(feed=mapping.feed.name, batch=number, part=part, date=f"{on:%Y%m%d}")
        try:
            content = render(mapped(rows, mapping), layout)
        except CannotMap:
            raise
        except ValueError as error:
            raise CannotMap(str(error)) from error
        files.append(Written(name, content, rows.height, MEDIA_TYPES[layout.form]))
    if len({one.name for one in files}) < len(files):
        raise CannotMap("name: two parts would get the same file name; split by a column with plainer values")
    return files


def _parts(batch: pl.DataFrame, mapping: OutMapping) -> Iterator[tuple[str, pl.DataFrame]]:
    if not mapping.split:
        yield "", batch
        return
    named = batch.with_columns([pl.col(name).cast(pl.String).fill_null("") for name in mapping.split])
    for values, rows in sorted(named.group_by(list(mapping.split), maintain_order=True), key=lambda one: one[0]):
        part = _UNSAFE.sub("_", "_".join(str(value) for value in values)) or "none"
        yield part, batch.filter(pl.col("row").is_in(rows["row"].implode()))


def mapped(rows: pl.DataFrame, mapping: OutMapping) -> pl.DataFrame:
    """The rows as they go out."""
    columns = [_column(rows, one, mapping.layout.form).alias(one.name) for one in mapping.columns]
    return pl.DataFrame(columns)


def _column(rows: pl.DataFrame, column: OutColumn, form: Form) -> pl.Series:
    if column.text:
        texts = rows.select(pl.col(name).cast(pl.String).fill_null("") for name in dict.fromkeys(column.reads))
        values = [column.text.format(**row) for row in texts.iter_rows(named=True)]
        return pl.Series(column.name, values, pl.String)
    if not column.source:
        return pl.Series(column.name, [column.constant] * rows.height, pl.String)
    found = _coded(rows[column.source], column) if column.values else rows[column.source]
    found = _numbers(found, column, form)
    if column.dates and found.dtype.is_temporal():
        found = found.dt.strftime(column.dates)
    if column.empty and found.null_count():
        found = _as_text(found).fill_null(column.empty)
    return found


def _coded(found: pl.Series, column: OutColumn) -> pl.Series:
    texts = found.cast(pl.String)
    coded = texts.replace_strict(column.values, default=None, return_dtype=pl.String)
    if column.otherwise is Otherwise.EMPTY:
        return coded
    unknown = texts.filter(coded.is_null() & texts.is_not_null() & (texts != "")).unique().sort()
    if column.otherwise is Otherwise.KEEP or unknown.is_empty():
        return pl.select(pl.coalesce(coded, texts)).to_series()
    some = ", ".join(unknown.head(5).to_list())
    raise CannotMap(f"columns.{column.name}: {some} is not in its code map; add it, or write `otherwise: keep`")


def _numbers(found: pl.Series, column: OutColumn, form: Form) -> pl.Series:
    """Unit, rounding and decimal sign. A comma makes the number a text, which every form can carry."""
    kind = found.dtype
    if not kind.is_numeric():
        return found
    if column.factor != 1.0:
        found = (found.cast(pl.Float64) * column.factor).round(9)
    if column.decimals is not None:
        found = found.cast(pl.Float64).round(column.decimals).cast(pl.Decimal(38, column.decimals))
    elif found.dtype.is_decimal() and form in _TEXT_FORMS:
        return _plain_decimals(found, column.decimal)
    if column.decimal == ",":
        return _as_text(found).str.replace(".", ",", literal=True)
    return found


def _plain_decimals(found: pl.Series, sign: str) -> pl.Series:
    """Decimals without the zeros behind them: 5.0000 is 5."""
    values = [None if v is None else format(v.normalize(), "f").replace(".", sign or ".") for v in found]
    return pl.Series(found.name, values, pl.String)


def _as_text(found: pl.Series) -> pl.Series:
    if found.dtype.is_decimal():
        return pl.Series(found.name, [None if v is None else format(v, "f") for v in found], pl.String)
    return found.cast(pl.String)
