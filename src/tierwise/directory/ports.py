"""What the directory and segmentation need answered from above: what a change of scheme would touch in each module's
field, and what modules show on the pages of suppliers, items and segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from django.http import HttpRequest

from tierwise.directory.records import NoticeRecord
from tierwise.kernel.viewer import Viewer
from tierwise.web.pages.rows import Shown


@dataclass(frozen=True, slots=True)
class SupportChange:
    """A supplier that would begin or cease to serve a segment."""

    supplier: UUID
    supplier_name: str
    segment: str
    begins: bool
    share_before: float
    share_after: float


@dataclass(frozen=True, slots=True)
class SchemeChange:
    """What a plan would do to the directory, for modules to say what follows from it."""

    effective_on: date
    segments_added: tuple[str, ...]
    segments_removed: tuple[str, ...]
    policies_changed: tuple[str, ...]
    supports: tuple[SupportChange, ...]
    depths: Mapping[str, str] = field(default_factory=dict)
    """Segment → how deeply it would be worked on."""

    def suppliers(self) -> frozenset[UUID]:
        return frozenset(change.supplier for change in self.supports)


@dataclass(frozen=True, slots=True)
class ImpactSection:
    """One module's part of a plan: a headline, counted rows, and the money at stake where there is any."""

    title: str
    headline: str
    count: int
    rows: tuple[dict[str, Any], ...] = ()
    money: Decimal | None = None
    currency: str = ""
    warnings: tuple[str, ...] = field(default=())


class SchemeImpact(Protocol):
    """A module's answer to: what would this change touch in your field?"""

    def section(self, viewer: Viewer, change: SchemeChange) -> ImpactSection:
        """The module's section of the plan."""


_impacts: list[SchemeImpact] = []


def register_impact(impact: SchemeImpact) -> None:
    _impacts.append(impact)


def impact_sections(viewer: Viewer, change: SchemeChange) -> list[ImpactSection]:
    return [impact.section(viewer, change) for impact in _impacts]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a supplier's or an item's page that another module fills.

    ``context`` gets the request and the id (suppliers) or the code (items) and returns what ``template`` shows;
    ``count`` stands beside the tab.
    """

    key: str
    label: Any
    order: int
    template: str
    context: Callable[[HttpRequest, Any], Mapping[str, object]]
    count: Callable[[Viewer, Any], int | None] | None = None


_fragments: dict[str, dict[str, Fragment]] = {"supplier": {}, "item": {}}


def register_supplier_fragment(fragment: Fragment) -> None:
    """A tab of the supplier's record: its scorecards, publications, agreements, cases."""
    _fragments["supplier"][fragment.key] = fragment


def register_item_fragment(fragment: Fragment) -> None:
    _fragments["item"][fragment.key] = fragment


def fragments(of: str) -> list[Fragment]:
    return sorted(_fragments[of].values(), key=lambda one: (one.order, one.key))


class MixExplainer(Protocol):
    """Says through which sold items each segment reaches a bought one."""

    def __call__(self, viewer: Viewer, item: str, on: date) -> str:
        """A sentence such as "62 % Premium through 3 end items (…)"; empty where nothing is known."""


class SegmentFigure(Protocol):
    """A judgement of how each segment fares, such as its latest score, for the home page."""

    def __call__(self, viewer: Viewer) -> Mapping[UUID, Shown]:
        """Segment → what to show; segments without are left out."""


_explainers: list[MixExplainer] = []
_figures: dict[str, tuple[Any, SegmentFigure]] = {}


def register_mix_explainer(explainer: MixExplainer) -> None:
    _explainers[:] = [explainer]


def mix_explainer() -> MixExplainer | None:
    return _explainers[0] if _explainers else None


def register_segment_figure(key: str, label: Any, figure: SegmentFigure) -> None:
    """``label`` heads the column on the home page."""
    _figures[key] = label, figure


def segment_figures() -> dict[str, tuple[Any, SegmentFigure]]:
    return dict(_figures)


@dataclass(frozen=True, slots=True)
class Said:
    """A notice in the reader's language, with the page that tells more."""

    text: str
    href: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticeWording:
    """Puts a kind of notice into words, for desk or portal. ``prompt`` ones do not wait for the day's mail."""

    say: Callable[[NoticeRecord, bool], Said]
    prompt: bool = False


_wordings: dict[str, NoticeWording] = {}


def register_notice_wording(kind: str, wording: NoticeWording) -> None:
    _wordings[kind] = wording


def notice_wording(kind: str) -> NoticeWording | None:
    return _wordings.get(kind)


def prompt_kinds() -> list[str]:
    return sorted(kind for kind, wording in _wordings.items() if wording.prompt)
