"""Writes to the directory: people of a company, supports, segments and their policies."""

from __future__ import annotations

from tierwise.directory.actions.calendars import change_closures
from tierwise.directory.actions.people import (
    INVITATION_DAYS,
    Invited,
    change_role,
    choose_language,
    end_preview,
    end_sessions,
    give_notices,
    invite_person,
    keep_an_administrator,
    note_lockout,
    person_in_reach,
    preview_supplier,
    set_person_active,
    unlock_person,
)
from tierwise.directory.actions.segments import (
    LanePolicyPut,
    SegmentPut,
    found_company,
    put_lane_policies,
    put_segments,
)
from tierwise.directory.actions.supports import SupportProposal, confirm_support, end_support, propose_supports
from tierwise.directory.actions.tokens import TOKEN_DAYS, TokenMade, TokenWish, make_token, revoke_token

__all__ = [
    "INVITATION_DAYS",
    "TOKEN_DAYS",
    "Invited",
    "LanePolicyPut",
    "SegmentPut",
    "SupportProposal",
    "TokenMade",
    "TokenWish",
    "change_closures",
    "change_role",
    "choose_language",
    "confirm_support",
    "end_preview",
    "end_sessions",
    "end_support",
    "found_company",
    "give_notices",
    "invite_person",
    "keep_an_administrator",
    "make_token",
    "note_lockout",
    "person_in_reach",
    "preview_supplier",
    "propose_supports",
    "put_lane_policies",
    "put_segments",
    "revoke_token",
    "set_person_active",
    "unlock_person",
]
