"""The mapping of a feed: which of its columns go out, under which names, in which form. Strict YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256
from string import Formatter

import polars as pl
from polars.exceptions import PolarsError

from tierwise.modules.exchange.records.feeds import FEEDS, PSEUDO, Feed
from tierwise.modules.exchange.records.words import Send
from tierwise.wire.documents import DocumentError, Problem, Section, near, parse_document
from tierwise.wire.tabular import Form, Layout

ORIGINS = ("from", "constant", "text")
FACTORS: dict[str, dict[str, float]] = {
    "ratio": {"ratio": 1.0, "percent": 100.0, "permille": 1000.0},
    "days": {"days": 1.0, "weeks": 1 / 7, "hours": 24.0},
}
"""Feed's unit → units it may be sent in, with the factor."""
NAME_FIELDS = {"feed", "batch", "part", "date"}
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SUBQUERY = re.compile(r"\bselect\b", re.IGNORECASE)  # a query could name a file of this machine
_TRIAL_DAY = date(2021, 11, 28)
MAPPING_KEYS: dict[str, dict[str, str]] = {
    "document": {
        "feed": "the feed that is sent",
        "send": "`changes` since the last acknowledgement (the default), or `everything` when anything changed",
        "form": "`csv` (the default), `xlsx`, `parquet`, `json` or `ndjson`",
        "name": "file name; may hold {feed}, {batch} (with {batch:08}), {part} and {date}",
        "separator, header, encoding, crlf": "of CSV: `;`, `false`, `cp1252`, `true`",
        "sheet": "name of the sheet in a workbook",
        "decimal, dates": "decimal sign and date pattern of all columns, such as `,` and `%d.%m.%Y`",
        "where": "SQL condition on the feed's columns that a row must meet",
        "split": "columns; each of their values gets files of its own, named by {part}",
        "columns": "name in the file → where its value comes from; left out: every column under its own name",
    },
    "column": {
        "from": "column of the feed; a text alone stands for it",
        "constant": "the same value in every row",
        "text": "several columns in one text: `{item}-{site}`",
        "values": "code map {ours: theirs}",
        "otherwise": "what becomes of a code that is not in the map: `refuse` (the default), `keep` or `empty`",
        "dates": "date pattern of this column",
        "decimal, decimals": "decimal sign, and digits behind it (rounded half to even)",
        "unit": "unit to convert to: ratio, percent, permille; days, weeks, hours",
        "empty": "what is written where there is no value",
    },
}


class Otherwise(StrEnum):
    REFUSE = "refuse"
    KEEP = "keep"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class OutColumn:
    """One column as it goes out; exactly one of source, constant and text is set."""

    name: str
    source: str = ""
    constant: str = ""
    text: str = ""
    values: dict[str, str] = field(default_factory=dict)
    otherwise: Otherwise = Otherwise.REFUSE
    dates: str = ""
    decimal: str = ""
    decimals: int | None = None
    factor: float = 1.0
    empty: str = ""

    @property
    def reads(self) -> list[str]:
        if self.text:
            return [name for _, name, _, _ in Formatter().parse(self.text) if name]
        return [self.source] if self.source else []


@dataclass(frozen=True, slots=True)
class OutMapping:
    feed: Feed
    send: Send
    layout: Layout
    name: str
    split: tuple[str, ...]
    where: str
    columns: tuple[OutColumn, ...]
    digest: str

    @property
    def schema_version(self) -> str:
        """Version of the feed and of this mapping: whoever reads the files sees when either changed."""
        return f"{self.feed.version}-{self.digest[:12]}"


def default_mapping(feed: Feed, form: Form = Form.CSV) -> str:
    """A mapping that sends every column under its own name: what one starts from."""
    head = f"feed: {feed.name}\nsend: changes\nform: {form.value}\n"
    columns = "".join(f"  {column.name}: {column.name}\n" for column in feed.columns)
    return f"{head}columns:\n  change: change\n{columns}"


def read_out_mapping(text: str) -> OutMapping:
    """Reads a mapping. Raises ``DocumentError`` with every mistake, its place and remedy."""
    content = parse_document(text)
    problems: list[Problem] = []
    if not isinstance(content, dict):
        raise DocumentError([Problem("document", "is not a mapping", "start with `feed:`")])
    top = Section("", {str(key): value for key, value in content.items()}, problems)
    name = top.need("feed", near("", FEEDS))
    if name and name not in FEEDS:
        top.wrong("feed", f"{name!r} is not a feed", near(name, FEEDS))
    if name not in FEEDS:
        raise DocumentError(problems)
    mapping = _Reader(FEEDS[name], top).read(sha256(text.encode()).hexdigest())
    if problems:
        raise DocumentError(problems)
    return mapping


class _Reader:
    def __init__(self, feed: Feed, top: Section) -> None:
        self.feed, self.top = feed, top
        self.known = {**feed.schema, **dict.fromkeys(PSEUDO, pl.String)}

    def read(self, digest: str) -> OutMapping:
        top = self.top
        top.text("about")
        self.dates = self._dates(top, "dates", "")
        self.decimal = self._decimal(top, "")
        mapping = OutMapping(
            self.feed, top.choice("send", Send.CHANGES), self._layout(), "", top.texts("split"), self._where(),
            self._columns(), digest,
        )  # fmt: skip
        named = self._name(mapping)
        for one in mapping.split:
            if one not in self.feed.schema:
                top.wrong("split", f"{one!r} is not a column of {self.feed.name}", near(one, self.feed.schema))
        top.done()
        return OutMapping(
            mapping.feed, mapping.send, mapping.layout, named, mapping.split, mapping.where, mapping.columns, digest
        )

    def _layout(self) -> Layout:
        top, form = self.top, self.top.choice("form", Form.CSV)
        given = top.text("separator", ",")
        try:
            return Layout(
                form, {"tab": "\t", "\\t": "\t"}.get(given, given), top.flag("header", default=True),
                top.text("encoding", "utf-8"), top.flag("crlf"), top.text("sheet", "data") or "data",
            )  # fmt: skip
        except ValueError as error:
            place, _, why = str(error).partition(": ")
            top.wrong(place, why, "see the keys of a mapping")
            return Layout(form)

    def _name(self, mapping: OutMapping) -> str:
        tail = "_{part}" if mapping.split else ""
        name = self.top.text("name") or "{feed}_{batch:08}" + tail + "." + mapping.layout.form.value
        try:
            shown = name.format(feed="f", batch=1, part="p", date="20210101")
        except (KeyError, IndexError, ValueError) as error:
            self.top.wrong("name", f"cannot be filled in ({error})", f"use {', '.join(sorted(NAME_FIELDS))} in braces")
            return "x"
        if "/" in shown or "\\" in shown or shown.startswith(".") or not shown.isprintable():
            self.top.wrong("name", "is not a plain file name", "leave out / and \\ and a leading point")
        if "{batch" not in name:
            self.top.wrong("name", "has no {batch}", "without the number one file would overwrite another")
        if mapping.split and "{part}" not in name:
            self.top.wrong("name", "has no {part}", "files that are split need it to be told apart")
        return name

    def _where(self) -> str:
        sql = self.top.text("where")
        if not sql:
            return ""
        try:
            if _SUBQUERY.search(_QUOTED.sub("", sql)):
                raise ValueError("it holds a query of its own")
            names = set(pl.sql_expr(sql).meta.root_names())
            pl.DataFrame(schema=self.feed.schema).filter(pl.sql_expr(sql))
        except (PolarsError, ValueError) as error:
            names, first = set(), str(error).splitlines()[0]
            self.top.wrong("where", f"cannot be read: {first}", "write a condition such as `site = 'P1'`")
        for name in sorted(names - set(self.feed.schema)):
            self.top.wrong("where", f"{name!r} is not a column of {self.feed.name}", near(name, self.feed.schema))
        return sql

    def _columns(self) -> tuple[OutColumn, ...]:
        if not self.top.has("columns"):
            return tuple(OutColumn(name, name, dates=self.dates, decimal=self.decimal) for name in self.feed.schema)
        section = self.top.section("columns")
        columns = []
        for name, content in section.content.items():
            if isinstance(content, str):
                section.has(name)
                self._known(section, name, content)
                columns.append(OutColumn(name, content, dates=self.dates, decimal=self.decimal))
            else:
                columns.append(self._column(name, section.section(name)))
        if not columns:
            self.top.wrong("columns", "names none", "leave it out to send every column")
        return tuple(columns)

    def _known(self, section: Section, key: str, source: str) -> None:
        if source not in self.known:
            section.wrong(key, f"{source!r} is not a column of {self.feed.name}", near(source, self.known))

    def _column(self, name: str, part: Section) -> OutColumn:
        origins = [key for key in ORIGINS if part.has(key)]
        if len(origins) != 1:
            part.wrong("from", f"has {len(origins)} origins", f"give exactly one of {', '.join(ORIGINS)}")
        source = part.text("from")
        if source:
            self._known(part, "from", source)
        text = part.text("text")
        column = OutColumn(
            name, source, part.text("constant"), text, part.pairs("values"), part.choice("otherwise", Otherwise.REFUSE),
            self._dates(part, "dates", self.dates), self._decimal(part, self.decimal),
            part.integer("decimals") if part.has("decimals") else None, self._factor(part, source), part.text("empty"),
        )  # fmt: skip
        if column.decimals is not None and not 0 <= column.decimals <= 10:
            part.wrong("decimals", f"is {column.decimals}", "write 0 to 10")
        if text:
            try:
                for one in column.reads:
                    self._known(part, "text", one)
            except ValueError as error:
                part.wrong("text", f"cannot be read: {error}", "write columns in braces: {item}-{site}")
        part.done()
        return column

    def _factor(self, part: Section, source: str) -> float:
        wanted = part.text("unit")
        if not wanted:
            return 1.0
        own = self.feed.units.get(source, "")
        known = FACTORS.get(own, {})
        if wanted not in known:
            why = f"{source or 'this column'} has the unit {own!r}" if own else f"{source or 'this column'} has no unit"
            part.wrong("unit", f"cannot be {wanted}: {why}", near(wanted, known))
            return 1.0
        return known[wanted]

    def _dates(self, part: Section, key: str, default: str) -> str:
        pattern = part.text(key, default)
        if pattern:
            try:
                bad = "%" not in pattern or _TRIAL_DAY.strftime(pattern) == pattern
            except ValueError:
                bad = True
            if bad:
                part.wrong(key, f"{pattern!r} is no date pattern", "write %Y-%m-%d, %d.%m.%Y or %Y%m%d")
        return pattern

    def _decimal(self, part: Section, default: str) -> str:
        sign = part.text("decimal", default)
        if sign not in {"", ".", ","}:
            part.wrong("decimal", f"{sign!r} is no decimal sign", "write . or ,")
        return sign
