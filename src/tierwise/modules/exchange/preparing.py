"""What would go out: the rows of a feed against what its receiver holds, and the files they become."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

import polars as pl

from tierwise.kernel.files import keep
from tierwise.kernel.viewer import Viewer
from tierwise.modules.exchange import layout
from tierwise.modules.exchange.layout import Written
from tierwise.modules.exchange.queries.feeds import feed_rows
from tierwise.modules.exchange.queries.log import keep_frame, kept_frame, turned_down
from tierwise.modules.exchange.records.mapping import OutMapping, read_out_mapping
from tierwise.modules.exchange.records.words import BatchDraft, FileSent, RouteRecord, Send


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go out now. ``moved`` are the rows that differ; ``batch`` the rows that would be sent."""

    moved: pl.DataFrame
    batch: pl.DataFrame
    files: tuple[Written, ...]


def outgoing(viewer: Viewer, route: RouteRecord, mapping: OutMapping, on: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(rows that differ from what the receiver holds, rows to send)."""
    feed = mapping.feed
    now = layout.digested(layout.kept(feed_rows(viewer, feed, on), mapping.where), feed)
    base = kept_frame(route.base)
    base = layout.empty_base(feed) if base is None else base
    moved = layout.difference(now, base, feed, turned_down(viewer, route.id))
    return moved, layout.everything(now, base, feed) if mapping.send is Send.EVERYTHING else moved


def preview(viewer: Viewer, route: RouteRecord, on: date) -> Preview:
    """Writes nothing and queues nothing. ``CannotMap`` where the mapping has no answer for a value."""
    mapping = read_out_mapping(route.mapping)
    moved, batch = outgoing(viewer, route, mapping, on)
    files = layout.write(batch, mapping, route.last_number + 1, on) if moved.height else []
    return Preview(moved, batch, tuple(files))


def prepare(viewer: Viewer, route: RouteRecord, on: date) -> BatchDraft | None:
    """The route's next batch with its files kept; None where the receiver holds everything already."""
    mapping = read_out_mapping(route.mapping)
    moved, batch = outgoing(viewer, route, mapping, on)
    if moved.is_empty():
        return None
    number = route.last_number + 1
    files = tuple(
        FileSent(one.name, keep(one.content), one.rows, len(one.content), one.media_type)
        for one in layout.write(batch, mapping, number, on)
    )
    digest = hashlib.sha256("\n".join(f"{one.sha256} {one.name}" for one in files).encode()).hexdigest()
    return BatchDraft(
        route.id, number, mapping.send, batch.height, digest, keep_frame(batch), files, mapping.schema_version
    )
