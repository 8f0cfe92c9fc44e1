"""Publishing: numbered, digested, within the agreement, never twice the same; and the supplier's reply."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
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
    at,
    at_once,
    demand_draft,
    demand_frame,
    events,
    held,
    lines_frame,
    measures_frame,
    score_draft,
    scored,
    wording,
)
from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.collaboration.agree.actions import end_agreement
from tierwise.collaboration.agree.records import Grain
from tierwise.collaboration.publish import queries, shared
from tierwise.collaboration.publish.actions import acknowledge_publication, publish, publish_many
from tierwise.collaboration.publish.records import (
    LINE_COLUMNS,
    MEASURE_COLUMNS,
    SERIES_COLUMNS,
    Draft,
    LineFilter,
    PublicationKind,
    PublicationRecord,
    Reply,
)
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Refused, Stale
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import viewer_scope

pytestmark = pytest.mark.database


def orders_frame(*quantities: float) -> pl.DataFrame:
    return demand_frame(quantities or (5, 6)).with_columns(signal=pl.lit("order_forecast"))


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


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


# what the agreement lets through


def test_without_an_agreement_nothing_is_published(world: World) -> None:
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], demand_draft(world))
    assert refused.value.code == "no_agreement"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (("order_forecast",), {}),
        (("demand",), {"series": pl.concat([demand_frame(), orders_frame()])}),
    ],
)  # fmt: skip
def test_fields_that_are_not_shared_are_refused(world: World, fields: tuple[str, ...], what: dict[str, object]) -> None:
    agreed(world, said=wording(fields=fields))
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], demand_draft(world, **what))
    assert refused.value.code == "field_not_shared"


def test_lines_need_their_own_consent(world: World) -> None:
    agreed(world, said=wording(fields=("scorecard",)))
    with pytest.raises(NotAllowed, match="scorecard_lines"):
        publish(world["planner"], score_draft(world))
    assert publish(world["planner"], score_draft(world, lines=None))


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"horizon_days": 30}, "beyond_reach"),
        ({"horizon_days": 62}, ""),
        ({"grain": Grain.ITEM_MONTH}, ""),
    ],
)
def test_dates_outside_the_horizon_are_refused(world: World, terms: dict[str, object], code: str) -> None:
    agreed(world, said=wording(**terms))
    if not code:
        assert publish(world["planner"], demand_draft(world))
        return
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], demand_draft(world))
    assert refused.value.code == code


def test_a_grain_finer_than_agreed_is_refused_but_not_for_orders(world: World) -> None:
    agreed(world)
    weekly = demand_frame().with_columns(bucket_days=pl.lit(7))
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], demand_draft(world, series=weekly))
    assert refused.value.code == "finer_grain"
    orders = orders_frame().with_columns(bucket_days=pl.lit(7))
    assert publish(world["planner"], demand_draft(world, series=orders))


def test_periods_before_the_agreed_history_are_refused(world: World) -> None:
    agreed(world, said=wording(history_days=30))
    old = score_draft(world, period_start=date(2025, 5, 1), period_end=date(2025, 5, 31))
    with pytest.raises(NotAllowed) as refused:
        publish(world["planner"], old)
    assert refused.value.code == "before_history"


def test_after_the_end_nothing_more_is_published(world: World) -> None:
    made = agreed(world, said=wording(notice_days=0))
    end_agreement(world["planner"], made, date(2025, 7, 1))
    assert publish(world["planner"], demand_draft(world))
    with at(days=1), pytest.raises(NotAllowed):
        publish(world["planner"], demand_draft(world, fingerprint="f2"))


def test_a_draft_cut_to_another_wording_is_stale(world: World) -> None:
    agreed(world)
    with pytest.raises(Stale):
        publish(world["planner"], demand_draft(world, agreement_version=uuid7()))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"series": demand_frame().with_columns(quantity=pl.lit(Decimal(7)))}, "held_back_value"),
        ({"held_back": None}, "held_back"),
        ({"series": demand_frame((1.0, 2.0)).with_columns(quantity=pl.lit(None)), "held_back": None}, "no_quantity"),
        ({"series": demand_frame((1.0,)).with_columns(revenue=pl.lit(5))}, "columns"),
        ({"series": pl.concat([demand_frame((1.0,))] * 2)}, "twice"),
        ({"series": demand_frame((1.0,)).drop("unit")}, "empty"),
        ({"series": demand_frame((1.0,)).with_columns(unit=pl.lit("X" * 17))}, "length"),
        ({"series": demand_frame((1.0,)).with_columns(signal=pl.lit("prices"))}, "signal"),
        ({"series": demand_frame((1.0,)).with_columns(bucket_start=pl.lit("soon"))}, "types"),
    ],
)
def test_rows_that_are_wrong_are_refused(world: World, change: dict[str, object], code: str) -> None:
    agreed(world)
    with pytest.raises(Invalid) as refused:
        publish(world["planner"], demand_draft(world, **change))
    assert refused.value.code == code
    assert queries.publications(world["planner"]) == []


def test_a_measure_that_is_no_number_is_refused(world: World) -> None:
    agreed(world)
    with pytest.raises(Invalid, match="finite"):
        publish(world["planner"], score_draft(world, measures=measures_frame().with_columns(value=float("nan"))))


# revisions


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


# digest


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


# acknowledge_publication


def test_acknowledging_answers_it(world: World) -> None:
    agreed(world)
    made = publish(world["planner"], demand_draft(world))
    assert [p.id for p in shared.my_unanswered(world["a planner"])] == [made]
    acknowledge_publication(world["a planner"], made, "Seen")
    record = queries.publication(world["planner"], made)
    assert (record.reply, record.comment) == (Reply.ACKNOWLEDGED, "Seen")
    assert shared.my_unanswered(world["a planner"]) == []
    assert events(world, "publication_acknowledged")[0]["publication"] == str(made)


@pytest.mark.parametrize("who", ["a viewer", "planner"])
def test_only_the_suppliers_editors_acknowledge(world: World, who: str) -> None:
    agreed(world)
    made = publish(world["planner"], demand_draft(world))
    with pytest.raises(NotAllowed):
        acknowledge_publication(world[who], made)


def test_another_suppliers_publication_is_not_found(world: World) -> None:
    agreed(world)
    made = publish(world["planner"], demand_draft(world))
    with pytest.raises(NotFound):
        acknowledge_publication(world["b planner"], made)


def test_acknowledging_again_also_at_once_has_one_effect(world: World) -> None:
    agreed(world)
    made = publish(world["planner"], demand_draft(world))
    results = at_once(*[lambda: acknowledge_publication(world["a planner"], made)] * 2)
    assert len({*results, acknowledge_publication(world["a administrator"], made)}) == 1
    assert len(events(world, "publication_acknowledged")) == 1


def test_what_was_replaced_is_not_acknowledged(world: World) -> None:
    agreed(world)
    made = publish(world["planner"], demand_draft(world))
    publish(world["planner"], demand_draft(world, fingerprint="f2"))
    with pytest.raises(Stale):
        acknowledge_publication(world["a planner"], made)


# isolation


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
