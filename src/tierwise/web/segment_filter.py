"""The viewer's segments as the first filter of a page, kept in the address as ``?segment=CODE``."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

from tierwise.web.pages import SegmentChip, SegmentFilter


def chosen_segment(request: HttpRequest, chips: Iterable[SegmentChip]) -> SegmentChip | None:
    """The segment a page is seen through, or None for all; a code the viewer does not have counts as all."""
    wanted = request.GET.get("segment", "")
    return next((chip for chip in chips if chip.code == wanted), None)


def segment_filters(request: HttpRequest, chips: Iterable[SegmentChip]) -> tuple[SegmentFilter, ...]:
    """Links to this page through each segment; every other parameter of the address stays."""
    chips = list(chips)
    chosen = chosen_segment(request, chips)
    return tuple(SegmentFilter(chip, _address(request, chip.code), chip == chosen) for chip in chips)


def all_segments(request: HttpRequest) -> str:
    return _address(request, "")


def _address(request: HttpRequest, code: str) -> str:
    query = request.GET.copy()
    for name in ("segment", "export", "open"):
        query.pop(name, None)
    if code:
        query["segment"] = code
    return f"?{query.urlencode()}"
