"""The 73 promises, collected from the modules that keep them."""

from __future__ import annotations

from tierwise.kernel.capability import Capability
from tierwise.modules.capability import capabilities as capability
from tierwise.modules.change import capabilities as change
from tierwise.modules.contracts import capabilities as contracts
from tierwise.modules.exchange import capabilities as exchange
from tierwise.modules.governance import capabilities as governance
from tierwise.modules.performance import capabilities as performance
from tierwise.modules.planning import capabilities as planning
from tierwise.modules.risk import capabilities as risk
from tierwise.modules.segmentation import capabilities as segmentation

_MODULES = (segmentation, capability, planning, exchange, contracts, risk, performance, governance, change)

ROWS: tuple[Capability, ...] = tuple(sorted((row for module in _MODULES for row in module.ROWS), key=lambda r: r.order))


def as_markdown() -> str:
    """The rows as the page ``docs/capabilities.md`` shows them."""
    lines = [
        "# What Tierwise does, and how far",
        "",
        "Made from the modules' own declarations by `tierwise capabilities --markdown`; do not edit.",
        "",
        "| row | promise | state | page | API operation | command | story |",
        "|---|---|---|---|---|---|---|",
    ]
    cells = [(row.number, row.promise, row.state.value, row.page, row.api, row.command, row.story) for row in ROWS]
    lines += [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join(lines) + "\n"
