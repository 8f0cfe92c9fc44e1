"""The buying company with its segments and their policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from tierwise.directory.actions.supports import _alone
from tierwise.directory.models import (
    Company,
    LanePolicy,
    PolicyFacet,
    Segment,
)
from tierwise.directory.records import CompanySide
from tierwise.kernel.audit import Stale, Subject, action, record
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Viewer


@dataclass(frozen=True, slots=True)
class SegmentPut:
    code: str
    name: str
    rank: int
    slot: int
    facets: Mapping[str, Mapping[str, Any]]


@action("put_segments", roles=BUYER_EDITORS)
def put_segments(actor: Viewer, segments: Sequence[SegmentPut], scheme_version: int, effective_on: date) -> None:
    """Brings segments and their policies to what a scheme version says, from a day on; history stays."""
    _alone(actor)
    for wanted in segments:
        row, _ = Segment.objects.update_or_create(
            code=wanted.code,
            defaults={"name": wanted.name, "rank": wanted.rank, "slot": wanted.slot, "active": True},
            create_defaults={"id": uuid7(), "name": wanted.name, "rank": wanted.rank, "slot": wanted.slot},
        )
        _put_facets(row, wanted.facets, scheme_version, effective_on)
    Segment.objects.exclude(code__in=[wanted.code for wanted in segments]).update(active=False)
    record(actor, Subject("scheme", str(scheme_version)), count=len(segments), effective_on=effective_on)


def _put_facets(
    segment: Segment, wanted: Mapping[str, Mapping[str, Any]], scheme_version: int, effective_on: date
) -> None:
    standing = {f.facet: f for f in PolicyFacet.objects.filter(segment=segment, valid_to=None)}
    for facet, values in wanted.items():
        old = standing.pop(facet, None)
        if old is not None and old.values == dict(values):
            continue
        if old is not None and old.valid_from >= effective_on:
            old.values, old.scheme_version = dict(values), scheme_version
            old.save(update_fields=["values", "scheme_version"])
            continue
        if old is not None:
            _end_facet(old, effective_on)
        PolicyFacet.objects.create(
            segment=segment, facet=facet, values=dict(values), scheme_version=scheme_version, valid_from=effective_on
        )
    for dropped in standing.values():
        _end_facet(dropped, effective_on)


def _end_facet(facet: PolicyFacet, effective_on: date) -> None:
    facet.valid_to = max(effective_on - timedelta(days=1), facet.valid_from)
    facet.save(update_fields=["valid_to"])


@dataclass(frozen=True, slots=True)
class LanePolicyPut:
    lane: str
    supplier: UUID
    values: Mapping[str, Any]
    explanation: Mapping[str, Any]


@action("put_lane_policies", roles=BUYER_EDITORS)
def put_lane_policies(actor: Viewer, policies: Sequence[LanePolicyPut], scheme_version: int) -> None:
    """Replaces the effective policies of lanes."""
    _alone(actor)
    computed = now()
    LanePolicy.objects.all().delete()
    LanePolicy.objects.bulk_create(
        [
            LanePolicy(
                lane=p.lane, supplier_id=p.supplier, values=dict(p.values), explanation=dict(p.explanation),
                scheme_version=scheme_version, computed_at=computed,
            )
            for p in policies
        ],
        batch_size=2000,
    )  # fmt: skip
    record(actor, Subject("scheme", str(scheme_version)), count=len(policies))


@action("found_company", roles={Role.ADMINISTRATOR})
def found_company(actor: Viewer, code: str, name: str, country: str, currency: str) -> UUID:
    """Sets up the buying company of a new installation; there is one."""
    _alone(actor)
    if Company.objects.filter(side=CompanySide.BUYER).exists():
        raise Stale("founded", "The buying company stands already.")
    company = Company(
        id=actor.company, code=code, side=CompanySide.BUYER.value, name=name, country=country, currency=currency
    )
    try:
        with transaction.atomic(using=actor.alias):
            company.save(force_insert=True)
    except IntegrityError:
        raise Stale("founded", f"A company with the code {code} stands already.") from None
    record(actor, Subject("company", company.id), name=name)
    return company.id
