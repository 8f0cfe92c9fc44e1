"""What suppliers hold already, against which a batch of drafts is decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db.models import OuterRef, Subquery

from tierwise.collaboration.publish.models import Publication, PublicationBasis, PublicationCounter
from tierwise.collaboration.publish.records import Draft
from tierwise.collaboration.publish.refusals import of_draft
from tierwise.kernel.audit import Stale
from tierwise.kernel.viewer import Viewer


@dataclass(frozen=True, slots=True)
class _Held:
    """A publication that stands."""

    id: UUID
    period: tuple[date, date]
    content: frozenset[str]
    fingerprint: str | None


Counters = Mapping[UUID, PublicationCounter]


def hold_counters(actor: Viewer, suppliers: Collection[UUID]) -> Counters:
    """Until the transaction ends, nobody else publishes to these suppliers.

    They are held in the order of their ids, all of them before anything is published: two batches never wait for each
    other.
    """
    ordered = sorted(suppliers, key=str)
    counters = PublicationCounter.objects.using(actor.alias)
    counters.bulk_create([PublicationCounter(supplier_id=one) for one in ordered], ignore_conflicts=True)
    locked = counters.select_for_update().filter(supplier_id__in=ordered).order_by("supplier_id")
    return {counter.supplier_id: counter for counter in locked}


@dataclass(slots=True)
class Standing:
    """The publications of some suppliers, kept up while a batch adds to them, and their counters, which are held."""

    _counters: Counters
    _lines: dict[tuple[UUID, UUID, str], list[_Held]] = field(default_factory=dict)
    _replaced: set[UUID] = field(default_factory=set)
    _advanced: set[UUID] = field(default_factory=set)

    @classmethod
    def before(cls, counters: Counters, drafts: Sequence[Draft]) -> Standing:
        """What stands before some drafts are published."""
        suppliers = {draft.supplier for draft in drafts}
        if unheld := suppliers - set(counters):
            raise ValueError(f"suppliers: name {min(map(str, unheld))} too; drafts for it come")
        standing = cls(counters)
        basis = PublicationBasis.objects.filter(publication=OuterRef("id")).values("fingerprint")[:1]
        found = Publication.objects.filter(
            supplier_id__in=suppliers, segment_id__in={draft.segment for draft in drafts},
            kind__in={draft.kind.value for draft in drafts},
        ).annotate(fingerprint=Subquery(basis)).only(
            "supplier_id", "segment_id", "kind", "number", "period_start", "period_end", "content", "supersedes_id"
        )  # fmt: skip
        for row in found.order_by("number"):
            standing.add(row, row.fingerprint)
        return standing

    def add(self, row: Publication, fingerprint: str | None) -> None:
        """Publications are added in the order of their numbers."""
        content = frozenset(row.content.split("+"))
        line = self._lines.setdefault((row.supplier_id, row.segment_id, row.kind), [])
        line.append(_Held(row.id, (row.period_start, row.period_end), content, fingerprint))
        if row.supersedes_id is not None:
            self._replaced.add(row.supersedes_id)

    def unchanged(self, draft: Draft, content: frozenset[str]) -> UUID | None:
        """The latest publication of the draft's period, when it shows the same fields made from the same basis."""
        latest = next((one for one in self._alike(draft, content) if one.period == _period(draft)), None)
        return latest.id if latest is not None and latest.fingerprint == draft.fingerprint else None

    def superseded(self, draft: Draft, content: frozenset[str]) -> UUID | None:
        """The newest current publication that a draft replaces: it shows some of the same fields."""
        if draft.supersedes is not None:
            if draft.supersedes in self._replaced or draft.supersedes not in {one.id for one in self._line(draft)}:
                said = "The publication to be replaced was replaced already, or is another's."
                raise of_draft(draft, Stale("superseded", said))
            return draft.supersedes
        current = (one for one in self._alike(draft, content) if one.id not in self._replaced)
        return next((one.id for one in current if draft.kind.rolling or one.period == _period(draft)), None)

    def _line(self, draft: Draft) -> list[_Held]:
        return self._lines.get((draft.supplier, draft.segment, draft.kind.value), [])

    def _alike(self, draft: Draft, content: frozenset[str]) -> Iterator[_Held]:
        """Newest first."""
        return (one for one in reversed(self._line(draft)) if not content.isdisjoint(one.content))

    def next_number(self, supplier: UUID) -> int:
        counter = self._counters[supplier]
        counter.last += 1
        self._advanced.add(supplier)
        return counter.last

    def save_numbers(self) -> None:
        advanced = [self._counters[supplier] for supplier in self._advanced]
        PublicationCounter.objects.bulk_update(advanced, ["last"], batch_size=1000)


def _period(draft: Draft) -> tuple[date, date]:
    return draft.period_start, draft.period_end
