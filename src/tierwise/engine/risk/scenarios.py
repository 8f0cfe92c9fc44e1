"""Many scenarios of one chain: from which optimum each begins, and which need no solving."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from tierwise.engine.risk.chain import Floats, Ints, Outages
from tierwise.engine.risk.response import ResponseProgram

_WORTH_ITS_OWN = 4
"""In so many scenarios of one length an outage is solved by itself first, though nobody asked for that."""

Entry = tuple[int, float]
"""A node and the share of its capacity that is left."""


@dataclass(frozen=True, slots=True, eq=False)
class _Optimum:
    """Where a scenario ended: its loss, units lost, what its plan uses of each node, and the solver's basis."""

    loss: float
    lost: Floats
    use: tuple[Floats, Floats]
    basis: object


def least_losses(program: ResponseProgram, outages: Outages, wanted: Ints) -> tuple[Floats, Floats]:
    """Loss (scenarios) and units lost (scenarios × products) of the ``wanted`` scenarios; 0 for the others.

    Scenarios of one length go together. Each begins at the optimum of the worst of its outages alone, from which fewer
    steps are left than from a neighbour; where the plan there does not use what else is out, it stands as it is: more
    outages cannot cost less.
    """
    loss, lost = np.zeros(outages.count), np.zeros((outages.count, program.products.size))
    duration = np.asarray(outages.duration)
    for length in np.unique(duration[wanted]).tolist():
        if length == 0:
            continue
        entries = {int(at): outages.entries(int(at)) for at in wanted[duration[wanted] == length]}
        often = Counter(each for some in entries.values() if len(some) > 1 for each in some)
        alone = {some[0] for some in entries.values() if len(some) == 1}
        alone |= {each for each, count in often.items() if count >= _WORTH_ITS_OWN}
        # A scenario alone of its length begins where the last one ended.
        unhurt = _alone(program, length, (), None) if len(entries) > 1 else None
        known = {each: _alone(program, length, (each,), unhurt) for each in sorted(alone)}
        for at in sorted(entries, key=entries.__getitem__):
            some = entries[at]
            start = max((known[each] for each in some if each in known), key=lambda one: one.loss, default=unhurt)
            if start is not None and (len(some) < 2 or _stands(program, some, start)):
                loss[at], lost[at] = start.loss, start.lost
            else:
                loss[at] = _solved(program, length, some, start)
                lost[at] = program.lost() if loss[at] > 0 else 0.0
    return loss, lost


def _alone(program: ResponseProgram, length: float, out: tuple[Entry, ...], start: _Optimum | None) -> _Optimum:
    if start is not None and _stands(program, out, start):
        return start
    loss = _solved(program, length, out, start)
    return _Optimum(loss, program.lost(), program.use(), program.program.basis())


def _stands(program: ResponseProgram, out: tuple[Entry, ...], start: _Optimum) -> bool:
    """Whether a plan for less being out keeps to what is left."""
    return all(program.allows(start.use, node, left) for node, left in out)


def _solved(program: ResponseProgram, length: float, out: tuple[Entry, ...], start: _Optimum | None) -> float:
    left = np.ones(program.chain.nodes)
    for node, share in out:
        left[node] = share
    program.disrupt(length, left[None])
    if start is not None:
        program.program.begin_at(start.basis)
    return program.loss()
