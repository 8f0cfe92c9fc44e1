"""What tests of the ways of working together start from."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
from django.db import connections

from fixtures.worlds import NOW, World
from tierwise.collaboration.agree.actions import Offer, accept_agreement, offer_agreement
from tierwise.collaboration.agree.queries import agreement
from tierwise.collaboration.agree.records import DataSharingTerms, Wording
from tierwise.collaboration.publish.actions import publish
from tierwise.collaboration.publish.records import Draft, PublicationKind
from tierwise.collaboration.publish.shared import my_lines
from tierwise.directory.models import Company, Person
from tierwise.kernel.clock import clock_set
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import AuditEntry, OutboxEvent
from tierwise.kernel.viewer import Role, Viewer, viewer_scope

ALL_FIELDS = ("demand", "order_forecast", "scorecard", "scorecard_lines")
MANIFEST = uuid7()


def wording(**terms: Any) -> Wording:
    return Wording(DataSharingTerms(**{"fields": ALL_FIELDS, **terms}), valid_from=date(2025, 1, 1))


def offered(world: World, supplier: str = "A", segment: str = "PREM", said: Wording | None = None) -> tuple[UUID, UUID]:
    """(agreement, version) of a fresh offer."""
    offer = Offer(world.suppliers[supplier], world.segments[segment], "Data sharing", said or wording())
    made = offer_agreement(world["planner"], offer)
    return made, agreement(world["planner"], made).latest.version_id


def agreed(world: World, supplier: str = "A", segment: str = "PREM", said: Wording | None = None) -> UUID:
    """An agreement in force."""
    made, version = offered(world, supplier, segment, said)
    accept_agreement(world[f"{supplier.lower()} planner"], version)
    return made


def demand_frame(quantities: tuple[float | None, ...] = (100, 120, None), item: str = "I1") -> pl.DataFrame:
    """Months from July 2025; None is a held-back cell."""
    starts = [date(2025, 7 + n, 1) for n in range(len(quantities))]
    return pl.DataFrame(
        {
            "signal": "demand",
            "item": item,
            "item_name": f"Item {item}",
            "bucket_start": starts,
            "bucket_days": 31,
            "quantity": [None if q is None else Decimal(str(q)) for q in quantities],
            "unit": "EA",
            "binds": "information",
            "status": ["held_back" if q is None else "ok" for q in quantities],
        },
        schema_overrides={"quantity": pl.Decimal(18, 4)},
    )


def orders_frame(*quantities: float) -> pl.DataFrame:
    return demand_frame(quantities or (5, 6)).with_columns(signal=pl.lit("order_forecast"))


def held(series: pl.DataFrame) -> pl.DataFrame:
    hidden = series.filter(pl.col("status") == "held_back")
    return hidden.select(
        "signal", "item", pl.lit("").alias("site"), pl.lit("").alias("region"), "bucket_start",
        pl.lit("dominance").alias("reason"), pl.lit('{"share": 0.93}').alias("numbers"),
    )  # fmt: skip


def demand_draft(world: World, supplier: str = "A", segment: str = "PREM", **changes: Any) -> Draft:
    series = changes.pop("series", demand_frame())
    draft = Draft(
        supplier=world.suppliers[supplier], segment=world.segments[segment], kind=PublicationKind.DEMAND,
        title="Demand July to December 2025", period_start=date(2025, 7, 1), period_end=date(2025, 12, 31),
        manifest=MANIFEST, fingerprint="f1", rules={"p_percent": 10}, reply_days=7, series=series,
        held_back=held(series),
    )  # fmt: skip
    return replace(draft, **changes)


def measures_frame() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "measure": "otif", "formula": "otif/1", "value": 0.92, "low": 0.85, "high": 0.959, "n": 100,
                "numerator": 92.0, "denominator": 100.0, "effective_n": 100.0, "target": 0.95, "weight": 0.6,
                "standing": "watch",
            },
            {
                "measure": "quality", "formula": "ppm/1", "value": 0.1, "low": 0.01, "high": 0.3, "n": 9,
                "numerator": 0.9, "denominator": 9.0, "effective_n": 8.2, "target": None, "weight": 0.4,
                "standing": "too_few",
            },
        ]
    )  # fmt: skip


def lines_frame(count: int = 3) -> pl.DataFrame:
    """Lines of which the first came five days late."""
    return pl.DataFrame(
        {
            "order": [f"PO{n:05d}" for n in range(count)],
            "line": "10",
            "item": "I1",
            "item_name": "Item I1",
            "due_on": date(2025, 6, 10),
            "delivered_on": [date(2025, 6, 15) if n % 3 == 0 else date(2025, 6, 9) for n in range(count)],
            "days_late": [5 if n % 3 == 0 else -1 for n in range(count)],
            "ordered": Decimal(10),
            "received": Decimal(10),
            "rejected": Decimal(0),
            "unit": "EA",
            "share": 0.62,
            "on_time": [n % 3 != 0 for n in range(count)],
            "in_full": True,
            "otif": [n % 3 != 0 for n in range(count)],
        }
    )


def score_draft(world: World, supplier: str = "A", segment: str = "PREM", **changes: Any) -> Draft:
    draft = Draft(
        supplier=world.suppliers[supplier], segment=world.segments[segment], kind=PublicationKind.SCORECARD,
        title="Scorecard 2025-06", period_start=date(2025, 6, 1), period_end=date(2025, 6, 30), manifest=MANIFEST,
        fingerprint="s1", reply_days=14, measures=measures_frame(), lines=lines_frame(),
    )  # fmt: skip
    return replace(draft, **changes)


def scored(world: World, supplier: str = "A", segment: str = "PREM", **changes: Any) -> tuple[UUID, list[UUID]]:
    """A published scorecard and the ids of its lines, under an agreement made for it."""
    agreed(world, supplier, segment)
    publication = publish(world["planner"], score_draft(world, supplier, segment, **changes))
    lines = my_lines(world[f"{supplier.lower()} planner"], publication)
    return publication, [UUID(one) for one in lines["id"]]


@contextmanager
def at(moment: datetime | None = None, **later: float) -> Iterator[None]:
    with clock_set((moment or NOW) + timedelta(**later)):
        yield


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Runs the calls at the same time, each on connections of its own; exceptions are returned in their place."""
    start, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place: int) -> None:
        try:
            start.wait(10)
            results[place] = calls[place]()
        except Exception as error:
            results[place] = error
        finally:
            for alias in connections:
                connections[alias].close()

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(run, place)) for place in range(len(calls))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def events(world: World, name: str) -> list[dict[str, Any]]:
    with viewer_scope(world.worker):
        return [event.payload for event in OutboxEvent.objects.filter(name=name).order_by("at", "id")]


def entries(world: World, name: str, outcome: str = "done") -> int:
    with viewer_scope(world.worker):
        return AuditEntry.objects.filter(action=name, outcome=outcome).count()


def quality_person(world: World) -> Viewer:
    """Somebody of the buyer's quality department."""
    with viewer_scope(world["administrator"]):
        host = Company.objects.get(code="HOST")
        person = Person(company_id=host.id, name="Quinn Quality", email="q@example.com", role=Role.QUALITY.value)
        person.save(force_insert=True)
    return Viewer(person.id, host.id, Role.QUALITY)
