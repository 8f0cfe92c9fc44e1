"""Segment mix: whose demand stands behind every item, node and lane."""

from tierwise.engine.mix.carry import COMMON, Mix, carry_mix, segment_mix
from tierwise.engine.mix.explain import Explanation, explain
from tierwise.engine.mix.lanes import lane_mix
from tierwise.engine.mix.window import WindowParams, joined_mixes, period_mixes, window_mix

__all__ = [
    "COMMON",
    "Explanation",
    "Mix",
    "WindowParams",
    "carry_mix",
    "explain",
    "joined_mixes",
    "lane_mix",
    "period_mixes",
    "segment_mix",
    "window_mix",
]
