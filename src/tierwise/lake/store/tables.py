"""The store itself: reading a table at a version, and bringing it to the next."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import polars as pl
from deltalake import DeltaTable, write_deltalake

from tierwise.lake.differences import Difference, difference
from tierwise.lake.landing import Commit, Landing, commit, plan
from tierwise.lake.report import Change
from tierwise.lake.schemas import TABLES, Table
from tierwise.lake.staging import INSTANT, Staged, month_of
from tierwise.lake.store.batches import (
    Batch,
    ConcurrentWriteError,
    Landed,
    commit_properties,
    refuse_twins,
    stamped,
    stored_schema,
)
from tierwise.lake.store.files import Files, as_declared, current

STAGING = ".staging"
_DEAD_SECONDS = 24 * 3600  # no writer is at one file for a day
_MISREAD = "[]\\^|%"  # in a path the writer panics on them, or takes them for an escape
KEEPS_LOG = {"delta.enableExpiredLogCleanup": "false"}
"""Delta drops the log's beginning at a checkpoint once it is a month old; manifests name versions for years."""
_STREAM_ABOVE = 200_000  # rows; below it an eager write is several times faster


class LakeStore:
    """Delta tables below a folder or an object-store address."""

    def __init__(self, root: Path | str, storage_options: dict[str, str] | None = None) -> None:
        self.root = str(root).rstrip("/")
        self.local = "://" not in self.root
        misread = sorted(set(self.root) & set(_MISREAD)) if self.local else []
        if misread:
            raise ValueError(f"root: Delta Lake misreads {' '.join(misread)} in {self.root}; choose another folder")
        self.storage_options = storage_options

    def scan(self, table: str, versions: AnyMapping[str, int], as_of: datetime | None = None) -> pl.LazyFrame:
        """Rows current at the manifest's version, or as they were known at an instant.

        A table that the manifest does not name is empty. Columns declared after a table was written are null.
        """
        rows = self._rows(TABLES[table], versions.get(table))
        if as_of is None:
            return current(rows)
        if as_of.tzinfo is None:
            raise ValueError("as_of: has no time zone; give an aware datetime")
        then = pl.lit(as_of).cast(INSTANT)
        return rows.filter(pl.col("known_from") <= then, pl.col("known_to").is_null() | (pl.col("known_to") > then))

    def files(self, table: str, versions: AnyMapping[str, int]) -> Files:
        """The files at the manifest's version, so that those that hold nothing of what is wanted are not read."""
        version = versions.get(table)
        if version is None:
            nothing = pl.LazyFrame(schema=stored_schema(TABLES[table]))
            return Files(pl.DataFrame(schema={"path": pl.String}), lambda _: nothing)
        delta = self.open(table, version)

        def scan(paths: Sequence[str]) -> pl.LazyFrame:
            return current(as_declared(TABLES[table], self._parquet(delta, table, paths)))

        return Files(pl.DataFrame(delta.get_add_actions(flatten=True)).sort("path"), scan)

    def history(self, table: str, versions: AnyMapping[str, int]) -> pl.LazyFrame:
        """Every row that was ever known at the manifest's version, current or closed."""
        return self._rows(TABLES[table], versions.get(table))

    def open(self, table: str, version: int) -> DeltaTable:
        return DeltaTable(self._uri(table), version=version, storage_options=self.storage_options)

    def apply(self, batch: Batch, versions: AnyMapping[str, int]) -> Change:
        """Brings a table from the manifest's version to the batch, in one commit; none where nothing differs.

        Rows are matched by (source, key). What differs is closed at ``batch.at`` and added anew; with ``complete``,
        what is gone is closed as well. The version in the result is for the next manifest.
        """
        declared = TABLES[batch.table]
        version = versions.get(batch.table)
        refuse_twins(declared, batch)
        with self._lock(batch.table):
            if version is None:
                return self._start(declared, batch)
            found = difference(declared, self._rows(declared, version), stamped(declared, batch), batch)
            if not found.anything:
                return Change(batch.table, version, 0, 0, 0, found.unchanged)
            latest = self._latest(batch.table, version)
            self._commit(declared, batch, version, found)
            reached = self._reached(batch.table, latest + 1)
        return Change(batch.table, reached, found.new, found.changed, found.gone, found.unchanged)

    def land(self, staged: Staged, versions: AnyMapping[str, int], landing: Landed) -> Change:
        """Does what ``apply`` does, for rows laid down by month; memory is bounded by the largest month.

        What the rows do not touch is not read, and a month that did not exist is taken over as it was laid down.
        """
        table, version = staged.table, versions.get(staged.table.name)
        with self._lock(table.name):
            stored = _Stored(self, table, version)
            task = Landing(staged, stored, landing.complete, landing.restamp, landing.tell)
            made = plan(task)
            if not made.anything and version is not None:
                return made.change(table.name, version)
            latest = -1
            if version is not None:
                latest = self._latest(table.name, version)
            elif DeltaTable.is_deltatable(self._uri(table.name), self.storage_options):
                orphan = self._orphan(table)
                latest = int(orphan.version())
                made.removes = list(_files(orphan))
            batch = Batch(table.name, pl.DataFrame(), staged.stamp.source, task.at, import_id=landing.import_id)
            commit(task, made, stored_schema(table), Commit(commit_properties(batch), KEEPS_LOG))
            return made.change(table.name, self._reached(table.name, latest + 1))

    def take_back(self, table: str, version: int | None, import_id: str) -> None:
        """Undoes what an import committed without its manifest having moved, and deletes the files it wrote.

        Does nothing where the table's last commit is not that import's. ``version`` is the manifest's, None where it
        names the table not at all.
        """
        uri = self._uri(table)
        if not DeltaTable.is_deltatable(uri, self.storage_options):
            return
        with self._lock(table):
            delta = DeltaTable(uri, storage_options=self.storage_options)
            if not import_id or delta.history(1)[0].get("tierwise_import") != import_id:
                return
            written = {name for _, name, _ in _files(delta)}
            if version is None:
                if self.local:
                    shutil.rmtree(uri, ignore_errors=True)
                return
            delta.restore(version)
            written -= {name for _, name, _ in _files(self.open(table, version))}
            for name in written if self.local else ():
                (Path(uri) / name).unlink(missing_ok=True)

    def scratch(self, name: str, otherwise: Path) -> Path:
        """Where rows wait for their commit: beside the tables, so that they need not be copied into them."""
        return Path(self.root) / STAGING / name if self.local else otherwise / STAGING / name

    def sweep(
        self, table: str, keep: Collection[int], retention_hours: int = 168, *, dry_run: bool = False
    ) -> list[str]:  # fmt: skip
        """Deletes files that neither a kept version nor a writer of the last hours can need; returns their names.

        ``keep`` lists every version that the manifest or a signed result names. Fewer than 168 hours endanger a
        writer that is still at work.
        """
        if not DeltaTable.is_deltatable(self._uri(table), self.storage_options):
            return []
        with self._lock(table):
            delta = DeltaTable(self._uri(table), storage_options=self.storage_options)
            swept = delta.vacuum(
                retention_hours,
                dry_run=dry_run,
                enforce_retention_duration=False,
                full=True,
                keep_versions=sorted(keep),
            )
            return swept if dry_run else swept + self._sweep_temporaries(table)

    def _sweep_temporaries(self, table: str) -> list[str]:
        """No vacuum lists what a killed writer was at."""
        folder = Path(self._uri(table))
        dead = [path for path in self.unfinished(time.time() - _DEAD_SECONDS) if path.is_relative_to(folder)]
        for path in dead:
            path.unlink(missing_ok=True)
        return [path.relative_to(folder).as_posix() for path in dead]

    def abandoned(self) -> list[Path]:
        """Folders of rows that imports had laid down when they were killed: nobody wrote there for a day."""
        folder = Path(self.root) / STAGING
        if not self.local or not folder.is_dir():
            return []
        return sorted(one for one in folder.iterdir() if all(map(_untouched, (one, *one.rglob("*")))))

    def configure(self, table: str, version: int, properties: dict[str, str]) -> int:
        """Sets table properties on top of a version; returns the version that has them, which may be the given one."""
        with self._lock(table):
            if properties.items() <= self.open(table, version).metadata().configuration.items():
                return version
            latest = self._latest(table, version)
            delta = DeltaTable(self._uri(table), storage_options=self.storage_options)
            if properties.items() <= delta.metadata().configuration.items():
                return latest
            delta.alter.set_table_properties(properties)
            return self._reached(table, latest + 1)

    def lay_by_month(self, table: str, version: int) -> int:
        """Lays the rows of a version by the month of their date, as the table is declared by now; the version then."""
        declared = TABLES[table]
        with self._lock(table):
            if self.open(table, version).metadata().partition_columns:
                return version
            latest = self._latest(table, version)
            rows = self._rows(declared, version).with_columns(month_of(declared))
            options: dict[str, Any] = {"partition_by": ["month"], "schema_mode": "overwrite"}
            rows.sink_delta(
                self._uri(table), mode="overwrite", storage_options=self.storage_options, delta_write_options=options
            )
            return self._reached(table, latest + 1)

    def unfinished(self, before: float) -> list[Path]:
        """Files that writers left half-written before an instant, which no sweep lists: a name with ``#`` in it."""
        if not self.local:
            return []
        found = (path for path in Path(self.root).glob("*/**/*#*") if path.is_file())
        return sorted(path for path in found if path.stat().st_mtime < before)

    def _start(self, table: Table, batch: Batch) -> Change:
        """The first rows, written as they stream by; whatever an unnamed commit left there is replaced."""
        before = -1
        if DeltaTable.is_deltatable(self._uri(table.name), self.storage_options):
            before = DeltaTable(self._uri(table.name), storage_options=self.storage_options).version()
        rows = stamped(table, batch)
        self._sink(table, batch, rows, mode="overwrite")
        version = self._reached(table.name, before + 1)
        written = self._rows(table, version).select(pl.len()).collect().item()
        return Change(table.name, version, written, 0, 0, 0)

    def _orphan(self, table: Table) -> DeltaTable:
        """What an unnamed commit left, laid out as the table is declared."""
        found = DeltaTable(self._uri(table.name), storage_options=self.storage_options)
        if bool(found.metadata().partition_columns) == table.partitioned:
            return found
        nothing = pl.DataFrame(schema=stored_schema(table))
        write_deltalake(
            found, nothing, mode="overwrite", schema_mode="overwrite",
            partition_by=["month"] if table.partitioned else None, storage_options=self.storage_options,
        )  # fmt: skip
        return DeltaTable(self._uri(table.name), storage_options=self.storage_options)

    def _latest(self, table: str, version: int) -> int:
        """The log's last version, which after this holds exactly the named version's rows."""
        newest = DeltaTable(self._uri(table), storage_options=self.storage_options)
        if newest.version() != version:
            newest.restore(version)
        return int(newest.version())

    def _reached(self, table: str, expected: int) -> int:
        version = int(DeltaTable(self._uri(table), storage_options=self.storage_options).version())
        if version != expected:
            raise ConcurrentWriteError(f"{table}: expected version {expected}, found {version}")
        return version

    def _commit(self, table: Table, batch: Batch, version: int, found: Difference) -> None:
        if not found.closed.height:
            self._sink(table, batch, found.fresh.lazy(), mode="append")
            return
        kept = self._rows(table, version)
        predicate = ""
        if table.partitioned:
            months = sorted({*found.closed["month"].to_list(), *found.fresh["month"].to_list()})
            kept = kept.filter(pl.col("month").is_in(months))
            predicate = "month in (" + ", ".join(f"'{month}'" for month in months) + ")"
        on = [*table.key, "source"]
        closing = found.closed.lazy().select(*on, pl.lit(value=True).alias("__closing"))
        ends = pl.when(pl.col("known_to").is_null() & pl.col("__closing")).then(pl.lit(batch.at).cast(INSTANT))
        kept = kept.join(closing, on=on, how="left", nulls_equal=True)
        kept = kept.with_columns(ends.otherwise(pl.col("known_to")).alias("known_to")).drop("__closing")
        rows = pl.concat([kept, found.fresh.lazy()])
        self._sink(table, batch, rows, mode="overwrite", predicate=predicate)

    def _sink(
        self,
        table: Table,
        batch: Batch,
        rows: pl.LazyFrame,
        *,
        mode: Literal["append", "overwrite"],
        predicate: str = "",
    ) -> None:
        uri = self._uri(table.name)
        if self.local:
            Path(uri).mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {
            "partition_by": ["month"] if table.partitioned else None,
            "commit_properties": commit_properties(batch),
            "schema_mode": "overwrite" if mode == "overwrite" and not predicate else "merge",
        }
        if predicate:
            options["predicate"] = predicate
        if not DeltaTable.is_deltatable(uri, self.storage_options):
            options["configuration"] = KEEPS_LOG
        if _few(rows):
            write_deltalake(uri, rows.collect(), mode=mode, storage_options=self.storage_options, **options)
        else:
            rows.sink_delta(uri, mode=mode, storage_options=self.storage_options, delta_write_options=options)

    def _rows(self, table: Table, version: int | None) -> pl.LazyFrame:
        if version is None:
            return pl.LazyFrame(schema=stored_schema(table))
        return as_declared(table, self._scan(table, version))

    def _scan(self, table: Table, version: int) -> pl.LazyFrame:
        """``scan_delta`` asks for the percent-encoded names of files, which a local folder does not know."""
        delta = self.open(table.name, version)
        folder = Path(self.root).resolve() / table.name
        if not self.local or quote(str(folder)) == str(folder):
            return pl.scan_delta(delta)
        return self._parquet(delta, table.name, pl.DataFrame(delta.get_add_actions())["path"].to_list())

    def _parquet(self, delta: DeltaTable, table: str, paths: Sequence[str]) -> pl.LazyFrame:
        """Rows of some files of a table."""
        schema = stored_schema(TABLES[table])
        if not paths:
            return pl.LazyFrame(schema=schema)
        folder = str(Path(self.root).resolve() / table) if self.local else self._uri(table)
        month = {"month": pl.String()} if delta.metadata().partition_columns else None
        stored = {name: dtype for name, dtype in schema.items() if not (month and name == "month")}
        return pl.scan_parquet(
            [f"{folder}/{path}" for path in paths], glob=False, schema=stored, hive_partitioning=month is not None,
            hive_schema=month, missing_columns="insert", extra_columns="ignore", storage_options=self.storage_options,
        )  # fmt: skip

    def _uri(self, table: str) -> str:
        return f"{self.root}/{table}"

    @contextmanager
    def _lock(self, table: str) -> Iterator[None]:
        if not self.local:
            yield
            return
        Path(self.root).mkdir(parents=True, exist_ok=True)
        with (Path(self.root) / f".{table}.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True, slots=True)
class _Stored:
    """A table at a version, month by month."""

    store: LakeStore
    table: Table
    version: int | None

    @property
    def uri(self) -> str:
        return self.store._uri(self.table.name)

    @property
    def storage_options(self) -> dict[str, str] | None:
        return self.store.storage_options

    def month(self, month: str) -> pl.LazyFrame:
        rows = self.store._rows(self.table, self.version)
        return rows.filter(pl.col("month") == month) if self.table.partitioned else rows

    def files(self) -> dict[str, list[tuple[str, int]]]:
        if self.version is None:
            return {}
        found: dict[str, list[tuple[str, int]]] = {}
        for month, name, size in _files(self.store.open(self.table.name, self.version)):
            found.setdefault(month, []).append((name, size))
        return found


def _files(delta: DeltaTable) -> Iterator[tuple[str, str, int]]:
    """Month, path and size of every file."""
    adds = pl.DataFrame(delta.get_add_actions(flatten=True))
    months = adds["partition.month"].to_list() if "partition.month" in adds.columns else [""] * adds.height
    yield from zip(months, adds["path"].to_list(), adds["size_bytes"].to_list(), strict=True)


def _untouched(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _DEAD_SECONDS
    except FileNotFoundError:
        return True


def _few(rows: pl.LazyFrame) -> bool:
    return int(rows.select(pl.len()).collect().item()) <= _STREAM_ABOVE
