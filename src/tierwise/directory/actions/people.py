"""People of a company: invited, let in and out, given a role; and what a buyer sees through a supplier's eyes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from tierwise.directory.lockout import unlock
from tierwise.directory.models import (
    Company,
    Invitation,
    Notice,
    Person,
)
from tierwise.directory.records import CompanySide, NoticePut
from tierwise.directory.sessions import end_sessions_of
from tierwise.directory.viewers import PREVIEWERS, invitation_digest
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale, Subject, action, record
from tierwise.kernel.clock import now
from tierwise.kernel.viewer import SUPPLIER_ROLES, Role, Viewer

INVITATION_DAYS = 14
_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Invited:
    person: UUID
    token: str


@action("invite_person", roles={Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})
def invite_person(actor: Viewer, company: UUID, name: str, email: str, role: Role) -> Invited:
    """Invites somebody into a company and returns the token of the link, which is kept nowhere.

    A supplier administrator invites into his own company and into a supplier's role only. Inviting the same address
    again renews the invitation under the name and role now given; links sent before die with it.
    """
    _check_scope(actor, company, role)
    name, email = name.strip(), email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid("email", "Give a full e-mail address, such as name@company.com.", field="email") from None
    if not 0 < len(name) <= _NAME_LENGTH:
        raise Invalid("name", f"Give the person's name, at most {_NAME_LENGTH} characters.", field="name")
    person = _invited(company, name, email, role)
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        company_id=company, person_id=person.id, digest=invitation_digest(token),
        expires_at=now() + timedelta(days=INVITATION_DAYS),
    )  # fmt: skip
    invitation.save(force_insert=True)
    record(actor, Subject("person", person.id, supplier=company), role=role.value)
    return Invited(person.id, token)


def _invited(company: UUID, name: str, email: str, role: Role) -> Person:
    """The person who waits under an address, with what the invitation says of him."""
    # Two invitations of one address at the same time: the second waits for the first and then finds its person.
    Person.objects.bulk_create(
        [Person(company_id=company, name=name, email=email, role=role.value)], ignore_conflicts=True
    )
    person = Person.objects.select_for_update().get(company_id=company, email__iexact=email)
    if person.joined_at is not None:
        raise Stale("joined", f"{email} has already joined.", field="email")
    person.name, person.role, person.active = name, role.value, True
    person.save(update_fields=["name", "role", "active"])
    return person


def _check_scope(actor: Viewer, company: UUID, role: Role) -> None:
    if actor.is_supplier and company != actor.company:
        raise NotFound("company", "There is no such company.")
    target = Company.objects.filter(id=company).first()
    if target is None:
        raise NotFound("company", "There is no such company.")
    fits = role.value.startswith("supplier_") == (target.side == CompanySide.SUPPLIER)
    if role is Role.SYSTEM or not fits:
        raise NotAllowed("role_of_other_side", f"The role {role.value} does not exist in {target.name}.", field="role")


def person_in_reach(actor: Viewer, person_id: UUID) -> Person:
    """The person, held with his whole company until the transaction ends; NotFound where the actor may not know him."""
    found = Person.objects.filter(id=person_id).values_list("company_id", flat=True).first()
    if found is None or (actor.is_supplier and found != actor.company):
        raise NotFound("person", "There is no such person.")
    # The whole company, in one order: two administrators who let each other out at once must not both succeed.
    held = {row.id: row for row in Person.objects.select_for_update().filter(company_id=found).order_by("id")}
    return held[person_id]


@action("set_person_active", roles={Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})
def set_person_active(actor: Viewer, person_id: UUID, active: bool) -> None:
    """Lets a person in or out, at once. Nobody shuts himself out, and no company loses its last administrator."""
    person = person_in_reach(actor, person_id)
    if person.id == actor.person and not active:
        raise NotAllowed("self", "You cannot deactivate yourself; ask another administrator.")
    if not active:
        keep_an_administrator(person)
    person.active = active
    person.save(update_fields=["active"])
    if not active:
        _end_sessions(actor, person.id)
    record(actor, Subject("person", person.id, supplier=person.company_id), active=active)


def _end_sessions(actor: Viewer, person_id: UUID) -> None:
    """After commit, for sessions stand behind another login; until then the middleware lets nobody in any more."""
    transaction.on_commit(partial(end_sessions_of, [person_id]), using=actor.alias, robust=True)


@action("end_sessions", roles={Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})
def end_sessions(actor: Viewer, person_id: UUID) -> None:
    """Signs a person out everywhere, at once; he may sign in again."""
    person = person_in_reach(actor, person_id)
    _end_sessions(actor, person.id)
    record(actor, Subject("person", person.id, supplier=person.company_id))


@action("note_lockout", roles={Role.SYSTEM})
def note_lockout(worker: Viewer, person_id: UUID) -> None:
    """Notes that failed sign-ins have locked a person's address. From where they came is not kept."""
    company = Person.objects.values_list("company_id", flat=True).get(id=person_id)
    record(worker, Subject("person", person_id, supplier=company))


@action("unlock_person", roles={Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})
def unlock_person(actor: Viewer, person_id: UUID) -> None:
    """Lets a person whose address is locked try again at once."""
    person = person_in_reach(actor, person_id)
    if not unlock(person.email):
        raise Stale("not_locked", "This address is not locked.")
    record(actor, Subject("person", person.id, supplier=person.company_id))


@action("change_role", roles={Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})
def change_role(actor: Viewer, person_id: UUID, role: Role) -> None:
    """Gives a person another role of the same side."""
    person = person_in_reach(actor, person_id)
    _check_scope(actor, person.company_id, role)
    if role not in {Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR}:
        keep_an_administrator(person)
    before, person.role = person.role, role.value
    person.save(update_fields=["role"])
    record(actor, Subject("person", person.id, supplier=person.company_id), before=before, after=role.value)


@action("choose_language", roles=SUPPLIER_ROLES)
def choose_language(actor: Viewer, language: str) -> None:
    """Keeps in which language somebody reads pages and mails."""
    if language not in dict(settings.LANGUAGES):
        raise Invalid("language", "This language is not offered.", field="language")
    Person.objects.filter(id=actor.person).update(language=language)
    record(actor, Subject("person", actor.person, supplier=actor.company), language=language)


def keep_an_administrator(leaving: Person) -> None:
    """Refuses what would leave a company without anybody who lets people in."""
    others = Person.objects.filter(company_id=leaving.company_id, active=True, role=leaving.role).exclude(id=leaving.id)
    administers = leaving.role in {Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR}
    if administers and not others.exists():
        raise NotAllowed("last_administrator", "This is the last administrator; name another one first.")


@action("preview_supplier", roles=PREVIEWERS)
def preview_supplier(actor: Viewer, supplier: UUID, role: Role) -> str:
    """Notes that somebody looks through a supplier's eyes, in one of its roles; returns the supplier's name."""
    found = Company.objects.filter(id=supplier, side=CompanySide.SUPPLIER, active=True).first()
    if found is None:
        raise NotFound("supplier", "There is no such supplier, or it is switched off.")
    if role not in SUPPLIER_ROLES:
        raise Invalid("role", "Choose one of the supplier's roles.", field="role")
    record(actor, Subject("supplier", supplier, supplier=supplier), role=role.value)
    return found.name


@action("leave_preview", roles=PREVIEWERS)
def end_preview(actor: Viewer, supplier: UUID) -> None:
    """Notes that a preview has ended."""
    record(actor, Subject("supplier", supplier, supplier=supplier))


@action("give_notices", roles={Role.SYSTEM})
def give_notices(actor: Viewer, notices: Sequence[NoticePut]) -> None:
    """Puts news before the people of companies, each once; what was given before stays as it is."""
    Notice.objects.bulk_create(
        [
            Notice(company_id=n.company, kind=n.kind, key=n.key, said=dict(n.said), effective_on=n.effective_on)
            for n in notices
        ],
        ignore_conflicts=True,
    )
    kinds = sorted({n.kind for n in notices})
    record(actor, Subject("notice", ", ".join(kinds)), count=len(notices))
