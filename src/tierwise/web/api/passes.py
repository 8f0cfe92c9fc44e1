"""Who asks through the machines' door, as the directory answers it: the web stands below and asks by this port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.http import HttpRequest

from tierwise.kernel.viewer import Condition, Viewer


@dataclass(frozen=True, slots=True)
class Pass:
    """A viewer with what its token lets it do. ``owner`` is whom limits and kept answers are counted for.

    ``scopes`` is None for a person signed in, who may do what the role may. ``provided`` is the condition, asked with
    the opening of the viewer's scope, whether everything the pass was made of still stands.
    """

    owner: UUID
    viewer: Viewer
    scopes: frozenset[str] | None = None
    provided: Callable[[], Condition] | None = None


class Passes(Protocol):
    """Knows tokens."""

    def pass_of(self, token: str, *, fresh: bool = False) -> Pass | None:
        """The pass of a token, from memory unless ``fresh``; None for one that is unknown, over or revoked."""


class ApiRequest(HttpRequest):
    """A request that came through the machines' door."""

    viewer: Viewer
    api_pass: Pass


_passes: list[Passes] = []


def register_passes(passes: Passes) -> None:
    _passes[:] = [passes]


def pass_of(token: str, *, fresh: bool = False) -> Pass | None:
    return _passes[0].pass_of(token, fresh=fresh)
