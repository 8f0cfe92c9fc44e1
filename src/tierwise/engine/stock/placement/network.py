"""The network that safety stock is placed in: stages, arcs and what they promise each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.checks import Floats, Ints

_LARGEST = 400_000_000
"""Entries of all service times together; beyond, the tables would not fit into some 6 GB."""


@dataclass(frozen=True, slots=True)
class ServiceNetwork:
    """Stages 0 … n − 1 (item at a place) that quote each other service times in whole periods.

    - ``processing_time``: (n,) whole periods from having all inputs to having the output;
    - ``holding_cost``: (n,) money per unit and period at that stage (value added so far included);
    - ``sources``, ``targets``: (arcs,) stage numbers, goods flow from source to target; no cycle;
    - ``demand_sd``: (n,) standard deviation per period of demand from outside, 0 where there is none;
    - ``safety_factor``: z of the demand bound, one or (n,); 1.645 bounds 95 % of periods;
    - ``inbound``: service time that outside suppliers quote, one or (n,);
    - ``outbound_limit``: the longest service time that may be quoted, NaN for none; by default 0 where there is demand
      from outside;
    - ``units``: (arcs,) units of the source in one of the target.

    ValueError names what does not fit: lengths, negative numbers, times that are not whole, cycles.
    """

    processing_time: Ints
    holding_cost: Floats
    sources: Ints
    targets: Ints
    demand_sd: Floats
    safety_factor: Floats
    inbound: Ints
    outbound_limit: Ints
    units: Floats

    def __init__(  # the record is built from what people hold, kept as arrays of one form
        self,
        processing_time: npt.ArrayLike,
        holding_cost: npt.ArrayLike,
        arcs: tuple[npt.ArrayLike, npt.ArrayLike],
        demand_sd: npt.ArrayLike,
        **more: npt.ArrayLike,
    ) -> None:
        if unknown := sorted(set(more) - {"safety_factor", "inbound", "outbound_limit", "units"}):
            raise ValueError(f"{unknown[0]}: unknown; give safety_factor, inbound, outbound_limit or units")
        times = checks.counts("processing_time", processing_time)
        if times.ndim != 1:
            raise ValueError("processing_time: must be a list, one entry per stage")
        n = times.size
        deviation = checks.each("demand_sd", checks.nonnegative("demand_sd", demand_sd), (n,))
        limit = np.where(deviation > 0, 0.0, np.nan) if "outbound_limit" not in more else more["outbound_limit"]
        bounds = checks.each("outbound_limit", checks.nonnegative("outbound_limit", limit), (n,))
        sources, targets = (
            checks.counts(name, ends).ravel() for name, ends in zip(("sources", "targets"), arcs, strict=True)
        )
        if sources.size != targets.size or np.any(sources >= n) or np.any(targets >= n):
            raise ValueError(f"arcs: sources and targets must pair up and number stages 0 to {n - 1}")
        fields = {
            "processing_time": times,
            "holding_cost": checks.each("holding_cost", checks.nonnegative("holding_cost", holding_cost), (n,)),
            "sources": sources,
            "targets": targets,
            "demand_sd": deviation,
            "safety_factor": checks.each(
                "safety_factor", checks.nonnegative("safety_factor", more.get("safety_factor", 1.0)), (n,)
            ),
            "inbound": checks.each("inbound", checks.counts("inbound", more.get("inbound", 0)), (n,)),
            "outbound_limit": checks.counts("outbound_limit", np.where(np.isnan(bounds), 2.0**40, bounds)),
            "units": checks.each("units", checks.positive("units", more.get("units", 1.0)), sources.shape),
        }
        for name, value in fields.items():
            if np.isnan(value).any():
                raise ValueError(
                    f"{name}: unknown (NaN) at stage {int(np.argmax(np.isnan(value)))}; a network needs all"
                )
            object.__setattr__(self, name, value)

    @property
    def stages(self) -> int:
        return self.processing_time.size


@dataclass(frozen=True, slots=True)
class Placement:
    """Where safety stock stands, one entry per stage.

    ``outbound`` and ``inbound`` are service times quoted and received, ``net_lead_time`` = inbound + processing −
    outbound is what the stage must cover from stock: 0 means that it holds none. ``safety_stock`` in units, ``cost``
    money per period. ``bound`` is a proven lower bound of the total and ``gap`` = (total − bound) / total; ``proven``
    where the gap is within the tolerance asked for. ``method`` says how it was found.
    """

    outbound: Ints
    inbound: Ints
    net_lead_time: Ints
    safety_stock: Floats
    cost: Floats
    total: float
    bound: float
    gap: float
    proven: bool
    method: str


def check_size(entries: int) -> None:
    """ValueError where service times are so long that their tables would not fit in memory."""
    if entries > _LARGEST:
        raise ValueError(
            f"processing_time: {entries:,} service times to weigh is too many; use a coarser unit of time (days, weeks)"
        )
