"""Disclosure: which figures may be shown to whom without giving one contributor's away.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.disclosure.attack import AttackParams, Release, attacker_intervals, audit_releases
    from tierwise.engine.disclosure.differences import difference_needs
    from tierwise.engine.disclosure.noise import (
        BudgetLedger,
        NoiseParams,
        NoisySums,
        Spent,
        laplace_epsilon,
        laplace_scale,
        noise_width,
        noisy_sums,
        spread_budget,
    )
    from tierwise.engine.disclosure.primary import DisclosureParams, ProtectedTable, protect
    from tierwise.engine.disclosure.suppress import (
        Suppressible,
        Suppression,
        SuppressionParams,
        complementary_suppression,
    )
    from tierwise.engine.disclosure.table import SafeTable, TableParams, protect_table
    from tierwise.engine.disclosure.tabulate import Dimension, Equations, equations_of, expand

load_on_first_use(
    __name__,
    {
        "attack": ("AttackParams", "Release", "attacker_intervals", "audit_releases"),
        "noise": (
            "BudgetLedger", "NoiseParams", "NoisySums", "Spent", "laplace_epsilon", "laplace_scale", "noise_width",
            "noisy_sums", "spread_budget",
        ),
        "differences": ("difference_needs",),
        "primary": ("DisclosureParams", "ProtectedTable", "protect"),
        "table": ("SafeTable", "TableParams", "protect_table"),
        "suppress": ("Suppressible", "Suppression", "SuppressionParams", "complementary_suppression"),
        "tabulate": ("Dimension", "Equations", "equations_of", "expand"),
    },
)  # fmt: skip

__all__ = [
    "AttackParams",
    "BudgetLedger",
    "Dimension",
    "DisclosureParams",
    "Equations",
    "NoiseParams",
    "NoisySums",
    "ProtectedTable",
    "Release",
    "SafeTable",
    "Spent",
    "Suppressible",
    "Suppression",
    "SuppressionParams",
    "TableParams",
    "attacker_intervals",
    "audit_releases",
    "complementary_suppression",
    "difference_needs",
    "equations_of",
    "expand",
    "laplace_epsilon",
    "laplace_scale",
    "noise_width",
    "noisy_sums",
    "protect",
    "protect_table",
    "spread_budget",
]
