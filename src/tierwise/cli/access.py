"""Commands about access and people's data: lockout, reviews, retention, erasures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tierwise.cli.acting import acting
from tierwise.cli.output import console, fail, say, show
from tierwise.directory import queries as directory
from tierwise.directory.actions import unlock_person
from tierwise.directory.erasing import apply_erasures
from tierwise.directory.jobs import purge_kept, step_reviews
from tierwise.kernel.audit import Refused
from tierwise.kernel.clock import today
from tierwise.kernel.retention import kept_tables
from tierwise.kernel.viewer import SYSTEM


def unlock(email: str, as_email: str) -> None:
    """Lets a person whose address failed sign-ins have locked try again."""
    person = next((p for p in directory.people(SYSTEM) if p.email == email.lower()), None)
    if person is None:
        fail(f"Nobody has the address {email}.")
    try:
        unlock_person(acting(as_email), person.id)
    except Refused as refusal:
        fail(refusal.message)
    console.print(f"{email} may try again.", markup=False)


def take_review_step(as_json: bool) -> None:
    """Opens the reviews of access that are due, reminds, and ends what nobody confirmed in time."""
    done = step_reviews(SYSTEM, today())
    text = f"{done['opened']} opened, {done['reminded']} reminded, {done['suspended']} people suspended."
    say(done, as_json, text)


def list_retention(as_json: bool) -> None:
    """How long each table is kept and why."""
    rows = [{name: "" if value is None else str(value) for name, value in asdict(one).items()} for one in kept_tables()]
    show(rows, as_json, "")


def purge_now(as_json: bool) -> None:
    """Purges what the nightly cycle would."""
    gone = purge_kept(SYSTEM)
    say(gone, as_json, f"{sum(gone.values())} rows purged.")


def erase_again(ledgers: Sequence[Path], as_json: bool) -> None:
    """Erases again whom the installation's ledger and others name."""
    again = apply_erasures(SYSTEM, *ledgers)
    say({"erased_again": again}, as_json, f"{again} people erased again.")
