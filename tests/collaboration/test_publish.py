"""Publishing: one by one and by the batch, numbered, never twice the same, and seen by its supplier alone."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from collaboration.scenes import (
    NOW,
    agreed,
    at_once,
    demand_draft,
    demand_frame,
    events,
    held,
    lines_frame,
    measures_frame,
    orders_frame,
    score_draft,
    scored,
    wording,
)
from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.collaboration.publish import queries, shared
from tierwise.collaboration.publish.actions import publish, publish_many
from tierwise.collaboration.publish.records import (
    LINE_COLUMNS,
    MEASURE_COLUMNS,
    SERIES_COLUMNS,
    Draft,
    LineFilter,
    PublicationKind,
    PublicationRecord,
)
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Refused
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import viewer_scope

pytestmark = [pytest.mark.database, pytest.mark.usefixtures("standing_clock")]


def test_a_demand_publication_reaches_its_supplier(world: World) -> None:
    agreed(world)
    made = publish(world["planner"], demand_draft(world))
    record = shared.my_publication(world["a planner"], made)
    assert (record.number, record.kind, record.content) == (1, PublicationKind.DEMAND, ("demand",))
    assert record.reply_due_at == NOW + timedelta(days=7)
    cells = shared.my_series(world["a planner"], made)
    assert cells["quantity"].to_list() == [Decimal(100), Decimal(120), None]
    assert cells["status"].to_list() == ["ok", "ok", "held_back"]
    assert events(world, "publication_made")[0]["publication"] == str(made)


def test_the_buyer_sees_why_cells_are_held_back_and_what_stands_behind(world: World) -> None:
    agreed(world)
    made = publish(world["planner"], demand_draft(world))
    cells = queries.series(world["planner"], made)
    assert cells["reason"].to_list() == [None, None, "dominance"]
    assert json.loads(cells["numbers"][2]) == {"share": 0.93}
    basis = queries.basis(world["planner"], made)
    assert basis is not None
    assert (basis.fingerprint, dict(basis.rules)) == ("f1", {"p_percent": 10})
    assert not {"reason", "numbers"} & set(shared.my_series(world["a planner"], made).columns)


def test_a_scorecard_comes_with_measures_and_lines(world: World) -> None:
    made, lines = scored(world)
    assert len(lines) == 3
    measures = shared.my_measures(world["a planner"], made)
    assert measures["value"].to_list() == [0.92, 0.1]
    late = shared.my_lines(world["a planner"], made, wanted=LineFilter(on_time=False))
    assert late["order"].to_list() == ["PO00000"]
    assert late["received"].to_list() == [Decimal(10)]
    assert shared.my_lines(world["a planner"], made, wanted=LineFilter(item="I2")).is_empty()


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_only_editors_and_the_worker_publish(world: World, who: str) -> None:
    agreed(world)
    with pytest.raises(NotAllowed):
        publish(world[who], demand_draft(world))
    assert publish(world.worker, demand_draft(world))


def test_publishing_the_same_basis_again_returns_the_first(world: World) -> None:
    agreed(world)
    first = publish(world["planner"], demand_draft(world))
    assert publish(world["planner"], demand_draft(world, title="Another title")) == first
    assert len(events(world, "publication_made")) == 1
    second = publish(world["planner"], demand_draft(world, fingerprint="f2"))
    assert second != first
    # Back to the former basis is news again: the supplier now holds something else.
    third = publish(world["planner"], demand_draft(world, fingerprint="f1"))
    assert third not in {first, second}
    assert [p.supersedes for p in shared.my_publications(world["a planner"])] == [second, first, None]


def test_publishing_the_same_at_once_makes_one(world: World) -> None:
    agreed(world)
    results = at_once(*[lambda: publish(world["planner"], demand_draft(world))] * 3)
    assert len(set(results)) == 1
    assert [p.number for p in queries.publications(world["planner"])] == [1]


def test_numbers_are_gapless_per_supplier_when_many_publish_at_once(world: World) -> None:
    for supplier, segment in [("A", "PREM"), ("A", "STD"), ("B", "STD")]:
        agreed(world, supplier, segment)
    drafts = [
        demand_draft(world, supplier, segment, fingerprint=f"f{n}")
        for n in range(3)
        for supplier, segment in [("A", "PREM"), ("A", "STD"), ("B", "STD")]
    ]
    refused = demand_draft(world, "A", "COMMON", fingerprint="none")
    results = at_once(*[lambda d=draft: publish(world["planner"], d) for draft in [*drafts, refused]])
    assert [type(r).__name__ for r in results] == ["UUID"] * 9 + ["NotAllowed"]
    for supplier, count in [("A", 6), ("B", 3)]:
        found = queries.publications(world["planner"], supplier=world.suppliers[supplier])
        assert sorted(p.number for p in found) == list(range(1, count + 1))


def test_batches_that_meet_do_not_wait_for_each_other_for_ever(world: World) -> None:
    agreed(world, "A", "STD")
    agreed(world, "B", "STD")
    one = [demand_draft(world, s, "STD", fingerprint="x") for s in ("A", "B")]
    two = [demand_draft(world, s, "STD", fingerprint="y") for s in ("B", "A")]
    results = at_once(lambda: publish_many(world.worker, one), lambda: publish_many(world.worker, two))
    assert [len(r) for r in results] == [2, 2]


def test_a_batch_is_all_or_none(world: World) -> None:
    agreed(world, "A", "PREM")
    with pytest.raises(NotAllowed):
        publish_many(world["planner"], [demand_draft(world), demand_draft(world, "B", "STD")])
    assert queries.publications(world["planner"]) == []
    ids = publish_many(world["planner"], [demand_draft(world), score_draft(world)])
    assert [queries.publication(world["planner"], i).kind.value for i in ids] == ["demand", "scorecard"]


def mixed_batch(world: World, supplier: str = "A") -> list[Draft]:
    """All kinds of rows, frames that differ in columns and types, revisions of one another and a repetition."""
    odd = demand_frame((7, None, 1.5), item="B\tC\\D\nE").with_columns(pl.col("quantity").cast(pl.Float64))
    whole_numbers = lines_frame(30).reverse().with_columns(pl.col("line").cast(pl.Int64))
    may = {"period_start": date(2025, 5, 1), "period_end": date(2025, 5, 31)}

    def demand(mark: str, series: pl.DataFrame, title: str = "Demand") -> Draft:
        return demand_draft(
            world, supplier, "STD", fingerprint=mark, series=series, title=title, held_back=held(series)
        )  # fmt: skip

    def score(mark: str, **changes: object) -> Draft:
        return score_draft(world, supplier, "STD", fingerprint=mark, **changes)

    return [
        demand("d1", pl.concat([demand_frame(), orders_frame()])),
        score("s1", lines=None, measures=measures_frame().drop("standing")),
        demand("d2", odd),
        score("s2", lines=whole_numbers),
        demand("d2", odd, "Said already"),
        score("m1", **may),
        demand("o2", orders_frame(1, 2)),
        score("s1", measures=measures_frame().clear(), lines=lines_frame(0)),
        demand("d3", demand_frame((5, 6), item="Ä")),
    ]


def outline(world: World, ids: list[UUID]) -> list[tuple[object, ...]]:
    """What is kept of publications, without what is drawn anew each time; one that is replaced as its place."""
    buyer = world["planner"]
    found: list[tuple[object, ...]] = []
    for one in ids:
        made, basis = queries.publication(buyer, one), queries.basis(buyer, one)
        assert basis is not None
        replaced = None if made.supersedes is None else ids.index(made.supersedes)
        frames = (queries.series(buyer, one), queries.measures(buyer, one), queries.lines(buyer, one))
        found.append((ids.index(one), made.kind, made.number, made.title, made.content, made.superseded, replaced))
        found.append((made.reply_due_at, basis, [frame.drop("id").rows() for frame in frames]))
    return found


def test_a_batch_publishes_what_its_drafts_would_one_by_one(world: World) -> None:
    for supplier in ("A", "B"):
        agreed(world, supplier, "STD")
    singly = [publish(world["planner"], draft) for draft in mixed_batch(world, "A")]
    batch = publish_many(world["planner"], mixed_batch(world, "B"))
    assert batch[4] == batch[2]
    assert outline(world, batch) == outline(world, singly)
    numbers = [queries.publication(world["planner"], one).number for one in batch]
    assert numbers == [1, 2, 3, 4, 3, 5, 6, 7, 8]
    again = publish_many(world["planner"], [*mixed_batch(world, "B")[5:], score_draft(world, "A", "STD")])
    assert again[:-1] == batch[5:]


def plain_digest(connection: psycopg.Connection[Any], made: PublicationRecord) -> str:
    """The documented text of one publication, read row by row from its tables."""
    header = {
        "agreement_version": str(made.agreement_version), "content": "+".join(made.content), "format": "publication/1",
        "kind": made.kind.value, "number": made.number, "period_end": made.period_end.isoformat(),
        "period_start": made.period_start.isoformat(), "published_at": "2025-07-01T09:00:00.000000+00:00",
        "segment": str(made.segment), "supersedes": str(made.supersedes) if made.supersedes else None,
        "supplier": str(made.supplier), "title": made.title,
    }  # fmt: skip
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    for name, table, columns, key in (
        ("series", "publishedseries", SERIES_COLUMNS, 'signal, item collate "C", site, region, bucket_start'),
        ("measures", "publishedmeasure", MEASURE_COLUMNS, 'measure collate "C"'),
        ("lines", "publishedline", LINE_COLUMNS, '"order" collate "C", line collate "C"'),
    ):
        chosen = ", ".join(f'"{column}"' for column in columns)
        select = f"select {chosen} from publish_{table} where publication_id = '{made.id}' order by {key}"
        text += f"\n{name}\n".encode()
        with connection.cursor().copy(f"copy ({select}) to stdout") as copied:  # type: ignore[arg-type]
            text += b"".join(bytes(part) for part in copied)
    return hashlib.sha256(text).hexdigest()


def test_the_digests_of_a_batch_are_those_of_its_publications(database: Template, world: World) -> None:
    for supplier in ("A", "B"):
        agreed(world, supplier, "STD")
    drafts = [draft for pair in zip(mixed_batch(world, "B"), mixed_batch(world, "A"), strict=True) for draft in pair]
    ids = publish_many(world["planner"], drafts)
    address = database.runtime.admin_conninfo(connections["owner"].settings_dict["NAME"])
    with psycopg.connect(address) as connection:
        for made in [queries.publication(world["planner"], one) for one in ids]:
            assert made.digest == plain_digest(connection, made)
    assert all(queries.verify_digest(world["planner"], one) for one in ids)
    assert all(shared.verify_digest(world["b viewer"], one) for one in ids[::2])


def test_each_publication_of_a_batch_has_its_entry_and_its_news(world: World) -> None:
    agreed(world, "A", "STD")
    ids = publish_many(world["planner"], mixed_batch(world))
    with viewer_scope(world["planner"]):
        *single, summary = AuditEntry.objects.filter(action="publish_many").order_by("id")
    assert [(e.subject, e.supplier, e.segment) for e in single] == [
        (str(one), world.suppliers["A"], world.segments["STD"]) for one in ids
    ]
    assert single[3].detail == {
        "rows": 32, "number": 4, "digest": queries.publication(world["planner"], ids[3]).digest,
    }  # fmt: skip
    assert single[4].detail == {"unchanged": True}
    assert (summary.count, summary.detail) == (9, {"made": 8})
    news = events(world, "publication_made")
    assert [one["publication"] for one in news] == [str(one) for place, one in enumerate(ids) if place != 4]


def test_what_is_wrong_in_a_batch_names_its_draft(world: World) -> None:
    agreed(world, "A", "STD")
    good = mixed_batch(world)
    for wrong, said in (
        ({"lines": lines_frame().with_columns(unit=pl.lit("X" * 17))}, "June again: lines: unit takes 16 characters"),
        ({"lines": lines_frame().with_columns(due_on=pl.lit("soon"))}, "June again: lines: "),
        ({"lines": lines_frame().with_columns(price=pl.lit(1))}, "June again: lines: no such columns: price"),
        ({"period_start": date(2020, 6, 1), "period_end": date(2020, 6, 30)}, "June again: The agreement reaches back"),
        ({"supersedes": uuid7()}, "June again: The publication to be replaced"),
        ({"held_back": held(demand_frame())}, "June again: Each held-back cell needs exactly one reason"),
    ):
        batch = [*good[:5], score_draft(world, segment="STD", title="June again", fingerprint="x", **wrong), *good[5:]]
        with pytest.raises(Refused, match=f"^{said}") as refused:
            publish_many(world["planner"], batch)
        assert UUID(refused.value.parameters["supplier"]) == world.suppliers["A"]
    assert queries.publications(world["planner"]) == []


def test_two_reasons_for_one_cell_do_not_stand_for_another_cells(world: World) -> None:
    agreed(world)
    series = demand_frame((None, None))
    twice = pl.concat([held(series).head(1)] * 2)
    with pytest.raises(Invalid, match="exactly one reason"):
        publish(world["planner"], demand_draft(world, series=series, held_back=twice))


def test_a_larger_batch_asks_the_database_no_more_often(world: World) -> None:
    agreed(world, "A", "STD")
    asked = []
    for size in (2, 40):
        drafts = [score_draft(world, segment="STD", fingerprint=f"{size} {n}") for n in range(size)]
        with viewer_scope(world["planner"]), CaptureQueriesContext(connections["buyer"]) as queries_made:
            publish_many(world["planner"], drafts)
        asked.append(len(queries_made))
    assert asked[0] == asked[1]


def test_a_supplier_sees_nothing_of_another(world: World) -> None:
    made, lines = scored(world, "A", "STD")
    other = world["b administrator"]
    assert shared.my_publications(other) == []
    with pytest.raises(NotFound):
        shared.my_publication(other, made)
    for frame in (shared.my_measures(other, made), shared.my_lines(other, made), shared.my_series(other, made)):
        assert frame.is_empty()
    with pytest.raises(NotFound):
        shared.my_line(other, lines[0])


def test_a_segment_that_is_no_longer_served_is_out_of_sight(world: World) -> None:
    made, _ = scored(world, "A", "PREM")
    narrowed = replace(world["a planner"], segments=frozenset({world.segments["STD"]}))
    assert shared.my_publications(narrowed) == []
    assert shared.my_lines(narrowed, made).is_empty()


def test_large_publications_are_quick(world: World) -> None:
    agreed(world, said=wording(horizon_days=400))
    items = [f"I{n:05d}" for n in range(2500)]
    series = pl.concat(
        [demand_frame((1.0, 2.0, 3.0, 4.0)).with_columns(item=pl.lit(None, dtype=pl.String))] * len(items)
    )
    series = series.with_columns(item=pl.Series([item for item in items for _ in range(4)]))
    began = time.process_time()
    made = publish(world["planner"], demand_draft(world, series=series))
    assert time.process_time() - began < 5
    assert shared.my_series(world["a planner"], made).height == 10_000
    assert shared.verify_digest(world["a planner"], made)


def test_a_draft_refuses_nonsense(world: World) -> None:
    for bad in ({"title": " "}, {"period_end": date(2024, 1, 1)}, {"fingerprint": ""}, {"reply_days": 0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            demand_draft(world, **bad)
    with pytest.raises(ValueError, match="nothing to publish"):
        Draft(
            world.suppliers["A"], world.segments["PREM"], PublicationKind.DEMAND, "x", date(2025, 1, 1),
            date(2025, 1, 31), uuid7(), "f",
        )  # fmt: skip
    assert lines_frame(2).height == 2
