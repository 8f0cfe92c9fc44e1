"""Agreements: offered, answered, in force, replaced, ended; by whom, and when two do it at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from collaboration.scenes import ALL_FIELDS, NOW, agreed, at, at_once, entries, events, offered, wording
from fixtures.worlds import World
from tierwise.collaboration.agree import queries, shared
from tierwise.collaboration.agree.actions import (
    Offer,
    accept_agreement,
    decline_agreement,
    end_agreement,
    offer_agreement,
    offer_version,
)
from tierwise.collaboration.agree.records import AgreementState, DataSharingTerms, Frequency, Grain, Wording
from tierwise.directory import queries as directory
from tierwise.directory.actions import SegmentPut, put_segments
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.ids import uuid7

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def _offer(world: World, supplier: str = "A", segment: str = "PREM") -> Offer:
    return Offer(world.suppliers[supplier], world.segments[segment], "Data sharing", wording())


# offer_agreement


def test_an_offer_is_numbered_per_supplier_and_told(world: World) -> None:
    numbers = {}
    for supplier, segment in [("A", "PREM"), ("A", "STD"), ("B", "STD")]:
        made, _ = offered(world, supplier, segment)
        numbers[supplier, segment] = queries.agreement(world["planner"], made).latest.number
    assert numbers == {("A", "PREM"): 1, ("A", "STD"): 2, ("B", "STD"): 1}
    assert [e["number"] for e in events(world, "agreement_offered")] == [1, 2, 1]
    latest = shared.my_agreements(world["a planner"])[0].latest
    assert latest.state is AgreementState.OFFERED
    assert latest.answer_due_at == NOW + timedelta(days=14)


def decide(world: World, depth: str) -> None:
    segments = directory.segments(world["planner"])
    put_segments(
        world["planner"],
        [SegmentPut(s.code, s.name, s.rank, s.slot, {"collaboration": {"depth": depth}}) for s in segments],
        1, NOW.date(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("depth", "terms", "beyond"),
    [
        ("none", {"grain": Grain.ITEM_WEEK}, "grain"),
        ("none", {"frequency": Frequency.WEEKLY}, "frequency"),
        ("none", {"horizon_days": 185}, "horizon_days"),
        ("none", {"horizon_days": 184}, ""),
        ("none", {"grain": Grain.FAMILY_MONTH}, ""),
        ("standard", {"horizon_days": 366}, ""),
        ("standard", {"grain": Grain.ITEM_WEEK, "horizon_days": 367}, "grain"),
        ("deep", {"grain": Grain.ITEM_WEEK, "frequency": Frequency.WEEKLY, "horizon_days": 730}, ""),
    ],
)
def test_nothing_goes_further_than_its_segment_is_worked_on(
    world: World, depth: str, terms: dict[str, Any], beyond: str
) -> None:
    decide(world, depth)
    if not beyond:
        agreed(world, said=wording(**terms))
        return
    with pytest.raises(Invalid) as refused:
        offered(world, said=wording(**terms))
    assert (refused.value.code, refused.value.parameters["field"]) == ("beyond_depth", beyond)


def test_a_wording_in_force_outlives_the_depth_it_was_agreed_at_but_is_not_renewed(world: World) -> None:
    weekly = wording(grain=Grain.ITEM_WEEK)
    made = agreed(world, said=weekly)
    decide(world, "none")
    assert queries.agreement(world["planner"], made).in_force is not None
    with pytest.raises(Invalid):
        offer_version(world["planner"], made, wording(grain=Grain.ITEM_WEEK, horizon_days=90))
    assert offer_version(world["planner"], made, wording(horizon_days=90))


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_only_editors_offer(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        offer_agreement(world[who], _offer(world))
    assert entries(world, "offer_agreement", "refused") == 1


def test_a_supplier_that_does_not_serve_the_segment_gets_no_offer(world: World) -> None:
    with pytest.raises(Invalid, match="does not serve"):
        offer_agreement(world["planner"], _offer(world, "B", "PREM"))


def test_one_live_agreement_per_supplier_and_segment(world: World) -> None:
    offered(world)
    with pytest.raises(Stale, match="offer a new version"):
        offered(world)


def test_two_offers_at_once_make_one_agreement(world: World) -> None:
    results = at_once(*[lambda: offer_agreement(world["planner"], _offer(world))] * 2)
    assert sorted(type(r).__name__ for r in results) == ["Stale", "UUID"]
    assert [h.latest.number for h in queries.agreements(world["planner"])] == [1]


def test_numbers_have_no_gaps_after_a_refusal(world: World) -> None:
    offered(world, "A", "PREM")
    with pytest.raises(Stale):
        offered(world, "A", "PREM")
    made, _ = offered(world, "A", "STD")
    assert queries.agreement(world["planner"], made).latest.number == 2


# offer_version


def test_a_changed_wording_leaves_the_old_in_force_until_accepted(world: World) -> None:
    made = agreed(world)
    version = offer_version(world["planner"], made, wording(horizon_days=90))
    key = (world.suppliers["A"], world.segments["PREM"])
    assert queries.terms_in_force(world["planner"])[key].terms.horizon_days == 180
    accept_agreement(world["a planner"], version)
    assert queries.terms_in_force(world["planner"])[key].terms.horizon_days == 90
    states = [v.state for v in queries.agreement(world["planner"], made).versions]
    assert states == [AgreementState.IN_FORCE, AgreementState.SUPERSEDED]


def test_a_wording_for_later_takes_over_on_its_first_day(world: World) -> None:
    made = agreed(world)
    later = Wording(DataSharingTerms(fields=("demand",)), valid_from=date(2025, 9, 1))
    accept_agreement(world["a planner"], offer_version(world["planner"], made, later))
    key = (world.suppliers["A"], world.segments["PREM"])
    assert queries.terms_in_force(world["planner"])[key].version == 1
    assert queries.terms_in_force(world["planner"], on=date(2025, 9, 1))[key].version == 2
    assert queries.terms_in_force(world["planner"], on=date(2025, 8, 31))[key].version == 1
    with at(days=70):
        history = shared.agreement(world["a planner"], made)
        assert [v.state for v in history.versions] == [AgreementState.IN_FORCE, AgreementState.SUPERSEDED]
        assert history.in_force is not None
        assert history.in_force.version == 2


def test_a_newer_offer_withdraws_the_open_one(world: World) -> None:
    made, first = offered(world)
    offer_version(world["planner"], made, wording(horizon_days=30))
    with pytest.raises(Stale, match="withdrawn"):
        accept_agreement(world["a planner"], first)


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_only_editors_offer_versions(world: World, who: str) -> None:
    made, _ = offered(world)
    with pytest.raises(NotAllowed):
        offer_version(world[who], made, wording(horizon_days=30))


def test_a_version_of_nothing_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        offer_version(world["planner"], uuid7(), wording())


def test_the_same_wording_offered_twice_is_one_version(world: World) -> None:
    made, version = offered(world)
    assert offer_version(world["planner"], made, wording()) == version
    assert len(queries.agreement(world["planner"], made).versions) == 1


def test_versions_offered_at_once_get_different_numbers(world: World) -> None:
    made, _ = offered(world)
    at_once(*[lambda d=days: offer_version(world["planner"], made, wording(horizon_days=d)) for days in (30, 60)])
    history = queries.agreement(world["planner"], made)
    assert [v.version for v in history.versions] == [3, 2, 1]
    assert [v.state for v in history.versions].count(AgreementState.OFFERED) == 1


# accept_agreement and decline_agreement


def test_accepting_puts_it_in_force_and_tells(world: World) -> None:
    made, version = offered(world)
    assert accept_agreement(world["a administrator"], version) == made
    assert [e["agreement"] for e in events(world, "agreement_accepted")] == [str(made)]
    found = queries.terms_in_force(world["planner"])
    assert set(found) == {(world.suppliers["A"], world.segments["PREM"])}


@pytest.mark.parametrize("who", ["a viewer", "planner"])
def test_only_the_suppliers_editors_answer(world: World, who: str) -> None:
    _, version = offered(world)
    with pytest.raises(NotAllowed):
        accept_agreement(world[who], version)
    with pytest.raises(NotAllowed):
        decline_agreement(world[who], version, "Too long a horizon")


def test_another_suppliers_offer_is_not_found(world: World) -> None:
    made, version = offered(world)
    for answer in (accept_agreement, lambda who, v: decline_agreement(who, v, "Not ours")):
        with pytest.raises(NotFound):
            answer(world["b administrator"], version)
    with pytest.raises(NotFound):
        shared.agreement(world["b administrator"], made)
    assert shared.my_agreements(world["b administrator"]) == []


def test_the_same_answer_again_has_no_second_effect_another_is_stale(world: World) -> None:
    made, version = offered(world)
    for _ in range(2):
        assert accept_agreement(world["a planner"], version) == made
    assert len(events(world, "agreement_accepted")) == 1
    with pytest.raises(Stale):
        decline_agreement(world["a planner"], version, "Changed our minds")


def test_declining_says_why_and_leaves_what_is_in_force(world: World) -> None:
    made = agreed(world)
    version = offer_version(world["planner"], made, wording(horizon_days=30))
    for _ in range(2):
        decline_agreement(world["a planner"], version, "We need six months")
    history = queries.agreement(world["planner"], made)
    assert (history.latest.state, history.latest.answer) == (AgreementState.DECLINED, "We need six months")
    assert history.in_force is not None
    assert len(events(world, "agreement_declined")) == 1
    with pytest.raises(Stale):
        accept_agreement(world["a planner"], version)
    with pytest.raises(Invalid):
        decline_agreement(world["a planner"], version, "  ")


def test_an_offer_past_its_date_has_expired(world: World) -> None:
    _, version = offered(world)
    with at(days=15):
        assert shared.my_agreements(world["a planner"])[0].latest.state is AgreementState.EXPIRED
        assert [o.state for o in queries.open_offers(world["planner"])] == [AgreementState.EXPIRED]
        assert shared.my_offers(world["a planner"]) == []
        with pytest.raises(Stale, match="passed"):
            accept_agreement(world["a planner"], version)
        offered(world)


def test_accepting_and_declining_at_once_leaves_one_answer(world: World) -> None:
    _, version = offered(world)
    results = at_once(
        lambda: accept_agreement(world["a planner"], version),
        lambda: decline_agreement(world["a administrator"], version, "No"),
    )
    assert sorted(type(r).__name__ for r in results) == ["Stale", "UUID"]
    assert len(events(world, "agreement_accepted")) + len(events(world, "agreement_declined")) == 1


def test_accepting_twice_at_once_has_one_effect(world: World) -> None:
    made, version = offered(world)
    assert at_once(*[lambda: accept_agreement(world["a planner"], version)] * 2) == [made, made]
    assert len(events(world, "agreement_accepted")) == 1


# end_agreement


def test_ending_keeps_the_notice(world: World) -> None:
    made = agreed(world)
    with pytest.raises(Invalid, match="30 days"):
        end_agreement(world["planner"], made, date(2025, 7, 30))
    end_agreement(world["planner"], made, date(2025, 7, 31), "Moved to another plant")
    key = (world.suppliers["A"], world.segments["PREM"])
    assert key in queries.terms_in_force(world["planner"], on=date(2025, 7, 31))
    assert key not in queries.terms_in_force(world["planner"], on=date(2025, 8, 1))
    with at(days=31):
        assert shared.my_agreements(world["a planner"])[0].latest.state is AgreementState.ENDED


def test_ending_withdraws_an_open_offer(world: World) -> None:
    made = agreed(world)
    version = offer_version(world["planner"], made, wording(horizon_days=30))
    end_agreement(world["planner"], made, date(2025, 8, 31))
    with pytest.raises(Stale, match="withdrawn"):
        accept_agreement(world["a planner"], version)


@pytest.mark.parametrize("who", ["viewer", "a administrator"])
def test_only_editors_end(world: World, who: str) -> None:
    made = agreed(world)
    with pytest.raises(NotAllowed):
        end_agreement(world[who], made, date(2025, 8, 31))


def test_ending_nothing_is_not_found_and_an_offer_is_not_in_force(world: World) -> None:
    with pytest.raises(NotFound):
        end_agreement(world["planner"], uuid7(), date(2025, 8, 31))
    made, _ = offered(world)
    with pytest.raises(Stale):
        end_agreement(world["planner"], made, date(2025, 8, 31))


def test_ending_twice_also_at_once_has_one_effect(world: World) -> None:
    made = agreed(world)
    assert at_once(*[lambda: end_agreement(world["planner"], made, date(2025, 8, 31))] * 2) == [None, None]
    end_agreement(world["planner"], made, date(2025, 8, 31))
    assert len(events(world, "agreement_ended")) == 1


# reading


def test_terms_in_force_come_for_all_suppliers_at_once(world: World) -> None:
    agreed(world, "A", "PREM")
    agreed(world, "A", "STD", wording(fields=("demand",)))
    agreed(world, "B", "STD")
    offered(world, "B", "COMMON")
    found = queries.terms_in_force(world["planner"])
    names = {v: k for k, v in {**world.suppliers, **world.segments}.items()}
    assert {tuple(names[i] for i in key): r.terms.fields for key, r in found.items()} == {
        ("A", "PREM"): ALL_FIELDS, ("A", "STD"): ("demand",), ("B", "STD"): ALL_FIELDS,
    }  # fmt: skip
    assert set(queries.terms_in_force(world["planner"], supplier=world.suppliers["B"])) == {
        (world.suppliers["B"], world.segments["STD"])
    }


def test_terms_refuse_nonsense() -> None:
    for bad in ({"fields": ()}, {"fields": ("prices",)}, {"horizon_days": 0}, {"purpose": " "}, {"notice_days": -1}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            DataSharingTerms(**{"fields": ("demand",), **bad})
    terms = DataSharingTerms(fields=("demand", "scorecard"), horizon_days=90)
    assert DataSharingTerms.from_json(terms.as_json()) == terms
    with pytest.raises(ValueError, match="prices"):
        DataSharingTerms.from_json({"fields": ["demand"], "prices": True})
    with pytest.raises(ValueError, match="scorecard as well"):
        DataSharingTerms(fields=("scorecard_lines",))
    with pytest.raises(ValueError, match="valid_to"):
        Wording(terms, valid_from=date(2025, 2, 1), valid_to=date(2025, 1, 1))
