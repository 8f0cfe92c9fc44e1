"""Jump to anything: places of the rail and whatever modules let people find.

>>> add_finders(Side.BUYER, suppliers_like)

A finder gets the viewer and the words, inside his scope, and returns the best few; what he may not see, he cannot find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.kernel.viewer import Side, Viewer
from tierwise.web.navigation import places_of
from tierwise.web.pages import Action, Empty, Page, WorklistRow, respond
from tierwise.web.viewing import DeskRequest

Finder = Callable[[Viewer, str], Sequence[WorklistRow]]
MOST = 10
_finders: dict[Side, list[Finder]] = defaultdict(list)


def add_finders(side: Side, *finders: Finder) -> None:
    """Modules add theirs when they start."""
    _finders[side].extend(finder for finder in finders if finder not in _finders[side])


def search(request: DeskRequest) -> HttpResponse:
    """What was found, by kind; a single find is opened at once."""
    words = request.GET.get("q", "").strip()
    found = find(request.viewer, words) if words else []
    if len(found) == 1:
        return redirect(found[0].href)
    page = Page(_("Search"), lead=_("Results for “%s”") % words if words else "")
    empty = Empty(
        _("Nothing found") if words else _("What are you looking for?"),
        _("Names and numbers are searched, in part or whole."),
        Action(_("Go to what is due"), reverse("desk-home" if request.viewer.side is Side.BUYER else "portal-home")),
    )
    return respond(request, "web/worklist.html", {"page": page, "rows": found, "empty": empty})


def find(viewer: Viewer, words: str) -> list[WorklistRow]:
    """Places whose name holds the words, then at most ten finds of each kind."""
    low = words.lower()
    places = [
        WorklistRow(str(place.label), reverse(place.url), str(place.group) or _("Page"))
        for place in places_of(viewer)
        if low in str(place.label).lower()
    ]
    return places + [row for finder in _finders[viewer.side] for row in list(finder(viewer, words))[:MOST]]
