"""The other ways into a list that a page shows: as a spreadsheet, and by mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SheetDoor:
    """Addresses, each posted to with ``scope``: one makes the spreadsheet, one takes it back, one mails it.

    Empty ones are not offered. ``title`` names the list, ``mail_label`` says to whom it is mailed.
    """

    title: str
    scope: str = ""
    download: str = ""
    upload: str = ""
    mail: str = ""
    mail_label: str = ""
