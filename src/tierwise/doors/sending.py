"""Answers to "have this list filled in": a spreadsheet for each person, made as that person sees the list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils import translation

from tierwise.doors.handed import mailed_already
from tierwise.doors.mail.writing import send_to_fill_in
from tierwise.doors.ports import Correspondent, correspondents, list_named
from tierwise.doors.sheets import make_sheet
from tierwise.kernel.audit import NotFound
from tierwise.kernel.viewer import Door, Viewer, viewer_scope


def on_sheets_requested(worker: Viewer, payload: dict[str, Any]) -> None:
    """Mails the list to everybody it was asked for; who has it of this very request is left out."""
    del worker
    request, name, scope = UUID(payload["request"]), str(payload["list"]), str(payload["scope"])
    for person in _people(payload, name):
        viewer = replace(person.viewer, door=Door.EMAIL)
        # One transaction: a mail that could not be sent leaves nothing, and is tried again.
        with translation.override(person.language), viewer_scope(viewer):
            if mailed_already(viewer, request):
                continue
            try:
                file = make_sheet(viewer, name, scope, request)
            except NotFound:
                continue  # the person does not serve the segment, so the list is none of his
            send_to_fill_in(person, name, file)


def _people(payload: dict[str, Any], name: str) -> list[Correspondent]:
    everybody = correspondents().of_company(UUID(payload["company"]), list_named(name).roles)
    wanted = {UUID(one) for one in payload["people"]}
    return [one for one in everybody if not wanted or one.viewer.person in wanted]
