from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from collaboration.scenes import at
from fixtures.worlds import World
from tierwise.kernel.models import Account

SignIn = Callable[[str], Client]


@pytest.fixture
def standing_clock() -> Iterator[None]:
    with at():
        yield


@pytest.fixture
def sign_in(world: World) -> SignIn:
    """A browser in which one of the world's people is signed in."""

    def signed(name: str) -> Client:
        person = world[name].person
        account = Account.objects.filter(person_id=person).first()
        if account is None:
            account = Account.objects.create_account(f"{name.replace(' ', '.')}@example.com", person)
        client = Client()
        client.force_login(account)
        return client

    return signed
