"""Published numbers of the demand family by their names, and panels measured like their lines."""

from __future__ import annotations

import numpy as np
import pytest

from tierwise.engine import demand


def test_tc_01_kaplan_and_anderson() -> None:
    """TC-01: 0.80 a minute; 578,600 minutes are 462,880, 121,400 unused are 97,120, utilisation 82.66 %."""
    desk = demand.CostPool("desk", 560_000, 700_000, {"order": 40, "complaint": 220, "credit_check": 250})
    row = demand.capacity_use([desk], {"order": 9_800, "complaint": 280, "credit_check": 500}).row(0, named=True)
    assert row["rate"] == pytest.approx(0.80)
    assert (row["used_minutes"], row["used_cost"]) == (578_600, pytest.approx(462_880))
    assert (row["unused_minutes"], row["unused_cost"]) == (121_400, pytest.approx(97_120))
    assert row["utilisation"] == pytest.approx(0.8266, abs=5e-5)


def test_tc_02_class_of_the_reference_series() -> None:
    """TC-02: ADI 12/4 = 3.0, CV² 0.10744 (population) and 0.14325 (sample), intermittent by 1.32 and 0.49."""
    found = demand.measure_panel([0, 0, 5, 0, 0, 0, 8, 0, 3, 0, 0, 6])
    assert found.adi[0] == 3.0
    assert found.cv2_population[0] == pytest.approx(0.10744, abs=5e-6)
    assert found.cv2_sample[0] == pytest.approx(0.14325, abs=5e-6)
    assert demand.CLASSES[found.demand_class[0]] == "intermittent"


def test_a_panel_is_measured_like_its_lines() -> None:
    rng = np.random.default_rng(5)
    panel = rng.poisson(0.7, (40, 24)).astype(float)
    panel[7, :9] = np.nan
    panel[8] = 0
    found = demand.measure_panel(panel)
    for row, values in enumerate(panel):
        kept = values[np.isfinite(values)]
        sold = kept[kept > 0]
        assert found.nonzero[row] == len(sold)
        if len(sold) > 1:
            assert found.adi[row] == pytest.approx(len(kept) / len(sold))
            assert found.cv2_sample[row] == pytest.approx(sold.var(ddof=1) / sold.mean() ** 2)
            assert found.cv[row] == pytest.approx(kept.std(ddof=1) / kept.mean())
    assert found.demand_class[8] == -1
    assert demand.measure_panel(np.empty((0, 5))).adi.shape == (0,)


@pytest.mark.parametrize(
    ("panel", "message"), [([1.0, np.nan, 2.0], "holds NaN after its launch"), ([1.0, -2.0], "must be 0 or more")]
)
def test_a_wrong_panel_is_named(panel: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        demand.measure_panel(panel)
