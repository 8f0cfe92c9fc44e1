"""Files larger than the memory: whatever the size of the pieces, the same rows, faults and counts come of them."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.extracts import DEMAND, KNOWN, bring, refused, write
from tierwise.lake import imports, readers, spilling, staging
from tierwise.lake.imports import Options, prepare
from tierwise.lake.mapping_reader import read_mapping
from tierwise.lake.readers import Extract
from tierwise.lake.transform.sql import looks_around

HEAD = "order,line,item,customer,day,quantity\n"


def lines(count: int, months: int = 5) -> str:
    start = date(2024, 1, 1)
    return HEAD + "".join(
        f"{n // 3},{n % 3},{'ABC'[n % 3]},K{n % 2 + 1},{start + timedelta(days=n * 30 * months // count)},{n}.5\n"
        for n in range(count)
    )


@pytest.fixture
def laid_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "HELD", 40)
    monkeypatch.setattr(staging, "_FULL", 25)


def pieces(folder: Path, rows: int) -> list[pl.DataFrame]:
    mapping = read_mapping(DEMAND)
    return list(Extract(folder).batches(mapping.files["lines"], {"order", "day"}, rows))


def test_pieces_have_the_rows_and_numbers_of_the_whole(tmp_path: Path) -> None:
    text = lines(70).replace("\n5,1,", '\n"5\n0",1,').replace("\n9,0,", '\n\n"9\n\n1",0,')
    write(tmp_path, lines=text)
    whole = pl.concat(pieces(tmp_path, 10_000))
    cut = pieces(tmp_path, 7)
    assert len(cut) > 1
    assert pl.concat(cut).equals(whole)
    assert whole["__row"].is_sorted()
    assert whole["__row"][-1] == text.count("\n")


@pytest.mark.usefixtures("laid_down")
def test_rows_laid_down_by_month_are_those_that_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, lines=lines(200))
    prepared = prepare(tmp_path, read_mapping(DEMAND), Options(KNOWN, scratch=tmp_path / "scratch"))
    staged = prepared.staged["demand"]
    assert staged.laid_down
    assert sum(part.rows for part in staged.parts) == staged.height == 200
    for part in staged.parts:
        months = pl.read_parquet(part.path)["ordered_on"].dt.strftime("%Y-%m").unique().to_list()
        assert months == [part.month]
        assert not {"__file", "__row", "__key"} & set(pl.read_parquet_schema(part.path))
    monkeypatch.setattr(staging, "HELD", 10_000)
    assert prepared.tables["demand"].equals(bring(tmp_path).tables["demand"])
    prepared.discard()
    assert not (tmp_path / "scratch").exists()


@pytest.mark.usefixtures("laid_down")
def test_a_key_twice_is_found_over_all_months_and_a_refusal_leaves_nothing_laid_down(tmp_path: Path) -> None:
    text = lines(200) + "3,1,A,K1,2024-09-01,1\n3,1,A,K1,2024-10-01,1\n"
    write(tmp_path, lines=text)
    with pytest.raises(imports.ImportRefused) as error:
        prepare(tmp_path, read_mapping(DEMAND), Options(KNOWN, scratch=tmp_path / "scratch"))
    said = error.value.report.issues.select("file", "row", "value").rows()
    assert said == [
        ("lines.csv", row, "order=3, line=1, occurrence=1; first in lines.csv row 12") for row in (202, 203)
    ]
    assert not (tmp_path / "scratch").exists()


NUMBERED = DEMAND + "      occurrence: {number_within: [order, line]}\n"


def test_numbers_are_the_same_in_buckets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, lines=lines(120) + lines(120)[len(HEAD) :] + lines(60)[len(HEAD) :])
    key = ["order", "line", "occurrence"]
    whole = bring(tmp_path, NUMBERED).tables["demand"].sort(key)
    monkeypatch.setattr(spilling, "_HELD", 30)
    monkeypatch.setattr(readers, "_CELLS", 1)
    monkeypatch.setattr("tierwise.lake.transform.filling.BATCH", 20)
    cut = prepare(tmp_path, read_mapping(NUMBERED), Options(KNOWN, scratch=tmp_path / "scratch"))
    assert cut.tables["demand"].sort(key).equals(whole)
    assert whole["occurrence"].max() == 3


@pytest.mark.parametrize("thin", ["true", "most_frequent"])
def test_thinned_masters_do_not_depend_on_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thin: str) -> None:
    same = thin == "true"
    body = "".join(f"S{n % 7},{'x' if same else 'xyyz'[n % 4]}{n % 7 if same else ''}\n" for n in range(200))
    write(tmp_path, lines="code,name\n" + body)
    text = f"source: erp\nfiles: {{f: lines.csv}}\ntables:\n  supplier:\n    from: f\n    distinct: {thin}\n"
    text += "    columns: {supplier: code, name: name}\n"
    whole = bring(tmp_path, text)
    monkeypatch.setattr("tierwise.lake.transform.filling.BATCH", 11)
    monkeypatch.setattr("tierwise.lake.imports.preparation._GATHERED", 5)
    cut = bring(tmp_path, text)
    assert cut.tables["supplier"].equals(whole.tables["supplier"])
    assert cut.report.tables[0] == whole.report.tables[0]
    assert whole.report.tables[0].merged == 193


def test_a_fault_of_a_joined_file_is_told_once_over_all_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, lines="order,line,item,quantity\n" + "".join(f"1,{n},A,1\n" for n in range(50)),
          heads="number,customer,day\n1,K1,some day\n")  # fmt: skip
    text = DEMAND.replace("lines: lines.csv", "lines: lines.csv\n  heads: heads.csv").replace(
        "    columns:", "    join: [{file: heads, on: {order: number}}]\n    columns:"
    )
    monkeypatch.setattr("tierwise.lake.transform.filling.BATCH", 9)
    counts = {one.why: one.count for one in refused(tmp_path, text).counts}
    assert counts == {"is not a date": 1, "is missing; every row of demand needs it": 50}


@pytest.mark.parametrize(("sql", "around"), [
    ("ABS(qty) * price", False), ("CASE WHEN kind = 'sum(x)' THEN 1 ELSE 0 END", False), ("\"max(a)\" || 'b'", False),
    ("SUM(qty)", True), ("ROW_NUMBER() OVER (PARTITION BY a)", True), ("COUNT(*)", True), ("a / max ( a )", True),
])  # fmt: skip
def test_sql_that_looks_at_other_rows_gets_the_whole_file(sql: str, around: bool) -> None:
    assert looks_around(sql) is around


def test_a_sum_over_the_file_does_not_depend_on_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, lines=lines(60))
    text = DEMAND.replace("quantity: quantity", "quantity: {sql: COUNT(order) OVER (PARTITION BY item)}")
    whole = bring(tmp_path, text).tables["demand"]
    monkeypatch.setattr("tierwise.lake.transform.filling.BATCH", 7)
    assert bring(tmp_path, text).tables["demand"].equals(whole)
    assert whole["quantity"].unique().to_list() == [20]


def test_large_recoded_and_packed_files_are_written_out_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_RECODE_ABOVE", 0)
    monkeypatch.setattr(readers, "_CHUNK", 64)
    (tmp_path / "lines.csv").write_bytes(gzip.compress(lines(50).replace("A,K1", "Ä,K1").encode("cp1252")))
    text = DEMAND.replace("lines: lines.csv", "lines: {path: lines.csv, encoding: cp1252}")
    known = KNOWN | {"item": pl.Series(["A", "B", "C", "Ä"])}
    prepared = prepare(tmp_path, read_mapping(text), Options(known, scratch=tmp_path / "scratch"))
    assert prepared.tables["demand"]["item"].eq("Ä").sum() == lines(50).count("A,K1")
    prepared.discard()
    assert not (tmp_path / "scratch").exists()


def test_progress_runs_forward_and_may_stop_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, lines=lines(200))
    monkeypatch.setattr("tierwise.lake.transform.filling.BATCH", 9)
    monkeypatch.setattr(staging, "HELD", 40)
    told: list[float] = []
    prepare(tmp_path, read_mapping(DEMAND), Options(KNOWN, lambda _, share: told.append(share), scratch=tmp_path / "s"))
    assert told == sorted(told)
    assert len(told) > 20
    for stop in range(0, len(told), 4):
        left = iter(range(stop))

        def tell(_what: str, _share: float, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise imports.Cancelled

        with pytest.raises(imports.Cancelled):
            prepare(tmp_path, read_mapping(DEMAND), Options(KNOWN, tell, scratch=tmp_path / "t"))
        assert not (tmp_path / "t").exists()
