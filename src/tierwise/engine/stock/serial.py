"""Echelon base-stock levels of serial systems: Clark and Scarf exactly, Shang and Song in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.checks import Floats
from tierwise.engine.stock.distributions import Distribution

_REST = 1e-9


@dataclass(frozen=True, slots=True)
class SerialSystem:
    """Stages from the customer upward: 0 serves demand, each next one supplies the one before, the last has ample
    supply.

    ``holding_cost`` local money per unit and time unit, not rising upward (stock gains value on its way down);
    ``lead_time`` of each stage from its supplier; ``stockout`` per unit backordered and time unit at stage 0;
    ``demand`` per time unit, one distribution, normal or whole. Under periodic review with the sequence order –
    receive – demand, add 1 to the lead time of stage 0.
    """

    holding_cost: Floats
    lead_time: Floats
    stockout: float
    demand: Distribution

    def __init__(
        self, holding_cost: npt.ArrayLike, lead_time: npt.ArrayLike, stockout: float, demand: Distribution
    ) -> None:
        hold, lead = checks.positive("holding_cost", holding_cost), checks.nonnegative("lead_time", lead_time)
        if hold.ndim != 1 or hold.shape != lead.shape or not hold.size:
            raise ValueError("holding_cost, lead_time: need one entry per stage, customer's end first")
        if not (np.isfinite(hold).all() and np.isfinite(lead).all()) or lead.sum() == 0:
            raise ValueError("holding_cost, lead_time: must be known, and some lead time above 0")
        if np.any(np.diff(hold) > 0):
            raise ValueError("holding_cost: must not rise upward; stock is worth least at the source (last entry)")
        if not float(checks.positive("stockout", stockout)) > 0:
            raise ValueError("stockout: must be known")
        if demand.mean.size != 1 or demand.kind == "uniform":
            raise ValueError("demand: give one distribution that adds up over time, normal, gamma, poisson or similar")
        object.__setattr__(self, "holding_cost", hold)
        object.__setattr__(self, "lead_time", lead)
        object.__setattr__(self, "stockout", float(stockout))
        object.__setattr__(self, "demand", Distribution(demand.kind, demand.mean.ravel()[0], demand.sd.ravel()[0]))

    @property
    def echelon_cost(self) -> Floats:
        """What each stage adds: its local cost less its supplier's."""
        return np.asarray(self.holding_cost - np.append(self.holding_cost[1:], 0.0))


@dataclass(frozen=True, slots=True)
class SerialPolicy:
    """``echelon`` levels cover a stage and all below it; ``local`` ones the stage alone (the difference, never below
    0). ``cost`` per time unit, pipeline stock between stages included at the sender's echelon rate."""

    echelon: Floats
    local: Floats
    cost: float


def serial_policy(system: SerialSystem, steps: int = 200) -> SerialPolicy:
    """The base-stock levels with the least holding and backorder cost.

    From the customer upward: Ĉ_j(x) = h_j·x + C̲_{j−1}(x), C_j(y) = E[Ĉ_j(y − D_j)], S_j = argmin C_j, C̲_j(x) =
    C_j(min(S_j, x)), C̲_0(x) = (p + Σh)·x⁻. Whole demand is summed unit by unit, exact; continuous demand on a grid
    of ``steps`` per standard deviation of the shortest positive lead time with weights that are exact for piecewise
    linear functions. ValueError for steps below 10.

    Source: Clark and Scarf, Management Science 6 (1960) 475-490; Chen and Zheng, Management Science 40 (1994)
    1426-1443; Snyder and Shen (2019), 6.2, example 6.1 (there 6.49, 12.02, 22.71 and, on a coarser grid, 47.65):

    >>> system = SerialSystem([7, 4, 2], [1, 1, 2], stockout=37.12, demand=Distribution("normal", 5, 1))
    >>> best = serial_policy(system)
    >>> best.echelon.round(2).tolist(), round(best.cost, 2)
    ([6.49, 12.02, 22.71], 47.66)
    """
    if steps < 10:
        raise ValueError(f"steps: {steps} is too coarse; use at least 10, 200 gives five digits")
    return _solve(system, None, steps)


def serial_cost(system: SerialSystem, echelon: npt.ArrayLike, steps: int = 200) -> SerialPolicy:
    """What other echelon levels cost. Inputs and source as :func:`serial_policy`; ValueError unless one per stage.

    >>> system = SerialSystem([7, 4, 2], [1, 1, 2], stockout=37.12, demand=Distribution("normal", 5, 1))
    >>> round(serial_cost(system, [6.49, 12.02, 22.71]).cost, 2)
    47.66
    """
    levels = checks.numbers("echelon", echelon)
    if levels.shape != system.lead_time.shape:
        raise ValueError(f"echelon: needs {system.lead_time.size} levels, customer's end first")
    return _solve(system, levels, steps)


def serial_heuristic(system: SerialSystem) -> Floats:
    """Echelon levels from two newsvendors a stage, mostly within a percent of the best cost, at no effort.

    S_j ≈ ½·[F⁻¹((p + Σ_{i>j} h_i)/(p + Σ h_i)) + F⁻¹((p + Σ_{i>j} h_i)/(p + Σ_{i≥j} h_i))] with echelon costs h_i and
    F of the demand over the lead times of stages up to j; rounded down to whole units for whole demand.

    Source: Shang and Song, Management Science 49 (2003) 618-638; Snyder and Shen (2019), 6.2.4:

    >>> serial_heuristic(SerialSystem([7, 4, 2], [1, 1, 2], 37.12, Distribution("normal", 5, 1))).round(4).tolist()
    [6.4909, 12.0274, 22.634]
    """
    added = system.echelon_cost
    total = system.stockout + added.sum()
    above = system.stockout + added.sum() - np.cumsum(added)
    from_here = above + added
    spread = system.demand.over(np.cumsum(system.lead_time))
    # At the last stage the first ratio may reach 1 only if the stage adds nothing; stay inside.
    low, high = (np.clip(above / base, 1e-12, 1 - 1e-12) for base in (total, from_here))
    levels = (spread.quantile(low) + spread.quantile(high)) / 2
    return np.floor(levels) if system.demand.whole else levels


def _solve(system: SerialSystem, fixed: Floats | None, steps: int) -> SerialPolicy:
    demand, added = system.demand, system.echelon_cost
    step = 1.0 if demand.whole else _step(system, steps)
    total = demand.over(system.lead_time.sum())
    widest = float(np.ceil((total.quantile(1 - _REST) - min(float(total.quantile(_REST)), 0.0)) / step)) * step
    levels = np.zeros(added.size)
    top = max(widest, float(fixed.max()) if fixed is not None else 0.0) + 10 * step
    grid = np.arange(-np.ceil(widest / step) - 10, np.ceil(top / step) + 11) * step
    below = (system.stockout + added.sum()) * np.maximum(-grid, 0.0)
    cost = 0.0
    for stage, lead in enumerate(system.lead_time):
        charged = added[stage] * grid + below
        if lead > 0:
            charged = _expected(charged, grid, demand.over(lead), step)
        if fixed is None:
            levels[stage] = _lowest(grid, charged, whole=demand.whole)
        cost = (
            float(np.interp(levels[stage], grid, charged))
            if fixed is None
            else float(np.interp(fixed[stage], grid, charged))
        )
        level = levels[stage] if fixed is None else fixed[stage]
        below = np.where(grid < level, charged, cost)
    echelon = levels if fixed is None else fixed
    local = np.maximum(np.diff(np.minimum.accumulate(echelon[::-1])[::-1], prepend=0.0), 0.0)
    return SerialPolicy(echelon, local, cost)


def _step(system: SerialSystem, steps: int) -> float:
    shortest = system.lead_time[system.lead_time > 0].min()
    step = float(system.demand.sd) * np.sqrt(shortest) / steps
    if not step > 0:
        raise ValueError("demand: is certain (sd 0); levels are then mean × lead time, no stock beyond is needed")
    total = system.demand.over(system.lead_time.sum())
    # Twenty thousand points hold any sensible system; long chains of short lead times take a wider grid.
    return max(float(step), float(total.mean + 12 * total.sd) / 20_000)


def _expected(values: Floats, grid: Floats, demand: Distribution, step: float) -> Floats:
    """E[f(y − D)] on the grid; f is linear beyond its left end, and right of its last kink."""
    low = np.floor(float(demand.quantile(_REST)) / step) - 1
    high = np.ceil(float(demand.quantile(1 - _REST)) / step) + 1
    places = np.arange(low - 1, high + 2)
    if demand.whole:
        places = np.arange(max(low, 0) - 1, high + 1)
        weights = -np.diff(demand.above(places))
        places = places[1:]
    else:
        weights = np.maximum(np.diff(demand.loss(places * step), n=2), 0.0) / step
        places = places[1:-1]
    weights = weights / weights.sum()
    before, after = int(max(places[-1], 0)), int(max(-places[0], 0))
    left = values[0] + (values[1] - values[0]) * np.arange(-before, 0)
    right = values[-1] + (values[-1] - values[-2]) * np.arange(1, after + 1)
    padded = np.concatenate([left, values, right])
    # f(y − d) for d from the smallest place to the largest is a convolution, shifted by the smallest.
    full = np.convolve(padded, weights)
    first = before - int(places[0])
    return np.asarray(full[first : first + grid.size])


def _lowest(grid: Floats, values: Floats, whole: bool) -> float:
    """Where a convex function on a grid is least; between the points by a parabola."""
    at = int(np.argmin(values))
    if whole or at in {0, grid.size - 1}:
        return float(grid[at])
    left, mid, right = values[at - 1 : at + 2]
    bend = left - 2 * mid + right
    shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return float(grid[at] + np.clip(shift, -0.5, 0.5) * (grid[1] - grid[0]))
