"""Extracts handed in on a page: taken apart safely, imported beside the request, taken up again after a broken one."""

from __future__ import annotations

import io
import shutil
import stat
import zipfile
from pathlib import Path
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from directory.signing_in import signed_in
from fixtures.worlds import World
from tierwise.directory import queries as directory
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound
from tierwise.kernel.ids import uuid7
from tierwise.kernel.outbox import deliver
from tierwise.lake import queries
from tierwise.lake.actions import begin_import, fail_import
from tierwise.lake.jobs import run_beside, run_upload
from tierwise.lake.records import ImportState
from tierwise.lake.uploads import Limits, folder_of, keep_upload

pytestmark = pytest.mark.database

MAPPING = "source: erp\nfiles: {v: vendors.csv}\ntables: {supplier: {from: v, columns: {supplier: code, name: name}}}\n"
VENDORS = b"code,name\nV1,First\nV2,Second\n"


def zipped(**files: bytes) -> SimpleUploadedFile:
    return archive([(name.replace("__", "/").replace("_", "."), content) for name, content in files.items()])


def archive(entries: list[tuple[str | zipfile.ZipInfo, bytes]]) -> SimpleUploadedFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for entry, content in entries:
            made.writestr(entry, content)
    return SimpleUploadedFile("extract.zip", out.getvalue())


def plain(name: str = "vendors.csv", content: bytes = VENDORS) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def kept(run: UUID) -> dict[str, bytes]:
    folder = folder_of(run) / "extract"
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def state(world: World, run: UUID) -> ImportState:
    found = queries.import_run(world["planner"], run)
    assert found is not None
    return found.state


# Taking apart


def test_files_and_archives_lie_as_they_were_sent(world: World) -> None:
    run = uuid7()
    size = keep_upload(run, [plain(), zipped(master__items_csv=b"a\n1\n")], MAPPING)
    assert kept(run) == {"vendors.csv": VENDORS, "master/items.csv": b"a\n1\n"}
    assert size == len(VENDORS) + 4
    assert (folder_of(run) / "mapping.yaml").read_text() == MAPPING


def _link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("vendors.csv")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(("sent", "code"), [
    ([archive([("../../vendors.csv", VENDORS)])], "archive_path"),
    ([archive([("/etc/vendors.csv", VENDORS)])], "archive_path"),
    ([archive([("C:/vendors.csv", VENDORS)])], "archive_path"),
    ([archive([("a/..\\vendors.csv", VENDORS)])], "archive_path"),
    ([archive([(_link(), b"/etc/passwd")])], "archive_path"),
    ([archive([("run.sh", b"#!/bin/sh")])], "file_kind"),
    ([archive([("inner.zip", b"PK")])], "file_kind"),
    ([plain("page.html")], "file_kind"),
    ([plain(), plain()], "file_twice"),
    ([plain(), zipped(vendors_csv=b"x")], "file_twice"),
    ([SimpleUploadedFile("extract.zip", b"not a zip")], "archive"),
])  # fmt: skip
def test_what_may_not_be_taken_leaves_nothing_behind(world: World, sent: list[SimpleUploadedFile], code: str) -> None:
    run = uuid7()
    with pytest.raises(Invalid) as refused:
        keep_upload(run, sent, MAPPING)
    assert refused.value.code == code
    assert not folder_of(run).exists()


def test_an_archive_unfolds_no_further_than_its_limits(world: World) -> None:
    bomb = archive([("zeros.csv", bytes(3_000_000))])
    assert bomb.size < 10_000
    run = uuid7()
    with pytest.raises(Invalid, match="unpacked"):
        keep_upload(run, [bomb], MAPPING, Limits(total=1 << 20))
    with pytest.raises(Invalid, match="More than 2 files"):
        keep_upload(run, [archive([(f"{n}.csv", b"x") for n in range(3)])], MAPPING, Limits(files=2))
    assert not folder_of(run).exists()


# Importing


def _begun(world: World, content: bytes = VENDORS) -> UUID:
    run = begin_import(world["planner"], "erp", "")
    keep_upload(run, [plain(content=content)], MAPPING)
    return run


def test_an_upload_is_imported_under_the_run_that_was_begun(world: World) -> None:
    run = _begun(world)
    assert state(world, run) is ImportState.RUNNING
    run_beside(world["planner"], run).join(60)
    assert state(world, run) is ImportState.IMPORTED
    assert {"V1", "V2"} <= {company.code for company in directory.suppliers(world["planner"])}
    assert not folder_of(run).exists()
    assert [one.id for one in queries.import_runs(world["planner"])] == [run]


def test_a_refused_upload_keeps_its_faults_under_the_run(world: World) -> None:
    run = _begun(world, b"code,name\nV1,\n")
    run_upload(world["planner"], run)
    found = queries.import_run(world["planner"], run)
    assert found is not None
    assert found.state is ImportState.REFUSED
    assert queries.issues_of(found)["column"].to_list() == ["name"]


def test_the_same_files_again_are_told_apart(world: World) -> None:
    first, second = _begun(world), _begun(world)
    for run in (first, second):
        run_upload(world["planner"], run)
    assert [state(world, run) for run in (first, second)] == [ImportState.IMPORTED, ImportState.UNCHANGED]


def test_a_run_that_breaks_says_so_and_imports_nothing(world: World) -> None:
    run = _begun(world)
    shutil.rmtree(folder_of(run))
    run_upload(world["planner"], run)
    assert state(world, run) is ImportState.FAILED
    assert queries.manifest(world["planner"]).number == 0


def test_nobody_but_editors_begins_or_fails_a_run(world: World) -> None:
    for who in ("viewer", "a administrator"):
        with pytest.raises(NotAllowed):
            begin_import(world[who], "erp", "")
    run = _begun(world)
    with pytest.raises(NotAllowed):
        fail_import(world["a planner"], run, "no")
    fail_import(world["planner"], run, "stopped")
    with pytest.raises(NotFound):
        fail_import(world["planner"], run, "again")


# The pages


def _hand_in(world: World, who: str = "planner", mapping: str = MAPPING, file: object = None) -> object:
    return signed_in(world[who]).post("/desk/imports/new", mapping=mapping, extract=file or plain())


def test_the_form_begins_a_run_and_shows_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[UUID] = []
    monkeypatch.setattr("tierwise.lake.desk.handing_in.run_beside", lambda _viewer, run: begun.append(run))
    answer = _hand_in(world)
    assert answer.status_code == 302  # type: ignore[attr-defined]
    desk = signed_in(world["planner"])
    page, moving = f"/desk/imports/{begun[0]}/", f"/desk/imports/{begun[0]}/progress"
    assert "reading the files" in desk.text(page)
    assert "HX-Redirect" not in desk.get(moving).headers
    run_upload(world["planner"], begun[0])
    assert desk.get(moving).headers["HX-Redirect"] == page
    assert "Imported" in desk.text(page)
    assert desk.get(page, export="tables").content.startswith(b"PK")


def test_a_large_extract_goes_to_the_worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[dict[str, str]] = []
    monkeypatch.setattr("tierwise.lake.desk.handing_in.DIRECT", 5)
    monkeypatch.setattr("tierwise.lake.jobs.import_upload.defer", lambda **job: handed.append(job))
    assert _hand_in(world).status_code == 302  # type: ignore[attr-defined]
    deliver(world.worker)
    run = queries.import_runs(world["planner"])[0]
    assert handed == [
        {"run": str(run.id), "person": str(world["planner"].person), "company": str(world.host), "role": "planner"}
    ]


def test_what_is_wrong_with_the_form_begins_nothing(world: World) -> None:
    wrong = [
        _hand_in(world, mapping="source: erp\n"),
        _hand_in(world, file=plain("a.exe")),
        _hand_in(world, mapping=""),
    ]
    assert [answer.status_code for answer in wrong] == [422, 422, 422]  # type: ignore[attr-defined]
    assert "names no file" in wrong[0].content.decode()  # type: ignore[attr-defined]
    assert "a.exe is not taken" in wrong[1].content.decode()  # type: ignore[attr-defined]
    assert _hand_in(world, "viewer").status_code == 403  # type: ignore[attr-defined]
    assert queries.import_runs(world["planner"]) == []


def test_a_mapping_used_before_is_where_one_starts(world: World) -> None:
    run = _begun(world)
    run_upload(world["planner"], run)
    page = signed_in(world["planner"]).text("/desk/imports/new")
    assert "vendors.csv" in page
    assert "Example: adventureworks" in page


def test_a_run_left_alone_is_taken_up_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[UUID] = []
    monkeypatch.setattr("tierwise.lake.desk.handing_in.run_beside", lambda _viewer, run: taken.append(run))
    run = _begun(world)
    assert signed_in(world["planner"]).post(f"/desk/imports/{run}/again").status_code == 302
    assert taken == [run]
    assert signed_in(world["viewer"]).post(f"/desk/imports/{run}/again").status_code == 403


def test_a_refused_import_is_due_until_a_better_one(world: World) -> None:
    run_upload(world["planner"], _begun(world, b"code,name\nV1,\n"))
    desk = signed_in(world["planner"])
    assert "Put the extract erp right" in desk.text("/desk/")
    assert "Put the extract" not in signed_in(world["viewer"]).text("/desk/")
    run_upload(world["planner"], _begun(world))
    assert "Put the extract" not in desk.text("/desk/")


def test_examples_come_with_the_package() -> None:
    from importlib.resources import files

    names = sorted(file.name for file in (files("tierwise.lake") / "mappings").iterdir())
    assert names == sorted(file.name for file in (Path(__file__).resolve().parents[2] / "examples/mappings").iterdir())
