"""The buyer's pages of scorecards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from fixtures.worlds import NOW, World
from modules.performance.orders import Orders, steady
from modules.performance.test_publishing import agree
from tierwise.directory.models import Person
from tierwise.directory.ports import SchemeChange, SupportChange, impact_sections
from tierwise.kernel.clock import clock_set
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import viewer_scope
from tierwise.modules.performance import actions, jobs, queries
from tierwise.modules.performance.records import CardRecord, Formula

pytestmark = pytest.mark.database
MAY = date(2025, 5, 1)
Open = Callable[[str], Client]


@pytest.fixture
def clock() -> Iterator[datetime]:
    with clock_set(NOW):
        yield NOW


@pytest.fixture
def open_as(world: World, clock: datetime) -> Open:
    def sign_in(who: str) -> Client:
        viewer = world[who]
        with viewer_scope(world.worker):
            email = Person.objects.get(id=viewer.person).email
        account = Account.objects.create_account(email, viewer.person, "a long enough secret")
        client = Client()
        client.force_login(account, "allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


@pytest.fixture
def may(world: World, clock: datetime) -> World:
    """April and May scored; A has agreed to scorecards of STD."""
    agree(world, "A", "STD")
    orders = Orders()
    orders.share("BOLT", {"PREM": 0.4, "STD": 0.6})
    for supplier in ("A", "B"):
        steady(orders, supplier, date(2025, 4, 1), good=12)
        steady(orders, supplier, MAY, good=9, bad=4, rejected=1)
    orders.lay(world)
    actions.put_formula(world["planner"], Formula(shrinkage=False))
    jobs.score_periods(world.worker)
    return world


def card_of(world: World, supplier: str = "A") -> CardRecord:
    chosen = {"supplier": world.suppliers[supplier], "segment": world.segments["STD"], "period": "2025-05"}
    return queries.scorecards(world["viewer"], **chosen)[0]  # type: ignore[arg-type]


def text(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content[:500]
    return unescape(response.content.decode())


def test_nothing_scored_yet_says_what_comes(open_as: Open) -> None:
    assert "No period has been scored yet" in text(open_as("viewer"), reverse("desk-scorecards"))


def test_the_heat_map_leads_to_the_cards(may: World, open_as: Open) -> None:
    page = text(open_as("viewer"), reverse("desk-scorecards"))
    assert reverse("desk-scorecard", args=[card_of(may).id]) in page
    assert "Supplier A" in page
    assert "2025-04" in page
    assert "Publish 2" not in page  # a reader is not offered what would be refused


def test_the_heat_map_of_an_earlier_period_and_one_segment(may: World, open_as: Open) -> None:
    page = text(open_as("planner"), reverse("desk-scorecards") + "?period=2025-04&segment=STD")
    assert reverse("desk-scorecard", args=[card_of(may).id]) not in page
    assert "Publish 2 scorecards" in page


def test_the_list_exports(may: World, open_as: Open) -> None:
    response = open_as("viewer").get(reverse("desk-scorecards") + "?export=scorecards")
    assert response["Content-Type"].startswith("application/vnd.openxmlformats")


def test_a_card_says_its_numbers_and_why(may: World, open_as: Open) -> None:
    card = card_of(may)
    page = text(open_as("viewer"), reverse("desk-scorecard", args=[card.id]))
    assert "On time in full" in page
    assert f"{9 / 13 * 100:.1f}" in page
    assert "4 to 7 days late" in page  # the cause of the misses
    assert "manifest 1" in page
    assert page.count("P00") >= 13  # its lines


@pytest.mark.parametrize("measure", ["score", "otif", "fill_rate", "reject_ppm", "lead_time_bias", "rejected_lines"])
def test_every_number_explains_itself(may: World, open_as: Open, measure: str) -> None:
    page = text(open_as("viewer"), reverse("desk-scorecard-measure", args=[card_of(may).id, measure]))
    assert "÷" in page or "Mean of" in page
    if measure != "score":
        assert "manifest 1" in page
        assert "version 1" in page
        assert "95 % interval" in page
        assert "P00" in page


def test_every_explain_address_on_a_card_answers(may: World, open_as: Open) -> None:
    client, card = open_as("viewer"), card_of(may)
    page = text(client, reverse("desk-scorecard", args=[card.id]))
    addresses = set(re.findall(rf"/desk/scorecards/{card.id}/[a-z_]+/", page))
    assert len(addresses) >= 9
    for address in addresses:
        assert client.get(address).status_code == 200


def test_an_unknown_card_and_measure_are_not_found(may: World, open_as: Open) -> None:
    client = open_as("viewer")
    assert client.get(reverse("desk-scorecard", args=[may.host])).status_code == 404
    assert client.get(reverse("desk-scorecard-measure", args=[card_of(may).id, "speed"])).status_code == 404


def test_a_supplier_reaches_none_of_it(may: World, open_as: Open) -> None:
    client = open_as("a administrator")
    for address in (
        reverse("desk-scorecards"),
        reverse("desk-scorecard-formula"),
        reverse("desk-scorecard", args=[card_of(may).id]),
        reverse("desk-scorecard-measure", args=[card_of(may).id, "otif"]),
    ):
        assert client.get(address).status_code in {302, 403, 404}


def test_publishing_from_the_card(may: World, open_as: Open) -> None:
    client, card = open_as("planner"), card_of(may)
    assert "Publish to the supplier" in text(client, reverse("desk-scorecard", args=[card.id]))
    client.post(reverse("desk-scorecard-publish", args=[card.id]))
    assert card_of(may).publication is not None
    assert card_of(may, "B").publication is None
    client.post(reverse("desk-scorecards-publish"))
    assert len(queries.publishable(may["planner"])) == 0


def test_a_reader_may_not_publish(may: World, open_as: Open) -> None:
    assert open_as("viewer").post(reverse("desk-scorecard-publish", args=[card_of(may).id])).status_code == 403
    assert card_of(may).publication is None


def test_the_formula_is_read_by_everybody(may: World, open_as: Open) -> None:
    page = text(open_as("viewer"), reverse("desk-scorecard-formula"))
    assert "the date last agreed" in page
    assert "Write a new version" not in page


def form_values(page: str) -> dict[str, str]:
    """What a browser would send back of a form, unchanged."""
    body = page[page.index('id="document"') : page.index("form-actions")]
    found = {}
    for tag in re.findall(r"<input [^>]*>", body):
        names = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if names.get("type") != "checkbox" or "checked" in tag:
            found[names["name"]] = names.get("value", "on" if names.get("type") == "checkbox" else "")
    for name, content in re.findall(r'<textarea name="(\w+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        found[name] = content.strip()
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="(\w+)" selected', options)
        found[name] = chosen.group(1) if chosen else ""
    return found


def test_a_new_formula_shows_its_effect_before_it_is_written(may: World, open_as: Open) -> None:
    client = open_as("manager")
    values = form_values(text(client, reverse("desk-scorecard-formula-new")))
    trial = reverse("desk-scorecard-formula-trial")
    assert "Nothing differs" in client.post(trial, values).content.decode()
    wide = values | {"late_days": "7"}
    said = unescape(client.post(trial, wide).content.decode())
    assert "Days it may be late" in said
    assert "4 of 4 scores move" in said
    assert "Supplier A" in said
    assert len(queries.formulas(may["viewer"])) == 1
    assert client.post(reverse("desk-scorecard-formula-new"), wide).status_code == 302
    assert queries.formula(may["viewer"]).formula.otif.late_days == 7  # type: ignore[union-attr]
    assert "Days it may be late: 0 → 7" in text(client, reverse("desk-scorecard-formula"))


def test_a_faulty_formula_is_told_beside_its_field(may: World, open_as: Open) -> None:
    client = open_as("manager")
    values = form_values(text(client, reverse("desk-scorecard-formula-new")))
    wrong = values | {"standings": "low, 0, 60\nhigh, 70, 100"}
    response = client.post(reverse("desk-scorecard-formula-new"), wrong)
    assert response.status_code == 422
    assert "gap" in response.content.decode()
    stale = client.post(reverse("desk-scorecard-formula-new"), values | {"reply_days": "3", "based_on": "7"})
    assert stale.status_code == 422
    assert len(queries.formulas(may["viewer"])) == 1


def test_the_suppliers_record_has_its_scorecards(may: World, open_as: Open) -> None:
    page = text(open_as("viewer"), reverse("desk-supplier-tab", args=[may.suppliers["A"], "scorecards"]))
    assert reverse("desk-scorecard", args=[card_of(may).id]) in page


def test_a_scheme_says_which_scorecards_begin_and_end(may: World) -> None:
    changes = (
        SupportChange(may.suppliers["B"], "Supplier B", "PREM", True, 0.0, 0.2),
        SupportChange(may.suppliers["A"], "Supplier A", "STD", False, 0.6, 0.0),
    )
    change = SchemeChange(date(2025, 8, 1), (), (), ("PREM",), changes)
    section = next(each for each in impact_sections(may["planner"], change) if each.title == "Scorecards")
    assert section.headline == "1 scorecards begin, 1 end; 2 are judged by changed policies"
    assert (section.count, len(section.rows), len(section.warnings)) == (2, 2, 1)
