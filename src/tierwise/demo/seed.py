"""Sets the demo company up once: people, facts, scheme, supports, agreements. What stands already is left alone."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

from tierwise.collaboration.agree import queries as agreements
from tierwise.collaboration.agree.actions import Offer, accept_agreement, offer_agreement
from tierwise.collaboration.agree.records import SHARED_FIELDS, DataSharingTerms, Frequency, Grain, Wording
from tierwise.demo import company as company_maker
from tierwise.demo import extract
from tierwise.demo.people import PEOPLE, Person
from tierwise.demo.sizes import Size
from tierwise.directory import queries as directory
from tierwise.directory.actions import confirm_support, found_company, invite_person
from tierwise.directory.joining import invitation_behind, join
from tierwise.directory.records import COMMON, Involvement, SupportState
from tierwise.kernel.clock import today
from tierwise.kernel.ids import uuid7
from tierwise.kernel.models import Account
from tierwise.kernel.pipeline import Progress, silent
from tierwise.kernel.viewer import Door, Role, Viewer, viewer_scope
from tierwise.lake.jobs import import_extract
from tierwise.lake.records import ImportState
from tierwise.modules.segmentation import jobs, queries
from tierwise.modules.segmentation.actions import apply_plan, file_plan, write_scheme
from tierwise.modules.segmentation.records import read_scheme

PASSWORD_FILE = "demo-password"  # noqa: S105  a file's name
_OPEN_OFFERS = ("S002",)
"""Suppliers whose agreements are left for them to answer, so that the portal has something due."""


def seed(home: Path, size: Size = "standard", progress: Progress = silent) -> list[Person]:
    """Makes the demo company if it is not there yet; returns the people who may sign in."""
    admin = _administrator()
    signed_in = [person for person in PEOPLE if not person.supplier]
    if _founded(admin):
        return signed_in
    progress("drawing the demo company", 0.02)
    folder = home / "demo extract"
    extract.write_extract(company_maker.whole_or_parts(size, ends_on=last_month_end(today())), folder)
    admin = _found(admin)
    progress("importing its ERP extract", 0.1)
    outcome = import_extract(admin, folder, extract.MAPPING_PATH)
    if outcome.state is ImportState.REFUSED:
        raise RuntimeError(f"the demo's own extract was refused:\n{outcome.report}")
    _people(admin, home)
    progress("planning and applying its scheme", 0.3)
    _scheme(admin)
    progress("confirming suppliers and agreements", 0.4)
    _agree(admin)
    return signed_in


def last_month_end(day: date) -> date:
    return day.replace(day=1) - timedelta(days=1)


def _administrator() -> Viewer:
    return Viewer(uuid7(), uuid7(), Role.ADMINISTRATOR, door=Door.COMMAND)


def _founded(admin: Viewer) -> bool:
    with viewer_scope(admin):
        return Account.objects.exists()


def _found(admin: Viewer) -> Viewer:
    found_company(admin, "KH", "Kesselhain", "DE", "EUR")
    return admin


def password(home: Path) -> str:
    """The demo's one password, made on this machine and kept in its home."""
    path = home / PASSWORD_FILE
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"{secrets.choice(_WORDS)}-{secrets.choice(_WORDS)}-{secrets.randbelow(9000) + 1000}\n")
    return path.read_text().strip()


_WORDS = ("kettle", "burner", "ladle", "copper", "steam", "grinder", "boiler", "whisk", "saffron", "pepper", "skillet",
          "roaster")  # fmt: skip


def _people(admin: Viewer, home: Path) -> None:
    companies = {found.code: found.id for found in directory.suppliers(admin)}
    secret = password(home)
    for person in PEOPLE:
        owner = companies.get(person.supplier, admin.company)
        if person.supplier and person.supplier not in companies:
            continue
        invited = invite_person(admin, owner, person.name, person.email, Role(person.role))
        if found := invitation_behind(invited.token):
            join(*found, secret)


def _scheme(admin: Viewer) -> None:
    text = (files("tierwise.demo") / "scheme.yaml").read_text(encoding="utf-8")
    number = write_scheme(admin, text)
    # A month back, so that the first cycle has something to say about the month since.
    planned = queries.plan_scheme(admin, read_scheme(text), last_month_end(today()).replace(day=1))
    apply_plan(admin, file_plan(admin, number, planned), planned.fingerprint)
    worker = Viewer(admin.company, admin.company, Role.SYSTEM, door=Door.COMMAND)
    jobs.place_cells(worker, today())
    jobs.refresh_mix(worker, today())
    jobs.derive_policies(worker, today())


def _agree(admin: Viewer) -> None:
    waiting = directory.supports(admin, state=SupportState.PROPOSED)
    with viewer_scope(admin):
        for support in waiting:
            confirm_support(admin, support.id, Involvement.ADVISORY)
    names = {segment.id: segment.code for segment in directory.segments(admin)}
    companies = {found.id: found.code for found in directory.suppliers(admin)}
    begins = last_month_end(today()).replace(day=1) - timedelta(days=61)
    terms = DataSharingTerms(SHARED_FIELDS, Grain.ITEM_MONTH, 182, 365, Frequency.MONTHLY, "joint planning")
    confirmed = directory.supports(admin, state=SupportState.CONFIRMED)
    with viewer_scope(admin):
        for support in confirmed:
            shown = "Common" if names[support.segment] == COMMON else support.shown_name
            offer = Offer(support.supplier, support.segment, f"Data sharing: {shown}", Wording(terms, begins))
            offer_agreement(admin, offer)
    segments = frozenset(segment.id for segment in directory.segments(admin))
    for offered in agreements.open_offers(admin):
        if companies[offered.supplier] not in _OPEN_OFFERS or names[offered.segment] == COMMON:
            signer = Viewer(admin.person, offered.supplier, Role.SUPPLIER_ADMINISTRATOR, segments, Door.COMMAND)
            accept_agreement(signer, offered.version_id)
