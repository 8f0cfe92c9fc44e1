"""SQL of a mapping: expressions over the columns of one batch."""

from __future__ import annotations

import re

import polars as pl
from polars.exceptions import PolarsError

_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_AGGREGATE = re.compile(
    r"\bover\b|\b(array_agg|avg|corr|count|covar\w*|first|last|listagg|max|median|min|quantile\w*|std\w*|string_agg|sum"
    r"|var|variance|var_\w+)\s*\(",
    re.IGNORECASE,
)


class SqlError(Exception):
    """An expression that does not work on the columns it is given."""

    def __init__(self, place: str, error: PolarsError) -> None:
        super().__init__(place)
        self.place = place
        self.why = f"the SQL expression fails: {str(error).strip().splitlines()[0]}"
        self.remedy = "name the text columns it calculates with under `parse`, so that each cell is checked"


def looks_around(sql: str) -> bool:
    """Whether an expression may look at other rows: a window, a sum, an extreme."""
    return bool(_AGGREGATE.search(_TEXTS.sub("", sql)))


def sql_of(frame: pl.DataFrame, place: str, sql: str) -> pl.Expr:
    """The expression, once it has been seen to work on the frame."""
    expression = pl.sql_expr(sql)
    try:
        frame.select(expression)
    except PolarsError as error:
        raise SqlError(place, error) from error
    return expression
