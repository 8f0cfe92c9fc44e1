"""From a file to the text of a mapping, with the reasons beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from tierwise.lake.mapping import FileSpec, Format
from tierwise.lake.mapping_reader import TABLES, read_mapping
from tierwise.lake.probing.contents import Content, content_of
from tierwise.lake.probing.dialects import Dialect, sniff
from tierwise.lake.probing.fields import Match, is_sure, matches
from tierwise.lake.readers import FILE, ROW, Extract, UnreadableError
from tierwise.lake.schemas import Home, Kind, Table
from tierwise.wire.documents import near

SAMPLED = 50_000
NO_COLUMN = "??? choose a column"
"""Stands where a needed field found no column: a valid mapping, but no import runs until it is chosen."""
_TABLES_NAMED = 4
_ISO = {"%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"}  # read without being named


class ProbeError(ValueError):
    """A file that no mapping can be proposed for."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """``document`` is the mapping; ``unmatched`` are columns no field was found for, ``missing`` needed fields without
    a column, ``warnings`` what somebody must look at."""

    table: str
    document: str
    found: tuple[Match, ...]
    unmatched: tuple[str, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    spec: FileSpec = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "columns": {
                one.field.name: {"from": one.content.name, "confidence": one.confidence, "reason": one.reason}
                for one in self.found
            },
            "unmatched": self.unmatched,
            "missing": self.missing,
            "warnings": self.warnings,
            "document": self.document,
        }


def probe(
    path: Path, table: str = "", known: Mapping[str, pl.Series] | None = None, folder: Path | None = None
) -> Proposal:
    """Proposes a mapping for one file. ``known`` holds codes of masters that exist; ``folder`` is the extract's, where
    the file lies deeper in it. Raises ``ProbeError``."""
    folder = folder or path.parent
    if table and table not in TABLES:
        raise ProbeError(f"{table!r} is not a table; {near(table, TABLES)}")
    spec = replace(_spec(path), path=path.relative_to(folder).as_posix())
    try:
        order = Extract(folder).columns(spec)
        sample = next(Extract(folder).batches(spec, set(order), SAMPLED)).head(SAMPLED)
    except UnreadableError as error:
        raise ProbeError(str(error)) from error
    contents = [content_of(sample[name]) for name in sample.columns if name not in {FILE, ROW}]
    contents.sort(key=lambda one: order.index(one.name))
    ranked = sorted((_fit(one, contents, known or {}) for one in _candidates(table)), key=lambda fit: -fit.score)
    return _Writer(spec, contents, ranked, sample.height).proposal()


def _spec(path: Path) -> FileSpec:
    form = {".xlsx": Format.XLSX, ".xlsm": Format.XLSX, ".parquet": Format.PARQUET}.get(path.suffix.lower(), Format.CSV)
    if form is not Format.CSV:
        return FileSpec("extract", "files.extract", path.name, form)
    dialect = sniff(path)
    if dialect is None:
        raise ProbeError(f"{path.name}: is empty or not a table; export it as CSV with a header")
    return _csv_spec(path, dialect)


def _csv_spec(path: Path, dialect: Dialect) -> FileSpec:
    columns = () if dialect.names else tuple(f"column {number + 1}" for number in range(dialect.width))
    return FileSpec(
        "extract", "files.extract", path.name, Format.CSV, dialect.separator, encoding=dialect.encoding,
        header=bool(dialect.names), columns=columns, skip_rows=dialect.skip_rows,
    )  # fmt: skip


def _candidates(table: str) -> list[Table]:
    return [TABLES[table]] if table else list(TABLES.values())


@dataclass(frozen=True, slots=True)
class _Fit:
    table: Table
    found: list[Match]
    score: float


def _fit(table: Table, contents: list[Content], known: Mapping[str, pl.Series]) -> _Fit:
    """What the file would give the table: needed fields count most, unused columns a little against it."""
    found = matches(table, contents, known)
    by_field = {one.field.name: one for one in found}
    needed = [one for one in table.columns if (one.required or one.name in table.key) and one.default is None]
    got = sum(by_field[one.name].confidence for one in needed if one.name in by_field)
    extra = sum(one.confidence for one in found if one.field not in needed)
    score = 2 * got / max(len(needed), 1) + 2 * (got + extra) / max(len(contents), 1)
    key = [by_field[one].content for one in table.key if one in by_field]
    if table.home is Home.DIRECTORY and len(table.key) == 1 and key:
        score += 0.5 if key[0].unique else -0.5
    return _Fit(table, found, score)


class _Writer:
    def __init__(self, spec: FileSpec, contents: list[Content], ranked: list[_Fit], rows: int) -> None:
        self.spec, self.contents, self.ranked, self.rows = spec, contents, ranked, rows
        self.table, self.found = ranked[0].table, ranked[0].found
        self.by_field = {one.field.name: one for one in self.found}
        self.warnings: list[str] = []
        self.missing: list[str] = []

    def proposal(self) -> Proposal:
        columns = list(self._columns())
        thin = self._thinning()
        used = {one.content.name for one in self.found}
        unmatched = tuple(one.name for one in self.contents if one.name not in used)
        lines = [*self._head(), *self._file(), "tables:", f"  {self.table.name}:", "    from: extract"]
        lines += [*thin, "    columns:", *columns]
        if unmatched:
            lines += ["", "# Columns no field was found for:"]
            lines += [f"#   {_one_line(one.name)}  (for example {_one_line(', '.join(one.examples) or 'empty')})"
                      for one in self.contents if one.name in unmatched]  # fmt: skip
        document = "\n".join(lines) + "\n"
        read_mapping(document)
        return Proposal(
            self.table.name,
            document,
            tuple(self.found),
            unmatched,
            tuple(self.missing),
            tuple(self.warnings),
            self.spec,
        )

    def _head(self) -> list[str]:
        others = [f"{one.table.name} ({one.score:.1f})" for one in self.ranked[1:_TABLES_NAMED]]
        lines = [
            f"# Proposed from {self.rows} rows of {_one_line(self.spec.path)}. Read it before you import: "
            "every line says how sure it is.",
            f"# Taken for {self.table.name}: {self.table.meaning}",
        ]
        if others:
            lines.append(f"# Next best tables: {', '.join(others)}")
        lines += [f"# CHECK: {_one_line(one)}" for one in self.warnings]
        return [*lines, "source: erp", f"name: {_quoted('erp ' + self.table.name)}", ""]

    def _file(self) -> list[str]:
        spec, given = self.spec, {"path": self.spec.path}
        if spec.format is Format.CSV:
            given["separator"] = "tab" if spec.separator == "\t" else spec.separator
            given["encoding"] = spec.encoding
        lines = ["files:", "  extract:"] + [f"    {key}: {_quoted(value)}" for key, value in given.items()]
        if not spec.header:
            lines += ["    header: false", f"    columns: [{', '.join(map(_quoted, spec.columns))}]"]
        if spec.skip_rows:
            lines.append(f"    skip_rows: {spec.skip_rows}")
        return lines

    def _columns(self) -> Iterator[str]:
        for column in self.table.columns:
            match = self.by_field.get(column.name)
            if match is not None:
                doubt = "" if is_sure(match) else " CHECK"
                why = f"{match.confidence:.0%}: {_one_line(match.reason)}{doubt}"
                yield f"      {column.name}: {self._value(match)}  # {why}"
                continue
            if self._repeats() and column.name == "occurrence":
                group = ", ".join(name for name in self.table.key if name != "occurrence")
                yield f"      occurrence: {{number_within: [{group}]}}  # the other key columns repeat"
                continue
            needed = (column.required or column.name in self.table.key) and column.default is None
            if needed and column.name == "line" and "item" in self.by_field:
                source = self.by_field["item"].content.name
                yield f"      line: {_quoted(source)}  # CHECK: no line number; the item tells lines of an order apart"
            elif needed:
                self.missing.append(column.name)
                self.warnings.append(f"{column.name} is needed ({column.meaning}) and no column was found for it")
                yield f"      {column.name}: {_quoted(NO_COLUMN)}  # MISSING: {_one_line(column.meaning)}"

    def _value(self, match: Match) -> str:
        """The column alone, or with what is needed to read it."""
        content, parts = match.content, {}
        if match.field.kind is Kind.DATE and not set(content.date_formats) <= _ISO:
            parts["dates"] = "[" + ", ".join(map(_quoted, content.date_formats)) + "]"
            if content.rival:
                both = f"{content.date_formats[0]} and as {content.rival}"
                self.warnings.append(f"{content.name} can be read as {both}; keep the right one")
        if content.number and match.field.dtype.is_numeric():
            if content.decimal != ".":
                parts["decimal"] = _quoted(content.decimal)
            if content.thousands:
                parts["thousands"] = _quoted(content.thousands)
            if content.doubtful_sign:
                self.warnings.append(
                    f"{content.name}: {content.thousands!r} is taken for a thousands sign; it may be the decimal sign"
                )
        typed = match.field.kind is Kind.DATE or match.field.dtype.is_numeric()
        if typed and content.tokens:
            pairs = ", ".join(f"{_quoted(token)}: stands for no value" for token in content.tokens)
            parts["null_tokens"] = "{" + pairs + "}"
            self.warnings.append(f"{content.name}: {', '.join(content.tokens)} is taken for no value")
        if typed and content.odd:
            self.warnings.append(
                f"{content.name}: {', '.join(content.odd)} cannot be read; an import will list such cells"
            )
        if not parts:
            return _quoted(content.name)
        inner = "".join(f", {name}: {value}" for name, value in parts.items())
        return f"{{from: {_quoted(content.name)}{inner}}}"

    def _key(self) -> list[pl.Series]:
        names = [name for name in self.table.key if name in self.by_field]
        return [self.by_field[name].content.texts.alias(name) for name in names]

    def _repeats(self) -> bool:
        key = self._key()
        return bool(key) and bool(pl.DataFrame(key).is_duplicated().any())

    def _thinning(self) -> list[str]:
        if not self._repeats() or "occurrence" in self.table.key:
            return []
        if self.table.home is Home.DIRECTORY:
            return ["    distinct: most_frequent  # the key repeats: each column's most frequent value is taken"]
        self.warnings.append(f"rows repeat the key ({', '.join(self.table.key)}); an import would refuse them")
        return []


def _quoted(text: str) -> str:
    """A scalar that YAML reads back as it is, on one line."""
    plain = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**6)
    return plain.strip() if not text.replace("_", "").isalnum() else text


def _one_line(text: str) -> str:
    return " ".join(text.split())[:160]
