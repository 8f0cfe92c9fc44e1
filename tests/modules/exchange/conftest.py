from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from collaboration.scenes import at
from fixtures.worlds import World
from modules.exchange.receivers import Sftp, Web, sftp_server, web_server
from tierwise.kernel.models import Account


@pytest.fixture(autouse=True)
def _open(settings: Any, tmp_path: Path) -> None:
    """This machine stands for the ERP's network."""
    settings.EXCHANGE_FOLDERS = [str(tmp_path / "exchange")]
    settings.EXCHANGE_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def clock() -> Iterator[None]:
    with at():
        yield


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as found:
        yield found


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[Sftp]:
    root = tmp_path / "server"
    (root / "in").mkdir(parents=True)
    (root / "out").mkdir()
    with sftp_server(root) as found:
        yield found


@pytest.fixture
def sign_in(world: World) -> Callable[[str], Client]:
    def signed(name: str) -> Client:
        person = world[name].person
        account = Account.objects.filter(person_id=person).first()
        if account is None:
            account = Account.objects.create_account(f"{name.replace(' ', '.')}@example.com", person)
        client = Client()
        client.force_login(account, "allauth.account.auth_backends.AuthenticationBackend")
        return client

    return signed
