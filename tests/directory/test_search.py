"""The search box finds what its viewer may see, and nothing else."""

from __future__ import annotations

import pytest
from django.test import Client

from fixtures.worlds import World
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import viewer_scope
from tierwise.web.search import find

pytestmark = pytest.mark.database


def page(world: World, who: str, words: str) -> tuple[int, str]:
    client = Client()
    account = Account.objects.create_account(f"{who.replace(' ', '.')}@sign.example.com", world[who].person)
    client.force_login(account)
    answer = client.get("/search/", {"q": words}, follow=True)
    return answer.status_code, answer.content.decode()


def test_a_buyer_finds_a_supplier_by_a_part_of_its_name(world: World) -> None:
    status, text = page(world, "planner", "supplier")
    assert status == 200
    assert "Supplier A" in text
    assert "Supplier B" in text


def test_a_single_find_is_opened(world: World) -> None:
    status, text = page(world, "planner", "pplier B")
    assert status == 200
    assert "<h1" in text
    assert "Supplier B" in text


def test_a_supplier_finds_none_of_the_others(world: World) -> None:
    assert page(world, "a planner", "Supplier B")[0] == 200
    with viewer_scope(world["a planner"]):
        assert find(world["a planner"], "Supplier B") == []


def test_nothing_is_told_plainly(world: World) -> None:
    status, text = page(world, "planner", "no such thing")
    assert status == 200
    assert "Nothing found" in text
