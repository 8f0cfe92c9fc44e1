from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.engine.scheme import difference

GRAIN = ("item",)


def assigned(**segments: str | None) -> pl.DataFrame:
    rows = [(item, segment) for item, segment in segments.items() if segment]
    return pl.DataFrame(rows, schema={"item": pl.String, "segment": pl.String}, orient="row")


VALUES = pl.DataFrame({"item": list("abcd"), "profit": [10.0, 20.0, 30.0, -5.0], "volume": [1, 2, 3, 4]})


def test_moves_by_hand() -> None:
    after = assigned(a="P", b="S", d="S").with_columns(reason=pl.lit("why"))
    found = difference(assigned(a="P", b="P", c="S"), after, VALUES, GRAIN)
    assert found.moves.rows() == [
        ("b", "P", "S", "why", 20.0, 2.0),
        ("c", "S", None, None, 30.0, 3.0),
        ("d", None, "S", "why", -5.0, 4.0),
    ]
    assert found.matrix.sort("profit").rows() == [
        (None, "S", 1, -5.0, 4.0),
        ("P", "P", 1, 10.0, 1.0),
        ("P", "S", 1, 20.0, 2.0),
        ("S", None, 1, 30.0, 3.0),
    ]
    assert found.segments.select("segment", "before", "joined", "left", "after").rows() == [
        ("P", 2, 0, 1, 1),
        ("S", 1, 2, 1, 2),
    ]
    assert found.segments["profit_joined"].to_list() == [0.0, 15.0]
    assert found.unvalued == 0


def test_cells_without_values_are_counted() -> None:
    found = difference(assigned(z="P"), assigned(z="S"), VALUES, GRAIN)
    assert found.unvalued == 1
    assert found.moves["profit"].to_list() == [0.0]


def test_bad_frames_are_named() -> None:
    with pytest.raises(ValueError, match="before: column 'segment'"):
        difference(VALUES, assigned(a="P"), VALUES, GRAIN)
    with pytest.raises(ValueError, match="after: a cell stands twice"):
        difference(assigned(a="P"), pl.concat([assigned(a="P")] * 2), VALUES, GRAIN)
    with pytest.raises(ValueError, match="values: 'count'"):
        difference(assigned(a="P"), assigned(a="P"), VALUES.with_columns(count=1), GRAIN)


SEGMENT = st.sampled_from(["P", "S", "T", None])


@given(st.lists(st.tuples(SEGMENT, SEGMENT, st.integers(-9, 9)), max_size=30))
def test_before_plus_joined_less_left_is_after(rows: list[tuple[str | None, str | None, int]]) -> None:
    names = [f"i{n}" for n in range(len(rows))]
    before = assigned(**{name: row[0] for name, row in zip(names, rows, strict=True)})
    after = assigned(**{name: row[1] for name, row in zip(names, rows, strict=True)})
    values = pl.DataFrame(
        {"item": names, "profit": [row[2] for row in rows]}, schema={"item": pl.String, "profit": pl.Float64}
    )
    found = difference(before, after, values, GRAIN)
    for row in found.segments.iter_rows(named=True):
        for measure in ("", "profit_"):
            assert row[f"{measure}before"] + row[f"{measure}joined"] - row[f"{measure}left"] == row[f"{measure}after"]
    assert found.matrix["count"].sum() == sum(1 for b, a, _ in rows if b or a)
    assert found.matrix["profit"].sum() == sum(v for b, a, v in rows if b or a)
    assert found.moves.height == sum(1 for b, a, _ in rows if b != a)
