"""Writes the demo company as an ERP would hand it out: files that only a mapping makes sense of.

``mapping.yaml`` beside this module is both the layout written here and the mapping that imports it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import polars as pl
import xlsxwriter

from tierwise.demo.company import Company
from tierwise.lake.mapping import Block, ColumnMapping, FileSpec, Format, Mapping, Rule
from tierwise.lake.mapping_reader import load_mapping
from tierwise.lake.schemas import Kind

MAPPING_PATH = Path(__file__).with_name("mapping.yaml")
_DECIMALS = (Kind.QUANTITY, Kind.MONEY, Kind.PRICE)


def write_extract(company: Company | Iterable[Company], folder: Path) -> list[Path]:
    """Writes every table's file below ``folder``; several parts become numbered files, one part in memory at a time."""
    mapping = load_mapping(MAPPING_PATH)
    if isinstance(company, Company):
        return _write(company, mapping, folder, "")
    return [path for number, part in enumerate(company) for path in _write(part, mapping, folder, f"_{number:03d}")]


def _write(company: Company, mapping: Mapping, folder: Path, mark: str) -> list[Path]:
    written = []
    for block in mapping.blocks:
        spec, frame = mapping.files[block.file], company[block.table.name]
        if frame.is_empty():
            continue
        path = folder / spec.path.replace("*", mark)
        path.parent.mkdir(parents=True, exist_ok=True)
        _WRITERS[spec.format](_laid_out(frame, block, spec), path, spec)
        written.append(path)
    return written


def _laid_out(frame: pl.DataFrame, block: Block, spec: FileSpec) -> pl.DataFrame:
    """The columns under the headings of the file, as texts where the file knows nothing else."""
    typed = spec.format in {Format.PARQUET, Format.XLSX}
    columns = []
    for name, mapped in block.columns.items():
        values, kind = frame[name], block.table.column(name).kind
        plain = typed and not mapped.rule.values
        columns.append((_plain(values, spec) if plain else _texts(values, kind, mapped)).alias(mapped.source))
    return pl.DataFrame(columns)


def _plain(values: pl.Series, spec: FileSpec) -> pl.Series:
    """A typed value; spreadsheets know no decimals."""
    return values.cast(pl.Float64) if spec.format is Format.XLSX and values.dtype.is_decimal() else values


def _texts(values: pl.Series, kind: Kind, mapped: ColumnMapping) -> pl.Series:
    rule = mapped.rule
    if kind is Kind.DATE:
        texts = values.dt.to_string(rule.dates[0] if rule.dates else "%Y-%m-%d")
    elif kind in _DECIMALS:
        texts = values.cast(pl.String).str.replace(r"\.?0+$", "")
    else:
        texts = values.cast(pl.String)
    return _coded(texts.str.replace(".", rule.decimal, literal=True) if kind in _NUMBERS else texts, rule)


_NUMBERS = (*_DECIMALS, Kind.RATIO)


def _coded(texts: pl.Series, rule: Rule) -> pl.Series:
    """The file's own codes for our values, nothing for the default, and the token that stands for no value."""
    codes: dict[str, str | None] = {value: code for code, value in rule.values.items()}
    if rule.default is not None and rule.default not in codes:
        codes[rule.default] = None
    coded = texts.replace(codes) if codes else texts
    return coded.fill_null(next(iter(rule.null_tokens))) if rule.null_tokens else coded


def _write_csv(frame: pl.DataFrame, path: Path, spec: FileSpec) -> None:
    path.write_bytes(frame.write_csv(separator=spec.separator).encode(spec.encoding))


def _write_parquet(frame: pl.DataFrame, path: Path, spec: FileSpec) -> None:  # noqa: ARG001
    frame.write_parquet(path)


def _write_xlsx(frame: pl.DataFrame, path: Path, spec: FileSpec) -> None:
    """The workbook's own date of creation is fixed, so that equal companies give equal files."""
    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2020, 1, 1, tzinfo=UTC)})
        frame.write_excel(book, worksheet=spec.sheet)
    path.write_bytes(content.getvalue())


_WRITERS = {
    Format.AUTO: _write_csv,
    Format.CSV: _write_csv,
    Format.PARQUET: _write_parquet,
    Format.XLSX: _write_xlsx,
}
