"""What is due is ranked by its clock and, within a clock, by what is at stake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from collaboration.scenes import at
from fixtures.worlds import NOW, TODAY
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import Role, Side, Viewer
from tierwise.web import due
from tierwise.web.due import Coming, Due, coming_for, due_for, next_due_by_supplier, ranked, worklist
from tierwise.web.pages import Money, Panel, WorklistRow

VIEWER = Viewer(uuid7(), uuid7(), Role.PLANNER)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def thing(what: str, days: int | None = None, value: int | None = None, **more: object) -> Due:
    on = None if days is None else TODAY + timedelta(days=days)
    worth = None if value is None else Money(Decimal(value), "EUR")
    return Due(WorklistRow(what, f"/{what}", due=on, value=worth), **more)  # type: ignore[arg-type]


def names(found: list[Due]) -> list[str]:
    return [one.row.what for one in found]


def test_the_clock_comes_before_the_stake_and_the_stake_before_the_name() -> None:
    things = [
        thing("someday large", None, 900), thing("later", 30, 800), thing("this week", 5, 700),
        thing("tomorrow small", 1, 1), thing("today large", 0, 600), thing("late small", -9, 2),
        thing("late large", -1, 500), thing("a late one without value", -3),
    ]  # fmt: skip
    assert names(ranked(things)) == [
        "late large", "late small", "a late one without value", "today large", "tomorrow small", "this week", "later",
        "someday large",
    ]  # fmt: skip


def test_equal_stakes_go_by_day() -> None:
    assert names(ranked([thing("b", 6, 5), thing("c", 3, 5), thing("a", 6, 5)])) == ["c", "a", "b"]


def test_instants_and_days_stand_beside_each_other() -> None:
    instant = Due(WorklistRow("instant", "/", due=datetime(2025, 7, 1, 23, tzinfo=UTC)))
    assert names(ranked([thing("tomorrow", 1), instant, thing("late", -1)])) == ["late", "instant", "tomorrow"]


def test_sources_of_ones_own_side_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "_due", {side: [] for side in Side})
    monkeypatch.setattr(due, "_coming", {side: [] for side in Side})

    def ours(viewer: Viewer) -> list[Due]:
        assert viewer == VIEWER
        return [thing("ours")]

    def next_week(_viewer: Viewer) -> list[Coming]:
        return [Coming(TODAY + timedelta(days=7), "review"), Coming(NOW, "cycle")]

    due.add_due_sources(Side.BUYER, ours, ours)
    due.add_due_sources(Side.SUPPLIER, lambda _viewer: [thing("theirs")])
    due.add_coming_sources(Side.BUYER, next_week)
    due.add_coming_sources(Side.BUYER, next_week)
    assert names(due_for(VIEWER)) == ["ours"]
    assert [one.what for one in coming_for(VIEWER)] == ["cycle", "review"]
    assert [one.what for one in coming_for(VIEWER, 1)] == ["cycle"]


def test_a_panel_is_made_only_for_the_row_that_is_opened() -> None:
    made: list[str] = []

    def panel(name: str) -> Panel:
        made.append(name)
        return Panel(name, "?")

    found = [
        Due(WorklistRow("a", "/a"), key="a", panel=lambda: panel("a")),
        Due(WorklistRow("b", "/b"), key="b", panel=lambda: panel("b")),
        Due(WorklistRow("c", "/c")),
    ]
    rows, opened = worklist(found, "b")
    assert made == ["b"]
    assert opened == Panel("b", "?")
    assert [(row.panel, row.selected) for row in rows] == [("?open=a", False), ("?open=b", True), ("", False)]
    assert worklist(found)[1] is None


def test_the_nearest_day_with_each_supplier() -> None:
    one, other = uuid7(), uuid7()
    found = [
        thing("x", 5, supplier=one), thing("y", 2, supplier=one), thing("z", supplier=other), thing("w", 1),
    ]  # fmt: skip
    assert next_due_by_supplier(found) == {one: date(2025, 7, 3)}
