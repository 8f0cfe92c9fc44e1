"""Which draft of a batch a refusal is about."""

from __future__ import annotations

from typing import TypeVar

from tierwise.collaboration.publish.records import Draft
from tierwise.kernel.audit import Refused

R = TypeVar("R", bound=Refused)


def of_draft(draft: Draft, refusal: R) -> R:
    """The same refusal with the draft's title before its message, its supplier and segment among the parameters."""
    owner = {"supplier": str(draft.supplier), "segment": str(draft.segment)}
    return type(refusal)(refusal.code, f"{draft.title.strip()}: {refusal.message}", **owner, **refusal.parameters)
