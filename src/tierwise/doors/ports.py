"""What the door needs answered from above: which lists there are, and who stands behind a person's id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from django.utils.functional import Promise

from tierwise.kernel.audit import NotAllowed, NotFound
from tierwise.kernel.viewer import Role, Side, Viewer
from tierwise.web.api.scopes import Area
from tierwise.wire.spreadsheets import Form, RowChange, Value


@dataclass(frozen=True)
class FilledList:
    """A list as it stands now: its form, and rows with the form's key and fields."""

    form: Form
    rows: Sequence[Mapping[str, object]]


AddRow = Callable[[Mapping[str, Value | None]], None]


@dataclass(frozen=True)
class EditableList:
    """A list that goes out as a spreadsheet and comes back.

    ``scope`` says which of its kind: a scorecard's id, a supplier's, or nothing. ``change`` does to one row what a page
    would, with the same action; all rows together are taken, or none. ``fields`` maps an action's field to the column
    that its refusals are shown at. ``areas`` are those whose actions it calls: a machine needs their scopes, too.
    ``page`` is where a scope's list is shown; without a scope, where one is found. ``company`` says whose people fill
    in a scope, where a buyer may mail it to them. ``adding`` reads what new rows need, once for all that were written
    below a list whose form has room for more, and returns what makes one of them from its values by field.
    """

    name: str
    title: str | Promise
    roles: Collection[Role]
    areas: tuple[Area, ...]
    fill: Callable[[Viewer, str], FilledList]
    change: Callable[[Viewer, str, RowChange], None]
    page: Callable[[Viewer, str], str]
    fields: Mapping[str, str] = field(default_factory=dict)
    company: Callable[[Viewer, str], UUID] | None = None
    adding: Callable[[Viewer, str], AddRow] | None = None

    def open_to(self, viewer: Viewer) -> bool:
        return viewer.role in self.roles and not viewer.preview


_lists: dict[str, EditableList] = {}


def register_list(one: EditableList) -> None:
    _lists[one.name] = one


def list_named(name: str) -> EditableList:
    if name not in _lists:
        raise NotFound("list", "There is no such list.")
    return _lists[name]


def find_list(name: str) -> EditableList | None:
    """A list where its app is installed."""
    return _lists.get(name)


def list_for(viewer: Viewer, name: str) -> EditableList:
    """A list that the viewer may fill in."""
    found = list_named(name)
    if viewer.role not in found.roles:
        raise NotAllowed("role", "Your role may not fill in this list.", role=viewer.role.value)
    return found


def registered_lists() -> list[EditableList]:
    return sorted(_lists.values(), key=lambda one: one.name)


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Somebody who gets mail and sends it back, as he would be seen if he signed in now."""

    viewer: Viewer
    name: str
    email: str
    language: str


class Correspondents(Protocol):
    def person(self, person: UUID) -> Correspondent | None:
        """An active person of any company, or None."""

    def known(self, email: str) -> list[Correspondent]:
        """Active people with an address, in whatever companies."""

    def of_company(self, company: UUID, roles: Collection[Role]) -> list[Correspondent]:
        """Active people of a company in some of its roles, by name."""


_correspondents: list[Correspondents] = []


def register_correspondents(found: Correspondents) -> None:
    _correspondents[:] = [found]


def correspondents() -> Correspondents:
    return _correspondents[0]


def side_of(one: EditableList) -> Side:
    """The side whose people fill a list in."""
    return next(iter(one.roles)).side
