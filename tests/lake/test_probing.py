"""What is proposed for a file: how it is written, which field a column is, and what somebody must look at."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from tierwise.lake.imports import ImportRefused, Options, prepare
from tierwise.lake.mapping_reader import load_mapping, read_mapping
from tierwise.lake.probing import ProbeError, Proposal, probe
from tierwise.lake.probing.contents import content_of
from tierwise.lake.probing.dialects import sniff
from tierwise.lake.probing.naming import likeness, words

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


def columns(found: Proposal) -> dict[str, str]:
    return {one.field.name: one.content.name for one in found.found}


PURCHASES = """Bestellung;Position;Lieferant;Artikel;Werk;Bestelldatum;Menge;Preis;Währung;Bemerkung
4500001;10;V1;A-1;W1;03.02.2024;1.234,50;12,40;EUR;schön
4500001;20;V1;A-2;W1;03.02.2024;17;n/a;EUR;
4500002;10;V2;A-1;W1;28.02.2024;200;3,99;CHF;
"""


def test_a_german_extract(tmp_path: Path) -> None:
    path = tmp_path / "bestellungen.csv"
    path.write_bytes(PURCHASES.encode("cp1252"))
    found = probe(path, "purchase_line")
    assert columns(found) == {
        "order": "Bestellung", "line": "Position", "supplier": "Lieferant", "item": "Artikel", "site": "Werk",
        "ordered_on": "Bestelldatum", "quantity": "Menge", "price": "Preis", "currency": "Währung",
    }  # fmt: skip
    assert found.unmatched == ("Bemerkung",)
    assert found.missing == ()
    mapping = read_mapping(found.document)
    (block,) = mapping.blocks
    assert (mapping.files["extract"].separator, mapping.files["extract"].encoding) == (";", "latin-1")
    assert block.columns["ordered_on"].rule.dates == ("%d.%m.%Y",)
    assert (block.columns["quantity"].rule.decimal, block.columns["quantity"].rule.thousands) == (",", ".")
    assert list(block.columns["price"].rule.null_tokens) == ["n/a"]
    known = {"supplier": ["V1", "V2"], "item": ["A-1", "A-2"], "site": ["W1"]}
    codes = {name: pl.Series(values) for name, values in known.items()}
    rows = prepare(tmp_path, mapping, Options(codes)).tables["purchase_line"]
    assert rows["quantity"].to_list()[0] == pytest.approx(1234.5)
    assert rows["price"].null_count() == 1
    assert probe(path, "", codes).table == "purchase_line", "and the table is found by itself"


def test_an_ambiguous_date_and_a_doubtful_sign_are_said(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        'order,line,item,customer,order date,quantity\n1,1,A,K,03/02/2024,"1,234"\n1,2,A,K,04/05/2024,"2,500"\n'
    )
    said = " ".join(probe(path, "demand").warnings)
    assert "can be read as %d/%m/%Y and as %m/%d/%Y" in said
    assert "may be the decimal sign" in said
    path.write_text(path.read_text() + '1,3,A,K,12/25/2024,"1,0"\n')
    found = probe(path, "demand")
    assert read_mapping(found.document).blocks[0].columns["ordered_on"].rule.dates == ("%m/%d/%Y",)
    assert found.warnings == ()


def test_codes_decide_where_names_do_not(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "order,line,product,product code,customer,date,quantity\n"
        "1,1,Chair,A,K,2024-01-05,1\n1,2,Desk,B,K,2024-01-05,1\n"
    )
    found = probe(path, "demand", {"item": pl.Series(["A", "B"])})
    (item,) = [one for one in found.found if one.field.name == "item"]
    assert item.content.name == "product code"
    assert "100% of its codes are items we know" in item.reason


def test_a_needed_field_without_a_column_stops_the_import_until_it_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text("order,line,item,order date\n1,1,A,2024-01-05\n")
    found = probe(path, "demand")
    assert set(found.missing) == {"customer", "quantity"}
    with pytest.raises(ImportRefused, match="choose a column"):
        prepare(tmp_path, read_mapping(found.document))


def test_repeated_keys(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text("order,item,customer,date,quantity\n1,A,K,2024-01-05,1\n1,A,K,2024-01-05,2\n")
    block = read_mapping(probe(path, "demand").document).blocks[0]
    assert block.columns["line"].source == "item"
    assert block.columns["occurrence"].number_within == ("order", "line")
    (tmp_path / "v.csv").write_text("supplier,name\nV1,One\nV1,One\nV2,Two\n")
    assert read_mapping(probe(tmp_path / "v.csv", "supplier").document).blocks[0].distinct.value == "most_frequent"


@pytest.mark.parametrize(("raw", "expected"), [
    (b"a;b;c\n1;2,5;x\n2;3,5;y\n", ("utf-8", ";", 0, ("a", "b", "c"))),
    ("a\tb\n1\t2\n".encode("utf-16"), ("utf-16", "\t", 0, ("a", "b"))),
    (gzip.compress(b"a|b\n1|2\n"), ("utf-8", "|", 0, ("a", "b"))),
    (b"Report of today\n\na,b\n1,\"2,3\"\n4,5\n", ("utf-8", ",", 2, ("a", "b"))),
    (b"1,x\n2,y\n", ("utf-8", ",", 0, ())),
    ("a,b\n1,€\n".encode("cp1252"), ("cp1252", ",", 0, ("a", "b"))),
], ids=["semicolons", "utf-16", "compressed", "a title above", "no header", "western"])  # fmt: skip
def test_how_a_file_is_written(tmp_path: Path, raw: bytes, expected: tuple[object, ...]) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(raw)
    found = sniff(path)
    assert found is not None
    assert (found.encoding, found.separator, found.skip_rows, found.names) == expected


def test_without_a_header_columns_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("1,2024-01-05\n2,2024-01-06\n")
    mapping = read_mapping(probe(path, "demand").document)
    assert mapping.files["extract"].columns == ("column 1", "column 2")


def test_files_that_are_no_table(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(ProbeError, match="empty or not a table"):
        probe(tmp_path / "empty.csv")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ProbeError, match="not a table"):
        probe(tmp_path / "x.csv", "purchases")


def test_contents() -> None:
    assert content_of(pl.Series("x", ["20240105", "20240230", "20240106"])).odd == ("20240230",)
    assert content_of(pl.Series("x", ["1.5-", "3"])).negative
    assert not content_of(pl.Series("x", ["A1", "B2", "3"])).number
    assert content_of(pl.Series("x", [None, None], dtype=pl.String)).filled == 0


def test_names() -> None:
    assert words("PurchaseOrderID") == words("purchase_order_id") == "purchase order id"
    assert likeness("VendorID", "supplier", "lane") > 0.9
    assert likeness("StockDate", "supplier", "lane") < 0.6


@pytest.mark.skipif(not DATA.exists(), reason="the public extracts are not beside the checkout")
@pytest.mark.parametrize(("file", "table", "example", "least"), [
    ("adventureworks_sales/AdventureWorks_Sales_2017.csv", "demand", "adventureworks_sales", 5),
    ("online_retail/online_retail.csv.gz", "demand", "online_retail", 4),
    ("scms/scms_delivery_history_to_2011.csv", "purchase_line", "scms", 4),
])  # fmt: skip
def test_proposals_for_public_extracts_agree_with_the_shipped_mappings(
    file: str, table: str, example: str, least: int
) -> None:
    path = DATA / file
    if not path.exists():
        pytest.skip(f"{file} is not there")
    shipped = next(
        block for block in load_mapping(ROOT / "examples" / "mappings" / f"{example}.yaml").blocks
        if block.table.name == table
    )  # fmt: skip
    proposed = columns(probe(path, table))
    plain = {name: one.source for name, one in shipped.columns.items() if one.source}
    same = {name for name, source in plain.items() if proposed.get(name) == source}
    wrong = {name: (source, proposed[name]) for name, source in plain.items() if proposed.get(name, source) != source}
    assert len(same) >= least, (same, wrong, plain, proposed)
