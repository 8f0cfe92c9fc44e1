"""What a supplier reads of agreements: its own, in the segments it serves."""

from __future__ import annotations

from uuid import UUID

from tierwise.collaboration.agree.models import AgreementVersion
from tierwise.collaboration.agree.records import AgreementHistory, AgreementRecord
from tierwise.collaboration.agree.standing import histories
from tierwise.kernel.audit import NotFound
from tierwise.kernel.viewer import Viewer, viewer_scope


def my_agreements(viewer: Viewer, *, segment: UUID | None = None) -> list[AgreementHistory]:
    with viewer_scope(viewer):
        rows = AgreementVersion.objects.select_related("agreement").filter(supplier_id=viewer.company)
        return histories(rows if segment is None else rows.filter(segment_id=segment))


def agreement(viewer: Viewer, agreement_id: UUID) -> AgreementHistory:
    with viewer_scope(viewer):
        rows = AgreementVersion.objects.select_related("agreement")
        found = histories(rows.filter(supplier_id=viewer.company, agreement_id=agreement_id))
        if not found:
            raise NotFound("agreement", "There is no such agreement.")
        return found[0]


def version_terms(viewer: Viewer, version_id: UUID) -> AgreementRecord | None:
    """One wording, for what depends on its terms; None where it may not be seen."""
    with viewer_scope(viewer):
        rows = AgreementVersion.objects.select_related("agreement")
        found = histories(rows.filter(supplier_id=viewer.company, id=version_id))
        return found[0].latest if found else None


def my_offers(viewer: Viewer) -> list[AgreementRecord]:
    """Offers that wait for an answer, the nearest clock first."""
    offers = [history.offered for history in my_agreements(viewer)]
    return sorted((o for o in offers if o is not None), key=lambda o: str(o.answer_due_at))
