"""Machines of the small world: a token for each, and how they ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from fixtures.worlds import World
from tierwise.directory.actions import TokenWish, make_token
from tierwise.kernel import rates
from tierwise.kernel.viewer import Role, Viewer
from tierwise.web.api.scopes import scopes_of

PREFIX = "/api/v1"


@dataclass
class Machine:
    """A program with a token."""

    token: str
    client: Client = field(default_factory=Client)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = b"" if body is None else json.dumps(body, default=str).encode()
        known = {"Authorization": f"Bearer {self.token}", **sent}
        return self.client.generic(  # type: ignore[return-value]
            method, PREFIX + path, data, "application/json", headers=known
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("GET", path, **headers)

    def read(self, path: str) -> Any:
        response = self.get(path)
        assert response.status_code == 200, (path, response.status_code, response.content)
        return json.loads(response.content)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.ask("POST", path, {} if body is None else body, **headers)

    def change(self, method: str, record: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Reads a record and changes it in the version read."""
        etag = self.get(record).headers["ETag"]
        return self.ask(method, path, {} if body is None else body, If_Match=etag, **headers)


def machine(maker: Viewer, role: Role | None = None, scopes: list[str] | None = None) -> Machine:
    """A machine let in by an administrator, with every scope of its side unless some are named."""
    wish = TokenWish("test", role or maker.role, scopes or scopes_of(maker.is_supplier))
    return Machine(make_token(replace(maker), wish).token)


def handed_in(who: Machine, path: str, content: bytes, scope: str = "", **headers: str) -> HttpResponse:
    """Hands a spreadsheet in, as a form with a file."""
    sent = {"scope": scope, "file": SimpleUploadedFile("filled.xlsx", content)}
    known = {"Authorization": f"Bearer {who.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
    body = encode_multipart(BOUNDARY, sent)
    return who.client.generic("POST", PREFIX + path, body, MULTIPART_CONTENT, headers=known)  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    rates.forget()
    yield
    rates.forget()


@pytest.fixture
def buyer(world: World) -> Machine:
    return machine(world["administrator"])


@pytest.fixture
def supplier(world: World) -> Machine:
    return machine(world["a administrator"])
