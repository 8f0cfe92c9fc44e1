"""Versions of records: an ETag with every answer, If-None-Match for readers, If-Match for changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connections
from django.http import HttpRequest
from pydantic import TypeAdapter

from tierwise.kernel.audit import Refused, Stale
from tierwise.web.api.passes import ApiRequest

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Outdated(Stale):
    """The version named is not the one there is."""

    status = 412


class VersionMissing(Refused):
    """A change that does not say which version it is of."""

    status = 428


@lru_cache(maxsize=512)
def adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def as_json(kind: Any, value: Any, only: Any = None) -> bytes:
    return adapter(kind).dump_json(value, include=only)


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def named(header: str) -> set[str]:
    """The tags of a header; weak ones count as what they name."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",") if tag.strip()}


def unchanged(request: HttpRequest, etag: str) -> bool:
    known = request.META.get("HTTP_IF_NONE_MATCH")
    return known is not None and bool({etag, "*"} & named(known))


def versioned(operation: F) -> F:
    """Marks an operation that asks for If-Match, for its description."""
    operation.changes_version = True  # type: ignore[attr-defined]
    return operation


def private(operation: F) -> F:
    """Marks an operation whose answer is its company's alone: it is kept nowhere, so a key has no effect on it."""
    operation.keeps_no_answer = True  # type: ignore[attr-defined]
    return operation


def for_change(request: ApiRequest, kind: Any, name: str, read: Callable[[], T]) -> T:
    """The record that the request changes, in the version it names; ``read`` is what its address answers with.

    One change of a record at a time: whoever waited reads what the other left, and is told so.
    """
    number = int.from_bytes(hashlib.sha256(f"version {name}".encode()).digest()[:8], signed=True)
    with connections[request.viewer.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [number])
    record = read()
    body = as_json(kind, record)
    known = request.META.get("HTTP_IF_MATCH")
    if known is None:
        raise VersionMissing("version_missing", "Name the version you change in If-Match; its ETag comes with reading.",
                             **_now(body))  # fmt: skip
    if not {etag_of(body), "*"} & named(known):
        raise Outdated("version", "This was changed since you read it; decide anew.", **_now(body))
    return record


def _now(body: bytes) -> dict[str, Any]:
    return {"field": "If-Match", "current": json.loads(body), "headers": {"ETag": etag_of(body)}}
