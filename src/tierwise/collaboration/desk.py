"""What the buyer's pages share: companies and segments by name."""

from __future__ import annotations

from tierwise.collaboration.showing import Names
from tierwise.directory import queries as directory
from tierwise.kernel.viewer import Viewer
from tierwise.web.pages import SegmentChip


def desk_names(viewer: Viewer) -> Names:
    segments = directory.segments(viewer, active=False)
    return Names(
        {company.id: company.name for company in directory.suppliers(viewer)},
        {segment.id: SegmentChip(segment.code, segment.name, segment.slot) for segment in segments},
    )
