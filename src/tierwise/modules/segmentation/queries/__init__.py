"""Reads of segmentation."""

from tierwise.modules.segmentation.queries.demand import Demand, load_demand
from tierwise.modules.segmentation.queries.evaluation import (
    Basis,
    SchemeEvaluation,
    coverage_of,
    evaluate_scheme,
)
from tierwise.modules.segmentation.queries.mix import explain_mix, load_network, mix_sentence, supplier_shares
from tierwise.modules.segmentation.queries.planning import PIN_ENDED, SchemePlanned, moves_of, plan_scheme
from tierwise.modules.segmentation.queries.schemes import (
    assignments,
    cells,
    cells_page,
    explain_cell,
    live_document,
    live_scheme,
    moves,
    moves_page,
    pin_of,
    pin_records,
    pins,
    plan,
    plan_fingerprint,
    plans,
    plans_page,
    scheme_version,
    scheme_versions,
)

__all__ = [
    "PIN_ENDED",
    "Basis",
    "Demand",
    "SchemeEvaluation",
    "SchemePlanned",
    "assignments",
    "cells",
    "cells_page",
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
    "moves_of",
    "moves_page",
    "pin_of",
    "pin_records",
    "pins",
    "plan",
    "plan_fingerprint",
    "plan_scheme",
    "plans",
    "plans_page",
    "scheme_version",
    "scheme_versions",
    "supplier_shares",
]
