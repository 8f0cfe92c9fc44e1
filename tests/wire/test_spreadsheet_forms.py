"""Forms that are sent out, filled in and sent back: what is written is what is read, and nothing strange gets in."""

from __future__ import annotations

import contextlib
import io
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.wire.spreadsheets import (
    Form,
    FormColumn,
    Kind,
    Limits,
    Note,
    UnreadableWorkbook,
    Workbook,
    base_digest,
    base_of,
    merge_form,
    read_form,
    read_stamp,
    render_form,
)
from tierwise.wire.spreadsheets.cells import CellKind
from tierwise.wire.spreadsheets.forms import KEY_TITLE, STAMP_SHEET
from tierwise.wire.spreadsheets.values import cleaned

FORM = Form(
    "Lines: June/July",
    (
        FormColumn("order", "Order"),
        FormColumn("due", "Due", Kind.DATE),
        FormColumn("reply", "Reply", editable=True, choices=(("late", "Came late"), ("short", "Came short"))),
        FormColumn("text", "What happened", editable=True, max_length=400, help="One sentence"),
        FormColumn("on", "Delivered on", Kind.DATE, editable=True, least=date(2020, 1, 1)),
        FormColumn("quantity", "Quantity", Kind.DECIMAL, editable=True, unit="EA", decimals=4, least=0),
        FormColumn("days", "Days", Kind.INTEGER, editable=True, most=90),
    ),
)
ROW: dict[str, object] = {
    "key": "k1", "order": "PO1", "due": date(2025, 6, 10), "reply": "", "text": "", "on": None, "quantity": None,
    "days": None,
}  # fmt: skip


def row(key: str, **values: object) -> dict[str, object]:
    return ROW | {"key": key} | values


def sent(data: bytes, form: Form = FORM) -> Any:
    book = Workbook(data)
    return read_form(book, read_stamp(book), form)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.uuids().map(str),
            "order": texts,
            "due": st.none() | st.dates(date(1900, 3, 1)),
            "reply": st.sampled_from(["", "late", "short"]),
            "text": texts,
            "on": st.none() | st.dates(date(2020, 1, 1)),
            "quantity": st.none() | st.decimals(0, 10**13, places=4, allow_nan=False),
            "days": st.none() | st.integers(-(10**17), 90),
        }
    ),
    max_size=6,
    unique_by=lambda one: one["key"],
)


@settings(max_examples=60)
@given(rows)
def test_an_untouched_form_reads_back_as_its_rows_and_changes_nothing(given_rows: list[dict[str, object]]) -> None:
    back = sent(render_form(FORM, given_rows, "token"))
    assert back.faults == ()
    base = base_of(FORM, given_rows)
    assert {key: tuple(one.values.values()) for key, one in back.rows.items()} == base
    assert back.stamp.base == base
    assert base_digest(back.stamp.base) == base_digest(base)
    assert back.stamp.token == "token"
    merged = merge_form(FORM, back, base)
    assert (merged.changes, merged.conflicts, merged.already) == ((), (), 0)


@settings(max_examples=60)
@given(st.data())
def test_a_merge_takes_each_cell_from_whoever_changed_it(data: st.DataObject) -> None:
    cell = st.sampled_from(["", "a", "b", "c"])
    base, mine, theirs = (data.draw(st.lists(cell, min_size=4, max_size=4)) for _ in range(3))
    form = Form("F", [FormColumn(f"f{n}", f"F{n}", editable=True) for n in range(2)])

    def as_rows(cells: list[str]) -> list[dict[str, object]]:
        return [{"key": f"k{n}", "f0": cells[2 * n], "f1": cells[2 * n + 1]} for n in range(2)]

    filled = edited(render_form(form, as_rows(base), "t"), form, as_rows(mine))
    merged = merge_form(form, sent(filled, form), base_of(form, as_rows(theirs)))
    result = {key: list(values) for key, values in base_of(form, as_rows(theirs)).items()}
    for change in merged.changes:
        assert change.changed
        result[change.key] = [str(change.values[name] or "") for name in ("f0", "f1")]
    against = {(one.key, one.field) for one in merged.conflicts}
    for place, (was, sends, now) in enumerate(zip(base, mine, theirs, strict=True)):
        key, name = f"k{place // 2}", f"f{place % 2}"
        expected = now if sends == was else sends
        assert ((key, name) in against) == (sends not in (was, now) and now != was)
        if (key, name) not in against:
            assert result[key][place % 2] == expected


def edited(data: bytes, form: Form, filled: Sequence[dict[str, object]], **changes: Any) -> bytes:
    """The same form as another program saves it: all texts shared, own styles, values as its user left them."""
    book = Workbook(data)
    stamp = list(book.rows(STAMP_SHEET))
    buffer = io.BytesIO()
    out = xlsxwriter.Workbook(buffer, {"strings_to_formulas": False})
    page = out.add_worksheet(changes.get("sheet", form.sheet))
    day = out.add_format({"num_format": "dd.mm.yyyy"})
    top = changes.get("top", 0)
    titles = [KEY_TITLE, *(column.title for column in form.columns)]
    fields = [form.key, *(column.field for column in form.columns)]
    order = changes.get("order", list(range(len(fields))))
    rename: Callable[[str], str] = changes.get("rename", lambda title: title)
    for place, which in enumerate(order):
        page.write(top, place, rename(titles[which]))
        for line, one in enumerate(filled, start=top + 1):
            value = one.get(fields[which])
            if isinstance(value, date):
                page.write_datetime(line, place, value, day)
            elif value is not None and value != "":
                page.write(line, place, value)
    hidden = out.add_worksheet(STAMP_SHEET)
    hidden.hide()
    for number, cells in stamp:
        for place, cell in cells.items():
            hidden.write_string(number - 1, place, cell.text)
    out.close()
    return buffer.getvalue()


def test_rows_may_be_moved_and_left_out_and_columns_moved_and_added() -> None:
    data = render_form(FORM, [row("k1"), row("k2"), row("k3")], "t")
    back = sent(
        edited(data, FORM, [row("k3", reply="Came SHORT", days=4), row("k1", on=date(2025, 6, 9))],
               order=[0, 4, 7, 3, 6, 5, 2], top=3)
    )  # fmt: skip
    merged = merge_form(FORM, back, base_of(FORM, [row("k1"), row("k2"), row("k3")]))
    assert [
        (c.key, sorted(c.changed), c.values["reply"], c.values["days"], c.values["on"]) for c in merged.changes
    ] == [
        ("k3", ["days", "reply"], "short", 4, None),
        ("k1", ["on"], None, None, date(2025, 6, 9)),
    ]
    assert back.cell("k3", "days") == "C5"
    assert back.cell("k2", "days") == ""


def test_a_renamed_sheet_is_found_by_its_key_column() -> None:
    data = render_form(FORM, [row("k1")], "t")
    assert sent(edited(data, FORM, [row("k1", days=3)], sheet="Tabelle1")).rows["k1"].values["days"] == "3"


def test_a_renamed_header_is_told_with_its_cell_and_what_stands_there() -> None:
    data = render_form(FORM, [row("k1")], "t")
    changed = edited(data, FORM, [row("k1")], rename=lambda title: title.replace("Days", "Tage"))
    with pytest.raises(UnreadableWorkbook, match=r"header_changed \(sheet=.*, cell=H1, title=Days, now=Tage\)"):
        sent(changed)
    with pytest.raises(UnreadableWorkbook, match="header_row_gone"):
        sent(edited(data, FORM, [row("k1")], rename=lambda title: title.replace(KEY_TITLE, "Key")))


@pytest.mark.parametrize(
    ("changes", "cell", "why"),
    [
        ({"reply": "Never came"}, "D2", "not_a_choice (all=Came late, Came short"),
        ({"text": "x" * 401}, "E2", "too_long (n=401, most=400)"),
        ({"on": "06/09/2025"}, "F2", "date_form (day=2025-07-31)"),
        ({"on": "2025-02-30"}, "F2", "no_such_day"),
        ({"on": date(2019, 12, 31)}, "F2", "too_little (least=2020-01-01)"),
        ({"quantity": -1}, "G2", "too_little (least=0)"),
        ({"quantity": "1,5"}, "G2", "number_form"),
        ({"quantity": 0.12345}, "G2", "too_many_decimals (n=4)"),
        ({"days": 2.5}, "H2", "not_whole"),
        ({"days": 91}, "H2", "too_much (most=90)"),
    ],
)
def test_a_cell_that_cannot_be_taken_is_told_with_address_value_and_remedy(
    changes: dict[str, object], cell: str, why: str
) -> None:
    back = sent(edited(render_form(FORM, [row("k1")], "t"), FORM, [row("k1", **changes)]))
    (fault,) = back.faults
    assert (fault.sheet, fault.cell, fault.key, fault.field) == (back.sheet, cell, "k1", next(iter(changes)))
    assert why in str(fault.why)
    assert fault.value == str(next(iter(changes.values())))[:200] or fault.field == "on"


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"on": "09.06.2025"}, "2025-06-09"), ({"on": "2025-6-9"}, "2025-06-09"),
        ({"on": date(2025, 6, 9)}, "2025-06-09"),
        ({"quantity": 123456789.123456 - 0.000056}, "123456789.1234"), ({"quantity": "12 000.50"}, "12000.5"),
        ({"quantity": 0.1}, "0.1"), ({"days": 7.0}, "7"), ({"reply": "late"}, "late"), ({"text": 12}, "12"),
        ({"text": " two\r\nlines "}, "two\nlines"),
    ],
)  # fmt: skip
def test_a_cell_is_taken_as_programs_and_people_write_it(changes: dict[str, object], value: str) -> None:
    back = sent(edited(render_form(FORM, [row("k1")], "t"), FORM, [row("k1", **changes)]))
    assert back.faults == ()
    assert back.rows["k1"].values[next(iter(changes))] == value


def test_foreign_and_doubled_rows_are_told() -> None:
    data = render_form(FORM, [row("k1")], "t")
    back = sent(edited(data, FORM, [row("k1"), row("k1"), row("", text="mine"), row("k9", text="also")]))
    assert [(f.cell, str(f.why)) for f in back.faults] == [
        ("A3", "row_twice (row=2)"),
        ("E4", "row_not_of_form"),
    ]
    (conflict,) = merge_form(FORM, back, base_of(FORM, [row("k1")])).conflicts
    assert (conflict.gone, conflict.cell) == (True, "A5")


def test_a_row_that_is_gone_stands_against_its_changes_only() -> None:
    data = render_form(FORM, [row("k1"), row("k2")], "t")
    back = sent(edited(data, FORM, [row("k1", days=1), row("k2")]))
    (conflict,) = merge_form(FORM, back, {}).conflicts
    assert (conflict.key, conflict.field, conflict.gone, conflict.cell) == ("k1", "days", True, "H2")


def test_an_error_in_a_formula_is_told_and_a_result_is_taken() -> None:
    data = render_form(FORM, [row("k1")], "t")
    raw = unpacked(edited(data, FORM, [row("k1", days=4, quantity=5)]))
    sheet = "xl/worksheets/sheet1.xml"
    raw[sheet] = re.sub(rb'(<c r="H2")([^>]*)><v>4</v>', rb'\1\2 t="e"><f>1/0</f><v>#DIV/0!</v>', raw[sheet])
    raw[sheet] = re.sub(rb"<v>5</v>", rb"<f>2+3</f><v>5</v>", raw[sheet])
    back = sent(packed(raw))
    (fault,) = back.faults
    assert (fault.cell, fault.value) == ("H2", "#DIV/0!")
    assert back.rows["k1"].values["quantity"] == "5"


def test_dates_of_a_workbook_begun_on_an_old_macintosh() -> None:
    data = render_form(FORM, [row("k1", on=date(2025, 6, 9))], "t")
    raw = unpacked(data)
    raw["xl/workbook.xml"] = raw["xl/workbook.xml"].replace(b"<workbookPr ", b'<workbookPr date1904="1" ')
    assert sent(packed(raw)).rows["k1"].values["on"] == "2029-06-10"  # 1462 days later: the same serial number


def test_text_is_no_formula_wherever_it_comes_from() -> None:
    evil = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"]
    data = render_form(
        FORM, [row(f"={n}", order=text, text=text) for n, text in enumerate(evil)], "t",
        {("=0", "text"): Note("=1+1", evil[0])},
    )  # fmt: skip
    parts = unpacked(data)
    assert not any(b"<f>" in part for name, part in parts.items() if name.startswith("xl/worksheets"))
    back = sent(data)
    assert [one.values["text"] for one in back.rows.values()] == [cleaned(text) for text in evil]


def test_what_may_be_changed_is_open_and_checked_and_all_else_is_locked() -> None:
    parts = unpacked(render_form(FORM, [row("k1"), row("k2")], "secret token"))
    sheet, book = parts["xl/worksheets/sheet1.xml"].decode(), parts["xl/workbook.xml"].decode()
    assert "<sheetProtection" in sheet
    assert '<pane xSplit="2" ySplit="1"' in sheet
    assert set(re.findall(r'type="(\w+)"[^>]*sqref="([A-Z])2:\2?[A-Z]3"', sheet)) >= {("list", "D"), ("date", "F")}
    assert "'Tierwise lists'!$A$1:$A$2" in sheet
    assert book.count('state="veryHidden"') == 2
    assert re.search(r'<col min="1" max="1"[^>]*hidden="1"', sheet)


def test_notes_stand_beside_what_was_sent() -> None:
    notes = {("k1", "days"): Note("91 is more than 90", "ninety"), ("k1", "text"): Note("", "mine", bad=False)}
    data = render_form(FORM, [row("k1", days=4, text="theirs")], "t", notes)
    back = sent(data)
    assert (back.rows["k1"].values["text"], back.faults[0].value) == ("mine", "ninety")
    assert back.stamp.base["k1"][-1] == "4"
    assert b"91 is more than 90" in unpacked(data)["xl/comments1.xml"]


def test_a_list_of_any_length_is_offered() -> None:
    choices = [(f"v{n}", f"A rather long label number {n}") for n in range(700)]
    form = Form("Long", [FormColumn("pick", "Pick", editable=True, choices=choices)])
    data = render_form(form, [{"key": "1", "pick": "v699"}], "t")
    assert sent(data, form).rows["1"].values["pick"] == "v699"


# what must not be read


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return buffer.getvalue()


def test_what_unpacks_to_too_much_is_refused_whatever_its_header_says() -> None:
    parts = unpacked(render_form(FORM, [row("k1")], "t"))
    bomb = packed(parts | {"xl/media/image1.png": bytes(40 * 2**20)})
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableWorkbook, match=r"unpacks_too_large \(n=8\)"):
        Workbook(bomb, Limits(unpacked=8 * 2**20))
    true_size = struct.pack("<I", 40 * 2**20)
    liar = bomb.replace(true_size, struct.pack("<I", 100))
    assert liar != bomb
    with pytest.raises(UnreadableWorkbook, match=r"unpacks_too_large \(n=8\)"):
        Workbook(liar, Limits(unpacked=8 * 2**20))


def test_a_cell_in_the_last_corner_costs_nothing() -> None:
    parts = unpacked(render_form(FORM, [row("k1", days=3)], "t"))
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</sheetData>", far)
    assert sent(packed(parts)).rows["k1"].values["days"] == "3"


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"hello", packed({"a": b"b"}), packed({"xl/workbook.xml": b"<a", "x": b""})]
)
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableWorkbook):
        Workbook(data)


def test_entities_are_refused() -> None:
    parts = unpacked(render_form(FORM, [row("k1")], "t"))
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + parts[sheet].partition(b"?>")[2]
    with pytest.raises(UnreadableWorkbook):
        Workbook(packed(parts))


def test_a_foreign_workbook_and_a_damaged_stamp_say_so() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        book.add_worksheet("Prices").write(0, 0, "x")
    with pytest.raises(UnreadableWorkbook, match="not_ours"):
        read_stamp(Workbook(buffer.getvalue()))
    parts = unpacked(render_form(FORM, [row("k1")], "t"))
    parts = {name: part.replace(b"tierwise form 1", b"tierwise form 9") for name, part in parts.items()}
    with pytest.raises(UnreadableWorkbook, match="other_release"):
        read_stamp(Workbook(packed(parts)))


def test_too_many_rows_and_a_file_too_large_are_refused() -> None:
    data = render_form(FORM, [row(f"k{n}") for n in range(12)], "t")
    with pytest.raises(UnreadableWorkbook, match=r"too_many_rows \(n=10\)"):
        list(Workbook(data, Limits(rows=10)).rows(FORM.sheet))
    with pytest.raises(UnreadableWorkbook, match="too_large"):
        Workbook(data, Limits(packed=100))


@settings(max_examples=40)
@given(st.data())
def test_damaged_files_are_refused_and_never_crash(data: st.DataObject) -> None:
    whole = bytearray(render_form(FORM, [row("k1", text="hello")], "t"))
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnreadableWorkbook):
        sent(bytes(whole))


def test_cell_kinds_are_told_apart() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet("S")
        page.write_number(0, 1, 1.5)
        page.write_boolean(0, 2, True)
        page.write_rich_string(1, 0, "a ", book.add_format({"bold": True}), "b", "c")
        page.write_string(2, 0, "_x0041_")
    found = dict(Workbook(buffer.getvalue()).rows("S"))
    assert found[1][1].kind is CellKind.NUMBER
    assert (found[1][2].kind, found[1][2].text) == (CellKind.FLAG, "1")
    assert (found[2][0].text, found[3][0].text) == ("a bc", "_x0041_")


def test_forms_say_what_is_wrong_with_them() -> None:
    editable = FormColumn("a", "A", editable=True)
    for wrong in (
        lambda: Form("F", [FormColumn("a", "A")]),
        lambda: Form("F", [editable, replace(editable, field="b")]),
        lambda: FormColumn("a", "A", Kind.FLAG, editable=True),
        lambda: FormColumn("a", "A", editable=True, choices=[("x", "Same"), ("y", "same")]),
        lambda: FormColumn("a", "A", Kind.INTEGER, editable=True, least=3, most=2),
        lambda: base_of(Form("F", [editable]), [{"key": 1, "a": ""}, {"key": 1, "a": ""}]),
    ):
        with pytest.raises(ValueError, match=r"^Form"):
            wrong()


def test_exact_numbers_survive() -> None:
    quantity = Decimal("12345678901234.5678")
    assert sent(render_form(FORM, [row("k1", quantity=quantity)], "t")).rows["k1"].values["quantity"] == str(quantity)


def test_a_form_that_libreoffice_saved_is_taken_back() -> None:
    """A form filled in and saved anew by ``soffice --convert-to xlsx``: stamp, keys and types survive."""
    data = (Path(__file__).parent.parent / "fixtures" / "form-saved-by-libreoffice.xlsx").read_bytes()
    back = sent(data)
    assert (back.stamp.token, back.faults) == ("token-of-the-form", ())
    said = {"reply": "late", "text": "Ünïcode & <tags>", "on": date(2025, 6, 9), "quantity": Decimal("11.5"), "days": 3}
    stands = [row("k1", order="PO-A"), row("k2", **said), row("k3", order="00012")]
    merged = merge_form(FORM, back, base_of(FORM, stands))
    assert not merged.conflicts
    (change,) = merged.changes
    assert (change.key, change.changed) == ("k1", {"reply", "quantity", "on"})
    assert [change.values[name] for name in ("reply", "quantity", "on", "text")] == [
        "short", Decimal("7.25"), date(2025, 6, 12), None,
    ]  # fmt: skip
