"""Segment mix: whose demand stands behind every item, node and lane.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.mix.carry import COMMON, Mix, carry_items, carry_mix, net_demand, segment_mix
    from tierwise.engine.mix.explain import Explanation, explain
    from tierwise.engine.mix.lanes import lane_mix
    from tierwise.engine.mix.window import WindowParams, joined_mixes, mixes_in_turn, period_mixes, window_mix

load_on_first_use(
    __name__,
    {
        "carry": (
            "COMMON",
            "Mix",
            "carry_items",
            "carry_mix",
            "net_demand",
            "segment_mix",
        ),
        "explain": (
            "Explanation",
            "explain",
        ),
        "lanes": ("lane_mix",),
        "window": (
            "WindowParams",
            "joined_mixes",
            "mixes_in_turn",
            "period_mixes",
            "window_mix",
        ),
    },
)

__all__ = [
    "COMMON",
    "Explanation",
    "Mix",
    "WindowParams",
    "carry_items",
    "carry_mix",
    "explain",
    "joined_mixes",
    "lane_mix",
    "mixes_in_turn",
    "net_demand",
    "period_mixes",
    "segment_mix",
    "window_mix",
]
