"""What a buyer owes for goods and material it authorised and then did not take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from tierwise.engine import checks
from tierwise.engine.contracts.money import CENTS, Rounding, exact_columns, product


@dataclass(frozen=True, slots=True)
class AuthorisationTerms:
    """How far ahead of each release finished goods (``finished_days``) and raw material (``material_days``, at least as
    far) are authorised, and how amounts are rounded."""

    finished_days: int
    material_days: int
    rounding: Rounding = CENTS

    def __post_init__(self) -> None:
        if self.finished_days < 0:
            raise ValueError(f"finished_days: {self.finished_days} must be 0 or more")
        if self.material_days < self.finished_days:
            raise ValueError(f"material_days: {self.material_days} is less than finished_days {self.finished_days}")


def cumulate_authorisations(
    schedule: pl.DataFrame, positions: pl.DataFrame, terms: AuthorisationTerms, keys: Sequence[str] = ("item",)
) -> pl.DataFrame:
    """Cumulative authorised quantities at each release of a delivery schedule.

    ``schedule``: ``keys``, ``released``, ``due`` (Date), ``quantity`` still open at that release (integer or Decimal;
    overdue quantities are part of it). ``positions``: ``keys``, ``released``, ``cum_start`` (Date from which cumulative
    quantities count), ``received`` (cumulative since then). One row per position, sorted: adds ``finished`` = received
    + quantities due within ``finished_days`` of the release, ``material`` likewise. A release with an empty schedule
    authorises what was received. X12 830: ATH02 "FI" and "MT", ATH03 = these quantities, ATH05 = ``cum_start``.

    >>> from datetime import date
    >>> day = date(2024, 1, 1)
    >>> due = [date(2024, 1, 5), date(2024, 2, 20)]
    >>> plan = pl.DataFrame({"item": ["a"] * 2, "released": [day] * 2, "due": due, "quantity": [200, 400]})
    >>> held = pl.DataFrame({"item": ["a"], "released": [day], "cum_start": [day], "received": [300]})
    >>> found = cumulate_authorisations(plan, held, AuthorisationTerms(28, 84))
    >>> [str(each) for each in found.select("finished", "material").row(0)]
    ['500', '900']
    """
    by = [*keys, "released"]
    checks.columns("schedule", schedule, [*by, "due"])
    checks.columns("positions", positions, [*by, "cum_start"])
    wanted = exact_columns(schedule, ["quantity"], "schedule")
    held = exact_columns(positions, ["received"], "positions")
    if wanted.select((pl.col("quantity") < 0).any()).item() or held.select((pl.col("received") < 0).any()).item():
        raise ValueError("quantity, received: one is below 0; net returns into the cumulative received")
    ahead = (pl.col("due") - pl.col("released")).dt.total_days()
    sums = wanted.group_by(by).agg(
        pl.col("quantity").filter(ahead <= terms.finished_days).sum().alias("_finished"),
        pl.col("quantity").filter(ahead <= terms.material_days).sum().alias("_material"),
    )
    joined = held.join(sums, on=by, how="left", nulls_equal=True)
    zero = pl.lit(Decimal(0))
    return (
        joined.with_columns(
            finished=pl.col("received") + pl.col("_finished").fill_null(zero),
            material=pl.col("received") + pl.col("_material").fill_null(zero),
        )
        .drop("_finished", "_material")
        .sort(by)
    )


def authorisation_liability(
    cumulatives: pl.DataFrame, rounding: Rounding = CENTS, keys: Sequence[str] = ("item",)
) -> pl.DataFrame:
    """What is owed at each release if nothing more were taken, by the highest authorisation ever given.

    ``cumulatives``: ``keys``, ``released``, ``cum_start``, ``finished``, ``material``, ``received`` (integer or
    Decimal), and for money ``finished_price``, ``material_cost`` per unit. Adds, sorted by keys and release:
    ``finished_high``, ``material_high`` (highest since ``cum_start``; they never fall when the forecast does),
    ``finished_units`` = (finished_high − received)⁺, ``material_units`` = (material_high − max(finished_high,
    received))⁺, which is net of finished goods, ``finished_dropped``, ``material_dropped`` (how far the present
    authorisation lies under its mark), and where prices are given ``finished_amount``, ``material_amount``, ``amount``
    (Decimal, each rounded once). A new ``cum_start`` begins anew: what its last release still shows is to be settled
    then. Received above the mark owes nothing.

    Source: ANSI X12 830, segment ATH (ATH03 current, ATH04 maximum cumulative, ATH05 start). Our own numbers:
    500 authorised with 300 received, then cut to 350, still owes 200.

    >>> from datetime import date
    >>> days = [date(2024, 1, 1), date(2024, 1, 8)]
    >>> rows = {"item": ["a"] * 2, "released": days, "cum_start": days[:1] * 2, "received": [300, 300]}
    >>> found = authorisation_liability(pl.DataFrame(rows | {"finished": [500, 350], "material": [900, 700]}))
    >>> [[str(each) for each in row] for row in found.select("finished_units", "material_units").rows()]
    [['200', '400'], ['200', '400']]
    """
    checks.columns("cumulatives", cumulatives, [*keys, "released", "cum_start"])
    numbers = ["finished", "material", "received"]
    rows = exact_columns(cumulatives, numbers, "cumulatives").sort(*keys, "released")
    if rows.select(pl.col(numbers).is_null().any()).select(pl.any_horizontal(pl.all())).item():
        raise ValueError("finished, material, received: one is unknown; give every release its cumulative quantities")
    if rows.select((pl.col("material") < pl.col("finished")).any()).item():
        raise ValueError("material: one lies below finished; material is authorised at least as far as finished goods")
    rows = rows.with_columns(
        pl.col(name).cum_max().over([*keys, "cum_start"]).alias(f"{name}_high") for name in ("finished", "material")
    )
    nothing = pl.lit(Decimal(0))
    rows = rows.with_columns(
        finished_units=pl.max_horizontal(pl.col("finished_high") - pl.col("received"), nothing),
        material_units=pl.max_horizontal(
            pl.col("material_high") - pl.max_horizontal("finished_high", "received"), nothing
        ),
        finished_dropped=pl.col("finished_high") - pl.col("finished"),
        material_dropped=pl.col("material_high") - pl.col("material"),
    )
    if not {"finished_price", "material_cost"} <= set(rows.columns):
        return rows
    rows = exact_columns(rows, ["finished_price", "material_cost"], "cumulatives")
    return rows.with_columns(
        finished_amount=product(rows, "finished_units", "finished_price", rounding),
        material_amount=product(rows, "material_units", "material_cost", rounding),
    ).with_columns(amount=pl.col("finished_amount") + pl.col("material_amount"))
