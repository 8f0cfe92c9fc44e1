"""Opens the files of an extract as columns of text, each row with the file and the row number it came from."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import fastexcel
import polars as pl
from polars.exceptions import PolarsError

from tierwise.lake.mapping import FileSpec, Format
from tierwise.wire.documents import near

FILE, ROW = "__file", "__row"


class UnreadableError(Exception):
    """A file that cannot be read as the mapping says: which one, why, and what to do."""

    def __init__(self, file: str, why: str, remedy: str) -> None:
        super().__init__(f"{file}: {why}; {remedy}")
        self.file, self.why, self.remedy = file, why, remedy


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was read of one file."""

    path: str
    size: int
    rows: int
    blank_rows: int


@dataclass(slots=True)
class Extract:
    """A folder with the files of one extract. Remembers what it read for the report."""

    folder: Path
    read: dict[str, FileFacts] = field(default_factory=dict)

    def paths(self, spec: FileSpec) -> list[Path]:
        """The files that the path pattern names, in the order of their names."""
        if not any(sign in spec.path for sign in "*?["):
            found = [self.folder / spec.path]
        else:
            found = sorted(self.folder.glob(spec.path))
        found = [path for path in found if path.is_file()]
        if not found:
            there = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
            raise UnreadableError(spec.path, "no such file in the extract", near(spec.path, there))
        root = self.folder.resolve()
        for path in found:
            if not path.resolve().is_relative_to(root):
                raise UnreadableError(spec.path, "leads out of the folder", "put the file itself into the folder")
        return found

    def name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def columns(self, spec: FileSpec) -> list[str]:
        """Column names, of the first file where there are several."""
        if spec.columns:
            return list(spec.columns)
        return _scan(self.paths(spec)[0], spec, self.name(self.paths(spec)[0])).collect_schema().names()

    def texts(self, spec: FileSpec, columns: set[str]) -> pl.DataFrame:
        """The asked columns as trimmed texts (empty ones null) with ``__file`` and ``__row``, without blank rows."""
        return pl.concat([self._one(path, spec, columns) for path in self.paths(spec)], rechunk=False)

    def _one(self, path: Path, spec: FileSpec, columns: set[str]) -> pl.DataFrame:
        name = self.name(path)
        try:
            scan = _scan(path, spec, name)
            there = scan.collect_schema().names()
            _refuse_missing(name, columns, there)
            body, kept = [pl.col(one) for one in there], sorted(columns)
            texts = (
                scan.with_row_index(ROW)
                .select(
                    pl.lit(name).alias(FILE),
                    pl.col(ROW).cast(pl.Int64()) + spec.skip_rows + (2 if spec.header else 1),
                    pl.all_horizontal(one.is_null() for one in body).alias("__blank"),
                    pl.sum_horizontal(one.str.count_matches("\n", literal=True) for one in body).alias("__breaks"),
                    *(pl.col(one).str.strip_chars() for one in kept),
                )
                .collect(engine="streaming")
            )
        except PolarsError as error:
            raise UnreadableError(name, f"cannot be read: {_first_line(error)}", _remedy(error)) from error
        if texts["__breaks"].sum():  # cells of several lines push what follows further down
            texts = texts.with_columns(pl.col(ROW) + pl.col("__breaks").fill_null(0).cum_sum().shift(1, fill_value=0))
        blank = int(texts["__blank"].sum())
        texts = (texts.filter(~pl.col("__blank")) if blank else texts).drop("__blank", "__breaks")
        self.read[name] = FileFacts(name, path.stat().st_size, texts.height, blank)
        empty = ["", *spec.nulls]
        return texts.with_columns(pl.when(~pl.col(one).is_in(empty)).then(pl.col(one)).alias(one) for one in kept)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_missing(file: str, columns: set[str], there: list[str]) -> None:
    for one in sorted(columns):
        if one not in there:
            raise UnreadableError(file, f"has no column {one!r}", near(one, there))
        if f"{one}_duplicated_0" in there:
            raise UnreadableError(file, f"has the column {one!r} twice", "rename one of them, or list `columns`")


def _scan(path: Path, spec: FileSpec, name: str) -> pl.LazyFrame:
    form = spec.format
    if form is Format.AUTO:
        form = {".xlsx": Format.XLSX, ".xlsm": Format.XLSX, ".parquet": Format.PARQUET}.get(
            path.suffix.lower(), Format.CSV
        )
    if form is Format.PARQUET:
        return pl.scan_parquet(path, glob=False).select(pl.all().cast(pl.String()))
    if form is Format.XLSX:
        return _sheet(path, spec, name).lazy()
    return _csv(path, spec, name)


def _csv(path: Path, spec: FileSpec, name: str) -> pl.LazyFrame:
    source: Path | BytesIO = path
    if spec.encoding.lower().replace("_", "-") not in {"utf-8", "utf8", "utf-8-sig", "ascii"}:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        try:
            source = BytesIO(raw.decode(spec.encoding).lstrip("\ufeff").encode())
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise UnreadableError(name, f"is not {spec.encoding} (line {line})", "name the right `encoding`") from error
    elif path.stat().st_size == 0:
        raise UnreadableError(name, "is empty", "export it again")
    return pl.scan_csv(
        source,
        separator=spec.separator,
        quote_char=spec.quote or None,
        has_header=spec.header,
        new_columns=list(spec.columns) or None,
        skip_lines=spec.skip_rows,
        infer_schema=False,
        glob=False,
    )


def _sheet(path: Path, spec: FileSpec, name: str) -> pl.DataFrame:
    try:
        book = fastexcel.read_excel(str(path))
        if spec.sheet and spec.sheet not in book.sheet_names:
            raise UnreadableError(name, f"has no sheet {spec.sheet!r}", near(spec.sheet, book.sheet_names))
        sheet = book.load_sheet(
            spec.sheet or 0,
            header_row=spec.skip_rows if spec.header else None,
            skip_rows=None if spec.header else spec.skip_rows,
            column_names=list(spec.columns) or None,
            dtypes="string",
        )
    except fastexcel.FastExcelError as error:
        raise UnreadableError(name, f"cannot be read: {_first_line(error)}", "save it again as .xlsx") from error
    return sheet.to_polars()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _remedy(error: Exception) -> str:
    text = str(error)
    if "utf-8" in text:
        return "name its `encoding` in the mapping, for example cp1252"
    if "new_columns" in text:
        return "list exactly the columns of the file under `columns`"
    if "more fields" in text:
        return "check `separator` and `quote`, or quote the field that holds a separator"
    return "check format, separator and quote in the mapping"
