"""A supplier let in by invitation: a name and an address are enough; it says the rest itself, in one form.

Neither a D-U-N-S number nor bank details are asked for: those are the ERP's, where the supplier is known to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from tierwise.directory.actions import Invited, invite_person
from tierwise.directory.models import Company, Onboarding, Person
from tierwise.directory.records import CompanySide
from tierwise.kernel.audit import Invalid, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import Role, Viewer, viewer_scope

_NAME_LENGTH, _ABOUT_LENGTH, _CODE_LENGTH = 300, 600, 240


@dataclass(frozen=True, slots=True)
class NewSupplier:
    """Whom a buyer invites. Without a ``code`` it gets one, until the ERP's number is known."""

    name: str
    email: str
    contact: str
    about: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class InvitedSupplier:
    company: UUID
    invited: Invited


@dataclass(frozen=True, slots=True)
class OnboardingRecord:
    """What a supplier was told, and what it said."""

    company: UUID
    host_name: str
    about: str
    stated_name: str
    stated_country: str
    accepted_at: datetime | None

    @property
    def open(self) -> bool:
        return self.accepted_at is None


@dataclass(frozen=True, slots=True)
class Terms:
    text: str
    digest: str


def terms() -> Terms:
    """The terms of use: ``terms.txt`` in the installation's home, or what Tierwise brings along."""
    own = Path(settings.TIERWISE_HOME) / "terms.txt"
    text = own.read_text() if own.exists() else _STANDARD_TERMS
    return Terms(text, hashlib.sha256(text.encode()).hexdigest())


_STANDARD_TERMS = """\
1. You use Tierwise to exchange plans, agreements, scores and replies with your customer, who runs it.
2. What your customer shares with you here is for that work alone; so is what you share with it.
3. Nothing you reply becomes a contract unless an agreement, accepted by both of you, says so.
4. Each of you keeps its own sign-in to itself, and its people's access up to date.
5. You may take everything that is yours with you at any time, as files, free of charge.
6. The service is free for you. No fee arises from joining, replying or exporting.
"""


@action("invite_supplier", roles={Role.ADMINISTRATOR, Role.CATEGORY_MANAGER})
def invite_supplier(actor: Viewer, wanted: NewSupplier) -> InvitedSupplier:
    """Sets up a supplier and invites its first person, who administers it from then on."""
    name, code = wanted.name.strip(), wanted.code.strip()
    if not 0 < len(name) <= _NAME_LENGTH:
        raise Invalid("name", _("Give the company's name."), field="name")
    if len(wanted.about) > _ABOUT_LENGTH:
        raise Invalid("about", _("Keep it to %(n)d characters.") % {"n": _ABOUT_LENGTH}, field="about")
    company = Company(side=CompanySide.SUPPLIER.value, name=name)
    company.code = code[:_CODE_LENGTH] or f"NEW-{company.id.hex[-8:].upper()}"
    try:
        with transaction.atomic(using=actor.alias):
            company.save(force_insert=True)
    except IntegrityError:
        raise Stale(
            "known", _("A company with the number %(code)s is there already.") % {"code": code}, field="code",
        ) from None  # fmt: skip
    host = Company.objects.get(id=actor.company)
    Onboarding.objects.create(
        company=company, host_name=host.name, about=wanted.about.strip(), invited_by=actor.person,
    )  # fmt: skip
    invited = _first_person(actor, company.id, wanted)
    record(actor, Subject("company", company.id, supplier=company.id), code=company.code)
    publish_event(actor, "supplier_invited", supplier=company.id)
    return InvitedSupplier(company.id, invited)


def _first_person(actor: Viewer, company: UUID, wanted: NewSupplier) -> Invited:
    """Who sets a supplier up lets its first person in, whatever his own role; from then on administrators do."""
    letting_in = Viewer(actor.person, actor.company, Role.ADMINISTRATOR, actor.segments, actor.door)
    with viewer_scope(letting_in):
        return invite_person(letting_in, company, wanted.contact, wanted.email, Role.SUPPLIER_ADMINISTRATOR)


@action("complete_onboarding", roles={Role.SUPPLIER_ADMINISTRATOR})
def complete_onboarding(actor: Viewer, name: str, country: str, terms_digest: str) -> None:
    """Accepts the terms as they were read, and says what the company is called and where it is."""
    name, country = name.strip(), country.strip().upper()
    if not 0 < len(name) <= _NAME_LENGTH:
        raise Invalid("name", _("Give your company's name."), field="name")
    if len(country) != 2 or not country.isalpha():
        raise Invalid("country", _("Choose the country."), field="country")
    held = Onboarding.objects.select_for_update().filter(company_id=actor.company).first()
    if held is None:
        raise NotFound("onboarding", _("Nothing is asked of your company."))
    if held.accepted_at is not None:
        raise Stale("accepted", _("A colleague has done this already."))
    if terms_digest != terms().digest:
        raise Stale("terms", _("The terms have changed since you opened the page; read them again."), field="terms")
    held.stated_name, held.stated_country, held.terms_digest = name, country, terms_digest
    held.accepted_by, held.accepted_at = actor.person, now()
    held.save(update_fields=["stated_name", "stated_country", "terms_digest", "accepted_by", "accepted_at"])
    record(actor, Subject("company", actor.company, supplier=actor.company), country=country, terms=terms_digest)
    publish_event(actor, "supplier_onboarded", supplier=actor.company)


def take_stated_facts(worker: Viewer, news: dict[str, str]) -> None:
    """What a supplier says of itself counts until an import brings it. The outbox's handler; bears a second call."""
    with viewer_scope(worker):
        said = Onboarding.objects.filter(company_id=news["supplier"]).exclude(accepted_at=None).first()
        if said is not None:
            Company.objects.filter(id=said.company_id, source="").update(
                name=said.stated_name, country=said.stated_country
            )


def my_onboarding(viewer: Viewer) -> OnboardingRecord | None:
    """The supplier's own, or None where it was not let in by invitation."""
    with viewer_scope(viewer):
        row = Onboarding.objects.filter(company_id=viewer.company).first()
    return _record(row) if row else None


def onboarding_of(viewer: Viewer, supplier: UUID) -> OnboardingRecord | None:
    """A supplier's, for the buyer."""
    with viewer_scope(viewer):
        row = Onboarding.objects.filter(company_id=supplier).first()
    return _record(row) if row else None


def invitation_about(person: Person) -> OnboardingRecord | None:
    """What somebody who opens his invitation is told about who invites and why."""
    viewer = Viewer(person.id, person.company_id, Role(person.role))
    return my_onboarding(viewer) if viewer.is_supplier else None


def _record(row: Onboarding) -> OnboardingRecord:
    return OnboardingRecord(
        row.company_id, row.host_name, row.about, row.stated_name, row.stated_country, row.accepted_at
    )
