"""Facts for machines: which tables there are, what was imported, and handing an extract in. Buyers alone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import polars as pl
from ninja import Field, File, Form, Query, Schema, UploadedFile
from pydantic import BeforeValidator

from tierwise.kernel.audit import Invalid, NotFound
from tierwise.kernel.files import keep
from tierwise.lake import queries
from tierwise.lake.actions import begin_import, cancel_import, discard_quarantined
from tierwise.lake.desk.handing_in import start_import
from tierwise.lake.jobs import Pushed, import_records
from tierwise.lake.mapping_reader import read_mapping
from tierwise.lake.records import ImportRecord, ImportState, ManifestRecord
from tierwise.lake.schemas import TABLES, Home, Kind, Table
from tierwise.lake.uploads import keep_upload
from tierwise.web.api.bodies import Body, Id, named
from tierwise.web.api.paging import Keys, Page, Paged
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.reading import readable
from tierwise.web.api.routing import ApiRouter, buyers_only
from tierwise.web.api.scopes import Area
from tierwise.wire.documents import DocumentError

router = ApiRouter(Area.FACTS)
TableName = Annotated[str, named(TABLES)]


class ColumnOut(Schema):
    """One column of a table: its kind, its meaning, what it refers to and which values it may take."""

    name: str
    kind: Kind
    meaning: str
    required: bool
    refers_to: str
    choices: tuple[str, ...]
    default: str | None


class TableOut(Schema):
    """A table that facts or masters arrive in."""

    name: str
    home: Home
    meaning: str
    key: tuple[str, ...]
    dated_by: str
    columns: list[ColumnOut]

    @classmethod
    def told(cls, table: Table) -> TableOut:
        columns = [
            ColumnOut(**{name: getattr(column, name) for name in ColumnOut.model_fields}) for column in table.columns
        ]
        return cls(
            name=table.name, home=table.home, meaning=table.meaning, key=table.key, dated_by=table.dated_by,
            columns=columns,
        )  # fmt: skip


@router.get("/tables", response=list[TableOut], operation_id="list_tables")
def list_tables(request: ApiRequest) -> list[TableOut]:
    """Every table with its columns: what an extract may bring."""
    buyers_only(request)
    return [TableOut.told(table) for table in TABLES.values()]


@router.get("/tables/{name}", response=TableOut, operation_id="read_table")
def read_table(request: ApiRequest, name: TableName) -> TableOut:
    """One table."""
    buyers_only(request)
    if name not in TABLES:
        raise NotFound("table", "There is no such table; GET /tables lists them.")
    return TableOut.told(TABLES[name])


@router.get("/manifests", response=Page[ManifestRecord], operation_id="list_manifests")
def list_manifests(request: ApiRequest, paging: Paged) -> Page[ManifestRecord]:
    """States of the lake, the newest first: the first one is what everything reads now."""
    buyers_only(request)
    keys = Keys("manifests", (int,))
    rows = queries.manifests_page(request.viewer, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.number,))
    return Page[ManifestRecord](items=items, next=after)


class ImportOut(Schema):
    """One attempt to bring an extract in, and what it did or why it was refused."""

    id: UUID
    mapping: str
    began_at: datetime
    ended_at: datetime | None
    state: ImportState
    person: UUID
    report: dict[str, Any]

    @classmethod
    def told(cls, record: ImportRecord) -> ImportOut:
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


@router.get("/imports", response=Page[ImportOut], operation_id="list_imports")
def list_imports(request: ApiRequest, paging: Paged) -> Page[ImportOut]:
    """Imports, the newest first."""
    buyers_only(request)
    keys = Keys("imports", (datetime, UUID))
    rows = queries.imports_page(request.viewer, keys.slice(paging))
    items, after = keys.page(rows, paging, lambda one: (one.began_at, one.id))
    return Page[ImportOut](items=[ImportOut.told(one) for one in items], next=after)


def _run(request: ApiRequest, run_id: UUID) -> ImportRecord:
    found = queries.import_run(request.viewer, run_id)
    if found is None:
        raise NotFound("import", "There is no such import.")
    return found


@router.get("/imports/{run_id}", response=ImportOut, operation_id="import_run")
def read_import(request: ApiRequest, run_id: UUID) -> ImportOut:
    """One import with its report; while it runs, how far it is."""
    buyers_only(request)
    return ImportOut.told(_run(request, run_id))


@router.get("/imports/{run_id}/issues", response=list[dict[str, Any]], operation_id="issues_of")
def list_issues(request: ApiRequest, run_id: UUID) -> list[dict[str, Any]]:
    """Faults and notes of an import, each with its file, row, column and reason; at most a thousand."""
    buyers_only(request)
    return queries.issues_of(_run(request, run_id)).head(1000).to_dicts()


@router.post("/imports", response={202: ImportOut}, operation_id="begin_import")
def begin(
    request: ApiRequest, mapping: Annotated[str, Form(min_length=1, max_length=100_000, pattern=r"^[^\u0000]+$")],
    files: Annotated[list[UploadedFile], File(min_length=1)],
) -> ImportOut:  # fmt: skip
    """Hands an extract in: its files (CSV, Excel, Parquet or a zip of these) and the text of a mapping.

    All of it is imported or, where anything is wrong, nothing. It goes on after the answer; ask for the import to see
    how far it is.
    """
    buyers_only(request)
    run = begin_import(request.viewer, read_mapping(mapping).name, keep(mapping.encode()))
    start_import(request.viewer, run, keep_upload(run, files, mapping))
    return ImportOut.told(_run(request, run))


Cell = Annotated[str, Field(pattern=r"^[^\u0000]*$")]


class FactsIn(Body):
    """Records of one table, as texts: ISO dates, a point as the decimal sign; columns that are left out stay empty.

    With ``quarantine`` the sound records come in and the others are kept for repair; else one bad record refuses all.
    ``source`` and ``quarantine`` may stand in the address instead.
    """

    source: Annotated[str, Field(max_length=40, pattern=r"^[^\u0000]*$")] = ""
    records: Annotated[list[dict[str, Cell | None]], Field(min_length=1, max_length=50_000), BeforeValidator(readable)]
    quarantine: bool = False


Source = Annotated[
    str, Query("", max_length=40, pattern=r"^[^\u0000]*$", description="The system that sends; `source` of the body")
]
_ROWS: dict[str, Any] = {
    "requestBody": {"content": {
        kind: {"schema": {"type": "string", "minLength": 1, "description": about}}
        for kind, about in (("application/x-ndjson", "One record a line, as a JSON object of texts"),
                            ("text/csv", "RFC 4180, UTF-8, with a header of columns; an empty cell is left out"))
    }}
}  # fmt: skip


@router.post("/facts/{table}", response=ImportOut, operation_id="import_records", openapi_extra=_ROWS)
def push(
    request: ApiRequest, table: TableName, facts: FactsIn, source: Source = "", quarantine: bool = False
) -> ImportOut:
    """Takes records that another system pushes, by the way of an extract: checked, compared with what is known, all or
    nothing. The same records again change nothing. The report says what was refused and why; its rows count records
    from 1, whether they came as JSON, NDJSON or CSV."""
    buyers_only(request)
    sender = facts.source or source
    if not sender:
        raise Invalid("source", "Name the system that sends; give source in the address or the body.", field="source")
    names = list(dict.fromkeys(name for one in facts.records for name in one))
    rows = pl.DataFrame(facts.records, schema=dict.fromkeys(names, pl.String()))
    try:
        outcome = import_records(request.viewer, table, rows, Pushed(sender, facts.quarantine or quarantine))
    except DocumentError as error:
        raise Invalid("columns", str(error), field="records") from error
    return ImportOut.told(_run(request, outcome.run))


@router.post("/imports/{run_id}/cancel", response=ImportOut, operation_id="cancel_import")
def cancel(request: ApiRequest, run_id: UUID) -> ImportOut:
    """Asks a running import to stop; nothing of it stays."""
    buyers_only(request)
    cancel_import(request.viewer, run_id)
    return ImportOut.told(_run(request, run_id))


class DiscardIn(Body):
    """Rows to give up, and why."""

    rows: Annotated[list[Id], Field(min_length=1, max_length=10_000)]
    why: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\u0000]+$")]


class DiscardedOut(Schema):
    """How many rows were given up."""

    count: int


@router.post("/quarantine/discard", response=DiscardedOut, operation_id="discard_quarantined")
def discard(request: ApiRequest, given: DiscardIn) -> DiscardedOut:
    """Gives rows up that imports had set aside."""
    buyers_only(request)
    return DiscardedOut(count=discard_quarantined(request.viewer, given.rows, given.why))
