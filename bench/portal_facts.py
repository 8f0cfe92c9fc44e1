"""Suppliers with supports and publications, for the benches of the portal and of the machines' door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

PUBLICATIONS = 50
DAY = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Portal:
    """Who is there: the buyer's viewer, and companies and segments as rows of their tables."""

    buyer: Any
    companies: list[Any]
    segments: list[Any]


def fill(suppliers: int, rows: int = 0) -> Portal:
    """Each supplier serves three segments and has fifty publications; ``rows`` cells and lines are shared out."""
    from tierwise.directory.models import Company, Segment, Support
    from tierwise.kernel.ids import uuid7
    from tierwise.kernel.viewer import Role, Viewer, viewer_scope

    buyer = Viewer(uuid7(), uuid7(), Role.ADMINISTRATOR)
    with viewer_scope(buyer):
        segments = Segment.objects.bulk_create(
            [Segment(code=f"S{n}", name=f"S {n}", rank=n, slot=n) for n in (1, 2, 3)]
        )
        companies = Company.objects.bulk_create(
            [Company(code=f"V{n:03}", side="supplier", name=f"Supplier {n}", currency="EUR") for n in range(suppliers)]
        )
        Support.objects.bulk_create([
            Support(supplier=company, segment=segment, state="confirmed", shown_code=segment.code,
                    shown_name=segment.name, valid_from=DAY)
            for company in companies for segment in segments
        ])  # fmt: skip
    with superuser() as connection:
        # Two million references need not be checked one by one.
        connection.execute("set session_replication_role = replica")
        for statement in _rows(rows // (2 * suppliers * PUBLICATIONS)):
            connection.execute(statement)
        connection.execute("vacuum analyze")
    return Portal(buyer, companies, segments)


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
    """A connection that no policy binds and that is otherwise the program's own: what it sends with and reads with."""
    import psycopg
    from django.conf import settings
    from django.db import connections

    runtime = settings.RUNTIME
    wrapper: Any = connections["supplier"]
    # Half of what a small reading takes may be the reading of its instants, which Django does by adapters of its own.
    same = wrapper.get_connection_params()
    for name in ("host", "port", "user", "password", "dbname"):
        same.pop(name, None)
    with psycopg.connect(runtime.admin_conninfo(runtime.database_name), autocommit=True, **same) as connection:
        wrapper._configure_connection(connection)
        yield connection
