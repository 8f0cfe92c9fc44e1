"""What the buyer's pages share: names, and what waits for a buyer's person."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from tierwise.collaboration import queries
from tierwise.collaboration.agree.actions import offer_version
from tierwise.collaboration.records import DueItem, DueKind
from tierwise.collaboration.resolve.actions import rule_case
from tierwise.collaboration.showing import Names, may
from tierwise.directory import queries as directory
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Side, Viewer
from tierwise.web.due import Coming, Due, add_coming_sources, add_due_sources
from tierwise.web.pages import Status, Tone, WorklistRow


def desk_names(viewer: Viewer) -> Names:
    return Names({company.id: company.name for company in directory.suppliers(viewer)}, directory.segment_chips(viewer))


def waiting(viewer: Viewer) -> list[Due]:
    """Disputes this person may rule and offers he should renew, for they ran out unanswered."""
    mine = {DueKind.CASE: may(viewer, rule_case), DueKind.OFFER: may(viewer, offer_version)}
    items = [item for item in queries.due(viewer) if item.mine and mine[item.kind]] if any(mine.values()) else []
    names = desk_names(viewer) if items else Names({}, {})
    return [_due(item, names) for item in items]


def _due(item: DueItem, names: Names) -> Due:
    late = item.due_at is not None and item.due_at < now()
    if item.kind is DueKind.CASE:
        what, href = _("Rule the dispute of %(line)s") % {"line": item.title}, reverse("desk-case", args=[item.id])
        status = Status(_("Ruling overdue"), Tone.BAD) if late else Status(_("To be ruled"), Tone.WATCH)
    else:
        what, href = _("Renew the offer: %(title)s") % {"title": item.title}, reverse("desk-agreement", args=[item.id])
        status = Status(_("Expired unanswered"), Tone.WATCH)
    row = WorklistRow(
        what, href, segments=(names.segment(item.segment),), who=names.company(item.supplier), due=item.due_at,
        late=late, status=status,
    )  # fmt: skip
    return Due(row, item.supplier, f"{item.kind.value}-{item.id}")


def coming(viewer: Viewer) -> list[Coming]:
    """Offers that suppliers have still time to answer."""
    offers = [item for item in queries.due(viewer) if not item.mine and item.due_at is not None]
    return [
        Coming(o.due_at, _("The offer ends: %(title)s") % {"title": o.title}, reverse("desk-agreement", args=[o.id]))
        for o in offers
        if o.due_at is not None
    ]


add_due_sources(Side.BUYER, waiting)
add_coming_sources(Side.BUYER, coming)
