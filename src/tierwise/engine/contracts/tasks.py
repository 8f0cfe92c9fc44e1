"""Contract calculations as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from tierwise.engine.contracts import PriceTiers, SlaTerms, sla_payoffs, tier_charge
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import tidy


def _exact(text: str, what: str) -> Decimal:
    try:
        return Decimal(text.strip())
    except InvalidOperation as error:
        raise ValueError(f"{what}: {text!r} is not a number") from error


def _tier_charges(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    starts, unit = (
        tuple(_exact(part, f"setting {name!r}") for part in given[name].split("/")) for name in ("starts", "prices")
    )
    tiers = PriceTiers(starts, unit, given["kind"])
    charges = [tier_charge(_exact(text, "column 'quantity'"), tiers) for text in table["quantity"].to_list()]
    return table.with_columns(
        amount=pl.Series([charge.amount for charge in charges], dtype=pl.Decimal(38, 2)),
        unit_price=pl.Series(
            [None if c.unit_price is None else float(c.unit_price) for c in charges], dtype=pl.Float64
        ),
    )


def _sla(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    low, high, penalty, reward, most_penalty, most_reward = (Decimal(str(given[name])) for name in _SLA_NUMBERS)
    terms = SlaTerms(low, high, penalty, reward, most_penalty, most_reward, better=given["better"])
    share = sla_payoffs(table["measure"].to_numpy(), terms)
    return tidy(
        {
            "period": table["period"],
            "measure": table["measure"],
            "share": share,
            "pay": share * table["value"].to_numpy(),
        }
    )


_SLA_NUMBERS = ("low", "high", "penalty_rate", "reward_rate", "penalty_cap", "reward_cap")

TASKS = (
    Task(
        "contracts", "tier_charges", "What quantities cost under price tiers, all-unit or incremental, to the cent",
        (
            Column("line", Kind.TEXT, "the order line"),
            Column("quantity", Kind.TEXT, "the quantity, as an exact decimal", "units"),
        ),
        {"amount": "exact amount, rounded once", "unit_price": "mean price of a unit"},
        _tier_charges, "quantities just below a tier: ordering up to it may cost less in all",
        "line,quantity\n1,399\n2,400\n3,800\n",
        (
            Parameter("starts", Kind.TEXT, "where tiers begin, the first 0, parted by /"),
            Parameter("prices", Kind.TEXT, "unit price of each tier, parted by /"),
            Parameter("kind", Kind.TEXT, "how tiers count", "all_unit", choices=("all_unit", "incremental")),
        ),
        {"starts": "0/400/800", "prices": "0.75/0.72/0.68"},
    ),
    Task(
        "contracts", "sla_payoffs", "What service levels pay, with a dead band, rates and caps (for analysis)",
        (
            Column("period", Kind.TEXT, "the period judged"),
            Column("measure", Kind.NUMBER, "the measure reached, such as a share on time", empty="not judged"),
            Column("value", Kind.NUMBER, "value of the period's purchases", "money"),
        ),
        {"share": "pay-off as a share of the value, negative for a penalty", "pay": "pay-off in money"},
        _sla, "periods at a cap: further misses cost nothing more, which may not be what was meant",
        "period,measure,value\n2025-01,0.93,100000\n2025-02,0.96,120000\n2025-03,0.80,90000\n2025-04,0.995,110000\n",
        (
            Parameter("low", Kind.NUMBER, "lower end of the dead band"),
            Parameter("high", Kind.NUMBER, "upper end of the dead band"),
            Parameter("penalty_rate", Kind.NUMBER, "share of the value per unit of the measure missed", 0.0),
            Parameter("reward_rate", Kind.NUMBER, "share of the value per unit of the measure beyond", 0.0),
            Parameter("penalty_cap", Kind.NUMBER, "largest penalty, share of the value", 1.0),
            Parameter("reward_cap", Kind.NUMBER, "largest reward, share of the value", 1.0),
            Parameter("better", Kind.TEXT, "which way is better", "high", choices=("high", "low")),
        ),
        {"low": "0.95", "high": "0.98", "penalty_rate": "0.5", "penalty_cap": "0.05", "reward_rate": "0.2"},
    ),
)  # fmt: skip
