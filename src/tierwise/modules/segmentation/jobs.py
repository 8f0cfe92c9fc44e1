"""The cycle's steps for segmentation: load, compute, record."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any
from uuid import UUID

import polars as pl

from tierwise.collaboration.agree.queries import terms_in_force
from tierwise.collaboration.publish.actions import publish_many
from tierwise.collaboration.publish.queries import publications
from tierwise.collaboration.publish.records import PublicationKind
from tierwise.directory import queries as directory
from tierwise.directory.actions import LanePolicyPut, give_notices
from tierwise.directory.records import facet_rules, facets, read_facet
from tierwise.engine.lane_policy import LaneMix, combine_lane
from tierwise.kernel.models import StepRun
from tierwise.kernel.pipeline import Progress, fingerprint, run_step, silent
from tierwise.kernel.viewer import Viewer, viewer_scope
from tierwise.lake import queries as lake
from tierwise.modules.segmentation import actions, queries, telling
from tierwise.modules.segmentation.queries.demand import month_starts
from tierwise.modules.segmentation.queries.mix import first_month, lanes_with_mix, mix_of_day, mix_over
from tierwise.modules.segmentation.queries.signals import cut_signals, period_of
from tierwise.modules.segmentation.records import CELL, next_month

CODE_VERSION = 1


def tell_of_scheme(worker: Viewer, news: dict[str, Any]) -> None:
    """Gives the people of both sides notice of a scheme that was applied."""
    give_notices(worker, telling.notices(worker, UUID(news["plan"])))


def place_cells(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """Evaluates the live scheme: new cells are placed, and a plan is filed where others would move."""
    live, document = queries.live_scheme(worker), queries.live_document(worker)
    if live is None or document is None:
        return {"state": "no live scheme"}
    at = lake.manifest(worker)
    facts = {name: at.versions.get(name, 0) for name in ("demand", "activity", "cost", "exchange_rate", "directory")}
    pins = queries.pins(worker).filter(pl.col("expires_on").is_null() | (pl.col("expires_on") >= on)).sort(CELL).rows()
    measured = fingerprint(CODE_VERSION, facts, str(on.replace(day=1)))
    inputs = fingerprint(measured, document.digest, pins)

    def work() -> dict[str, Any]:
        progress("evaluating demand cells", 0.1)
        # Another look at the same month's facts (a pin, a new scheme) is not one more evaluation in a row.
        repeat = last_result(worker, "place_cells").get("measured") == measured
        coming_on = max(next_month(on), live.effective_on or on)
        demand = queries.load_demand(worker, document, coming_on, at)
        found = queries.evaluate_scheme(worker, document, on, repeat=repeat, basis=queries.Basis(at, demand))
        result = actions.project_cycle(worker, found, live.number)
        coming = queries.plan_scheme(worker, document, coming_on, demand)
        if coming.moves.height:
            result["plan"] = str(actions.file_plan(worker, live.number, coming, by_cycle=True))
        return result | {"would_move": coming.moves.height, "cells": found.cells.height, "measured": measured}

    return run_step(worker, "place_cells", "all", inputs, work).result


def last_result(worker: Viewer, step: str) -> dict[str, Any]:
    """What the latest run of a step said."""
    with viewer_scope(worker):
        runs = StepRun.objects.filter(step=step, partition="all").order_by("-began_at", "-id")
        return runs.values_list("result", flat=True).first() or {}


def refresh_mix(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """Freezes a mix for every month that facts speak of, up to today's."""
    document = queries.live_document(worker)
    if document is None:
        return {"state": "no live scheme"}
    at = lake.manifest(worker)
    names = ("demand", "assignment", "bill_of_material", "directory")
    versions = {name: at.versions.get(name, 0) for name in names}
    policy = sorted((str(k), v) for k, v in directory.policy(worker, "attribution").items())
    inputs = fingerprint(CODE_VERSION, versions, policy, str(on.replace(day=1)), document.grain)

    def work() -> dict[str, Any]:
        progress("carrying demand up the network", 0.3)
        first = first_month(worker, on, at)
        if first is None:
            return {"rows": 0}
        mix = mix_over(worker, document, queries.assignments(worker, at), month_starts(first, on), at)
        return actions.project_mix(worker, mix)

    return run_step(worker, "mix", "all", inputs, work).result


def derive_policies(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """Supports that lanes and mix show, and one effective policy per lane."""
    live, document = queries.live_scheme(worker), queries.live_document(worker)
    if live is None or document is None:
        return {"state": "no live scheme"}
    at = lake.manifest(worker)
    versions = {name: at.versions.get(name, 0) for name in ("mix", "purchase_line", "directory")}
    in_force = live.effective_on is None or live.effective_on <= on
    inputs = fingerprint(CODE_VERSION, versions, live.number, in_force, str(on.replace(day=1)))

    def work() -> dict[str, Any]:
        progress("supports and lane policies", 0.6)
        mix = mix_of_day(worker, on, at)
        shares = queries.supplier_shares(worker, mix, on, at)
        proposed = actions.derive_supports(worker, shares, document)
        policies = lane_policies(worker, lanes_with_mix(worker, mix, on), on)
        actions.derive_lane_policies(worker, policies, live.number)
        return {"proposed": proposed, "lanes": len(policies)}

    return run_step(worker, "lane_policies", "all", inputs, work).result


def publish_demand(worker: Viewer, on: date, progress: Progress = silent) -> dict[str, Any]:
    """Publishes demand and order forecasts under every agreement in force; what has not changed is not sent again."""
    document = queries.live_document(worker)
    if document is None:
        return {"state": "no live scheme"}
    progress("cutting demand to the agreements", 0.7)
    wordings = terms_in_force(worker, on=on)
    sent = {(p.agreement_version, p.period_start) for p in publications(worker, kind=PublicationKind.DEMAND)}
    # As often as agreed and no more: what changes within the period waits for the next one.
    ordered = [
        wordings[pair]
        for pair in sorted(wordings, key=lambda pair: (str(pair[0]), str(pair[1])))
        if (wordings[pair].version_id, period_of(wordings[pair], on)[0]) not in sent
    ]
    signals = cut_signals(worker, ordered, document, on, lake.manifest(worker))
    if signals is None:
        return {"drafts": 0, "publications": 0}
    made = publish_many(worker, signals.drafts(), signals.suppliers)
    return {"drafts": len(made), "publications": len(set(made))}


def lane_policies(viewer: Viewer, lanes: pl.DataFrame, on: date) -> list[LanePolicyPut]:
    """Combines the segments' facets on every lane. Lanes of the same mix share one computation."""
    rules = facet_rules()
    values = _values_of_segments(viewer, on)
    companies = {company.code: company.id for company in directory.suppliers(viewer)}
    seen: dict[tuple[tuple[str, float], ...], tuple[dict[str, Any], dict[str, Any]]] = {}
    found = []
    mixes = lanes.group_by("lane", "supplier", maintain_order=True).agg("segment", "share")
    for lane, supplier, segments, shares in mixes.iter_rows():
        mix = tuple(sorted((s, round(share, 4)) for s, share in zip(segments, shares, strict=True)))
        if mix not in seen:
            seen[mix] = _combined(lane, dict(mix), values, rules)
        if supplier in companies:
            found.append(LanePolicyPut(lane, companies[supplier], *seen[mix]))
    return found


def _values_of_segments(viewer: Viewer, on: date) -> dict[str, dict[str, Any]]:
    """Segment → "facet.field" → value; what a segment does not set has its default, in the common segment too."""
    ids = {segment.id: segment.code for segment in directory.segments(viewer, active=False)}
    values: dict[str, dict[str, Any]] = {code: {} for code in ids.values()}
    for name, facet in facets().items():
        given = directory.policy(viewer, name, on)
        for segment, code in ids.items():
            read = read_facet(facet, given.get(segment))
            values[code].update({f"{name}.{each.name}": getattr(read, each.name) for each in fields(read)})
    return values


def _combined(
    lane: str, mix: dict[str, float], values: dict[str, dict[str, Any]], rules: list[Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    lead = max(mix, key=lambda segment: (mix[segment], segment))
    policy = combine_lane(LaneMix(lane, mix, lead, lead), values, rules)
    settled = {name: result for name, result in policy.fields.items() if result.value is not None}
    return (
        {name: _plain(result.value) for name, result in settled.items()},
        {name: result.why for name, result in settled.items()},
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool)) else float(value)
