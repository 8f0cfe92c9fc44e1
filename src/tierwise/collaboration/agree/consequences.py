"""What a change of scheme would touch in agreements."""

from __future__ import annotations

from tierwise.collaboration.agree import queries
from tierwise.collaboration.agree.records import beyond_depth
from tierwise.directory import queries as directory
from tierwise.directory.ports import ImpactSection, SchemeChange
from tierwise.kernel.viewer import Viewer


class AgreementImpact:
    """Which agreements share more than the depth that a scheme would give their segment."""

    def section(self, viewer: Viewer, change: SchemeChange) -> ImpactSection:
        segments = {segment.id: segment.code for segment in directory.segments(viewer, active=False)}
        companies = {company.id: company.name for company in directory.suppliers(viewer)}
        found = queries.terms_in_force(viewer, on=change.effective_on)
        rows = tuple(
            {"what": f"{one.number} {one.title}, {companies.get(supplier, '')}", "segment": segments[segment]}
            for (supplier, segment), one in found.items()
            if beyond_depth(one.terms, change.depths.get(segments[segment], "none"))
        )
        kept = "They hold until they are ended or a new wording is agreed; nothing finer can be offered meanwhile."
        headline = f"{len(rows)} of {len(found)} agreements in force go further than their segment will be worked on"
        return ImpactSection("Agreements", headline, len(rows), rows, warnings=(kept,) if rows else ())
