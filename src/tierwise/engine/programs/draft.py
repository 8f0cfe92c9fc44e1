"""The parts of a program before it is solved: blocks of columns and rows, and what stands where they cross."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a planner reads when constraints of one kind take part in a conflict: their ``name``, what ``axes`` count,
    and the ``remedy``."""

    name: str
    axes: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class Block:
    """Columns or rows that belong together, from position ``first``. Without a ``kind`` they can never give way."""

    shape: tuple[int, ...]
    first: int
    kind: Kind | None = None

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def at(self) -> Ints:
        """Positions among all columns or rows, in the block's own shape."""
        return np.arange(self.first, self.first + self.size).reshape(self.shape)

    @property
    def span(self) -> slice:
        return slice(self.first, self.first + self.size)

    def place(self, offset: int) -> tuple[int, ...]:
        return tuple(int(each) for each in np.unravel_index(offset, self.shape))


@dataclass(slots=True)
class _Side:
    blocks: list[Block] = field(default_factory=list)
    arrays: dict[str, list[npt.NDArray[np.generic]]] = field(default_factory=dict)
    count: int = 0

    def add(self, block: Block, **arrays: npt.ArrayLike) -> Block:
        self.blocks.append(block)
        self.count += block.size
        for name, given in arrays.items():
            wide = np.broadcast_to(np.asarray(given, dtype=np.float64), block.shape).ravel()
            self.arrays.setdefault(name, []).append(wide)
        return block

    def joined(self, name: str) -> Floats:
        parts = self.arrays.get(name, [])
        return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)


class Draft:
    """Collects blocks, then becomes a :class:`~tierwise.engine.programs.program.Program`.

    Columns have a cost, bounds and perhaps must be whole; rows have bounds; ``put`` adds coefficients as arrays of
    rows, columns and values (same place twice: added up).

    >>> from tierwise.engine.programs import Program
    >>> draft = Draft()
    >>> make = draft.columns((2,), [-3, -5], (0, [4, np.inf]))
    >>> hours = draft.rows((2,), upper=[12, 18])
    >>> draft.put(hours.at[[0, 1, 1]], make.at[[1, 0, 1]], [2, 3, 2])
    >>> found = Program(draft).solve()
    >>> found.value(make).tolist(), found.objective, found.price(hours).round(6).tolist()
    ([2.0, 6.0], -36.0, [-1.5, -1.0])
    """

    def __init__(self) -> None:
        self.column_side, self.row_side = _Side(), _Side()
        self._entries: list[tuple[Ints, Ints, Floats]] = []

    def columns(
        self,
        shape: tuple[int, ...],
        cost: npt.ArrayLike = 0.0,
        bounds: tuple[npt.ArrayLike, npt.ArrayLike] = (0.0, np.inf),
        *,
        whole: npt.ArrayLike = False,
        kind: Kind | None = None,
    ) -> Block:
        block = Block(shape, self.column_side.count, kind)
        return self.column_side.add(block, cost=cost, lower=bounds[0], upper=bounds[1], whole=whole)

    def rows(
        self,
        shape: tuple[int, ...],
        *,
        lower: npt.ArrayLike = -np.inf,
        upper: npt.ArrayLike = np.inf,
        kind: Kind | None = None,
    ) -> Block:
        block = Block(shape, self.row_side.count, kind)
        return self.row_side.add(block, lower=lower, upper=upper)

    def put(self, rows: npt.ArrayLike, columns: npt.ArrayLike, values: npt.ArrayLike) -> None:
        at, where, what = np.broadcast_arrays(
            np.asarray(rows, np.int64), np.asarray(columns, np.int64), np.asarray(values, np.float64)
        )
        self._entries.append((at.ravel(), where.ravel(), what.ravel()))

    def entries(self) -> tuple[Ints, Ints, Floats]:
        if not self._entries:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        rows, columns, values = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        return rows, columns, values
