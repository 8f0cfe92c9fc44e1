"""Brings a table to rows that were laid down by month: files nothing stands against are taken as they are, months in
which something ends are written anew, and one commit names them all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from tierwise.lake.report import Change
from tierwise.lake.schemas import Table
from tierwise.lake.staging import (
    INSTANT,
    KEY_HASH,
    Part,
    Staged,
    Stamp,
    key_hash,
    scan_part,
    write_rows,
)

Tell = Callable[[str, float], None]
_SMALL, _MANY = 100_000, 4  # a month in more files than _MANY, of fewer rows than _SMALL on average, is put into one


class Stored(Protocol):
    """What landing needs of the table as it stands."""

    @property
    def uri(self) -> str: ...
    @property
    def storage_options(self) -> dict[str, str] | None: ...
    def month(self, month: str) -> pl.LazyFrame: ...
    def files(self) -> dict[str, list[tuple[str, int]]]: ...


@dataclass(frozen=True, slots=True)
class Landing:
    """``complete`` closes what is not among the rows; ``restamp`` gives them a later instant than they were laid down
    with, because the table moved in between."""

    staged: Staged
    stored: Stored
    complete: bool = False
    restamp: datetime | None = None
    tell: Tell = lambda _what, _share: None

    @property
    def at(self) -> datetime:
        return self.restamp or self.staged.stamp.at


@dataclass(slots=True)
class Plan:
    """Files to add and to remove, by month, and what that comes to."""

    adds: list[tuple[str, Path, int]] = field(default_factory=list)
    removes: list[tuple[str, str, int]] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    closed: int = 0
    unchanged: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.adds or self.removes)

    def change(self, table: str, version: int) -> Change:
        return Change(table, version, self.new, self.changed, self.closed, self.unchanged)


def plan(landing: Landing) -> Plan:
    """Compares month by month; at any time only one month of either side is held.

    Raises ``ValueError`` if a row to be closed became known no earlier than the new ones.
    """
    result, there = Plan(), landing.stored.files()
    incoming = landing.staged.months()
    moved = _moved(landing, list(there))
    touched = sorted({*incoming, *moved, *(there if landing.complete else ())})
    for number, month in enumerate(touched):
        landing.tell(landing.staged.table.name, number / max(len(touched), 1))
        parts = incoming.get(month, [])
        if month in there:
            _compare(landing, result, _Month(month, parts, there[month], moved))
        else:
            new_keys = sum(part.rows for part in parts)
            came = _arrivals(parts, moved)
            result.new, result.changed = result.new + new_keys - came, result.changed + came
            result.adds += [(month, path, rows) for path, rows in _as_they_are(landing, parts)]
    return result


@dataclass(frozen=True, slots=True)
class _Month:
    name: str
    parts: list[Part]
    files: list[tuple[str, int]]
    moved: dict[str, pl.DataFrame]


def _compare(landing: Landing, result: Plan, month: _Month) -> None:
    table, source = landing.staged.table, landing.staged.stamp.source
    stored = landing.stored.month(month.name).collect()
    current = (pl.col("source") == source) & pl.col("known_to").is_null()
    old = stored.filter(current)
    rows = _rows(table, month.parts)
    key, values = list(table.key), [name for name in table.schema if name not in table.key]
    before = old.select(
        *key, *(pl.col(name).alias(f"{name}__old") for name in values), pl.lit(value=True).alias("__there")
    )
    both = rows.join(before, on=key, how="left", nulls_equal=True, maintain_order="left")
    there = both["__there"].is_not_null()
    differs = pl.any_horizontal(
        pl.lit(value=False), *(pl.col(name).ne_missing(pl.col(f"{name}__old")) for name in values)
    )
    changed = there & both.select(differs).to_series()
    fresh = rows.filter(~there | changed)
    leaving = month.moved.get(month.name)
    closing = [rows.filter(changed).select(key)] + ([leaving.select(key)] if leaving is not None else [])
    gone = 0
    if landing.complete:
        lost = old.select(key).join(rows.select(key), on=key, how="anti", nulls_equal=True)
        lost = lost.join(leaving.select(key), on=key, how="anti", nulls_equal=True) if leaving is not None else lost
        closing.append(lost)
        gone = lost.height
    came = _arrivals(month.parts, month.moved) if month.moved else 0
    result.new += int((~there).sum()) - came
    result.changed += int(changed.sum()) + came
    result.closed += gone
    result.unchanged += int((there & ~changed).sum())
    _replace(landing, result, month, _Work(stored, fresh, pl.concat(closing), rows.height))


@dataclass(frozen=True, slots=True)
class _Work:
    stored: pl.DataFrame
    fresh: pl.DataFrame
    closing: pl.DataFrame
    height: int


def _replace(landing: Landing, result: Plan, month: _Month, work: _Work) -> None:
    """Adds what is fresh; where rows end, the month is written anew with their end."""
    stamp = Stamp(landing.staged.stamp.source, landing.at)
    fresh = work.fresh.with_columns(stamp.columns())
    if not work.closing.height:
        if not work.fresh.height:
            return
        if work.fresh.height == work.height:
            result.adds += [(month.name, path, rows) for path, rows in _as_they_are(landing, month.parts)]
            return
        result.adds.append((month.name, _written(landing, fresh), fresh.height))
        return
    key = list(landing.staged.table.key)
    ending = work.closing.with_columns(pl.lit(value=True).alias("__ending"))
    kept = work.stored.join(ending, on=key, how="left", nulls_equal=True, maintain_order="left")
    ends = pl.col("__ending").fill_null(value=False) & pl.col("known_to").is_null()
    ends &= pl.col("source") == landing.staged.stamp.source
    latest = kept.filter(ends)["known_from"].max()
    if isinstance(latest, datetime) and latest >= landing.at:
        raise ValueError(
            f"at: {landing.at} is not after {latest}, when a row to be closed became known; use a later instant"
        )
    closed = pl.when(ends).then(pl.lit(landing.at).cast(INSTANT)).otherwise(pl.col("known_to")).alias("known_to")
    whole = pl.concat([kept.with_columns(closed).drop("__ending", "month", strict=False), fresh], how="diagonal")
    result.adds.append((month.name, _written(landing, whole), whole.height))
    result.removes += [(month.name, path, size) for path, size in month.files]


def _rows(table: Table, parts: list[Part]) -> pl.DataFrame:
    if not parts:
        return pl.DataFrame(schema=table.schema)
    return pl.concat([scan_part(table, part).select(table.schema.keys()) for part in parts]).collect()


def _written(landing: Landing, rows: pl.DataFrame) -> Path:
    path = landing.staged.folder / f"{uuid4().hex}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(rows, path)
    return path


def _as_they_are(landing: Landing, parts: list[Part]) -> Iterator[tuple[Path, int]]:
    rows = sum(part.rows for part in parts)
    scattered = len(parts) > _MANY and rows < _SMALL * len(parts)
    if not landing.restamp and not scattered:
        yield from ((part.path, part.rows) for part in parts)
        return
    stamp = Stamp(landing.staged.stamp.source, landing.at)
    for chunk in [parts] if scattered else [[part] for part in parts]:
        together = _rows(landing.staged.table, chunk).with_columns(stamp.columns())
        yield _written(landing, together), together.height


def _moved(landing: Landing, months: list[str]) -> dict[str, pl.DataFrame]:
    """Current rows, by the month they stand in, whose key the import gives a date in another month: [key, month to].

    Hashes find the candidates, keys decide.
    """
    staged = landing.staged
    incoming = staged.months()
    if not staged.table.partitioned or staged.table.dated_by in staged.table.key or not months or not incoming:
        return {}
    names = list(incoming)
    hashes, where = _incoming_hashes(incoming)
    found: dict[str, pl.DataFrame] = {}
    for month in months:
        source = landing.stored.month(month).filter(
            pl.col("source") == staged.stamp.source, pl.col("known_to").is_null()
        )
        old = source.select(*staged.table.key).with_columns(key_hash(staged.table)).collect()
        at = np.searchsorted(hashes, old[KEY_HASH].to_numpy())
        at[at == len(hashes)] = 0
        same = hashes[at] == old[KEY_HASH].to_numpy()
        here = names.index(month) if month in incoming else -1
        elsewhere = pl.Series(same & (where[at] != here))
        if elsewhere.any():
            found[month] = old.filter(elsewhere)
    return _confirmed(landing, found)


def _incoming_hashes(incoming: dict[str, list[Part]]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int16]]:
    hashes, where = [], []
    for number, parts in enumerate(incoming.values()):
        for part in parts:
            one = pl.read_parquet(part.origin, columns=[KEY_HASH])[KEY_HASH].to_numpy()
            hashes.append(one)
            where.append(np.full(len(one), number, np.int16))
    together, months = np.concatenate(hashes), np.concatenate(where)
    order = np.argsort(together, kind="stable")
    return together[order], months[order]


def _confirmed(landing: Landing, found: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    if not found:
        return {}
    key = list(landing.staged.table.key)
    hashes = pl.concat([one[KEY_HASH] for one in found.values()]).unique()
    incoming = []
    for month, parts in landing.staged.months().items():
        for part in parts:
            rows = scan_part(landing.staged.table, part).filter(pl.col(KEY_HASH).is_in(hashes.implode()))
            incoming.append(rows.select(*key, pl.lit(month).alias("to")).collect())
    coming = pl.concat(incoming)
    sure = {}
    for month, one in found.items():
        moved = one.select(key).join(coming, on=key, how="inner", nulls_equal=True).filter(pl.col("to") != month)
        if moved.height:
            sure[month] = moved
    return sure


def _arrivals(parts: list[Part], moved: dict[str, pl.DataFrame]) -> int:
    """Rows of a month that stood in another one before: changed, not new."""
    if not parts:
        return 0
    month = parts[0].month
    return sum(one.filter(pl.col("to") == month).height for one in moved.values())


@dataclass(frozen=True, slots=True)
class Commit:
    """What is written with a commit, and how a new table is set up."""

    properties: CommitProperties
    configuration: dict[str, str]


def commit(landing: Landing, made: Plan, schema: dict[str, pl.DataType], how: Commit) -> None:
    """Puts the files beside the table's and names them in one commit. What fails leaves none of them behind."""
    table, stored = landing.staged.table, landing.stored
    put: list[str] = []
    columns = Schema.from_arrow(pl.Schema(schema))
    by = ["month"] if table.partitioned else []
    try:
        adds = []
        for month, path, rows in made.adds:
            name = f"month={month}/{path.name}" if by else path.name
            size = path.stat().st_size
            _put(path, f"{stored.uri}/{name}", stored.storage_options)
            put.append(name)
            values = {"month": month} if by else {}
            adds.append(AddAction(name, size, values, _millis(landing.at), True, json.dumps({"numRecords": rows})))
        if not DeltaTable.is_deltatable(stored.uri, stored.storage_options):
            create_table_with_add_actions(
                stored.uri, columns, adds, "error", by, configuration=dict(how.configuration),
                storage_options=stored.storage_options, commit_properties=how.properties,
            )  # fmt: skip
            return
        delta = DeltaTable(stored.uri, storage_options=stored.storage_options)
        removes = [
            RemoveAction(name, True, _millis(landing.at), size, {"month": month} if by else {})
            for month, name, size in made.removes
        ]
        delta.create_write_transaction(
            [*adds, *removes], "append", columns, partition_by=by, commit_properties=how.properties
        )
    except BaseException:
        for name in put:
            _remove(f"{stored.uri}/{name}")
        raise


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _put(path: Path, target: str, storage_options: dict[str, str] | None) -> None:
    if "://" in target:
        pl.scan_parquet(path, glob=False).sink_parquet(target, storage_options=storage_options)
        return
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)


def _remove(target: str) -> None:
    if "://" not in target:  # in an object store the sweep finds it
        Path(target).unlink(missing_ok=True)
