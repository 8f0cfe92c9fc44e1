"""What was published stays: revisions replace it in sight of both, and its digest shows any change."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest
from django.db import connections

from collaboration.scenes import (
    NOW,
    agreed,
    at,
    demand_draft,
    demand_frame,
    orders_frame,
    score_draft,
    scored,
)
from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.collaboration.publish import queries, shared
from tierwise.collaboration.publish.actions import acknowledge_publication, publish, publish_many
from tierwise.collaboration.publish.records import (
    Reply,
)
from tierwise.kernel.audit import NotFound, Stale

pytestmark = [pytest.mark.database, pytest.mark.usefixtures("standing_clock")]


def test_a_rolling_view_replaces_the_one_before_others_only_within_their_period(world: World) -> None:
    agreed(world)
    june = publish(world["planner"], score_draft(world))
    may = publish(world["planner"], score_draft(world, period_start=date(2025, 5, 1), period_end=date(2025, 5, 31)))
    july_view = publish(world["planner"], demand_draft(world))
    with at(days=31):
        next_view = publish(world["planner"], demand_draft(world, period_start=date(2025, 8, 1), fingerprint="f2"))
        corrected = publish(world["planner"], score_draft(world, fingerprint="s2"))
        current = {p.id for p in shared.my_publications(world["a planner"], current=True)}
        record = shared.my_publication(world["a planner"], next_view)
        assert [p.id for p in shared.my_revisions(world["a planner"], record)] == [next_view, july_view]
    assert current == {may, next_view, corrected}
    assert queries.publication(world["planner"], june).superseded


def test_signals_published_apart_do_not_replace_each_other(world: World) -> None:
    agreed(world)
    publish_many(world["planner"], [demand_draft(world), demand_draft(world, series=orders_frame())])
    assert len(shared.my_publications(world["a planner"], current=True)) == 2


def test_replacing_what_was_replaced_is_stale(world: World) -> None:
    agreed(world)
    first = publish(world["planner"], demand_draft(world))
    publish(world["planner"], demand_draft(world, fingerprint="f2", supersedes=first))
    with pytest.raises(Stale):
        publish(world["planner"], demand_draft(world, fingerprint="f3", supersedes=first))


def test_only_what_changed_is_marked(world: World) -> None:
    agreed(world)
    publish(world["planner"], demand_draft(world))
    made = publish(world["planner"], demand_draft(world, fingerprint="f2", series=demand_frame((100, 130, 90, 80))))
    cells = shared.my_compared_series(world["a planner"], shared.my_publication(world["a planner"], made))
    assert cells["change"].to_list() == ["", "changed", "changed", "new"]
    assert cells["before"].to_list() == [Decimal(100), Decimal(120), None, None]
    first = shared.my_publications(world["a planner"])[-1]
    assert set(shared.my_compared_series(world["a planner"], first)["change"]) == {""}


def test_what_a_supplier_knew_on_a_day(world: World) -> None:
    agreed(world)
    first = publish(world["planner"], demand_draft(world))
    with at(days=2):
        acknowledge_publication(world["a planner"], first)
    with at(days=5):
        second = publish(world["planner"], demand_draft(world, fingerprint="f2", series=demand_frame((50,))))
    known = queries.known_at(world["planner"], world.suppliers["A"], NOW - timedelta(seconds=1))
    assert known.publications == ()
    known = queries.known_at(world["planner"], world.suppliers["A"], NOW + timedelta(days=1))
    assert [(p.id, p.superseded, p.reply) for p in known.publications] == [(first, False, None)]
    known = queries.known_at(world["planner"], world.suppliers["A"], NOW + timedelta(days=4))
    assert [p.reply for p in known.current] == [Reply.ACKNOWLEDGED]
    known = queries.known_at(world["planner"], world.suppliers["A"], NOW + timedelta(days=6))
    assert [(p.id, p.superseded) for p in known.publications] == [(second, False), (first, True)]
    assert queries.series(world["planner"], first)["quantity"].to_list()[:2] == [Decimal(100), Decimal(120)]
    assert queries.known_at(world["planner"], world.suppliers["B"], NOW + timedelta(days=6)).publications == ()


def test_both_sides_can_check_the_digest(world: World) -> None:
    made, _ = scored(world)
    assert queries.verify_digest(world["planner"], made)
    assert shared.verify_digest(world["a viewer"], made)
    with pytest.raises(NotFound):
        shared.verify_digest(world["b planner"], made)


@pytest.mark.parametrize(
    "change",
    [
        "update publish_publishedline set on_time = not on_time where line = '10' and \"order\" = 'PO00001'",
        "update publish_publishedmeasure set value = value + 1e-12 where measure = 'otif'",
        "delete from publish_publishedline where \"order\" = 'PO00002'",
        "update publish_publication set period_end = period_end + 1",
        "update publish_publication set published_at = published_at + interval '1 microsecond'",
    ],
)
def test_any_change_behind_our_back_shows(database: Template, world: World, change: str) -> None:
    made, _ = scored(world)
    address = database.runtime.admin_conninfo(connections["owner"].settings_dict["NAME"])
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(change)
    assert not queries.verify_digest(world["planner"], made)


def test_the_digest_is_what_the_documentation_says(database: Template, world: World) -> None:
    """Computed once more from the published rows alone, with nothing of ours."""
    agreed(world)
    series = demand_frame((100, None), item="A\tB\\C")
    made = publish(world["planner"], demand_draft(world, series=series))
    record = shared.my_publication(world["a planner"], made)
    header = {
        "agreement_version": str(record.agreement_version), "content": "demand", "format": "publication/1",
        "kind": "demand", "number": 1, "period_end": "2025-12-31", "period_start": "2025-07-01",
        "published_at": "2025-07-01T09:00:00.000000+00:00", "segment": str(record.segment), "supersedes": None,
        "supplier": str(record.supplier), "title": "Demand July to December 2025",
    }  # fmt: skip
    rows = [
        "demand\tA\\tB\\\\C\tItem A\\tB\\\\C\t\t\t2025-07-01\t31\t100.0000\tEA\tinformation\tok",
        "demand\tA\\tB\\\\C\tItem A\\tB\\\\C\t\t\t2025-08-01\t31\t\\N\tEA\tinformation\theld_back",
    ]
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    text += "\nseries\n" + "".join(row + "\n" for row in rows) + "\nmeasures\n" + "\nlines\n"
    assert hashlib.sha256(text.encode()).hexdigest() == record.digest


def test_nobody_changes_what_was_published(database: Template, world: World) -> None:
    scored(world)
    for login in ("buyer", "supplier", "worker"):
        for table in ("publication", "publishedline", "publishedmeasure", "publishedseries"):
            for verb in ("update publish_{} set segment_id = segment_id", "delete from publish_{}"):
                with database.connect(login) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(verb.format(table))
