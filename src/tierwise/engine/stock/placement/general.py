"""Guaranteed service on networks with loops: a lower bound, a solution, and branching until they meet."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tierwise.engine.checks import Floats, Ints
from tierwise.engine.stock.placement import general_kernels as kernels
from tierwise.engine.stock.placement.kernels import cost_of, settle

Windows = tuple[Ints, Ints, Ints, Ints]

_VISITS = 400_000
"""Stages that branching may look at, over all its parts: some 20 to 50 seconds at times up to 100 periods."""


class Problem(NamedTuple):
    """A network as the kernels read it: arcs grouped by source and by target, windows of service times."""

    order: Ints
    ends: tuple[Ints, Ints]
    arcs: tuple[Ints, Ints, Ints, Ints]
    stages: tuple[Ints, Floats, Floats]
    inbound: Ints
    windows: Windows
    offsets: tuple[Ints, Ints]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to try. Work, not seconds, so that the same input gives the same answer everywhere.

    ``passes`` of messages for the bound at the root, at most ``rounds`` of improvement, at most ``branches`` parts of
    the search tree (and no more than 400,000 by the number of stages, which keeps a search of some 2,000 stages within
    about a minute); it ends early when the gap is at most ``tolerance`` (relative). ``seed`` shuffles the forests.
    """

    tolerance: float = 1e-6
    passes: int = 300
    rounds: int = 400
    branches: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance: {self.tolerance} must be at least 0 and below 1, for example 0.001")
        if self.passes < 1 or self.rounds < 0 or self.branches < 0:
            raise ValueError("passes, rounds, branches: need at least 1 pass and no negative number")


@dataclass(slots=True)
class _Search:
    """The best solution so far, and what bounds the rest."""

    problem: Problem
    effort: Effort
    service: Ints
    received: Ints
    cost: float
    bound: float = 0.0

    def closed(self, bound: float) -> bool:
        return self.cost - bound <= self.effort.tolerance * max(self.cost, 1e-12)

    def offer(self, service: Ints) -> None:
        problem = self.problem
        received = settle(
            problem.order, *problem.arcs[:2], problem.ends[1], (problem.stages[0], problem.inbound), service
        )
        cost = float(cost_of(*problem.stages, service, received))
        if cost < self.cost:
            self.service, self.received, self.cost = service, received, cost

    def polish(self, generator: np.random.Generator, rounds: int) -> None:
        """Random forests, until a batch of them finds nothing better."""
        problem = self.problem
        stages = (*problem.stages, problem.inbound)
        every = np.arange(problem.ends[0].size)
        batch = max(10, rounds // 10)
        for _ in range(0, rounds, batch):
            shuffles = np.stack([generator.permutation(every) for _ in range(batch)])
            before = self.cost
            self.service, self.received, cost = kernels.improve(
                problem.order, problem.ends, problem.arcs, stages, (*problem.windows, *problem.offsets),
                (self.service, self.received), shuffles,
            )  # fmt: skip
            self.cost = float(cost)
            if self.closed(self.bound) or before - self.cost <= 1e-9 * before:
                break


def solve(problem: Problem, effort: Effort) -> tuple[Ints, Ints, float, float]:
    """Service times quoted and received, the cost and a proven lower bound of it."""
    generator = np.random.default_rng(effort.seed)
    nothing = np.zeros(problem.inbound.size, dtype=np.int64)
    search = _Search(problem, effort, nothing, nothing, np.inf)
    search.offer(nothing)
    windows = problem.windows
    messages = _empty(problem)
    kernels.tighten(problem.order, problem.ends, problem.arcs, problem.stages[0], windows)
    for _ in range(0, effort.passes, 20):
        before = search.bound
        bounds, picked = _bounded(problem, windows, messages, min(20, effort.passes))
        search.bound = max(search.bound, bounds)
        search.offer(picked[0])
        if search.closed(search.bound) or search.bound - before <= 1e-7 * search.bound:
            break
    if not search.closed(search.bound) and effort.rounds:
        search.polish(generator, effort.rounds)
    if not search.closed(search.bound) and effort.branches:
        _branch(search, windows, messages, generator)
    return search.service, search.received, search.cost, min(search.bound, search.cost)


def _empty(problem: Problem) -> tuple[Floats, Floats, Ints, Ints]:
    _, high_in, _, high_out = problem.windows
    sources, targets = problem.ends
    at_in = np.concatenate([[0], np.cumsum(high_in[targets] + 1)])
    at_out = np.concatenate([[0], np.cumsum(high_out[sources] + 1)])
    return np.zeros(at_in[-1]), np.zeros(at_out[-1]), at_in, at_out


def _bounded(
    problem: Problem, windows: Windows, messages: tuple[Floats, Floats, Ints, Ints], passes: int
) -> tuple[float, tuple[Ints, Ints, Ints, Ints]]:
    given = (problem.order, problem.ends, problem.arcs, problem.stages, windows, messages)
    bound = float(kernels.pass_messages(*given, passes).max())
    return bound, kernels.decode(*given)


class _Part(NamedTuple):
    """A part of the search space that is still open; the lowest bound comes first."""

    bound: float
    number: int
    windows: Windows
    messages: tuple[Floats, Floats, Ints, Ints]
    choice: tuple[Ints, Ints, Ints, Ints]


def _branch(
    search: _Search, windows: Windows, messages: tuple[Floats, Floats, Ints, Ints], generator: np.random.Generator
) -> None:
    """Best first: splits the service time of the stage whose own wish agrees least with a customer's."""
    problem, effort = search.problem, search.effort
    bound, choice = _bounded(problem, windows, messages, 2)
    parts = [_Part(max(bound, search.bound), 0, windows, messages, choice)]
    # Held in memory at once; each part keeps messages of its own.
    most = max(4, int(2e8 / max(messages[0].size + messages[1].size, 1) / 8))
    shut = np.inf
    for number in range(1, min(effort.branches, _VISITS // problem.inbound.size + 1) + 1):
        if not parts:
            break
        part = heappop(parts)
        search.bound = max(search.bound, min(part.bound, shut))
        if search.closed(search.bound):
            return
        split = _split(problem, part)
        if split is None or len(parts) >= most:
            # Agreement within rounding: its bound is its cost. Or no room to look further.
            shut = min(shut, part.bound)
            continue
        for side in (0, 1):
            child = _narrowed(problem, part, split, side)
            if child is None:
                continue
            own = (part.messages[0].copy(), part.messages[1].copy(), *part.messages[2:])
            bound, choice = _bounded(problem, child, own, 6)
            search.offer(choice[0])
            bound = max(bound, part.bound)
            if bound < search.cost - effort.tolerance * search.cost:
                heappush(parts, _Part(bound, 2 * number + side, child, own, choice))
        if number % 100 == 0 and effort.rounds:
            search.polish(generator, 20)
            parts = [each for each in parts if not search.closed(each.bound)]
            heapify(parts)
    left = min([shut, search.cost * (1 - effort.tolerance), *(part.bound for part in parts)])
    search.bound = max(search.bound, left if parts or shut < np.inf else search.cost)


def _split(problem: Problem, part: _Part) -> tuple[int, int] | None:
    """The stage to split and the time it is split at; None where all wishes agree."""
    sources, targets = problem.ends
    own_out, own_in = part.choice[2], part.choice[3]
    clash = own_out[sources] - own_in[targets]
    weight = np.where(clash > 0, clash * (problem.stages[1][sources] + problem.stages[1][targets] + 1e-12), 0.0)
    if weight.size and weight.max() > 0:
        e = int(np.argmax(weight))
        return int(sources[e]), int(own_out[sources[e]] + own_in[targets[e]]) // 2
    # Wishes may agree and yet each stage's two wishes not belong together: split where most is left open.
    wide = part.windows[3] - part.windows[2]
    k = int(np.argmax(wide))
    return (k, int(part.windows[2][k] + wide[k] // 2)) if wide[k] > 0 else None


def _narrowed(problem: Problem, part: _Part, split: tuple[int, int], side: int) -> Windows | None:
    stage, value = split
    low_in, high_in, low_out, high_out = (each.copy() for each in part.windows)
    if side == 0:
        high_out[stage] = min(high_out[stage], value)
    else:
        low_out[stage] = max(low_out[stage], value + 1)
    windows = (low_in, high_in, low_out, high_out)
    return windows if kernels.tighten(problem.order, problem.ends, problem.arcs, problem.stages[0], windows) else None


def grouped(targets: npt.NDArray[np.int64], n: int) -> tuple[Ints, Ints]:
    """Arcs grouped by their target, as starts and arc numbers."""
    start = np.concatenate([[0], np.cumsum(np.bincount(targets, minlength=n))])
    return start, np.argsort(targets, kind="stable")
