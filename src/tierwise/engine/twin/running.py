"""Running a twin: so many runs of so many periods, over as many threads as there are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from tierwise.engine.twin import kernels, layout
from tierwise.engine.twin.layout import Floats
from tierwise.engine.twin.model import Twin
from tierwise.engine.twin.outcome import Outcome
from tierwise.engine.twin.prepare import Prepared, prepare

_MOST_BYTES = 4_000_000_000
_LOADING = 0.8
"""Seconds that loading the compiled loops takes. For what plain NumPy does in less it does not pay."""


@dataclass(frozen=True, slots=True)
class Runs:
    """``runs`` independent runs of ``periods``, the first ``warm_up`` not counted.

    ``first_run`` (even) goes on where earlier runs ended; the same ``seed`` gives the same luck to every scenario,
    whatever the number of ``threads`` (0: as many as the process may use). ``course`` keeps costs and shortage per
    run and period, ``history`` four figures per run, period and stock.
    """

    periods: int
    runs: int = 1
    warm_up: int = 0
    seed: int = 0
    first_run: int = 0
    threads: int = 0
    course: bool = False
    history: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.periods <= 10_000_000:
            raise ValueError(f"periods: is {self.periods}; give 1 to 10,000,000")
        if not 0 <= self.warm_up < self.periods:
            raise ValueError(f"warm_up: is {self.warm_up}; give 0 up to one less than periods ({self.periods})")
        if not 1 <= self.runs <= 2**32:
            raise ValueError(f"runs: is {self.runs}; give 1 or more")
        if self.first_run < 0 or self.first_run % 2:
            raise ValueError(f"first_run: is {self.first_run}; give an even number of 0 or more")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed: is {self.seed}; give a whole number of 0 or more")
        if self.threads < 0:
            raise ValueError(f"threads: is {self.threads}; give 0 (all) or more")


def simulate(twin: Twin, runs: Runs) -> Outcome:
    """What happens in a supply network, run by run.

    Each period, stock by stock from the customer up: due shipments arrive (yield drawn), demand is drawn, stock is
    given out by rank, the policy orders; then suppliers and lanes send what capacity and outages allow, and the period
    is counted. An order of one period with lead time L is there before the demand of L periods later is served.
    Result arrays are (runs, rows, columns), see :class:`Outcome`. Raises ValueError for traces shorter than
    ``periods`` and for results beyond 4 GB (fewer runs at a time, or :func:`replicate`, which merges batches).

    Source of the number: Snyder and Shen (2019), example 4.3: demand N(50, 8²), holding 0.18, shortage 0.70, base-stock
    level 56.6 costs 1.9976 per period.

    >>> from tierwise.engine.twin import Demands, Lanes, Spread, Stocks, Twin
    >>> shop = Twin(
    ...     Stocks("base_stock", up_to=56.6, holding_cost=0.18),
    ...     Lanes(to=[0], lead_time=1),
    ...     Demands(stock=[0], amount=Spread.normal(50, 8), waiting_cost=0.70),
    ... )
    >>> found = simulate(shop, Runs(periods=5000, runs=600, warm_up=1))
    >>> found.cost().shape, round(float(found.cost().mean()), 2)
    ((600,), 2.0)
    """
    return run_prepared(twin, prepare(twin), runs)


def run_prepared(twin: Twin, ready: Prepared, runs: Runs) -> Outcome:
    """As :func:`simulate`, for a network already prepared."""
    spreads = ready.net.spreads
    traced = spreads["length"][spreads["kind"] == layout.TRACE]
    if traced.size and traced.min() < runs.periods:
        raise ValueError(f"trace: tells {traced.min()} periods but {runs.periods} are to be run; shorten or extend it")
    rows = (twin.demands.rows, twin.stocks.rows, twin.lanes.rows, len(ready.capacities))
    sizes = [runs.runs * count * columns for count, columns in zip(rows, (6, 8, 9, 3), strict=True)]
    sizes.append(runs.runs * runs.periods * (2 * runs.course + 4 * twin.stocks.rows * runs.history))
    if 8 * sum(sizes) > _MOST_BYTES:
        raise ValueError(f"runs: {runs.runs} would fill {8 * sum(sizes) / 1e9:.0f} GB; run fewer at a time")
    demands, stocks, lanes, capacities = (
        np.empty((runs.runs, count, columns)) for count, columns in zip(rows, (6, 8, 9, 3), strict=True)
    )
    course = np.zeros((runs.runs if runs.course else 0, runs.periods, 2))
    filmed = np.zeros((runs.runs if runs.history else 0, runs.periods, twin.stocks.rows, 4))
    found = layout.Found(demands, stocks, lanes, capacities, course, filmed)
    _spread_out(ready.net, runs, found)
    history = found.history
    if runs.history:
        history = np.empty_like(found.history)
        history[:, :, ready.stocks] = found.history
    return Outcome(
        twin, runs.runs, runs.periods - runs.warm_up, _back(found.demands, ready.demands, rows[0]),
        _back(found.nodes, ready.stocks, rows[1]), _back(found.lanes, ready.lanes, rows[2]),
        _back(found.capacities, ready.capacities, twin.capacities.rows), found.course, history,
    )  # fmt: skip


def _back(values: Floats, order: layout.Ints, rows: int) -> Floats:
    """From sorted rows to those the twin was given in."""
    if np.array_equal(order, np.arange(rows)):
        return values
    back = np.zeros((len(values), rows, values.shape[2]))
    back[:, order] = values
    return back


def plain_pays(net: layout.Net, runs: Runs) -> bool:
    """Whether the kernels as they stand, some calls of NumPy per row and period, longer for more runs, are done before
    the compiled ones would be loaded, with what they did for this process before. Results are the same."""
    if kernels.simulate.loaded:
        return False
    calls = 30 * len(net.nodes) + 20 * len(net.lanes) + 20 * len(net.demands) + 10 * len(net.capacities)
    drawn = 10 * int((net.spreads["kind"] == layout.GAMMA).sum())
    kernels.simulate.plain_seconds += runs.periods * (1e-6 * calls * (1 + runs.runs / 1000) + 1e-5 * drawn * runs.runs)
    return kernels.simulate.plain_seconds < _LOADING


def _plainly(table: layout.Records) -> list[SimpleNamespace]:
    return [SimpleNamespace(**dict(zip(table.dtype.names or (), row, strict=True))) for row in table.tolist()]


def _spread_out(net: layout.Net, runs: Runs, found: layout.Found) -> None:
    parts = len(net.parts) - 1
    threads = runs.threads or len(os.sched_getaffinity(0))
    whole = layout.Work(0, parts, runs.first_run, runs.runs, runs.periods, runs.warm_up, runs.seed)
    if plain_pays(net, runs):
        plain: Any = [_plainly(each) if each.dtype.names else each for each in net]
        with np.errstate(divide="ignore", invalid="ignore"):
            kernels.simulate(layout.Net(*plain), whole, found)
        return
    shares = [whole]
    if threads > 1 and runs.runs >= 2 * threads:
        cuts = 2 * (np.arange(threads + 1) * (runs.runs // 2) // threads)
        cuts[-1] = runs.runs
        shares = [
            whole._replace(first_run=runs.first_run + int(low), runs=int(high - low)) for low, high in pairwise(cuts)
        ]
    elif threads > 1 and parts >= 2 * threads and not runs.course:
        cuts = np.linspace(0, parts, threads + 1).astype(int)
        shares = [whole._replace(first_part=int(low), last_part=int(high)) for low, high in pairwise(cuts)]

    def work(share: layout.Work) -> None:
        low = share.first_run - runs.first_run
        kernels.simulate.compiled(net, share, layout.Found(*(each[low : low + share.runs] for each in found)))

    if len(shares) == 1:
        work(whole)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - one thread needs none

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, share) for share in shares]:
            done.result()
