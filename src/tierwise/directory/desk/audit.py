"""The audit trail: who did what, through which door, to whose data, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import partial
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tierwise.directory import queries
from tierwise.directory.wording import role_word
from tierwise.kernel.audit import NotFound
from tierwise.kernel.queries import (
    AuditQuestion,
    AuditRecord,
    audit_count,
    audit_entry,
    audit_page,
    audited_actions,
    audited_people,
)
from tierwise.kernel.viewer import Door, Role, Viewer
from tierwise.web.api.paging import Keys
from tierwise.web.choosing import offer_choice
from tierwise.web.formats import number
from tierwise.web.onward import rows_onward
from tierwise.web.pages import Column, Crumb, Empty, Fact, Grid, Kind, Page, Status, Tone, respond
from tierwise.web.subjects import subject_address
from tierwise.web.viewing import DeskRequest

KEYS = Keys("audit", (datetime, UUID))
OUTCOMES = {"done": Status("Done", Tone.GOOD), "refused": Status("Refused", Tone.WATCH)}


class AuditFilter(forms.Form):
    person = forms.ChoiceField(label=gettext_lazy("Person"), required=False)
    action = forms.ChoiceField(label=gettext_lazy("Action"), required=False)
    supplier = forms.ChoiceField(label=gettext_lazy("Supplier"), required=False)
    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), required=False)
    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    platform = forms.BooleanField(label=gettext_lazy("With what the platform does by itself"), required=False)

    def __init__(self, request: DeskRequest) -> None:
        super().__init__(request.GET or None)
        viewer = request.viewer
        people = queries.names_of(viewer, audited_people(viewer))
        companies = {company.id: company.name for company in queries.suppliers(viewer)}
        # What is counted beside an action is what choosing it would list.
        counted = audited_actions(viewer, None if "platform" in request.GET else False)
        actions = {name: f"{spoken(name)} ({count})" for name, count in counted.items()}
        offer_choice(self, "person", dict(sorted(people.items(), key=lambda pair: pair[1])), _("All"))
        offer_choice(self, "supplier", companies, _("All"))
        choices = {
            "action": actions,
            "outcome": {key: str(status.label) for key, status in OUTCOMES.items()},
        }
        for name, options in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", _("All")), *options.items()]

    def question(self, zone: tzinfo) -> AuditQuestion:
        """What was asked; a field that makes no sense does not narrow and says so itself."""
        given = self.cleaned_data if self.is_bound and (self.is_valid() or self.cleaned_data) else {}
        return AuditQuestion(
            person=_uuid(given.get("person")), supplier=_uuid(given.get("supplier")), action=given.get("action") or "",
            outcome=given.get("outcome") or "", since=given.get("since"), until=given.get("until"), zone=zone,
            platform=None if given.get("platform") else False,
        )  # fmt: skip


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def trail(request: DeskRequest) -> HttpResponse:
    viewer = request.viewer
    form = AuditFilter(request)
    question = form.question(get_current_timezone())
    read = partial(audit_page, viewer, question)
    found, onward = rows_onward(request, KEYS, read, lambda one: (one.at, one.id))
    total = audit_count(viewer, question) if onward else len(found)
    lead = ngettext("%(n)s entry.", "%(n)s entries, the newest first.", total) % {"n": number(total)}
    if question.platform is False and (own := audit_count(viewer, replace(question, platform=True))):
        told = ngettext("%(n)s of the platform itself is left out.", "%(n)s of the platform itself are left out.", own)
        lead += " " + told % {"n": number(own)}
    page = Page(_("Audit trail"), (Crumb(_("Administration")),), lead=lead)
    empty = Empty(_("No entry answers this"), _("Every action and every refusal leaves one; widen the filters."))
    context = {
        "page": page,
        "filters": form,
        "onward": onward,
        "grid": _grid(viewer, found) if found else None,
        "empty": empty,
    }
    return respond(request, "directory/audit.html", context)


def _grid(viewer: Viewer, found: list[AuditRecord]) -> Grid:
    named = {one.company for one in found} | {one.supplier for one in found if one.supplier}
    companies = queries.companies_named(viewer, named)
    names = queries.names_of(viewer, {one.person for one in found})
    chips = queries.segment_chips(viewer)
    columns = (
        Column("at", _("When"), Kind.INSTANT, href="address", card=True),
        Column("who", _("Who"), card=True),
        Column("action", _("Action"), card=True),
        Column("outcome", _("Outcome"), Kind.STATUS, statuses=OUTCOMES, card=True),
        Column("subject", _("Subject"), Kind.LINK, href="subject_href", card=True),
        Column("supplier", _("Supplier")),
        Column("segment", _("Segment"), Kind.SEGMENT),
        Column("count", _("Things"), Kind.QUANTITY, note=_("Of a bulk action: how many things it touched")),
        Column("door", _("Door")),
        Column("company", _("Company")),
        Column("role", _("Role")),
        Column("detail", _("Detail"), width=320),
    )
    rows = [
        {
            "at": one.at, "address": reverse("desk-audit-entry", args=[one.id]), "who": _who(one, names),
            "action": spoken(one.action), "outcome": one.outcome, "subject": _subject(one),
            "subject_href": subject_address(one.subject_kind, one.subject, one.supplier),
            "supplier": companies.get(one.supplier, "") if one.supplier else "",
            "segment": chips[one.segment].code if one.segment in chips else None, "count": one.count,
            "door": spoken(one.door), "company": companies.get(one.company, ""), "role": _role(one.role),
            "detail": _told(one.detail.items()),
        }
        for one in found
    ]  # fmt: skip
    return Grid("audit", columns, rows, label=_("Audit trail"), segments=tuple(chips.values()))


def _who(one: AuditRecord, names: dict[UUID, str]) -> str:
    """The name, while it is known; the worker has none, whoever set things up may have none, others may be erased."""
    if one.role == Role.SYSTEM:
        return _("The platform")
    if one.door == Door.COMMAND:
        return names.get(one.person, _("Command line"))
    return names.get(one.person, _("Name erased"))


def _role(role: str) -> str:
    return _("Platform") if role == Role.SYSTEM else role_word(role)


def _subject(one: AuditRecord) -> str:
    return f"{spoken(one.subject_kind)} {one.subject[:36]}".strip()


def _told(detail: Iterable[tuple[str, object]]) -> str:
    return ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in detail)


def entry(request: DeskRequest, entry: UUID) -> HttpResponse:
    """One entry with all its detail."""
    viewer = request.viewer
    one = audit_entry(viewer, entry)
    if one is None:
        raise NotFound("entry", _("There is no such entry."))
    names = queries.names_of(viewer, [one.person])
    company = queries.company(viewer, one.company)
    supplier = queries.company(viewer, one.supplier) if one.supplier else None
    address = subject_address(one.subject_kind, one.subject, one.supplier)
    facts = [
        Fact(_("When"), one.at),
        Fact(_("Who"), _who(one, names), _role(one.role)),
        Fact(_("Company"), company.name if company else ""),
        Fact(_("Door"), spoken(one.door)),
        Fact(_("Subject"), _subject(one), href=address),
        Fact(_("Supplier"), supplier.name if supplier else ""),
        Fact(_("Things touched"), one.count),
        *(Fact(spoken(key), _told([(key, value)]).partition(": ")[2]) for key, value in one.detail.items()),
    ]
    crumbs = (Crumb(_("Administration")), Crumb(_("Audit trail"), reverse("desk-audit")))
    page = Page(spoken(one.action), crumbs, status=OUTCOMES.get(one.outcome))
    return respond(request, "web/record.html", {"page": page, "facts": [fact for fact in facts if fact.value]})
