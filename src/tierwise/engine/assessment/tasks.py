"""Assessing suppliers as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tierwise.engine.assessment import (
    InspectionParams,
    detection_sample,
    error_bound,
    inspect_lots,
    topsis,
)
from tierwise.engine.assessment.attribute_plans import LEVELS
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import tidy


def _topsis(table: pl.DataFrame, _: Mapping[str, Any]) -> pl.DataFrame:
    criteria = table.group_by("criterion", maintain_order=True).agg(
        pl.col("weight").drop_nulls().unique(), pl.col("larger_is_better").drop_nulls().unique()
    )
    for row in criteria.iter_rows(named=True):
        for name in ("weight", "larger_is_better"):
            if len(row[name]) != 1:
                raise ValueError(
                    f"column {name!r}: criterion {row['criterion']!r} has {len(row[name])} values; give one"
                )
    alternatives = table["alternative"].unique(maintain_order=True).to_list()
    pairs = table.group_by("alternative", "criterion").agg(pl.col("value").first(), pl.len())
    if (pairs["len"] > 1).any():
        twice = pairs.filter(pl.col("len") > 1).row(0, named=True)
        raise ValueError(f"column 'value': {twice['alternative']!r} has {twice['criterion']!r} twice; keep one")
    values = np.full((len(alternatives), criteria.height), np.nan)
    names = criteria["criterion"].to_list()
    for alternative, criterion, value, _count in pairs.iter_rows():
        values[alternatives.index(alternative), names.index(criterion)] = np.nan if value is None else value
    found = topsis(values, criteria["weight"].list.first(), criteria["larger_is_better"].list.first())
    worst = [names[at] if known else None for at, known in zip(
        np.nan_to_num(found.lost, nan=-1).argmax(axis=1).tolist(), np.isfinite(found.closeness).tolist(), strict=True
    )]  # fmt: skip
    return tidy({
        "alternative": alternatives, "rank": found.rank, "closeness": found.closeness, "loses_most_by": worst,
    }).sort("rank")  # fmt: skip


def _samples(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    population, bad = table["population"].to_numpy(), table["bad"].to_numpy()
    needed = detection_sample(population, bad, given["confidence"])
    clean = error_bound(np.zeros(len(needed)), needed, population.astype(float), given["confidence"])
    return tidy({"lot": table["lot"], "population": population, "sample": needed, "bound_if_clean": clean})


def _inspections(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    params = InspectionParams(given["limit"], given["level"])
    done = inspect_lots(table["size"].to_numpy(), table["found"].to_numpy(), params)
    return tidy({
        "lot": table["lot"], "severity": done.switching.severity, "sample": done.sample, "accept": done.accept,
        "accepted": done.accepted, "switch": done.switching.switch,
    })  # fmt: skip


TASKS = (
    Task(
        "assessment", "topsis", "Which alternative is nearest to the ideal and farthest from its opposite",
        (
            Column("alternative", Kind.TEXT, "who or what is compared"),
            Column("criterion", Kind.TEXT, "what it is compared by"),
            Column("value", Kind.NUMBER, "its value", empty="unknown, the alternative is left out"),
            Column("weight", Kind.NUMBER, "weight of the criterion", "", "as in its other rows"),
            Column("larger_is_better", Kind.FLAG, "whether much is good", "", "as in its other rows"),
        ),
        {
            "rank": "1 for the best, 0 left out", "closeness": "0 worst to 1 ideal",
            "loses_most_by": "the criterion that takes it farthest from the ideal",
        },
        _topsis, "near ties in closeness: move the weights a little before believing the order",
        "alternative,criterion,value,weight,larger_is_better\n" + "".join(
            f"{name},{criterion},{value},{weight},{up}\n"
            for name, values in (("A", (7, 9, 9, 8)), ("B", (8, 7, 8, 7)), ("C", (9, 6, 8, 9)), ("D", (6, 7, 8, 6)))
            for criterion, value, weight, up in zip(
                ("quality", "delivery", "innovation", "price"), values, (0.1, 0.4, 0.3, 0.2),
                ("yes", "yes", "yes", "no"), strict=True,
            )
        ),
    ),
    Task(
        "assessment", "detection_sample", "How many to draw so that an audit sees at least one bad one",
        (
            Column("lot", Kind.TEXT, "what is sampled"),
            Column("population", Kind.WHOLE, "how many there are"),
            Column("bad", Kind.WHOLE, "how many bad ones must not escape"),
        ),
        {"sample": "how many to draw", "bound_if_clean": "if none is bad: at most this share is"},
        _samples, "the bound: what a clean sample proves, and what it does not",
        "lot,population,bad\nparts list,100,5\ncertificates,1000,50\n",
        (Parameter("confidence", Kind.NUMBER, "probability of seeing one", 0.95),),
    ),
    Task(
        "assessment", "inspect_lots", "How each lot of a supplier is inspected and judged (ISO 2859-1)",
        (
            Column("lot", Kind.TEXT, "which lot, in order of inspection"),
            Column("size", Kind.WHOLE, "items in the lot"),
            Column("found", Kind.WHOLE, "bad ones in its sample"),
        ),
        {
            "severity": "how severely, after the lots before", "sample": "how many to look at",
            "accept": "up to so many may be bad", "accepted": "whether it was accepted",
            "switch": "why the next lot is inspected otherwise",
        },
        _inspections, "switch: two lots refused within five tighten, and stopping is near after five on tightened",
        "lot,size,found\n" + "".join(f"L{at},2000,{bad}\n" for at, bad in enumerate((0, 3, 1, 4, 0, 0, 0, 0, 0, 0))),
        (
            Parameter("limit", Kind.NUMBER, "acceptance quality limit in per cent, of the standard's series", 0.65),
            Parameter("level", Kind.TEXT, "inspection level", "II", choices=tuple(LEVELS)),
        ),
    ),
)  # fmt: skip
