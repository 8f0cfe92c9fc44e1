"""Attribution: which segments a supply fact counts for, and how its quantities and money are divided.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.attribution.attribute import Attributed, attribute, attributed
    from tierwise.engine.attribution.effective import effective_n, effective_n_of
    from tierwise.engine.attribution.kernels import PARTS
    from tierwise.engine.attribution.lead import lead_intervals
    from tierwise.engine.attribution.mix_table import MixTable
    from tierwise.engine.attribution.policy import AttributionPolicy, Basis
    from tierwise.engine.attribution.split import split_amounts

load_on_first_use(
    __name__,
    {
        "attribute": (
            "Attributed",
            "attribute",
            "attributed",
        ),
        "effective": (
            "effective_n",
            "effective_n_of",
        ),
        "kernels": ("PARTS",),
        "lead": ("lead_intervals",),
        "mix_table": ("MixTable",),
        "policy": (
            "AttributionPolicy",
            "Basis",
        ),
        "split": ("split_amounts",),
    },
)

__all__ = [
    "PARTS",
    "Attributed",
    "AttributionPolicy",
    "Basis",
    "MixTable",
    "attribute",
    "attributed",
    "effective_n",
    "effective_n_of",
    "lead_intervals",
    "split_amounts",
]
