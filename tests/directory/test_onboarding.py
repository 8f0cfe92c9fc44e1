"""A supplier let in by invitation: set up with a name and an address, first words of its own, first page."""

from __future__ import annotations

import pytest
from django.test import Client

from collaboration.scenes import at_once, entries
from directory.signing_in import PASSWORD
from fixtures.worlds import World
from tierwise.directory import queries
from tierwise.directory.onboarding import (
    InvitedSupplier,
    NewSupplier,
    complete_onboarding,
    invite_supplier,
    my_onboarding,
    onboarding_of,
    terms,
)
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import Role, Viewer

pytestmark = pytest.mark.database
NEW = NewSupplier("Nordwerk", "nia@nordwerk.example", "Nia New", "Castings for the new line.")


def invited(world: World, **more: str) -> tuple[InvitedSupplier, Viewer]:
    made = invite_supplier(world["manager"], NewSupplier(NEW.name, NEW.email, NEW.contact, NEW.about, **more))
    return made, Viewer(made.invited.person, made.company, Role.SUPPLIER_ADMINISTRATOR)


def test_a_name_and_an_address_set_a_supplier_up(world: World) -> None:
    made, first = invited(world)
    company = queries.company(world["planner"], made.company)
    assert company is not None
    assert (company.name, company.duns, company.currency) == ("Nordwerk", "", "")
    assert company.code.startswith("NEW-")
    assert [p.role for p in queries.people(world["administrator"], made.company)] == ["supplier_administrator"]
    told = my_onboarding(first)
    assert told is not None
    assert (told.host_name, told.about, told.open) == ("Host Company", NEW.about, True)
    assert entries(world, "invite_supplier") == 1


@pytest.mark.parametrize("who", ["planner", "viewer", "a administrator"])
def test_others_invite_no_supplier(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        invite_supplier(world[who], NEW)


def test_a_number_that_is_taken_and_a_missing_name_are_refused(world: World) -> None:
    with pytest.raises(Stale):
        invited(world, code="A")
    with pytest.raises(Invalid):
        invite_supplier(world["manager"], NewSupplier(" ", NEW.email, NEW.contact))
    assert len(queries.suppliers(world["planner"])) == 2


def test_one_number_at_once_makes_one_supplier(world: World) -> None:
    results = at_once(*[lambda: invited(world, code="77")] * 2)
    assert sum(isinstance(result, Stale) for result in results) == 1
    assert len(queries.suppliers(world["planner"])) == 3


def test_it_accepts_the_terms_and_says_what_it_is_called(world: World) -> None:
    made, first = invited(world)
    complete_onboarding(first, "Nordwerk GmbH", "de", terms().digest)
    said = onboarding_of(world["planner"], made.company)
    assert said is not None
    assert (said.stated_name, said.stated_country, said.open) == ("Nordwerk GmbH", "DE", False)
    deliver(world.worker)
    company = queries.company(world["planner"], made.company)
    assert company is not None
    assert (company.name, company.country) == ("Nordwerk GmbH", "DE")
    with pytest.raises(Stale):
        complete_onboarding(first, "Nordwerk AG", "DE", terms().digest)


def test_who_may_not_accept(world: World) -> None:
    made, first = invited(world)
    for role in (Role.SUPPLIER_PLANNER, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            complete_onboarding(Viewer(first.person, made.company, role), "N", "DE", terms().digest)
    with pytest.raises(NotFound):
        complete_onboarding(world["a administrator"], "N", "DE", terms().digest)
    with pytest.raises(Stale):
        complete_onboarding(first, "N", "DE", "of other terms")
    with pytest.raises(Invalid):
        complete_onboarding(first, "N", "Germany", terms().digest)
    results = at_once(*[lambda: complete_onboarding(first, "N", "DE", terms().digest)] * 2)
    assert sum(isinstance(result, Stale) for result in results) == 1


def test_from_the_link_to_the_first_page(world: World) -> None:
    made, _ = invited(world)
    client = Client()
    page = client.get(f"/invitation/{made.invited.token}/").content.decode()
    assert "Host Company" in page
    assert NEW.about in page
    came = client.post(f"/invitation/{made.invited.token}/", {"password": PASSWORD}, follow=True)
    assert came.redirect_chain[-1][0] == "/portal/welcome"
    text = came.content.decode()
    assert "Terms of use" in text
    assert not any(word in text.lower() for word in ("d-u-n-s", "duns", "iban", "bank"))
    # No way around them: not by address, not by the API with the same session.
    assert client.get("/portal/company/").headers["Location"] == "/portal/welcome"
    assert client.post(f"/portal/company/people/{made.company}/tend", {}).headers["Location"] == "/portal/welcome"
    assert client.get("/api/v1/supports").json()["code"] == "terms"
    given = {"name": "Nordwerk GmbH", "country": "DE", "terms": terms().digest}
    assert client.post("/portal/welcome", given).status_code == 422
    home = client.post("/portal/welcome", given | {"agreed": "on"}, follow=True)
    assert home.redirect_chain[-1][0] == "/portal/"
    assert "confirms which parts of its demand you serve" in home.content.decode()
    assert client.get("/portal/company/").status_code == 200
    assert client.get("/api/v1/supports").status_code == 200
