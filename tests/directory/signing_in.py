"""Signed-in browsers of the small world's people, without the browser."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.test import Client

from tierwise.directory.models import Person
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import Viewer

PASSWORD = "copper-kettle-4711"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True)
class Desk:
    """One person's browser."""

    client: Client

    def get(self, path: str, **asked: str) -> HttpResponse:
        return self.client.get(path, asked)  # type: ignore[return-value]

    def post(self, path: str, **given: object) -> HttpResponse:
        return self.client.post(path, given)  # type: ignore[return-value]

    def text(self, path: str, **asked: str) -> str:
        response = self.get(path, **asked)
        assert response.status_code == 200, (path, response.status_code)
        return response.content.decode()


def signed_in(viewer: Viewer) -> Desk:
    person = Person.objects.using("default").get(id=viewer.person)
    account = Account.objects.filter(person_id=person.id).first()
    account = account or Account.objects.create_account(person.email, person.id, None)
    client = Client()
    client.force_login(account, BACKEND)
    return Desk(client)
