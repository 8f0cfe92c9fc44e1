"""What the portal reads, under row policies and beside it the very same statements filtered by hand.

    python bench/bench_policies.py                 two million published rows of 200 suppliers
    python bench/bench_policies.py --rows 400000
    python bench/bench_policies.py --anew          every statement planned each time

Each page's statements are taken from the program as it runs, and repeated in turns: as the page's login under the
policies, and as the superuser, whom no policy binds, over views that hold the filter by hand. Views of that kind
dissolve in planning, so the second is what one would write without policies. Both send and read with the program's
adapters, and both keep the plans of what suppliers read, as the program does. The server's processor is told beside
the clock, for others on the machine do not stretch it.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import portal_facts
import psycopg
from portal_facts import DAY, PUBLICATIONS, superuser

SUPPLIERS = 200
GUARDED = ("publish_publication", "publish_publicationreply", "publish_publishedseries", "publish_publishedline",
           "publish_publishedmeasure", "directory_support")  # fmt: skip


def fill(rows: int) -> tuple[Any, Any]:
    """A supplier's viewer, who serves two of the three segments, and a buyer's."""
    from tierwise.kernel.ids import uuid7
    from tierwise.kernel.viewer import Role, Viewer

    portal = portal_facts.fill(SUPPLIERS, rows)
    served = frozenset(segment.id for segment in portal.segments[:2])
    return Viewer(uuid7(), portal.companies[SUPPLIERS // 2].id, Role.SUPPLIER_VIEWER, served), portal.buyer


def filtered_by_hand(connection: Any, viewer: Any) -> None:
    """The session's names of the guarded tables stand for views with the filter that the policies apply."""
    segments = "array[" + ", ".join(f"'{one}'::uuid" for one in sorted(viewer.segments)) + "]"
    connection.execute("create schema by_hand")
    for table in GUARDED:
        mine = f"supplier_id = '{viewer.company}'"
        if table != "directory_support":
            mine += f" and segment_id = any({segments})"
        filtered = f" where {mine}" if viewer.is_supplier else ""
        connection.execute(f"create view by_hand.{table} as select * from public.{table}{filtered}")
    connection.execute("set search_path = by_hand, public")


def pages(supplier: Any, buyer: Any) -> list[tuple[str, Any, Callable[[], object]]]:
    """What is measured: its name, whose it is, and the program's own reading."""
    from tierwise.collaboration.publish import queries, reading, shared
    from tierwise.collaboration.publish.models import Publication
    from tierwise.collaboration.publish.records import LineFilter, PublicationKind, PublicationQuestion
    from tierwise.directory import listing
    from tierwise.kernel.pages import Slice

    day = datetime.combine(DAY + timedelta(days=PUBLICATIONS // 2), datetime.min.time(), UTC)
    mine = shared.my_publications(supplier)
    one = mine[len(mine) // 2].id
    return [
        ("supports", supplier, lambda: listing.supports(supplier, listing.SupportQuestion(), Slice(20))),
        ("a page of publications", supplier,
         lambda: shared.my_publications_page(supplier, PublicationQuestion(current=True), Slice(20))),
        ("all scorecards", supplier, lambda: shared.my_publications(supplier, kind=PublicationKind.SCORECARD)),
        ("known on a day, by the supplier", supplier,
         lambda: reading.records(Publication.objects.filter(supplier_id=supplier.company), day, supplier.company)),
        ("known on a day, by the buyer", buyer, lambda: queries.known_at(buyer, supplier.company, day)),
        ("one publication", supplier, lambda: shared.my_publication(supplier, one)),
        ("its cells", supplier, lambda: shared.my_series(supplier, one)),
        ("its cells of one item", supplier, lambda: shared.my_series(supplier, one, item="I7")),
        ("its lines of one item", supplier, lambda: shared.my_lines(supplier, one, wanted=LineFilter(item="I7"))),
        ("a page of its lines", supplier, lambda: shared.my_lines_page(supplier, one, Slice(50), dict)),
    ]  # fmt: skip


Statement = tuple[str, Any]


def statements_of(viewer: Any, read: Callable[[], object]) -> list[Statement]:
    """What a reading sends, and the values beside it."""
    from django.db import connections

    from tierwise.kernel.viewer import viewer_scope

    sent: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with viewer_scope(viewer), connections[viewer.alias].execute_wrapper(note):
        read()
    return sent


def timed(connection: Any, statements: list[Statement], kept: bool) -> tuple[float, float, int]:
    """Seconds by the clock, seconds of the processor in the database, and rows."""
    cursor: Any = psycopg.Cursor(connection) if kept else psycopg.ClientCursor(connection)
    used = processor_seconds(connection)
    began, rows = time.perf_counter(), 0
    for sql, values in statements:
        rows += len(cursor.execute(sql, values, prepare=kept).fetchall())
    return time.perf_counter() - began, processor_seconds(connection) - used, rows


def processor_seconds(connection: Any) -> float:
    """What the server's process of a connection has used by now; others on the machine do not stretch it."""
    return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds with policies and by hand: the median by the clock, and the lowest eighth of the database's processor."""

    clock: tuple[float, float]
    processor: tuple[float, float]

    @property
    def ratio(self) -> float:
        return self.clock[0] / self.clock[1]

    @property
    def work(self) -> float:
        return self.processor[0] / self.processor[1]


def compared(reading: tuple[str, Any, Callable[[], object]], seconds: float, anew: bool) -> Compared:
    """One reading on both sides, in turns."""
    from django.db import connections

    from tierwise.kernel.viewer import viewer_scope

    name, viewer, read = reading
    statements, kept = statements_of(viewer, read), viewer.is_supplier and not anew
    clock: tuple[list[float], list[float]] = ([], [])
    processor: tuple[list[float], list[float]] = ([], [])
    with superuser() as by_hand, viewer_scope(viewer):
        under_policies = connections[viewer.alias].connection
        filtered_by_hand(by_hand, viewer)
        # The very same way of sending and reading, and one transaction around all as the scope has it.
        by_hand.execute("begin")
        sides = (under_policies, by_hand)
        for side in sides:
            # One core for both: cores of a machine shared with others differ in speed by more than is measured.
            os.sched_setaffinity(side.info.backend_pid, {max(os.sched_getaffinity(0))})
        # A plan that serves all values is made at the sixth time at the earliest.
        found = {timed(side, statements, kept)[2] for side in sides * 8}
        if len(found) != 1:
            raise SystemExit(f"{name}: policies and filter do not find the same rows: {found}")
        until, turn = time.perf_counter() + seconds, 0
        while time.perf_counter() < until or turn < 40:
            for side in (turn % 2, 1 - turn % 2):
                taken = timed(sides[side], statements, kept)
                clock[side].append(taken[0])
                processor[side].append(taken[1])
            turn += 1
        by_hand.execute("rollback")
        by_hand.execute("drop schema by_hand cascade")
    return Compared(
        (statistics.median(clock[0]), statistics.median(clock[1])),
        (undisturbed(processor[0]), undisturbed(processor[1])),
    )


def undisturbed(seconds: list[float]) -> float:
    """The lowest eighth: what others do on the machine only ever adds to what a statement takes of the processor."""
    return sorted(seconds)[len(seconds) // 8]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=2_000_000)
    asked.add_argument("--seconds", type=float, default=3.0, help="for each reading")
    asked.add_argument("--anew", action="store_true", help="no plan is kept on either side")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"TIERWISE_HOME": folder, "TIERWISE_DATABASE_URL": ""}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")
        import django

        django.setup()
        from tierwise.config.installation import running

        with running():
            measure(options)


def measure(options: argparse.Namespace) -> None:
    from tierwise.kernel.viewer import viewer_scope

    supplier, buyer = fill(options.rows)
    print(
        f"{options.rows:,} published rows of {SUPPLIERS} suppliers; medians in ms; of the processor the lowest eighth"
    )
    print(f"{'reading':34} {'policies':>9} {'by hand':>9} {'ratio':>7} {'of the processor':>17}")
    with viewer_scope(supplier):
        readings = pages(supplier, buyer)
    gc.freeze()
    found = []
    for reading in readings:
        one = compared(reading, options.seconds, options.anew)
        found.append(one)
        policies, by_hand = one.clock
        print(
            f"{reading[0]:34} {policies * 1000:9.3f} {by_hand * 1000:9.3f} {one.ratio:6.2f}x {one.work:16.2f}x",
            flush=True,
        )
    sums = [sum(one.clock[side] for one in found) for side in (0, 1)]
    print(
        f"all a hundred times: policies {sums[0] * 100:.3f} s, by hand {sums[1] * 100:.3f} s; worst "
        f"{max(one.ratio for one in found):.2f}x by the clock, {max(one.work for one in found):.2f}x of the processor"
    )


if __name__ == "__main__":
    main()
