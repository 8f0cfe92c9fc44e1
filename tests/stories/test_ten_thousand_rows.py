"""Ten thousand rows of what a page lists: it asks the database no oftener, stays light, and leads on to the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.db import connections
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings as SettingsWrapper

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from collaboration.scenes import at
from directory.signing_in import Desk, signed_in
from fixtures.databases import Template
from fixtures.worlds import World
from stories.multitudes import LISTS, NAMES, Fill, Store, deliveries, people, publications, replies, suppliers
from tierwise.web.pages import Column, Grid
from tierwise.web.pages.grids import WITH_PAGE

pytestmark = [pytest.mark.database, pytest.mark.slow]

MANY = 10_000
HEAVIEST = 1_000_000
SLACK = 4
"""Statements that a second page, a count or another part of a list of ids may add; a query a row would be thousands."""


def asked(desk: Desk, path: str) -> tuple[int, HttpResponse]:
    """Statements on the logins of both sides and of sign-in, and the answer."""
    captures = [CaptureQueriesContext(connections[alias]) for alias in ("buyer", "supplier", "default")]
    for one in captures:
        one.__enter__()
    try:
        answer = desk.client.get(path)
    finally:
        for one in captures:
            one.__exit__(None, None, None)
    assert answer.status_code == 200, path
    return sum(map(len, captures)), answer


def leads_on(text: str) -> bool:
    """By a link to the next rows, a search, a name to type, a table that fetches its other rows itself, or what ends
    all others at once."""
    ways = ('rel="next"', 'name="find"', '"rest":"', '<input type="text" name="supplier"', 'value="others"')
    return any(way in text for way in ways)


@pytest.mark.parametrize("fill", LISTS, ids=lambda fill: fill.__name__)
def test_ten_thousand_rows_ask_no_oftener_stay_light_and_lead_on(
    world: World, template: Template, fill: Fill, tmp_path: Path, settings: SettingsWrapper
) -> None:
    settings.TIERWISE_HOME, settings.TIERWISE_LAKE = tmp_path, f"{tmp_path}/lake"
    with at():
        wrong = _with_very_many(Store(world, template), fill)
    assert wrong == []


def _with_very_many(store: Store, fill: Fill) -> list[str]:
    world = store.world
    fill(store, 10)
    found = store.run("select id from publish_publication limit 1")
    plan = store.run("select id from segmentation_schemeplan order by planned_at desc limit 1")
    pages = [(signed_in(world[who]), path.format(A=world.suppliers["A"], publication=found, plan=plan))
             for who, path in LISTS[fill]]  # fmt: skip
    for desk, path in pages:
        asked(desk, path)
    few = [asked(desk, path)[0] for desk, path in pages]
    fill(store, MANY)
    return [fault for (desk, path), usual in zip(pages, few, strict=True) for fault in faults(desk, path, usual)]


def faults(desk: Desk, path: str, usual: int) -> Iterator[str]:
    """What is wrong with a page of very many rows, and with the way from it to the others."""
    most, answer = asked(desk, path)
    if most > usual + SLACK:
        yield f"{path}: {most} statements, {usual} for ten rows"
    if len(answer.content) > HEAVIEST:
        yield f"{path}: {len(answer.content)} bytes"
    text = answer.content.decode()
    if not leads_on(text):
        yield f"{path}: no way on"
    if following := re.search(r'href="([^"]*[?&]after=[^"]+)"[^>]* rel="next"', text):
        again, beyond = asked(desk, following[1].replace("&amp;", "&"))
        if again > usual + SLACK:
            yield f"{path}: {again} statements for the next page"
        if beyond.content == answer.content or "Back to the first" not in beyond.content.decode():
            yield f"{path}: the next page is the same"
    if rest := re.search(r'"rest":"([^"]+)"', text):
        whole = desk.client.get(rest[1].encode().decode("unicode_escape")).json()
        if whole["count"] < MANY or "rest" in whole:
            yield f"{path}: the rest holds {whole['count']} rows"


@contextmanager
def rows_read() -> Iterator[Counter[str]]:
    """Rows that come from the database, by the table that is named first."""
    read: Counter[str] = Counter()

    def count(execute: Callable[..., object], sql: str, params: object, many: bool, context: dict[str, Any]) -> object:
        found = execute(sql, params, many, context)
        named = re.search(r'from "?([a-z_]+)"?', sql, re.IGNORECASE)
        if named and context["cursor"].description:
            read[named[1]] += context["cursor"].rowcount
        return found

    with ExitStack() as stack:
        for alias in ("buyer", "supplier", "default"):
            stack.enter_context(connections[alias].execute_wrapper(count))
        yield read


def measured(store: Store) -> None:
    """Every publication has the measures that lists show, and one that they do not."""
    store.run("""
        insert into publish_publishedmeasure select made.* from
        (select * from publish_publishedmeasure order by ctid limit 1) old, publish_publication p,
        unnest(array['otif', 'score', 'lead_time']) told(name),
        jsonb_populate_record(null::publish_publishedmeasure, to_jsonb(old)
          || jsonb_build_object('id', gen_random_uuid(), 'publication_id', p.id, 'measure', told.name)) made""")


def test_pages_read_each_row_once_and_what_stands_behind_rows_for_those_they_hold(
    world: World, template: Template, tmp_path: Path, settings: SettingsWrapper
) -> None:
    settings.TIERWISE_HOME, settings.TIERWISE_LAKE = tmp_path, f"{tmp_path}/lake"
    with at():
        _reads_once(Store(world, template))


def _reads_once(store: Store) -> None:
    for fill in (publications, replies, deliveries):
        fill(store, MANY // 5)
    measured(store)
    held = int(store.run("select count(*) from publish_publication"))
    supplier, buyer = (signed_in(store.world[who]) for who in ("a planner", "administrator"))
    for desk in (supplier, buyer):
        asked(desk, "/portal/" if desk is supplier else "/desk/")
    with rows_read() as read:
        page = asked(supplier, "/portal/scorecards/")[1]
    assert held - 10 <= read["publish_publication"] <= held + 10
    assert 2 * WITH_PAGE <= read["publish_publishedmeasure"] <= 2 * WITH_PAGE + 10
    rest = re.search(r'"rest":"([^"]+)"', page.content.decode())
    assert rest
    whole = supplier.client.get(rest[1].encode().decode("unicode_escape")).json()
    assert whole["count"] > 2 * WITH_PAGE
    assert len(whole["data"]["otif"]) == whole["count"]
    assert None not in whole["data"]["otif"]
    with rows_read() as read:
        asked(supplier, "/portal/")
    assert MANY // 5 <= read["publish_publication"] <= MANY // 5 + 10
    assert read["publish_publicationreply"] < 10
    with rows_read() as read:
        asked(buyer, "/desk/")
    # Its rows to decide are counted within the statement, so their table is named first.
    told = read["exchange_delivery"] + read["exchange_refusedrow"]
    assert MANY // 5 <= told <= MANY // 5 + 10


@pytest.mark.parametrize("name", NAMES)
def test_long_and_foreign_names_are_found_and_shown_as_text(world: World, template: Template, name: str) -> None:
    people(Store(world, template), 240)
    text = signed_in(world["administrator"]).text("/desk/people/", find=name[:20])
    assert "60 of 60 shown" in text
    assert "<b>Zoë" not in text


def test_among_very_many_a_name_is_typed_and_must_say_whom(world: World, template: Template) -> None:
    suppliers(Store(world, template), 300)
    desk = signed_in(world["planner"])
    page = "/desk/known/"
    assert "names hold" in desk.text(page, supplier="Übermäßig", on="2025-07-01")
    assert "Nobody here is called" in desk.text(page, supplier="Xylophon", on="2025-07-01")
    found = desk.text(page, supplier="supplier a", on="2025-07-01")
    assert "Publications received by then" in found
    by_id = desk.text(page, supplier=str(world.suppliers["A"]), on="2025-07-01")
    assert 'value="Supplier A"' in by_id


def test_a_frame_and_rows_are_cut_alike() -> None:
    rows = [{"a": n} for n in range(1500)]
    for given in (rows, pl.DataFrame(rows)):
        cut = Grid("g", [Column("a", "A", "quantity")], given)
        assert '"count":1000,"all":1500,"rest":"/x"' in cut.payload("/x")
        assert '"count":1500' in cut.payload()
    edited = Grid("g", [Column("a", "A", "quantity", editable=True)], rows, key="a")
    assert '"rest"' not in edited.payload("/x")
