from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tierwise.demo.company import Company, generate, generate_parts
from tierwise.demo.extract import MAPPING_PATH, write_extract
from tierwise.lake.imports import prepare
from tierwise.lake.issues import Severity
from tierwise.lake.mapping_reader import load_mapping
from tierwise.lake.schemas import FACTS, MASTERS, TABLES

ENDS_ON = date(2026, 6, 30)
TABLE_NAMES = {table.name for table in (*MASTERS, *FACTS)}


@pytest.fixture(scope="module")
def small() -> Company:
    return generate("small", seed=7, ends_on=ENDS_ON)


@pytest.fixture(scope="module")
def folder(small: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extract")
    write_extract(small, folder)
    return folder


def test_the_mapping_fills_every_table() -> None:
    assert set(load_mapping(MAPPING_PATH).tables) == TABLE_NAMES


def test_files_look_like_an_extract_and_not_like_our_tables(folder: Path) -> None:
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert kinds == {".csv", ".tsv", ".xlsx", ".parquet"}
    first, second = (folder / "purchasing/po_lines.csv").read_text().splitlines()[:2]
    assert first.startswith("PO_NUMBER;PO_ITEM;CHANGE_NO;CHANGED_ON")
    assert len(second.split(";")[3].split(".")) == 3
    assert "00.00.0000" in (folder / "master/material_master.csv").read_text()


def test_importing_the_extract_gives_the_company_back(small: Company, folder: Path) -> None:
    prepared = prepare(folder, load_mapping(MAPPING_PATH))
    assert prepared.report.total(Severity.REFUSE) == 0
    for name in sorted(TABLE_NAMES):
        key = list(TABLES[name].key)
        got = prepared.tables[name].select(small[name].columns).sort(key)
        assert_frame_equal(got, small[name].sort(key), check_exact=False, rel_tol=1e-12)


def test_equal_companies_write_equal_files(small: Company, folder: Path, tmp_path: Path) -> None:
    paths = write_extract(generate("small", seed=7, ends_on=ENDS_ON), tmp_path)
    assert len(paths) == len(TABLE_NAMES)
    for path in paths:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name


def test_several_parts_become_numbered_files(tmp_path: Path) -> None:
    parts = generate_parts("large", seed=7, ends_on=ENDS_ON)
    paths = write_extract([next(parts), next(parts)], tmp_path)
    names = {path.name for path in paths}
    assert {"vendors_000.csv", "po_lines_000.csv", "po_lines_001.csv"} <= names
    assert "vendors_001.csv" not in names
    lines = pl.read_parquet(tmp_path / "sales/sales_lines_001.parquet")
    assert lines.height > 100_000
