"""Erasing a person: the name goes, what was done stays, under a name that says nothing.

Records hold people's opaque ids; names and addresses stand in the identity zone alone. Erasing empties that zone of a
person and writes a tombstone, a digest of the id, into a ledger *outside* the database. A restore brings the name back
from the backup, so a restore carries the ledger over and every start calls :func:`apply_erasures`, which empties it
again.

>>> apply_erasures(SYSTEM)  # ledger of the home
>>> apply_erasures(SYSTEM, backup / "erasures")  # and one kept beside the backup
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from tierwise.directory.actions import keep_an_administrator, person_in_reach
from tierwise.directory.models import ApiToken, Invitation, Person
from tierwise.directory.sessions import end_sessions_of
from tierwise.kernel.audit import Invalid, NotAllowed, Stale, Subject, action, publish_event, record
from tierwise.kernel.clock import now
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import SYSTEM, Role, Viewer, viewer_scope

LEDGER = "erasures"
_REASON_LENGTH = 300


def ledger_path() -> Path:
    """Where tombstones are kept: ``TIERWISE_ERASURES``, or ``erasures`` in the home. Never restore over it."""
    return Path(settings.TIERWISE_ERASURES or Path(settings.TIERWISE_HOME) / LEDGER)


def carry_ledger(source: Path, home: Path) -> int:
    """Brings tombstones into a restored home: those of this installation, and of a ledger beside the backup.

    They are applied when the home is first started. Returns how many there are.
    """
    beside = source if source.is_dir() else source.parent
    marks = read_ledger(ledger_path()) | read_ledger(beside / LEDGER)
    append_tombstones(home / LEDGER, marks)
    return len(marks)


def erased_name(person: UUID) -> str:
    """What history calls somebody who was erased."""
    return f"Erased person {person.hex[-4:]}"


def _erased_email(person: UUID) -> str:
    return f"{person.hex}@erased.invalid"


def _tombstone(person: UUID) -> str:
    return hashlib.sha256(b"tierwise erased " + person.bytes).hexdigest()


@action("erase_person", roles={Role.ADMINISTRATOR, Role.SUPPLIER_ADMINISTRATOR})
def erase_person(actor: Viewer, person_id: UUID, reason: str) -> None:
    """Erases a person's name, address and sign-in for good; the reason is kept, so it must not name him.

    The person is shut out by it. Nobody erases himself, and no company loses its last administrator.
    """
    person, reason = person_in_reach(actor, person_id), reason.strip()
    if not 0 < len(reason) <= _REASON_LENGTH:
        raise Invalid("reason", _("Say why, in at most %(n)d characters.") % {"n": _REASON_LENGTH}, field="reason")
    if person.erased_at is not None:
        raise Stale("erased", _("This person is erased already."))
    if person.id == actor.person:
        raise NotAllowed("self", _("You cannot erase yourself; ask another administrator."))
    if person.active:
        keep_an_administrator(person)
    for given in filter(None, (person.name, person.email)):
        if given.casefold() in reason.casefold():
            raise Invalid("reason", _("The reason stays; leave the name and address out of it."), field="reason")
    _empty(person)
    record(actor, Subject("person", person.id, supplier=person.company_id), reason=reason, name=person.name)
    publish_event(actor, "person_erased", person=person.id)
    # The tombstone last: one for somebody who was not erased would erase him at the next restore.
    transaction.on_commit(partial(_finish, person.id), using=actor.alias)


def _empty(person: Person) -> None:
    person.name, person.email = erased_name(person.id), _erased_email(person.id)
    person.active, person.erased_at = False, now()
    person.save(update_fields=["name", "email", "active", "erased_at"])
    tokens = ApiToken.objects.filter(company_id=person.company_id, person_id=person.id, revoked_at=None)
    tokens.update(revoked_at=now())


def _finish(person: UUID) -> None:
    _bury([person])
    _forget_sign_in([person])


def _forget_sign_in(people: Iterable[UUID]) -> None:
    """Account, keys, providers' claims, sessions and invitations; they stand behind the sign-in's own login."""
    ids = set(people)
    end_sessions_of(ids)
    with transaction.atomic(using="default"):
        Invitation.objects.using("default").filter(person_id__in=ids).delete()
        Account.objects.filter(person_id__in=ids).delete()


def _bury(people: Iterable[UUID]) -> None:
    """Appends tombstones to the ledger and to its twin beside the nightly backups."""
    marks = {_tombstone(person) for person in people}
    append_tombstones(ledger_path(), marks)
    if folder := os.environ.get("TIERWISE_BACKUP_TO", ""):
        append_tombstones(Path(folder) / LEDGER, marks | read_ledger(ledger_path()))


def append_tombstones(path: Path, marks: Iterable[str]) -> None:
    """Adds to a ledger what it does not hold yet, on disk before it returns."""
    lines = [json.dumps({"person": mark, "at": now().isoformat()}) for mark in sorted(set(marks) - read_ledger(path))]
    if not lines:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as ledger:
        # Begun with a line of its own: the last one may have been cut short.
        ledger.write("".join(f"\n{line}" for line in lines) + "\n")
        ledger.flush()
        os.fsync(ledger.fileno())
    with suppress(OSError):
        path.chmod(0o600)


def read_ledger(path: Path) -> set[str]:
    """Tombstones of a ledger; none where there is no file. A line cut short by a crash is passed over."""
    found = set()
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                found.add(str(json.loads(line)["person"]))
    return found


def apply_erasures(worker: Viewer = SYSTEM, *ledgers: Path) -> int:
    """Erases again whom the ledgers name, and finishes erasures that were cut short; returns how many names went.

    To be called at the end of a restore, before anybody signs in, with any ledger kept beside the backup; those are
    taken over into the installation's own. May be repeated; the cycle does so every night.
    """
    buried = set().union(*(read_ledger(path) for path in (ledger_path(), *ledgers)))
    # People are written by the buyer's login; the worker's reads them alone.
    acting = Viewer(worker.person, worker.company, Role.ADMINISTRATOR, door=worker.door)
    with viewer_scope(acting):
        people = list(Person.objects.values_list("id", "erased_at"))
    erased = [person for person, at in people if at is not None]
    returned = [person for person, at in people if at is None and _tombstone(person) in buried]
    if returned:
        _erase_again(acting, returned)
    _bury([*erased, *returned])
    _forget_sign_in([*erased, *returned])
    return len(returned)


@action("erase_again", roles={Role.ADMINISTRATOR})
def _erase_again(actor: Viewer, people: list[UUID]) -> None:
    for person in Person.objects.select_for_update().filter(id__in=people).order_by("id"):
        _empty(person)
        record(actor, Subject("person", person.id, supplier=person.company_id), reason="restored from a backup")
