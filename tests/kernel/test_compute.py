"""Heavy steps give the same results wherever they are worked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import pytest
from django.core.exceptions import ImproperlyConfigured
from polars.testing import assert_frame_equal

from tierwise.engine.mix import WindowParams, joined_mixes, period_mixes, window_mix
from tierwise.engine.network.build import NO_ARCS, NO_BOM
from tierwise.kernel import compute
from tierwise.kernel.compute import spread

START = date(2025, 1, 1)


def squared(part: int, add: int) -> int:
    return part**2 + add


def where(part: int) -> tuple[int, str]:
    import ray

    return part, ray.get_runtime_context().get_node_id()


@pytest.fixture(autouse=True)
def forget_the_choice() -> Iterator[None]:
    compute.chosen.cache_clear()
    yield
    compute.chosen.cache_clear()


def test_parts_are_worked_in_order_here(settings: object) -> None:
    assert spread(squared, range(5), 1) == [1, 2, 5, 10, 17]
    assert spread(squared, [], 1) == []


def test_an_unknown_place_is_refused(settings: object) -> None:
    settings.TIERWISE_COMPUTE = "spark"  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="TIERWISE_COMPUTE: 'spark'"):
        spread(squared, [1, 2], 0)


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[None]:
    """A cluster of two nodes with a core each, on this machine."""
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    yield
    ray.shutdown()
    cluster.shutdown()
    del os.environ["RAY_ADDRESS"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_two_nodes_give_what_one_process_gives(two_nodes: None, settings: object) -> None:
    days = [START + timedelta(days=number) for number in range(720)]
    demand = pl.DataFrame({
        "item": [f"I{number % 7}" for number in range(720)], "segment": [f"S{number % 3}" for number in range(720)],
        "units": [float(number % 11 + 1) for number in range(720)], "date": days,
    })  # fmt: skip
    starts = [START + timedelta(days=90 + 30 * number) for number in range(20)]
    runs, params = [starts[:7], starts[7:14], starts[14:]], WindowParams(60)
    settings.TIERWISE_COMPUTE = "ray"  # type: ignore[attr-defined]

    mixes = spread(period_mixes, runs, demand, NO_BOM, NO_ARCS, params)
    assert_frame_equal(joined_mixes(mixes, starts), window_mix(demand, starts, params=params))
    assert spread(squared, range(40), 2) == [number**2 + 2 for number in range(40)]

    found = spread(where, range(64))
    assert [part for part, _ in found] == list(range(64))
    assert len({node for _, node in found}) == 2
