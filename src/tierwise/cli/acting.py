"""Who acts on the command line: an administrator of the buying company, by name or the first there is."""

from __future__ import annotations

from tierwise.cli.output import fail
from tierwise.directory import queries as directory
from tierwise.kernel.viewer import SYSTEM, Door, Role, Viewer


def acting(email: str = "", *, either_side: bool = False) -> Viewer:
    """The viewer of a command. Ends with a message when there is nobody to act as."""
    people = [p for p in directory.people(SYSTEM) if p.active]
    if not (either_side and email):
        people = [p for p in people if not p.role.startswith("supplier_")]
    if email:
        people = [p for p in people if p.email == email.lower()]
        if not people:
            whose = "" if either_side else " of the buying company"
            fail(f"Nobody{whose} has the address {email}.")
    else:
        people = [p for p in people if p.role == Role.ADMINISTRATOR]
        if not people:
            fail("This installation has no administrator yet. Run `tierwise demo`, or `tierwise found` for your own.")
    person = people[0]
    return Viewer(person.id, person.company, Role(person.role), door=Door.COMMAND)
