"""Turns a mapping document into the records of ``mapping``, finding every mistake it can before a file is opened."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from hashlib import sha256
from pathlib import Path, PurePosixPath

import polars as pl
from polars.exceptions import PolarsError

from tierwise.lake.mapping import (
    Block,
    ColumnMapping,
    Distinct,
    FileSpec,
    Filter,
    Format,
    Join,
    JoinHow,
    Mapping,
    Otherwise,
    Parse,
    Rule,
    Shift,
    sql_columns,
)
from tierwise.lake.parsing import read_dates
from tierwise.lake.schemas import FACTS, MASTERS, Kind, Table
from tierwise.wire.documents import DocumentError, Problem, Section, near, parse_document

TABLES = {table.name: table for table in (*MASTERS, *FACTS)}
ORIGINS = ("from", "constant", "text", "sql", "number_within")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SUBQUERY = re.compile(r"\bselect\b", re.IGNORECASE)  # a query could name a file outside the extract
_TRIAL_DAY = date(2021, 11, 28)  # day, month and year cannot be mistaken for one another


def load_mapping(path: Path) -> Mapping:
    """Reads a mapping file. Raises ``DocumentError`` with every mistake, each with its place and remedy."""
    return read_mapping(path.read_text(encoding="utf-8-sig"))


def read_mapping(text: str) -> Mapping:
    """Reads a mapping from YAML text. Raises ``DocumentError``."""
    return _Reader(text).read(sha256(text.encode()).hexdigest())


class _Reader:
    def __init__(self, text: str) -> None:
        content = parse_document(text)
        self.problems: list[Problem] = []
        if not isinstance(content, dict):
            raise DocumentError(
                [Problem("document", "is not a mapping", "start with `source:`, `files:` and `tables:`")]
            )
        self.top = Section("", {str(key): value for key, value in content.items()}, self.problems)
        self.files: dict[str, FileSpec] = {}

    def read(self, digest: str) -> Mapping:
        source = self.top.need("source", "name the system that the extract comes from")
        name = self.top.text("name", source)
        self.top.text("about")
        shift = self._shift(self.top)
        files = self.top.section("files")
        for key in files.content:
            self.files[key] = self._file(key, files)
        if not self.files:
            self.top.wrong("files", "names no file", "name each file as `name: {path: …}`")
        blocks = tuple(self._blocks(self.top.section("tables"), shift))
        self.top.done()
        if not blocks and not self.problems:
            self.top.wrong("tables", "maps no table", "map at least one table")
        if self.problems:
            raise DocumentError(self.problems)
        return Mapping(name, source, self.files, blocks, digest)

    def _file(self, name: str, files: Section) -> FileSpec:
        if isinstance(files.content[name], str):
            files.has(name)
            return FileSpec(name, f"files.{name}", self._path(files, name))
        part = files.section(name)
        quote = part.text("quote", '"')
        spec = FileSpec(
            name, part.place, self._path(part, "path"),
            format=part.choice("format", Format.AUTO),
            separator={"tab": "\t", "\\t": "\t"}.get(part.text("separator", ","), part.text("separator", ",")),
            quote="" if quote == "none" else quote,
            encoding=part.text("encoding", "utf-8"),
            header=part.flag("header", default=True),
            columns=part.texts("columns"),
            sheet=part.text("sheet"),
            skip_rows=part.integer("skip_rows"),
            nulls=part.texts("nulls"),
        )  # fmt: skip
        if len(spec.separator.encode()) != 1:
            part.wrong("separator", f"must be one character, is {spec.separator!r}", "write , ; | or tab")
        if not spec.header and not spec.columns:
            part.wrong("columns", "is missing", "without a header row, list the column names in their order")
        twice = sorted({one for one in spec.columns if spec.columns.count(one) > 1})
        if twice:
            part.wrong("columns", f"names {', '.join(twice)} twice", "give each column its own name")
        try:
            "".encode(spec.encoding)
        except LookupError:
            part.wrong("encoding", f"{spec.encoding!r} is not known", "write utf-8, utf-16, cp1252 or latin-1")
        part.done()
        return spec

    @staticmethod
    def _path(part: Section, key: str) -> str:
        path = part.need(key, "give the file's path below the folder of the extract")
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or "\\" in path:
            part.wrong(key, "leads out of the folder", "give a path below the folder of the extract, with /")
        return path

    def _shift(self, part: Section) -> Shift:
        if not part.has("shift"):
            return Shift()
        one = part.section("shift")
        shift = Shift(one.integer("years"), one.integer("months"), one.integer("weeks"), one.integer("days"))
        one.done()
        return shift

    def _blocks(self, tables: Section, shift: Shift) -> list[Block]:
        blocks = []
        for name in tables.content:
            if name not in TABLES:
                tables.has(name)
                tables.wrong(name, "is not a table", near(name, TABLES))
                continue
            blocks += [self._block(TABLES[name], part, shift) for part in tables.sections(name)]
        return blocks

    def _block(self, table: Table, part: Section, shift: Shift) -> Block:
        file = part.need("from", "name the file whose rows fill the table")
        if file:
            self._known_file(part, "from", file)
        parse = tuple(self._parse(one) for one in self._children(part, "parse"))
        derive = part.pairs("derive")
        for name, sql in derive.items():
            self._sql(part, f"derive.{name}", sql)
        thin = part.text("distinct", "false")
        distinct = Distinct.ROWS if thin == "true" else part.choice("distinct", Distinct.NO)
        block = Block(
            table, part.place, file,
            joins=tuple(self._join(one) for one in part.sections("join")),
            parse=parse,
            derive=derive,
            where=tuple(self._filters(part)),
            distinct=distinct,
            complete=part.flag("complete"),
            shift=self._shift(part) if part.has("shift") else shift,
            columns=self._columns(table, part),
            unit=part.texts("unit"),
        )  # fmt: skip
        for one in block.unit:
            if one not in table.key:
                part.wrong("unit", f"{one!r} is not in the key of {table.name}", near(one, table.key))
        part.done()
        return block

    @staticmethod
    def _children(part: Section, key: str) -> list[Section]:
        section = part.section(key)
        return [section.section(name) for name in section.content]

    def _known_file(self, part: Section, key: str, file: str) -> None:
        if file not in self.files:
            part.wrong(key, f"{file!r} is not among the files", near(file, self.files))

    def _join(self, part: Section) -> Join:
        file = part.need("file", "name the file to join")
        if file:
            self._known_file(part, "file", file)
        on = part.pairs("on")
        if not on:
            part.wrong("on", "names no pair", "write {column so far: column of the joined file}")
        join = Join(file, part.place, on, part.choice("how", JoinHow.INNER), part.text("prefix"))
        part.done()
        return join

    def _filters(self, part: Section) -> list[Filter]:
        if isinstance(part.content.get("where"), str):
            sql = part.text("where")
            self._sql(part, "where", sql)
            return [Filter(sql, "left out by filter", f"{part.place}.where")]
        filters = []
        for one in part.sections("where"):
            sql = one.need("sql", "write the condition that a row must meet")
            self._sql(one, "sql", sql)
            filters.append(Filter(sql, one.text("why", "left out by filter"), one.place))
            one.done()
        return filters

    def _parse(self, part: Section) -> Parse:
        kind = part.choice("kind", Kind.TEXT)
        parse = Parse(part.place.rsplit("parse.", 1)[1], part.place, kind, self._rule(part, kind))
        part.done()
        return parse

    def _columns(self, table: Table, part: Section) -> dict[str, ColumnMapping]:
        section = part.section("columns")
        known = {column.name: column for column in table.columns}
        columns = {}
        for name, content in section.content.items():
            if name not in known:
                section.has(name)
                section.wrong(name, f"is not a column of {table.name}", near(name, known))
            elif isinstance(content, str):
                section.has(name)
                columns[name] = ColumnMapping(name, f"{section.place}.{name}", source=content)
                if not content:
                    section.wrong(name, "is empty", "name the column of the file")
            else:
                columns[name] = self._column(name, known[name].kind, section.section(name))
        for column in table.columns:
            must = column.required or column.name in table.key
            if must and column.default is None and column.name not in section.content:
                section.wrong(column.name, "is missing", f"every row of {table.name} needs it ({column.meaning})")
        return columns

    def _column(self, name: str, kind: Kind, part: Section) -> ColumnMapping:
        given = [origin for origin in ORIGINS if part.has(origin)]
        if len(given) != 1:
            said = " and ".join(given) or "no origin"
            self.problems.append(Problem(part.place, f"has {said}", f"give exactly one of {', '.join(ORIGINS)}"))
        column = ColumnMapping(
            name, part.place,
            source=part.text("from"),
            constant=part.text("constant"),
            text=part.text("text"),
            sql=part.text("sql"),
            number_within=part.texts("number_within"),
            rule=self._rule(part, kind),
            shift=part.flag("shift", default=True),
        )  # fmt: skip
        if column.sql:
            self._sql(part, "sql", column.sql)
        if column.number_within and kind is not Kind.INTEGER:
            part.wrong("number_within", f"numbers rows, but {name} is a {kind}", "use it for a column of kind integer")
        try:
            column.pieces  # noqa: B018  a template is checked by reading it
        except ValueError as error:
            part.wrong("text", f"is no template: {error}", "write column names in braces, as in PO-{order_id}")
        part.done()
        return column

    def _rule(self, part: Section, kind: Kind) -> Rule:
        rule = Rule(
            dates=part.texts("dates"),
            values=part.pairs("values"),
            otherwise=part.choice("otherwise", Otherwise.REFUSE),
            null_tokens=part.pairs("null_tokens"),
            null_patterns=part.pairs("null_patterns"),
            remove=part.text("remove"),
            decimal=part.text("decimal", "."),
            thousands=part.text("thousands"),
            default=part.text("default") if part.has("default") else None,
        )  # fmt: skip
        if rule.dates and kind is not Kind.DATE:
            part.wrong("dates", f"gives date formats, but the column is a {kind}", "leave it out")
        for index, pattern in enumerate(rule.dates):
            if not _reads_back(pattern):
                why = f"{pattern!r} does not give day, month and year"
                part.wrong(f"dates[{index}]", why, "write it as in %d.%m.%Y or %m/%d/%y")
        for key in (*rule.null_patterns, *([rule.remove] if rule.remove else [])):
            try:
                pl.Series([""]).str.contains(key)
            except PolarsError:
                where = "remove" if key == rule.remove else f"null_patterns.{key}"
                part.wrong(where, "is not a regular expression", "escape ( ) [ ] . * + ? with a backslash")
        for key, reason in (rule.null_tokens | rule.null_patterns).items():
            if not reason.strip():
                part.wrong(f"null_tokens.{key}", "has no reason", "say why the value is not there")
        return rule

    def _sql(self, part: Section, key: str, sql: str) -> None:
        if _SUBQUERY.search(_QUOTED.sub("", sql)):
            part.wrong(key, "holds a query of its own", "write one expression; bring other files in with `join`")
            return
        try:
            sql_columns(sql)
        except PolarsError as error:
            part.wrong(key, f"is no SQL expression: {error}", "quote names with \"…\" and texts with '…'")


def _reads_back(pattern: str) -> bool:
    """Whether a date survives being written and read in the format."""
    day = pl.Series([datetime.combine(_TRIAL_DAY, time(17, 45, 30))])
    try:
        return read_dates(day.dt.to_string(pattern), pattern).to_list() == [_TRIAL_DAY]
    except PolarsError:
        return False
