"""What a project really saved: against an adjusted baseline, or against what would have happened without it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine import checks
from tierwise.engine.contracts.money import CENTS, Rounding, exact_columns

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SavingBridge:
    """From the base period's cost to the actual one, in exact money; each step is rounded, the saving is their sum.

    ``base`` + ``volume`` + ``mix`` + ``index`` = ``counterfactual``; counterfactual − ``actual`` = ``saving``.
    ``unbased``: actual cost of items that the base period did not have, left out of all else. ``items``: per item
    ``expected`` (actual quantity · base cost · index factor), ``actual``, ``saving`` (Float64, to look into).
    """

    base: Decimal
    volume: Decimal
    mix: Decimal
    index: Decimal
    counterfactual: Decimal
    actual: Decimal
    saving: Decimal
    unbased: Decimal
    items: pl.DataFrame


def bridge_savings(lines: pl.DataFrame, rounding: Rounding = CENTS) -> SavingBridge:
    """The saving against a baseline that moves with volume, mix and agreed indices.

    ``lines``, one per item, integer or Decimal: ``item``, ``base_quantity``, ``base_cost`` (per unit, null for a new
    item), ``quantity``, ``cost`` (per unit now), ``index_factor`` (what indices alone made of the base cost; 1: none).
    Volume: (Q₁/Q₀ − 1) · Σ q₀c₀; mix: Σ q₁c₀ − Q₁/Q₀ · Σ q₀c₀; index: Σ q₁c₀(f − 1). Quantities must be in one unit for
    volume and mix to be told apart; the saving does not need that. No lines: zeros.

    Source: price-volume-mix analysis as in Horngren, Datar and Rajan, Cost Accounting, chapter 14. Our own numbers: 100
    at 10 become 120 at 9.50 while the index rose 2 %: 1,224 − 1,140 = 84 saved.

    >>> line = {"item": ["a"], "base_quantity": [100], "base_cost": [10], "quantity": [120], "cost": [Decimal("9.5")]}
    >>> found = bridge_savings(pl.DataFrame(line | {"index_factor": [Decimal("1.02")]}))
    >>> [str(each) for each in (found.base, found.volume, found.mix, found.index, found.saving)]
    ['1000.00', '200.00', '0.00', '24.00', '84.00']
    """
    names = ["base_quantity", "base_cost", "quantity", "cost", "index_factor"]
    rows = exact_columns(lines, names, "lines")
    if "item" not in rows.columns or rows["item"].is_duplicated().any():
        raise ValueError("item: each item stands once; sum its quantities and cost first")
    needed = [name for name in names if name != "base_cost"]
    if rows.select(pl.any_horizontal(pl.col(needed).is_null().any())).item():
        raise ValueError(f"{', '.join(needed)}: one is unknown; only base_cost may be, for a new item")
    known, new = rows.filter(pl.col("base_cost").is_not_null()), rows.filter(pl.col("base_cost").is_null())
    base_quantity, quantity = _total(known, "base_quantity"), _total(known, "quantity")
    base = _total(known, "base_quantity", "base_cost")
    volume = (quantity / base_quantity - 1) * base if base_quantity else Fraction(0)
    at_base = _total(known, "quantity", "base_cost")
    expected = _total(known, "quantity", "base_cost", "index_factor")
    actual = _total(known, "quantity", "cost")
    # Rounded along the way from base to counterfactual, so that a statement's steps sum to its ends.
    stops = [rounding.apply(each) for each in (base, base + volume, at_base, expected)]
    paid = rounding.apply(actual)
    real = {name: pl.col(name).cast(pl.Float64) for name in names}
    expected_cost = real["quantity"] * real["base_cost"] * real["index_factor"]
    shown = known.select("item", expected=expected_cost, actual=real["quantity"] * real["cost"])
    shown = shown.with_columns(saving=pl.col("expected") - pl.col("actual"))
    return SavingBridge(
        base=stops[0], volume=stops[1] - stops[0], mix=stops[2] - stops[1], index=stops[3] - stops[2],
        counterfactual=stops[3], actual=paid, saving=stops[3] - paid,
        unbased=rounding.apply(_total(new, "quantity", "cost")),
        items=shown.sort("saving", descending=True),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CounterfactualSaving:
    """``saving`` over all periods after the start with its interval [``low``, ``high``]; per period what would have
    been (``expected``) and the saving. ``fit`` R² before the start, ``autocorrelation`` of its residuals (lag 1, what
    widened the interval where above 0), ``weights`` of constant and controls, ``n_before`` periods, ``freedom``."""

    saving: float
    low: float
    high: float
    expected: Floats
    by_period: Floats
    fit: float
    autocorrelation: float
    weights: Floats
    n_before: int
    freedom: int

    @property
    def proven(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0


@dataclass(frozen=True, slots=True)
class ControlledCost:
    """Cost (or cost per unit) of what the project touched and of controls it did not, in the same equal periods.

    ``treated``: periods; ``controls``: periods × controls; ``start``: how many periods lie before the project.
    """

    treated: Floats
    controls: Floats
    start: int

    def __post_init__(self) -> None:
        if self.treated.ndim != 1 or self.controls.ndim != 2 or len(self.treated) != len(self.controls):
            raise ValueError("treated, controls: give periods, and periods × controls, of the same periods")
        if not (np.isfinite(self.treated).all() and np.isfinite(self.controls).all()):
            raise ValueError("treated, controls: one is unknown; leave out periods that miss a value")
        least = self.controls.shape[1] + 3
        if self.start < least or self.start >= len(self.treated):
            raise ValueError(f"start: {self.start} leaves too little; {least} periods or more before it, one after it")


def counterfactual_saving(data: ControlledCost, confidence: float = 0.95) -> CounterfactualSaving:
    """What was saved against the cost that the controls say there would have been.

    Least squares of the treated cost on a constant and the controls before the start; what it predicts afterwards is
    the counterfactual. Interval of the sum: Student, variance s²·(m·g + 1ᵀX₁(X₀ᵀX₀)⁻¹X₁ᵀ1) over m periods, with g = (1
    + r)/(1 − r) for residuals of lag-1 correlation r > 0. Assumes that the project left the controls alone and that
    their relation held; with more controls than a third of the periods it fits noise. The saving is not yet money:
    agree on the point or on ``low``.

    Source: Brodersen et al., "Inferring causal impact using Bayesian structural time-series models", Annals of Applied
    Statistics 9 (2015) 247-274, in its static form; prediction variance as in Greene, Econometric Analysis, 4.6. Our
    own numbers: a control that moves 1:1 and a cost that falls by 5 in each of two periods.

    >>> steady = np.array([10.0, 12, 11, 13, 12, 14, 13, 15])
    >>> cost = steady + 100 - np.array([0, 0, 0, 0, 0, 0, 5, 5])
    >>> round(counterfactual_saving(ControlledCost(cost, steady[:, None], start=6)).saving, 6)
    10.0
    """
    checks.confidence(confidence)
    from scipy.special import stdtrit  # noqa: PLC0415  # loads slowly

    start, whole = data.start, np.column_stack([np.ones(len(data.treated)), data.controls])
    before, after = whole[:start], whole[start:]
    solved, _, rank, _ = np.linalg.lstsq(before, data.treated[:start], rcond=None)
    weights: Floats = np.asarray(solved, dtype=np.float64)
    residual = data.treated[:start] - before @ weights
    freedom = start - int(rank)
    spread = float(residual @ residual) / freedom
    varied = float(((data.treated[:start] - data.treated[:start].mean()) ** 2).sum())
    power = float(residual @ residual)
    lag = float(residual[1:] @ residual[:-1]) / power if power > 1e-12 * max(varied, 1.0) else 0.0
    widened = (1 + lag) / (1 - lag) if 0 < lag < 1 else 1.0
    reach = after.sum(axis=0)
    variance = spread * (len(after) * widened + float(reach @ np.linalg.pinv(before.T @ before) @ reach))
    expected = after @ weights
    by_period = expected - data.treated[start:]
    half = float(stdtrit(freedom, 0.5 + confidence / 2)) * np.sqrt(variance)
    total = float(by_period.sum())
    fit = 1 - power / varied if varied > 0 else float("nan")
    return CounterfactualSaving(
        total, total - half, total + half, expected, by_period, fit, lag, weights, start, freedom
    )


def _total(rows: pl.DataFrame, *names: str) -> Fraction:
    """Exact sum of the product of columns; items are few enough for fractions."""
    found = Fraction(0)
    for values in rows.select(names).iter_rows():
        product = Fraction(1)
        for value in values:
            product *= Fraction(value)
        found += product
    return found
