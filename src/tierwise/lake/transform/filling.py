"""How one block is filled: what to read, what to join, and rows that stand for many."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tierwise.lake.mapping import Block, ColumnMapping, Distinct, FileSpec, Join
from tierwise.lake.readers import BATCH, FILE, ROW, Extract, UnreadableError
from tierwise.lake.transform.filled import Filled
from tierwise.lake.transform.joins import alias_of_join, join_prefix, on_names
from tierwise.lake.transform.sql import looks_around
from tierwise.lake.transform.step import Step
from tierwise.wire.documents import near

COUNT = "__count"


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
        return any(looks_around(sql) for sql in sqls)

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
            texts = Step(self, filled).join(texts, join, right, again)
        return texts

    def values(self, joined: pl.DataFrame, filled: Filled) -> Filled:
        """From joined texts to the table's columns; the numbering of rows is left to ``numbered``."""
        return Step(self, filled).run(joined)

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
            rows = Step(self, filled).late_defaults(rows)
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
        alias, keys = alias_of_join(join), list(join.on.values())
        right = self.extract.texts(self.files[join.file], self.wanted[alias])
        renamed = {name: join.prefix + name for name in right.columns if name not in {FILE, ROW}}
        right = right.rename(renamed | {FILE: FILE + alias, ROW: ROW + alias})
        right_keys = on_names(join)
        right = right.with_columns(
            pl.col(join.prefix + key).alias(name) for key, name in zip(keys, right_keys, strict=True)
        )
        right = right.drop(name for name in renamed.values() if self.origin.get(name) != alias)
        again = right.filter(pl.struct(right_keys).is_duplicated(), pl.all_horizontal(pl.col(right_keys).is_not_null()))
        return right.unique(right_keys, keep="first", maintain_order=True), again

    def _aliases(self) -> list[tuple[str, str]]:
        return [("", self.block.file), *((alias_of_join(join), join.file) for join in self.block.joins)]

    def _wanted(self, names: dict[str, list[str]]) -> dict[str, set[str]]:
        """Which columns to read of which file. A name that two files give is refused, as is one that none gives."""
        reads = self.block.reads
        wanted: dict[str, set[str]] = {"": set()}
        for name in names[""]:
            if name in reads:
                wanted[""].add(name)
                self.origin[name] = ""
        for join in self.block.joins:
            alias = alias_of_join(join)
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


def _refuse_absent(block: Block, file: str, given: pl.DataFrame) -> None:
    missing = sorted(block.reads - set(given.columns))
    if missing:
        raise UnreadableError(file, f"has no column {missing[0]!r}", near(missing[0], given.columns))


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
