"""What a second source is worth that one may call on but need not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """``activation_cost`` each time the option is used, ``retention`` per year to keep it, ``setup`` once
    (qualification, tooling); ``readiness`` the chance that it works when called (drilled, released); ``years`` and
    ``discount_rate``."""

    activation_cost: float = 0.0
    retention: float = 0.0
    setup: float = 0.0
    readiness: float = 1.0
    years: int = 1
    discount_rate: float = 0.0

    def __post_init__(self) -> None:
        for name in ("activation_cost", "retention", "setup", "discount_rate"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name}: must be a number of 0 or more")
        if not 0 <= self.readiness <= 1:
            raise ValueError("readiness: is a probability; give 0 to 1")
        if self.years < 1:
            raise ValueError("years: must be 1 or more")


@dataclass(frozen=True, slots=True, eq=False)
class OptionValue:
    """Per year: ``payoff`` expected before retention, ``error`` its standard error (NaN for given probabilities),
    ``exercised`` the chance to use it, ``highest_retention`` up to which it pays. ``present_value`` over all years
    after retention and setup; ``use`` tells per scenario whether to call on it."""

    payoff: float
    error: float
    exercised: float
    highest_retention: float
    present_value: float
    use: npt.NDArray[np.bool_]


def dual_source_option(
    loss_without: npt.ArrayLike,
    loss_with: npt.ArrayLike,
    terms: OptionTerms,
    probabilities: npt.ArrayLike | None = None,
) -> OptionValue:
    """The value of a second source as a real option: E max(0, loss avoided − cost of using it).

    ``loss_without`` and ``loss_with`` per scenario of a year (from `exposure` or `simulate_disruptions` without and
    with the source), ``probabilities`` of the scenarios (else equally likely draws). It is called on only where that
    pays, and pays with chance ``readiness``. ``highest_retention`` spreads the setup over the years at the discount
    rate. NaN is refused; no scenarios: worth −costs. Source: Tomlin, Management Science 52(5) (2006) 639-657
    (contingent rerouting); Trigeorgis, Real Options (1996), chapter 4 (option to switch). The Ford case, S3 out in one
    year of ten, a source that saves all of it:

    >>> value = dual_source_option(
    ...     [275_000, 0], [0, 0], OptionTerms(activation_cost=50_000, retention=10_000), [0.1, 0.9]
    ... )
    >>> value.payoff, value.exercised, value.present_value
    (22500.0, 0.1, 12500.0)
    """
    without, having = checks.together(
        loss_without=checks.nonnegative("loss_without", loss_without),
        loss_with=checks.nonnegative("loss_with", loss_with),
    )
    without, having = np.atleast_1d(without), np.atleast_1d(having)
    if without.ndim != 1 or np.isnan(without + having).any():
        raise ValueError("loss_without, loss_with: give one known loss per scenario")
    if probabilities is None:
        chance = np.full(without.shape, 1.0 / max(without.size, 1))
    else:
        chance = np.broadcast_to(checks.nonnegative("probabilities", probabilities), without.shape)
        if without.size and abs(float(chance.sum()) - 1) > 1e-9:
            raise ValueError("probabilities: must sum to 1; divide them by their sum")
    gain = without - having - terms.activation_cost
    use = gain > 0
    paid = terms.readiness * np.where(use, gain, 0.0)
    payoff = float(paid @ chance)
    error = float(paid.std(ddof=1) / np.sqrt(paid.size)) if probabilities is None and paid.size > 1 else np.nan
    annuity = float(np.sum((1 + terms.discount_rate) ** -np.arange(1.0, terms.years + 1)))
    present = (payoff - terms.retention) * annuity - terms.setup
    return OptionValue(payoff, error, float(chance[use].sum()), payoff - terms.setup / annuity, present, use)
