"""Fills one block of a mapping: join, parse, derive, filter, and give every column of the table its typed value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import polars as pl
from polars.exceptions import PolarsError

from tierwise.lake.issues import Finding, Found, Severity, one_issue
from tierwise.lake.mapping import Block, ColumnMapping, Distinct, FileSpec, Filter, Join, JoinHow
from tierwise.lake.parsing import read_values
from tierwise.lake.readers import BATCH, FILE, ROW, Extract, UnreadableError
from tierwise.lake.schemas import Column, Kind
from tierwise.wire.documents import near

SHOWN = 120  # characters of a value in the listing
COUNT, _SPOILT = "__count", "__spoilt"
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_AGGREGATE = re.compile(
    r"\bover\b|\b(array_agg|avg|corr|count|covar\w*|first|last|listagg|max|median|min|quantile\w*|std\w*|string_agg|sum"
    r"|var|variance|var_\w+)\s*\(",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Filled:
    """A batch's rows (given columns of the table, ``__file`` and ``__row``) and what became of the others.

    ``bad`` names the rows ``[__file, __row]`` of the driving file that hold a refused cell.
    """

    rows: pl.DataFrame
    read: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    merged: int = 0
    filled_in: dict[str, int] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    bad: list[pl.DataFrame] = field(default_factory=list)

    def add(self, other: Filled) -> None:
        self.read += other.read
        self.merged += other.merged
        for mine, theirs in ((self.left_out, other.left_out), (self.filled_in, other.filled_in)):
            for what, count in theirs.items():
                mine[what] = mine.get(what, 0) + count


class SqlError(Exception):
    """An expression that does not work on the columns it is given."""

    def __init__(self, place: str, error: PolarsError) -> None:
        super().__init__(place)
        self.place = place
        self.why = f"the SQL expression fails: {str(error).strip().splitlines()[0]}"
        self.remedy = "name the text columns it calculates with under `parse`, so that each cell is checked"


class Filling:
    """How one block is filled: what to read, what stands ready to be joined, and the way from texts to values.

    ``texts`` gives the batches, ``fill`` works on one; ``fill`` changes nothing here, so that batches may be filled
    side by side. Raises ``UnreadableError`` where a file does not hold what the block reads. With ``given`` nothing is
    read or joined: its texts, with ``__file`` and ``__row``, are the joined rows already.
    """

    def __init__(
        self, block: Block, files: dict[str, FileSpec], extract: Extract, given: pl.DataFrame | None = None
    ) -> None:
        self.block, self.files, self.extract, self.given = block, files, extract, given
        self.origin: dict[str, str] = {}  # column -> suffix of the __file/__row pair of the file it came from
        self.wanted: dict[str, set[str]] = {}
        self.joined: list[tuple[Join, pl.DataFrame, pl.DataFrame]] = []
        if given is not None:
            _refuse_absent(block, files[block.file].path, given)
            return
        names = {alias: extract.columns(files[file]) for alias, file in self._aliases()}
        self.wanted = self._wanted(names)
        self.joined = [(join, *self._right(join)) for join in block.joins]

    @property
    def whole(self) -> bool:
        """Whether some SQL looks at more than its own row, so that the file must be worked on in one piece."""
        sqls = [*self.block.derive.values(), *(one.sql for one in self.block.where)]
        sqls += [column.sql for column in self.block.columns.values() if column.sql]
        return any(_looks_around(sql) for sql in sqls)

    def texts(self) -> Iterator[pl.DataFrame]:
        if self.given is not None:
            return iter([self.given])
        rows = None if self.whole else BATCH
        return self.extract.batches(self.files[self.block.file], self.wanted[""], rows)

    def rows_about(self) -> int:
        return self.extract.rows_about(self.files[self.block.file]) if self.given is None else self.given.height

    def cells(self, joined: pl.DataFrame) -> pl.DataFrame:
        """The texts a row was made of, those joined to it included."""
        kept = [name for name in joined.columns if not name.startswith((FILE, ROW))]
        return joined.select(FILE, ROW, *kept)

    def fill(self, texts: pl.DataFrame) -> Filled:
        filled = Filled(texts.head(0), read=texts.height)
        return self.values(self.join(texts, filled), filled)

    def join(self, texts: pl.DataFrame, filled: Filled) -> pl.DataFrame:
        for join, right, again in self.joined:
            texts = _Step(self, filled).join(texts, join, right, again)
        return texts

    def values(self, joined: pl.DataFrame, filled: Filled) -> Filled:
        """From joined texts to the table's columns; the numbering of rows is left to ``numbered``."""
        return _Step(self, filled).run(joined)

    @property
    def numbers(self) -> list[ColumnMapping]:
        return [column for column in self.block.columns.values() if column.number_within]

    def thinned(self, rows: pl.DataFrame, filled: Filled) -> pl.DataFrame:
        """One row for many, over all batches: equal rows once, or each column's most frequent value."""
        before = int(rows[COUNT].sum()) if COUNT in rows.columns else rows.height
        given = [name for name in rows.columns if not name.startswith("__")]
        if self.block.distinct is Distinct.ROWS:
            rows = rows.unique(given, keep="first", maintain_order=True)
        else:
            rows = _most_frequent(rows, list(self.block.table.key), given)
            rows = _Step(self, filled).late_defaults(rows)
        filled.merged += before - rows.height
        return rows

    def gathered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What of a batch must be kept for ``thinned``: its different rows and how often each came."""
        if COUNT not in rows.columns:
            rows = rows.with_columns(pl.lit(1, dtype=pl.Int64).alias(COUNT))
        given = [name for name in rows.columns if not name.startswith("__")]
        kept = rows.group_by(given, maintain_order=True).agg(pl.first(FILE, ROW), pl.col(COUNT).sum())
        return kept.select(FILE, ROW, *given, COUNT)

    def numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        for mapped in self.numbers:
            rows = rows.with_columns(_numbered(rows, mapped))
        return rows

    def alias_of(self, column: str) -> str:
        return self.origin.get(column, "")

    def _right(self, join: Join) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows to join, one per key, and those whose key is not theirs alone."""
        alias, keys = _alias(join), list(join.on.values())
        right = self.extract.texts(self.files[join.file], self.wanted[alias])
        renamed = {name: join.prefix + name for name in right.columns if name not in {FILE, ROW}}
        right = right.rename(renamed | {FILE: FILE + alias, ROW: ROW + alias})
        right_keys = _on_names(join)
        right = right.with_columns(
            pl.col(join.prefix + key).alias(name) for key, name in zip(keys, right_keys, strict=True)
        )
        right = right.drop(name for name in renamed.values() if self.origin.get(name) != alias)
        again = right.filter(pl.struct(right_keys).is_duplicated(), pl.all_horizontal(pl.col(right_keys).is_not_null()))
        return right.unique(right_keys, keep="first", maintain_order=True), again

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


class _Step:
    """The work on one batch."""

    def __init__(self, filling: Filling, filled: Filled) -> None:
        self.filling, self.block, self.filled = filling, filling.block, filled
        self.file = filling.files[filling.block.file].path

    def run(self, frame: pl.DataFrame) -> Filled:
        frame = self._parsed(frame)
        for name, sql in self.block.derive.items():
            frame = frame.with_columns(_sql(frame, f"derive.{name}", sql).alias(name))
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
        alias, right_keys, before = _alias(join), _on_names(join), frame.height
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
        alias, keys = _alias(join), _on_names(join)
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
        keep = frame.with_columns(_sql(frame, condition.place, condition.sql).alias("__keep"))["__keep"]
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
            rows = rows.with_columns(pl.col(column.name).fill_null(_constant(column, mapped.rule.default, 1)))
        return rows

    def _leave_out(self, why: str, count: int) -> None:
        if count:
            self.filled.left_out[why] = self.filled.left_out.get(why, 0) + count

    def _fill_in(self, what: str, count: int) -> None:
        self.filled.filled_in[what] = self.filled.filled_in.get(what, 0) + count


def _refuse_absent(block: Block, file: str, given: pl.DataFrame) -> None:
    missing = sorted(block.reads - set(given.columns))
    if missing:
        raise UnreadableError(file, f"has no column {missing[0]!r}", near(missing[0], given.columns))


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


def _on_names(join: Join) -> list[str]:
    return [f"__on{index}" for index in range(len(join.on))]


def _looks_around(sql: str) -> bool:
    """Whether an expression may look at other rows: a window, a sum, an extreme."""
    return bool(_AGGREGATE.search(_TEXTS.sub("", sql)))


def _sql(frame: pl.DataFrame, place: str, sql: str) -> pl.Expr:
    """The expression, once it has been seen to work on the frame."""
    expression = pl.sql_expr(sql)
    try:
        frame.select(expression)
    except PolarsError as error:
        raise SqlError(place, error) from error
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
    others = [name for name in rows.columns if not name.startswith("__")]
    number = pl.int_range(1, pl.len() + 1).over(list(mapped.number_within), order_by=others)
    return rows.select(number.alias(mapped.name)).to_series()


def _most_frequent(rows: pl.DataFrame, key: list[str], given: list[str]) -> pl.DataFrame:
    """One row per key; each column's most frequent value, the least one where two are equally frequent."""
    thin = rows.group_by(key, maintain_order=True).agg(pl.col(FILE).first(), pl.col(ROW).first())
    for name in given:
        if name in key:
            continue
        votes = rows.drop_nulls(name).group_by(*key, name).agg(pl.col(COUNT).sum())
        counted = votes.sort(COUNT, name, descending=[True, False])
        thin = thin.join(counted.unique(key, keep="first").drop(COUNT), on=key, how="left", nulls_equal=True)
    return thin.select(FILE, ROW, *given)
