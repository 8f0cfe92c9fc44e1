"""What a chain would lose, how long it holds out, and who matters: time to survive, loss by outage, exposure index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.programs import Draft, Program
from tierwise.engine.risk.chain import Floats, Ints, Outages, SupplyChain
from tierwise.engine.risk.response import Response, ResponseProgram
from tierwise.engine.risk.scenarios import least_losses

_FOR_EVER = 1e-8
"""Shares of stock per period below this last so long (10⁸ periods) that they are nothing but rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Per scenario: ``loss`` of money with the best response, ``lost`` units (scenarios × ``products``), ``index`` =
    loss ÷ largest loss (0 where nothing is lost at all). ``solved`` programs: equal scenarios are solved once."""

    loss: Floats
    lost: Floats
    products: Ints
    index: Floats
    solved: int

    def worst(self, count: int = 10) -> Ints:
        """Scenarios by falling loss."""
        return np.argsort(-self.loss, kind="stable")[:count]


def exposure(chain: SupplyChain, outages: Outages, response: Response | None = None) -> Exposure:
    """What each outage costs if the rest of the chain responds as well as it can; many scenarios in one call.

    See `ResponseProgram` for the program. The response uses stock, other sources and spare capacity, and, as far as
    ``response`` allows, backup links and expedited capacity. No scenarios give empty arrays. Source: Simchi-Levi,
    Schmidt and Wei, Harvard Business Review 92(1-2) (2014) 96-101, and Interfaces 45(5) (2015) 375-390. Published
    example (Ford case; S1 to S3 with capacities 30, 45, 60 supply both products for a demand of 75 and 50, out two
    weeks): nothing is lost without S1, 125,000 without S2, 275,000 without S3.

    >>> ford = SupplyChain(
    ...     capacity=[30, 45, 60, np.inf, np.inf],
    ...     demand=[0, 0, 0, 75, 50],
    ...     stock=[0, 0, 0, 20, 25],
    ...     unit_loss=[0, 0, 0, 5000, 6500],
    ...     source=[0, 1, 2, 0, 1, 2],
    ...     target=[3, 3, 3, 4, 4, 4],
    ... )
    >>> found = exposure(ford, Outages(duration=[2, 2, 2, 2], scenario=[1, 2, 3], node=[0, 1, 2]))
    >>> found.loss.tolist(), found.index.round(3).tolist()
    ([0.0, 0.0, 125000.0, 275000.0], [0.0, 0.0, 0.455, 1.0])
    """
    program = ResponseProgram(chain, response)
    order, first = _distinct(outages)
    loss, lost = least_losses(program, outages, order)
    loss, lost = loss[first], lost[first]
    top = float(loss.max(initial=0.0))
    return Exposure(loss, lost, program.products, loss / top if top > 0 else np.zeros_like(loss), order.size)


def _distinct(outages: Outages) -> tuple[Ints, Ints]:
    """The scenarios to be solved, neighbours alike, and for each scenario the one solved in its place."""
    bounds = np.searchsorted(np.asarray(outages.scenario), np.arange(outages.count + 1))
    seen: dict[tuple[float, bytes, bytes], int] = {}
    node, left, duration = np.asarray(outages.node), np.asarray(outages.left), np.asarray(outages.duration)
    first = np.empty(outages.count, np.int64)
    for at in range(outages.count):
        here = slice(bounds[at], bounds[at + 1])
        first[at] = seen.setdefault((float(duration[at]), node[here].tobytes(), left[here].tobytes()), at)
    lead = np.full((2, outages.count), -1, np.int64)
    for place in range(2):
        some = bounds[:-1] + place < bounds[1:]
        lead[place, some] = node[bounds[:-1][some] + place]
    solved = np.unique(first)
    return solved[np.lexsort((lead[1, solved], lead[0, solved], duration[solved]))], first


@dataclass(frozen=True, slots=True, eq=False)
class ResponsePlan:
    """The best response to one outage. ``made`` and ``expedited`` per node, ``sent`` per link, ``lost`` per node, all
    over the whole outage; ``capacity_price`` what one more unit of capacity over the outage would save per node,
    ``stock_price`` what one more unit of stock would have saved; ``loss`` in all, ``response_cost`` within it."""

    loss: float
    response_cost: float
    made: Floats
    expedited: Floats
    sent: Floats
    lost: Floats
    capacity_price: Floats
    stock_price: Floats


def response_plan(
    chain: SupplyChain, outages: Outages, scenario: int = 0, response: Response | None = None
) -> ResponsePlan:
    """How to respond to one scenario, and what would have helped: the drill-down of `exposure`.

    Two makers, of 30 and 60 a week, supply 75; the second is out for two weeks. Of 150 wanted 20 are in stock and 60
    are made:

    >>> chain = SupplyChain([30, 60, np.inf], [0, 0, 75], [0, 0, 5000], [0, 0, 20], source=[0, 1], target=[2, 2])
    >>> plan = response_plan(chain, Outages([2], [0], [1]))
    >>> plan.lost.tolist(), plan.capacity_price.tolist()
    ([0.0, 0.0, 70.0], [5000.0, 5000.0, 0.0])
    """
    if not 0 <= scenario < outages.count:
        raise ValueError(f"scenario: {scenario} is none of the {outages.count} given")
    program = ResponseProgram(chain, response)
    program.disrupt(np.asarray(outages.duration)[scenario], outages.shares(scenario, chain.nodes)[None])
    found, blocks, length = program.program.solve(), program.blocks, float(np.asarray(outages.duration)[scenario])
    lost, expedited = np.zeros(chain.nodes), np.zeros(chain.nodes)
    lost[program.products] = found.value(blocks["lost"])[0] * length
    expedited[program.quick] = found.value(blocks["extra"])[0] * length
    loss = found.objective * length
    return ResponsePlan(
        loss, loss - float(lost @ np.asarray(chain.unit_loss)), found.value(blocks["made"])[0] * length, expedited,
        found.value(blocks["sent"])[0] * length, lost, np.maximum(-found.reduced(blocks["made"])[0], 0.0),
        found.price(blocks["balance"])[0] + 0.0,
    )  # fmt: skip


def time_to_survive(chain: SupplyChain, outages: Outages, response: Response | None = None) -> Floats:
    """For how many periods each outage loses no demand at all: inf where the rest carries it, 0 where nothing does.

    The longest t with demand · t met from stock and from what is made in t. Solved as min s = 1/t of the same program
    in rates, stock counting as stock · s per period, which has an optimum for every outage. ``duration`` plays no part.
    Source as `exposure`. Two makers, of 30 and 60 a week, supply 75, with 20 in stock: without the second 45 a week are
    missing, without the first 15.

    >>> chain = SupplyChain([30, 60, np.inf], [0, 0, 75], [0, 0, 5000], [0, 0, 20], source=[0, 1], target=[2, 2])
    >>> time_to_survive(chain, Outages([0, 0, 0], [1, 2], [0, 1])).round(4).tolist()
    [inf, 1.3333, 0.4444]
    """
    allowed = response or Response()
    draft = Draft()
    need_of, need = chain.needs()
    capacity = np.asarray(chain.capacity, np.float64)
    more = np.asarray(chain.expedite) if allowed.expedite else np.zeros(chain.nodes)
    rate = draft.columns((chain.nodes,))
    usable = np.where(np.asarray(chain.backup) & (not allowed.backups), 0.0, np.inf)
    sent = draft.columns((np.size(chain.source),), bounds=(0.0, usable))
    share = draft.columns((1,), 1.0)
    balance = draft.rows((chain.nodes,), lower=chain.demand)
    needs = draft.rows((need_of.size,), lower=0.0)
    draft.put(balance.at, rate.at, 1.0)
    draft.put(balance.at[np.asarray(chain.source)], sent.at, -1.0)
    draft.put(balance.at, share.at, np.asarray(chain.stock))
    draft.put(needs.at[need], sent.at, 1.0 / np.asarray(chain.quantity_per))
    draft.put(needs.at, rate.at[need_of], -1.0)
    group = np.asarray(chain.group)
    shared = draft.rows((np.size(chain.group_capacity),), upper=chain.group_capacity)
    draft.put(shared.at[group[group >= 0]], rate.at[group >= 0], np.asarray(chain.use)[group >= 0])
    program = Program(draft)
    found = np.empty(outages.count)
    order, first = _distinct(outages)
    for at in order:
        left = outages.shares(at, chain.nodes)
        with np.errstate(invalid="ignore"):
            program.limit_columns(rate.at, 0.0, np.nan_to_num((capacity + more) * left, nan=0.0, posinf=np.inf))
        least = program.objective()
        found[at] = 0.0 if least is None else np.inf if least < _FOR_EVER else 1.0 / least
    return found[first]


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalGap:
    """Per outage: ``gap`` = time to recover − time to survive (0 where it survives; inf never), ``exposed`` whether it
    is above 0, ``buffer`` units that would bridge it at ``rate``."""

    gap: Floats
    exposed: npt.NDArray[np.bool_]
    buffer: Floats


def survival_gap(
    time_to_recover: npt.ArrayLike, time_to_survive: npt.ArrayLike, rate: npt.ArrayLike = np.nan
) -> SurvivalGap:
    """Whether a claimed time to recover is good enough, and what stock at ``rate`` per period would bridge the rest.

    NaN in either time gives NaN and counts as exposed: what is not known is not proven. Source as `exposure`; a plan
    that claims 2 weeks where the chain survives 1.2857 fails:

    >>> gap = survival_gap([2, 2], [2.25, 1.2857], rate=125)
    >>> gap.exposed.tolist(), gap.gap.round(4).tolist()
    ([False, True], [0.0, 0.7143])
    """
    recover = checks.numbers("time_to_recover", time_to_recover)
    survive = checks.numbers("time_to_survive", time_to_survive)
    if np.any(recover < 0) or np.any(survive < 0):
        raise ValueError("time_to_recover, time_to_survive: must be 0 or more")
    recover, survive, speed = checks.together(recover=recover, survive=survive, rate=np.asarray(rate, np.float64))
    with np.errstate(invalid="ignore"):
        gap = np.where(np.isinf(survive), np.where(np.isnan(recover), np.nan, 0.0), np.maximum(recover - survive, 0.0))
        return SurvivalGap(gap, ~(gap <= 0), np.where(gap == 0, 0.0, gap * speed))
