"""Scorecard replies and open disputes as lists that go out and come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.collaboration.desk import desk_names
from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.publish import shared as published
from tierwise.collaboration.publish.actions import acknowledge_publication
from tierwise.collaboration.publish.records import PublicationRecord, Reply
from tierwise.collaboration.resolve import queries, shared, wording
from tierwise.collaboration.resolve.actions import JUDGES, dispute_line, rule_case, withdraw_case
from tierwise.collaboration.resolve.records import (
    CaseRecord,
    CaseState,
    Claim,
    DisputeReason,
    ExclusionReason,
    Ruling,
)
from tierwise.collaboration.showing import EXCLUSIONS
from tierwise.doors.ports import EditableList, FilledList, register_list
from tierwise.kernel.audit import Invalid, NotFound, Stale
from tierwise.kernel.viewer import SUPPLIER_EDITORS, Viewer
from tierwise.web.api.scopes import Area
from tierwise.wire.spreadsheets import Form, FormColumn, Kind, RowChange

SCORECARD = "scorecard-lines"
CASES = "open-cases"
_ACKNOWLEDGE = "acknowledge"
_CONTEXT = (
    "order", "line", "item", "item_name", "site", "due_on", "delivered_on", "days_late", "ordered", "received",
    "rejected", "unit",
)  # fmt: skip


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("publication", _("There is no such scorecard.")) from None


def _scorecard_form(title: str) -> Form:
    reasons = [(_ACKNOWLEDGE, _("Acknowledge")), *((one.value, str(label)) for one, label in wording.REASONS.items())]
    return Form(title, (
        FormColumn("order", _("Order"), width=24),
        FormColumn("line", _("Line"), width=8),
        FormColumn("item", _("Item")),
        FormColumn("item_name", _("Item name"), width=28),
        FormColumn("site", _("Site"), width=12),
        FormColumn("due_on", _("Due"), Kind.DATE),
        FormColumn("delivered_on", _("Delivered as judged"), Kind.DATE),
        FormColumn("days_late", _("Days late"), Kind.INTEGER),
        FormColumn("ordered", _("Ordered"), Kind.DECIMAL),
        FormColumn("received", _("Received"), Kind.DECIMAL),
        FormColumn("rejected", _("Rejected"), Kind.DECIMAL),
        FormColumn("unit", _("Unit"), width=8),
        FormColumn("judged", _("Judged"), width=22),
        FormColumn("reply", _("Reply"), editable=True, choices=reasons, width=28,
                   help=_("First row: acknowledge the scorecard. A line: what is wrong with it, if anything.")),
        FormColumn("text", _("What happened"), editable=True, max_length=4000, width=40,
                   help=_("A sentence the buyer reads.")),
        FormColumn("claimed_on", _("Delivered on"), Kind.DATE, editable=True, least=date(2000, 1, 1),
                   help=_("The day it was delivered, where that is in dispute.")),
        FormColumn("claimed_quantity", _("Right quantity"), Kind.DECIMAL, editable=True, decimals=4, least=0,
                   help=_("The quantity that is right, where that is in dispute.")),
    ))  # fmt: skip


def _fill_scorecard(viewer: Viewer, scope: str) -> FilledList:
    record = published.my_publication(viewer, _id(scope))
    if record.superseded:
        raise Stale("superseded", _("A newer revision of this scorecard is there; answer that one."))
    running = {(one.order, one.line): one for one in shared.my_cases(viewer, state=CaseState.OPEN)}
    lines = published.my_lines(viewer, record.id).iter_rows(named=True)
    rows = [_whole(record), *(_line(row, running.get((row["order"], row["line"]))) for row in lines)]
    return FilledList(_scorecard_form(record.title), rows)


def _whole(record: PublicationRecord) -> dict[str, object]:
    said = record.reply is Reply.ACKNOWLEDGED
    return {
        "key": str(record.id), "order": _("The whole scorecard"), "item_name": record.title,
        "reply": _ACKNOWLEDGE if said else "", "text": record.comment if said else "",
    }  # fmt: skip


def _line(row: Mapping[str, Any], running: CaseRecord | None) -> dict[str, object]:
    found: dict[str, object] = {"key": row["id"], "judged": _judged(row), **{name: row[name] for name in _CONTEXT}}
    if running is not None:
        claim = running.claim
        found |= {
            "reply": claim.reason.value, "text": claim.text, "claimed_on": claim.delivered_on,
            "claimed_quantity": claim.quantity,
        }  # fmt: skip
    return found


def _judged(row: Mapping[str, Any]) -> str:
    if row["excluded"]:
        return _("left out: %(why)s") % {"why": EXCLUSIONS.get(row["excluded"], row["excluded"])}
    missed = [word for word, met in ((_("late"), row["on_time"]), (_("not in full"), row["in_full"])) if met is False]
    return ", ".join(missed) or (_("on time in full") if row["otif"] else "")


def _reply(actor: Viewer, scope: str, change: RowChange) -> None:
    said = change.values
    if change.key == scope:
        if said["reply"] != _ACKNOWLEDGE:
            text = _("This row is the whole scorecard; acknowledge it here, and dispute lines in theirs.")
            raise Invalid("reply", text, field="reply")
        acknowledge_publication(actor, UUID(scope), str(said["text"] or ""))
    elif change.before["reply"]:
        _amend(actor, change)
    else:
        dispute_line(actor, UUID(change.key), _claim(said))


def _amend(actor: Viewer, change: RowChange) -> None:
    """A line in dispute: emptying the reply takes the dispute back; more is said in its case."""
    line = published.my_line(actor, UUID(change.key))
    running = [
        one for one in shared.my_cases(actor, state=CaseState.OPEN) if (one.order, one.line) == (line.order, line.line)
    ]
    if change.values["reply"] or not running:
        text = _("A case is open for this line; say more on its page, or empty the reply to withdraw it.")
        raise Stale("case_open", text, field=next(iter(sorted(change.changed))))
    withdraw_case(actor, running[0].id)


def _claim(said: Mapping[str, Any]) -> Claim:
    if said["reply"] == _ACKNOWLEDGE:
        text = _("Acknowledge stands in the row of the whole scorecard; here, choose what is wrong with the line.")
        raise Invalid("reply", text, field="reply")
    if not said["reply"]:
        raise Invalid("reply", _("Choose what is wrong with this line."), field="reply")
    on, quantity = cast("date | None", said["claimed_on"]), cast("Decimal | None", said["claimed_quantity"])
    return Claim(DisputeReason(said["reply"]), str(said["text"] or ""), on, quantity)


def _scorecard_page(viewer: Viewer, scope: str) -> str:
    if not scope:
        return reverse("portal-scorecards" if viewer.is_supplier else "desk-publications")
    return reverse("portal-publication" if viewer.is_supplier else "desk-publication", args=[_id(scope)])


def _scorecard_company(viewer: Viewer, scope: str) -> UUID:
    return publications.publication(viewer, _id(scope)).supplier


def _fill_cases(viewer: Viewer, scope: str) -> FilledList:
    del scope
    names = desk_names(viewer)
    rows = [
        {
            "key": str(one.id), "number": one.number, "supplier": names.company(one.supplier),
            "segment": names.segment(one.segment).name, "order": one.order, "line": one.line,
            "reason": str(wording.REASONS[one.claim.reason]), "claim": one.claim.text,
            "claimed_on": one.claim.delivered_on, "claimed_quantity": one.claim.quantity, "due": one.due_at.date(),
        }
        for one in queries.open_cases(viewer)
    ]  # fmt: skip
    return FilledList(_case_form(), rows)


def _case_form() -> Form:
    verdicts = [("uphold", _("Uphold")), ("reject", _("Reject"))]
    exclusions = [(one.value, str(EXCLUSIONS[one.value])) for one in ExclusionReason]
    quantity: dict[str, Any] = {"kind": Kind.DECIMAL, "editable": True, "decimals": 4, "least": 0}
    return Form(_("Disputes to rule"), (
        FormColumn("number", _("Case"), Kind.INTEGER), FormColumn("supplier", _("Supplier"), width=26),
        FormColumn("segment", _("Segment"), width=14), FormColumn("order", _("Order"), width=16),
        FormColumn("line", _("Line"), width=8), FormColumn("due", _("Rule by"), Kind.DATE),
        FormColumn("reason", _("The supplier says"), width=26), FormColumn("claim", _("In its words"), width=40),
        FormColumn("claimed_on", _("Claimed date"), Kind.DATE),
        FormColumn("claimed_quantity", _("Claimed quantity"), Kind.DECIMAL),
        FormColumn("verdict", _("Ruling"), editable=True, choices=verdicts,
                   help=_("Uphold puts the line right; reject leaves it as judged.")),
        FormColumn("delivered_on", _("Delivered on"), Kind.DATE, editable=True, least=date(2000, 1, 1)),
        FormColumn("received", _("Received"), **quantity),
        FormColumn("rejected", _("Rejected"), **quantity),
        FormColumn("excluded", _("Leave out because"), editable=True, choices=exclusions),
        FormColumn("text", _("Reason, read by the supplier"), editable=True, max_length=4000, width=40),
    ))  # fmt: skip


def _rule(actor: Viewer, scope: str, change: RowChange) -> None:
    del scope
    said: dict[str, Any] = dict(change.values)
    if not said["verdict"]:
        raise Invalid("verdict", _("Say whether the dispute is upheld or rejected."), field="verdict")
    excluded = ExclusionReason(said["excluded"]) if said["excluded"] else None
    ruling = Ruling(
        said["verdict"] == "uphold",
        said["text"] or "",
        said["delivered_on"],
        said["received"],
        said["rejected"],
        excluded,
    )
    rule_case(actor, UUID(change.key), ruling)


def _case_page(viewer: Viewer, scope: str) -> str:
    del viewer, scope
    return reverse("desk-cases")


def register_lists() -> None:
    register_list(EditableList(
        SCORECARD, gettext_lazy("Replies to a scorecard"), SUPPLIER_EDITORS, (Area.PUBLICATIONS, Area.CASES),
        _fill_scorecard, _reply, _scorecard_page,
        {"delivered_on": "claimed_on", "quantity": "claimed_quantity", "reason": "reply"},
        _scorecard_company,
    ))  # fmt: skip
    register_list(EditableList(
        CASES, gettext_lazy("Disputes to rule"), JUDGES, (Area.CASES,), _fill_cases, _rule, _case_page
    ))  # fmt: skip
