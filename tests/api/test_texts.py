"""No text that a request may carry holds a NUL, which the database cannot keep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.conftest import PREFIX
from tierwise.config.api import api
from tierwise.modules.segmentation.records.scheme import read_scheme
from tierwise.wire.documents import DocumentError

READ_AS_YAML = ["POST /api/v1/schemes.document"]
"""Documents whose reader refuses a NUL and names its place."""


def _texts(schema: Any, parts: dict[str, Any], where: str, seen: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Every text within a schema that is neither one of some words nor of a format, with its place."""
    if reference := schema.get("$ref"):
        if reference not in seen:
            yield from _texts(parts[reference.rsplit("/", 1)[-1]], parts, where, seen | {reference})
        return
    if schema.get("type") == "string" and not {"enum", "const", "format"} & schema.keys():
        yield where, schema
    for kind in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for one in schema.get(kind, ()):
            yield from _texts(one, parts, where, seen)
    for name, one in schema.get("properties", {}).items():
        yield from _texts(one, parts, f"{where}.{name}", seen)
    for kind in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(kind), dict):
            yield from _texts(schema[kind], parts, f"{where}.{kind}", seen)


def _asked() -> Iterator[Any]:
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix=f"{PREFIX}/")))
    parts = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            place = f"{method.upper()} {path}"
            for one in operation.get("parameters", ()):
                if one["in"] == "query" and one["name"] != "cursor":
                    yield from _texts(one["schema"], parts, f"{place} {one['name']}")
            for kind, one in operation.get("requestBody", {}).get("content", {}).items():
                if kind in {"application/json", "multipart/form-data", "application/x-www-form-urlencoded"}:
                    yield from _texts(one["schema"], parts, place)


def _takes_nul(schema: dict[str, Any]) -> bool:
    return any(re.search(schema.get("pattern", ""), text) for text in ("\0", "a\0", "\0a", "a\0a"))


def test_no_text_takes_a_nul() -> None:
    asked = list(_asked())
    assert len(asked) > 50, "the walk through the description found next to nothing"
    assert [where for where, schema in asked if _takes_nul(schema)] == READ_AS_YAML


def test_the_reader_of_schemes_refuses_a_nul() -> None:
    with pytest.raises(DocumentError, match="x0000"):
        read_scheme("title: a\0b\n")


def test_what_a_blank_is_does_not_hang_on_who_reads_the_description() -> None:
    patterns = {schema.get("pattern", "") for _where, schema in _asked()}
    told = [one for one in patterns if r"\s" in one]
    assert len(told) > 1
    assert [one for one in told if not (r"\u0085" in one and r"\ufeff" in one)] == []
