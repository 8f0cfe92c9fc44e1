"""Who is looking, as the directory answers it: the web stands below the directory and asks through this port."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.http import HttpRequest

from tierwise.kernel.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Name:
    """What a page calls a viewer."""

    person: str = ""
    company: str = ""
    role: str = ""


class Directory(Protocol):
    """Knows accounts, people and companies."""

    def viewer_of(self, request: HttpRequest) -> Viewer | None:
        """The viewer of a request, or None when nobody active is signed in. In a preview: the supplier's."""

    def previewer_of(self, request: HttpRequest) -> Viewer | None:
        """The buyer who looks through a supplier's eyes in this request, if one does."""

    def language_of(self, request: HttpRequest) -> str:
        """The language somebody chose, once ``viewer_of`` was asked; empty where the browser's counts."""

    def due_first(self, request: HttpRequest, viewer: Viewer) -> str:
        """The page that must be dealt with before any other, such as terms to accept; empty where there is none."""

    def name_of(self, viewer: Viewer) -> Name:
        """Name and company of a viewer, read within its scope."""

    def names_of(self, viewer: Viewer, people: Iterable[UUID]) -> dict[UUID, str]:
        """Names behind person ids, as far as the viewer may know them."""


_directory: list[Directory] = []


def register_directory(directory: Directory) -> None:
    _directory[:] = [directory]


def viewer_of(request: HttpRequest) -> Viewer | None:
    return _directory[0].viewer_of(request)


def previewer_of(request: HttpRequest) -> Viewer | None:
    return _directory[0].previewer_of(request)


def language_of(request: HttpRequest) -> str:
    return _directory[0].language_of(request)


def due_first(request: HttpRequest, viewer: Viewer) -> str:
    return _directory[0].due_first(request, viewer)


def name_of(viewer: Viewer) -> Name:
    return _directory[0].name_of(viewer)


def names_of(viewer: Viewer, people: Iterable[UUID]) -> dict[UUID, str]:
    return _directory[0].names_of(viewer, people)


class DeskRequest(HttpRequest):
    """A request that passed the zone middleware."""

    viewer: Viewer
