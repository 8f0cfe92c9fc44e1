"""Disclosure calculations as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tierwise.engine.disclosure import Dimension, DisclosureParams, TableParams, protect, protect_table
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task

_CONTRIBUTOR = Column("contributor", Kind.TEXT, "whose figure it is")
_HOLDING = Column("holding", Kind.TEXT, "the group it belongs to", empty="on its own", needed=False)
_VALUE = Column("value", Kind.NUMBER, "the contribution", "units")
_SETTINGS = (
    Parameter("least_contributors", Kind.WHOLE, "holdings that must stand behind a figure", 3),
    Parameter("p_percent", Kind.NUMBER, "how closely nobody may estimate another's figure", 10.0, "percent"),
    Parameter("recipient", Kind.TEXT, "the contributor or holding that will read it, - for the public", "-"),
    Parameter("inside", Kind.FLAG, "show reasons and levels, which must not leave the house", False),
)


def _rules(cells: tuple[str, ...], given: Mapping[str, Any]) -> DisclosureParams:
    return DisclosureParams(cells, given["least_contributors"], p_percent=given["p_percent"])


def _recipient(given: Mapping[str, Any]) -> str | None:
    return None if given["recipient"] == "-" else str(given["recipient"])


def _protect(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    found = protect(table, _rules(("cell",), given), _recipient(given))
    return found.internal if given["inside"] else found.released


def _table(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    params = TableParams((Dimension("row"), Dimension("column")), _rules(("row", "column"), given))
    found = protect_table(table, params, _recipient(given))
    return found.internal if given["inside"] else found.released


TASKS = (
    Task(
        "disclosure", "protect", "Which sums may be shown without giving a contributor's own figure away",
        (Column("cell", Kind.TEXT, "what is summed: an item and week, say"), _CONTRIBUTOR, _HOLDING, _VALUE),
        {"value": "the sum, empty where withheld", "status": "ok or suppressed"},
        _protect, "publishing totals beside it undoes this: take protect_table for tables with totals",
        "cell,contributor,value\nA,w,50000\nA,x,49000\nA,y,600\nA,z,400\nB,w,30\nB,x,25\nB,y,28\nB,z,20\n", _SETTINGS,
    ),
    Task(
        "disclosure", "protect_table", "Which cells of a table with totals to withhold so that none can be worked out",
        (
            Column("row", Kind.TEXT, "row of the table"), Column("column", Kind.TEXT, "column of the table"),
            _CONTRIBUTOR, _HOLDING, _VALUE,
        ),
        {"value": "the cell, totals as *, empty where withheld", "status": "ok or suppressed"},
        _table, "with inside=true: low and high of primary cells, between which a reader can put them",
        "row,column,contributor,value\nA,N,x,50\nA,N,y,2\nA,N,z,1\n" + "".join(
            f"{row},{column},{name},10\n" for row, column in (("A", "S"), ("B", "N"), ("B", "S")) for name in "uvwx"
        ),
        _SETTINGS,
    ),
)  # fmt: skip
