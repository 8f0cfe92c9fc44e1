"""Cases: drafted in private, opened about one line, talked about, withdrawn or ruled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from collaboration.scenes import (
    NOW,
    agreed,
    at,
    at_once,
    entries,
    events,
    lines_frame,
    quality_person,
    score_draft,
    scored,
    wording,
)
from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.collaboration import queries as buyer_side
from tierwise.collaboration import shared as supplier_side
from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.publish.actions import acknowledge_publication, publish
from tierwise.collaboration.publish.records import Reply
from tierwise.collaboration.publish.shared import my_lines
from tierwise.collaboration.records import DueKind
from tierwise.collaboration.resolve import queries, shared
from tierwise.collaboration.resolve.actions import (
    add_note,
    discard_draft,
    dispute_line,
    rule_case,
    save_draft,
    withdraw_case,
)
from tierwise.collaboration.resolve.ports import changes_of
from tierwise.collaboration.resolve.records import (
    CaseState,
    CaseStep,
    Claim,
    DisputeReason,
    DraftClaim,
    Evidence,
    ExclusionReason,
    Ruling,
)
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.files import path_of
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import AuditEntry
from tierwise.kernel.viewer import viewer_scope

pytestmark = pytest.mark.database
CLAIM = Claim(DisputeReason.DELIVERED_EARLIER, "The carrier's receipt is dated the 9th.", date(2025, 6, 9))
PDF = Evidence("receipt.pdf", b"%PDF-1.7 receipt")
UPHELD = Ruling(True, "The receipt proves it.", delivered_on=date(2025, 6, 9))
REJECTED = Ruling(False, "The receipt is for another order.")


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


@pytest.fixture
def lines(world: World) -> list[UUID]:
    return scored(world)[1]


@pytest.fixture
def case(world: World, lines: list[UUID]) -> UUID:
    return dispute_line(world["a planner"], lines[0], CLAIM)


# save_draft and discard_draft


def test_a_draft_is_kept_replaced_and_thrown_away(world: World, lines: list[UUID]) -> None:
    first = save_draft(world["a planner"], lines[0], DraftClaim(text="It came"))
    again = save_draft(world["a administrator"], lines[0], DraftClaim(DisputeReason.NOT_OUR_FAULT, "It came early"))
    assert first == again
    draft = shared.my_draft(world["a viewer"], lines[0])
    assert draft is not None
    assert draft.claim == DraftClaim(DisputeReason.NOT_OUR_FAULT, "It came early")
    for _ in range(2):
        discard_draft(world["a planner"], lines[0])
    assert shared.my_drafts(world["a planner"]) == []


def test_no_buyer_reads_a_draft_nor_learns_of_the_line(database: Template, world: World, lines: list[UUID]) -> None:
    save_draft(world["a planner"], lines[0], DraftClaim(text="Our forwarder slept"))
    for login in ("buyer", "worker"):
        with database.connect(login) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from resolve_casedraft")
    with viewer_scope(world["planner"]):
        entry = AuditEntry.objects.get(action="save_draft")
        assert (entry.supplier, entry.segment, entry.detail) == (None, None, {})
        assert entry.subject != str(lines[0])


@pytest.mark.parametrize("who", ["a viewer", "planner"])
def test_only_the_suppliers_editors_draft(world: World, lines: list[UUID], who: str) -> None:
    with pytest.raises(NotAllowed):
        save_draft(world[who], lines[0], DraftClaim(text="x"))
    with pytest.raises(NotAllowed):
        discard_draft(world[who], lines[0])


def test_drafts_of_another_supplier_do_not_exist(world: World, lines: list[UUID]) -> None:
    save_draft(world["a planner"], lines[0], DraftClaim(text="x"))
    with pytest.raises(NotFound):
        save_draft(world["b planner"], lines[0], DraftClaim(text="y"))
    discard_draft(world["b planner"], lines[0])
    assert shared.my_drafts(world["b planner"]) == []
    assert len(shared.my_drafts(world["a planner"])) == 1


def test_saving_at_once_keeps_one_draft(world: World, lines: list[UUID]) -> None:
    results = at_once(*[lambda n=n: save_draft(world["a planner"], lines[0], DraftClaim(text=f"{n}")) for n in "ab"])
    assert len(set(results)) == 1
    assert len(shared.my_drafts(world["a planner"])) == 1


def test_discarding_at_once_throws_away_once(world: World, lines: list[UUID]) -> None:
    save_draft(world["a planner"], lines[0], DraftClaim(text="x"))
    assert at_once(*[lambda: discard_draft(world["a planner"], lines[0])] * 2) == [None, None]
    assert shared.my_drafts(world["a planner"]) == []


# dispute_line


def test_a_dispute_opens_a_case_with_the_clock_agreed(world: World) -> None:
    _, lines = scored(world)
    save_draft(world["a planner"], lines[0], DraftClaim(text="It came"))
    made = dispute_line(world["a planner"], lines[0], CLAIM, PDF)
    found = queries.case(world["planner"], made)
    assert (found.case.number, found.case.state, found.case.claim) == (1, CaseState.OPEN, CLAIM)
    assert found.case.due_at == NOW + timedelta(days=10)
    assert [(e.what, e.side) for e in found.entries] == [(CaseStep.OPENED, "supplier")]
    assert shared.my_drafts(world["a planner"]) == []
    assert publications.publication(world["planner"], found.case.publication).reply is Reply.DISPUTED
    assert events(world, "case_opened")[0]["case"] == str(made)


def test_the_days_to_rule_come_from_the_agreement(world: World) -> None:
    agreed(world, said=wording(ruling_days=3))
    made = publish(world["planner"], score_draft(world))
    line = UUID(my_lines(world["a planner"], made)["id"][0])
    case_id = dispute_line(world["a planner"], line, CLAIM)
    assert queries.case(world["planner"], case_id).case.due_at == NOW + timedelta(days=3)


def test_evidence_is_kept_and_reached_by_both_sides_only(world: World, lines: list[UUID]) -> None:
    made = dispute_line(world["a planner"], lines[0], CLAIM, PDF)
    entry = queries.case(world["planner"], made).entries[0]
    assert entry.file is not None
    assert path_of(entry.file.sha256).read_bytes() == PDF.content
    assert shared.evidence(world["a viewer"], entry.id).name == "receipt.pdf"
    assert queries.evidence(world["viewer"], entry.id).name == "receipt.pdf"
    with pytest.raises(NotFound):
        shared.evidence(world["b planner"], entry.id)


def test_a_file_that_is_not_what_it_says_stops_the_dispute(world: World, lines: list[UUID]) -> None:
    with pytest.raises(Invalid):
        dispute_line(world["a planner"], lines[0], CLAIM, Evidence("receipt.pdf", b"<html>"))
    assert queries.open_cases(world["planner"]) == []
    made = dispute_line(world["a planner"], lines[0], CLAIM)
    assert queries.case(world["planner"], made).case.number == 1


@pytest.mark.parametrize("who", ["a viewer", "planner"])
def test_only_the_suppliers_editors_dispute(world: World, lines: list[UUID], who: str) -> None:
    with pytest.raises(NotAllowed):
        dispute_line(world[who], lines[0], CLAIM)


def test_another_suppliers_line_is_not_found(world: World, lines: list[UUID]) -> None:
    with pytest.raises(NotFound):
        dispute_line(world["b planner"], lines[0], CLAIM)
    assert entries(world, "dispute_line", "refused") == 1


def test_the_same_claim_again_is_one_case_another_is_stale(world: World, lines: list[UUID], case: UUID) -> None:
    assert dispute_line(world["a planner"], lines[0], CLAIM) == case
    with pytest.raises(Stale, match="Case 1"):
        dispute_line(world["a planner"], lines[0], Claim(DisputeReason.NOT_OUR_FAULT, "A strike"))
    assert len(events(world, "case_opened")) == 1


def test_only_lines_of_the_newest_revision_are_disputed(world: World, lines: list[UUID]) -> None:
    publish(world["planner"], score_draft(world, fingerprint="s2"))
    with pytest.raises(Stale, match="newer revision"):
        dispute_line(world["a planner"], lines[0], CLAIM)


def test_a_running_case_covers_the_line_in_a_newer_revision(world: World, case: UUID) -> None:
    revised = publish(world["planner"], score_draft(world, fingerprint="s2"))
    line = UUID(my_lines(world["a planner"], revised)["id"][0])
    with pytest.raises(Stale, match="Case 1"):
        dispute_line(world["a planner"], line, CLAIM)


def test_disputing_at_once_opens_one_case_and_numbers_have_no_gaps(world: World) -> None:
    _, lines = scored(world, lines=lines_frame(6))
    same = at_once(*[lambda: dispute_line(world["a planner"], lines[0], CLAIM)] * 3)
    assert len(set(same)) == 1
    at_once(*[lambda one=one: dispute_line(world["a administrator"], one, CLAIM) for one in lines[1:]])
    assert sorted(c.number for c in queries.open_cases(world["planner"])) == [1, 2, 3, 4, 5, 6]


def test_numbers_go_on_though_older_cases_are_out_of_sight(world: World, lines: list[UUID]) -> None:
    """A segment that ended takes its cases with it; their numbers are not given again."""
    from dataclasses import replace

    dispute_line(world["a planner"], lines[0], CLAIM)
    _, others = scored(world, "A", "STD", lines=lines_frame(5).tail(1))
    narrowed = replace(world["a planner"], segments=frozenset({world.segments["STD"]}))
    made = dispute_line(narrowed, others[0], CLAIM)
    assert shared.my_case(narrowed, made).case.number == 2
    assert len(shared.my_cases(narrowed)) == 1


# withdraw_case


def test_a_dispute_is_taken_back_once(world: World, case: UUID) -> None:
    for _ in range(2):
        withdraw_case(world["a planner"], case, "Found our own mistake")
    found = queries.case(world["planner"], case)
    assert found.case.state is CaseState.WITHDRAWN
    assert [e.what for e in found.entries] == [CaseStep.OPENED, CaseStep.WITHDRAWN]
    assert len(events(world, "case_withdrawn")) == 1


def test_after_withdrawal_the_line_may_be_disputed_again(world: World, lines: list[UUID], case: UUID) -> None:
    withdraw_case(world["a planner"], case)
    assert dispute_line(world["a planner"], lines[0], CLAIM) != case


@pytest.mark.parametrize("who", ["a viewer", "planner"])
def test_only_the_suppliers_editors_withdraw(world: World, case: UUID, who: str) -> None:
    with pytest.raises(NotAllowed):
        withdraw_case(world[who], case)


def test_another_supplier_cannot_withdraw(world: World, case: UUID) -> None:
    with pytest.raises(NotFound):
        withdraw_case(world["b planner"], case)


def test_withdrawing_while_it_is_ruled_leaves_one_end(world: World, case: UUID) -> None:
    results = at_once(
        lambda: withdraw_case(world["a planner"], case), lambda: rule_case(world["manager"], case, UPHELD)
    )
    assert sorted(type(r).__name__ for r in results) == ["NoneType", "Stale"]
    assert len(events(world, "case_ruled")) + len(events(world, "case_withdrawn")) == 1


# add_note


def test_both_sides_talk_in_a_case(world: World, case: UUID) -> None:
    add_note(world["planner"], case, "Please send the carrier's receipt")
    with at(hours=1):
        add_note(world["a planner"], case, "Here it is", PDF)
    found = shared.my_case(world["a viewer"], case)
    assert [(e.side, e.what.value) for e in found.entries[1:]] == [("buyer", "note"), ("supplier", "note")]
    assert found.entries[2].file is not None


def test_a_buyers_file_reaches_the_supplier(world: World, case: UUID) -> None:
    entry = add_note(world["manager"], case, "Our goods receipt", Evidence("gr.csv", b"date\n2025-06-15\n"))
    assert shared.evidence(world["a viewer"], entry).name == "gr.csv"


@pytest.mark.parametrize("who", ["a viewer", "viewer"])
def test_viewers_do_not_talk(world: World, case: UUID, who: str) -> None:
    with pytest.raises(NotAllowed):
        add_note(world[who], case, "Hello")


def test_another_supplier_cannot_talk(world: World, case: UUID) -> None:
    with pytest.raises(NotFound):
        add_note(world["b planner"], case, "Hello")


def test_the_same_words_twice_are_one_note(world: World, case: UUID) -> None:
    assert len({add_note(world["planner"], case, "Send it") for _ in range(2)}) == 1
    results = at_once(*[lambda: add_note(world["a planner"], case, "Sent")] * 2)
    assert len(set(results)) == 1
    assert len(queries.case(world["planner"], case).entries) == 3
    with pytest.raises(Invalid):
        add_note(world["planner"], case, "  ")


def test_a_closed_case_takes_no_notes(world: World, case: UUID) -> None:
    rule_case(world["manager"], case, REJECTED)
    with pytest.raises(Stale):
        add_note(world["a planner"], case, "But")


# rule_case


def test_an_upheld_dispute_tells_everything_it_takes_to_restate(world: World, lines: list[UUID], case: UUID) -> None:
    with at(days=1):
        rule_case(quality_person(world), case, UPHELD)
    found = shared.my_case(world["a planner"], case)
    assert (found.case.state, found.case.ruled) == (CaseState.UPHELD, UPHELD)
    told = events(world, "case_ruled")[0]
    assert told | {"publication": "", "supplier": "", "segment": ""} == {
        "case": str(case), "number": 1, "supplier": "", "segment": "", "publication": "", "subject": str(lines[0]),
        "period_start": "2025-06-01", "period_end": "2025-06-30", "order": "PO00000", "line": "10",
        "reason": "delivered_earlier", "state": "upheld", "delivered_on": "2025-06-09", "received": None,
        "rejected": None, "excluded": "", "ruled_at": "2025-07-02T09:00:00+00:00",
    }  # fmt: skip


def test_a_line_can_be_left_out_or_its_quantity_put_right(world: World) -> None:
    _, lines = scored(world)
    for line, ruling in zip(
        lines,
        [
            Ruling(True, "Our own change", excluded=ExclusionReason.BUYER_CAUSED),
            Ruling(True, "Counted again", received=Decimal("9.5"), rejected=Decimal(0)),
        ],
        strict=False,
    ):
        made = dispute_line(world["a planner"], line, CLAIM)
        rule_case(world["planner"], made, ruling)
        assert queries.case(world["planner"], made).case.ruled == ruling
    assert [(e["excluded"], e["received"]) for e in events(world, "case_ruled")] == [
        ("buyer_caused", None), ("", "9.5")
    ]  # fmt: skip


@pytest.mark.parametrize("who", ["viewer", "administrator", "a administrator"])
def test_only_judges_rule(world: World, case: UUID, who: str) -> None:
    with pytest.raises(NotAllowed):
        rule_case(world[who], case, UPHELD)


def test_a_second_ruling_is_refused(world: World, case: UUID) -> None:
    rule_case(world["manager"], case, REJECTED)
    for ruling in (REJECTED, UPHELD):
        with pytest.raises(Stale, match="closed: rejected"):
            rule_case(world["manager"], case, ruling)
    with pytest.raises(NotFound):
        rule_case(world["manager"], uuid7(), UPHELD)


def test_ruling_at_once_decides_once(world: World, case: UUID) -> None:
    results = at_once(
        lambda: rule_case(world["manager"], case, UPHELD), lambda: rule_case(world["planner"], case, REJECTED)
    )
    assert sorted(type(r).__name__ for r in results) == ["NoneType", "Stale"]
    assert len(events(world, "case_ruled")) == 1


def test_a_supplier_cannot_rule_even_with_its_own_login(database: Template, world: World, case: UUID) -> None:
    with database.connect("supplier") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("update resolve_case set ruling = 'Fine', ruled_at = now()")


def test_the_difference_is_known_before_the_ruling(world: World, lines: list[UUID]) -> None:
    line = publications.line(world["planner"], lines[0])
    found = {c.what: (c.before, c.after) for c in changes_of(world["planner"], line, UPHELD)}
    assert found == {"delivered_on": (date(2025, 6, 15), date(2025, 6, 9)), "days_late": (5, -1)}
    assert changes_of(world["planner"], line, REJECTED) == []


def test_values_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="delivered_on"):
        Claim(DisputeReason.DELIVERED_EARLIER, "It came early")
    with pytest.raises(ValueError, match="quantity"):
        Claim(DisputeReason.QUANTITY_WRONG, "All ten came")
    with pytest.raises(ValueError, match="text"):
        Ruling(False, " ")
    with pytest.raises(ValueError, match="corrects a date"):
        Ruling(True, "Yes")
    with pytest.raises(ValueError, match="corrects nothing"):
        Ruling(False, "No", delivered_on=date(2025, 6, 9))
    with pytest.raises(ValueError, match="received"):
        Ruling(True, "Yes", received=Decimal(-1))


# reading


def test_open_cases_come_by_clock(world: World, case: UUID) -> None:
    _, others = scored(world, "A", "STD", lines=lines_frame(6).tail(2))
    agreed(world, "B", "STD", wording(ruling_days=2))
    made = publish(world["planner"], score_draft(world, "B", "STD"))
    hasty = dispute_line(world["b planner"], UUID(my_lines(world["b planner"], made)["id"][0]), CLAIM)
    with at(hours=1):
        late = dispute_line(world["a planner"], others[0], CLAIM)
    assert [c.id for c in queries.open_cases(world["planner"])] == [hasty, case, late]
    assert [c.id for c in queries.open_cases(world["planner"], supplier=world.suppliers["B"])] == [hasty]
    assert [c.id for c in shared.my_cases(world["b viewer"])] == [hasty]
    with pytest.raises(NotFound):
        shared.my_case(world["b viewer"], case)


def test_what_is_due_is_ranked_by_clock_own_duties_first(world: World, lines: list[UUID], case: UUID) -> None:
    from collaboration.scenes import offered

    save_draft(world["a planner"], lines[1], DraftClaim(text="x"))
    offered(world, "A", "STD")
    second = publish(world["planner"], score_draft(world, period_start=date(2025, 5, 1), period_end=date(2025, 5, 31)))
    found = supplier_side.due(world["a planner"])
    assert [(i.kind, i.mine) for i in found] == [
        (DueKind.OFFER, True), (DueKind.PUBLICATION, True), (DueKind.DRAFT, True), (DueKind.CASE, False),
    ]  # fmt: skip
    acknowledge_publication(world["a planner"], second)
    assert DueKind.PUBLICATION not in {i.kind for i in supplier_side.due(world["a planner"])}
    assert supplier_side.due(world["b planner"]) == []
    assert [(i.kind, i.mine) for i in buyer_side.due(world["planner"])] == [
        (DueKind.CASE, True), (DueKind.OFFER, False)
    ]  # fmt: skip
