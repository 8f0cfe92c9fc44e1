"""Opens the files of an extract as columns of text, each row with the file and the row number it came from."""

from __future__ import annotations

import codecs
import gzip
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import fastexcel
import polars as pl
from polars.exceptions import PolarsError

from tierwise.lake.mapping import FileSpec, Format
from tierwise.wire.documents import near

FILE, ROW = "__file", "__row"
BATCH = 500_000
"""Most rows worked on at once; fewer where they are wide."""
_CELLS = 8_000_000  # of a batch: about 200 MB of text
SHEET_LARGEST = 200 * 1024 * 1024
"""A workbook is unpacked into memory at once, ten times its size and more; what is larger comes as CSV or Parquet."""
_RECODE_ABOVE = 16 * 1024 * 1024  # below it a compressed or recoded file is held rather than written out
_CHUNK = 1 << 22
_SAMPLE = 1 << 18


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
    """A folder with the files of one extract. Remembers what it read for the report.

    ``scratch`` is where large compressed or recoded files are written out, so that they can be read bit by bit.
    """

    folder: Path
    scratch: Path | None = None
    read: dict[str, FileFacts] = field(default_factory=dict)
    _plain: dict[tuple[Path, str], Path] = field(default_factory=dict)

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
        return self._scan(self.paths(spec)[0], spec).collect_schema().names()

    def texts(self, spec: FileSpec, columns: set[str]) -> pl.DataFrame:
        """The asked columns as trimmed texts (empty ones null) with ``__file`` and ``__row``, without blank rows."""
        return pl.concat(list(self.batches(spec, columns)), rechunk=False)

    def batches(self, spec: FileSpec, columns: set[str], rows: int | None = BATCH) -> Iterator[pl.DataFrame]:
        """The same in bounded pieces, at least one a file; whole files where ``rows`` is None."""
        if rows:
            rows = min(rows, max(_CELLS // (len(columns) + 1), 10_000))
        for path in self.paths(spec):
            yield from self._one(path, spec, columns, rows)

    def rows_about(self, spec: FileSpec) -> int:
        """About how many rows there are to read, from the length of the first lines; enough for a bar of progress."""
        total = 0
        for path in self.paths(spec):
            form = _form(path, spec)
            if form is Format.PARQUET:
                total += int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
                continue
            with path.open("rb") as stream:
                sample = stream.read(_SAMPLE)
            packed = sample[:2] == b"\x1f\x8b" or form is Format.XLSX
            line = 12 if packed else len(sample) / max(sample.count(b"\n"), 1)
            total += int(path.stat().st_size / max(line, 1)) + 1
        return total

    def _one(self, path: Path, spec: FileSpec, columns: set[str], rows: int | None) -> Iterator[pl.DataFrame]:
        name, kept = self.name(path), sorted(columns)
        breaks = count = blank = 0
        some = False
        try:
            scan = self._scan(path, spec)
            there = scan.collect_schema().names()
            _refuse_missing(name, columns, there)
            body = there if self._may_break(path, spec) else []
            selected = _selected(scan, spec, (there, body), kept)
            pieces: Iterable[pl.DataFrame] = [selected.collect(engine="streaming")] if rows is None else []
            for piece in pieces or selected.collect_batches(chunk_size=rows, maintain_order=True):
                if some and not piece.height:
                    continue
                some = True
                texts, more, gone = _placed(piece, name, breaks)
                breaks, blank, count = breaks + more, blank + gone, count + texts.height
                yield _emptied(texts, spec, kept)
            if not some:
                yield _emptied(_placed(selected.collect(), name, 0)[0], spec, kept)
        except PolarsError as error:
            raise UnreadableError(name, f"cannot be read: {_first_line(error)}", _remedy(error)) from error
        self.read[name] = FileFacts(name, path.stat().st_size, count, blank)

    def _scan(self, path: Path, spec: FileSpec) -> pl.LazyFrame:
        name, form = self.name(path), _form(path, spec)
        if form is Format.PARQUET:
            return pl.scan_parquet(path, glob=False).select(pl.all().cast(pl.String()))
        if form is Format.XLSX:
            if path.stat().st_size > SHEET_LARGEST:
                why = f"is a workbook of more than {SHEET_LARGEST >> 20} MB"
                raise UnreadableError(name, why, "save it as CSV or Parquet, which are read bit by bit")
            return _sheet(path, spec, name).lazy()
        return _csv(self._text(path, spec, name), spec)

    def _may_break(self, path: Path, spec: FileSpec) -> bool:
        """Whether a cell may hold a line break: only between quotes, and most extracts have none."""
        source = self._text(path, spec, self.name(path)) if _form(path, spec) is Format.CSV else None
        if not isinstance(source, Path):
            return True
        if not spec.quote:
            return False
        with source.open("rb") as stream:
            if stream.read(2) == b"\x1f\x8b":
                return True
            stream.seek(0)
            quote = spec.quote.encode()
            return any(quote in chunk for chunk in iter(lambda: stream.read(_CHUNK), b""))

    def _text(self, path: Path, spec: FileSpec, name: str) -> Path | BytesIO:
        """The file where it is plain UTF-8, else its text: in memory where small, written out where large."""
        if path.stat().st_size == 0:
            raise UnreadableError(name, "is empty", "export it again")
        plain = spec.encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig", "ascii"}
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        if plain and not packed:
            return path
        if plain and path.stat().st_size <= _RECODE_ABOVE // 8:
            return path
        known = self._plain.get((path, spec.encoding))
        if known is None and (self.scratch is None or path.stat().st_size <= _RECODE_ABOVE // (8 if packed else 1)):
            return BytesIO(b"".join(_recoded(path, spec, name)))
        if known is None:
            folder = self.scratch or path.parent
            folder.mkdir(parents=True, exist_ok=True)
            known = folder / f"{uuid4().hex}.csv"
            with known.open("wb") as out:
                out.writelines(_recoded(path, spec, name))
            self._plain[(path, spec.encoding)] = known
        return known


def _form(path: Path, spec: FileSpec) -> Format:
    if spec.format is not Format.AUTO:
        return spec.format
    by_ending = {".xlsx": Format.XLSX, ".xlsm": Format.XLSX, ".parquet": Format.PARQUET}
    return by_ending.get(path.suffix.lower(), Format.CSV)


def _selected(scan: pl.LazyFrame, spec: FileSpec, there: tuple[list[str], list[str]], kept: list[str]) -> pl.LazyFrame:
    """``there`` are all columns, and those that may hold a line break."""
    breaks = [pl.col(one).str.count_matches("\n", literal=True) for one in there[1]]
    return scan.with_row_index(ROW).select(
        pl.col(ROW).cast(pl.Int64()) + spec.skip_rows + (2 if spec.header else 1),
        pl.all_horizontal(pl.col(one).is_null() for one in there[0]).alias("__blank"),
        (pl.sum_horizontal(breaks) if breaks else pl.lit(0, pl.UInt32)).alias("__breaks"),
        *(pl.col(one).str.strip_chars() for one in kept),
    )


def _placed(piece: pl.DataFrame, name: str, breaks: int) -> tuple[pl.DataFrame, int, int]:
    """Rows at their line of the file (cells of several lines push what follows down), and the breaks and blank rows."""
    more = int(piece["__breaks"].sum())
    if more:
        piece = piece.with_columns(pl.col(ROW) + pl.col("__breaks").fill_null(0).cum_sum().shift(1, fill_value=0))
    if breaks:
        piece = piece.with_columns(pl.col(ROW) + breaks)
    blank = int(piece["__blank"].sum())
    texts = (piece.filter(~pl.col("__blank")) if blank else piece).drop("__blank", "__breaks")
    return texts.select(pl.lit(name).alias(FILE), pl.all()), more, blank


def _emptied(texts: pl.DataFrame, spec: FileSpec, kept: list[str]) -> pl.DataFrame:
    empty = ["", *spec.nulls]
    return texts.with_columns(pl.when(~pl.col(one).is_in(empty)).then(pl.col(one)).alias(one) for one in kept)


def _recoded(path: Path, spec: FileSpec, name: str) -> Iterator[bytes]:
    """The file unpacked and as UTF-8, chunk by chunk."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    decoder = codecs.getincrementaldecoder(spec.encoding)()
    lines, first = 1, True
    with gzip.open(path, "rb") if packed else path.open("rb") as source:
        while True:
            raw = source.read(_CHUNK)
            try:
                text = decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                line = lines + error.object.count(b"\n", 0, error.start)
                raise UnreadableError(
                    name, f"is not {spec.encoding} (line {line})", "name the right `encoding`"
                ) from error
            lines += raw.count(b"\n")
            yield (text.lstrip("\ufeff") if first else text).encode()
            first = False
            if not raw:
                return


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


def _csv(source: Path | BytesIO, spec: FileSpec) -> pl.LazyFrame:
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
