"""Years of chance disruptions, each answered as well as the chain can: what is lost, how bad the bad years are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.risk.chain import Floats, Ints, SupplyChain
from tierwise.engine.risk.response import Response, ResponseProgram
from tierwise.engine.risk.tail import TailRisk, tail_risk


@dataclass(frozen=True, slots=True, eq=False)
class Hazards:
    """E independent elements (sites, owners, regions) that fail: ``rate`` events per period, ``mean_duration`` and
    ``spread`` (coefficient of variation, lognormal; 0: always the mean), ``left`` share of capacity meanwhile.
    ``element`` and ``node`` are pairs: which nodes an element takes with it."""

    rate: npt.ArrayLike
    mean_duration: npt.ArrayLike
    element: npt.ArrayLike
    node: npt.ArrayLike
    spread: npt.ArrayLike = 1.0
    left: npt.ArrayLike = 0.0

    def __post_init__(self) -> None:
        given = {n: checks.nonnegative(n, getattr(self, n)) for n in ("rate", "mean_duration", "spread", "left")}
        wide = [np.array(np.atleast_1d(each)) for each in checks.together(**given)]
        if any(np.isnan(each).any() or each.ndim != 1 for each in wide):
            raise ValueError("rate, mean_duration, spread, left: give one known value per element")
        if np.any(wide[3] > 1) or np.any((wide[0] > 0) & (wide[1] == 0)):
            raise ValueError("left: is a share from 0 to 1; mean_duration: must be above 0 where the rate is")
        element, node = checks.counts("element", self.element), checks.counts("node", self.node)
        if element.ndim != 1 or element.shape != node.shape or (element.size and element.max() >= wide[0].size):
            raise ValueError("element, node: must be pairs, elements numbered as the rates are")
        for name, array in (*zip(given, wide, strict=True), ("element", element), ("node", node)):
            object.__setattr__(self, name, array)


@dataclass(frozen=True, slots=True)
class SimulationParams:
    """``horizon`` periods, drawn ``replications`` times from ``seed``. Outages less than ``refill`` periods apart are
    one episode, as stock has not come back in between. Episodes of more than ``phases`` stretches are coarsened to
    that many, with the lower capacity. ``level`` of the tail."""

    horizon: float = 52.0
    replications: int = 1000
    seed: int = 0
    refill: float = 4.0
    phases: int = 5
    level: float = 0.95

    def __post_init__(self) -> None:
        if not (np.isfinite(self.horizon) and self.horizon > 0):
            raise ValueError("horizon: must be above 0 periods")
        if self.replications < 2 or self.phases < 1:
            raise ValueError("replications: must be 2 or more; phases: 1 or more")
        if not (np.isfinite(self.refill) and self.refill >= 0):
            raise ValueError("refill: must be 0 or more periods")
        if not 0 < self.level < 1:
            raise ValueError("level: must lie between 0 and 1; 95 % is 0.95")


@dataclass(frozen=True, slots=True, eq=False)
class DisruptionRisk:
    """``loss`` per replication with the best response, ``tail`` of it; ``by_element`` the mean loss each element brings
    about (an episode's loss is split by the time each was out); ``episodes`` drawn, ``solved`` programs,
    ``coarsened`` episodes."""

    loss: Floats
    tail: TailRisk
    by_element: Floats
    episodes: int
    solved: int
    coarsened: int


@dataclass(slots=True)
class _Episode:
    replication: int
    elements: Ints
    starts: Floats
    ends: Floats
    lengths: Floats = field(default_factory=lambda: np.empty(0))
    out: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty((0, 0), np.bool_))


def simulate_disruptions(
    chain: SupplyChain, hazards: Hazards, params: SimulationParams | None = None, response: Response | None = None
) -> DisruptionRisk:
    """The distribution of what disruptions cost over a horizon when each is answered optimally.

    Events of each element arrive by chance (Poisson) and last lognormal times, so that outages overlap as they may. An
    episode is cut into stretches of constant capacity, and the stretches are planned together, stock carried over:
    demand lost in one cannot be made up for in the next. The plan knows how long the episode lasts, which a planner
    learns only in time: the loss is that of the best response, a lower bound. Draws depend on ``seed`` and hazards:
    runs with another response, stock or source compare event by event, and the difference of ``loss`` is what the plan
    is worth. No hazards lose nothing. Source: `exposure`; Schmitt and Singh, International Journal of Production
    Economics 139 (2012) 22-32, for disruption simulation with optimal rerouting.

    A maker of 60 a week, out for two weeks now and then, supplies 60 with nothing in stock; each unit lost costs 10,
    so that an outage alone costs 1,200:

    >>> chain = SupplyChain([60, np.inf], [0, 60], [0, 10], 0, source=[0], target=[1])
    >>> two_weeks = Hazards(rate=0.01, mean_duration=[2], element=[0], node=[0], spread=0)
    >>> found = simulate_disruptions(chain, two_weeks, SimulationParams(replications=200))
    >>> float(np.median(found.loss[found.loss > 0]).round()), bool((found.loss == 0).any())
    (1200.0, True)
    """
    given = params or SimulationParams()
    node = np.asarray(hazards.node)
    if node.size and int(node.max()) >= chain.nodes:
        raise ValueError(f"node: names {int(node.max())}, but the chain has {chain.nodes} nodes")
    episodes = _episodes(hazards, given)
    coarsened = sum(_cut(each, given.phases) for each in episodes)
    loss = np.zeros(given.replications)
    elements = np.size(hazards.rate)
    by_element = np.zeros(elements)
    solved: dict[tuple[bytes, bytes], float] = {}
    programs: dict[int, ResponseProgram] = {}
    for each in sorted(episodes, key=lambda one: (one.lengths.size, float(one.lengths.sum()))):
        key = (np.round(each.lengths, 12).tobytes(), each.out.tobytes())
        if key not in solved:
            phases = each.lengths.size
            if phases not in programs:
                programs[phases] = ResponseProgram(chain, response, phases)
            program = programs[phases]
            program.disrupt(each.lengths, _left(chain.nodes, hazards, each.out))
            solved[key] = program.loss()
        loss[each.replication] += solved[key]
        down = np.bincount(each.elements, each.ends - each.starts, elements)
        by_element += solved[key] * down / down.sum()
    return DisruptionRisk(
        loss, tail_risk(loss, level=given.level), by_element / given.replications, len(episodes), len(solved), coarsened
    )


def _episodes(hazards: Hazards, params: SimulationParams) -> list[_Episode]:
    """Events drawn element by element, then joined where they overlap or follow each other closely."""
    draw = np.random.default_rng(params.seed)
    rate, mean, spread = (np.asarray(each) for each in (hazards.rate, hazards.mean_duration, hazards.spread))
    counts = draw.poisson(rate * params.horizon, (params.replications, rate.size))
    replication, element = (np.repeat(each.ravel(), counts.ravel()) for each in np.indices(counts.shape))
    start = draw.random(element.size) * params.horizon
    sigma = np.sqrt(np.log1p(spread[element] ** 2))
    duration = mean[element] * np.exp(sigma * draw.standard_normal(element.size) - sigma**2 / 2)
    end = np.minimum(start + duration, params.horizon)
    order = np.lexsort((start, replication))
    replication, element, start, end = replication[order], element[order], start[order], end[order]
    found: list[_Episode] = []
    first, latest = 0, -np.inf
    for at in range(element.size):
        if at and (replication[at] != replication[at - 1] or start[at] > latest + params.refill):
            found.append(_Episode(int(replication[first]), element[first:at], start[first:at], end[first:at]))
            first, latest = at, -np.inf
        latest = max(latest, float(end[at]))
    if element.size:
        found.append(_Episode(int(replication[first]), element[first:], start[first:], end[first:]))
    return found


def _cut(episode: _Episode, most: int) -> bool:
    """Cuts an episode into stretches of constant capacity, at most so many; whether that coarsened it."""
    # An outage of fixed length must give one length whenever it starts, or no two episodes were ever alike.
    zero = episode.starts.min()
    starts, ends = np.round(episode.starts - zero, 9), np.round(episode.ends - zero, 9)
    points = np.unique(np.concatenate([starts, ends]))
    if points.size < 2:
        points = np.array([0.0, 1e-9])
    lengths = np.diff(points)
    out = np.zeros((lengths.size, int(episode.elements.max()) + 1), np.bool_)
    for element, begin, end in zip(episode.elements.tolist(), starts, ends, strict=True):
        out[(points[:-1] >= begin) & (points[1:] <= end), element] = True
    coarse = lengths.size > most
    while lengths.size > most:
        at = int((lengths[:-1] + lengths[1:]).argmin())
        out[at] |= out[at + 1]
        lengths[at] += lengths[at + 1]
        lengths, out = np.delete(lengths, at + 1), np.delete(out, at + 1, axis=0)
    episode.lengths, episode.out = lengths, out
    return coarse


def _left(nodes: int, hazards: Hazards, out: npt.NDArray[np.bool_]) -> Floats:
    element, node, share = np.asarray(hazards.element), np.asarray(hazards.node), np.asarray(hazards.left)
    left = np.ones((out.shape[0], nodes))
    known = element < out.shape[1]
    for phase in range(out.shape[0]):
        hit = np.flatnonzero(known)[out[phase, element[known]]]
        np.minimum.at(left[phase], node[hit], share[element[hit]])
    return left
