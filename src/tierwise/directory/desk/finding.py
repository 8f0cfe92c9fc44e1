"""What the search box finds in the directory."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.directory import queries
from tierwise.kernel.viewer import Viewer
from tierwise.web.pages import WorklistRow


def suppliers_like(viewer: Viewer, words: str) -> list[WorklistRow]:
    return [
        WorklistRow(found.name, reverse("desk-supplier", args=[found.id]), _("Supplier %s") % found.code)
        for found in queries.suppliers_like(viewer, words)
    ]


def items_like(viewer: Viewer, words: str) -> list[WorklistRow]:
    return [
        WorklistRow(name or code, reverse("desk-item", args=[code]), _("Item %s") % code)
        for code, name in queries.items_like(viewer, words)
    ]
