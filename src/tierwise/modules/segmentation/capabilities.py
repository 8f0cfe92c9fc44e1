"""The promises this module keeps, and how far it keeps them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability, State

ROWS: tuple[Capability, ...] = (
    Capability(
        "1.1",
        "Choose the segments",
        State.WORKS,
        page="desk-scheme",
        action="tierwise.modules.segmentation.actions.apply_plan",
        api="apply_scheme",
        command="scheme plan",
        story="stories/test_segmentation_story.py::test_a_scheme_is_chosen_planned_and_applied",
    ),
    Capability("1.2", "Set each supplier's say"),
    Capability("1.3", "Align inside first"),
    Capability(
        "1.4", "Share demand without giving rivals away", State.PARTLY, page="desk-publications",
        action="tierwise.collaboration.publish.actions.publish_many", api="read_content", command="cycle",
        story="stories/test_segmentation_story.py::test_what_is_shared_follows_the_segment",
    ),
    Capability("1.5", "Follow the life cycle"),
    Capability("1.6", "Agree benchmarks"),
    Capability("1.7", "Check before finalising"),
    Capability("1.8", "Escalation paths"),
)  # fmt: skip
