"""Dividing what is scarce, and finding where two sides can agree.

Classical rules over batches, with entitlements, priority and lots; proportional fairness over several resources; zones
of agreement, Nash's point, menus of offers, final-offer arbitration.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.division.arbitration import FinalOffers, final_offer_award, final_offer_equilibrium
    from tierwise.engine.division.bargaining import (
        Agreement,
        MenuParams,
        Zopa,
        agree,
        nash_split,
        pareto_front,
        present_values,
        rank_offers,
        zopa,
    )
    from tierwise.engine.division.divide import Division, DivisionParams, divide
    from tierwise.engine.division.fairness import FairProblem, FairShares, fair_shares
    from tierwise.engine.division.incentives import FACTORS, compare_rules, inflation_gain, jain_index
    from tierwise.engine.division.mixtures import Mixture, nash_mixture
    from tierwise.engine.division.rules import (
        RULES,
        constrained_equal_awards,
        constrained_equal_losses,
        linear,
        proportional,
        talmud,
        uniform,
    )

load_on_first_use(
    __name__,
    {
        "arbitration": (
            "FinalOffers",
            "final_offer_award",
            "final_offer_equilibrium",
        ),
        "bargaining": (
            "Agreement",
            "MenuParams",
            "Zopa",
            "agree",
            "nash_split",
            "pareto_front",
            "present_values",
            "rank_offers",
            "zopa",
        ),
        "divide": (
            "Division",
            "DivisionParams",
            "divide",
        ),
        "fairness": (
            "FairProblem",
            "FairShares",
            "fair_shares",
        ),
        "incentives": (
            "FACTORS",
            "compare_rules",
            "inflation_gain",
            "jain_index",
        ),
        "mixtures": (
            "Mixture",
            "nash_mixture",
        ),
        "rules": (
            "RULES",
            "constrained_equal_awards",
            "constrained_equal_losses",
            "linear",
            "proportional",
            "talmud",
            "uniform",
        ),
    },
)

__all__ = [
    "FACTORS",
    "RULES",
    "Agreement",
    "Division",
    "DivisionParams",
    "FairProblem",
    "FairShares",
    "FinalOffers",
    "MenuParams",
    "Mixture",
    "Zopa",
    "agree",
    "compare_rules",
    "constrained_equal_awards",
    "constrained_equal_losses",
    "divide",
    "fair_shares",
    "final_offer_award",
    "final_offer_equilibrium",
    "inflation_gain",
    "jain_index",
    "linear",
    "nash_mixture",
    "nash_split",
    "pareto_front",
    "present_values",
    "proportional",
    "rank_offers",
    "talmud",
    "uniform",
    "zopa",
]
