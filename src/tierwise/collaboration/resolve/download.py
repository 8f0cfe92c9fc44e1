"""Evidence as a download."""

from __future__ import annotations

from django.http import HttpResponse

from tierwise.collaboration.resolve.records import FileRecord
from tierwise.kernel.files import path_of


def attachment(file: FileRecord) -> HttpResponse:
    """A file that no browser runs or shows in place."""
    response = HttpResponse(path_of(file.sha256).read_bytes(), content_type=file.media_type)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in file.name)
    response["Content-Disposition"] = f'attachment; filename="{plain}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response
