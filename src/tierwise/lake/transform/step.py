"""The work on one batch: join, parse, derive, filter, value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from tierwise.lake.issues import Finding, Found, Severity, one_issue
from tierwise.lake.mapping import Block, ColumnMapping, Distinct, Filter, Join, JoinHow
from tierwise.lake.parsing import read_values
from tierwise.lake.readers import FILE, ROW, UnreadableError
from tierwise.lake.schemas import Column, Kind
from tierwise.lake.transform.filled import Filled
from tierwise.lake.transform.joins import alias_of_join, on_names
from tierwise.lake.transform.sql import sql_of
from tierwise.lake.transform.values import as_text, constant, fits, raw_values

if TYPE_CHECKING:
    from tierwise.lake.transform.filling import Filling

SHOWN = 120  # characters of a value in the listing
_SPOILT = "__spoilt"


class Step:
    """The work on one batch."""

    def __init__(self, filling: Filling, filled: Filled) -> None:
        self.filling, self.block, self.filled = filling, filling.block, filled
        self.file = filling.files[filling.block.file].path

    def run(self, frame: pl.DataFrame) -> Filled:
        frame = self._parsed(frame)
        for name, sql in self.block.derive.items():
            frame = frame.with_columns(sql_of(frame, f"derive.{name}", sql).alias(name))
        for one in self.block.where:
            frame = self._kept(frame, one)
        values = [
            self._value(frame, column, _without_late_default(mapped, self.block))
            for column in self.block.table.columns
            if not ((mapped := self.block.columns.get(column.name)) and mapped.number_within)
        ]
        self.filled.rows = frame.select(FILE, ROW).with_columns(values)
        return self.filled

    def join(self, frame: pl.DataFrame, join: Join, right: pl.DataFrame, again: pl.DataFrame) -> pl.DataFrame:
        alias, right_keys, before = alias_of_join(join), on_names(join), frame.height
        if again.height:
            self._tell_ambiguous(frame, again, join)
        frame = frame.join(right, left_on=list(join.on), right_on=right_keys, how="left", maintain_order="left")
        alone = frame[ROW + alias].is_null()
        count = int(alone.sum())
        if count and join.how is JoinHow.INNER:
            frame = frame.filter(~alone)
            self._leave_out(f"no match in {join.file}", before - frame.height)
        elif count:
            self._fill_in(f"no match in {join.file}", count)
        return frame

    def _tell_ambiguous(self, left: pl.DataFrame, right: pl.DataFrame, join: Join) -> None:
        alias, keys = alias_of_join(join), on_names(join)
        again = right.join(left, left_on=keys, right_on=list(join.on), how="semi")
        if again.height:
            issues = again.select(
                pl.col(FILE + alias).alias("file"),
                pl.col(ROW + alias).alias("row"),
                pl.lit(self.block.table.name).alias("table"),
                pl.lit(", ".join(join.on.values())).alias("column"),
                pl.concat_str(keys, separator=", ").alias("value"),
                pl.lit("several rows match one row in the join").alias("why"),
                pl.lit("join on more columns, or leave one row per key in the file").alias("remedy"),
            )
            self.filled.found.append(Found(Severity.REFUSE, issues, once=True))
            touched = left.join(right, left_on=list(join.on), right_on=keys, how="semi")
            self._spoil(touched, ", ".join(join.on), "several rows match it in the join", pl.lit(None, pl.String()))

    def _spoil(self, rows: pl.DataFrame, column: str, why: str, value: pl.Expr) -> None:
        remedy = pl.lit("").alias("remedy")
        self.filled.bad.append(
            rows.select(
                FILE, ROW, pl.lit(column).alias("column"), value.alias("value"), pl.lit(why).alias("why"), remedy
            )
        )

    def _parsed(self, frame: pl.DataFrame) -> pl.DataFrame:
        for one in self.block.parse:
            values, findings = read_values(frame[one.column], one.kind, one.rule)
            self._report(frame, one.column, one.column, findings)
            frame = frame.with_columns(values.alias(one.column))
        return frame

    def _spoilt(self, frame: pl.DataFrame) -> pl.Series:
        bad = pl.concat([one.select(FILE, ROW) for one in self.filled.bad]).unique()
        marked = bad.with_columns(pl.lit(value=True).alias(_SPOILT))
        joined = frame.select(FILE, ROW).join(marked, on=[FILE, ROW], how="left", maintain_order="left")
        return joined[_SPOILT].fill_null(value=False)

    def _kept(self, frame: pl.DataFrame, condition: Filter) -> pl.DataFrame:
        keep = frame.with_columns(sql_of(frame, condition.place, condition.sql).alias("__keep"))["__keep"]
        if keep.dtype != pl.Boolean:
            why = "the filter is no condition"
            raise UnreadableError(self.file, why, f"let {condition.place} compare something")
        # A condition that is neither true nor false does not hold, as in SQL; but a row with a cell that could not be
        # read is not left out for what the condition makes of the gap.
        kept = frame.filter(keep | self._spoilt(frame) if self.filled.bad else keep)
        self._leave_out(condition.why, frame.height - kept.height)
        return kept

    def _value(self, frame: pl.DataFrame, column: Column, mapped: ColumnMapping | None) -> pl.Series:
        if mapped is None:
            return constant(column, column.default, frame.height)
        if mapped.constant:
            return self._checked_constant(column, mapped, frame.height)
        raw = raw_values(frame, mapped)
        if fits(raw.dtype, column) and not mapped.rule.values:
            values = raw.cast(column.dtype, strict=False)
            findings = [Finding(raw.is_not_null() & values.is_null(), f"is not a {column.kind.value}", "check the SQL")]
            if mapped.rule.default is not None:
                values = values.zip_with(values.is_not_null(), constant(column, mapped.rule.default, frame.height))
        else:
            raw = raw if raw.dtype == pl.String() else as_text(raw)
            values, findings = read_values(raw, column.kind, mapped.rule)
        shown = frame.with_columns(raw.cast(pl.String()).alias("__value"))
        self._report(shown, "__value", column.name, findings, mapped.source)
        if mapped.rule.default is not None and raw.has_nulls():
            self._fill_in(f"{column.name} = {mapped.rule.default}", raw.null_count())
        if column.kind is Kind.DATE and mapped.shift and self.block.shift:
            values = self.block.shift.apply(values)
        if column.default is not None and values.has_nulls():
            values = values.zip_with(values.is_not_null(), constant(column, column.default, frame.height))
        return values.alias(column.name)

    def _checked_constant(self, column: Column, mapped: ColumnMapping, height: int) -> pl.Series:
        values, findings = read_values(pl.Series([mapped.constant]), column.kind, mapped.rule)
        for one in findings:
            if one.mask.any():
                text = f"{mapped.constant!r} {one.why}"
                self.filled.found.append(
                    Found(Severity.REFUSE, one_issue("", text, one.remedy, column=mapped.place), True)
                )
        return values.new_from_index(0, height).alias(column.name)

    def _report(
        self, frame: pl.DataFrame, value: str, column: str, findings: list[Finding], source: str | None = None
    ) -> None:
        alias = self.filling.alias_of(value if source is None else source)
        for one in findings:
            found = one.mask.fill_null(value=False)
            if not found.any():
                continue
            rows = frame.filter(found)
            shown = pl.col(value).str.slice(0, SHOWN).alias("value")
            cells = rows.select(
                pl.col(FILE + alias).alias("file"),
                pl.col(ROW + alias).alias("row"),
                pl.lit(self.block.table.name).alias("table"),
                pl.lit(source or column).alias("column"),
                shown,
                pl.lit(one.why).alias("why"),
                pl.lit(one.remedy).alias("remedy"),
            )
            # a row of a joined file stands in many rows; it is wrong once
            self.filled.found.append(Found(one.severity, cells, once=bool(alias)))
            if one.severity is Severity.REFUSE:
                self.filled.bad.append(
                    rows.select(FILE, ROW, pl.lit(source or column).alias("column"), shown,
                                pl.lit(one.why).alias("why"), pl.lit(one.remedy).alias("remedy"))
                )  # fmt: skip

    def late_defaults(self, rows: pl.DataFrame) -> pl.DataFrame:
        for column in self.block.table.columns:
            mapped = self.block.columns.get(column.name)
            if (
                mapped is None
                or _without_late_default(mapped, self.block) is mapped
                or not rows[column.name].has_nulls()
            ):
                continue
            self._fill_in(f"{column.name} = {mapped.rule.default}", rows[column.name].null_count())
            rows = rows.with_columns(pl.col(column.name).fill_null(constant(column, mapped.rule.default, 1)))
        return rows

    def _leave_out(self, why: str, count: int) -> None:
        if count:
            self.filled.left_out[why] = self.filled.left_out.get(why, 0) + count

    def _fill_in(self, what: str, count: int) -> None:
        self.filled.filled_in[what] = self.filled.filled_in.get(what, 0) + count


def _without_late_default(mapped: ColumnMapping | None, block: Block) -> ColumnMapping | None:
    """Where the most frequent value is taken, a default must not take part in the vote."""
    late = block.distinct is Distinct.MOST_FREQUENT and mapped is not None and mapped.name not in block.table.key
    if not late or mapped is None or mapped.rule.default is None:
        return mapped
    return replace(mapped, rule=replace(mapped.rule, default=None))
