"""The formula as a document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tierwise.engine.attribution import Basis
from tierwise.engine.scoring import Band, DateBasis, Level, OtifParams, Period
from tierwise.modules.performance.records import DEFAULT_FORMULA, Formula, Gate, Scoring, criteria_of

FULL = Formula(
    title="Premium deliveries",
    period=Period.QUARTER,
    otif=OtifParams(basis=DateBasis.PROMISED, early_days=2, level=Level.ORDER, under_tolerance=0.02),
    attribution={"otif": Basis.PEGGED, "reject_ppm": Basis.LEAD},
    gates={"reject_ppm": Gate(50_000, 40)},
    standings=(Band("low", 0, 60), Band("high", 60, 100)),
    severity={"line_stop": "low"},
)


@pytest.mark.parametrize("formula", [DEFAULT_FORMULA, FULL])
def test_survives_json(formula: Formula) -> None:
    assert Formula.from_dict(json.loads(json.dumps(formula.to_dict()))) == formula


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"period": "week"}, "period"),
        ({"close_days": 0}, "close_days"),
        ({"reply_days": 99}, "reply_days"),
        ({"title": " "}, "title"),
        ({"attribution": {"speed": "mix"}}, "speed"),
        ({"attribution": {"otif": "common"}}, "attribution"),
        ({"attribution": {"otif": "guess"}}, "attribution"),
        ({"gates": {"otif": {"worse_than": 0.5, "cap": 120}}}, "cap"),
        ({"standings": [{"name": "all", "low": 0, "high": 90}]}, "bands"),
        ({"severity": {"recall": "nowhere"}}, "nowhere"),
        ({"margin": 100}, "margin"),
        ({"least_suppliers": 1}, "least_suppliers"),
        ({"otif": {"early_days": -1}}, "early_days"),
        ({"colour": "red"}, "colour"),
        ({"schema": "scorecard_formula/9"}, "schema"),
        ({"confidence": 1.0}, "confidence"),
        ({"least_weight": 0}, "least_weight"),
    ],
)
def test_a_fault_names_its_field(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Formula.from_dict(DEFAULT_FORMULA.to_dict() | changes)


def test_weights_of_a_segment_are_brought_to_100() -> None:
    policy = Scoring(otif_weight=1, fill_weight=0.5, adherence_weight=0, reject_ppm_weight=0.5)
    found = {each.measure: each for each in criteria_of(policy, {"reject_ppm": Gate(50_000, 40)})}
    assert {name: each.weight for name, each in found.items()} == {"otif": 50, "fill_rate": 25, "reject_ppm": 25}
    assert (found["reject_ppm"].gate, found["reject_ppm"].gate_cap) == (50_000, 40)
    nothing = Scoring(otif_weight=0, fill_weight=0, adherence_weight=0, reject_ppm_weight=0)
    assert criteria_of(nothing, {}) == ()
