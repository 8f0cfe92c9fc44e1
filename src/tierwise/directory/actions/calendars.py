"""Days on which sites do not work, as people say them beside what imports bring."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from tierwise.directory.models import Closure, Site
from tierwise.directory.records import BY_HAND
from tierwise.kernel.audit import Invalid, NotFound, Subject, action, record
from tierwise.kernel.viewer import BUYER_EDITORS, Viewer

_NAME_LENGTH = 120


@action("change_closures", roles=BUYER_EDITORS)
def change_closures(actor: Viewer, calendar: str, put: Mapping[date, str], gone: Collection[date]) -> int:
    """Adds or renames closed days of a calendar and takes others away; returns how many changed.

    What an import brought is changed where it comes from: a day of an import is neither renamed nor taken away here.
    A day that is gone already, or stands there as it is wanted, changes nothing.
    """
    wanted = {day: " ".join(name.split()) for day, name in put.items() if day not in gone}
    standing = {row.closed_on: row for row in Closure.objects.select_for_update().filter(calendar=calendar)}
    if not standing and not Site.objects.filter(calendar=calendar).exists():
        raise NotFound("calendar", "No site has such a calendar.")
    for day in (*wanted, *gone):
        row = standing.get(day)
        if row is not None and row.source != BY_HAND and wanted.get(day) != row.name:
            text = f"{day} comes with the imports of {row.source}; change it there."
            raise Invalid("imported", text, field="closed_on", day=str(day))
    for day, name in wanted.items():
        if len(name) > _NAME_LENGTH:
            text = f"Say in at most {_NAME_LENGTH} characters why {day} is closed."
            raise Invalid("name", text, field="name", day=str(day))
    new = [
        Closure(calendar=calendar, closed_on=day, name=name, source=BY_HAND)
        for day, name in wanted.items()
        if day not in standing or standing[day].name != name
    ]
    Closure.objects.bulk_create(
        new, update_conflicts=True, unique_fields=["calendar", "closed_on"], update_fields=["name"]
    )
    ended, _counts = Closure.objects.filter(calendar=calendar, closed_on__in=gone, source=BY_HAND).delete()
    record(actor, Subject("calendar", calendar), count=len(new) + ended, closed=[str(one.closed_on) for one in new],
           opened=sorted(str(day) for day in gone if day in standing))  # fmt: skip
    return len(new) + ended
