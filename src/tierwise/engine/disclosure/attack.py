"""What a reader can work out of suppressed figures from everything published, now and before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tierwise.engine.disclosure.tabulate import ATOM

Floats = npt.NDArray[np.float64]

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
    from tierwise.engine.disclosure import programs  # noqa: PLC0415 - the solver loads on first use

    targets, order = asked
    sizes = atoms.select("column", "size").unique().sort("column")["size"].to_numpy().astype(np.float64)
    rows = statements.select("statement").unique(maintain_order=True).with_row_index("row")
    columns = len(sizes) + order.height + rows.height
    lower, upper = np.full(columns, -programs.INFINITE), np.full(columns, programs.INFINITE)
    lower[: len(sizes)] = -programs.INFINITE if params.lower is None else params.lower * sizes
    upper[: len(sizes)] = programs.INFINITE if params.upper is None else params.upper * sizes
    told = statements.join(rows, on="statement").unique(["row"], maintain_order=True).sort("row")
    half = np.where(told["exact"].to_numpy(), 0.0, params.rounding / 2)
    # A column of its own per statement (what it may be off by) and per target keeps every question a bound or a cost.
    slack = slice(len(sizes) + order.height, columns)
    lower[slack], upper[slack] = -half, half
    pairs = statements.join(rows, on="statement").join(atoms, on=ATOM).select("row", "column").unique()
    numbered = order.with_row_index("place")
    wanted = targets.drop_nulls().join(numbered, on="target").join(atoms, on=ATOM).select("place", "column").unique()
    entries = pl.concat(
        _entries(frame, at, sign)
        for frame, at, sign in (
            (pairs, (0, 0), 1.0),
            (rows.with_columns(column="row"), (0, slack.start), 1.0),
            (wanted.rename({"place": "row"}), (rows.height, 0), 1.0),
            (numbered.with_columns(row="place", column="place"), (rows.height, len(sizes)), -1.0),
        )
    ).sort("row", "column")
    total = rows.height + order.height
    start = np.concatenate([[0], np.cumsum(np.bincount(entries["row"].to_numpy(), minlength=total))])
    right = np.concatenate([told["value"].to_numpy(), np.zeros(order.height)])
    scale = max(1.0, float(np.abs(right).max(initial=0.0)))
    table = programs.Table(
        start, entries["column"].to_numpy(), entries["value"].to_numpy(), (lower / scale, upper / scale), right / scale
    )
    ends = [
        (scale * table.least(len(sizes) + place, 1.0)[0], -scale * table.least(len(sizes) + place, -1.0)[0])
        for place in range(order.height)
    ]
    found = pl.DataFrame(ends, schema={"low": pl.Float64, "high": pl.Float64}, orient="row")
    return order.hstack([_clean(found[name], scale) for name in ("low", "high")])


def _entries(pairs: pl.DataFrame, at: tuple[int, int], sign: float) -> pl.DataFrame:
    """Entries of the program's matrix, their rows and columns moved."""
    row, column = (pl.col(name).cast(pl.Int64) + moved for name, moved in zip(("row", "column"), at, strict=True))
    return pairs.select(row=row, column=column, value=pl.lit(sign))


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
