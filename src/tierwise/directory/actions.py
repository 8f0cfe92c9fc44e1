"""Writes to the directory: people of a company, supports, segments and their policies."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connections, transaction

from tierwise.directory.lockout import unlock
from tierwise.directory.models import (
    ApiToken,
    Company,
    Invitation,
    LanePolicy,
    Notice,
    Person,
    PolicyFacet,
    Segment,
    Support,
)
from tierwise.directory.records import CompanySide, Involvement, NoticePut, SupportState
from tierwise.directory.sessions import end_sessions_of
from tierwise.directory.tokens import MAKERS, secret_digest, token_text
from tierwise.directory.viewers import PREVIEWERS, invitation_digest
from tierwise.kernel.audit import Invalid, NotAllowed, NotFound, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now, today
from tierwise.kernel.ids import uuid7
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_ROLES, Role, Viewer
from tierwise.web.api.scopes import check_scopes

INVITATION_DAYS = 14
TOKEN_DAYS = 366
"""The longest a token may live: what nobody renews ends."""
_NAME_LENGTH = 120
_DERIVED_LOCK = 8203004


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


@dataclass(frozen=True, slots=True)
class SupportProposal:
    """A supplier that lanes and mix show to serve a segment, with the share that shows it."""

    supplier: UUID
    segment: UUID
    share: float
    shown_code: str
    shown_name: str
    slot: int


@action("propose_supports", roles=BUYER_EDITORS)
def propose_supports(actor: Viewer, proposals: Sequence[SupportProposal], confirmed: bool = False) -> int:
    """Adds supports that do not stand yet, proposed (or confirmed, where no person needs to look); returns how many."""
    _alone(actor)
    live = Support.objects.exclude(state=SupportState.ENDED).exclude(valid_to__lt=today())
    standing = set(live.values_list("supplier_id", "segment_id"))
    state = SupportState.CONFIRMED if confirmed else SupportState.PROPOSED
    new = [
        Support(
            supplier_id=p.supplier, segment_id=p.segment, state=state.value, shown_code=p.shown_code,
            shown_name=p.shown_name, slot=p.slot, valid_from=today(),
        )
        for p in proposals
        if (p.supplier, p.segment) not in standing
    ]  # fmt: skip
    # An ended support of the same day would clash with a new one of that day; it is opened again instead.
    Support.objects.bulk_create(
        new, update_conflicts=True, unique_fields=["supplier", "segment", "valid_from"],
        update_fields=["state", "shown_code", "shown_name", "slot", "valid_to"],
    )  # fmt: skip
    record(actor, Subject("support", state.value), count=len(new), suppliers=sorted({str(s.supplier_id) for s in new}))
    return len(new)


@action("confirm_support", roles=BUYER_EDITORS)
def confirm_support(actor: Viewer, support_id: UUID, involvement: Involvement) -> None:
    """Makes a proposed support count: the supplier gains the segment's rights at once."""
    support = _standing(support_id)
    support.state, support.involvement = SupportState.CONFIRMED.value, involvement.value
    support.save(update_fields=["state", "involvement"])
    subject = Subject("support", support.id, support.supplier_id, support.segment_id)
    record(actor, subject, involvement=involvement.value)
    publish_event(actor, "support_confirmed", supplier=support.supplier_id, segment=support.segment_id)


@action("end_support", roles=BUYER_EDITORS)
def end_support(actor: Viewer, support_id: UUID, on: date) -> None:
    """Ends a support after a day; what was published stays with us, the supplier's access ends."""
    support = _standing(support_id)
    support.valid_to = on
    if on < today():
        support.state = SupportState.ENDED.value
    support.save(update_fields=["valid_to", "state"])
    record(actor, Subject("support", support.id, support.supplier_id, support.segment_id), on=on)
    publish_event(actor, "support_ended", supplier=support.supplier_id, segment=support.segment_id, on=on)


def _standing(support_id: UUID) -> Support:
    support = Support.objects.select_for_update().filter(id=support_id).first()
    if support is None:
        raise NotFound("support", "There is no such support.")
    if support.state == SupportState.ENDED or (support.valid_to is not None and support.valid_to < today()):
        raise Stale("ended", "This support has ended; propose a new one.")
    return support


def _alone(actor: Viewer) -> None:
    """What is derived in bulk is replaced by one writer at a time."""
    with connections[actor.alias].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_DERIVED_LOCK])


@dataclass(frozen=True, slots=True)
class SegmentPut:
    code: str
    name: str
    rank: int
    slot: int
    facets: Mapping[str, Mapping[str, Any]]


@action("put_segments", roles=BUYER_EDITORS)
def put_segments(actor: Viewer, segments: Sequence[SegmentPut], scheme_version: int, effective_on: date) -> None:
    """Brings segments and their policies to what a scheme version says, from a day on; history stays."""
    _alone(actor)
    for wanted in segments:
        row, _ = Segment.objects.update_or_create(
            code=wanted.code,
            defaults={"name": wanted.name, "rank": wanted.rank, "slot": wanted.slot, "active": True},
            create_defaults={"id": uuid7(), "name": wanted.name, "rank": wanted.rank, "slot": wanted.slot},
        )
        _put_facets(row, wanted.facets, scheme_version, effective_on)
    Segment.objects.exclude(code__in=[wanted.code for wanted in segments]).update(active=False)
    record(actor, Subject("scheme", str(scheme_version)), count=len(segments), effective_on=effective_on)


def _put_facets(
    segment: Segment, wanted: Mapping[str, Mapping[str, Any]], scheme_version: int, effective_on: date
) -> None:
    standing = {f.facet: f for f in PolicyFacet.objects.filter(segment=segment, valid_to=None)}
    for facet, values in wanted.items():
        old = standing.pop(facet, None)
        if old is not None and old.values == dict(values):
            continue
        if old is not None and old.valid_from >= effective_on:
            old.values, old.scheme_version = dict(values), scheme_version
            old.save(update_fields=["values", "scheme_version"])
            continue
        if old is not None:
            _end_facet(old, effective_on)
        PolicyFacet.objects.create(
            segment=segment, facet=facet, values=dict(values), scheme_version=scheme_version, valid_from=effective_on
        )
    for dropped in standing.values():
        _end_facet(dropped, effective_on)


def _end_facet(facet: PolicyFacet, effective_on: date) -> None:
    facet.valid_to = max(effective_on - timedelta(days=1), facet.valid_from)
    facet.save(update_fields=["valid_to"])


@dataclass(frozen=True, slots=True)
class LanePolicyPut:
    lane: str
    supplier: UUID
    values: Mapping[str, Any]
    explanation: Mapping[str, Any]


@action("put_lane_policies", roles=BUYER_EDITORS)
def put_lane_policies(actor: Viewer, policies: Sequence[LanePolicyPut], scheme_version: int) -> None:
    """Replaces the effective policies of lanes."""
    _alone(actor)
    computed = now()
    LanePolicy.objects.all().delete()
    LanePolicy.objects.bulk_create(
        [
            LanePolicy(
                lane=p.lane, supplier_id=p.supplier, values=dict(p.values), explanation=dict(p.explanation),
                scheme_version=scheme_version, computed_at=computed,
            )
            for p in policies
        ],
        batch_size=2000,
    )  # fmt: skip
    record(actor, Subject("scheme", str(scheme_version)), count=len(policies))


@action("found_company", roles={Role.ADMINISTRATOR})
def found_company(actor: Viewer, code: str, name: str, country: str, currency: str) -> UUID:
    """Sets up the buying company of a new installation; there is one."""
    _alone(actor)
    if Company.objects.filter(side=CompanySide.BUYER).exists():
        raise Stale("founded", "The buying company stands already.")
    company = Company(
        id=actor.company, code=code, side=CompanySide.BUYER.value, name=name, country=country, currency=currency
    )
    try:
        with transaction.atomic(using=actor.alias):
            company.save(force_insert=True)
    except IntegrityError:
        raise Stale("founded", f"A company with the code {code} stands already.") from None
    record(actor, Subject("company", company.id), name=name)
    return company.id


@dataclass(frozen=True, slots=True)
class TokenWish:
    """What a new token is to be: its name, the role it acts in, what it may do, and for how many days."""

    name: str
    role: Role
    scopes: Iterable[str]
    days: int = 90


@dataclass(frozen=True, slots=True)
class TokenMade:
    """A new token; its text is kept nowhere."""

    id: UUID
    token: str


@action("make_token", roles=MAKERS)
def make_token(actor: Viewer, wish: TokenWish) -> TokenMade:
    """Makes a machine's way into one's own company, in one's own name; returns its text, which is kept nowhere.

    It acts in a role of its own side, which administrators give out to people as well, and stops with its maker.
    """
    name = wish.name.strip()
    if not 0 < len(name) <= 80:
        raise Invalid("name", "Name the machine that will use it, in at most 80 characters.", field="name")
    if wish.role.side is not actor.side:
        raise NotAllowed("role_of_other_side", f"The role {wish.role.value} is not one of your company.", field="role")
    if not 1 <= wish.days <= TOKEN_DAYS:
        raise Invalid("days", f"Give 1 to {TOKEN_DAYS} days until it ends.", field="days")
    try:
        scopes = check_scopes(wish.scopes, actor.is_supplier)
    except ValueError as error:
        raise Invalid("scopes", str(error), field="scopes") from None
    token_id, secret = uuid7(), secrets.token_urlsafe(32)
    made = ApiToken(
        id=token_id, company_id=actor.company, person_id=actor.person, name=name, role=wish.role.value,
        scopes=" ".join(sorted(scopes)), digest=secret_digest(secret), made_at=now(),
        expires_at=now() + timedelta(days=wish.days),
    )  # fmt: skip
    made.save(force_insert=True)
    record(actor, Subject("api_token", token_id, _supplier(actor)), role=wish.role.value, scopes=scopes, days=wish.days)
    return TokenMade(token_id, token_text(token_id, secret))


def _supplier(actor: Viewer) -> UUID | None:
    return actor.company if actor.is_supplier else None


@action("revoke_token", roles=MAKERS)
def revoke_token(actor: Viewer, token_id: UUID) -> None:
    """Ends a token of one's own company at once; ending it again has no second effect."""
    held = ApiToken.objects.select_for_update().filter(id=token_id, company_id=actor.company).first()
    if held is None:
        raise NotFound("token", "There is no such token.")
    repeated = held.revoked_at is not None
    if not repeated:
        held.revoked_at = now()
        held.save(update_fields=["revoked_at"])
    record(actor, Subject("api_token", token_id, _supplier(actor)), repeated=repeated)
