"""The buyer's pages of segmentation: what they show, what they do, and to whom they offer it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from fixtures.worlds import World
from modules.segmentation.conftest import Stage
from modules.segmentation.small_company import ON, SCHEME, applied, cell, planned, segments_now
from tierwise.directory import queries as directory
from tierwise.directory.models import Person
from tierwise.directory.records import SupportState
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import viewer_scope
from tierwise.modules.segmentation import jobs, queries
from tierwise.modules.segmentation.actions import pin_cell
from tierwise.modules.segmentation.desk.members import cell_address
from tierwise.modules.segmentation.records import read_scheme

pytestmark = pytest.mark.database
HIGHER = SCHEME.replace("cuts: [1000]", "cuts: [5000]")
Open = Callable[[str], Client]


@pytest.fixture
def open_as(imported: Stage) -> Open:
    """Signs in; the company has the same people at every stage."""
    people = imported.world

    def sign_in(who: str) -> Client:
        viewer = people[who]
        with viewer_scope(people.worker):
            email = Person.objects.get(id=viewer.person).email
        account = Account.objects.create_account(email, viewer.person, "a long enough secret")
        client = Client()
        client.force_login(account, "allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:400]
    return plain(answer.content.decode())


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<(?!script)[^>]+>", " ", html)).split())


def test_before_the_first_scheme_pages_say_what_comes_next(small: World, open_as: Open) -> None:
    client = open_as("planner")
    assert "No scheme is live yet" in text(client, reverse("desk-segments"))
    assert "a beginning to change" in text(client, reverse("desk-scheme"))
    assert "There is no scheme yet" in text(client, reverse("desk-scheme-history"))
    assert "Nothing is proposed" in text(client, reverse("desk-segment-supports"))


def test_the_list_and_the_record_show_members_worth_and_suppliers(live: World, open_as: Open) -> None:
    client = open_as("viewer")
    assert "Bicycles, version 1, in force from 2025-07-01" in text(client, reverse("desk-segments"))
    record = text(client, reverse("desk-segment", args=["PREM"]))
    assert "Suppliers know it as Line one" in record
    assert "BIKE-1" in record
    assert "3,480" in record
    assert "Nothing is published for this segment" in text(
        client, reverse("desk-segment", args=["PREM"]) + "?view=publications"
    )
    policy = text(client, reverse("desk-segment", args=["PREM"]) + "?view=policy")
    assert "version 1, from 2025-07-01" in policy
    assert "OTIF target 0.97" in policy
    assert "Version 1: 2 joined, 0 left" in text(client, reverse("desk-segment", args=["PREM"]) + "?view=history")
    assert "default terms" in text(client, reverse("desk-segment", args=["COMMON"]))
    assert client.get(reverse("desk-segment", args=["NONE"])).status_code == 404


def test_members_export_as_a_workbook(live: World, open_as: Open) -> None:
    answer = open_as("planner").get(reverse("desk-segment", args=["PREM"]) + "?export=members")
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")


def test_proposed_suppliers_are_confirmed_together(live: World, open_as: Open) -> None:
    client = open_as("planner")
    waiting = directory.supports(live["planner"], state=SupportState.PROPOSED)
    page = text(client, reverse("desk-segment-supports"))
    assert "Supplier B" in page
    assert "88.9" in page
    sent = {"support": [str(one.id) for one in waiting], "involvement": "advisory"}
    answer = client.post(reverse("desk-segment-supports"), sent, follow=True)
    assert "1 supplier confirmed" in plain(answer.content.decode())
    assert directory.supports(live["planner"], state=SupportState.PROPOSED) == []
    assert client.post(reverse("desk-segment-supports"), {"involvement": "advisory"}).status_code == 422
    one = {"support": str(waiting[0].id), "decision": "end", "on": "2025-07-31", "back": "PREM"}
    assert client.post(reverse("desk-segment-supports"), one)["Location"].endswith("/segments/PREM/")


def test_the_studio_tells_what_the_text_would_do(live: World, open_as: Open) -> None:
    client = open_as("planner")
    trial = reverse("desk-scheme-trial")
    assert "0 members move" in text(client, reverse("desk-scheme"))
    assert "2 members move" in plain(client.post(trial, {"document": HIGHER}).content.decode())
    wrong = plain(client.post(trial, {"document": SCHEME.replace("net_revenue", "net_revenu")}).content.decode())
    assert "1 mistake in the document Line 7: thresholds.value.metric" in wrong
    assert "did you mean 'net_revenue'" in wrong


def test_a_dragged_cut_is_written_into_the_text(live: World, open_as: Open) -> None:
    sent = {"document": SCHEME, "cut": "value/0", "dragged": "2500.4"}
    answer = open_as("planner").post(reverse("desk-scheme-trial"), sent).content.decode()
    assert 'hx-swap-oob="true"' in answer
    assert "cuts: [2500]" in unescape(answer)
    assert "# Bicycles" in answer
    share = SCHEME.replace("kind: value, cuts: [1000]", "kind: cumulative_share, cuts: [0.8]")
    sent = {"document": share, "cut": "value/0", "dragged": "61.26"}
    assert "cuts: [0.613]" in unescape(open_as("manager").post(reverse("desk-scheme-trial"), sent).content.decode())


def test_a_document_is_kept_planned_and_applied_by_its_button(live: World, open_as: Open) -> None:
    client = open_as("manager")
    kept = client.post(reverse("desk-scheme-save"), {"document": HIGHER, "keep": "1"})
    assert kept["Location"].endswith("?version=2")
    answer = client.post(reverse("desk-scheme-save"), {"document": HIGHER, "effective_on": "2025-08-01"})
    page = text(client, answer["Location"])
    assert "Apply: 2 members move, 1 supplier falls below its least share" in page
    assert "BIKE-1" in page
    assert "beyond the cut by more than the margin" in page
    assert "Suppliers and people" in page
    plan = queries.plans(live["viewer"])[0]
    done = client.post(reverse("desk-plan-apply", args=[plan.id]), {"fingerprint": plan.fingerprint}, follow=True)
    assert "Version 2 is applied: 2 moved" in plain(done.content.decode())
    assert segments_now(live["viewer"])["BIKE-1", "KEY"] == "STD"
    stale = client.post(reverse("desk-plan-again", args=[1]), {"effective_on": "2025-07-15"})
    again = queries.plan(live["viewer"], stale["Location"].split("/")[-2])
    sent = {"fingerprint": again.fingerprint}
    assert client.post(reverse("desk-plan-apply", args=[again.id]), sent).status_code == 422


def test_a_mistaken_document_comes_back_with_its_mistakes(live: World, open_as: Open) -> None:
    sent = {"document": SCHEME.replace("rank: 2", "rank: two"), "effective_on": "2025-08-01"}
    answer = open_as("planner").post(reverse("desk-scheme-save"), sent)
    assert answer.status_code == 200
    assert "Nothing was kept" in plain(answer.content.decode())
    assert len(queries.scheme_versions(live["viewer"])) == 1


def test_who_may_not_apply_is_not_offered_it(live: World, open_as: Open) -> None:
    plan, _, _ = planned(live, HIGHER)
    assert "Apply:" not in text(open_as("planner"), reverse("desk-plan", args=[plan]))
    reader = open_as("viewer")
    studio = reader.get(reverse("desk-scheme")).content.decode()
    assert "readonly" in studio
    assert "Keep as draft" not in studio
    assert reader.post(reverse("desk-scheme-save"), {"document": HIGHER, "keep": "1"}).status_code == 403
    assert "Pin this cell" not in text(reader, cell_address(cell("BIKE-1", "KEY")))


def test_suppliers_have_none_of_these_pages(live: World, open_as: Open) -> None:
    client = open_as("a administrator")
    for name in ("desk-segments", "desk-pins", "desk-scheme", "desk-scheme-history", "desk-segment-supports"):
        assert client.get(reverse(name)).status_code in {302, 403, 404}


def test_a_cell_tells_why_and_is_pinned(live: World, open_as: Open) -> None:
    client = open_as("planner")
    where = cell("BIKE-1", "SMALL")
    page = text(client, cell_address(where))
    assert "The rules propose Premium: rule “earners”" in page
    assert "1,080" in page
    assert "1,000" in page
    sent = where | {"segment": "STD", "reason": "agreed with sales", "expires_on": "2025-12-31"}
    page = plain(client.post(reverse("desk-cell-pin"), sent, follow=True).content.decode())
    assert "Pinned to STD . agreed with sales Until 2025-12-31" in page
    assert reverse("desk-pins") in client.get(reverse("desk-segments")).content.decode()
    listed = client.get(reverse("desk-pins")).content.decode()
    assert "agreed with sales" in listed
    assert "2025-12-31" in listed
    assert "required" in plain(client.post(reverse("desk-cell-pin"), where | {"segment": "STD"}).content.decode())
    client.post(reverse("desk-cell-pin"), where | {"decision": "unpin"})
    assert queries.pin_of(live["viewer"], where) is None
    assert "Nothing is pinned" in text(client, reverse("desk-pins"))
    assert client.get(cell_address(cell("NONE", "SMALL"))).status_code == 404


def test_versions_are_compared_downloaded_and_brought_back(live: World, open_as: Open) -> None:
    applied(live, HIGHER)
    client = open_as("manager")
    listed = text(client, reverse("desk-scheme-history"))
    assert "2 members move" in listed
    compared = text(client, reverse("desk-scheme-version", args=[2]))
    assert "2 lines differ" in compared
    assert "cuts: [5000]" in compared
    file = client.get(reverse("desk-scheme-file", args=[1]))
    assert read_scheme(file.content.decode()) == read_scheme(SCHEME)
    assert file["Content-Disposition"] == 'attachment; filename="bicycles-1.yaml"'
    assert client.post(reverse("desk-scheme-back", args=[1]))["Location"].endswith("?version=3")
    assert client.get(reverse("desk-scheme-version", args=[77])).status_code == 404


def test_a_plan_that_a_cycle_filed_is_due_for_those_who_may_apply_it(live: World, open_as: Open) -> None:
    pin_cell(live["planner"], cell("BIKE-1", "KEY"), "STD", "why", None)
    jobs.place_cells(live.worker, ON)
    assert "Decide on the plan of the last evaluation: 1 member moves" in text(open_as("manager"), reverse("desk-home"))
    assert "Decide on the plan" not in text(open_as("planner"), reverse("desk-home"))
