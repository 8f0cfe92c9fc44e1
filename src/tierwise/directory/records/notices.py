"""News for the people of a company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NoticePut:
    """News to give. ``key`` tells it apart among its kind, so that giving it again changes nothing."""

    company: UUID
    kind: str
    key: str
    said: Mapping[str, Any] = field(default_factory=dict)
    effective_on: date | None = None


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """News as it was given."""

    kind: str
    key: str
    at: datetime
    effective_on: date | None
    said: Mapping[str, Any]
