"""Demand is published in pieces, and says what it would in one."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from collaboration.scenes import agreed, wording
from fixtures.worlds import World
from modules.segmentation.small_company import ON, SCHEME, applied
from tierwise.collaboration.agree.queries import terms_in_force
from tierwise.collaboration.agree.records import Grain
from tierwise.collaboration.publish import actions as publishing
from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.publish.records import Draft
from tierwise.engine.disclosure import DisclosureParams, protect
from tierwise.engine.mix import carry_items, carry_mix, net_demand, segment_mix
from tierwise.engine.network import build_network, rows_valid_on
from tierwise.kernel.audit import Invalid
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import viewer_scope
from tierwise.lake import queries as lake
from tierwise.modules.segmentation import jobs, queries
from tierwise.modules.segmentation.queries import demand, protecting, signals
from tierwise.modules.segmentation.queries.mix import assigned_demand, load_network
from tierwise.modules.segmentation.records import read_scheme

pytestmark = pytest.mark.database

SPAN = (date(2024, 7, 1), ON)


@pytest.fixture
def sharing(small: World) -> World:
    """Three agreements: by item and month, by item and week, by family and month."""
    agreed(small, "A", "PREM", wording(grain=Grain.ITEM_MONTH, history_days=365))
    agreed(small, "A", "STD", wording(grain=Grain.ITEM_WEEK, history_days=365))
    agreed(small, "B", "STD", wording(grain=Grain.FAMILY_MONTH, history_days=365))
    applied(small)
    for job in (jobs.place_cells, jobs.refresh_mix, jobs.derive_policies):
        job(small.worker, ON)
    return small


def cut(world: World) -> list[Draft]:
    found = signals.cut_signals(
        world.worker, _ordered(world), read_scheme(SCHEME), ON, lake.manifest(world.worker)
    )  # fmt: skip
    assert found is not None
    return list(found.drafts())


def _ordered(world: World) -> list[Any]:
    terms = terms_in_force(world.worker, on=ON)
    return [terms[pair] for pair in sorted(terms, key=str)]


def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every piece as small as it can be."""
    monkeypatch.setattr(demand, "_BLOCK", 1)
    monkeypatch.setattr(demand.runs_of_spans, "__defaults__", (1,))
    monkeypatch.setattr(carry_items, "__defaults__", (1,))
    monkeypatch.setattr(protecting, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(signals, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(publishing, "ROWS_AT_ONCE", 1)


def test_demand_cut_in_pieces_is_the_same(sharing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cut(sharing)
    assert [draft.segment for draft in whole] == [draft.segment for draft in _ordered(sharing)]
    assert sum(draft.rows for draft in whole) > 20
    in_pieces(monkeypatch)
    for one, other in zip(whole, cut(sharing), strict=True):
        assert one.series is not None
        assert other.series is not None
        assert one.held_back is not None
        assert_frame_equal(one.series, other.series)
        assert_frame_equal(one.held_back.sort(pl.all()), other.held_back.sort(pl.all()))
        assert (one.fingerprint, one.title, one.rules) == (other.fingerprint, other.title, other.rules)


def test_what_is_shown_is_what_carrying_everything_at_once_shows(sharing: World) -> None:
    """The plain way: the demand of all holdings in one piece, every bucket by the network of its first day."""
    viewer, at = sharing.worker, lake.manifest(sharing.worker)
    lines = assigned_demand(
        queries.load_demand(viewer, read_scheme(SCHEME), ON, at, SPAN[0]), queries.assignments(viewer)
    )
    bom, arcs = load_network(viewer, at)
    dated = lines.with_columns(
        month=pl.col("date").dt.truncate("1mo"), segment=pl.concat_str("segment", "holding", separator="|")
    )
    parts = []
    for (month,), rows in dated.group_by("month", maintain_order=True):
        day = date.fromisoformat(str(month))
        mix = segment_mix(rows.drop("date", "month", "holding"), rows_valid_on(bom, day), rows_valid_on(arcs, day))
        parts.append(mix.frame().filter(pl.col("site") == "*").with_columns(bucket_start=pl.lit(day)))
    held = pl.col("segment").str.split_exact("|", 1)
    rows = pl.concat(parts).with_columns(segment=held.struct.field("field_0"), contributor=held.struct.field("field_1"))
    share = signals._lanes(viewer, ON).filter(supplier="A").select("item", "share")
    rows = (
        rows.filter(segment="PREM")
        .join(share, on="item")
        .select("item", "bucket_start", "contributor", value=pl.col("units") * pl.col("share"))
    )
    told = protect(rows, DisclosureParams(("item", "bucket_start"), 3)).released
    (draft,) = [one for one in cut(sharing) if one.segment == sharing.segments["PREM"]]
    assert draft.series is not None
    shown = draft.series.filter(signal="demand").select(
        "item", "bucket_start", value=pl.col("quantity").cast(pl.Float64)
    )
    assert shown.height > 5
    assert_frame_equal(shown, told.select("item", "bucket_start", "value"), check_row_order=False)


def outline(world: World) -> list[Any]:
    found = []
    for one in sorted(publications.publications(world.worker), key=lambda one: (str(one.supplier), one.number)):
        rows = publications.series(world.worker, one.id).drop("id")
        basis = publications.basis(world.worker, one.id)
        assert publications.verify_digest(world.worker, one.id)
        found.append((one.supplier, one.segment, one.number, one.title, one.content, basis, rows.rows()))
    return found


def undone(world: World) -> list[Any]:
    """What publishing in one piece would keep."""
    found: list[Any] = []

    def once() -> None:
        with viewer_scope(world.worker):
            assert jobs.publish_demand(world.worker, ON)["publications"] == 3
            found.extend(outline(world))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once()
    return found


def test_a_batch_written_in_pieces_is_one_batch(sharing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = undone(sharing)
    assert publications.publications(sharing["planner"]) == []
    in_pieces(monkeypatch)
    assert jobs.publish_demand(sharing.worker, ON) == {"drafts": 3, "publications": 3}
    assert outline(sharing) == whole
    with viewer_scope(sharing["planner"]):
        *each, last = AuditEntry.objects.filter(action="publish_many").order_by("id")
    assert (len(each), last.count, last.detail) == (3, 3, {"made": 3})


def test_nothing_of_a_batch_is_kept_where_its_last_piece_fails(sharing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    in_pieces(monkeypatch)
    drafts = cut(sharing)

    def failing() -> Any:
        yield from drafts[:2]
        raise Invalid("facts", "They cannot be read.", field="facts")

    with pytest.raises(Invalid, match="cannot be read"):
        publishing.publish_many(sharing.worker, failing(), {draft.supplier for draft in drafts})
    assert publications.publications(sharing["planner"]) == []
    with pytest.raises(ValueError, match=r"name .* too"):
        publishing.publish_many(sharing.worker, iter(drafts), {drafts[-1].supplier})


def test_segments_carried_one_by_one_say_what_all_at_once_do() -> None:
    rows = pl.DataFrame({
        "item": ["BIKE", "BIKE", "CART", "BIKE"], "site": ["*", "M", "M", "*"], "segment": ["A", "B", "C", "C"],
        "units": [1.0, 2.0, 3.0, 0.1],
    })  # fmt: skip
    bom = pl.DataFrame(
        {
            "parent": ["BIKE", "CART", "WHEEL"],
            "component": ["WHEEL", "WHEEL", "SPOKE"],
            "quantity_per": [2.0, 4.0, 30.0],
        }
    )
    netted = net_demand(rows)
    network = build_network(netted, bom)
    every = carry_mix(netted, network).frame().filter(pl.col("site") == "*").select("item", "segment", "units")
    asked = pl.Series(["SPOKE", "WHEEL", "CART", "never"])
    for most in (1, 8 * network.node_count * 2, 1 << 20):
        parts = list(carry_items(netted, network, asked, ["B", "C"], most))
        assert len(parts) == {1: 2}.get(most, 1)
        found = pl.concat(parts).with_columns(segment=pl.Series(["B", "C"]).gather(pl.concat(parts)["segment"]))
        wanted = every.filter(pl.col("item").is_in(asked.implode()), pl.col("segment") != "A")
        assert_frame_equal(found.sort("item", "segment"), wanted.sort("item", "segment"), check_exact=True)
