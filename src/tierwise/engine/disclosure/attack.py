"""What a reader can work out of suppressed figures from everything published, now and before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.disclosure.tabulate import ATOM

if TYPE_CHECKING:
    from tierwise.engine.disclosure import programs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SLACK = 1e-7


@dataclass(frozen=True, slots=True)
class Release:
    """One publication as a reader sees it.

    ``members``: ``cell``, ``atom``, which smallest pieces make each cell; an atom that occurs in several releases is
    the same figure in all of them (one contributor's one value). ``values``: ``cell`` and ``value``, null where
    suppressed.
    """

    name: str
    members: pl.DataFrame
    values: pl.DataFrame

    def __post_init__(self) -> None:
        for frame, what, names in (
            (self.members, "members", ("cell", ATOM)),
            (self.values, "values", ("cell", "value")),
        ):
            if missing := [name for name in names if name not in frame.columns]:
                raise ValueError(f"{what}: lacks {missing[0]!r}; it needs {' and '.join(names)}")
        if self.values["cell"].is_duplicated().any():
            raise ValueError(f"values: release {self.name!r} tells a cell twice; keep what was last published")
        unknown = self.values.join(self.members, on="cell", how="anti").filter(pl.col("value") != 0)
        if unknown.height:
            raise ValueError(f"members: nothing makes up cell {unknown['cell'][0]!r} of release {self.name!r}")


@dataclass(frozen=True, slots=True)
class AttackParams:
    """What a reader takes for granted beforehand.

    Every atom lies between ``lower`` and ``upper`` (None: no bound). ``rounding``: values were rounded to multiples of
    it, so that each may be half as much off; 0 where they are exact.
    """

    lower: float | None = 0.0
    upper: float | None = None
    rounding: float = 0.0

    def __post_init__(self) -> None:
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower, upper: {self.lower} is above {self.upper}; swap them")
        if not 0 <= self.rounding < np.inf:
            raise ValueError(f"rounding: is {self.rounding}; give the unit values were rounded to, 0 for none")


DEFAULT = AttackParams()


def attacker_intervals(
    releases: Sequence[Release],
    targets: pl.DataFrame | None = None,
    known: pl.DataFrame | None = None,
    params: AttackParams = DEFAULT,
) -> pl.DataFrame:
    """Between which bounds can a reader of all these releases put each suppressed cell?

    ``targets``: ``target``, ``atom``, the sums asked about; by default the suppressed cells of the last release.
    ``known``: ``atom``, ``value``, what the reader knows besides (its own contributions).
    Result: ``target``, ``low``, ``high`` (infinite where nothing bounds it), in the targets' order. The least and the
    most of Σ atoms subject to every published cell being the sum of its atoms: two linear programs per target, each
    re-solved from the one before; atoms that always occur together count as one. A target without atoms is 0.
    ValueError where releases contradict each other.
    Source: Hundepool et al., Statistical Disclosure Control (2012), 4.3. Handbook, chapter 4: with rows 7 and 3 and
    columns 6 and 4 published, the four suppressed cells lie in

    >>> inner, sums = ["11", "12", "21", "22"], {"r1": "11 12", "r2": "21 22", "c1": "11 21", "c2": "12 22"}
    >>> members = [(a, a) for a in inner] + [(cell, atom) for cell, atoms in sums.items() for atom in atoms.split()]
    >>> told = [(a, None) for a in inner] + [("r1", 7.0), ("r2", 3.0), ("c1", 6.0), ("c2", 4.0)]
    >>> release = Release(
    ...     "march",
    ...     pl.DataFrame(members, schema=["cell", "atom"], orient="row"),
    ...     pl.DataFrame(told, schema={"cell": pl.String, "value": pl.Float64}, orient="row"),
    ... )
    >>> attacker_intervals([release]).rows()
    [('11', 3.0, 6.0), ('12', 1.0, 4.0), ('21', 0.0, 3.0), ('22', 0.0, 3.0)]
    """
    if not releases:
        raise ValueError("releases: give at least one")
    asked = _asked(releases[-1]) if targets is None else targets.select("target", ATOM)
    statements = _statements(releases, known)
    order = asked.select("target").unique(maintain_order=True)
    if not order.height:
        return order.with_columns(low=pl.lit(0.0), high=pl.lit(0.0))
    atoms = pl.concat([statements.select(ATOM), asked.select(ATOM)]).drop_nulls().unique(maintain_order=True)
    atoms = _merged(atoms, statements, asked)
    return _solve(atoms, statements, (asked, order), params)


def _asked(release: Release) -> pl.DataFrame:
    hidden = release.values.filter(pl.col("value").is_null()).select(target="cell")
    return hidden.join(release.members.select(target="cell", atom=ATOM), on="target", how="left", maintain_order="left")


def _statements(releases: Sequence[Release], known: pl.DataFrame | None) -> pl.DataFrame:
    """[statement, atom, value, exact]: what is told, one row per atom of it."""
    parts = []
    for place, release in enumerate(releases):
        told = release.values.filter(pl.col("value").is_not_null()).join(release.members, on="cell")
        named = pl.concat_str(pl.lit(f"{place} "), pl.col("cell"))
        parts.append(
            told.select(named.alias("statement"), ATOM, pl.col("value").cast(pl.Float64), exact=pl.lit(value=False))
        )
    if known is not None:
        named = pl.concat_str(pl.lit("own "), pl.col(ATOM).cast(pl.String))
        parts.append(
            known.select(named.alias("statement"), ATOM, pl.col("value").cast(pl.Float64), exact=pl.lit(value=True))
        )
    return pl.concat(parts)


def _merged(atoms: pl.DataFrame, statements: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """[atom, column, size]: atoms that occur in the same statements and targets share a column of the program."""
    places = pl.concat([
        statements.select(ATOM, pl.concat_str(pl.lit("s"), "statement").alias("place")),
        asked.drop_nulls().select(ATOM, pl.concat_str(pl.lit("t"), pl.col("target").cast(pl.String)).alias("place")),
    ])  # fmt: skip
    signed = places.sort(ATOM, "place").group_by(ATOM, maintain_order=True).agg(pl.col("place").str.join("\x1f"))
    kinds = signed.select("place").unique(maintain_order=True).with_row_index("column")
    found = atoms.join(signed, on=ATOM, maintain_order="left").join(kinds, on="place", maintain_order="left")
    return found.with_columns(size=pl.len().over("column")).select(ATOM, "column", "size")


def _solve(
    atoms: pl.DataFrame, statements: pl.DataFrame, asked: tuple[pl.DataFrame, pl.DataFrame], params: AttackParams
) -> pl.DataFrame:
    order = asked[1]
    left = _unknowns(atoms, statements, asked, params)
    table, first = _program(left)
    ends = [
        (
            apart + left.scale * table.least(first + at, 1.0)[0],
            apart - left.scale * table.least(first + at, -1.0)[0],
        )
        for at, apart in enumerate(left.apart.tolist())
    ]
    found = pl.DataFrame(ends, schema={"low": pl.Float64, "high": pl.Float64}, orient="row")
    return order.hstack([_clean(found[name], left.scale) for name in ("low", "high")])


@dataclass(frozen=True, slots=True, eq=False)
class _Unknowns:
    """What no statement tells by itself: ``limits`` of each, the statements (``pairs`` of statement and unknown, their
    ``value`` and by how much it may be ``off``) and the targets (``wanted`` pairs; ``apart`` is what is known of them).
    """

    limits: tuple[Floats, Floats]
    pairs: tuple[Ints, Ints]
    value: Floats
    off: Floats
    wanted: tuple[Ints, Ints]
    apart: Floats
    scale: float


def _unknowns(
    atoms: pl.DataFrame, statements: pl.DataFrame, asked: tuple[pl.DataFrame, pl.DataFrame], params: AttackParams
) -> _Unknowns:
    from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

    targets, order = asked
    sizes = atoms.select("column", "size").unique().sort("column")["size"].to_numpy().astype(np.float64)
    rows = statements.select("statement").unique(maintain_order=True).with_row_index("row")
    told = statements.join(rows, on="statement").unique(["row"], maintain_order=True).sort("row")
    value, off = told["value"].to_numpy(), np.where(told["exact"].to_numpy(), 0.0, params.rounding / 2)
    scale = max(1.0, float(np.abs(value).max(initial=0.0)))
    limits = tuple(
        np.full(len(sizes), end) if given is None else given * sizes
        for given, end in ((params.lower, -programs.INFINITE), (params.upper, programs.INFINITE))
    )
    stated = statements.join(rows, on="statement").join(atoms, on=ATOM).select("row", "column").unique()
    named = targets.drop_nulls().join(order.with_row_index("row"), on="target")
    sought = named.join(atoms, on=ATOM).select("row", "column").unique()
    pairs, wanted = ((f["row"].to_numpy().astype(np.int64), f["column"].to_numpy()) for f in (stated, sought))
    known = _told_alone(pairs, value, (off, *limits), _SLACK * scale)
    # What is told by itself is no unknown; what it takes part in is told without it.
    value, apart = value - _sums(pairs, known, rows.height), _sums(wanted, known, order.height)
    unknown = np.isnan(known)
    place = np.cumsum(unknown) - 1
    pairs, wanted = ((row[unknown[column]], place[column[unknown[column]]]) for row, column in (pairs, wanted))
    left = np.bincount(pairs[0], minlength=rows.height) > 0
    if (np.abs(value) > off + _SLACK * scale)[~left].any():
        raise ValueError(programs.CONTRADICTION)
    pairs = (np.cumsum(left)[pairs[0]] - 1, pairs[1])
    return _Unknowns(
        (limits[0][unknown], limits[1][unknown]), pairs, value[left], off[left], wanted, apart, scale
    )  # fmt: skip


def _told_alone(pairs: tuple[Ints, Ints], value: Floats, limits: tuple[Floats, ...], dust: float) -> Floats:
    """Per column what an exact statement says about it alone, NaN where none does. ValueError where two differ."""
    from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

    (row, column), (off, lowest, highest) = pairs, limits
    alone = (np.bincount(row, minlength=len(value))[row] == 1) & (off[row] == 0)
    known = np.full(len(lowest), np.nan)
    known[column[alone]] = value[row[alone]]
    differ = np.abs(known[column[alone]] - value[row[alone]]) > dust
    if differ.any() or (known < lowest - dust).any() or (known > highest + dust).any():
        raise ValueError(programs.CONTRADICTION)
    return known


def _sums(pairs: tuple[Ints, Ints], known: Floats, rows: int) -> Floats:
    """Per row the sum over its columns that are known."""
    return np.bincount(pairs[0], weights=np.nan_to_num(known[pairs[1]]), minlength=rows).astype(np.float64)


def _program(left: _Unknowns) -> tuple[programs.Table, int]:
    """The reader's program, and where its targets' columns begin.

    A column of its own per statement (what it may be off by) and per target keeps every question a bound or a cost.
    """
    from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

    count, targets, lines = len(left.limits[0]), np.arange(len(left.apart)), np.arange(len(left.value))
    infinite = np.full(len(targets), programs.INFINITE)
    bounds = (
        np.concatenate([left.limits[0], -infinite, -left.off]) / left.scale,
        np.concatenate([left.limits[1], infinite, left.off]) / left.scale,
    )
    row = np.concatenate([left.pairs[0], lines, len(lines) + left.wanted[0], len(lines) + targets])
    column = np.concatenate([left.pairs[1], count + len(targets) + lines, left.wanted[1], count + targets])
    sign = np.concatenate([np.ones(len(row) - len(targets)), np.full(len(targets), -1.0)])
    order = np.lexsort((column, row))
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(lines) + len(targets)))])
    right = np.concatenate([left.value, np.zeros(len(targets))]) / left.scale
    return programs.Table(start, column[order], sign[order], bounds, right), count


def _clean(ends: pl.Series, scale: float) -> pl.Series:
    huge = np.abs(ends.to_numpy()) > 1e29
    values = np.where(huge, np.sign(ends.to_numpy()), ends.to_numpy())
    # No more digits than the solver's tolerance leaves.
    close = np.round(values, 8 - max(0, int(np.log10(scale))))
    whole = np.where(np.abs(close - np.round(close)) < _SLACK, np.round(close), close)
    return pl.Series(ends.name, np.where(huge, np.where(values > 0, np.inf, -np.inf), whole + 0.0))


def audit_releases(
    needs: pl.DataFrame,
    releases: Sequence[Release],
    targets: pl.DataFrame | None = None,
    known: pl.DataFrame | None = None,
    params: AttackParams = DEFAULT,
) -> pl.DataFrame:
    """Does everything published together leave each sensitive figure as uncertain as it must be?

    ``needs``: ``target``, ``total`` (the true value), ``upper_protection``; the rest as in `attacker_intervals`.
    Result: these with ``low``, ``high`` and ``protected``: low ≤ total − level (or the lower bound, where nearer) and
    high ≥ total + level. A need whose figure is a target of no release comes out unbounded.
    Source: Hundepool et al. (2012), 4.3.

    >>> members = pl.DataFrame({"cell": ["sum", "sum", "rest"], "atom": ["a", "b", "b"]})
    >>> told = pl.DataFrame({"cell": ["sum", "rest"], "value": [90.0, 30.0]})
    >>> ask = pl.DataFrame({"target": ["a"], "atom": ["a"]})
    >>> needs = pl.DataFrame({"target": ["a"], "total": [60.0], "upper_protection": [6.0]})
    >>> audit_releases(needs, [Release("one", members, told)], ask).select("low", "high", "protected").row(0)
    (60.0, 60.0, False)
    """
    found = attacker_intervals(releases, targets, known, params)
    both = needs.join(found, on="target", how="left", maintain_order="left")
    level, slack = pl.col("upper_protection"), _SLACK * pl.max_horizontal(pl.lit(1.0), pl.col("total").abs())
    least = pl.col("total") - level
    if params.lower is not None:
        least = pl.max_horizontal(least, pl.min_horizontal(pl.col("total"), pl.lit(float(params.lower))))
    enough = (pl.col("low") <= least + slack) & (pl.col("high") >= pl.col("total") + level - slack)
    return both.with_columns(
        low=pl.col("low").fill_null(-np.inf),
        high=pl.col("high").fill_null(np.inf),
        protected=enough.fill_null(value=True),
    )
