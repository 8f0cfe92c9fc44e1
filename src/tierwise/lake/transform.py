"""Fills one block of a mapping: join, parse, derive, filter, and give every column of the table its typed value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import polars as pl
from polars.exceptions import PolarsError

from tierwise.lake.issues import Finding, IssueLog, Severity
from tierwise.lake.mapping import Block, ColumnMapping, Distinct, FileSpec, Filter, Join, JoinHow
from tierwise.lake.parsing import read_values
from tierwise.lake.readers import FILE, ROW, Extract, UnreadableError
from tierwise.lake.schemas import Column, Kind
from tierwise.wire.documents import near

SHOWN = 120  # characters of a value in the listing


@dataclass(slots=True)
class Filled:
    """A block's rows (columns of the table, ``__file`` and ``__row``) and what became of the others."""

    rows: pl.DataFrame
    read: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    merged: int = 0
    filled_in: dict[str, int] = field(default_factory=dict)


def fill(block: Block, files: dict[str, FileSpec], extract: Extract, log: IssueLog) -> Filled | None:
    """None where the block cannot be filled at all; the log says why."""
    work = _Work(block, files, extract, log)
    try:
        return work.run()
    except UnreadableError as error:
        log.refuse(error.file, error.why, error.remedy, table=block.table.name)
    except _SqlError as error:
        log.refuse(files[block.file].path, error.why, error.remedy, table=block.table.name, column=error.place)
    return None


class _SqlError(Exception):
    def __init__(self, place: str, error: PolarsError) -> None:
        super().__init__(place)
        self.place = place
        self.why = f"the SQL expression fails: {str(error).strip().splitlines()[0]}"
        self.remedy = "name the text columns it calculates with under `parse`, so that each cell is checked"


class _Work:
    def __init__(self, block: Block, files: dict[str, FileSpec], extract: Extract, log: IssueLog) -> None:
        self.block, self.files, self.extract, self.log = block, files, extract, log
        self.origin: dict[str, str] = {}  # column -> suffix of the __file/__row pair of the file it came from
        self.filled = Filled(pl.DataFrame())

    def run(self) -> Filled:
        frame = self._joined()
        self.filled.read = frame.height
        frame = self._parsed(frame)
        for name, sql in self.block.derive.items():
            frame = frame.with_columns(_sql(frame, f"derive.{name}", sql).alias(name))
        for one in self.block.where:
            frame = self._kept(frame, one)
        rows = frame.select(FILE, ROW)
        later = [column for column in self.block.columns.values() if column.number_within]
        for column in self.block.table.columns:
            mapped = self.block.columns.get(column.name)
            if mapped is None or mapped not in later:
                rows = rows.with_columns(self._value(frame, column, _without_late_default(mapped, self.block)))
        rows = self._thinned(rows)
        for mapped in later:
            rows = rows.with_columns(_numbered(rows, mapped))
        self.filled.rows = rows.select(FILE, ROW, *(column.name for column in self.block.table.columns))
        return self.filled

    def _joined(self) -> pl.DataFrame:
        names = {alias: self.extract.columns(self.files[file]) for alias, file in self._aliases()}
        wanted = self._wanted(names)
        frame = self.extract.texts(self.files[self.block.file], wanted[""])
        for join in self.block.joins:
            right = self.extract.texts(self.files[join.file], wanted[_alias(join)])
            frame = self._join(frame, right, join)
        return frame

    def _aliases(self) -> list[tuple[str, str]]:
        return [("", self.block.file), *((_alias(join), join.file) for join in self.block.joins)]

    def _wanted(self, names: dict[str, list[str]]) -> dict[str, set[str]]:
        """Which columns to read of which file. A name that two files give is refused, as is one that none gives."""
        reads = self.block.reads
        wanted: dict[str, set[str]] = {"": set()}
        for name in names[""]:
            if name in reads:
                wanted[""].add(name)
                self.origin[name] = ""
        for join in self.block.joins:
            alias = _alias(join)
            wanted[alias] = set(join.on.values())
            for name in names[alias]:
                seen = join.prefix + name
                if seen not in reads or join.on.get(seen) == name:
                    continue
                if seen in self.origin:
                    why = f"{seen!r} is also a column of what it is joined to"
                    raise UnreadableError(self.files[join.file].path, why, f"give {join.place} a `prefix`")
                wanted[alias].add(name)
                self.origin[seen] = alias
        missing = sorted(reads - set(self.origin))
        if missing:
            there = {(join_prefix(self.block, alias) + name) for alias, columns in names.items() for name in columns}
            raise UnreadableError(
                self.files[self.block.file].path, f"has no column {missing[0]!r}", near(missing[0], there)
            )
        return wanted

    def _join(self, frame: pl.DataFrame, right: pl.DataFrame, join: Join) -> pl.DataFrame:
        alias = _alias(join)
        keys = list(join.on.values())
        renamed = {name: join.prefix + name for name in right.columns if name not in {FILE, ROW}}
        right = right.rename(renamed | {FILE: FILE + alias, ROW: ROW + alias})
        right_keys = [f"__on{index}" for index in range(len(keys))]
        right = right.with_columns(
            pl.col(join.prefix + key).alias(name) for key, name in zip(keys, right_keys, strict=True)
        )
        right = right.drop(name for name in renamed.values() if self.origin.get(name) != alias)
        self._refuse_ambiguous(frame, right, join, right_keys)
        right = right.unique(right_keys, keep="first", maintain_order=True)
        before = frame.height
        frame = frame.join(right, left_on=list(join.on), right_on=right_keys, how="left", maintain_order="left")
        alone = frame[ROW + alias].is_null()
        count = int(alone.sum())
        if count and join.how is JoinHow.INNER:
            frame = frame.filter(~alone)
            self._leave_out(f"no match in {join.file}", before - frame.height)
        elif count:
            self._fill_in(f"no match in {join.file}", count)
        return frame

    def _refuse_ambiguous(self, left: pl.DataFrame, right: pl.DataFrame, join: Join, keys: list[str]) -> None:
        alias = _alias(join)
        again = right.filter(pl.struct(keys).is_duplicated(), pl.all_horizontal(pl.col(keys).is_not_null()))
        if again.height:
            again = again.join(left, left_on=keys, right_on=list(join.on), how="semi")
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
            self.log.add(Severity.REFUSE, issues)

    def _parsed(self, frame: pl.DataFrame) -> pl.DataFrame:
        for one in self.block.parse:
            values, findings = read_values(frame[one.column], one.kind, one.rule)
            self._report(frame, one.column, one.column, findings)
            frame = frame.with_columns(values.alias(one.column))
        return frame

    def _kept(self, frame: pl.DataFrame, condition: Filter) -> pl.DataFrame:
        keep = frame.with_columns(_sql(frame, condition.place, condition.sql).alias("__keep"))["__keep"]
        if keep.dtype != pl.Boolean:
            why = "the filter is no condition"
            raise UnreadableError(self.files[self.block.file].path, why, f"let {condition.place} compare something")
        kept = frame.filter(keep)  # a condition that is neither true nor false does not hold, as in SQL
        self._leave_out(condition.why, frame.height - kept.height)
        return kept

    def _value(self, frame: pl.DataFrame, column: Column, mapped: ColumnMapping | None) -> pl.Series:
        if mapped is None:
            return _constant(column, column.default, frame.height)
        if mapped.constant:
            return self._checked_constant(column, mapped, frame.height)
        raw = _raw(frame, mapped)
        if _fits(raw.dtype, column) and not mapped.rule.values:
            values = raw.cast(column.dtype, strict=False)
            findings = [Finding(raw.is_not_null() & values.is_null(), f"is not a {column.kind.value}", "check the SQL")]
            if mapped.rule.default is not None:
                values = values.zip_with(values.is_not_null(), _constant(column, mapped.rule.default, frame.height))
        else:
            raw = raw if raw.dtype == pl.String() else _as_text(raw)
            values, findings = read_values(raw, column.kind, mapped.rule)
        shown = frame.with_columns(raw.cast(pl.String()).alias("__value"))
        self._report(shown, "__value", column.name, findings, mapped.source)
        if mapped.rule.default is not None and raw.has_nulls():
            self._fill_in(f"{column.name} = {mapped.rule.default}", raw.null_count())
        if column.kind is Kind.DATE and mapped.shift and self.block.shift:
            values = self.block.shift.apply(values)
        if column.default is not None and values.has_nulls():
            values = values.zip_with(values.is_not_null(), _constant(column, column.default, frame.height))
        return values.alias(column.name)

    def _checked_constant(self, column: Column, mapped: ColumnMapping, height: int) -> pl.Series:
        values, findings = read_values(pl.Series([mapped.constant]), column.kind, mapped.rule)
        for one in findings:
            if one.mask.any():
                self.log.refuse("", f"{mapped.constant!r} {one.why}", one.remedy, column=mapped.place)
        return values.new_from_index(0, height).alias(column.name)

    def _report(
        self, frame: pl.DataFrame, value: str, column: str, findings: list[Finding], source: str | None = None
    ) -> None:
        alias = self.origin.get(value if source is None else source, "")
        for one in findings:
            found = one.mask.fill_null(value=False)
            if not found.any():
                continue
            cells = frame.filter(found).select(
                pl.col(FILE + alias).alias("file"),
                pl.col(ROW + alias).alias("row"),
                pl.lit(self.block.table.name).alias("table"),
                pl.lit(source or column).alias("column"),
                pl.col(value).str.slice(0, SHOWN).alias("value"),
                pl.lit(one.why).alias("why"),
                pl.lit(one.remedy).alias("remedy"),
            )
            if alias:  # a row of a joined file stands in many rows; it is wrong once
                cells = cells.unique(maintain_order=True)
            self.log.add(one.severity, cells)

    def _thinned(self, rows: pl.DataFrame) -> pl.DataFrame:
        before = rows.height
        given = [name for name in rows.columns if name not in {FILE, ROW}]
        if self.block.distinct is Distinct.ROWS:
            rows = rows.unique(given, keep="first", maintain_order=True)
        elif self.block.distinct is Distinct.MOST_FREQUENT:
            rows = _most_frequent(rows, list(self.block.table.key), given)
            rows = self._late_defaults(rows)
        self.filled.merged = before - rows.height
        return rows

    def _late_defaults(self, rows: pl.DataFrame) -> pl.DataFrame:
        for column in self.block.table.columns:
            mapped = self.block.columns.get(column.name)
            if (
                mapped is None
                or _without_late_default(mapped, self.block) is mapped
                or not rows[column.name].has_nulls()
            ):
                continue
            self._fill_in(f"{column.name} = {mapped.rule.default}", rows[column.name].null_count())
            rows = rows.with_columns(pl.col(column.name).fill_null(_constant(column, mapped.rule.default, 1)))
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


def join_prefix(block: Block, alias: str) -> str:
    return next((join.prefix for join in block.joins if _alias(join) == alias), "")


def _alias(join: Join) -> str:
    return ":" + (join.prefix or join.file)


def _sql(frame: pl.DataFrame, place: str, sql: str) -> pl.Expr:
    """The expression, once it has been seen to work on the frame."""
    expression = pl.sql_expr(sql)
    try:
        frame.select(expression)
    except PolarsError as error:
        raise _SqlError(place, error) from error
    return expression


def _raw(frame: pl.DataFrame, mapped: ColumnMapping) -> pl.Series:
    """A column's values before its rule: texts, or typed where they were parsed or calculated."""
    if mapped.sql:
        return frame.with_columns(_sql(frame, mapped.place, mapped.sql).alias("__value"))["__value"]
    if mapped.text:
        parts = [part for literal, name in mapped.pieces for part in _parts(literal, name)]
        return frame.with_columns(pl.concat_str(parts).alias("__value"))["__value"]
    return frame[mapped.source]


def _fits(dtype: pl.DataType, column: Column) -> bool:
    """Whether typed values can be taken over without a detour over text."""
    if column.kind is Kind.INTEGER:
        return dtype.is_integer()
    if column.kind is Kind.DATE:
        return isinstance(dtype, (pl.Date, pl.Datetime))
    if column.kind is Kind.FLAG:
        return dtype == pl.Boolean()
    return column.dtype.is_numeric() and dtype.is_numeric()


def _parts(literal: str, name: str) -> list[pl.Expr]:
    return [pl.lit(literal)] * bool(literal) + [pl.col(name)] * bool(name)


def _as_text(values: pl.Series) -> pl.Series:
    """Typed values as texts; whole floats and decimals without a fraction of zeros."""
    if values.dtype.is_float():
        return values.cast(pl.String()).str.replace(r"\.0$", "")
    if values.dtype.is_decimal():
        return values.cast(pl.String()).str.replace(r"\.0+$", "")
    return values.cast(pl.String())


def _constant(column: Column, text: str | None, height: int) -> pl.Series:
    texts = pl.Series(column.name, [text], dtype=pl.String())
    from_text = texts.str.to_date("%Y-%m-%d") if column.kind is Kind.DATE else texts
    if column.kind is Kind.FLAG:
        from_text = texts == "true"
    return from_text.cast(column.dtype).new_from_index(0, height).alias(column.name)


def _numbered(rows: pl.DataFrame, mapped: ColumnMapping) -> pl.Series:
    """Numbers from 1 within a group by the rows' own content, so that the order of the file does not matter."""
    others = [name for name in rows.columns if name not in {FILE, ROW}]
    number = pl.int_range(1, pl.len() + 1).over(list(mapped.number_within), order_by=others)
    return rows.select(number.alias(mapped.name)).to_series()


def _most_frequent(rows: pl.DataFrame, key: list[str], given: list[str]) -> pl.DataFrame:
    """One row per key; each column's most frequent value, the least one where two are equally frequent."""
    thin = rows.group_by(key, maintain_order=True).agg(pl.col(FILE).first(), pl.col(ROW).first())
    for name in given:
        if name in key:
            continue
        counted = rows.drop_nulls(name).group_by(*key, name).len().sort("len", name, descending=[True, False])
        thin = thin.join(counted.unique(key, keep="first").drop("len"), on=key, how="left", nulls_equal=True)
    return thin.select(FILE, ROW, *given)
