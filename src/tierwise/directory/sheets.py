"""The directory's editable lists as spreadsheets: who serves which segment, people, closed days of calendars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import cast
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.directory import queries, shared
from tierwise.directory.actions import (
    SupportProposal,
    change_closures,
    change_role,
    confirm_support,
    end_support,
    propose_supports,
    set_person_active,
)
from tierwise.directory.inviting import Invitee, invite_by_mail
from tierwise.directory.records import BY_HAND, Involvement, PersonRecord, SupportState
from tierwise.directory.wording import INVOLVEMENT_WORDS, role_choices
from tierwise.doors.ports import AddRow, EditableList, FilledList, register_list
from tierwise.kernel.audit import Invalid, NotFound
from tierwise.kernel.viewer import BUYER_EDITORS, Role, Viewer
from tierwise.web.api.scopes import Area
from tierwise.wire.spreadsheets import Form, FormColumn, Kind, RowChange, Value

SUPPORTS = "supports"
PEOPLE = "people"
CLOSURES = "closures"
SPARE = 50
"""Empty rows below a list that can grow; who needs more hands in twice."""
_PROPOSED, _CONFIRMED = SupportState.PROPOSED.value, SupportState.CONFIRMED.value
_IN, _OUT = "in", "out"
_REMOVE = "remove"
_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})


def _company(scope: str) -> UUID | None:
    try:
        return UUID(scope) if scope else None
    except ValueError:
        raise NotFound("company", _("There is no such company.")) from None


def _support_form(viewer: Viewer) -> Form:
    states = [(_PROPOSED, _("Proposed")), (_CONFIRMED, _("Confirmed"))]
    involvements = [(one.value, str(label)) for one, label in INVOLVEMENT_WORDS.items()]
    return Form(_("Who serves which segment"), (
        FormColumn("code", _("Supplier code"), new=True, max_length=240),
        FormColumn("supplier", _("Supplier"), width=32),
        FormColumn("segment", _("Segment"), new=True, choices=_segment_choices(viewer), width=18),
        FormColumn("valid_from", _("From"), Kind.DATE),
        FormColumn("state", _("State"), editable=True, choices=states,
                   help=_("Confirming gives the supplier the segment's rights at once.")),
        FormColumn("involvement", _("Involvement"), editable=True, choices=involvements),
        FormColumn("last_day", _("Last day"), Kind.DATE, editable=True, least=date(2000, 1, 1),
                   help=_("After it the supplier's access to the segment ends.")),
    ), spare=SPARE, unique=("code", "segment"))  # fmt: skip


def _segment_choices(viewer: Viewer) -> list[tuple[str, str]]:
    """Segments by name; by name and code where two share a name."""
    found = queries.segments(viewer)
    names = Counter(one.name.casefold() for one in found)
    return [(one.code, one.name if names[one.name.casefold()] == 1 else f"{one.name} ({one.code})") for one in found]


def _fill_supports(viewer: Viewer, scope: str) -> FilledList:
    supplier = _company(scope)
    companies = {one.id: one for one in queries.suppliers(viewer)}
    chips = queries.segment_chips(viewer)
    names = dict(_segment_choices(viewer))
    rows = [
        {
            "key": str(one.id), "code": companies[one.supplier].code, "supplier": companies[one.supplier].name,
            "segment": names.get(chips[one.segment].code, chips[one.segment].name),
            "valid_from": one.valid_from, "state": one.state.value,
            "involvement": one.involvement.value if one.state is SupportState.CONFIRMED else "",
            "last_day": one.valid_to,
        }
        for one in queries.supports(viewer, supplier=supplier)
        if one.state is not SupportState.ENDED and one.supplier in companies and one.segment in chips
    ]  # fmt: skip
    rows.sort(key=lambda row: (str(row["supplier"]), str(row["segment"])))
    return FilledList(_support_form(viewer), rows)


def _proposing(actor: Viewer, scope: str) -> AddRow:
    """Adds suppliers to segments; reads both lists once for all new rows."""
    companies = {one.code: one for one in queries.suppliers(actor)}
    segments = {one.code: one for one in queries.segments(actor)}
    within = _company(scope)

    def add(said: Mapping[str, Value | None]) -> None:
        company = companies.get(str(said["code"]))
        if company is None or within not in {None, company.id}:
            text = _("There is no such supplier here; write the code of one.")
            raise Invalid("supplier", text, field="code")
        segment = segments.get(str(said["segment"]))
        if segment is None:
            raise Invalid("segment", _("Choose the segment."), field="segment")
        shown = (0.0, segment.code, segment.name, segment.slot)
        propose_supports(actor, [SupportProposal(company.id, segment.id, *shown)])
        before: dict[str, Value | None] = {"state": _PROPOSED, "involvement": None, "last_day": None}
        after = {name: said[name] for name in before} | {"state": said["state"] or _PROPOSED}
        changed = frozenset(name for name in before if after[name] != before[name])
        if changed:
            standing = queries.standing_supports(actor, queries.Standing(supplier=company.id, segment=segment.id))
            found = next(one for one in standing if one.state is not SupportState.ENDED)
            _decide(actor, scope, RowChange(str(found.id), changed, after, before))

    return add


def _decide(actor: Viewer, scope: str, change: RowChange) -> None:
    del scope
    said, support = change.values, UUID(change.key)
    if said["state"] != _CONFIRMED and (change.before["state"] == _CONFIRMED or not said["last_day"]):
        text = _("A confirmed segment is not taken back to a proposal; give its last day to end it.")
        raise Invalid("state", text, field="state" if "state" in change.changed else "involvement")
    if change.changed & {"state", "involvement"}:
        if said["state"] != _CONFIRMED:
            raise Invalid("involvement", _("Confirm the segment to say how the supplier is involved."), field="state")
        confirm_support(actor, support, Involvement(str(said["involvement"] or Involvement.EXECUTION.value)))
    if "last_day" in change.changed:
        if said["last_day"] is None:
            raise Invalid(
                "last_day", _("An end that was set is moved by another day, not taken away."), field="last_day"
            )
        end_support(actor, support, cast(date, said["last_day"]))


def _support_page(viewer: Viewer, scope: str) -> str:
    del viewer
    return reverse("desk-supplier", args=[_company(scope)]) + "#segments" if scope else reverse("desk-suppliers")


def _people_form(supplier: bool) -> Form:
    entries = [(_IN, _("May enter")), (_OUT, _("Shut out"))]
    return Form(_("People"), (
        FormColumn("name", _("Name"), new=True, max_length=120),
        FormColumn("email", _("E-mail"), new=True, max_length=254, width=32),
        FormColumn("joined", _("Joined"), Kind.FLAG),
        FormColumn("role", _("Role"), editable=True, choices=role_choices(supplier)),
        FormColumn("entry", _("Entry"), editable=True, choices=entries),
    ), spare=SPARE, unique=("email",))  # fmt: skip


def _fill_people(viewer: Viewer, scope: str) -> FilledList:
    company = _company(scope) or viewer.company
    if viewer.is_supplier and company != viewer.company:
        raise NotFound("company", _("There is no such company."))
    people = shared.my_people(viewer) if viewer.is_supplier else queries.people(viewer, company)
    supplier = viewer.is_supplier or company != viewer.company
    return FilledList(_people_form(supplier), [_person(one) for one in people])


def _person(one: PersonRecord) -> dict[str, object]:
    return {
        "key": str(one.id), "name": one.name, "email": one.email, "joined": one.joined, "role": one.role,
        "entry": _IN if one.active else _OUT,
    }  # fmt: skip


def _inviting(actor: Viewer, scope: str) -> AddRow:
    company = _company(scope) or actor.company

    def add(said: Mapping[str, Value | None]) -> None:
        if not said["role"]:
            raise Invalid("role", _("Choose a role."), field="role")
        if said["entry"] == _OUT:
            raise Invalid("entry", _("Somebody who is invited may enter; leave this empty."), field="entry")
        wanted = Invitee(str(said["name"] or ""), str(said["email"] or ""), Role(str(said["role"])))
        invite_by_mail(actor, company, wanted, settings.TIERWISE_ADDRESS)

    return add


def _set_person(actor: Viewer, scope: str, change: RowChange) -> None:
    del scope
    person = UUID(change.key)
    if "role" in change.changed:
        if not change.values["role"]:
            raise Invalid("role", _("Choose a role."), field="role")
        change_role(actor, person, Role(str(change.values["role"])))
    if "entry" in change.changed:
        if not change.values["entry"]:
            raise Invalid("entry", _("Say whether the person may enter."), field="entry")
        set_person_active(actor, person, change.values["entry"] == _IN)


def _people_page(viewer: Viewer, scope: str) -> str:
    if viewer.is_supplier:
        return reverse("portal-company")
    return reverse("desk-supplier-people", args=[_company(scope)]) if scope else reverse("desk-people")


def _closure_form(calendar: str) -> Form:
    return Form(_("Closed days of %(calendar)s") % {"calendar": calendar}, (
        FormColumn("closed_on", _("Day"), Kind.DATE, new=True, least=date(2000, 1, 1)),
        FormColumn("name", _("Why"), editable=True, max_length=120, width=32),
        FormColumn("source", _("Comes from")),
        FormColumn("remove", _("Remove"), editable=True, choices=[(_REMOVE, _("Remove"))],
                   help=_("Days that an import brings are removed where it comes from.")),
    ), spare=SPARE, unique=("closed_on",))  # fmt: skip


def _fill_closures(viewer: Viewer, scope: str) -> FilledList:
    if all(one.code != scope for one in queries.calendars(viewer)):
        raise NotFound("calendar", _("There is no such calendar."))
    rows = [
        {"key": str(one.closed_on), "closed_on": one.closed_on, "name": one.name,
         "source": _("added here") if one.source == BY_HAND else one.source}
        for one in queries.closed_days(viewer, scope)
    ]  # fmt: skip
    return FilledList(_closure_form(scope), rows)


def _change_closure(actor: Viewer, scope: str, change: RowChange) -> None:
    day = date.fromisoformat(change.key)
    if change.values["remove"]:
        change_closures(actor, scope, {}, [day])
    elif "name" in change.changed:
        change_closures(actor, scope, {day: str(change.values["name"] or "")}, ())


def _closing(actor: Viewer, scope: str) -> AddRow:
    def add(said: Mapping[str, Value | None]) -> None:
        if said["remove"]:
            raise Invalid("remove", _("A new row is left out by emptying it."), field="remove")
        if not isinstance(said["closed_on"], date):
            raise Invalid("closed_on", _("Write the day that is closed."), field="closed_on")
        change_closures(actor, scope, {said["closed_on"]: str(said["name"] or "")}, ())

    return add


def _calendar_page(viewer: Viewer, scope: str) -> str:
    del viewer
    return reverse("desk-calendar", args=[scope]) if scope else reverse("desk-calendars")


def register_lists() -> None:
    register_list(EditableList(
        SUPPORTS, gettext_lazy("Who serves which segment"), BUYER_EDITORS, (Area.DIRECTORY,), _fill_supports, _decide,
        _support_page, {"on": "last_day"}, adding=_proposing,
    ))  # fmt: skip
    register_list(EditableList(
        PEOPLE, gettext_lazy("People"), _ADMINISTRATORS, (Area.DIRECTORY,), _fill_people, _set_person, _people_page,
        {"active": "entry"}, adding=_inviting,
    ))  # fmt: skip
    register_list(EditableList(
        CLOSURES, gettext_lazy("Closed days"), BUYER_EDITORS, (Area.DIRECTORY,), _fill_closures, _change_closure,
        _calendar_page, adding=_closing,
    ))  # fmt: skip
