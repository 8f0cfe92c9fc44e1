"""The supplier's reply to what was published."""

from __future__ import annotations

import pytest

from collaboration.scenes import (
    agreed,
    at_once,
    demand_draft,
    events,
)
from fixtures.worlds import World
from tierwise.collaboration.publish import queries, shared
from tierwise.collaboration.publish.actions import acknowledge_publication, publish
from tierwise.collaboration.publish.records import (
    Reply,
)
from tierwise.kernel.audit import NotAllowed, NotFound, Stale

pytestmark = [pytest.mark.database, pytest.mark.usefixtures("standing_clock")]


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
