"""An order in which causes come before effects, from the walk that the bills of material use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def causes_first(nodes: int, source: npt.ArrayLike, target: npt.ArrayLike, names: Sequence[str] | None = None) -> Ints:
    """Nodes with every source before its targets. ValueError naming nodes of a circle, by ``names`` if there are."""
    from tierwise.engine.network.kernels import topological_order  # noqa: PLC0415 - the compiler loads on first use

    up, down = np.asarray(source, np.int64), np.asarray(target, np.int64)
    by_source = np.argsort(up, kind="stable")
    first = np.searchsorted(up[by_source], np.arange(nodes + 1)).astype(np.int64)
    order, _, done = topological_order(first, down[by_source].astype(np.int32))
    if done < nodes:
        left = np.setdiff1d(np.arange(nodes), order[:done])[:5].tolist()
        told = left if names is None else [names[node] for node in left]
        raise ValueError(f"source, target: run in a circle near nodes {told}; cut one of these links")
    return order.astype(np.int64)
