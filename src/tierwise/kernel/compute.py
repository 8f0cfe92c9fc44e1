"""Where heavy steps are worked: in this process, or spread over a Ray cluster. The functions are the same.

``TIERWISE_COMPUTE`` is empty for this process (Polars and compiled kernels use its cores anyway), or ``ray`` for the
cluster that ``RAY_ADDRESS`` names; without an address a cluster of this machine's cores is started. Every node needs
the same version of Tierwise. Nodes compute only: they need neither database nor lake.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

Part = TypeVar("Part")
Found = TypeVar("Found")

_TASKS_PER_CORE = 2
"""Parts travel in so many groups per core: few enough to share what they build once, enough to even out."""


class Compute(Protocol):
    """Applies a function to each part; results in the order of the parts."""

    def spread(self, function: Callable[..., Found], parts: Sequence[Any], shared: tuple[Any, ...]) -> list[Found]: ...

    def groups(self) -> int: ...


def spread(function: Callable[..., Found], parts: Sequence[Part], *shared: Any) -> list[Found]:
    """``function(part, *shared)`` for each part, in order, wherever heavy steps are worked.

    The function is one of a module, and pure: what it returns follows from its arguments alone. Parts, shared
    arguments and results travel between machines.
    """
    if len(parts) < 2:
        return [function(part, *shared) for part in parts]
    return chosen(settings.TIERWISE_COMPUTE).spread(function, parts, shared)


def in_turn(function: Callable[..., Found], parts: Iterable[Part], *shared: Any) -> Iterator[Found]:
    """What :func:`spread` returns, one after the other, of parts that are made as they are asked for.

    No more of them are there at a time than are worked at a time: one in this process.
    """
    coming = iter(parts)
    while together := list(islice(coming, max(1, chosen(settings.TIERWISE_COMPUTE).groups()))):
        yield from spread(function, together, *shared)


def grouped(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts that share what they build, in as many groups as are worked at a time: all of them in this process."""
    size = -(-len(parts) // max(1, chosen(settings.TIERWISE_COMPUTE).groups()))
    return [list(parts[start : start + size]) for start in range(0, len(parts), size)]


@cache
def chosen(name: str) -> Compute:
    if name in {"", "local"}:
        return _Here()
    if name == "ray":
        return _Ray()
    raise ImproperlyConfigured(f"TIERWISE_COMPUTE: {name!r} is not known; leave it empty, or give 'ray'")


class _Here:
    def spread(self, function: Callable[..., Found], parts: Sequence[Any], shared: tuple[Any, ...]) -> list[Found]:
        return [function(part, *shared) for part in parts]

    def groups(self) -> int:
        return 1


class _Ray:
    def __init__(self) -> None:
        try:
            import ray  # noqa: PLC0415 - an optional extra that takes a second to import
        except ImportError as error:
            raise ImproperlyConfigured("TIERWISE_COMPUTE=ray needs the extra: pip install 'tierwise[ray]'") from error
        self.ray: Any = ray
        if not ray.is_initialized():
            ray.init(log_to_driver=False, runtime_env=_ENVIRONMENT)

    def spread(self, function: Callable[..., Found], parts: Sequence[Any], shared: tuple[Any, ...]) -> list[Found]:
        task = self.ray.remote(_several)
        held = [self.ray.put(each) for each in shared]
        size = -(-len(parts) // self.groups())
        groups = [list(parts[start : start + size]) for start in range(0, len(parts), size)]
        return [
            each for found in self.ray.get([task.remote(function, group, *held) for group in groups]) for each in found
        ]

    def groups(self) -> int:
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)) * _TASKS_PER_CORE)


_ENVIRONMENT = {
    # Functions are found by their name; their modules want Django to be ready.
    "worker_process_setup_hook": "django.setup",
    "env_vars": {"DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")},
}


def _several(function: Callable[..., Found], parts: Sequence[Any], *shared: Any) -> list[Found]:
    return [function(part, *shared) for part in parts]
