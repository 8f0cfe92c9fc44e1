"""Files by content: written once, never changed, reached only through a row that passed the row policies."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from uuid import UUID

from django.conf import settings

from tierwise.kernel.audit import Invalid
from tierwise.kernel.models import StoredFile
from tierwise.kernel.viewer import Viewer

LARGEST = 20 * 1024 * 1024
# What evidence and extracts come as; the first bytes must agree with the name, so no page passes for a picture.
SIGNATURES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    ".pdf": ("application/pdf", (b"%PDF-",)),
    ".png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    ".jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (b"PK\x03\x04",)),
    ".csv": ("text/csv", ()),
    ".txt": ("text/plain", ()),
}


def _folder() -> Path:
    return Path(settings.TIERWISE_HOME) / "files"


def path_of(sha256: str) -> Path:
    return _folder() / sha256[:2] / sha256


def store(actor: Viewer, owner: UUID, name: str, content: bytes) -> StoredFile:
    """Keeps a file for its owner company. Raises Invalid for a kind, size or content that is not taken."""
    name = _plain_name(name)
    suffix = Path(name).suffix.lower()
    if suffix not in SIGNATURES:
        raise Invalid("file_kind", f"{name}: send one of {', '.join(SIGNATURES)}.", field="file", name=name)
    if len(content) > LARGEST:
        raise Invalid("file_size", f"{name} is larger than {LARGEST // 2**20} MB.", field="file", name=name)
    media_type, starts = SIGNATURES[suffix]
    if starts and not content.startswith(starts):
        raise Invalid("file_content", f"{name} is not what its name says.", field="file", name=name)
    if not starts and b"\x00" in content:
        raise Invalid("file_content", f"{name} is not a text file.", field="file", name=name)
    digest = keep(content)
    stored = StoredFile(
        owner_id=owner, sha256=digest, size=len(content), name=name, media_type=media_type,
        stored_by=actor.person,
    )  # fmt: skip
    stored.save(force_insert=True)
    return stored


def keep(content: bytes) -> str:
    """Keeps what the program itself made, such as a report, and returns its address; a row elsewhere refers to it."""
    digest = hashlib.sha256(content).hexdigest()
    _write(path_of(digest), content)
    return digest


def _plain_name(name: str) -> str:
    """The last part of whatever path a browser or mail sent, without what would upset a header or a terminal."""
    last = re.split(r"[/\\]", name)[-1]
    printable = "".join(character for character in last if character.isprintable())
    stem, suffix = Path(printable).stem, Path(printable).suffix
    return stem[: 200 - len(suffix)] + suffix


def _write(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
