"""Pages, exports and the API show a supplier the same, whatever other suppliers have."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.db import connections
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from hypothesis import Phase, given, settings

from fixtures.databases import Template
from fixtures.random_worlds import (
    NOW,
    RandomWorld,
    RowPlan,
    SupplierPlan,
    SupportPlan,
    WorldPlan,
    person_id,
    populate,
    two_worlds,
)
from fixtures.rows import Connection
from tierwise.config.api import api
from tierwise.kernel.clock import clock_set
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import viewer_scope
from tierwise.web.navigation import places_of

pytestmark = pytest.mark.database
# Every example is a world in PostgreSQL: a smaller one would take minutes to find.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
# What changes with every answer, whoever is there.
_FRESH = re.compile(r"csrfmiddlewaretoken\" value=\"[^\"]+\"|X-CSRFToken[^}]+|csrf-token\" content=\"[^\"]+\"")
API = "/api/v1"
PUBLICATIONS = f"{API}/publications"


@pytest.fixture(autouse=True)
def _unlimited(settings: Any) -> None:
    # The clock stands still, so that no bucket fills again.
    settings.TIERWISE_API_RATE = (1e5, 1_000_000)


@pytest.fixture(scope="module")
def superuser(template: Template, django_db_blocker: Any) -> Iterator[Connection]:
    with (
        django_db_blocker.unblock(),
        template.clone() as name,
        psycopg.connect(template.runtime.admin_conninfo(name), autocommit=True) as connection,
    ):
        yield connection


def signed_in() -> Client:
    cache.clear()
    Account.objects.filter(person_id=person_id(0)).delete()
    client = Client()
    client.force_login(Account.objects.create_account("reader@example.com", person_id(0)))
    return client


def answers(world: RandomWorld) -> list[tuple[str, int, str]]:
    with clock_set(NOW):
        client = signed_in()
        listed = client.get(PUBLICATIONS + "?current=false").json()["items"]
        # The rail is filled when the addresses are first asked for.
        paths = [reverse(place.url) for place in places_of(world.viewer())]
        paths += api_paths([row["id"] for row in listed])
        got = [(path, client.get(path)) for path in paths]
    for alias in connections:
        connections[alias].close()
    return [(path, answer.status_code, _FRESH.sub("", text_of(answer))) for path, answer in got]


def text_of(answer: HttpResponse) -> str:
    """What an answer says; of a package its files, without the instant it was packed at."""
    if not isinstance(answer, StreamingHttpResponse):
        return answer.content.decode()
    with closing(answer), zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as package:  # type: ignore[arg-type]
        return "\n".join(f"{name}\n{package.read(name).decode()}" for name in sorted(package.namelist()))


def api_paths(publications: list[str]) -> list[str]:
    """Every address a supplier may read without naming something, and everything about each publication."""
    document = api.get_openapi_schema(path_prefix=f"{API}/")
    plain = [path for path, methods in document["paths"].items() if "get" in methods and "{" not in path]
    beneath = ("", "/content", "/lines", "/digest")
    return [*plain, *(f"{PUBLICATIONS}/{one}{part}" for one in publications for part in beneath)]


@settings(max_examples=6, phases=WITHOUT_SHRINKING)
@given(pair=two_worlds())
def test_others_make_no_difference_to_pages_and_api(superuser: Connection, pair: tuple[WorldPlan, WorldPlan]) -> None:
    first, second = (answers(populate(superuser, plan)) for plan in pair)
    open_to = {path for path, status, _ in first if status == 200}
    assert {f"{API}/cases", f"{API}/due", f"{API}/supports", f"{API}/companies", f"{API}/own-data"} <= open_to
    assert {status for path, status, _ in first if not path.startswith(API)} == {200}
    assert {status for _, status, _ in first} <= {200, 400, 403}
    assert first == second


def test_the_api_lists_what_is_there(superuser: Connection) -> None:
    """The other half: an API that shows nothing would pass the test above."""
    supports = (SupportPlan(0, -10, None, "confirmed"),)
    rows = tuple(RowPlan("publish_publication", segment, tag) for segment, tag in ((0, 1), (0, 2), (1, 3), (1, 4)))
    world = populate(superuser, WorldPlan((SupplierPlan(supports, rows),)))
    with clock_set(NOW):
        listed = signed_in().get(PUBLICATIONS + "?current=false").json()["items"]
    with viewer_scope(world.viewer()):
        assert {row["segment"] for row in listed} == {str(segment) for segment in world.viewer().segments}
    assert len(listed) == 2


def test_strangers_get_nothing(superuser: Connection) -> None:
    assert Client().get(PUBLICATIONS).status_code == 401
