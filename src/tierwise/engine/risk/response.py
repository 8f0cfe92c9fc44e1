"""The best that a chain can still do in a disruption: one program, re-solved for each scenario from where it stood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from tierwise.engine.programs import Block, Draft, Program
from tierwise.engine.risk.chain import Floats, SupplyChain

_ROUNDING = 1e-9
"""Units per period; the solver keeps to limits within 1e-7."""


@dataclass(frozen=True, slots=True)
class Response:
    """What is allowed when something is out: ``backups`` (links marked so), ``expedite`` capacity."""

    backups: bool = True
    expedite: bool = True


class ResponseProgram:
    """min Σ unit loss · lost + cost of the response, over ``phases`` in each of which capacities stand still.

    Per phase of length t: made ≤ capacity · share left · t; per need Σ shipped ÷ quantity per ≥ made; stock before +
    made − shipped = sold + stock after; sold + lost = demand · t. One phase is the time-to-recover program of
    Simchi-Levi, Schmidt, Wei et al., Interfaces 45(5) (2015) 375-390; stock at the end is worth nothing.
    """

    def __init__(self, chain: SupplyChain, response: Response | None = None, phases: int = 1) -> None:
        self.chain, self.phases = chain, phases
        allowed = response or Response()
        self.quick = np.flatnonzero(np.asarray(chain.expedite) > 0) if allowed.expedite else np.empty(0, np.int64)
        self._capacity, self._demand = np.asarray(chain.capacity, np.float64), np.asarray(chain.demand, np.float64)
        self._expedite = np.broadcast_to(np.asarray(chain.expedite, np.float64), (chain.nodes,))
        self._stock, self.products = np.asarray(chain.stock, np.float64), chain.products
        draft = Draft()
        self.blocks = self._build(draft, allowed)
        self.program = Program(draft, repeated=True)
        self._balance = self.blocks["balance"].at
        self._length, self._stocked_for = 0.0, -1.0
        self._span, self._left = cast("Floats | None", None), np.ones((phases, chain.nodes))

    def _build(self, draft: Draft, allowed: Response) -> dict[str, Block]:
        c, phases = self.chain, self.phases
        source, backup = np.asarray(c.source), np.asarray(c.backup)
        quantity, group = np.asarray(c.quantity_per), np.asarray(c.group)
        need_of, need = c.needs()
        usable = np.where(backup & (not allowed.backups), 0.0, np.inf)
        blocks = {
            "made": draft.columns((phases, c.nodes)),
            "sent": draft.columns((phases, source.size), c.link_cost, (0.0, usable)),
            "lost": draft.columns((phases, self.products.size), np.asarray(c.unit_loss)[self.products]),
            "balance": draft.rows((phases, c.nodes), lower=0.0),
            "needs": draft.rows((phases, need_of.size), lower=0.0),
            "extra": draft.columns((phases, self.quick.size), np.asarray(c.expedite_cost)[self.quick]),
            "held": draft.columns((max(phases - 1, 0), c.nodes)),
        }
        made, sent, lost, extra, held = (blocks[name].at for name in ("made", "sent", "lost", "extra", "held"))
        balance, needs = blocks["balance"].at, blocks["needs"].at
        draft.put(balance, made, 1.0)
        draft.put(balance[:, self.quick], extra, 1.0)
        draft.put(balance[:, source], sent, -1.0)
        draft.put(balance[:, self.products], lost, 1.0)
        draft.put(balance[:-1], held, -1.0)
        draft.put(balance[1:], held, 1.0)
        draft.put(needs[:, need], sent, 1.0 / quantity)
        draft.put(needs, made[:, need_of], -1.0)
        at = np.full(c.nodes, -1, np.int64)
        at[self.quick] = np.arange(self.quick.size)
        hurried = at[need_of] >= 0
        draft.put(needs[:, hurried], extra[:, at[need_of][hurried]], -1.0)
        blocks["shared"] = draft.rows((phases, np.size(c.group_capacity)))
        inside = np.flatnonzero(group >= 0)
        shared, use = blocks["shared"].at, np.asarray(c.use)
        draft.put(shared[:, group[inside]], made[:, inside], use[inside])
        limited = np.flatnonzero(group[self.quick] >= 0)
        draft.put(shared[:, group[self.quick][limited]], extra[:, limited], use[self.quick][limited])
        return blocks

    def disrupt(self, lengths: npt.ArrayLike, left: Floats) -> None:
        """Sets the phases' lengths and each node's share of capacity left (phases × nodes).

        The program is kept per period of the whole outage: then only stock, not every rate, depends on its length, and
        the last optimum stays close to the next.
        """
        given = np.asarray(lengths, np.float64).reshape(self.phases, 1)
        self._length = float(given.sum())
        span = given / self._length if self._length else given
        everywhere = self._span is None or not np.array_equal(self._span, span)
        phase, node = np.nonzero(np.ones_like(left) if everywhere else left != self._left)
        program, blocks = self.program, self.blocks
        with np.errstate(invalid="ignore"):
            limit = (self._capacity * left * span)[phase, node]
        limit[np.isnan(limit)] = 0.0
        program.limit_columns(blocks["made"].first + phase * self.chain.nodes + node, 0.0, limit)
        if self.quick.size:
            more = np.asarray(self.chain.expedite)[self.quick] * left[:, self.quick] * span
            program.limit_columns(blocks["extra"].at, 0.0, more)
        if everywhere:
            needed = self._demand * span
            program.limit_columns(blocks["lost"].at, 0.0, needed[:, self.products])
            program.limit_rows(self._balance[1:], needed[1:], np.inf)
            if blocks["shared"].size:
                program.limit_rows(blocks["shared"].at, -np.inf, np.asarray(self.chain.group_capacity) * span)
        if self._length and (everywhere or self._length != self._stocked_for):
            program.limit_rows(self._balance[0], self._demand * span[0] - self._stock / self._length, np.inf)
            self._stocked_for = self._length
        self._span, self._left = span, left.copy()

    def loss(self) -> float:
        """Money lost at the least."""
        found = self.program.objective() if self._length else 0.0
        if found is None:
            raise ValueError("chain: has no response at all; check stock, demand and shares for contradictions")
        return max(found, 0.0) * self._length

    def lost(self) -> Floats:
        """Units lost per product, after `loss`."""
        return np.asarray(self.program.values(self.blocks["lost"]).sum(axis=0) * self._length)

    def use(self) -> tuple[Floats, Floats]:
        """What the plan makes and expedites per node and period, over the phases together, after `loss`."""
        extra = np.zeros(self.chain.nodes)
        extra[self.quick] = self.program.values(self.blocks["extra"]).sum(axis=0)
        return self.program.values(self.blocks["made"]).sum(axis=0), extra

    def allows(self, use: tuple[Floats, Floats], node: int, left: float) -> bool:
        """Whether a plan of one phase keeps to this share of a node's capacity."""
        made, extra = use
        limit = float(self._capacity[node]) * left if left > 0 else 0.0
        return bool(made[node] <= limit + _ROUNDING and extra[node] <= self._expedite[node] * left + _ROUNDING)
