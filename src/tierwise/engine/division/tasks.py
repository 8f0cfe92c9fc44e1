"""Division and bargaining as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tierwise.engine.division import DivisionParams, divide, zopa
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import tidy

_RULES = ("proportional", "uniform", "linear", "constrained_equal_losses", "talmud")


def _divide(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    ranks = table["priority"].fill_null(table["priority"].max() or 0)
    first = table["entitlement"].fill_null(0.0)
    params = DivisionParams(
        given["rule"],
        entitlements=tuple(first.to_list()) if first.sum() else None,
        priority=tuple(int(rank) for rank in ranks) if ranks.n_unique() > 1 else None,
        lot=given["lot"],
    )
    found = divide(table["claim"].to_numpy(), given["supply"], params)
    return tidy({
        "party": table["party"], "claim": table["claim"], "award": found.awards, "loss": found.losses, "met": found.met,
        "entitled": found.entitled, "ruled": found.ruled, "rounded": found.rounded,
    })  # fmt: skip


def _zopa(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    found = zopa(table["buyer_limit"].to_numpy(), table["supplier_limit"].to_numpy(), given["buyer_power"])
    return tidy({
        "subject": table["subject"], "exists": np.asarray(found.exists), "width": found.width,
        "settlement": found.settlement,
    })  # fmt: skip


TASKS = (
    Task(
        "division", "divide", "Who gets how much of a scarce supply, by rule, first rights, priority and lots",
        (
            Column("party", Kind.TEXT, "who claims"),
            Column("claim", Kind.NUMBER, "what is claimed", "units"),
            Column("entitlement", Kind.NUMBER, "what must be given first", "units", "nothing", needed=False),
            Column("priority", Kind.WHOLE, "class, 1 before 2", "", "the last class", needed=False),
        ),
        {
            "award": "units given", "loss": "claim less award", "met": "award / claim", "entitled": "given first",
            "ruled": "given by the rule", "rounded": "what whole lots moved",
        },
        _divide, "the shares met: proportional rewards whoever claims more than needed, uniform does not",
        "party,claim\nA,50\nB,40\nC,30\nD,20\n",
        (
            Parameter("supply", Kind.NUMBER, "what there is to divide", unit="units"),
            Parameter("rule", Kind.TEXT, "how it is divided", "uniform", choices=_RULES),
            Parameter("lot", Kind.NUMBER, "awards in whole lots of, 0 for none", 0.0, "units"),
        ),
        {"supply": "100"},
    ),
    Task(
        "division", "zopa", "Where buyer and supplier can agree on a price, and where they would settle",
        (
            Column("subject", Kind.TEXT, "what is negotiated"),
            Column("buyer_limit", Kind.NUMBER, "the most the buyer pays", "money", "unknown, no zone"),
            Column("supplier_limit", Kind.NUMBER, "the least the supplier takes", "money", "unknown, no zone"),
        ),
        {"exists": "whether there is a zone", "width": "its width, below 0 what is missing", "settlement": "the price"},
        _zopa, "negative widths: no clever talk settles these, the limits must move",
        "subject,buyer_limit,supplier_limit\nbearing,120,100\nhousing,90,95\n",
        (Parameter("buyer_power", Kind.NUMBER, "share of the zone that goes to the buyer, 0 to 1", 0.5),),
    ),
)  # fmt: skip
