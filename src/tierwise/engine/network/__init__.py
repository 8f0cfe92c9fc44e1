"""The supply network as integer codes: nodes are item × site, links are bills of material and movements.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.network.build import Network, build_network
    from tierwise.engine.network.rows import ANY_SITE, rows_valid_on

load_on_first_use(
    __name__,
    {
        "build": (
            "Network",
            "build_network",
        ),
        "rows": (
            "ANY_SITE",
            "rows_valid_on",
        ),
    },
)

__all__ = ["ANY_SITE", "Network", "build_network", "rows_valid_on"]
