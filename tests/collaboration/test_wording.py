from __future__ import annotations

import polars as pl

from tierwise.collaboration.publish.records import MEASURE_COLUMNS
from tierwise.collaboration.publish.wording import measure_stats, measures_grid
from tierwise.web.formats import show
from tierwise.web.pages import Interval


def test_a_score_stands_in_points_of_a_hundred_and_other_measures_in_their_units() -> None:
    told = pl.DataFrame(
        {
            "measure": ["score", "otif", "reject_ppm"], "value": [0.495, 0.895, 1143.0], "low": [None, 0.631, 0.0],
            "high": [None, 0.977, 2000.0], "n": [12, 14, 13], "target": [None, 0.97, 1000.0], "note": ["Confirmed"] * 3,
        },
        schema_overrides=MEASURE_COLUMNS,
    )  # fmt: skip
    told = told.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in MEASURE_COLUMNS.items() if name not in told
    )
    told = told.with_columns(standing=pl.lit(""))
    shown = {row["measure"]: (row["shown"], row["interval"]) for row in measures_grid(told).records()}
    assert shown["score"] == ("49.5 points", "–")
    assert shown["otif"][0] == "89.5 %"
    assert shown["reject_ppm"][1] == "0 ppm – 2,000 ppm"
    score, *_others = (stat.value for stat in measure_stats(told))
    assert isinstance(score, Interval)
    assert score.unit == "points"
    assert "49.5" in str(show(score))
