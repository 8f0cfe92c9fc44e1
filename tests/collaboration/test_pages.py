"""Pages of both sides: what they show, what they hide, and that forms reach the actions."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from collaboration.scenes import agreed, at, demand_draft, demand_frame, offered, score_draft, scored
from fixtures.worlds import World
from tierwise.collaboration.agree import queries as agreements
from tierwise.collaboration.agree.actions import offer_version
from tierwise.collaboration.agree.records import AgreementState, DataSharingTerms, Wording
from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.publish.actions import publish
from tierwise.collaboration.publish.records import Reply
from tierwise.collaboration.resolve import queries as cases
from tierwise.collaboration.resolve import shared as own_cases
from tierwise.collaboration.resolve.actions import add_note, dispute_line
from tierwise.collaboration.resolve.records import CaseState, Claim, DisputeReason, Evidence

pytestmark = pytest.mark.database
SignIn = Callable[[str], Client]
CLAIM = Claim(DisputeReason.DELIVERED_EARLIER, "The receipt is dated the 9th.", date(2025, 6, 9))


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with at():
        yield


def text(response: HttpResponse, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[-3000:]
    return response.content.decode()


def grid(page: str, name: str) -> dict[str, list[object]]:
    found = re.search(rf'<tw-grid id="grid-{name}".*?<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found, f"no grid {name}"
    return json.loads(found[1])["data"]


# agreements


def test_the_buyer_lists_reads_and_ends_agreements(world: World, sign_in: SignIn) -> None:
    made, browser = agreed(world), sign_in("planner")
    listed = grid(text(browser.get(reverse("desk-agreements"))), "agreements")
    assert (listed["supplier"], listed["segment"], listed["state"]) == (["Supplier A"], ["PREM"], ["in_force"])
    page = text(browser.get(reverse("desk-agreement", args=[made])))
    assert "Order forecast for the supplier" in page
    assert "End: nothing is published after that day" in page
    refused = browser.post(reverse("desk-agreement-end", args=[made]), {"ends_on": "2025-07-02"})
    assert "earliest day" in text(refused, 422)
    done = browser.post(reverse("desk-agreement-end", args=[made]), {"ends_on": "2025-08-31", "reason": "x"})
    assert done.status_code == 302
    assert agreements.agreement(world["planner"], made).latest.valid_to == date(2025, 8, 31)


def offer_form(world: World, **changes: str) -> dict[str, str]:
    return {
        "supplier": str(world.suppliers["A"]), "segment": str(world.segments["PREM"]), "title": "Data sharing",
        "demand": "on", "scorecard": "on", "grain": "item_month", "horizon_days": "180", "history_days": "365",
        "frequency": "monthly", "purpose": "joint planning", "retention_days": "730", "ruling_days": "10",
        "notice_days": "0", "valid_from": "2025-07-01", "valid_to": "", "answer_days": "14",
    } | changes  # fmt: skip


def test_an_offer_shows_what_it_means_before_it_is_made(world: World, sign_in: SignIn) -> None:
    browser, href = sign_in("planner"), reverse("desk-agreement-offer")
    assert "nothing is shared before the supplier accepts" in text(browser.get(href))
    shown = text(browser.post(href, offer_form(world), headers={"HX-Request": "true"}))
    assert "<html" not in shown
    assert "Demand of the segment, Scorecard" in shown
    assert 'name="notice_days" value="0"' in shown
    assert agreements.agreements(world["planner"]) == []
    unserved = offer_form(world, supplier=str(world.suppliers["B"]))
    assert "does not serve the segment" in text(browser.post(href, unserved, headers={"HX-Request": "true"}))
    done = browser.post(href, offer_form(world, offer="1"))
    assert done.status_code == 302
    found = agreements.agreements(world["planner"])[0].latest
    assert (found.state, found.terms.fields, found.terms.notice_days) == (
        AgreementState.OFFERED, ("demand", "scorecard"), 0
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"demand": "", "scorecard": ""}, "Tick at least one thing"),
        ({"valid_to": "2025-06-01"}, "would end before it begins"),
        ({"horizon_days": "0"}, "greater than or equal to 1"),
    ],
)
def test_an_offer_that_cannot_be_says_why(world: World, sign_in: SignIn, changes: dict[str, str], said: str) -> None:
    answer = sign_in("planner").post(reverse("desk-agreement-offer"), offer_form(world, offer="1", **changes))
    assert said in text(answer, 422)
    assert agreements.agreements(world["planner"]) == []


def test_a_new_wording_is_offered_as_a_difference(world: World, sign_in: SignIn) -> None:
    made, browser = agreed(world), sign_in("planner")
    href = reverse("desk-agreement-version", args=[made])
    assert "Looks ahead, days" in text(browser.get(href))
    shown = text(browser.post(href, offer_form(world, horizon_days="90"), headers={"HX-Request": "true"}))
    assert "180 days" in shown
    assert "90 days" in shown
    assert browser.post(href, offer_form(world, horizon_days="90", offer="1")).status_code == 302
    assert agreements.agreement(world["planner"], made).latest.version == 2
    assert "waits for the supplier" in text(browser.get(reverse("desk-agreement", args=[made])))


def test_a_viewer_reads_and_offers_nothing(world: World, sign_in: SignIn) -> None:
    made, browser = agreed(world), sign_in("viewer")
    page = text(browser.get(reverse("desk-agreement", args=[made])))
    assert "Offer a new wording" not in page
    assert "End: nothing" not in page
    assert browser.get(reverse("desk-agreement-offer")).status_code == 403
    answer = browser.post(reverse("desk-agreement-end", args=[made]), {"ends_on": "2025-08-31"})
    assert answer.status_code == 403


def test_the_supplier_accepts_what_it_has_read(world: World, sign_in: SignIn) -> None:
    made, version = offered(world)
    browser = sign_in("a planner")
    assert "Answer the offer: Data sharing" in text(browser.get(reverse("portal-home")))
    page = text(browser.get(reverse("portal-agreement", args=[made])))
    assert "Accept: the buyer may publish to you from 2025-07-01" in page
    assert browser.post(reverse("portal-agreement-accept", args=[version])).status_code == 302
    assert agreements.agreement(world["planner"], made).in_force is not None
    assert "Nothing is due" in text(browser.get(reverse("portal-home")))


def test_the_supplier_declines_with_a_reason(world: World, sign_in: SignIn) -> None:
    made, version = offered(world)
    browser, href = sign_in("a planner"), reverse("portal-agreement-decline", args=[version])
    assert "required" in text(browser.post(href, {"reason": ""}), 422)
    assert browser.post(href, {"reason": "We need a year"}).status_code == 302
    assert agreements.agreement(world["planner"], made).latest.answer == "We need a year"
    assert "Declined" in text(browser.get(reverse("portal-agreements")))


def test_a_supplier_viewer_is_offered_no_answer(world: World, sign_in: SignIn) -> None:
    made, version = offered(world)
    browser = sign_in("a viewer")
    page = text(browser.get(reverse("portal-agreement", args=[made])))
    assert "Accept:" not in page
    assert "administrator or planner can answer" in page
    assert browser.post(reverse("portal-agreement-accept", args=[version])).status_code == 403


def test_a_wording_for_later_shows_when_it_begins(world: World, sign_in: SignIn) -> None:
    made = agreed(world)
    later = Wording(DataSharingTerms(fields=("demand",)), valid_from=date(2025, 9, 1))
    version = offer_version(world["planner"], made, later)
    browser = sign_in("a planner")
    assert "not shared" in text(browser.get(reverse("portal-agreement", args=[made])))
    browser.post(reverse("portal-agreement-accept", args=[version]))
    assert "Accepted, begins 2025-09-01" in text(browser.get(reverse("portal-agreement", args=[made])))


# publications


def test_demand_is_shown_with_held_back_cells_and_changes(world: World, sign_in: SignIn) -> None:
    agreed(world)
    publish(world["planner"], demand_draft(world))
    made = publish(world["planner"], demand_draft(world, fingerprint="f2", series=demand_frame((100, 130, None, 80))))
    browser = sign_in("a planner")
    page = text(browser.get(reverse("portal-demand")))
    cells = grid(page, "series")
    assert cells["quantity"] == [100.0, 130.0, None, 80.0]
    assert cells["status"] == ["ok", "ok", "held_back", "ok"]
    assert cells["change"] == [None, "changed", None, "new"]
    assert "Held back" in page
    assert "1 held-back cells are not in these sums" in page
    assert "dominance" not in page
    changed = grid(text(browser.get(reverse("portal-demand"), {"show": "changed"})), "series")
    assert changed["quantity"] == [130.0, 80.0]
    assert grid(text(browser.get(reverse("portal-demand"), {"item": "I9"})), "series")["quantity"] == []
    record = text(browser.get(reverse("portal-publication", args=[made])))
    assert "dominance" not in record
    assert "p_percent" not in record
    workbook = browser.get(reverse("portal-demand"), {"export": "series"})
    assert workbook["Content-Disposition"].startswith("attachment")
    assert workbook.content[:2] == b"PK"


def test_the_buyer_sees_the_internal_part_apart(world: World, sign_in: SignIn) -> None:
    agreed(world)
    made = publish(world["planner"], demand_draft(world))
    page = text(sign_in("viewer").get(reverse("desk-publication", args=[made])))
    assert "Internal, not shared" in page
    assert grid(page, "held-back")["reason"] == ["dominance"]
    assert "Unchanged since published" in page
    assert "p percent" in page


def test_scorecards_are_listed_opened_and_acknowledged(world: World, sign_in: SignIn) -> None:
    made, lines = scored(world)
    browser = sign_in("a planner")
    listed = grid(text(browser.get(reverse("portal-scorecards"))), "scorecards")
    assert (listed["otif"], listed["n"], listed["segment"]) == ([0.92], [100], ["PRE"])
    page = text(browser.get(reverse("portal-publication", args=[made])))
    assert "few observations" in page
    assert "(85.0–95.9), n = 100" in page
    judged = grid(page, "lines")
    assert judged["on_time"] == ["false", "true", "true"]
    assert judged["dispute_href"][0] == reverse("portal-dispute", args=[lines[0]])
    late = grid(text(browser.get(reverse("portal-publication", args=[made]), {"lines": "late"})), "lines")
    assert late["order"] == ["PO00000"]
    assert browser.post(reverse("portal-acknowledge", args=[made])).status_code == 302
    assert publications.publication(world["planner"], made).reply is Reply.ACKNOWLEDGED
    assert "Acknowledge: tells" not in text(browser.get(reverse("portal-publication", args=[made])))


def test_a_replaced_publication_leads_to_the_newest(world: World, sign_in: SignIn) -> None:
    made, lines = scored(world)
    newer = publish(world["planner"], score_draft(world, fingerprint="s2"))
    browser = sign_in("a planner")
    page = text(browser.get(reverse("portal-publication", args=[made])))
    assert reverse("portal-publication", args=[newer]) in page
    assert "dispute_href" not in page
    answer = browser.get(reverse("portal-dispute", args=[lines[0]]))
    assert answer["Location"] == reverse("portal-publication", args=[newer])


def test_what_a_supplier_knew_on_a_day(world: World, sign_in: SignIn) -> None:
    agreed(world)
    publish(world["planner"], demand_draft(world))
    browser = sign_in("planner")
    assert "Choose a supplier and a day" in text(browser.get(reverse("desk-known")))
    asked = {"supplier": str(world.suppliers["A"]), "on": "2025-07-01"}
    found = grid(text(browser.get(reverse("desk-known"), asked)), "publications")
    assert found["title"] == ["1 Demand July to December 2025"]
    before = text(browser.get(reverse("desk-known"), asked | {"on": "2025-06-30"}))
    assert grid(before, "publications")["title"] == []
    assert "Nothing had been published" in before
    assert "valid date" in text(browser.get(reverse("desk-known"), asked | {"on": "soon"}))


def test_the_buyers_list_is_filtered(world: World, sign_in: SignIn) -> None:
    agreed(world)
    agreed(world, "B", "STD")
    publish(world["planner"], demand_draft(world))
    publish(world["planner"], demand_draft(world, "B", "STD"))
    browser = sign_in("viewer")
    everything = grid(text(browser.get(reverse("desk-publications"))), "publications")
    assert sorted(str(s) for s in everything["supplier"]) == ["Supplier A", "Supplier B"]
    one = {"segment": "STD"}
    assert grid(text(browser.get(reverse("desk-publications"), one)), "publications")["supplier"] == ["Supplier B"]


# cases


def test_a_line_is_drafted_then_disputed_with_evidence(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    browser, href = sign_in("a planner"), reverse("portal-dispute", args=[lines[0]])
    assert "only your company can read" in text(browser.get(href))
    assert browser.post(href, {"text": "It came", "save": "1"}).status_code == 302
    assert "It came" in text(browser.get(href))
    assert "Finish and send your dispute" in text(browser.get(reverse("portal-home")))
    assert "choose what is wrong".capitalize() in text(browser.post(href, {"text": "It came"}), 422)
    claim = {"reason": "delivered_earlier", "text": "It came on the 9th"}
    assert "give the day it was delivered".capitalize() in text(browser.post(href, claim), 422)
    bad = SimpleUploadedFile("receipt.pdf", b"<html>")
    assert "is not what its name says" in text(
        browser.post(href, claim | {"delivered_on": "2025-06-09", "evidence": bad}), 422
    )
    good = SimpleUploadedFile("receipt.pdf", b"%PDF-1.7 receipt")
    answer = browser.post(href, claim | {"delivered_on": "2025-06-09", "evidence": good})
    found = own_cases.my_cases(world["a planner"])[0]
    assert answer["Location"] == reverse("portal-case", args=[found.id])
    page = text(browser.get(answer["Location"]))
    assert "receipt.pdf" in page
    assert "It came on the 9th" in page
    assert browser.get(href)["Location"] == answer["Location"]
    assert own_cases.my_drafts(world["a planner"]) == []


def test_a_draft_is_thrown_away(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    browser = sign_in("a planner")
    browser.post(reverse("portal-dispute", args=[lines[0]]), {"text": "x", "save": "1"})
    assert browser.post(reverse("portal-draft-discard", args=[lines[0]])).status_code == 302
    assert own_cases.my_drafts(world["a planner"]) == []


def test_evidence_comes_as_an_attachment_to_both_sides_and_nobody_else(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    case = dispute_line(world["a planner"], lines[0], CLAIM, Evidence('re"ceipt.pdf', b"%PDF-1.7 receipt"))
    entry = cases.case(world["planner"], case).entries[0].id
    for who, name in (("viewer", "desk-case-file"), ("a viewer", "portal-case-file")):
        answer = sign_in(who).get(reverse(name, args=[entry]))
        assert answer.content == b"%PDF-1.7 receipt"
        assert answer["Content-Disposition"] == 'attachment; filename="re_ceipt.pdf"'
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
    assert sign_in("b planner").get(reverse("portal-case-file", args=[entry])).status_code == 404


def test_the_buyer_sees_the_difference_then_rules(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    case = dispute_line(world["a planner"], lines[0], CLAIM)
    browser, href = sign_in("manager"), reverse("desk-case", args=[case])
    assert "Case 1: order PO00000, line 10" in text(browser.get(reverse("desk-cases")))
    page = text(browser.get(href))
    assert "What the ruling would change" in page
    assert re.search(r'before">2025-06-15.*?after">2025-06-09', page, re.DOTALL)
    shown = text(
        browser.post(reverse("desk-case-effect", args=[case]), {"verdict": "uphold", "delivered_on": "2025-06-12"})
    )
    assert re.search(r'before">5.*?after">2', shown, re.DOTALL)
    rejected = text(browser.post(reverse("desk-case-effect", args=[case]), {"verdict": "reject"}))
    assert "Nothing changes" in rejected
    rule = reverse("desk-case-rule", args=[case])
    assert "corrects a date or quantity" in text(browser.post(rule, {"verdict": "uphold", "text": "Yes"}), 422)
    done = browser.post(rule, {"verdict": "uphold", "text": "The receipt proves it", "delivered_on": "2025-06-09"})
    assert done.status_code == 302
    assert cases.case(world["planner"], case).case.state is CaseState.UPHELD
    assert "No case is open" in text(browser.get(reverse("desk-cases")))
    assert "Upheld" in text(browser.get(reverse("desk-cases"), {"show": "all"}))
    assert "The receipt proves it" in text(sign_in("a viewer").get(reverse("portal-case", args=[case])))
    again = browser.post(rule, {"verdict": "reject", "text": "No"})
    assert again.status_code == 409


def test_those_who_may_not_rule_see_no_ruling_form(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    case = dispute_line(world["a planner"], lines[0], CLAIM)
    browser = sign_in("viewer")
    assert "Rule: final" not in text(browser.get(reverse("desk-case", args=[case])))
    rule = reverse("desk-case-rule", args=[case])
    assert browser.post(rule, {"verdict": "reject", "text": "No"}).status_code == 403


def test_both_sides_talk_and_the_supplier_withdraws(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    case = dispute_line(world["a planner"], lines[0], CLAIM)
    desk, portal = sign_in("planner"), sign_in("a planner")
    assert desk.post(reverse("desk-case-note", args=[case]), {"text": "Send the receipt"}).status_code == 302
    note = {"text": "Here", "evidence": io.BytesIO(b"a,b\n1,2\n")}
    note["evidence"].name = "receipt.csv"  # type: ignore[attr-defined]
    assert portal.post(reverse("portal-case-note", args=[case]), note).status_code == 302
    assert "required" in text(portal.post(reverse("portal-case-note", args=[case]), {"text": ""}), 422)
    page = text(portal.get(reverse("portal-case", args=[case])))
    assert "Send the receipt" in page
    assert "Pat Planner" not in page
    assert "A Planner" in text(desk.get(reverse("desk-case", args=[case])))
    assert portal.post(reverse("portal-case-withdraw", args=[case])).status_code == 302
    assert cases.case(world["planner"], case).case.state is CaseState.WITHDRAWN
    assert "Withdrawn" in text(portal.get(reverse("portal-cases")))


def test_an_overdue_ruling_shows(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    case = dispute_line(world["a planner"], lines[0], CLAIM)
    desk, portal = sign_in("planner"), sign_in("a planner")
    with at(days=11):
        assert "Ruling overdue" in text(desk.get(reverse("desk-cases")))
        assert "Ruling overdue" in text(portal.get(reverse("portal-case", args=[case])))


# the other company, the other side, nobody


def test_everything_of_a_supplier_is_not_there_for_another(world: World, sign_in: SignIn) -> None:
    made, lines = scored(world, "A", "STD")
    case = dispute_line(world["a planner"], lines[0], CLAIM)
    note = add_note(world["planner"], case, "Hello")
    agreement = agreements.agreements(world["planner"])[0]
    stranger = sign_in("b planner")
    gets = {
        "portal-agreement": agreement.latest.id, "portal-publication": made, "portal-dispute": lines[0],
        "portal-case": case, "portal-case-file": note,
    }  # fmt: skip
    for name, key in gets.items():
        assert stranger.get(reverse(name, args=[key])).status_code == 404, name
    posts: dict[str, tuple[UUID, dict[str, str]]] = {
        "portal-agreement-accept": (agreement.latest.version_id, {}),
        "portal-agreement-decline": (agreement.latest.version_id, {"reason": "x"}),
        "portal-acknowledge": (made, {}),
        "portal-dispute": (lines[0], {"text": "x", "save": "1"}),
        "portal-case-note": (case, {"text": "x"}),
        "portal-case-withdraw": (case, {}),
    }
    for name, (key, data) in posts.items():
        assert stranger.post(reverse(name, args=[key]), data).status_code == 404, name
    for name in ("portal-home", "portal-agreements", "portal-demand", "portal-scorecards", "portal-cases"):
        page = text(stranger.get(reverse(name)))
        assert "PO00000" not in page
        assert "Scorecard 2025-06" not in page


@pytest.mark.parametrize("name", ["portal-agreements", "portal-demand", "portal-scorecards", "portal-cases"])
def test_empty_pages_say_what_comes_next(world: World, sign_in: SignIn, name: str) -> None:
    page = text(sign_in("b viewer").get(reverse(name)))
    assert re.search(r"appears? here|find it here|must answer by a date|The first follows", page)


def test_the_homes_say_what_waits_and_what_comes_next(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    offered(world, "A", "STD")
    dispute_line(world["a planner"], lines[0], CLAIM)
    portal, desk = sign_in("a planner"), sign_in("manager")
    page = text(portal.get(reverse("portal-home")))
    assert "Answer the offer: Data sharing" in page
    assert "The buyer rules the dispute of PO00000 / 10" in page
    assert "Answer the offer" not in text(sign_in("a viewer").get(reverse("portal-home")))
    page = text(desk.get(reverse("desk-home")))
    assert "Rule the dispute of PO00000 / 10" in page
    assert "Renew the offer" not in page
    assert "Rule the dispute" not in text(sign_in("viewer").get(reverse("desk-home")))
    with at(days=15):
        assert "The buyer has not ruled in time" in text(portal.get(reverse("portal-home")))
        assert "Renew the offer: Data sharing" in text(desk.get(reverse("desk-home")))


def test_a_suppliers_record_has_what_was_shared_with_it(world: World, sign_in: SignIn) -> None:
    _, lines = scored(world)
    dispute_line(world["a planner"], lines[0], CLAIM)
    browser = sign_in("viewer")
    for tab in ("agreements", "publications", "cases"):
        href = reverse("desk-supplier-tab", args=[world.suppliers["A"], tab])
        assert len(grid(text(browser.get(href)), tab)["title"]) == 1
        other = reverse("desk-supplier-tab", args=[world.suppliers["B"], tab])
        page = text(browser.get(other))
        assert "No agreement yet" in page if tab == "agreements" else grid(page, tab)["title"] == []


@pytest.mark.parametrize("name", ["desk-agreements", "desk-publications", "desk-known", "desk-cases"])
def test_a_supplier_has_no_desk(world: World, sign_in: SignIn, name: str) -> None:
    assert sign_in("a planner").get(reverse(name)).status_code in {403, 404}
    assert text(sign_in("viewer").get(reverse(name)))


def test_nobody_signed_in_is_asked_to(world: World) -> None:
    assert Client().get(reverse("portal-home"))["Location"].startswith("/accounts/login/")
