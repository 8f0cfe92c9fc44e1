"""Where the page of a recorded subject is: modules name the address of each kind of thing their actions touch."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

Address = Callable[[str, UUID | None], str]
_addresses: dict[str, Address] = {}


def register_subject(kind: str, address: Address) -> None:
    """``address`` gets the subject's id as recorded and the supplier it belongs to; empty text where it has no page."""
    _addresses[kind] = address


def subject_address(kind: str, subject: str, supplier: UUID | None) -> str:
    found = _addresses.get(kind)
    return found(subject, supplier) if found and subject else ""
