"""Where a chain hangs by one thread: single points of failure, common tiers, articulation points, smallest cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine import checks
from tierwise.engine.programs import Draft, Program
from tierwise.engine.risk.chain import Bools, Floats, Ints, SupplyChain
from tierwise.engine.risk.order import causes_first


@dataclass(frozen=True, slots=True, eq=False)
class SinglePoints:
    """Pairs: without ``element`` the product node ``product`` cannot be made. Per element (all of them): ``products``
    it stops and the ``value`` per period (demand · unit loss) at stake, to rank by."""

    element: Ints
    product: Ints
    products: Ints
    value: Floats


def single_points(chain: SupplyChain, element: npt.ArrayLike | None = None, *, backups: bool = False) -> SinglePoints:
    """Every element whose loss alone stops a product: the N−1 test for all elements at once.

    ``element``: code per node of what fails together (site, owner, city, node by default), so that two sources of one
    owner or in one city count as one. A node needs all its parts, each from any source: it hangs on its own element,
    and for each part on what all sources of that part hang on. Stock and capacity play no part here (see `exposure` for
    them); ``backups`` counts backup links as sources. One pass over sets of bits, any number of tiers. Source: AND/OR
    reliability graphs; dominators of flow graphs where each node needs one part (Lengauer and Tarjan, TOPLAS 1 (1979)).
    Two sources (1, 2) of node 3 that both buy from 0:

    >>> diamond = SupplyChain(1, [0, 0, 0, 10], 5, 0, source=[0, 0, 1, 2], target=[1, 2, 3, 3])
    >>> found = single_points(diamond)
    >>> found.element.tolist(), found.value.tolist()
    ([0, 3], [50.0, 0.0, 0.0, 50.0])
    """
    code = _elements(chain, element)
    hangs, _ = _hangs(chain, code, backups)
    size = int(code.max(initial=-1)) + 1
    pairs = [(each, int(product)) for product in chain.products for each in _bits(hangs[int(product)])]
    what, where = (np.array(column, np.int64) for column in zip(*sorted(pairs), strict=True)) if pairs else (
        np.empty(0, np.int64), np.empty(0, np.int64),
    )  # fmt: skip
    worth = np.asarray(chain.demand) * np.asarray(chain.unit_loss)
    return SinglePoints(
        what,
        where,
        np.bincount(what, minlength=size),
        np.bincount(what, worth[where], minlength=size).astype(np.float64),
    )


@dataclass(frozen=True, slots=True, eq=False)
class CommonTiers:
    """Rows: ``target`` has several sources of ``part`` and yet all of them hang on ``element``; ``sources`` of them."""

    target: Ints
    part: Ints
    element: Ints
    sources: Ints


def common_tiers(chain: SupplyChain, element: npt.ArrayLike | None = None, *, backups: bool = True) -> CommonTiers:
    """Second sources that are none: parts with several sources which all hang on one element, however far upstream.

    Inputs and source as `single_points`; sources that are themselves of one element count as such a row too.

    >>> diamond = SupplyChain(1, [0, 0, 0, 10], 5, 0, source=[0, 0, 1, 2], target=[1, 2, 3, 3])
    >>> found = common_tiers(diamond)
    >>> found.target.tolist(), found.element.tolist(), found.sources.tolist()
    ([3], [0], [2])
    """
    code = _elements(chain, element)
    _, common = _hangs(chain, code, backups)
    rows = [
        (target, part, each, sources)
        for (target, part), (bits, sources) in sorted(common.items())
        if sources > 1
        for each in _bits(bits)
    ]
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return CommonTiers(*columns)


def _elements(chain: SupplyChain, element: npt.ArrayLike | None) -> Ints:
    code = np.arange(chain.nodes) if element is None else checks.counts("element", element)
    if code.shape != (chain.nodes,):
        raise ValueError(f"element: {code.shape} for {chain.nodes} nodes; give one code per node")
    return code


def _hangs(chain: SupplyChain, code: Ints, backups: bool) -> tuple[list[int], dict[tuple[int, int], tuple[int, int]]]:
    """Per node the set of elements it hangs on, and per need what its sources share and how many they are."""
    usable = np.ones(np.size(chain.source), np.bool_) if backups else ~np.asarray(chain.backup)
    source, target = np.asarray(chain.source), np.asarray(chain.target)
    part = np.asarray(chain.part)
    into: list[dict[int, list[int]]] = [{} for _ in range(chain.nodes)]
    for link in range(source.size):
        sources = into[int(target[link])].setdefault(int(part[link]), [])
        if usable[link]:
            sources.append(int(source[link]))
    hangs = [0] * chain.nodes
    common: dict[tuple[int, int], tuple[int, int]] = {}
    for node in causes_first(chain.nodes, source, target).tolist():
        mine = 1 << int(code[node])
        for kind, sources in into[node].items():
            if not sources:
                continue
            shared = hangs[sources[0]]
            for each in sources[1:]:
                shared &= hangs[each]
            common[node, kind] = (shared, len(sources))
            mine |= shared
        hangs[node] = mine
    return hangs, common


def _bits(number: int) -> list[int]:
    found = []
    while number:
        low = number & -number
        found.append(low.bit_length() - 1)
        number ^= low
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The cheapest ``elements`` that must fail together to stop a product, and their ``weight`` in all."""

    elements: Ints
    weight: float


def smallest_cut(
    chain: SupplyChain, product: int, element: npt.ArrayLike | None = None, weight: npt.ArrayLike | None = None
) -> Cut:
    """How many elements must fail before a product stops, and which: 1 is a single point of failure.

    min Σ weight·z, with a node down only if its element is, or one of its parts is out; a part is out only if all its
    sources are down; the product must be down. ``weight`` per element (default 1; −log of a probability gives the most
    likely cut). Where every node needs one part this is the minimum vertex cut of Menger; the general case is a program
    with whole numbers. ValueError for circles.

    >>> two = SupplyChain(1, [0, 0, 10], 5, 0, source=[0, 1], target=[2, 2])
    >>> smallest_cut(two, 2, weight=[1, 1, 9]).elements.tolist()
    [0, 1]
    """
    code = _elements(chain, element)
    if not 0 <= product < chain.nodes:
        raise ValueError(f"product: {product} is no node; nodes are 0 to {chain.nodes - 1}")
    source, target = np.asarray(chain.source), np.asarray(chain.target)
    causes_first(chain.nodes, source, target)
    size = int(code.max()) + 1
    cost = np.ones(size) if weight is None else checks.nonnegative("weight", weight)
    if cost.shape != (size,) or np.isnan(cost).any():
        raise ValueError(f"weight: {cost.shape} for {size} elements; give one known weight per element")
    need_of, need = chain.needs()
    draft = Draft()
    fails = draft.columns((size,), cost, (0.0, 1.0), whole=True)
    down = draft.columns((chain.nodes,), bounds=(np.arange(chain.nodes) == product, 1.0))
    out = draft.columns((need_of.size,), bounds=(0.0, 1.0))
    cause = draft.rows((chain.nodes,), lower=0.0)
    draft.put(cause.at, down.at, -1.0)
    draft.put(cause.at, fails.at[code], 1.0)
    draft.put(cause.at[need_of], out.at, 1.0)
    every = draft.rows((source.size,), lower=0.0)
    draft.put(every.at, down.at[source], 1.0)
    draft.put(every.at, out.at[need], -1.0)
    found = Program(draft).solve()
    return Cut(np.flatnonzero(found.value(fails) > 0.5), found.objective)


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """``points``: nodes whose loss splits the network; ``bridges``: links (positions) that do; ``parts`` into which it
    falls already."""

    points: Ints
    bridges: Ints
    parts: int


def articulation_points(nodes: int, one: npt.ArrayLike, other: npt.ArrayLike) -> Joints:
    """Nodes and links without which an undirected network falls apart: sites that all flows of a region pass.

    ``one`` and ``other``: the ends of each link; parallel links are no bridges, loops count for nothing. One walk, in
    compiled code. Source: Tarjan, SIAM Journal on Computing 1(2) (1972) 146-160. Two triangles joined at node 2:

    >>> articulation_points(5, [0, 1, 2, 2, 3, 4], [1, 2, 0, 3, 4, 2]).points.tolist()
    [2]
    """
    from tierwise.engine.risk.structure_kernels import joints  # noqa: PLC0415 - the compiler loads on first use

    a, b = np.atleast_1d(checks.counts("one", one)), np.atleast_1d(checks.counts("other", other))
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError("one, other: give two ends per link")
    if a.size and max(int(a.max()), int(b.max())) >= nodes:
        raise ValueError(f"one, other: name a node beyond {nodes - 1}")
    ends, links = np.concatenate([a, b]), np.tile(np.arange(a.size), 2)
    order = np.argsort(ends, kind="stable")
    first = np.searchsorted(ends[order], np.arange(nodes + 1)).astype(np.int64)
    point, bridge, parts = joints(first, np.concatenate([b, a])[order], links[order])
    marked: tuple[Bools, Bools] = (point, bridge)
    return Joints(np.flatnonzero(marked[0]), np.flatnonzero(marked[1]), int(parts))
