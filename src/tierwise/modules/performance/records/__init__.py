"""Words and values of scorecards."""

from tierwise.modules.performance.records.cards import (
    CardDraft,
    CardDrafts,
    CardKey,
    CardQuestion,
    CardRecord,
    ComputedCards,
    Correction,
    FormulaId,
    MeasureRecord,
)
from tierwise.modules.performance.records.facet import Scoring, criteria_of
from tierwise.modules.performance.records.formula import (
    ATTRIBUTABLE,
    BY_RECEIPT,
    DEFAULT_FORMULA,
    Formula,
    FormulaRecord,
    Gate,
)

__all__ = [
    "ATTRIBUTABLE",
    "BY_RECEIPT",
    "DEFAULT_FORMULA",
    "CardDraft",
    "CardDrafts",
    "CardKey",
    "CardQuestion",
    "CardRecord",
    "ComputedCards",
    "Correction",
    "Formula",
    "FormulaId",
    "FormulaRecord",
    "Gate",
    "MeasureRecord",
    "Scoring",
    "criteria_of",
]
