from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from django.core.exceptions import BadRequest, DisallowedHost, PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.safestring import mark_safe
from pytest_django.fixtures import Settings as SettingsWrapper

from tierwise.kernel.audit import NotFound
from tierwise.web import errors
from tierwise.web.pages import (
    BarChart,
    CellChange,
    Column,
    CoverageCurve,
    Grid,
    HeatCell,
    HeatMap,
    LineChart,
    Link,
    Map,
    Pareto,
    SegmentChip,
    Series,
    Site,
    Status,
    read_changes,
    read_upload,
    respond,
)
from tierwise.web.refusals import refused_response
from tierwise.wire.spreadsheets import UnreadableWorkbook, read_sheet, read_workbook

ROWS = [
    {"id": 1, "item": "A-1", "need_by": date(2026, 3, 1), "open": 12.5, "value": Decimal("99.90"), "state": "late"},
    {"id": 2, "item": "=B", "need_by": None, "open": float("nan"), "value": None, "state": "open"},
]


def orders(rows: object = ROWS, **more: object) -> Grid:
    columns = (
        Column("item", "Item", "code"),
        Column("need_by", "Need by", "date"),
        Column("open", "Open", "quantity", "EA", editable=True),
        Column("value", "Value", "money", "EUR", total=True),
        Column("state", "State", "status", statuses={"late": Status("Late")}),
    )
    return Grid("orders", columns, rows, "None are open.", key="id", **more)  # type: ignore[arg-type]


def embedded(template: str, **context: object) -> str:
    request = RequestFactory().get("/desk/orders/", {"segment": "PRM"})
    return Template("{% load tw %}" + template).render(Context({"request": request, **context}))


def inside(html: str) -> str:
    return html.split('<script type="application/json">')[1].split("</script>", maxsplit=1)[0]


def test_payload_of_rows_and_frame_agree() -> None:
    frame = pl.DataFrame(ROWS, schema_overrides={"value": pl.Decimal(12, 2)})
    by_rows, by_frame = json.loads(orders().payload()), json.loads(orders(frame).payload())
    assert by_rows == by_frame
    assert by_rows["data"]["open"] == [12.5, None]
    assert by_rows["data"]["value"] == [99.9, None]
    assert by_rows["columns"][2]["decimals"] == 0


def test_embedded_json_cannot_end_its_script() -> None:
    html = embedded("{% grid grid %}", grid=orders([{"id": 1, "item": "</script><script>alert(1)</script>&"}]))
    assert html.count("</script>") == 1
    assert json.loads(inside(html))["data"]["item"] == ["</script><script>alert(1)</script>&"]


def test_grid_names_the_address_of_its_export() -> None:
    assert 'export="/desk/orders/?segment=PRM&amp;export=orders"' in embedded("{% grid grid %}", grid=orders())


def test_with_query_changes_one_parameter() -> None:
    assert embedded("{% with_query page=2 segment=None %}") == "?page=2"


@pytest.mark.parametrize("place", ["grid", "list", "nested"])
def test_any_grid_of_the_page_is_exported(place: str) -> None:
    contexts: dict[str, dict[str, object]] = {
        "grid": {"grid": orders()},
        "list": {"grids": [Grid("x", [Column("a", "A")], []), orders()]},
        "nested": {"sections": {"first": (orders(),)}},
    }
    response = respond(RequestFactory().get("/", {"export": "orders"}), "unused.html", contexts[place])
    assert response["Content-Disposition"] == 'attachment; filename="orders.xlsx"'
    frame = read_workbook(response.content)["orders"]
    assert frame["Item"].to_list() == ["A-1", "=B"]
    assert frame["State"].to_list() == ["Late", "open"]
    assert frame["Value [EUR]"].to_list() == [99.9, None]
    assert read_sheet(response.content, orders().sheet())["need_by"].to_list() == [date(2026, 3, 1), None]


def test_exporting_what_the_page_does_not_hold_is_not_found() -> None:
    for grid in (Grid("other", [Column("a", "A")], []), orders(exportable=False)):
        with pytest.raises(Http404):
            respond(RequestFactory().get("/", {"export": "orders"}), "unused.html", {"grid": grid})


def test_changes_are_read_from_the_form() -> None:
    posted = {
        "orders.changes": '[{"row": 1, "field": "open", "value": 7.25}, {"row": 2, "field": "open", "value": null}]'
    }
    assert read_changes(posted, orders()) == [
        CellChange("1", "open", Decimal("7.25")),
        CellChange("2", "open", None),
    ]
    assert read_changes({}, orders()) == []


@pytest.mark.parametrize(
    "cells",
    [
        '[{"row": 1, "field": "value", "value": 1}]',
        '[{"row": 9, "field": "open", "value": 1}]',
        '[{"row": 1, "field": "open", "value": "many"}]',
        '[{"row": 1, "field": "open", "value": NaN}]',
        '{"row": 1}',
        "nothing",
    ],
)
def test_changes_that_the_grid_does_not_offer_are_refused(cells: str) -> None:
    with pytest.raises(BadRequest):
        read_changes({"orders.changes": cells}, orders())


def test_an_export_that_is_sent_back_tells_what_was_changed() -> None:
    edited = orders([{**ROWS[0], "open": 20.0}, {**ROWS[1], "open": 3.0, "value": Decimal(5)}])
    sent = respond(RequestFactory().get("/", {"export": "orders"}), "unused.html", {"grid": edited}).content
    assert read_upload(sent, orders()) == [CellChange("1", "open", Decimal(20)), CellChange("2", "open", Decimal(3))]
    untouched = respond(RequestFactory().get("/", {"export": "orders"}), "unused.html", {"grid": orders()}).content
    assert read_upload(untouched, orders()) == []
    with pytest.raises(UnreadableWorkbook, match=r"row_unknown \(row=3, key=2\)"):
        read_upload(sent, orders(ROWS[:1]))


def test_faulty_grids_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="kind is one of text, code"):
        Column("a", "A", "number")
    with pytest.raises(ValueError, match="a link needs href"):
        Column("a", "A", "link")
    with pytest.raises(ValueError, match="can be summed"):
        Column("a", "A", "date", total=True)
    with pytest.raises(ValueError, match="name stands in addresses"):
        Grid("My grid", [Column("a", "A")], [])
    with pytest.raises(ValueError, match="found twice: a"):
        Grid("g", [Column("a", "A"), Column("a", "B")], [])
    with pytest.raises(ValueError, match="editable columns need key"):
        Grid("g", [Column("a", "A", editable=True)], [])
    with pytest.raises(ValueError, match="the frame has no column b"):
        Grid("g", [Column("b", "B")], pl.DataFrame({"a": [1]}))


def test_charts_hold_gaps_as_null_and_check_lengths() -> None:
    chart = LineChart("T", "EA", x=["a", "b"], series=(Series("s", [1.0, float("nan")], [0, 0], [2, float("inf")]),))
    series = json.loads(chart.payload())["series"][0]
    assert (series["values"], series["high"]) == ([1.0, None], [2, None])
    with pytest.raises(ValueError, match="series s has 1 values for 2 places"):
        BarChart("T", x=["a", "b"], series=(Series("s", [1]),))
    with pytest.raises(ValueError, match="low and high must both be"):
        Series("s", [1, 2], low=[1, 2])
    with pytest.raises(ValueError, match="x must rise"):
        CoverageCurve("T", x=[1, 1], series=())
    with pytest.raises(ValueError, match="cells must be rows × columns"):
        HeatMap("T", rows=["r"], columns=["c"], cells=[[]])


def test_pareto_sorts_and_puts_the_rest_last() -> None:
    causes = json.loads(Pareto("T", causes=[("a", 1), ("b", 5), ("c", 3), ("d", 1)], shown=2).payload())["causes"]
    assert causes == [{"label": "b", "value": 5}, {"label": "c", "value": 3}, {"label": "Other", "value": 2}]


def test_heat_cells_of_few_are_small() -> None:
    heat = HeatMap("T", rows=["r"], columns=[SegmentChip("A", "a", 1), "b"], cells=[[HeatCell(1, 19), HeatCell(1, 20)]])
    assert [cell["s"] for cell in json.loads(heat.payload())["cells"][0]] == [True, False]


def test_maps_check_places_and_lanes() -> None:
    with pytest.raises(ValueError, match="unknown sites b"):
        Map("T", [Site("a", "A", 0, 0)], [Link("a", "b")])
    with pytest.raises(ValueError, match="lies at no place on earth"):
        Map("T", [Site("a", "A", 91, 0)])


def test_instants_leave_as_utc() -> None:
    grid = Grid("g", [Column("at", "At", "instant")], [{"at": datetime(2026, 1, 1, 12, tzinfo=UTC)}])
    assert json.loads(grid.payload())["data"]["at"] == ["2026-01-01T12:00:00+00:00"]


@pytest.mark.parametrize(
    ("view", "status"),
    [(errors.bad_request, 400), (errors.forbidden, 403), (errors.not_found, 404)],
)
def test_error_pages_are_pages_or_fragments(view: object, status: int) -> None:
    full = view(RequestFactory().get("/where"), Exception())  # type: ignore[operator]
    part = view(RequestFactory().get("/where", headers={"HX-Request": "true"}), Exception())  # type: ignore[operator]
    assert full.status_code == part.status_code == status
    assert b"<html" in full.content
    assert b"<html" not in part.content


def test_error_pages_give_the_reason_and_escape_it() -> None:
    page = errors.forbidden(RequestFactory().get("/<b>"), PermissionDenied("Only <i>planners</i> may do this."))
    assert b"Only &lt;i&gt;planners&lt;/i&gt; may do this." in page.content


def test_a_fault_offers_another_try_of_what_was_read_and_the_page_of_what_was_sent() -> None:
    read = errors.server_error(RequestFactory().get("/desk/items/?find=a"))
    sent = errors.server_error(
        RequestFactory().post("/desk/items/x", headers={"Referer": "http://testserver/desk/items/"})
    )
    assert {read.status_code, sent.status_code} == {500}
    assert 'href="/desk/items/?find=a">Try again' in read.content.decode()
    assert 'href="/desk/items/">Back to the page' in sent.content.decode()


def test_who_asks_by_a_name_that_is_not_ours_is_told_so(settings: SettingsWrapper) -> None:
    settings.ALLOWED_HOSTS = ["tierwise.example.com"]
    page = errors.bad_request(RequestFactory().get("/", headers={"Host": "stranger.example.com"}), DisallowedHost())
    assert page.status_code == 400
    assert "Back to the page" not in page.content.decode()


def test_without_a_database_a_page_says_so_and_offers_another_try() -> None:
    request = RequestFactory().get("/desk/?segment=A", headers={"Cookie": "theme=dark"})
    try:
        raise OperationalError("connection refused")
    except OperationalError:
        page = errors.server_error(request)
        part = errors.server_error(RequestFactory().get("/desk/", headers={"HX-Request": "true"}))
        machine = errors.server_error(RequestFactory().get("/api/v1/people"))
    assert {page.status_code, part.status_code, machine.status_code} == {503}
    assert page["Retry-After"] == "10"
    text = page.content.decode()
    assert 'href="/desk/?segment=A">Try again' in text
    assert 'data-theme="dark"' in text
    assert 'name="csrfmiddlewaretoken"' in text, "or the language could not be changed there"
    assert b'href="">Reload the page' in part.content


def test_what_was_sent_leads_back_to_its_page_and_what_was_read_does_not_speak_of_saving() -> None:
    refusal = NotFound("case", "There is no such case.")
    read = refused_response(RequestFactory().get("/desk/cases/1/"), refusal).content.decode()
    assert "Nothing was saved" not in read
    assert "Go to what is due" in read
    sent = RequestFactory().post("/desk/cases/1/rule", headers={"Referer": "http://testserver/desk/cases/1/?a=b"})
    page = refused_response(sent, refusal).content.decode()
    assert "Nothing was saved" in page
    assert 'href="/desk/cases/1/?a=b">Back to the page' in page
    elsewhere = RequestFactory().post("/desk/cases/1/rule", headers={"Referer": "https://elsewhere.example.com/x"})
    assert "Back to the page" not in refused_response(elsewhere, refusal).content.decode()


def test_a_thousand_rows_export_as_typed_cells() -> None:
    frame = pl.DataFrame({"id": range(1000), "q": [float(i) / 4 for i in range(1000)]})
    grid = Grid("big", [Column("id", "Id", "quantity"), Column("q", "Q", "ratio")], frame)
    response = respond(RequestFactory().get("/", {"export": "big"}), "unused.html", {"grid": grid})
    assert read_workbook(io.BytesIO(response.content).getvalue())["big"]["Q"].sum() == pytest.approx(frame["q"].sum())


def test_dates_in_a_sentence_hold_together_and_text_is_escaped() -> None:
    told = "Answer until 2026-12-07 13:33, <b>not</b> before 2026-11-01."
    assert '<span class="date">2026-12-07 13:33</span>, &lt;b&gt;' in embedded("{{ told|dated }}", told=told)
    assert embedded("{{ told|dated }}", told="Until 2026-12-07 13:33 & from 2026-11-01 on") == (
        'Until <span class="date">2026-12-07 13:33</span> &amp; from <span class="date">2026-11-01</span> on'
    )
    assert (
        embedded("{{ told|dated }}", told="PO-2026-12-0719 of the second order")
        == "PO-2026-12-0719 of the second order"
    )
    assert embedded("{{ day|dated }}", day="2026-12-07") == "2026-12-07"
    link = mark_safe('<a href="/?on=2026-12-07">the whole of it</a>')
    assert embedded("{{ told|dated }}", told=link) == link
    period = embedded("{{ told|show }}", told="2025-06-01 – 2025-06-30")
    assert period.count('class="date"') == 2
