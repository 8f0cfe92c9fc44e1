"""The first steps of an installation that holds nothing yet, offered to those who may take them."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.directory import queries
from tierwise.directory.records import COMMON
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer
from tierwise.lake import queries as lake
from tierwise.web.pages import Action, Empty


def import_action(viewer: Viewer) -> Action | None:
    return Action(_("Import an extract"), reverse("desk-import-new")) if viewer.role in BUYER_EDITORS else None


def first_step(viewer: Viewer) -> Empty | None:
    """What comes first: facts, then a scheme that segments them; None once both are there."""
    if not lake.manifest(viewer).versions:
        text = _(
            "Hand in an extract of your ERP with a mapping: items, suppliers, orders, receipts. After it you write a "
            "scheme; segments, supports and scorecards follow by themselves."
        )
        return Empty(_("Begin with your facts"), text, import_action(viewer))
    if all(segment.code == COMMON for segment in queries.segments(viewer)):
        text = _("The facts are in. A scheme says which demand belongs together and how each segment is served.")
        action = Action(_("Open the scheme"), reverse("desk-scheme"))
        return Empty(_("Write the scheme next"), text, action)
    return None
