"""Policy facets: what a segment's policy may say, declared by the module that obeys it.

>>> @register_facet("cadence")
... @dataclass(frozen=True)
... class Cadence(Facet):
...     horizon_days: int = setting(180, Combine.STRICTEST, Better.HIGHER, within=(7, 1080))

A facet is a frozen dataclass whose fields carry their default, their bounds and how several segments' values become
one on a lane that serves them all. Code asks for its facet; no code asks which segment it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, ClassVar, TypeVar, get_type_hints

from tierwise.engine.lane_policy import Better, Combine, FieldRule

F = TypeVar("F", bound="Facet")


@dataclass(frozen=True)
class Facet:
    """Base of all facets: checks every value against its declared bounds."""

    name: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            value, bounds = getattr(self, each.name), each.metadata
            least, most = bounds.get("within") or (None, None)
            order = bounds.get("order", ())
            if order and value not in order:
                raise ValueError(f"{each.name}: {value!r} is not one of {', '.join(order)}")
            if least is not None and value < least:
                raise ValueError(f"{each.name}: {value} is below {least}")
            if most is not None and value > most:
                raise ValueError(f"{each.name}: {value} is above {most}")


def setting(
    default: Any,
    combine: Combine = Combine.SINGLE,
    better: Better | None = None,
    *,
    within: tuple[float, float] | None = None,
    order: tuple[str, ...] = (),
) -> Any:
    """A field of a facet: default, least and most value, and how it combines on a lane that serves several segments."""
    metadata = {"combine": combine, "better": better, "within": within, "order": order}
    return field(default=default, metadata=metadata)


_facets: dict[str, type[Facet]] = {}


def register_facet(name: str) -> Callable[[type[F]], type[F]]:
    """Makes a facet known by the name that scheme documents use."""

    def register(cls: type[F]) -> type[F]:
        cls.name = name
        _facets[name] = cls
        return cls

    return register


def facets() -> dict[str, type[Facet]]:
    return dict(_facets)


def read_facet(cls: type[F], values: Mapping[str, Any] | None) -> F:
    """A facet from given values; what is missing takes the default. ValueError names the field."""
    given = dict(values or {})
    hints = get_type_hints(cls)
    known = {each.name for each in fields(cls)}
    if unknown := sorted(set(given) - known):
        raise ValueError(f"{unknown[0]}: unknown in facet {cls.name}; it has {', '.join(sorted(known))}")
    return cls(**{name: _converted(name, value, hints[name]) for name, value in given.items()})


def _converted(name: str, value: Any, wanted: type) -> Any:
    try:
        if wanted is bool:
            return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]
        if wanted in {int, float, str}:
            return wanted(value)
        return value
    except (TypeError, ValueError, KeyError):
        raise ValueError(f"{name}: {value!r} is not a {wanted.__name__}") from None


def facet_rules() -> list[FieldRule]:
    """How every field of every facet combines, named ``facet.field``."""
    return [
        FieldRule(
            f"{name}.{each.name}",
            each.metadata["combine"],
            each.metadata["better"],
            tuple(each.metadata["order"]),
            Decimal(1) if each.type in {"int", int} and each.metadata["combine"] is Combine.WEIGHTED else None,
        )
        for name, cls in sorted(_facets.items())
        for each in fields(cls)
    ]


@register_facet("collaboration")
@dataclass(frozen=True)
class Collaboration(Facet):
    """How deeply a segment is worked on with its suppliers. The scheme decides it within the hours of both sides;
    before any scheme has, nothing is limited."""

    depth: str = setting("deep", Combine.STRICTEST, Better.HIGHER, order=("none", "standard", "deep"))


@register_facet("attribution")
@dataclass(frozen=True)
class Attribution(Facet):
    """How supply facts count for segments, and from which share a supplier serves one."""

    basis: str = setting("mix", order=("mix", "lead", "pegged"))
    window_days: int = setting(90, Combine.STRICTEST, Better.HIGHER, within=(7, 730))
    support_share: float = setting(0.05, Combine.STRICTEST, Better.LOWER, within=(0.0, 1.0))
