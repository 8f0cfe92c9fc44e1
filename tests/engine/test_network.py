"""Which nodes demand reaches, which bill holds where, and what is refused."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tierwise.engine.network import Network, build_network, rows_valid_on


def _bom(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["parent", "component", "site", "quantity_per"], orient="row")


def _arcs(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["item", "from_site", "to_site", "share"], orient="row")


def _at(*nodes: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(nodes, schema=["item", "site"], orient="row")


def _labels(network: Network) -> set[str]:
    return {network.label(node) for node in range(network.node_count)}


def _links(network: Network) -> dict[tuple[str, str], float]:
    first, to = network.reached.first, network.reached.to
    return {
        (network.label(node), network.label(int(to[link]))): float(network.reached.factor[link])
        for node in range(network.node_count)
        for link in range(first[node], first[node + 1])
    }


def test_only_what_demand_reaches_becomes_a_node() -> None:
    bom = _bom(("BIKE", "WHEEL", "*", 2), ("WHEEL", "SPOKE", "*", 36), ("CAR", "ENGINE", "*", 1))
    network = build_network(_at(("BIKE", "*")), bom)
    assert _labels(network) == {"BIKE", "WHEEL", "SPOKE"}
    assert network.level[network.nodes_of("SPOKE")].tolist() == [2]
    assert network.nodes_of("ENGINE").size == 0
    assert network.nodes_of("NOWHERE").size == 0


def test_low_level_code_is_the_longest_way_down() -> None:
    bom = _bom(("A", "C", "*", 1), ("A", "B", "*", 1), ("B", "C", "*", 1))
    network = build_network(_at(("A", "*")), bom)
    assert network.level[network.nodes_of("C")].tolist() == [2]


def test_a_named_site_replaces_the_general_row_of_that_component_only() -> None:
    bom = _bom(("A", "X", "*", 1), ("A", "Y", "*", 5), ("A", "X", "S1", 3), ("A", "Z", "S2", 7))
    network = build_network(_at(("A", "S1"), ("A", "S2"), ("A", "S3"), ("A", "*")), bom)
    links = _links(network)
    assert {child: factor for (parent, child), factor in links.items() if parent == "A@S1"} == {"X@S1": 3, "Y@S1": 5}
    assert {child: factor for (parent, child), factor in links.items() if parent == "A@S2"} == {
        "X@S2": 1,
        "Y@S2": 5,
        "Z@S2": 7,
    }
    assert {child: factor for (parent, child), factor in links.items() if parent == "A@S3"} == {"X@S3": 1, "Y@S3": 5}
    assert {child: factor for (parent, child), factor in links.items() if parent == "A"} == {"X": 1, "Y": 5, "Z": 3.5}


def test_what_arrives_by_transfer_is_not_exploded_twice() -> None:
    bom = _bom(("A", "X", "*", 2))
    links = _links(build_network(_at(("A", "DC")), bom, _arcs(("A", "PLANT", "DC", 0.75))))
    assert links == {("A@DC", "A@PLANT"): 0.75, ("A@DC", "X@DC"): 0.5, ("A@PLANT", "X@PLANT"): 2.0}


def test_made_within_a_site_is_no_movement() -> None:
    arcs = _arcs(("A", "S1", "S1", 1.0)).with_columns(kind=pl.lit("make"))
    assert _links(build_network(_at(("A", "S1")), _bom(("A", "X", "*", 2)), arcs)) == {("A@S1", "X@S1"): 2.0}


def test_a_cycle_is_named_by_its_codes() -> None:
    bom = _bom(("A", "B", "*", 1), ("B", "C", "*", 1), ("C", "B", "*", 0.1))
    with pytest.raises(ValueError, match=r"circle: (B → C → B|C → B → C);"):
        build_network(_at(("A", "*")), bom)


def test_transfers_that_run_in_a_circle_are_named_with_their_sites() -> None:
    arcs = _arcs(("A", "S1", "S2", 0.5), ("A", "S2", "S1", 0.5))
    with pytest.raises(ValueError, match=r"A@S1 → A@S2 → A@S1|A@S2 → A@S1 → A@S2"):
        build_network(_at(("A", "S1")), arcs=arcs)


def test_a_row_with_share_zero_closes_no_circle() -> None:
    bom = _bom(("A", "B", "*", 1), ("B", "A", "*", 0))
    assert build_network(_at(("A", "*")), bom).node_count == 2


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("yield_ratio", 0.0, r"bom\.yield_ratio .* parent A"),
        ("quantity_per", -1.0, r"bom\.quantity_per"),
        ("quantity_per", float("nan"), r"bom\.quantity_per"),
        ("version_share", 1.2, r"bom\.version_share"),
        ("component", "A", r"bom\.component"),
    ],
)
def test_wrong_bill_rows_are_refused_by_field(column: str, value: object, message: str) -> None:
    bom = _bom(("A", "B", "*", 1)).with_columns(pl.lit(value).alias(column))
    with pytest.raises(ValueError, match=message):
        build_network(_at(("A", "*")), bom)


def test_two_versions_with_full_shares_are_refused() -> None:
    bom = pl.DataFrame({"parent": ["A", "A"], "component": ["B", "C"], "quantity_per": [1, 1], "version": ["1", "2"]})
    with pytest.raises(ValueError, match="production versions"):
        build_network(_at(("A", "*")), bom)


def test_transfer_shares_above_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"arcs\.share .* item A, to_site S1|arcs\.share .* item A"):
        build_network(_at(("A", "S1")), arcs=_arcs(("A", "S2", "S1", 0.6), ("A", "S3", "S1", 0.6)))


def test_missing_columns_are_named() -> None:
    with pytest.raises(ValueError, match=r"bom lacks .* quantity_per"):
        build_network(_at(("A", "*")), pl.DataFrame({"parent": ["A"], "component": ["B"]}))


def test_rows_hold_from_their_first_to_their_last_day() -> None:
    rows = pl.DataFrame(
        {"valid_from": [date(2025, 1, 1), None, date(2025, 3, 1)], "valid_to": [date(2025, 2, 28), None, None]}
    )
    counts = [rows_valid_on(rows, day).height for day in (date(2024, 1, 1), date(2025, 2, 28), date(2025, 3, 1))]
    assert counts == [1, 2, 2]


def test_of_overlapping_rows_the_one_that_starts_last_holds() -> None:
    bom = _bom(("A", "B", "*", 1), ("A", "B", "*", 4))
    dated = bom.with_columns(valid_from=pl.Series([date(2025, 1, 1), date(2025, 6, 1)]))
    assert _links(build_network(_at(("A", "*")), dated)) == {("A", "B"): 4.0}
    assert _links(build_network(_at(("A", "*")), bom)) == {("A", "B"): 5.0}


def test_no_demand_gives_an_empty_network() -> None:
    assert build_network(_at().cast(pl.String), _bom(("A", "B", "*", 1))).node_count == 0
