"""From a closed month to a publication, a dispute, a ruling and the restated card."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from fixtures.worlds import NOW, World
from modules.performance.orders import Orders, steady
from tierwise.collaboration.agree.actions import Offer, accept_agreement, offer_agreement
from tierwise.collaboration.agree.queries import agreement
from tierwise.collaboration.agree.records import DataSharingTerms, Wording
from tierwise.collaboration.publish import actions as publishing
from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.publish import shared as published
from tierwise.collaboration.publish.records import PublicationKind
from tierwise.collaboration.resolve.actions import dispute_line, rule_case
from tierwise.collaboration.resolve.ports import changes_of
from tierwise.collaboration.resolve.records import Claim, DisputeReason, Ruling
from tierwise.directory.models import Support
from tierwise.directory.records import SupportState
from tierwise.kernel import outbox
from tierwise.kernel.clock import clock_set
from tierwise.kernel.viewer import viewer_scope
from tierwise.modules.performance import actions, jobs, queries
from tierwise.modules.performance.queries import drafting
from tierwise.modules.performance.records import CardRecord, Formula

pytestmark = pytest.mark.database
MAY = date(2025, 5, 1)
BOTH = ("scorecard", "scorecard_lines")


def agree(world: World, supplier: str, segment: str, fields: tuple[str, ...] = BOTH) -> None:
    wording = Wording(DataSharingTerms(fields), date(2025, 1, 1))
    offer = Offer(world.suppliers[supplier], world.segments[segment], "Scorecards", wording)
    made = offer_agreement(world["planner"], offer)
    version = agreement(world["planner"], made).latest.version_id
    accept_agreement(world[f"{supplier.lower()} administrator"], version)


def scored(world: World, *, bad: int = 2) -> Orders:
    orders = Orders()
    orders.share("BOLT", {"PREM": 0.4, "STD": 0.6})
    for supplier in ("A", "B"):
        steady(orders, supplier, MAY, good=10, bad=bad)
    orders.lay(world)
    actions.put_formula(world["planner"], Formula(shrinkage=False))
    jobs.score_periods(world.worker)
    return orders


def card_of(world: World, supplier: str = "A", segment: str = "STD") -> CardRecord:
    found = queries.scorecards(
        world["viewer"], supplier=world.suppliers[supplier], segment=world.segments[segment], period="2025-05"
    )
    return queries.scorecard(world["viewer"], found[0].id)


@pytest.fixture
def may(world: World) -> World:
    """Both suppliers scored for May; A shares scorecards with lines for STD, B without them."""
    with clock_set(NOW):
        agree(world, "A", "STD")
        agree(world, "B", "STD", ("scorecard",))
        scored(world)
    return world


def publish(world: World) -> int:
    with clock_set(NOW + timedelta(hours=1)):
        return len(jobs.publish_scorecards(world.worker))


def test_only_what_is_agreed_goes_out(may: World) -> None:
    assert publish(may) == 2
    sent = {p.supplier: p for p in publications.publications(may["viewer"], kind=PublicationKind.SCORECARD)}
    assert sent[may.suppliers["A"]].content == ("scorecard", "scorecard_lines")
    assert sent[may.suppliers["B"]].content == ("scorecard",)
    assert {p.segment for p in sent.values()} == {may.segments["STD"]}
    assert card_of(may).publication == sent[may.suppliers["A"]].id
    assert card_of(may, segment="PREM").publication is None


def test_the_publication_says_what_the_card_says(may: World) -> None:
    publish(may)
    card = card_of(may)
    mine = published.my_publications(may["a planner"])
    assert [(p.title, p.period_start) for p in mine] == [("Scorecard 2025-05", MAY)]
    rows = {row["measure"]: row for row in publications.measures(may["viewer"], mine[0].id).iter_rows(named=True)}
    assert rows["score"]["value"] == pytest.approx((card.score or 0) / 100)
    assert (rows["score"]["points"], rows["score"]["standing"]) == (card.score, card.standing)
    for each in card.measures:
        said = rows[each.measure]
        assert (said["value"], said["n"], said["points"]) == (each.value, each.n, each.points)
    lines = publications.lines(may["viewer"], mine[0].id)
    assert lines.height == 12
    assert lines["share"].unique().to_list() == [0.6]
    assert lines.filter(~pl.col("otif"))["days_late"].to_list() == [5, 5]


def test_what_stands_is_not_sent_again(may: World) -> None:
    assert publish(may) == 2
    assert publish(may) == 0
    assert len(publications.publications(may["viewer"])) == 2


def test_nothing_goes_to_a_support_that_is_not_confirmed(may: World) -> None:
    with viewer_scope(may.worker):
        Support.objects.filter(supplier_id=may.suppliers["A"]).update(state=SupportState.PROPOSED.value)
    assert publish(may) == 1


def test_nothing_goes_out_from_before_the_agreed_history(may: World) -> None:
    with clock_set(datetime(2027, 1, 1, tzinfo=UTC)):
        assert jobs.publish_scorecards(may.worker) == []


def dispute(world: World, ruling: Ruling) -> None:
    line = publications.lines(world["viewer"], publications.publications(
        world["viewer"], supplier=world.suppliers["A"])[0].id).filter(~pl.col("otif"))  # fmt: skip
    from uuid import UUID

    first = UUID(line["id"][0])
    claim = Claim(DisputeReason.DELIVERED_EARLIER, "Signed for on the day.", delivered_on=line["due_on"][0])
    with clock_set(NOW + timedelta(days=1)):
        case = dispute_line(world["a planner"], first, claim)
        rule_case(world["manager"], case, ruling)
        outbox.deliver(world.worker)


def test_an_upheld_dispute_ends_in_a_restated_publication(may: World) -> None:
    publish(may)
    before, other = card_of(may), card_of(may, "B")
    dispute(may, Ruling(upheld=True, text="The note is signed.", delivered_on=date(2025, 5, 11)))
    after = card_of(may)
    assert (after.revision, after.formula, after.manifest) == (2, before.formula, before.manifest)
    assert after.measure("otif").value == pytest.approx(11 / 12)  # type: ignore[union-attr]
    newest, former = publications.publications(may["viewer"], supplier=may.suppliers["A"])
    assert (newest.supersedes, former.superseded) == (former.id, True)
    assert newest.title == "Scorecard 2025-05, revision 2"
    assert after.publication == newest.id
    assert card_of(may, "B").id == other.id
    assert card_of(may, segment="PREM").revision == 2


def test_the_news_delivered_twice_changes_nothing_more(may: World) -> None:
    publish(may)
    dispute(
        may, Ruling(upheld=True, text="Signed.", excluded=None, received=Decimal(100), delivered_on=date(2025, 5, 9))
    )
    from tierwise.kernel.models import OutboxEvent

    with viewer_scope(may.worker):
        OutboxEvent.objects.filter(name="case_ruled").update(delivered_at=None)
    assert outbox.deliver(may.worker) >= 1
    assert card_of(may).revision == 2
    assert len(publications.publications(may["viewer"], supplier=may.suppliers["A"])) == 2


def test_a_rejected_dispute_changes_nothing(may: World) -> None:
    publish(may)
    dispute(may, Ruling(upheld=False, text="The note is of another order."))
    assert card_of(may).revision == 1
    assert queries.corrections(may["viewer"]) == []


def test_a_ruling_on_trial_says_what_it_would_do(may: World) -> None:
    publish(may)
    sent = publications.publications(may["viewer"], supplier=may.suppliers["A"])[0]
    from uuid import UUID

    line_id = publications.lines(may["viewer"], sent.id).filter(~pl.col("otif"))["id"][0]
    line = publications.line(may["viewer"], UUID(line_id))
    ruling = Ruling(upheld=True, text="Signed.", delivered_on=line.values["due_on"])
    with clock_set(NOW):
        found = {change.what: change for change in changes_of(may["manager"], line, ruling)}
    assert (found["otif"].before, found["otif"].after) == (pytest.approx(10 / 12), pytest.approx(11 / 12))
    assert found["score"].after > found["score"].before
    assert card_of(may).revision == 1


def test_the_cycle_scores_publishes_and_then_rests(world: World) -> None:
    with clock_set(NOW):
        agree(world, "A", "STD")
        orders = Orders()
        orders.share("BOLT", {"STD": 1.0})
        steady(orders, "A", MAY, good=12)
        orders.lay(world)
        assert jobs.score_closed(world.worker, NOW.date())["recorded"] == 1
        assert jobs.publish_closed(world.worker, NOW.date()) == {"published": 1}
        again = jobs.score_closed(world.worker, NOW.date())
        assert (again["recorded"], again["skipped"]) == (0, again["periods"])
        assert jobs.publish_closed(world.worker, NOW.date()) == {"published": 0}


def sent_cards(world: World) -> list[tuple[object, ...]]:
    """What suppliers hold of their cards, by number; ids are drawn anew each time."""
    found: list[tuple[object, ...]] = []
    for one in sorted(publications.publications(world.worker), key=lambda one: (str(one.supplier), one.number)):
        frames = (publications.measures(world.worker, one.id), publications.lines(world.worker, one.id))
        assert publications.verify_digest(world.worker, one.id)
        found.append((one.supplier, one.segment, one.number, one.title, one.content))
        found.append(tuple(tuple(frame.drop("id").rows()) for frame in frames))
    return found


@pytest.mark.parametrize("at_once", [1, 12, 50])
def test_cards_published_in_pieces_are_the_same(world: World, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """Months together, each by itself, and some suppliers of a month: as small as it can be."""
    with clock_set(NOW):
        agree(world, "A", "STD")
        agree(world, "B", "STD")
        orders = Orders()
        orders.share("BOLT", {"PREM": 0.4, "STD": 0.6})
        for supplier in ("A", "B"):
            for start, good in ((date(2025, 4, 1), 7), (MAY, 10), (date(2025, 3, 1), 5)):
                steady(orders, supplier, start, good=good, bad=2)
        orders.lay(world)
        jobs.score_periods(world.worker)
        whole: list[tuple[object, ...]] = []

        def once() -> None:
            with viewer_scope(world.worker):
                assert len(jobs.publish_scorecards(world.worker)) == 6
                whole.extend(sent_cards(world))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            once()
        assert publications.publications(world.worker) == []
        monkeypatch.setattr(drafting, "LINES_AT_ONCE", at_once)
        monkeypatch.setattr(publishing, "ROWS_AT_ONCE", at_once)
        assert len(jobs.publish_scorecards(world.worker)) == 6
        assert sent_cards(world) == whole
        assert jobs.publish_scorecards(world.worker) == []
