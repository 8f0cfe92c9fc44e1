"""The pages around an import: mappings proposed, rows repaired, a run cancelled, the history told."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import polars as pl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from directory.signing_in import signed_in
from fixtures.worlds import World
from tierwise.lake import queries
from tierwise.lake.actions import begin_import
from tierwise.lake.jobs import run_upload
from tierwise.lake.records import ImportState
from tierwise.lake.repairs import read_sheet
from tierwise.lake.uploads import PROPOSED, QUARANTINE, folder_of, keep_upload

pytestmark = pytest.mark.database

MAPPING = "source: erp\nfiles: {v: vendors.csv}\ntables: {supplier: {from: v, columns: {supplier: code, name: name}}}\n"


def upload(content: bytes = b"code,name\nV1,First\nV2,\n", name: str = "vendors.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def set_aside(world: World) -> UUID:
    run = begin_import(world["planner"], "erp", "")
    keep_upload(run, [upload()], MAPPING)
    (folder_of(run) / QUARANTINE).touch()
    run_upload(world["planner"], run)
    return run


def test_a_mapping_is_proposed_and_the_files_wait_beside_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[UUID] = []
    monkeypatch.setattr("tierwise.lake.desk.handing_in.run_beside", lambda _viewer, run: begun.append(run))
    desk = signed_in(world["planner"])
    files = {"extract": upload(b"vendor;vendor name\nV1;First\n", "lieferanten.csv"), "mapping": "", "propose": "1"}
    answer = desk.post("/desk/imports/new", **files)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Handed in already: lieferanten.csv" in text
    assert "Taken for supplier" in text
    kept = answer.context["form"]["kept"].value()  # type: ignore[attr-defined]
    mapping = answer.context["form"]["mapping"].value()  # type: ignore[attr-defined]
    stranger = signed_in(world["administrator"]).post("/desk/imports/new", kept=str(kept), mapping=mapping)
    assert stranger.status_code == 422, "somebody else's files"
    assert desk.post("/desk/imports/new", kept=str(kept), mapping=mapping, quarantine="on").status_code == 302
    assert (folder_of(begun[0]) / QUARANTINE).exists()
    assert not (folder_of(kept) / PROPOSED).exists()
    run_upload(world["planner"], begun[0])
    (run,) = queries.import_runs(world["planner"])
    assert run.state is ImportState.IMPORTED


def test_a_file_that_is_no_table_is_said_beside_it(world: World) -> None:
    desk = signed_in(world["planner"])
    answer = desk.post("/desk/imports/new", extract=upload(b"\n\n"), mapping="", propose="1")
    assert "not a table" in answer.content.decode()
    assert desk.post("/desk/imports/new", mapping="", propose="1").status_code == 422


def test_rows_are_downloaded_corrected_and_come_in(world: World) -> None:
    run = set_aside(world)
    desk = signed_in(world["planner"])
    assert "Repair rows of erp" in desk.text("/desk/")
    assert "1 rows were set aside" in desk.text(f"/desk/imports/{run}/")
    page = desk.text("/desk/imports/quarantine/")
    assert "name: is missing; every row of supplier needs it" in page
    sheet = read_sheet("q.xlsx", desk.get("/desk/imports/quarantine/sheet", mapping="erp").content)
    assert sheet["code"].to_list() == ["V2"]
    out = BytesIO()
    sheet.with_columns(name=pl.lit("Second")).write_csv(out)
    corrected = SimpleUploadedFile("q.csv", out.getvalue())
    answer = desk.post("/desk/imports/quarantine/repair", mapping="erp", sheet=corrected)
    assert answer.status_code == 302
    assert "Imported" in desk.text(answer.headers["Location"])
    assert "No row waits for repair" in desk.text("/desk/imports/quarantine/")
    assert desk.get("/desk/imports/quarantine/sheet", mapping="erp").status_code == 404


def test_who_only_looks_repairs_nothing(world: World) -> None:
    set_aside(world)
    desk = signed_in(world["viewer"])
    assert "Try these rows again" not in desk.text("/desk/imports/quarantine/")
    for what in ("repair", "discard"):
        assert desk.post(f"/desk/imports/quarantine/{what}", mapping="erp", why="x").status_code == 403
    assert (
        signed_in(world["planner"]).post("/desk/imports/quarantine/discard", mapping="erp", why="x").status_code == 302
    )
    assert queries.quarantined(world["planner"]) == []


def test_a_sheet_that_is_not_ours_is_refused(world: World) -> None:
    set_aside(world)
    desk = signed_in(world["planner"])
    answer = desk.post(
        "/desk/imports/quarantine/repair", mapping="erp", sheet=SimpleUploadedFile("q.csv", b"a,b\n1,2\n")
    )
    assert answer.status_code == 422
    assert len(queries.quarantined(world["planner"])) == 1


@pytest.mark.parametrize("somebody_is_at_it", [True, False])
def test_a_run_is_cancelled_from_its_page(
    world: World, somebody_is_at_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin_import(world["planner"], "erp", "")
    keep_upload(run, [upload()], MAPPING)
    if somebody_is_at_it:
        monkeypatch.setattr("tierwise.lake.desk.handing_in.end_abandoned", lambda _viewer, _run: False)
    desk = signed_in(world["planner"])
    assert "Cancel the import" in desk.text(f"/desk/imports/{run}/")
    assert desk.post(f"/desk/imports/{run}/cancel").status_code == 302
    if somebody_is_at_it:
        run_upload(world["planner"], run)
    assert "It was cancelled. Nothing of it was imported" in desk.text(f"/desk/imports/{run}/")
    assert desk.post(f"/desk/imports/{run}/cancel").status_code == 404
    assert not folder_of(run).exists()
    run_upload(world["planner"], run)  # a worker that comes late finds nothing to do


def test_history_tells_what_moved_the_lake(world: World) -> None:
    desk = signed_in(world["planner"])
    assert "Nothing was imported yet" in desk.text("/desk/imports/history/")
    set_aside(world)
    (state,) = queries.manifests(world["planner"])
    assert (state.number, state.reason) == (1, "import erp")
    assert "import erp" in desk.text("/desk/imports/history/")
    assert queries.manifest_numbered(world["planner"], 1) == state
    assert queries.manifest_numbered(world["planner"], 2) is None
    assert queries.manifests(world["planner"], "demand") == []
