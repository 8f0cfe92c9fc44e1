"""The supplier's first page, and what its pages share."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.collaboration import shared
from tierwise.collaboration.records import DueItem, DueKind
from tierwise.collaboration.showing import Names, chosen_id
from tierwise.directory import shared as own
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Viewer
from tierwise.web.pages import Empty, Page, SegmentChip, Stat, Status, Tone, WorklistRow, respond
from tierwise.web.viewing import DeskRequest

WHAT = {
    DueKind.OFFER: gettext_lazy("Answer the offer: %(title)s"),
    DueKind.PUBLICATION: gettext_lazy("Read and acknowledge: %(title)s"),
    DueKind.DRAFT: gettext_lazy("Finish and send your dispute: %(title)s"),
    DueKind.CASE: gettext_lazy("Dispute of %(title)s"),
}
PLACES = {
    DueKind.OFFER: "portal-agreement",
    DueKind.PUBLICATION: "portal-publication",
    DueKind.DRAFT: "portal-dispute",
    DueKind.CASE: "portal-case",
}


def portal_names(viewer: Viewer) -> Names:
    """Segments under the names the supplier knows them by."""
    company = own.my_company(viewer)
    supports = own.my_supports(viewer)
    return Names(
        {company.id: company.name},
        {support.segment: SegmentChip(support.shown_code, support.shown_name, support.slot) for support in supports},
    )


def home(request: DeskRequest) -> HttpResponse:
    """What needs this supplier today."""
    names, segment = portal_names(request.viewer), chosen_id(request, "segment")
    items = [i for i in shared.due(request.viewer) if segment in {None, i.segment}]
    page = Page(
        _("What is due"), lead=_("What waits for you, the nearest clock first; then what waits for the buyer."),
        segments=names.filters(request), all_segments=reverse("portal-home"),
    )  # fmt: skip
    mine = [item for item in items if item.mine]
    late = sum(_late(item) for item in mine)
    stats = [
        Stat(_("Waiting for you"), len(mine)),
        Stat(_("Past their date"), late, tone=Tone.BAD if late else Tone.PLAIN),
        Stat(_("Waiting for the buyer"), len(items) - len(mine)),
    ]
    empty = Empty(
        _("Nothing is due"),
        _("When the buyer offers an agreement or publishes demand or a scorecard, it appears here with its date."),
    )
    rows = [_row(item, names) for item in items]
    return respond(request, "web/worklist.html", {"page": page, "stats": stats, "rows": rows, "empty": empty})


def _late(item: DueItem) -> bool:
    return item.due_at is not None and item.due_at < now()


def _row(item: DueItem, names: Names) -> WorklistRow:
    waits = Status(_("Yours"), Tone.WATCH) if item.mine else Status(_("Waits for the buyer"))
    return WorklistRow(
        str(WHAT[item.kind]) % {"title": item.title},
        reverse(PLACES[item.kind], args=[item.id]),
        segments=(names.segment(item.segment),),
        who=_("You") if item.mine else _("Buyer"),
        due=item.due_at,
        late=_late(item),
        status=waits,
    )
