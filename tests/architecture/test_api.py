"""The machines' door is as wide as the others: every action has an operation of its name, or a reason to have none."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from openapi_spec_validator import validate

from architecture.source import sources
from tierwise.capabilities import ROWS
from tierwise.config.api import api
from tierwise.web.api.scopes import Area

COMPUTED = "what the platform computes by itself, in a cycle or after a ruling; asking for the cycle has an operation"
INSIDE = "a step of another action, which has an operation"
PEOPLE = "done by a person at the screen"
SECRETS = "takes or shows secrets of another system, which pass through people's hands alone"
CARRYING = "the worker's own note of what it carries"
ACCESS = "who may still enter is what a person answers for, having looked; a program would only repeat its own list"
GLASS = "one side looks into what the other keeps to itself, which a person does and gives a reason for"
FOREVER = "cannot be undone by anybody, so a person does it, having read the text or the name that goes"
TERMS = "accepts terms on behalf of a company, which a person reads"
TIMED = "done by the platform when its time has come"
SHEETS = "a step of make_sheet or receive_sheet, which are operations"
WITHOUT: dict[str, str] = {
    **dict.fromkeys(
        ("assign_new_cells", "project_mix", "derive_supports", "derive_lane_policies", "record_scorecards",
         "apply_correction", "publish", "publish_many", "project_facts", "put_segments", "put_lane_policies"), COMPUTED,
    ),
    **dict.fromkeys(("import_extract", "refuse_import", "repeat_import", "fail_import", "end_cancelled_import",
                     "dispute_publication"), INSIDE),
    **dict.fromkeys(("preview_supplier", "leave_preview", "choose_language"), PEOPLE),
    **dict.fromkeys(
        ("break_glass", "close_glass", "look_behind_glass", "note_glass"), GLASS,
    ),
    "decide_access": ACCESS,
    "complete_onboarding": TERMS,
    "request_examination": "a machine beside the installation runs “tierwise doctor” and has its answer at once",
    "unlock_person": "lifts the guard against guessed passwords, for somebody whom a person has recognised",
    **dict.fromkeys(("erase_person", "redact_text"), FOREVER),
    **dict.fromkeys(("purge", "open_review", "end_review", "note_lockout", "erase_again", "give_notices"), TIMED),
    "found_company": "done once, on the command line, before there is anybody to give out a token",
    "make_token": "a token that made tokens would outlive its own end; people make them",
    "change_lake": "done by an upgrade",
    **dict.fromkeys(("issue_sheet", "hand_in_sheet", "refuse_sheet"), SHEETS),
    **dict.fromkeys(
        ("queue_batch", "begin_attempt", "note_progress", "record_sent", "record_fault", "expire_delivery",
         "note_test"), CARRYING,
    ),
    **dict.fromkeys(("put_channel", "rotate_secret", "drop_secret", "accept_host_key"), SECRETS),
}  # fmt: skip
_SCHEMA = re.compile(r"^class (\w+)\((?:Body|Schema|Master|\w+Body)\)", re.MULTILINE)
_ACTION = re.compile(r'^@action\("(\w+)"', re.MULTILINE)


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str))
    return found


def operations() -> list[dict[str, Any]]:
    return [operation for methods in document()["paths"].values() for operation in methods.values()]


def actions() -> set[str]:
    found = {name for source in sources() for name in _ACTION.findall(source.path.read_text(encoding="utf-8"))}
    assert len(found) > 50
    return found


def test_every_action_can_be_asked_for_by_machines_or_says_why_not() -> None:
    offered = {operation["operationId"] for operation in operations()}
    assert sorted(actions() - offered - set(WITHOUT)) == []
    assert sorted(set(WITHOUT) - actions()) == [], "reasons for actions that are gone"
    assert sorted(set(WITHOUT) & offered) == [], "reasons for actions that have an operation"


def test_an_operation_named_after_an_action_calls_it() -> None:
    """By the names its function uses, so that a name is no promise without a deed."""
    wanted = actions()
    for bound in api._get_bound_routers():
        for view in bound.path_operations.values():
            for operation in view.operations:
                if operation.operation_id not in wanted:
                    continue
                function = operation.view_func
                called = (function.__globals__.get(name) for name in function.__code__.co_names)
                assert operation.operation_id in {getattr(one, "action_name", "") for one in called}


def test_the_description_is_valid_and_complete() -> None:
    validate(document())
    assert document()["openapi"].startswith("3.1")
    areas = {scope for area in Area for scope in (area.read, area.write)}
    for operation in operations():
        assert operation["description"].strip(), operation["operationId"]
        assert {"400", "401", "403", "404", "429", "500"} <= set(operation["responses"]), operation["operationId"]
        scopes = operation["security"][0]["Token"]
        assert set(scopes) <= areas
        assert scopes or operation["operationId"] in {"who_am_i", "search"}
    ids = [operation["operationId"] for operation in operations()]
    assert len(ids) == len(set(ids)) > 80


def test_no_two_things_go_by_one_name() -> None:
    """A schema's name is a class's: two classes of one name would hide each other in the description."""
    named: dict[str, set[str]] = {}
    for source in sources():
        if source.path.stem == "api" or "api" in source.module.split("."):
            for name in _SCHEMA.findall(source.path.read_text(encoding="utf-8")):
                named.setdefault(name, set()).add(source.module)
    assert {name: homes for name, homes in named.items() if len(homes) > 1} == {}


def test_promises_name_operations_that_are_there() -> None:
    offered = {operation["operationId"] for operation in operations()}
    assert [row.number for row in ROWS if row.api and row.api not in offered] == []
    assert [row.number for row in ROWS if row.api]
