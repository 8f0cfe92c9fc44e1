"""Site calendars and their closed days."""

from __future__ import annotations

from django.db.models import Count, Min, Q

from tierwise.directory.models import Closure, Site
from tierwise.directory.records import BY_HAND, CalendarRecord, ClosedDay
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Viewer, viewer_scope


def calendars(viewer: Viewer) -> list[CalendarRecord]:
    """Every calendar that a site names or that has a closed day, by code."""
    with viewer_scope(viewer):
        sites = dict(Site.objects.exclude(calendar="").values_list("calendar").annotate(n=Count("id")))
        ahead = Q(closed_on__gte=today())
        days = {
            code: found
            for code, *found in Closure.objects.values_list("calendar").annotate(
                ahead=Count("id", filter=ahead), next_day=Min("closed_on", filter=ahead),
                by_hand=Count("id", filter=Q(source=BY_HAND)),
            )
        }  # fmt: skip
    return [CalendarRecord(code, sites.get(code, 0), *days.get(code, (0, None, 0))) for code in sorted({*sites, *days})]


def closed_days(viewer: Viewer, calendar: str) -> list[ClosedDay]:
    """The closed days of one calendar, the earliest first."""
    with viewer_scope(viewer):
        rows = Closure.objects.filter(calendar=calendar).order_by("closed_on")
        return [ClosedDay(*row) for row in rows.values_list("closed_on", "name", "source")]
