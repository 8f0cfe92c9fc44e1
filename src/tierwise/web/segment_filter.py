"""The viewer's segments as the first filter of a page, kept in the address as ``?segment=CODE``."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.translation import gettext as _

from tierwise.web.pages import Action, Empty, SegmentChip, SegmentFilter


def chosen_segment(request: HttpRequest, chips: Iterable[SegmentChip]) -> SegmentChip | None:
    """The segment a page is seen through, or None for all; a code the viewer does not have counts as all."""
    wanted = request.GET.get("segment", "")
    return next((chip for chip in chips if chip.code == wanted), None)


def segment_filters(request: HttpRequest, chips: Iterable[SegmentChip]) -> tuple[SegmentFilter, ...]:
    """Links to this page through each segment; every other parameter of the address stays."""
    chips = list(chips)
    chosen = chosen_segment(request, chips)
    return tuple(SegmentFilter(chip, _address(request, chip.code), chip == chosen) for chip in chips)


def nothing_of(request: HttpRequest, chosen: SegmentChip | None, empty: Empty) -> Empty:
    """What an empty list says: seen through one segment, that others may have rows; else what is given."""
    if chosen is None:
        return empty
    text = _("Seen through all segments the list may hold more.")
    return Empty(_("Nothing in %(segment)s") % {"segment": chosen.name}, text,
                 Action(_("Show all segments"), all_segments(request)))  # fmt: skip


def all_segments(request: HttpRequest) -> str:
    return _address(request, "")


def _address(request: HttpRequest, code: str) -> str:
    query = request.GET.copy()
    for name in ("segment", "export", "open"):
        query.pop(name, None)
    if code:
        query["segment"] = code
    return f"?{query.urlencode()}"
