"""Files of all kinds come in as text, and every row knows where it stood."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from tierwise.lake.mapping import FileSpec, Format
from tierwise.lake.readers import FILE, ROW, Extract, UnreadableError, fingerprint


def read(folder: Path, asked: set[str], /, **options: object) -> pl.DataFrame:
    options = {"path": "a.csv"} | options
    return Extract(folder).texts(FileSpec("a", "files.a", **options), asked)  # type: ignore[arg-type]


def test_trims_and_counts_as_a_person_would(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufeffx,y\r\n 1 ,\r\n\r\n3,z\r\n".encode())
    rows = read(tmp_path, {"x", "y"})
    assert rows.rows() == [("a.csv", 2, "1", None), ("a.csv", 4, "3", "z")]


def test_counts_lines_inside_quoted_cells(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('x,y\n1,"two\nlines\nhere"\n2,b\n')
    assert read(tmp_path, {"x"})[ROW].to_list() == [2, 5]


def test_tab_without_header_or_quotes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('1\t3" pipe\n2\t"half\n')
    rows = read(tmp_path, {"id", "name"}, separator="\t", quote="", header=False, columns=("id", "name"))
    assert rows.rows() == [("a.csv", 1, "1", '3" pipe'), ("a.csv", 2, "2", '"half')]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes("name;n\nMüller;1\n".encode(encoding))
    assert read(tmp_path, {"name"}, separator=";", encoding=encoding)["name"].to_list() == ["Müller"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_gzip(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress("x\nä\n".encode(encoding)))
    assert read(tmp_path, {"x"}, path="a.csv.gz", encoding=encoding)["x"].to_list() == ["ä"]


def test_several_files_by_pattern(tmp_path: Path) -> None:
    (tmp_path / "s_2.csv").write_text("x\n3\n")
    (tmp_path / "s_1.csv").write_text("x\n1\n2\n")
    rows = read(tmp_path, {"x"}, path="s_*.csv")
    assert rows.rows() == [("s_1.csv", 2, "1"), ("s_1.csv", 3, "2"), ("s_2.csv", 2, "3")]


def test_null_words_and_skipped_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("exported today\nx,y\nNULL,1\n2,2\n")
    rows = read(tmp_path, {"x"}, nulls=("NULL",), skip_rows=1)
    assert rows.select(ROW, "x").rows() == [(3, None), (4, "2")]


def test_workbook_sheet(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "b.xlsx") as book:
        book.add_worksheet("Other").write_row(0, 0, ["x"])
        sheet = book.add_worksheet("Data")
        sheet.write_row(0, 0, ["code", "n", "day"])
        sheet.write_row(1, 0, ["007", 2.5])
        sheet.write_datetime(1, 2, date(2024, 2, 29), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_row(2, 0, ["008", 3])
    rows = read(tmp_path, {"code", "n", "day"}, path="b.xlsx", sheet="Data")
    assert rows[ROW].to_list() == [2, 3]
    assert rows["code"].to_list() == ["007", "008"]
    assert rows["n"].to_list() == ["2.5", "3"]
    assert rows["day"][0].startswith("2024-02-29")
    with pytest.raises(UnreadableError, match=r"no sheet 'Dat'; did you mean 'Data'"):
        read(tmp_path, {"code"}, path="b.xlsx", sheet="Dat")


def test_parquet(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1, 2], "y": ["a", None]}).write_parquet(tmp_path / "p.parquet")
    assert read(tmp_path, {"x", "y"}, path="p.parquet").select("x", "y").rows() == [("1", "a"), ("2", None)]


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b"x,y\n1,2\n", {"path": "b.csv"}, "no such file in the extract; did you mean 'a.csv'"),
        (b"Order,y\n1,2\n", {}, "has no column 'order'; did you mean 'Order'"),
        (b"order\n\xff\n", {}, "name its `encoding`"),
        (b"order\n\x81\n", {"encoding": "cp1252"}, "is not cp1252 \\(line 2\\)"),
        (b"order\n1,2\n", {}, "separator"),
        (b"1,2\n", {"header": False, "columns": ("order",)}, "list exactly the columns"),
        (b"", {}, "is empty"),
        (b"order,order\n1,2\n", {}, "has the column 'order' twice"),
        (b"no workbook", {"format": Format.XLSX}, "save it again as .xlsx"),
    ],
)
def test_says_why_a_file_cannot_be_read(tmp_path: Path, content: bytes, options: dict[str, object], says: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UnreadableError, match=says):
        read(tmp_path, {"order"}, **options)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("x\n1\n")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(UnreadableError, match="leads out of the folder"):
        read(folder, {"x"})


def test_fingerprint_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert fingerprint(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_remembers_what_it_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,1\n,\n2,2\n")
    extract = Extract(tmp_path)
    extract.texts(FileSpec("a", "files.a", "a.csv"), {"x"})
    assert (extract.read["a.csv"].rows, extract.read["a.csv"].blank_rows) == (2, 1)
    assert FILE == "__file"
