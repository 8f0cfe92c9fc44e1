"""Extracts that people hand in on a page: taken apart safely, and kept until imported."""

from __future__ import annotations

import shutil
import stat
import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from tierwise.kernel.audit import Invalid

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".gz"})
DIRECT = 20 * 1024 * 1024
"""Above this the worker imports, so that no web process is busy for minutes."""
QUARANTINE = "quarantine"
"""A file of this name beside a kept extract says that bad rows are to be set aside."""
PROPOSED = "proposed-for"
"""Holds who handed files in for a proposal; nobody else may go on with them."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold: a small file can unfold into more than a disk bears."""

    files: int = 2000
    total: int = 4 * 1024**3


def folder_of(run: UUID) -> Path:
    return Path(settings.TIERWISE_HOME) / "uploads" / str(run)


def keep_upload(run: UUID, files: Iterable[UploadedFile[Any]], mapping: str, limits: Limits | None = None) -> int:
    """Writes the files (archives unpacked) and the mapping below the run's folder; returns the size of the files.

    Raises Invalid, and keeps nothing, for kinds that are not taken, archives that lead out of the folder or are too
    large, and two files of one name.
    """
    home = folder_of(run)
    extract = home / "extract"
    extract.mkdir(mode=0o700, parents=True)
    unpacking = _Unpacking(extract, limits or Limits())
    try:
        for file in files:
            unpacking.take(str(file.name), file)
        (home / "mapping.yaml").write_text(mapping, encoding="utf-8")
    except (Invalid, OSError):
        shutil.rmtree(home, ignore_errors=True)
        raise
    return unpacking.size


def take_over(kept: UUID, run: UUID, mapping: str) -> int:
    """Hands files that were kept for a proposal over to a run; returns their size. Invalid when they are gone."""
    home = folder_of(run)
    try:
        folder_of(kept).rename(home)
    except FileNotFoundError:
        text = _("The files you handed in are not kept any more; choose them again.")
        raise Invalid("files_gone", text, field="files") from None
    (home / "mapping.yaml").write_text(mapping, encoding="utf-8")
    return sum(file.stat().st_size for file in (home / "extract").rglob("*") if file.is_file())


def forget_old_proposals(seconds: float = 24 * 3600) -> None:
    """Files kept for a proposal that nobody went on with."""
    for mark in (Path(settings.TIERWISE_HOME) / "uploads").glob(f"*/{PROPOSED}"):
        if time.time() - mark.stat().st_mtime > seconds:
            shutil.rmtree(mark.parent, ignore_errors=True)


class _Unpacking:
    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self.size = self.count = 0

    def take(self, name: str, content: IO[bytes] | UploadedFile[Any]) -> None:
        if PurePosixPath(name).suffix.lower() != ".zip":
            self._write(PurePosixPath(name).name, content)
            return
        try:
            with zipfile.ZipFile(content) as archive:
                for entry in archive.infolist():
                    self._entry(archive, entry)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise Invalid("archive", _("%(name)s cannot be unpacked: %(why)s") % {"name": name, "why": error},
                          field="files") from error  # fmt: skip

    def _entry(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        path = PurePosixPath(entry.filename)
        leads_out = path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename
        if leads_out or stat.S_ISLNK(entry.external_attr >> 16):
            text = _("%(name)s in the archive leads out of it; put the file itself into the archive.")
            raise Invalid("archive_path", text % {"name": entry.filename}, field="files")
        if entry.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts:
            return
        with archive.open(entry) as content:
            self._write(entry.filename, content)

    def _write(self, name: str, content: Any) -> None:
        """Counts what is written, not what an archive says of itself."""
        self.count += 1
        if PurePosixPath(name).suffix.lower() not in SUFFIXES:
            text = _("%(name)s is not taken. Send %(kinds)s, or a zip of these.")
            raise Invalid("file_kind", text % {"name": name, "kinds": ", ".join(sorted(SUFFIXES))}, field="files")
        if self.count > self.limits.files:
            raise Invalid("file_count", _("More than %d files; send fewer.") % self.limits.files, field="files")
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("xb") as out:
                while chunk := content.read(_CHUNK):
                    self.size += len(chunk)
                    if self.size > self.limits.total:
                        text = _("The files are larger than %d MB unpacked; send them in parts.")
                        raise Invalid("file_size", text % (self.limits.total >> 20), field="files")
                    out.write(chunk)
        except FileExistsError:
            raise Invalid("file_twice", _("%s comes twice; send it once.") % name, field="files") from None
