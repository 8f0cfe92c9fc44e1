"""What the portal reads, under row policies and beside it the very same statements filtered by hand.

    python bench/bench_policies.py                 two million published rows of 200 suppliers
    python bench/bench_policies.py --rows 400000

Each page's statements are taken from the program as it runs, and repeated in turns: as the page's login under the
policies, and as the superuser, whom no policy binds, over views that hold the filter by hand. Views of that kind
dissolve in planning, so the second is what one would write without policies.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

SUPPLIERS, PUBLICATIONS = 200, 50
GUARDED = ("publish_publication", "publish_publicationreply", "publish_publishedseries", "publish_publishedline",
           "publish_publishedmeasure", "directory_support")  # fmt: skip
DAY = date(2026, 1, 1)


def fill(rows: int) -> tuple[Any, Any]:
    """Suppliers with supports and publications of cells and lines; returns a supplier's viewer and a buyer's."""
    from tierwise.directory.models import Company, Segment, Support
    from tierwise.kernel.ids import uuid7
    from tierwise.kernel.viewer import Role, Viewer, viewer_scope

    buyer = Viewer(uuid7(), uuid7(), Role.ADMINISTRATOR)
    with viewer_scope(buyer):
        segments = Segment.objects.bulk_create(
            [Segment(code=f"S{n}", name=f"S {n}", rank=n, slot=n) for n in (1, 2, 3)]
        )
        companies = Company.objects.bulk_create(
            [Company(code=f"V{n:03}", side="supplier", name=f"Supplier {n}", currency="EUR") for n in range(SUPPLIERS)]
        )
        Support.objects.bulk_create([
            Support(supplier=company, segment=segment, state="confirmed", shown_code=segment.code,
                    shown_name=segment.name, valid_from=DAY)
            for company in companies for segment in segments
        ])  # fmt: skip
    with superuser() as connection:
        # Two million references need not be checked one by one.
        connection.execute("set session_replication_role = replica")
        for statement in _rows(max(1, rows // (2 * SUPPLIERS * PUBLICATIONS))):
            connection.execute(statement)
        connection.execute("vacuum analyze")
    served = frozenset(segment.id for segment in segments[:2])
    return Viewer(uuid7(), companies[SUPPLIERS // 2].id, Role.SUPPLIER_VIEWER, served), buyer


def _rows(each: int) -> Iterator[str]:
    """Publications in turn for the three segments, every other one answered; each with as many cells and lines."""
    ids = "gen_random_uuid()"
    yield f"""
        insert into publish_publication (id, supplier_id, segment_id, kind, number, title, period_start, period_end,
            published_at, content, digest, content_schema)
        select {ids}, c.id, s.id, case n % 2 when 0 then 'scorecard' else 'demand' end, n, 'P ' || n,
               date '{DAY}' + n, date '{DAY}' + n, timestamptz '{DAY}' + n * interval '1 day', 'scorecard', 'x', '1'
        from directory_company c, generate_series(1, {PUBLICATIONS}) n join directory_segment s on s.rank = 1 + n % 3
        where c.side = 'supplier'
    """
    yield f"""
        insert into publish_publicationreply (id, supplier_id, segment_id, publication_id, reply, replied_at,
            replied_by, comment)
        select {ids}, supplier_id, segment_id, id, 'acknowledged', published_at, {ids}, '' from publish_publication
        where number % 2 = 0
    """
    yield f"""
        insert into publish_publishedseries (id, supplier_id, segment_id, publication_id, signal, item, item_name, site,
            region, bucket_start, bucket_days, quantity, unit, binds, status)
        select {ids}, p.supplier_id, p.segment_id, p.id, 'demand', 'I' || n % 40, '', '', '',
               p.period_start + 7 * (n / 40), 7, n, 'EA', 'forecast', 'shown'
        from publish_publication p, generate_series(0, {each - 1}) n
    """
    yield f"""
        insert into publish_publishedline (id, supplier_id, segment_id, publication_id, "order", line, item, item_name,
            site, due_from, unit, share, on_time, in_full, otif, excluded)
        select {ids}, p.supplier_id, p.segment_id, p.id, 'O' || n, '1', 'I' || n % 40, '', '', '', '', 1,
               true, true, true, ''
        from publish_publication p, generate_series(1, {each}) n
    """


@contextmanager
def superuser() -> Iterator[Any]:
    import psycopg
    from django.conf import settings

    runtime = settings.RUNTIME
    # As the program's own connections: nothing is prepared, so both sides plan every time.
    same = {"prepare_threshold": None, "cursor_factory": psycopg.ClientCursor}
    address = runtime.admin_conninfo(runtime.database_name)
    with psycopg.connect(address, autocommit=True, **same) as connection:
        yield connection


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
         lambda: reading.records(Publication.objects.filter(supplier_id=supplier.company), day)),
        ("known on a day, by the buyer", buyer, lambda: queries.known_at(buyer, supplier.company, day)),
        ("one publication", supplier, lambda: shared.my_publication(supplier, one)),
        ("its cells", supplier, lambda: shared.my_series(supplier, one)),
        ("its cells of one item", supplier, lambda: shared.my_series(supplier, one, item="I7")),
        ("its lines of one item", supplier, lambda: shared.my_lines(supplier, one, wanted=LineFilter(item="I7"))),
        ("a page of its lines", supplier, lambda: shared.my_lines_page(supplier, one, Slice(50), dict)),
    ]  # fmt: skip


def statements_of(viewer: Any, read: Callable[[], object]) -> list[str]:
    """What a reading sends, with its values."""
    from django.db import connections

    from tierwise.kernel.viewer import viewer_scope

    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        cursor = context["cursor"].cursor
        sent.append(cursor.mogrify(sql, params) if params else sql)
        return execute(sql, params, many, context)

    with viewer_scope(viewer), connections[viewer.alias].execute_wrapper(note):
        read()
    return sent


def timed(connection: Any, statements: list[str]) -> tuple[float, int]:
    began, rows = time.perf_counter(), 0
    for statement in statements:
        rows += len(connection.execute(statement).fetchall())
    return time.perf_counter() - began, rows


def compared(name: str, viewer: Any, read: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Medians with policies and by hand, in seconds, taken in turns."""
    from django.db import connections

    from tierwise.kernel.viewer import viewer_scope

    statements = statements_of(viewer, read)
    taken: tuple[list[float], list[float]] = ([], [])
    with superuser() as by_hand, viewer_scope(viewer):
        under_policies = connections[viewer.alias].connection
        filtered_by_hand(by_hand, viewer)
        # The very same way of sending and reading, and one transaction around all as the scope has it.
        by_hand.execute("begin")
        sides = (under_policies, by_hand)
        found = {timed(side, statements)[1] for side in sides}
        if len(found) != 1:
            raise SystemExit(f"{name}: policies and filter do not find the same rows: {found}")
        until, turn = time.perf_counter() + seconds, 0
        while time.perf_counter() < until or turn < 40:
            for side in (turn % 2, 1 - turn % 2):
                taken[side].append(timed(sides[side], statements)[0])
            turn += 1
        by_hand.execute("rollback")
        by_hand.execute("drop schema by_hand cascade")
    return statistics.median(taken[0]), statistics.median(taken[1])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=2_000_000)
    asked.add_argument("--seconds", type=float, default=3.0, help="for each reading")
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
    print(f"{options.rows:,} published rows of {SUPPLIERS} suppliers; medians in ms")
    print(f"{'reading':34} {'policies':>9} {'by hand':>9} {'ratio':>7}")
    with viewer_scope(supplier):
        readings = pages(supplier, buyer)
    gc.freeze()
    sums = [0.0, 0.0]
    ratios = []
    for name, viewer, read in readings:
        policies, by_hand = compared(name, viewer, read, options.seconds)
        sums = [sums[0] + policies, sums[1] + by_hand]
        ratios.append(policies / by_hand)
        print(f"{name:34} {policies * 1000:9.3f} {by_hand * 1000:9.3f} {policies / by_hand:6.2f}x", flush=True)
    print(
        f"all a hundred times: policies {sums[0] * 100:.3f} s, by hand {sums[1] * 100:.3f} s; worst {max(ratios):.2f}x"
    )


if __name__ == "__main__":
    main()
