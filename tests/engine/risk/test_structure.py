"""Single points, common tiers, cuts and joints against removal of every node, brute force and networkx."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow

from tierwise.engine.risk import SupplyChain, articulation_points, common_tiers, single_points, smallest_cut

SEEDS = st.integers(0, 10**6)


def random_chain(seed: int, nodes: int = 9) -> SupplyChain:
    draw = np.random.default_rng(seed)
    rows = [
        (int(s), t, part)
        for t in range(3, nodes)
        for part in range(draw.integers(1, 3))
        for s in draw.choice(t, draw.integers(1, min(t, 3) + 1), replace=False)
    ]
    source, target, part = (np.array(column) for column in zip(*rows, strict=True))
    return SupplyChain(
        1, np.arange(nodes) >= nodes - 2, 10, 0, source, target, part, backup=draw.random(len(rows)) < 0.1
    )


def stopped(chain: SupplyChain, lost: set[int], element: np.ndarray, backups: bool = True) -> list[bool]:
    """Which nodes stop when these elements are lost: by the definition, node after node."""
    found: list[bool] = []
    for node in range(chain.nodes):
        out = int(element[node]) in lost
        for kind in np.unique(chain.part[chain.target == node]):
            here = (chain.target == node) & (chain.part == kind) & (backups | ~chain.backup)
            sources = chain.source[here]
            out |= bool(sources.size) and all(found[s] for s in sources)
        found.append(out)
    return found


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.booleans())
def test_single_points_are_what_stops_a_product_alone(seed: int, backups: bool) -> None:
    chain = random_chain(seed)
    element = np.random.default_rng(seed).integers(0, 6, chain.nodes)
    found = single_points(chain, element, backups=backups)
    pairs = {
        (e, p) for e in range(6) for p in chain.products.tolist() if stopped(chain, {e}, element, backups)[p]
    }  # fmt: skip
    assert set(zip(found.element.tolist(), found.product.tolist(), strict=True)) == pairs
    assert found.value.sum() == pytest.approx(10 * len(pairs))


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_common_tiers_stop_every_source_of_a_part(seed: int) -> None:
    chain = random_chain(seed)
    every = np.arange(chain.nodes)
    found = common_tiers(chain)
    rows = set(zip(found.target.tolist(), found.part.tolist(), found.element.tolist(), strict=True))
    expected = set()
    for target, part in {(int(t), int(p)) for t, p in zip(chain.target, chain.part, strict=True)}:
        sources = chain.source[(chain.target == target) & (chain.part == part)]
        if sources.size > 1:
            expected |= {
                (target, part, e) for e in range(chain.nodes) if all(stopped(chain, {e}, every)[s] for s in sources)
            }
    assert rows == expected


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_the_smallest_cut_is_the_cheapest_of_all_sets(seed: int) -> None:
    chain = random_chain(seed, 8)
    weight = np.random.default_rng(seed).integers(1, 6, 8).astype(float)
    product = 7
    every = np.arange(8)
    best = min(
        sum(weight[list(lost)])
        for size in range(1, 5)
        for lost in itertools.combinations(range(8), size)
        if stopped(chain, set(lost), every)[product]
    )
    found = smallest_cut(chain, product, weight=weight)
    assert found.weight == pytest.approx(best)
    assert stopped(chain, set(found.elements.tolist()), every)[product]
    single = set(
        single_points(chain, backups=True).element[single_points(chain, backups=True).product == product].tolist()
    )
    assert (smallest_cut(chain, product).weight == 1) == bool(single)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_with_one_part_each_the_cut_is_the_flow_of_menger(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = [(int(s), t) for t in range(3, 8) for s in draw.choice(t, draw.integers(1, 4), replace=False)]
    source, target = (np.array(column) for column in zip(*rows, strict=True))
    chain = SupplyChain(1, np.arange(8) == 7, 1, 0, source, target)
    # Nodes are split into an entry (2k) and an exit (2k + 1); 16 feeds those without sources.
    many = 100
    ends = [(2 * k, 2 * k + 1, many if k == 7 else 1) for k in range(8)]
    ends += [(2 * s + 1, 2 * t, many) for s, t in rows] + [(16, 2 * k, many) for k in range(8) if k not in target]
    graph = csr_matrix(
        ([e[2] for e in ends], ([e[0] for e in ends], [e[1] for e in ends])), shape=(17, 17), dtype=np.int32
    )
    weight = np.where(np.arange(8) == 7, many, 1)
    assert smallest_cut(chain, 7, weight=weight).weight == pytest.approx(maximum_flow(graph, 16, 15).flow_value)


def parts_of(nodes: set[int], links: list[tuple[int, int]]) -> int:
    left, parts = set(nodes), 0
    while left:
        parts += 1
        reach = [left.pop()]
        while reach:
            here = reach.pop()
            near = {b if a == here else a for a, b in links if here in (a, b)} & left
            left -= near
            reach += near
    return parts


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_joints_are_what_splits_the_network(seed: int) -> None:
    draw = np.random.default_rng(seed)
    nodes, size = 9, int(draw.integers(0, 14))
    links = [(int(a), int(b)) for a, b in draw.integers(0, nodes, (size, 2))]
    found = articulation_points(nodes, [a for a, _ in links], [b for _, b in links])
    whole = parts_of(set(range(nodes)), links)
    alone = {n for n in range(nodes) if all(n not in link or link[0] == link[1] for link in links)}
    points = [
        n for n in range(nodes)
        if parts_of(set(range(nodes)) - {n}, [x for x in links if n not in x]) > whole - (n in alone)
    ]  # fmt: skip
    bridges = [k for k in range(size) if parts_of(set(range(nodes)), links[:k] + links[k + 1 :]) > whole]
    assert found.parts == whole
    assert found.points.tolist() == points
    assert found.bridges.tolist() == bridges


def test_joints_of_a_large_network_are_those_of_networkx() -> None:
    networkx = pytest.importorskip("networkx")
    draw = np.random.default_rng(4)
    one, other = draw.integers(0, 3000, (2, 3300))
    graph = networkx.Graph(list(zip(one.tolist(), other.tolist(), strict=True)))
    assert set(articulation_points(3000, one, other).points.tolist()) == set(networkx.articulation_points(graph))


def test_the_kernel_as_plain_python_says_the_same() -> None:
    from tierwise.engine.risk import structure_kernels

    first, to, link = np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1]), np.array([0, 0, 1, 1])
    compiled, plain = structure_kernels.joints(first, to, link), structure_kernels.joints.py_func(first, to, link)
    assert compiled[0].tolist() == plain[0].tolist() == [False, True, False]
    assert compiled[1].tolist() == plain[1].tolist() == [True, True]


def test_one_owner_of_two_sources_counts_as_one() -> None:
    two = SupplyChain(1, [0, 0, 10], 5, 0, source=[0, 1], target=[2, 2])
    assert single_points(two).element.tolist() == [2]
    assert single_points(two, element=[0, 0, 1]).element.tolist() == [0, 1]
    assert common_tiers(two, element=[0, 0, 1]).element.tolist() == [0]


def test_nothing_at_all_and_what_is_refused() -> None:
    assert single_points(SupplyChain(1, [0, 0], 5, 0, [0], [1])).element.size == 0
    assert articulation_points(0, [], []).parts == 0
    circle = SupplyChain(1, [0, 1], 5, 0, [0, 1], [1, 0])
    for call, field in (
        (lambda: single_points(circle), "circle"),
        (lambda: smallest_cut(circle, 1), "circle"),
        (lambda: smallest_cut(circle, 9), "product"),
        (lambda: single_points(circle, [1]), "element"),
        (lambda: smallest_cut(SupplyChain(1, [0, 1], 5, 0, [0], [1]), 1, weight=[1]), "weight"),
        (lambda: articulation_points(2, [0], [5]), "beyond"),
        (lambda: articulation_points(2, [0], []), "ends"),
    ):
        with pytest.raises(ValueError, match=field):
            call()
