"""Offers that wait for a supplier's answer, as a list that goes out and comes back."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tierwise.collaboration.agree import shared
from tierwise.collaboration.agree.actions import accept_agreement, decline_agreement
from tierwise.collaboration.agree.records import AgreementRecord
from tierwise.collaboration.agree.wording import shared_fields
from tierwise.collaboration.portal import portal_names
from tierwise.doors.ports import EditableList, FilledList, register_list
from tierwise.kernel.audit import Invalid
from tierwise.kernel.viewer import SUPPLIER_EDITORS, Viewer
from tierwise.web.api.scopes import Area
from tierwise.wire.spreadsheets import Form, FormColumn, Kind, RowChange

OFFERS = "agreement-offers"
_ACCEPT, _DECLINE = "accept", "decline"


def _form() -> Form:
    answers = [(_ACCEPT, _("Accept")), (_DECLINE, _("Decline"))]
    return Form(_("Offers to answer"), (
        FormColumn("number", _("Agreement"), Kind.INTEGER), FormColumn("title", _("Title"), width=30),
        FormColumn("version", _("Version"), Kind.INTEGER), FormColumn("segment", _("Segment"), width=16),
        FormColumn("shares", _("Shares"), width=40), FormColumn("purpose", _("Purpose"), width=24),
        FormColumn("valid_from", _("From"), Kind.DATE), FormColumn("valid_to", _("To"), Kind.DATE),
        FormColumn("due", _("Answer by"), Kind.DATE),
        FormColumn("answer", _("Answer"), editable=True, choices=answers,
                   help=_("Accepting puts the wording in force; read it on its page first.")),
        FormColumn("text", _("Comment or reason"), editable=True, max_length=2000, width=40),
    ))  # fmt: skip


def _fill(viewer: Viewer, scope: str) -> FilledList:
    del scope
    names = portal_names(viewer)
    return FilledList(_form(), [_row(one, names.segment(one.segment).name) for one in shared.my_offers(viewer)])


def _row(offer: AgreementRecord, segment: str) -> dict[str, object]:
    return {
        "key": str(offer.version_id), "number": offer.number, "title": offer.title, "version": offer.version,
        "segment": segment, "shares": shared_fields(offer.terms), "purpose": offer.terms.purpose,
        "valid_from": offer.valid_from, "valid_to": offer.valid_to,
        "due": offer.answer_due_at.date() if offer.answer_due_at else None,
    }  # fmt: skip


def _answer(actor: Viewer, scope: str, change: RowChange) -> None:
    del scope
    text = str(change.values["text"] or "")
    match change.values["answer"]:
        case "accept":
            accept_agreement(actor, UUID(change.key), text)
        case "decline":
            decline_agreement(actor, UUID(change.key), text)
        case _:
            raise Invalid("answer", _("Choose whether you accept or decline."), field="answer")


def _page(viewer: Viewer, scope: str) -> str:
    del viewer, scope
    return reverse("portal-agreements")


def register_lists() -> None:
    register_list(
        EditableList(
            OFFERS,
            gettext_lazy("Offers to answer"),
            SUPPLIER_EDITORS,
            (Area.AGREEMENTS,),
            _fill,
            _answer,
            _page,
            {"reason": "text"},
        )
    )
