"""The way in: read, map and check an extract block by block, until every fault is known, or leave nothing behind."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import polars as pl

from tierwise.lake.checks import Verdict, check_keys, check_rejects, check_rows, known_codes
from tierwise.lake.imports.hashing import fingerprints
from tierwise.lake.imports.outcome import ImportRefused, Options, Prepared
from tierwise.lake.issues import IssueLog, Severity
from tierwise.lake.mapping import Block, Distinct, Mapping
from tierwise.lake.quarantine import FOLLOWS, MOST, PLACE, SetAside, TooManyError, following
from tierwise.lake.readers import BATCH, FILE, ROW, Extract, UnreadableError
from tierwise.lake.report import FileReport, ImportReport, TableReport
from tierwise.lake.schemas import TABLES, Table
from tierwise.lake.spilling import Buckets
from tierwise.lake.staging import BLOCK, Staged, Stamp
from tierwise.lake.transform import Filled, Filling, SqlError

OF_A_UNIT = "belongs to a row that is wrong"
_WORKERS = 2
_GATHERED = 1_000_000  # different rows of a thinned table after which equal ones are merged again


@dataclass(slots=True)
class _Part:
    """What came of one block."""

    block: Block
    index: int
    filled: Filled
    filling: Filling


class Preparation:
    def __init__(self, folder: Path, mapping: Mapping, options: Options, scratch: Path) -> None:
        self.mapping, self.options, self.scratch = mapping, options, scratch
        self.extract, self.log = Extract(folder, scratch), IssueLog()
        self.prints = options.prints or fingerprints(folder, mapping)
        self.blocks = [block for block in mapping.blocks if options.given is None or block.place in options.given]
        self.parts: dict[str, list[_Part]] = {}
        self.staged: dict[str, Staged] = {}
        self.aside: dict[str, SetAside] = {}
        self.unfilled: set[str] = set()
        self.codes: dict[str, pl.Series] = {}
        self.done = 0
        self.expected = 1

    def run(self) -> Prepared:
        self.options.progress("reading", 0.0)
        self.expected = sum(self._rows_about(block) for block in self.blocks) or 1
        try:
            for name in TABLES:  # masters first: what facts refer to is known when they are read
                for index, block in enumerate(self.blocks):
                    if block.table.name == name:
                        self._fill(index, block)
                if name in self.staged:
                    self._close(self.staged[name])
            self._compare_tables()
        except TooManyError:
            self.log.refuse("", f"more than {MOST:,} rows would go into quarantine",
                            "so many faults point to the mapping: see what the listed ones have in common")  # fmt: skip
        report = self._report()
        if report.refused:
            raise ImportRefused(report)
        self.options.progress("checked", 1.0)
        # Of a table with rows set aside nothing is missing for certain, nor of one that only some rows were given of.
        full = self.mapping.complete if self.options.given is None else ()
        complete = frozenset(name for name in full if not self._has_aside(name))
        return Prepared(
            self.mapping.source, self.staged, complete, self.prints, report, self._cells(), self.options.at,
            self.scratch,
        )  # fmt: skip

    def _rows_about(self, block: Block) -> int:
        given = (self.options.given or {}).get(block.place)
        if given is not None:
            return given.height
        try:
            return self.extract.rows_about(self.mapping.files[block.file])
        except UnreadableError:
            return 0

    def _fill(self, index: int, block: Block) -> None:
        """One block, from its files to staged rows; where that cannot be done at all the log says why."""
        name = block.table.name
        self.codes = known_codes(self.options.known_codes, self._masters(block.table), self.unfilled)
        try:
            given = (self.options.given or {}).get(block.place)
            filling = Filling(block, self.mapping.files, self.extract, given)
            part = _Part(block, index, Filled(pl.DataFrame()), filling)
            self._stream(part)
            self.parts.setdefault(name, []).append(part)
        except UnreadableError as error:
            self.unfilled.add(name)
            self.log.refuse(error.file, error.why, error.remedy, table=name)
        except SqlError as error:
            self.unfilled.add(name)
            path = self.mapping.files[block.file].path
            self.log.refuse(path, error.why, error.remedy, table=name, column=error.place)

    def _masters(self, table: Table) -> dict[str, pl.DataFrame]:
        wanted = {column.refers_to for column in table.columns if column.refers_to}
        return {name: self.staged[name].frame() for name in wanted if name in self.staged}

    def _stream(self, part: _Part) -> None:
        """Batches are filled side by side and taken in their order."""
        block, filling = part.block, part.filling
        gathered: list[pl.DataFrame] = []
        groups = {mapped.number_within for mapped in filling.numbers}
        buckets = Buckets(self.scratch / f"numbered-{part.index}", groups.pop() if len(groups) == 1 else ())
        direct = block.distinct is Distinct.NO and not filling.numbers
        for filled, verdict in _side_by_side(filling.texts(), self._worker(part, direct)):
            part.filled.add(filled)
            self.done += filled.read
            self.options.progress(block.table.name, min(0.9 * self.done / self.expected, 0.9))
            self.log.take(filled.found)
            rows = self._sound(block.table, _placed(filled.rows, part.index), filled.bad, part.index)
            if direct:
                self._take(part, rows, verdict)
            elif filling.numbers and block.distinct is Distinct.NO:
                buckets.take(rows)
            else:
                gathered.append(filling.gathered(rows.drop(BLOCK)))
                if sum(map(len, gathered)) > _GATHERED and len(gathered) > 1:
                    gathered = [filling.gathered(pl.concat(gathered))]
        if gathered:
            thin = filling.numbered(filling.thinned(pl.concat(gathered), part.filled))
            self._check_and_take(part, _placed(thin, part.index))
        for rows in buckets.each():
            self._check_and_take(part, filling.numbered(self._whole_units(block, rows)))
        self._stage(block.table)

    def _worker(self, part: _Part, direct: bool) -> Callable[[pl.DataFrame], tuple[Filled, Verdict]]:
        table, codes = part.block.table, self.codes

        def work(texts: pl.DataFrame) -> tuple[Filled, Verdict]:
            filled = part.filling.fill(texts)
            if not direct:
                return filled, Verdict()
            filled.rows = _placed(filled.rows, part.index)
            return filled, check_rows(table, filled.rows, codes)

        return work

    def _check_and_take(self, part: _Part, rows: pl.DataFrame) -> None:
        for slice_ in rows.iter_slices(BATCH):
            self._take(part, slice_, check_rows(part.block.table, slice_, self.codes))

    def _take(self, part: _Part, rows: pl.DataFrame, verdict: Verdict) -> None:
        self.log.take(verdict.found)
        self._stage(part.block.table).take(self._sound(part.block.table, rows, verdict.bad, part.index), part.index)

    def _sound(self, table: Table, rows: pl.DataFrame, bad: list[pl.DataFrame], index: int) -> pl.DataFrame:
        """The rows without fault; the others are set aside. In a strict import they do no harm: it is refused."""
        if not bad or not self.options.quarantine:
            return rows
        return self._aside(table).add(rows, [_placed(one, index) for one in bad])

    def _whole_units(self, block: Block, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that are numbered together go aside together: numbered without the bad one they would be others."""
        if block.table.name not in self.aside or not block.together:
            return rows
        aside = self._aside(block.table)
        found = _of(rows, aside.named(block.together), block.together)
        if not found.height:
            return rows
        return aside.add(rows, [following(found, OF_A_UNIT, ", ".join(block.together))])

    def _stage(self, table: Table) -> Staged:
        if table.name not in self.staged:
            stamp = Stamp(self.mapping.source, self.options.at)
            self.staged[table.name] = Staged(table, self.scratch / table.name, stamp)
        return self.staged[table.name]

    def _aside(self, table: Table) -> SetAside:
        return self.aside.setdefault(table.name, SetAside(table))

    def _has_aside(self, name: str) -> bool:
        return name in self.aside and bool(self.aside[name].count)

    def _close(self, staged: Staged) -> None:
        """What can only be said of a whole table: keys given twice, and units that hold a bad row."""
        name = staged.table.name
        self.options.progress(name, min(0.02 + 0.9 * self.done / self.expected, 0.92))
        staged.finish()
        twins = staged.twins()
        if twins.height:
            self._set_aside(staged, check_keys(staged.table, twins))
        for part in self.parts.get(name, []):
            if part.block.unit and self._has_aside(name):
                named = self._aside(staged.table).named(part.block.unit)
                self._follow(staged, named, part.block.unit, OF_A_UNIT)

    def _compare_tables(self) -> None:
        """Rejects beside receipts, and children beside their parents."""
        self.options.progress("checks", 0.95)
        if "reject" in self.staged and "receipt" in self.staged:
            rejects = self.staged["reject"].scan().collect()
            self._set_aside(self.staged["reject"], check_rejects(rejects, self.staged["receipt"].scan()))
        for parent, child, tie in FOLLOWS:
            if child in self.staged and self._has_aside(parent):
                named = self._aside(TABLES[parent]).named(tie)
                if parent in self.staged:
                    there = self.staged[parent].scan().select(tie)
                    named = named.join(there.unique().collect(engine="streaming"), on=tie, how="anti")
                self._follow(self.staged[child], named, tie, f"its {parent} is in quarantine")

    def _set_aside(self, staged: Staged, verdict: Verdict) -> None:
        self.log.take(verdict.found)
        if not verdict.bad or not self.options.quarantine:
            return
        wrong = pl.concat([one.select(PLACE) for one in verdict.bad]).unique()
        rows = staged.scan().join(wrong.lazy(), on=PLACE, how="semi").collect(engine="streaming")
        self._aside(staged.table).add(rows, verdict.bad)
        staged.drop(wrong)

    def _follow(self, staged: Staged, named: pl.DataFrame, tie: tuple[str, ...], why: str) -> None:
        if not named.height:
            return
        texts = staged.scan().with_columns(pl.col(name).cast(pl.String()) for name in tie)
        found = texts.join(named.lazy(), on=tie, how="semi").collect(engine="streaming")
        if found.height:
            self._aside(staged.table).add(found, [following(found, why, ", ".join(tie))])
            staged.drop(found.select(PLACE))

    def _cells(self) -> pl.DataFrame:
        """The rows set aside with the texts they were made of, read once more from the files."""
        found = [pl.DataFrame(schema=ASIDE)]
        for name, aside in self.aside.items():
            said = aside.frame()
            for part in self.parts.get(name, []):
                mine = said.filter(pl.col(BLOCK) == part.index).drop(BLOCK)
                for batch in part.filling.texts() if mine.height else ():
                    texts = batch.join(mine, on=[FILE, ROW], how="semi", maintain_order="left")
                    cells = part.filling.cells(part.filling.join(texts, Filled(texts)))
                    names = [one for one in cells.columns if one not in {FILE, ROW}]
                    packed = cells.select(FILE, ROW, pl.struct(names).struct.json_encode().alias("cells"))
                    rows = packed.join(mine, on=[FILE, ROW], how="inner", maintain_order="left")
                    rows = rows.rename({FILE: "file", ROW: "row"})
                    told = rows.with_columns(pl.lit(part.block.place).alias("place"), pl.lit(name).alias("table"))
                    found.append(told.select(pl.col(one).cast(dtype) for one, dtype in ASIDE.items()))
        return pl.concat(found)

    def _report(self) -> ImportReport:
        # What was set aside does not stand in the way; a fault that concerns no row does.
        wrong = self.log.of_no_row if self.options.quarantine else self.log.total(Severity.REFUSE)
        return ImportReport(
            self.mapping.name,
            self.mapping.source,
            files=tuple(
                FileReport(name, self.prints.files.get(name, ""), facts.size, facts.rows, facts.blank_rows)
                for name, facts in sorted(self.extract.read.items())
            ),
            tables=tuple(self._table_report(name) for name in TABLES if name in self.parts),
            counts=self.log.counts(),
            issues=self.log.frame().with_columns(pl.col("file").replace(dict(self.options.labels))),
            refused=bool(wrong),
        )

    def _table_report(self, name: str) -> TableReport:
        parts = [part.filled for part in self.parts[name]]
        shifts = {str(block.shift) for block in self.mapping.blocks if block.table.name == name and block.shift}
        total = Filled(pl.DataFrame())
        for one in parts:
            total.add(one)
        return TableReport(
            name,
            read=total.read,
            rows=self.staged[name].height,
            merged=total.merged,
            left_out=total.left_out,
            filled_in=total.filled_in,
            shift="; ".join(sorted(shifts)),
            complete=name in self.mapping.complete,
            quarantined=self.aside[name].places().height if name in self.aside else 0,
        )


ASIDE: dict[str, pl.DataType] = {
    "place": pl.String(),
    "table": pl.String(),
    "file": pl.String(),
    "row": pl.Int64(),
    "key": pl.String(),
    "cells": pl.String(),
    "faults": pl.List(pl.Struct(dict.fromkeys(("column", "value", "why", "remedy"), pl.String))),
}


def _side_by_side(
    batches: Iterator[pl.DataFrame], work: Callable[[pl.DataFrame], tuple[Filled, Verdict]]
) -> Iterator[tuple[Filled, Verdict]]:
    """The results in the order of the batches; few are under way at a time, so memory stays bounded."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[tuple[Filled, Verdict]]] = deque()
        try:
            for batch in batches:
                waiting.append(pool.submit(work, batch))
                if len(waiting) > _WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _placed(rows: pl.DataFrame, index: int) -> pl.DataFrame:
    return rows if BLOCK in rows.columns else rows.with_columns(pl.lit(index, pl.UInt16).alias(BLOCK))


def _of(rows: pl.DataFrame, named: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    texts = rows.with_columns(pl.col(name).cast(pl.String()) for name in columns)
    return texts.join(named, on=columns, how="semi", nulls_equal=False)


def prepare(folder: Path, mapping: Mapping, options: Options | None = None) -> Prepared:
    """Reads, maps and checks an extract, bit by bit: tables may be larger than the memory.

    Raises ``ImportRefused`` with the full report when anything is wrong; with ``quarantine`` only when it is wrong with
    more than single rows. Call ``discard`` on the result when it has been applied.
    """
    options = options or Options()
    scratch = options.scratch or Path(tempfile.gettempdir()) / f"tierwise-{uuid4().hex}"
    try:
        return Preparation(folder, mapping, options, scratch).run()
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
