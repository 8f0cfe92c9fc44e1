"""Erasing a person: the name is gone everywhere, what was done stays, and a restore does not bring it back."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from collaboration.scenes import at_once, entries
from directory.signing_in import PASSWORD, signed_in
from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.directory import queries
from tierwise.directory.actions import change_role
from tierwise.directory.erasing import (
    append_tombstones,
    apply_erasures,
    carry_ledger,
    erase_person,
    erased_name,
    ledger_path,
    read_ledger,
)
from tierwise.directory.models import Person
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import Role, viewer_scope
from tierwise.kernel.zones import declared_tables

pytestmark = pytest.mark.database
EMAIL, NAME = "a.planner@example.com", "A Planner"


@pytest.fixture
def planner(world: World) -> UUID:
    Account.objects.create_account(EMAIL, world["a planner"].person, PASSWORD)
    answer = Client().post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    assert answer.status_code == 302
    change_role(world["administrator"], world["a planner"].person, Role.SUPPLIER_VIEWER)
    return world["a planner"].person


def everywhere(template: Template, words: str) -> list[str]:
    """Tables any of whose rows holds some words, as the superuser sees them."""
    dbname = template.runtime.admin_conninfo(_database())
    with psycopg.connect(dbname) as connection:
        query = 'select exists (select from "{}" t where t::text ilike %s)'
        return [
            table for table in sorted(declared_tables())
            if connection.execute(query.format(table), [f"%{words}%"]).fetchone() == (True,)  # type: ignore[arg-type]
        ]  # fmt: skip


def _database() -> str:
    from django.db import connections

    return str(connections["owner"].settings_dict["NAME"])


def test_nothing_of_an_erased_person_is_left_in_any_table(world: World, database: Template, planner: UUID) -> None:
    assert everywhere(database, EMAIL)
    erase_person(world["a administrator"], planner, "Left the company and asked for it")
    assert everywhere(database, EMAIL) == []
    assert everywhere(database, NAME) == []
    assert not UserSession.objects.exists()
    assert "planner" not in ledger_path().read_text()
    trail = signed_in(world["administrator"]).text("/desk/audit/")
    assert erased_name(planner) in trail
    assert signed_in(world["a administrator"]).text("/portal/company/").count(erased_name(planner)) >= 1


def test_names_stand_in_the_table_of_people_and_accounts_alone(world: World, database: Template, planner: UUID) -> None:
    """Audit, events, cases and publications hold ids; what sign-in keeps goes with the account."""
    assert set(everywhere(database, NAME)) <= {"directory_person"}
    assert set(everywhere(database, EMAIL)) <= {"directory_person", "kernel_account"}


def test_a_restored_backup_does_not_bring_the_name_back(world: World, planner: UUID) -> None:
    erase_person(world["a administrator"], planner, "Asked for it")
    assert len(read_ledger(ledger_path())) == 1
    # What a backup of the day before holds.
    with viewer_scope(world["administrator"]):
        Person.objects.filter(id=planner).update(name=NAME, email=EMAIL, active=True, erased_at=None)
    Account.objects.create_account(EMAIL, planner, PASSWORD)
    assert apply_erasures() == 1
    people = {p.id: p for p in queries.people(world["administrator"])}
    assert (people[planner].name, people[planner].erased, people[planner].active) == (erased_name(planner), True, False)
    assert not Account.objects.exists()
    assert apply_erasures() == 0
    assert sum(one.erased for one in queries.people(world["administrator"])) == 1


def test_a_ledger_kept_elsewhere_counts_and_is_taken_over(world: World, planner: UUID) -> None:
    erase_person(world["a administrator"], planner, "Asked for it")
    kept = ledger_path().rename(ledger_path().with_name("kept-beside-the-backup"))
    with viewer_scope(world["administrator"]):
        Person.objects.filter(id=planner).update(name=NAME, email=EMAIL, erased_at=None)
    assert apply_erasures() == 0
    kept.write_text(kept.read_text() + '{"person": "cut sho')
    assert apply_erasures(world.worker, kept) == 1
    assert len(read_ledger(ledger_path())) == 1


def test_a_restore_carries_the_ledger_into_the_new_home(world: World, planner: UUID, tmp_path: Path) -> None:
    erase_person(world["a administrator"], planner, "Asked for it")
    beside, home = tmp_path / "backups", tmp_path / "new"
    append_tombstones(beside / "erasures", {"of a home that burnt"})
    assert carry_ledger(beside / "of-tuesday.tierwise", home) == 2
    assert carry_ledger(beside, home) == 2
    assert len(read_ledger(home / "erasures")) == 2


@pytest.mark.parametrize("who", ["planner", "manager", "a viewer"])
def test_only_administrators_erase(world: World, planner: UUID, who: str) -> None:
    with pytest.raises(NotAllowed):
        erase_person(world[who], planner, "Asked for it")


def test_who_may_not_be_erased(world: World, planner: UUID) -> None:
    with pytest.raises(NotFound):
        erase_person(world["b administrator"], planner, "Asked for it")
    with pytest.raises(NotAllowed):
        erase_person(world["a administrator"], world["a administrator"].person, "Asked for it")
    with pytest.raises(NotAllowed):
        erase_person(world["administrator"], world["a administrator"].person, "The last one")
    for reason in ("", f"because {EMAIL} asked"):
        with pytest.raises(Invalid):
            erase_person(world["administrator"], planner, reason)
    assert read_ledger(ledger_path()) == set()


def test_erased_once(world: World, planner: UUID) -> None:
    results = at_once(*[lambda: erase_person(world["administrator"], planner, "Asked for it")] * 2)
    assert sum(isinstance(result, Stale) for result in results) == 1
    assert entries(world, "erase_person") == 1
    assert len(read_ledger(ledger_path())) == 1


def test_from_the_page(world: World, planner: UUID) -> None:
    desk = signed_in(world["administrator"])
    given = {"what": "erase", "reason": "Asked for it", "next": str(world.suppliers["A"])}
    assert desk.post(f"/desk/people/{planner}/tend", **given).status_code == 302
    page = desk.text(f"/desk/suppliers/{world.suppliers['A']}/people")
    assert erased_name(planner) in page
    assert EMAIL not in page
