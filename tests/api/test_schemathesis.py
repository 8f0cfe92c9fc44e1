"""The description holds: what it allows is answered as it says, what it forbids is refused, nothing breaks.

A few examples per operation, the same ones each time, sent by the buyer and then by the supplier: to make them up takes
longer than to answer them. ``TIERWISE_SCHEMATHESIS=100`` asks for more, and takes an hour for all areas; ``-k cases``
names one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.conf import settings as django_settings
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from api.conftest import PREFIX, Machine, machine
from collaboration.scenes import agreed, at, offered, scored
from fixtures.databases import Template
from fixtures.worlds import World, build_world
from tierwise.collaboration.resolve.actions import dispute_line
from tierwise.collaboration.resolve.records import Claim, DisputeReason
from tierwise.config.api import api
from tierwise.config.wsgi import application
from tierwise.directory import queries
from tierwise.kernel import rates
from tierwise.web.api.scopes import Area

pytestmark = [pytest.mark.database, pytest.mark.slow]
EXAMPLES = int(os.environ.get("TIERWISE_SCHEMATHESIS", "2"))
COVERAGE = 4 * EXAMPLES
AREAS = ["everybody", *(area.value for area in Area)]
# What fits the description may still be refused: by the role, by how things stand, by a rule over several values.
REFUSALS = ["401", "403", "404", "409", "412", "422", "428"]
CONFIG = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", *REFUSALS]},
        "negative_data_rejection": {"expected-statuses": ["400", "405", *REFUSALS]},
    },
    # The token is ours: a made-up one would be replaced by it, and the request be less wrong than it is taken for.
    "generation": {"deterministic": True, "database": "none", "with-security-parameters": False},
    "output": {"sanitization": {"enabled": False}},
}


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_rows(_: Any, value: Any) -> bytes:
    """Text goes as it is, and what is no text as JSON writes it."""
    return (value if isinstance(value, str) else json.dumps(value)).encode()


@dataclass
class Scene:
    """A world with something of everything, and the ids under which it is found."""

    buyer: Machine
    supplier: Machine
    ids: dict[str, str]


@pytest.fixture(scope="module")
def scene(template: Template, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("home")
    before = django_settings.TIERWISE_HOME, django_settings.TIERWISE_LAKE, django_settings.TIERWISE_API_RATE
    django_settings.TIERWISE_HOME, django_settings.TIERWISE_LAKE = home, str(home / "lake")
    # Every test forgets its share, a second's worth, and time stands: the bucket must outlast them all.
    django_settings.TIERWISE_API_RATE = (1e4, 10_000_000)
    with django_db_blocker.unblock(), template.clone(), at():
        rates.forget()
        yield _scene(build_world())
    django_settings.TIERWISE_HOME, django_settings.TIERWISE_LAKE, django_settings.TIERWISE_API_RATE = before


def _scene(world: World) -> Scene:
    publication, lines = scored(world)
    agreement, _version = offered(world, segment="STD")
    agreed(world, "B", "STD")
    claim = Claim(DisputeReason.NOT_OUR_FAULT, "The lorry stood in the strike.")
    case = dispute_line(world["a planner"], lines[0], claim)
    support = queries.supports(world["planner"], supplier=world.suppliers["B"])[0].id
    spare = machine(world["administrator"]), machine(world["a administrator"])
    ids: dict[str, UUID] = {
        "publication_id": publication, "line_id": lines[1], "agreement_id": agreement, "case_id": case,
        "support_id": support, "company_id": world.suppliers["A"], "supplier_id": world.suppliers["A"],
        "person_id": world["a viewer"].person, "segment_id": world.segments["PREM"],
        "token_id": UUID(hex=spare[0].token.split("_")[1]),
    }  # fmt: skip
    known = {name: str(one) for name, one in ids.items()} | {"name": "item"}
    return Scene(machine(world["administrator"]), machine(world["a administrator"]), known)


@lru_cache
def _schema() -> Any:
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix=f"{PREFIX}/")))
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(CONFIG))
    schema.app = application
    return schema


def _operations(area: str) -> Iterator[Any]:
    for found in _schema().get_all_operations():
        operation = found.ok()
        if area in (operation.tags or ()):
            yield operation


def _failures(scene: Scene, operation: Any) -> Iterator[str]:
    known = {p.name: scene.ids[p.name] for p in operation.path_parameters if p.name in scene.ids}
    strategies = [operation.as_strategy(GenerationMode.POSITIVE)]
    if known:
        strategies.append(operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known))
    for strategy in strategies:
        yield from _fuzz(scene, strategy)
    # Headers are any text: where nothing else is asked, nothing can be wrong.
    if operation.path_parameters or operation.query or operation.body:
        yield from _fuzz(scene, operation.as_strategy(GenerationMode.NEGATIVE))
    generation = operation.schema.config.generation_for(operation=operation)
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    systematic = operation.schema.iter_coverage_cases(operation, generation_modes=modes, generation_config=generation)
    for case in islice(systematic, COVERAGE):
        yield from _told(scene, case)


def _fuzz(scene: Scene, strategy: Any) -> list[str]:
    found: list[str] = []

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=strategy)
    def ask(case: Case) -> None:
        found.extend(_told(scene, case))

    ask()
    return found


def _told(scene: Scene, case: Case) -> Iterator[str]:
    for who in (scene.buyer, scene.supplier):
        headers = {"Authorization": f"Bearer {who.token}"}
        answer = case.call(headers=headers)
        try:
            case.validate_response(answer, headers=headers)
        except FailureGroup as group:
            said = f"{answer.status_code} {answer.text[:500]}\n{case.as_curl_command()}"
            side = "buyer" if who is scene.buyer else "supplier"
            for failure in group.exceptions:
                yield f"{case.method} {case.path} as {side}: {failure.title}: {failure.message}\n{said}"


# The test's own client forgets to close the temporary files that it writes long bodies to.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("area", AREAS)
def test_the_description_holds(scene: Scene, area: str) -> None:
    found = [failure for operation in _operations(area) for failure in _failures(scene, operation)]
    assert found == [], "\n\n".join(found[:20])
    sides = [who.read("/me")["side"] for who in (scene.buyer, scene.supplier)]
    assert sides == ["buyer", "supplier"], "a token was lost on the way, and later answers proved nothing"


def test_every_operation_is_in_an_area() -> None:
    every = {operation.label for operation in (found.ok() for found in _schema().get_all_operations())}
    assert {operation.label for area in AREAS for operation in _operations(area)} == every
