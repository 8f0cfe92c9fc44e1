"""Writes of segmentation: scheme versions, plans, what a person applies, pins, and what a cycle projects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import polars as pl
from django.db import connections

from tierwise.directory import queries as directory
from tierwise.directory.actions import LanePolicyPut, SegmentPut, SupportProposal, propose_supports, put_lane_policies
from tierwise.directory.actions import put_segments as put_directory_segments
from tierwise.directory.records import COMMON, Attribution, Collaboration, read_facet
from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now, today
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Viewer
from tierwise.lake import queries as lake
from tierwise.lake.actions import project, project_in_turn
from tierwise.modules.segmentation import queries
from tierwise.modules.segmentation.models import Pin, PlannedMove, SchemePlan, SchemeVersion
from tierwise.modules.segmentation.records import (
    CELL,
    EARLIEST,
    PlanState,
    SchemeDocument,
    SchemeState,
    read_scheme,
)

APPLIERS = frozenset({Role.ADMINISTRATOR, Role.CATEGORY_MANAGER})
_SCHEME_LOCK = 8203003


def _alone(actor: Viewer) -> None:
    """One change of scheme at a time; a second one waits and then finds its plan stale."""
    with connections[actor.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_SCHEME_LOCK])


@action("write_scheme", roles=BUYER_EDITORS)
def write_scheme(actor: Viewer, document: str, restores: int | None = None) -> int:
    """Keeps a scheme document as a new draft version and returns its number; the same text again is the same draft.

    Raises DocumentError with every mistake in the document.
    """
    read = read_scheme(document)
    _alone(actor)
    last = SchemeVersion.objects.order_by("-number").first()
    if last is not None and last.digest == read.digest and last.state == SchemeState.DRAFT:
        if last.document != document:
            last.document = document
            last.save(update_fields=["document"])
        record(actor, Subject("scheme", str(last.number)), repeated=True)
        return last.number
    number = last.number + 1 if last else 1
    SchemeVersion.objects.create(
        number=number, title=read.title, document=document, digest=read.digest, state=SchemeState.DRAFT.value,
        written_by=actor.person, restores=restores,
    )  # fmt: skip
    record(actor, Subject("scheme", str(number)), digest=read.digest, restores=restores)
    return number


@action("plan_scheme", roles=BUYER_EDITORS)
def file_plan(actor: Viewer, number: int, planned: queries.SchemePlanned, by_cycle: bool = False) -> UUID:
    """Keeps what applying a version would change. A plan of the same fingerprint is kept once, as told last.

    Raises ``Invalid`` where the plan is another document's.
    """
    _alone(actor)
    scheme = _version(number)
    if scheme.digest != planned.found.document.digest:
        raise Invalid("document", f"This plan is not of version {number}; plan that version again.", number=number)
    same = SchemePlan.objects.filter(scheme=scheme, fingerprint=planned.fingerprint, state=PlanState.OPEN).first()
    if same is not None:
        # The same moves, while what they touch elsewhere may have changed since.
        same.summary, same.sections = planned.summary, planned.sections_as_json()
        same.save(update_fields=["summary", "sections"])
        record(actor, Subject("plan", same.id), repeated=True)
        return same.id
    SchemePlan.objects.filter(state=PlanState.OPEN, scheme=scheme).update(state=PlanState.STALE)
    kept = SchemePlan.objects.create(
        scheme=scheme, fingerprint=planned.fingerprint, manifest=planned.found.manifest.id,
        effective_on=planned.effective_on, state=PlanState.OPEN.value, planned_by=actor.person,
        filed_by_cycle=by_cycle, summary=planned.summary, sections=planned.sections_as_json(),
    )  # fmt: skip
    rows = planned.moves.iter_rows(named=True)
    PlannedMove.objects.bulk_create([PlannedMove(id=uuid7(), plan=kept, **row) for row in rows], batch_size=2000)
    record(actor, Subject("plan", kept.id), scheme=number, count=planned.moves.height, by_cycle=by_cycle)
    return kept.id


def _version(number: int) -> SchemeVersion:
    found = SchemeVersion.objects.filter(number=number).first()
    if found is None:
        raise NotFound("scheme", f"There is no scheme version {number}.", number=number)
    return found


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a plan did."""

    version: int
    moved: int
    new_cells: int
    manifest: int


@action("apply_scheme", roles=APPLIERS)
def apply_plan(actor: Viewer, plan_id: UUID, fingerprint: str) -> Applied:
    """Makes a planned scheme live: segments, policies and assignments from the plan's day, members told.

    The fingerprint must be the plan's and must still describe the facts, the live scheme and the pins; otherwise
    ``Stale`` asks for a new plan. Repeating an applied plan changes nothing.
    """
    _alone(actor)
    plan = SchemePlan.objects.select_for_update(of=("self",)).select_related("scheme").filter(id=plan_id).first()
    if plan is None:
        raise NotFound("plan", "There is no such plan.")
    if plan.state == PlanState.APPLIED:
        record(actor, Subject("plan", plan.id), repeated=True)
        return Applied(plan.scheme.number, 0, 0, 0)
    document = read_scheme(plan.scheme.document)
    at = lake.manifest(actor)
    stands = queries.plan_fingerprint(actor, document, plan.effective_on, at)
    if fingerprint != plan.fingerprint or stands != plan.fingerprint or plan.state == PlanState.STALE:
        raise Stale("plan_stale", "Facts, pins or the live scheme changed since this plan was made; plan again.")
    _refuse_past(actor, plan.effective_on)
    _put_segments(actor, document, plan, plan.effective_on)
    found = queries.evaluate_scheme(actor, document, plan.effective_on, repeat=True, basis=queries.Basis(at))
    rows = assignment_rows(actor, found, plan.effective_on, plan.scheme.number)
    tables = {"assignment": rows, "cell": found.cells}
    manifest = project(actor, tables, frozenset({"cell"}), f"apply scheme {plan.scheme.number}")
    _go_live(actor, plan)
    moved, new = plan.summary["moves"], plan.summary["new_cells"]
    record(
        actor, Subject("scheme", str(plan.scheme.number)), count=moved, plan=plan.id, effective_on=plan.effective_on,
        new_cells=new,
    )  # fmt: skip
    publish_event(
        actor, "scheme_applied", version=plan.scheme.number, effective_on=plan.effective_on, plan=plan.id,
        moved=moved, suppliers=sorted({row["supplier"] for row in plan.summary["supports"]}),
    )  # fmt: skip
    return Applied(plan.scheme.number, moved, new, manifest)


def _refuse_past(actor: Viewer, effective_on: date) -> None:
    """The first scheme may reach back; afterwards no day that has passed changes its segments."""
    live = queries.live_scheme(actor)
    if live is None:
        return
    earliest = max(today(), live.effective_on or EARLIEST)
    if effective_on < earliest:
        raise Invalid(
            "effective_on",
            f"Days before {earliest} have been decided and stay as they are; plan for that day or a later one.",
            field="effective_on",
        )


def _put_segments(actor: Viewer, document: SchemeDocument, plan: SchemePlan, effective_on: date) -> None:
    """Segments, policies and the depths the plan picked. Segments that leave the scheme end on the day, not before."""
    number = plan.scheme.number
    depths = {
        code: {Collaboration.name: {"depth": depth}}
        for code, depth in document.depths(plan.summary["selection"]).items()
    }
    puts = [SegmentPut(s.code, s.name, s.rank, s.slot, s.facets() | depths[s.code]) for s in document.segments]
    last = max(s.rank for s in document.segments) + 1
    stay = {put.code for put in puts} | {COMMON}
    leaving = [SegmentPut(s.code, s.name, s.rank, s.slot, {}) for s in directory.segments(actor) if s.code not in stay]
    puts.append(SegmentPut(COMMON, "Common", last, 8, depths[COMMON]))
    if leaving:
        put_directory_segments(actor, [*puts, *leaving], number, effective_on)
    if not leaving or effective_on <= today():
        put_directory_segments(actor, puts, number, effective_on)


def _retire_segments(actor: Viewer, on: date) -> None:
    """Segments that left the live scheme become inactive once it is in force."""
    live, document = queries.live_scheme(actor), queries.live_document(actor)
    if live is None or document is None or live.effective_on is None or on < live.effective_on:
        return
    stay = {segment.code for segment in document.segments} | {COMMON}
    if any(segment.code not in stay for segment in directory.segments(actor)):
        plan = SchemePlan.objects.select_related("scheme").get(scheme__number=live.number, state=PlanState.APPLIED)
        _put_segments(actor, document, plan, live.effective_on)


def _go_live(actor: Viewer, plan: SchemePlan) -> None:
    SchemeVersion.objects.filter(state=SchemeState.LIVE).update(state=SchemeState.PAST)
    scheme = plan.scheme
    scheme.state, scheme.applied_at, scheme.applied_by = SchemeState.LIVE.value, now(), actor.person
    scheme.effective_on = plan.effective_on
    scheme.save(update_fields=["state", "applied_at", "applied_by", "effective_on"])
    SchemePlan.objects.filter(state=PlanState.OPEN).exclude(id=plan.id).update(state=PlanState.STALE)
    plan.state = PlanState.APPLIED.value
    plan.save(update_fields=["state"])


def assignment_rows(viewer: Viewer, found: queries.SchemeEvaluation, on: date, number: int) -> pl.DataFrame:
    """Rows of the table ``assignment`` that a plan adds or ends: new cells reach back, moved ones change on the day."""
    wanted = found.assignments().with_columns(pl.lit(number, pl.Int64).alias("scheme_version"))
    standing = queries.assignments(viewer, found.manifest).filter(pl.col("valid_to").is_null())
    return _assignment_changes(wanted, standing, on)


def _assignment_changes(wanted: pl.DataFrame, standing: pl.DataFrame, on: date) -> pl.DataFrame:
    held = standing.select(*CELL, pl.col("segment").alias("was"), pl.col("valid_from").alias("since"))
    both = wanted.join(held, on=CELL, how="left")
    new = both.filter(pl.col("was").is_null()).with_columns(valid_from=pl.lit(EARLIEST))
    moved = both.filter(pl.col("was").is_not_null() & (pl.col("was") != pl.col("segment")))
    begun = moved.with_columns(valid_from=pl.lit(on))
    ended = standing.join(moved.filter(pl.col("since") < on).select(CELL), on=CELL, how="semi").with_columns(
        valid_to=pl.lit(on - timedelta(days=1))
    )
    columns = [*CELL, "segment", "valid_from", "valid_to", "scheme_version", "rule", "numbers"]
    fresh = pl.concat([new, begun]).with_columns(valid_to=pl.lit(None, pl.Date)).select(columns)
    return pl.concat([fresh, ended.select(columns)])


@action("assign_new_cells", roles={Role.SYSTEM})
def project_cycle(actor: Viewer, found: queries.SchemeEvaluation, number: int) -> dict[str, Any]:
    """What a cycle may do by itself: place cells that nobody has placed yet, and keep the latest evaluation.

    ``Stale`` where somebody applied a scheme since the evaluation began.
    """
    _alone(actor)
    seen, stands = found.manifest.versions, lake.manifest(actor).versions
    if any(seen.get(name) != stands.get(name) for name in ("assignment", "cell")):
        raise Stale("cycle_stale", "A scheme was applied while the cycle evaluated; the next cycle starts from it.")
    _retire_segments(actor, found.on)
    rows = assignment_rows(actor, found, found.on, number).filter(
        (pl.col("valid_from") == EARLIEST) & pl.col("valid_to").is_null()
    )
    moved = queries.moves_of(actor, found).select(CELL)
    new = rows.join(moved, on=CELL, how="anti")
    cells = found.cells_unmoved(queries.assignments(actor, found.manifest))
    manifest = project(actor, {"assignment": new, "cell": cells}, frozenset({"cell"}), "cycle: cells")
    record(actor, Subject("scheme", str(number)), count=new.height)
    return {"new_cells": new.height, "manifest": manifest}


@action("project_mix", roles=BUYER_EDITORS)
def project_mix(actor: Viewer, mix: Iterable[pl.DataFrame]) -> dict[str, int]:
    """Keeps the mixes of all periods, which come in pieces and are not held; how many rows and items they were."""
    count = 0
    items: set[str] = set()

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal count
        for piece in mix:
            count += piece.height
            items.update(piece["item"].unique())
            yield piece

    manifest = project_in_turn(actor, "mix", counted(), "segment mix")
    record(actor, Subject("manifest", str(manifest)), count=count)
    return {"rows": count, "items": len(items)}


@action("derive_supports", roles=BUYER_EDITORS)
def derive_supports(actor: Viewer, shares: pl.DataFrame, document: SchemeDocument) -> int:
    """Proposes supports that lanes and mix show; the common segment's are there by themselves."""
    ids = directory.segment_ids(actor)
    companies = {company.code: company.id for company in directory.suppliers(actor)}
    parts = {segment.code: segment for segment in document.segments}
    proposals = []
    for row in shares.iter_rows(named=True):
        part = parts.get(row["segment"])
        if part is None or row["supplier"] not in companies:
            continue
        if row["share"] < read_facet(Attribution, part.policy.get(Attribution.name)).support_share:
            continue
        shown = (part.alias.code, part.alias.name) if part.alias else (part.code, part.name)
        proposals.append(SupportProposal(companies[row["supplier"]], ids[part.code], row["share"], *shown, part.slot))
    common = [SupportProposal(company, ids[COMMON], 0, "COMMON", "Common", 8) for company in companies.values()]
    proposed = propose_supports(actor, proposals)
    propose_supports(actor, common, confirmed=True)
    record(actor, Subject("support", "derived"), count=proposed)
    return proposed


@action("derive_lane_policies", roles=BUYER_EDITORS)
def derive_lane_policies(actor: Viewer, policies: list[LanePolicyPut], version: int) -> None:
    """Keeps the one effective policy of every lane."""
    put_lane_policies(actor, policies, version)
    record(actor, Subject("scheme", str(version)), count=len(policies))


@action("pin_cell", roles=BUYER_EDITORS)
def pin_cell(actor: Viewer, cell: dict[str, str], segment: str, reason: str, expires_on: date | None) -> None:
    """Fixes a cell's segment by hand, with a reason and, better, an end. It counts from the next applied plan."""
    if not reason.strip():
        raise Invalid("reason", "Say why this cell is pinned.", field="reason")
    if segment not in {each.code for each in directory.segments(actor)} - {COMMON}:
        raise Invalid("segment", f"No cell can be pinned to {segment or 'nothing'}; choose a segment.", field="segment")
    if expires_on is not None and expires_on < today():
        raise Invalid("expires_on", "The end lies in the past.", field="expires_on")
    if not queries.has_cell(actor, cell):
        raise NotFound("cell", "There is no such demand cell.")
    key: dict[str, Any] = {name: cell[name] for name in CELL}
    Pin.objects.update_or_create(
        **key,
        defaults={"segment": segment, "reason": reason.strip()[:200], "expires_on": expires_on,
                  "pinned_by": actor.person, "pinned_at": now()},
    )  # fmt: skip
    record(actor, Subject("cell", " · ".join(cell[name] for name in CELL)), segment=segment, reason=reason)


@action("unpin_cell", roles=BUYER_EDITORS)
def unpin_cell(actor: Viewer, cell: dict[str, str]) -> None:
    """Gives a cell back to the rules."""
    gone, _ = Pin.objects.filter(**{name: cell[name] for name in CELL}).delete()
    if not gone:
        raise NotFound("pin", "This cell is not pinned.")
    record(actor, Subject("cell", " · ".join(cell[name] for name in CELL)), unpinned=True)


@action("roll_back_scheme", roles=APPLIERS)
def roll_back(actor: Viewer, number: int) -> int:
    """Writes a past version's document as a new draft, to be planned and applied like any other."""
    past = _version(number)
    if past.applied_at is None:
        raise Invalid("scheme", f"Version {number} was never live; there is nothing to go back to.", field="number")
    if past.state == SchemeState.LIVE:
        raise Invalid("scheme", f"Version {number} is live already.", field="number")
    version = write_scheme(actor, past.document, number)
    record(actor, Subject("scheme", str(version)), restores=number)
    return version
