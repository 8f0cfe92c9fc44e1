from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.conf import settings

from fixtures.worlds import World
from tierwise.kernel import files
from tierwise.kernel.audit import Invalid
from tierwise.kernel.files import path_of, store
from tierwise.kernel.models import StoredFile
from tierwise.kernel.viewer import viewer_scope

pytestmark = pytest.mark.database

GOOD = {
    "proof.pdf": b"%PDF-1.7 ...", "photo.PNG": b"\x89PNG\r\n\x1a\n...", "photo.jpg": b"\xff\xd8\xff\xe0",
    "photo.jpeg": b"\xff\xd8\xff\xe1", "list.xlsx": b"PK\x03\x04...", "list.csv": "a;b\n1;ü\n".encode(),
    "note.txt": b"",
}  # fmt: skip


def keep(world: World, name: str, content: bytes, who: str = "a planner") -> StoredFile:
    with viewer_scope(world[who]):
        return store(world[who], world[who].company, name, content)


@pytest.mark.parametrize("name", GOOD)
def test_what_evidence_comes_as_is_taken(world: World, name: str) -> None:
    stored = keep(world, name, GOOD[name])
    digest = hashlib.sha256(GOOD[name]).hexdigest()
    assert (stored.sha256, stored.size, stored.name) == (digest, len(GOOD[name]), name)
    assert path_of(digest).read_bytes() == GOOD[name]
    assert path_of(digest).stat().st_mode & 0o077 == 0
    assert Path(settings.TIERWISE_HOME) in path_of(digest).parents


def test_equal_content_is_kept_once_with_a_row_for_each(world: World) -> None:
    first = keep(world, "one.csv", b"a\n")
    second = keep(world, "two.csv", b"a\n", "b planner")
    assert first.sha256 == second.sha256
    assert [p.name for p in (Path(settings.TIERWISE_HOME) / "files").rglob("*") if p.is_file()] == [first.sha256]
    with viewer_scope(world["a planner"]):
        assert [f.name for f in StoredFile.objects.all()] == ["one.csv"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("page.html", b"<html>", "file_kind"), ("program", b"x", "file_kind"), ("", b"x", "file_kind"),
        ("a.pdf.exe", b"%PDF-", "file_kind"), (".pdf", b"%PDF-", "file_kind"),
        ("page.pdf", b"<html>", "file_content"), ("photo.png", b"\xff\xd8\xff", "file_content"),
        ("empty.pdf", b"", "file_content"), ("binary.csv", b"a\x00b", "file_content"),
    ],
)  # fmt: skip
def test_other_kinds_and_false_names_are_refused(world: World, name: str, content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        keep(world, name, content)
    assert (refusal.value.code, refusal.value.parameters["field"]) == (code, "file")
    assert not (Path(settings.TIERWISE_HOME) / "files").exists()


def test_the_largest_is_taken_and_one_byte_more_is_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 1024)
    keep(world, "fits.txt", b"x" * 1024)
    with pytest.raises(Invalid) as refusal:
        keep(world, "too large.txt", b"x" * 1025)
    assert refusal.value.code == "file_size"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/list.csv", "list.csv"), ("C:\\mine\\list.csv", "list.csv"), ("a\x00b\r\nc.csv", "abc.csv"),
        ("ü" * 300 + ".csv", "ü" * 196 + ".csv"),
    ],
)  # fmt: skip
def test_a_name_is_its_last_part_and_printable(world: World, sent: str, kept: str) -> None:
    assert keep(world, sent, b"a").name == kept


def test_a_disk_that_is_full_leaves_no_half_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep(world, "list.csv", b"a")
    assert [p for p in (Path(settings.TIERWISE_HOME) / "files").rglob("*") if p.is_file()] == []


def test_a_supplier_keeps_files_in_its_own_name_only(world: World) -> None:
    with pytest.raises(Exception, match="row-level security"), viewer_scope(world["a planner"]):
        store(world["a planner"], world.suppliers["B"], "list.csv", b"a")
