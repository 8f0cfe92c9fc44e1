"""The chain that a disruption runs through: who makes what from what, with which stock, and which sites are out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SupplyChain:
    """N nodes (an item at a site) and M links. All rates per period (a week, say); one value or one per node or link.

    Nodes: ``capacity`` (inf: no limit), ``demand`` (0 where nothing is sold), ``unit_loss`` money lost per unit not
    sold, ``stock`` on hand; ``group`` with ``group_capacity`` is capacity that nodes share (−1: none; ``use`` per unit
    made). Links: ``source`` sends to ``target`` as its input number ``part``: links with one target and part are
    alternatives, different parts are all needed; ``quantity_per`` unit of target. ``backup`` links work only in a
    response, at ``link_cost`` per unit beyond normal cost; ``expedite`` is capacity a node can add then, at
    ``expedite_cost`` per unit. ValueError for NaN, negative numbers, unknown nodes and chains that run in a circle.
    """

    capacity: npt.ArrayLike
    demand: npt.ArrayLike
    unit_loss: npt.ArrayLike
    stock: npt.ArrayLike
    source: npt.ArrayLike
    target: npt.ArrayLike
    part: npt.ArrayLike = 0
    quantity_per: npt.ArrayLike = 1.0
    group: npt.ArrayLike = -1
    group_capacity: npt.ArrayLike = ()
    use: npt.ArrayLike = 1.0
    backup: npt.ArrayLike = False
    link_cost: npt.ArrayLike = 0.0
    expedite: npt.ArrayLike = 0.0
    expedite_cost: npt.ArrayLike = 0.0

    def __post_init__(self) -> None:
        per_node = ("capacity", "demand", "unit_loss", "stock", "use", "expedite", "expedite_cost")
        given = [np.atleast_1d(checks.numbers(name, getattr(self, name))) for name in per_node]
        nodes = (max(each.size for each in given),)
        source = np.atleast_1d(checks.counts("source", self.source))
        target = np.atleast_1d(checks.counts("target", self.target))
        links = source.shape
        if any(each.ndim != 1 for each in given) or source.ndim != 1 or target.shape != links:
            raise ValueError("capacity …, source, target: give one value per node, one source and target per link")
        if source.size and max(int(source.max()), int(target.max())) >= nodes[0]:
            raise ValueError(f"source, target: name a node beyond {nodes[0] - 1}; nodes are numbered from 0")
        fields: dict[str, npt.NDArray[np.generic]] = {}
        fields |= {name: checks.known(name, getattr(self, name), nodes) for name in per_node}
        fields |= {name: checks.known(name, getattr(self, name), links) for name in ("quantity_per", "link_cost")}
        shared = np.atleast_1d(checks.known("group_capacity", self.group_capacity, np.shape(self.group_capacity)))
        fields["group_capacity"] = shared
        group = np.array(checks.each("group", np.asarray(self.group, np.int64), nodes), np.int64)
        if group.size and not (group.min() >= -1 and group.max() < shared.size):
            raise ValueError("group: names a group without group_capacity; give one per group, −1 for no group")
        if np.any(fields["quantity_per"] == 0):
            raise ValueError("quantity_per: must be above 0; leave out links that carry nothing")
        for name in ("demand", "stock", "expedite", "unit_loss"):
            if np.isinf(fields[name]).any():
                raise ValueError(f"{name}: must be finite; a very large number stands for plenty")
        fields |= {
            "source": source, "target": target, "group": group,
            "part": checks.each("part", checks.counts("part", self.part), links),
            "backup": checks.each("backup", np.asarray(self.backup, np.bool_), links),
        }  # fmt: skip
        for name, array in fields.items():
            object.__setattr__(self, name, array)

    @property
    def nodes(self) -> int:
        return int(np.size(self.capacity))

    @property
    def products(self) -> Ints:
        """Nodes with demand."""
        return np.flatnonzero(np.asarray(self.demand) > 0)

    def needs(self) -> tuple[Ints, Ints]:
        """Target of each need (one per target and part), and the need that each link serves."""
        target, part = np.asarray(self.target, np.int64), np.asarray(self.part, np.int64)
        span = int(part.max(initial=0)) + 1
        keys, need = np.unique(target * span + part, return_inverse=True)
        return keys // span, need.reshape(-1).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Outages:
    """S scenarios: in scenario s everything lasts ``duration[s]`` periods; the pairs (``scenario``, ``node``) tell what
    is out, with ``left`` the share of capacity that still works (default 0). A pair that comes twice keeps the lowest
    share. ``resource`` outages (a whole site, owner or region) name all its nodes."""

    duration: npt.ArrayLike
    scenario: npt.ArrayLike = ()
    node: npt.ArrayLike = ()
    left: npt.ArrayLike = 0.0

    def __post_init__(self) -> None:
        duration = np.atleast_1d(checks.nonnegative("duration", self.duration))
        scenario, node = checks.counts("scenario", self.scenario), checks.counts("node", self.node)
        if np.isnan(duration).any() or scenario.ndim != 1 or node.shape != scenario.shape:
            raise ValueError("duration, scenario, node: give a known duration per scenario and pairs of equal length")
        if scenario.size and int(scenario.max()) >= duration.size:
            raise ValueError(f"scenario: names {int(scenario.max())} but there are {duration.size} durations")
        left = np.array(np.broadcast_to(checks.nonnegative("left", self.left), scenario.shape))
        if np.isnan(left).any() or np.any(left > 1):
            raise ValueError("left: is a share of capacity; give 0 to 1")
        order = np.lexsort((node, scenario))
        for name, array in (
            ("duration", duration),
            ("scenario", scenario[order]),
            ("node", node[order]),
            ("left", left[order]),
        ):
            object.__setattr__(self, name, array)

    @property
    def count(self) -> int:
        return int(np.size(self.duration))

    def shares(self, scenario: int, nodes: int) -> Floats:
        """Share of capacity left per node."""
        found = np.ones(nodes)
        for node, left in self.entries(scenario):
            found[node] = left
        return found

    def entries(self, scenario: int) -> tuple[tuple[int, float], ...]:
        """The nodes of a scenario that are out, each once, with the share of capacity left."""
        first, past = np.searchsorted(np.asarray(self.scenario), [scenario, scenario + 1])
        least: dict[int, float] = {}
        for node, left in zip(
            np.asarray(self.node)[first:past].tolist(), np.asarray(self.left)[first:past].tolist(), strict=True
        ):
            least[node] = min(left, least.get(node, 1.0))
        return tuple(least.items())


def each_node_out(time_to_recover: npt.ArrayLike) -> Outages:
    """One scenario per node: it alone is out, for its own time to recover. NaN (never out) gives duration 0.

    >>> each_node_out([2, 4]).duration.tolist()
    [2.0, 4.0]
    """
    times = np.nan_to_num(np.atleast_1d(checks.nonnegative("time_to_recover", time_to_recover)))
    every = np.arange(times.size)
    return Outages(times, every, every)
