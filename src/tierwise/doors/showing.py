"""What pages of every app ask the door for: the buttons beside a list of theirs."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.doors.ports import find_list
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.web.pages import SheetDoor


def sheet_door(viewer: Viewer, name: str, scope: str = "") -> SheetDoor | None:
    """The doors into a list for somebody who fills it in; for a buyer, mailing it to the supplier whose list it is."""
    one = find_list(name)
    if one is None:
        return None
    side = "portal" if viewer.is_supplier else "desk"
    if one.open_to(viewer):
        download, upload, mail = (reverse(f"{side}-sheet-{what}", args=[name]) for what in ("make", "hand-in", "mail"))
        return SheetDoor(str(one.title), scope, download, upload, mail, _("Mail it to me"))
    if one.company is not None and viewer.role in BUYER_EDITORS:
        mail = reverse(f"{side}-sheet-mail", args=[name])
        return SheetDoor(str(one.title), scope, mail=mail, mail_label=_("Mail the supplier a spreadsheet to fill in"))
    return None
