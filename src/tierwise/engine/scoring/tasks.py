"""Scores with their uncertainty as tasks on a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tierwise.engine.scoring import exact_poisson, wilson
from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task
from tierwise.engine.tasks.panels import tidy

_SUPPLIER = Column("supplier", Kind.TEXT, "the supplier, site or segment scored")
_CONFIDENCE = Parameter("confidence", Kind.NUMBER, "of the interval", 0.95)


def _share(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    hits, n = table["hits"].to_numpy().astype(float), table["n"].to_numpy().astype(float)
    share = table.select((pl.col("hits") / pl.col("n")).fill_nan(None)).to_series()
    if (hits > n).any() or (hits < 0).any() or (n < 0).any():
        row = int((hits > n).argmax()) + 1
        raise ValueError(f"column 'hits', row {row}: must lie between 0 and n; check that both count the same lines")
    low, high = wilson(share.fill_null(0.0).to_numpy(), n, given["confidence"])
    met = pl.Series(low) >= given["target"], pl.Series(high) >= given["target"]
    verdict = pl.select(
        pl.when(met[0]).then(pl.lit("met")).when(met[1]).then(pl.lit("open")).otherwise(pl.lit("missed"))
    ).to_series()
    return tidy(
        {"supplier": table["supplier"], "share": share, "low": low, "high": high, "n": table["n"], "verdict": verdict}
    )


def _defects(table: pl.DataFrame, given: Mapping[str, Any]) -> pl.DataFrame:
    units = table["units"].to_numpy()
    if (units <= 0).any():
        raise ValueError(f"column 'units', row {int((units <= 0).argmax()) + 1}: must be above 0; leave the row out")
    low, high = exact_poisson(table["defects"].to_numpy(), given["confidence"])
    million = 1e6 / units
    return tidy({
        "supplier": table["supplier"], "ppm": table["defects"].to_numpy() * million, "low": low * million,
        "high": high * million, "units": table["units"],
    })  # fmt: skip


TASKS = (
    Task(
        "scoring", "share", "A share such as on time in full with Wilson's interval, held against a target",
        (
            _SUPPLIER,
            Column("hits", Kind.WHOLE, "lines that met the measure"),
            Column("n", Kind.WHOLE, "lines judged"),
        ),
        {
            "share": "hits / n", "low": "lower end of the interval", "high": "upper end", "n": "lines judged",
            "verdict": "met (surely), missed (surely) or open: too few lines to say",
        },
        _share, "open verdicts: the number is below target, but chance alone could have done it",
        "supplier,hits,n\nS1,92,100\nS2,9,10\nS3,640,800\n",
        (Parameter("target", Kind.NUMBER, "the share wanted", 0.95), _CONFIDENCE),
    ),
    Task(
        "scoring", "defects", "Defects per million with their exact Poisson interval",
        (
            _SUPPLIER,
            Column("defects", Kind.WHOLE, "units refused"),
            Column("units", Kind.NUMBER, "units received"),
        ),
        {"ppm": "defects per million", "low": "its interval from", "high": "to", "units": "units received"},
        _defects, "the width: 3 in 50,000 and 60 in 1,000,000 are the same ppm and not the same proof",
        "supplier,defects,units\nS1,3,50000\nS2,0,1200\n",
        (_CONFIDENCE,),
    ),
)  # fmt: skip
