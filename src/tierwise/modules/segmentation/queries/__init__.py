"""Reads of segmentation."""

from tierwise.modules.segmentation.queries.demand import Demand, load_demand
from tierwise.modules.segmentation.queries.evaluation import (
    SchemeEvaluation,
    coverage_of,
    evaluate_scheme,
)
from tierwise.modules.segmentation.queries.mix import explain_mix, load_network, mix_sentence, supplier_shares
from tierwise.modules.segmentation.queries.planning import PIN_ENDED, SchemePlanned, plan_scheme
from tierwise.modules.segmentation.queries.schemes import (
    assignments,
    cells,
    explain_cell,
    live_document,
    live_scheme,
    moves,
    pin_of,
    pin_records,
    pins,
    plan,
    plan_fingerprint,
    plans,
    scheme_version,
    scheme_versions,
)

__all__ = [
    "PIN_ENDED",
    "Demand",
    "SchemeEvaluation",
    "SchemePlanned",
    "assignments",
    "cells",
    "coverage_of",
    "evaluate_scheme",
    "explain_cell",
    "explain_mix",
    "live_document",
    "live_scheme",
    "load_demand",
    "load_network",
    "mix_sentence",
    "moves",
    "pin_of",
    "pin_records",
    "pins",
    "plan",
    "plan_fingerprint",
    "plan_scheme",
    "plans",
    "scheme_version",
    "scheme_versions",
    "supplier_shares",
]
