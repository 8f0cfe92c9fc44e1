"""Signing in by a provider, against providers started here: who was invited comes in, everybody else does not."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse
from django.test import Client

from directory.identity_provider import IdentityProvider, identity_provider
from directory.signing_in import PASSWORD
from fixtures.worlds import World
from tierwise.directory.actions import invite_person, set_person_active
from tierwise.directory.entrance import read_access
from tierwise.directory.models import Person
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import Role

# The provider's own libraries announce what they will drop one day.
pytestmark = [
    pytest.mark.database,
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:(The httpx module|authlib.jose module) is deprecated"),
]
HOST = "tierwise.example.com"


@pytest.fixture(scope="module")
def oidc() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oidc_provider_mock = pytest.importorskip("oidc_provider_mock")
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def saml() -> Iterator[IdentityProvider]:
    with identity_provider() as found:
        yield found


@dataclass
class Installation:
    settings: object
    folder: Path

    def says(self, text: str) -> None:
        path = self.folder / "access.toml"
        path.write_text(text)
        found = read_access(path)
        self.settings.TIERWISE_ACCESS = found  # type: ignore[attr-defined]
        self.settings.SOCIALACCOUNT_PROVIDERS = found.allauth()  # type: ignore[attr-defined]


@pytest.fixture
def installation(world: World, settings: object, tmp_path: Path) -> Installation:
    settings.ALLOWED_HOSTS = ["*"]  # type: ignore[attr-defined]
    return Installation(settings, tmp_path)


def corp(server: str, **more: object) -> str:
    said = {"company": "", "domains": ["example.com"], **more}
    rows = {
        "id": "corp",
        "kind": "oidc",
        "name": "Corp",
        "server": server,
        "client_id": "tierwise",
        "secret": "s",
    } | said
    words = {True: "true", False: "false"}
    lines = [
        f"{k} = {words[v] if isinstance(v, bool) else (v if isinstance(v, list) else repr(v))}" for k, v in rows.items()
    ]
    return "[[provider]]\n" + "\n".join(lines) + "\n"


def come_by_oidc(server: str, sub: str, email: str, verified: bool = True) -> tuple[Client, HttpResponse]:
    """A browser that goes to the provider, says who it is, and comes back."""
    httpx.put(f"{server}/users/{sub}", json={"email": email, "email_verified": verified}).raise_for_status()
    client = Client(HTTP_HOST=HOST)
    begun = client.get("/accounts/oidc/corp/login/")
    assert begun.status_code == 302
    back = httpx.post(begun.headers["Location"], data={"sub": sub})
    assert back.status_code == 302, back.text
    place = urlsplit(back.headers["location"])
    return client, client.get(f"{place.path}?{place.query}", follow=True)  # type: ignore[return-value]


def invited(world: World, email: str = "nia@example.com", company: UUID | None = None) -> UUID:
    role = Role.SUPPLIER_PLANNER if company and company != world.host else Role.PLANNER
    return invite_person(world["administrator"], company or world.host, "Nia New", email, role).person


def test_who_was_invited_joins_by_a_verified_address_and_stays_joined(
    world: World, installation: Installation, oidc: str
) -> None:
    installation.says(corp(oidc))
    person = invited(world)
    _client, answer = come_by_oidc(oidc, "u1", "Nia@Example.com")
    assert answer.status_code == 200
    assert "Nia New" in answer.content.decode()
    account = Account.objects.get(person_id=person)
    assert not account.has_usable_password()
    assert SocialAccount.objects.filter(user=account, provider="corp", uid="u1").count() == 1
    assert Person.objects.using("default").get(id=person).joined_at is not None
    # The second time by the provider's own id, whatever its address says now.
    _, again = come_by_oidc(oidc, "u1", "other@example.com")
    assert "Nia New" in again.content.decode()
    assert Account.objects.count() == 1


def test_who_has_a_password_keeps_his_account(world: World, installation: Installation, oidc: str) -> None:
    installation.says(corp(oidc))
    account = Account.objects.create_account("pat.planner@example.com", world["planner"].person, PASSWORD)
    _, answer = come_by_oidc(oidc, "u2", "pat.planner@example.com")
    assert "Pat Planner" in answer.content.decode()
    assert SocialAccount.objects.get(uid="u2").user == account
    assert Account.objects.get(id=account.id).check_password(PASSWORD)


@pytest.mark.parametrize(("email", "verified"), [
    ("stranger@example.com", True), ("nia@example.com", False), ("nia@elsewhere.com", True),
])  # fmt: skip
def test_strangers_and_unverified_or_foreign_addresses_stay_outside(
    world: World, installation: Installation, oidc: str, email: str, verified: bool
) -> None:
    installation.says(corp(oidc))
    for address in ("nia@example.com", "nia@elsewhere.com"):
        invited(world, address)
    client, answer = come_by_oidc(oidc, f"u3{verified}", email, verified)
    assert answer.status_code == 403
    assert "No way in" in answer.content.decode()
    assert client.get("/desk/").status_code == 302
    assert not Account.objects.exists()
    assert not SocialAccount.objects.exists()


def test_a_provider_speaks_for_its_own_company_alone(world: World, installation: Installation, oidc: str) -> None:
    """A supplier's provider that says it is our administrator must open nothing."""
    installation.says(corp(oidc, company="B"))
    invited(world)
    for sub, email in (
        ("u4", "nia@example.com"),
        ("u5", "ada.administrator@example.com"),
        ("u6", "a.planner@example.com"),
    ):
        assert come_by_oidc(oidc, sub, email)[1].status_code == 403
    invited(world, "bea@example.com", world.suppliers["B"])
    _client, answer = come_by_oidc(oidc, "u7", "bea@example.com")
    assert answer.redirect_chain[-1][0] == "/portal/"  # type: ignore[attr-defined]


def test_who_is_shut_out_does_not_come_back_by_the_provider(
    world: World, installation: Installation, oidc: str
) -> None:
    installation.says(corp(oidc))
    person = invited(world)
    come_by_oidc(oidc, "u8", "nia@example.com")
    set_person_active(world["administrator"], person, False)
    assert come_by_oidc(oidc, "u8", "nia@example.com")[1].status_code == 403


def test_where_the_provider_is_required_a_password_is_not_enough(
    world: World, installation: Installation, oidc: str
) -> None:
    for who in ("planner", "a planner"):
        person = Person.objects.using("default").get(id=world[who].person)
        Account.objects.create_account(person.email, person.id, PASSWORD)
    installation.says(corp(oidc, required=True))
    client = Client(HTTP_HOST=HOST)
    answer = client.post("/accounts/login/", {"login": "pat.planner@example.com", "password": PASSWORD}, follow=True)
    assert "Your company signs in with Corp" in answer.content.decode()
    assert client.get("/desk/").status_code == 302
    # The supplier's people are not ours to bind.
    other = client.post("/accounts/login/", {"login": "a.planner@example.com", "password": PASSWORD}, follow=True)
    assert other.redirect_chain[-1][0] == "/portal/"
    assert "Pat Planner" in come_by_oidc(oidc, "u9", "pat.planner@example.com")[1].content.decode()


def test_an_invitation_leads_to_the_required_provider(world: World, installation: Installation, oidc: str) -> None:
    installation.says(corp(oidc, required=True))
    made = invite_person(world["administrator"], world.host, "Nia New", "nia@example.com", Role.PLANNER)
    link = f"/invitation/{made.token}/"
    page = Client(HTTP_HOST=HOST).get(link).content.decode()
    assert "/accounts/oidc/corp/login/" in page
    assert 'name="password"' not in page
    assert Client(HTTP_HOST=HOST).post(link, {"password": PASSWORD}).status_code == 200
    assert not Account.objects.exists()


# SAML


def come_by_saml(
    idp: IdentityProvider, email: str, subject: str, change: Callable[[str], str] = lambda answer: answer
) -> tuple[Client, HttpResponse]:
    idp.email, idp.subject = email, subject
    client = Client(HTTP_HOST=HOST)
    begun = client.get("/accounts/saml/saml-b/login/")
    assert begun.status_code == 302, begun.content
    assert begun.headers["Location"].startswith(idp.address)
    answer = change(httpx.get(begun.headers["Location"]).text)
    finished = client.post("/accounts/saml/saml-b/acs/", {"SAMLResponse": answer, "RelayState": ""}, follow=True)
    return client, finished  # type: ignore[return-value]


def test_saml_lets_in_who_was_invited(world: World, installation: Installation, saml: IdentityProvider) -> None:
    installation.says(saml.settings(installation.folder))
    person = invited(world, "bea@b.example.com", world.suppliers["B"])
    for _ in range(2):
        _, answer = come_by_saml(saml, "bea@b.example.com", "s-1")
        assert answer.redirect_chain[-1][0] == "/portal/", answer.content.decode()  # type: ignore[attr-defined]
        assert "Nia New" in answer.content.decode()
    assert Account.objects.get(person_id=person).email == "bea@b.example.com"
    assert "saml-b" in Client(HTTP_HOST=HOST).get("/accounts/saml/saml-b/metadata/").content.decode()


@pytest.mark.parametrize("email", ["stranger@b.example.com", "b.planner@example.com", "ada.administrator@example.com"])
def test_saml_lets_in_nobody_else(world: World, installation: Installation, saml: IdentityProvider, email: str) -> None:
    installation.says(saml.settings(installation.folder))
    client, answer = come_by_saml(saml, email, "s-2")
    assert answer.status_code == 403
    assert client.get("/portal/").status_code == 302


def test_a_changed_or_repeated_assertion_is_worth_nothing(
    world: World, installation: Installation, saml: IdentityProvider
) -> None:
    installation.says(saml.settings(installation.folder))
    invited(world, "bea@b.example.com", world.suppliers["B"])

    def forge(answer: str) -> str:
        return base64.b64encode(base64.b64decode(answer).replace(b"bee@", b"bea@")).decode()

    client, _answer = come_by_saml(saml, "bee@b.example.com", "s-3", forge)
    assert client.get("/portal/").status_code == 302
    kept: list[str] = []
    come_by_saml(saml, "bea@b.example.com", "s-4", lambda answer: kept.append(answer) or answer)  # type: ignore[func-returns-value]
    thief = Client(HTTP_HOST=HOST)
    thief.post("/accounts/saml/saml-b/acs/", {"SAMLResponse": kept[0], "RelayState": ""}, follow=True)
    assert thief.get("/portal/").status_code == 302


def test_nobody_ties_a_provider_to_himself(world: World, installation: Installation, oidc: str) -> None:
    installation.says(corp(oidc))
    account = Account.objects.create_account("pat.planner@example.com", world["planner"].person, PASSWORD)
    client = Client(HTTP_HOST=HOST)
    client.force_login(account, "allauth.account.auth_backends.AuthenticationBackend")
    httpx.put(f"{oidc}/users/u10", json={"email": "x@example.com", "email_verified": True})
    begun = client.get("/accounts/oidc/corp/login/?process=connect")
    query = parse_qs(urlsplit(begun.headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    place = urlsplit(httpx.post(begun.headers["Location"], data={"sub": "u10"}).headers["location"])
    assert client.get(f"{place.path}?{place.query}").status_code == 403
    assert not SocialAccount.objects.exists()
