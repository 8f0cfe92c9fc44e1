"""What tests of sending start from: channels, feeds on them, a ruling."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from collaboration.scenes import scored
from fixtures.worlds import World
from tierwise.collaboration.resolve.actions import dispute_line, rule_case
from tierwise.collaboration.resolve.records import Claim, DisputeReason, Ruling
from tierwise.modules.exchange import actions, jobs
from tierwise.modules.exchange.actions import ChannelPut
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.words import ChannelKind, DeliveryRecord

TODAY = date(2025, 7, 1)
RULINGS = """
feed: rulings
columns:
  VENDOR: supplier
  CASE: case_number
  PO: order
  POSITION: line
  DELIVERED: {from: delivered_on, dates: "%Y%m%d"}
  VERDICT: {from: state, values: {upheld: X, rejected: "-"}}
  CHANGE: {from: change, values: {new: I, changed: U, gone: D}}
"""
SUPPORTS = "feed: supports\ncolumns: {V: supplier, S: segment, FROM: valid_from, I: involvement, C: change}\n"


def ndjson(mapping: str) -> str:
    return mapping.rstrip() + "\nform: ndjson\n"


def folder_channel(world: World, name: str = "Files", **settings: Any) -> UUID:
    put = ChannelPut(name, ChannelKind.FOLDER, {"path": "erp", **settings})
    return actions.put_channel(world["administrator"], put).channel


def on_channel(world: World, channel: UUID, mapping: str = SUPPORTS) -> UUID:
    return actions.put_route(world["administrator"], channel, mapping)


def sent_over(world: World, channel: UUID) -> dict[str, Any]:
    """Looks what is new and carries it, as the worker does."""
    return {**jobs.collect(world.worker, TODAY, channel=channel), **jobs.work_channel(world.worker, channel)}


def deliveries(world: World, channel: UUID) -> list[DeliveryRecord]:
    """The oldest first."""
    return sorted(log.deliveries(world["viewer"], channel=channel), key=lambda one: (one.feed, one.number))


def ruled(world: World, *, upheld: bool = True) -> UUID:
    """A dispute of supplier A about a line of its scorecard, ruled."""
    line = scored(world)[1][0]
    claim = Claim(DisputeReason.DELIVERED_EARLIER, "The receipt is dated the 9th.", date(2025, 6, 9))
    case = dispute_line(world["a planner"], line, claim)
    ruling = Ruling(True, "Proved.", delivered_on=date(2025, 6, 9)) if upheld else Ruling(False, "Another order.")
    rule_case(world["manager"], case, ruling)
    return case
