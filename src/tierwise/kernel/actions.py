"""Writes without a business word."""

from __future__ import annotations

from tierwise.kernel.audit import Subject, action, publish_event, record
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import Role, Viewer


@action("request_examination", roles={Role.ADMINISTRATOR})
def request_examination(actor: Viewer) -> None:
    """Asks the worker to look the installation over now, without waiting for the full hour."""
    publish_event(actor, "examination_requested")
    record(actor, Subject("examination", str(today())))


@action("request_cycle", roles={Role.ADMINISTRATOR, Role.PLANNER})
def request_cycle(actor: Viewer) -> None:
    """Asks the worker to run the cycle now; asked twice while one waits, it runs once."""
    publish_event(actor, "cycle_requested", on=today())
    record(actor, Subject("cycle", str(today())))
