"""Rows found by their key are those that a plain dictionary finds, even where their first hashes collide."""

from __future__ import annotations

from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine import matching
from tierwise.engine.matching import HASHES, KeyIndex, Numbers, beside, hashes_of, marked, only, ranked

KEY = ["source", "number"]
Row = tuple[str | None, int | None]
rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", "ab", "", None]), st.one_of(st.none(), st.integers(0, 4))), max_size=30
)


def frame(given: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(given, schema={"source": pl.String, "number": pl.Int64}, orient="row")


def found_by_dictionary(held: list[Row], wanted: list[Row]) -> list[int]:
    first: dict[Row, int] = {}
    for place, each in enumerate(held):
        first.setdefault(each, place)
    return [first.get(each, -1) for each in wanted]


@settings(max_examples=60)
@given(rows, rows)
def test_rows_are_found_as_a_dictionary_finds_them(held: list[Row], wanted: list[Row]) -> None:
    index = KeyIndex(frame(held), KEY)
    assert index.first.tolist() == found_by_dictionary(held, held)
    assert index.find(frame(wanted)).tolist() == found_by_dictionary(held, wanted)
    assert index.distinct == (len(set(held)) == len(held))


@pytest.mark.parametrize("kinds", [None, 1, 3])
@settings(max_examples=60)
@given(texts=st.lists(st.one_of(st.none(), st.text("abä", max_size=3)), max_size=40))
def test_texts_are_ranked_as_sorting_ranks_them(kinds: int | None, texts: list[str | None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        real = matching._hashed

        def few(rows: pl.DataFrame, key: list[str]) -> tuple[matching.Hashes, matching.Hashes]:
            hashes, checks = real(rows, key)
            return hashes % np.uint64(kinds or 2**63), checks

        patch.setattr(matching, "_hashed", few)
        places, names = ranked(pl.Series(texts, dtype=pl.String))
    known = sorted({each for each in texts if each is not None}, key=lambda each: each.encode())
    assert names.to_list() == known
    assert places.tolist() == [len(known) if each is None else known.index(each) for each in texts]


def test_many_texts_are_ranked_while_the_table_grows() -> None:
    chance = np.random.default_rng(7)
    texts = pl.Series(chance.integers(0, 20_000, 50_000)).cast(pl.String)
    places, names = ranked(texts)
    assert names.equals(texts.unique().sort())
    assert names.gather(places).equals(texts)


@pytest.mark.parametrize("kinds", [1, 3])
@settings(max_examples=60)
@given(held=rows, wanted=rows)
def test_colliding_hashes_change_nothing(kinds: int, held: list[Row], wanted: list[Row]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        real = matching._hashed

        def few(rows: pl.DataFrame, key: list[str]) -> tuple[matching.Hashes, matching.Hashes]:
            hashes, checks = real(rows, key)
            return hashes % np.uint64(kinds), checks

        patch.setattr(matching, "_hashed", few)
        index = KeyIndex(frame(held), KEY)
        assert index.first.tolist() == found_by_dictionary(held, held)
        assert index.find(frame(wanted)).tolist() == found_by_dictionary(held, wanted)


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.integers(-3, 2_000)), max_size=30),
)
def test_small_numbers_are_looked_up_without_hashes(held: list[int], wanted: list[int | None]) -> None:
    index = KeyIndex(pl.DataFrame({"id": pl.Series(held, dtype=pl.UInt32)}), ["id"])
    other = pl.DataFrame({"id": pl.Series(wanted, dtype=pl.Int64)})
    plain = [(each,) for each in held]
    assert index.first.tolist() == found_by_dictionary(plain, plain)  # type: ignore[arg-type]
    assert index.find(other).tolist() == found_by_dictionary(plain, [(each,) for each in wanted])  # type: ignore[arg-type, misc]


@settings(max_examples=40)
@given(rows, rows)
def test_hashes_stand_for_keys_that_a_scan_did_not_keep(held: list[Row], wanted: list[Row]) -> None:
    one, other = (frame(given).lazy().select(hashes_of(KEY)).collect() for given in (held, wanted))
    assert KeyIndex(one, HASHES).find(other).tolist() == found_by_dictionary(held, wanted)


@settings(max_examples=40)
@given(st.lists(rows, max_size=6), rows, st.randoms(use_true_random=False))
def test_keys_of_one_frame_after_the_other_are_numbered(
    parts: list[list[Row]], wanted: list[Row], chance: Random
) -> None:
    numbers, plain = Numbers(), dict[Row, int]()
    for part in [*parts, parts[0] if parts else []]:
        expected = [plain.setdefault(each, len(plain)) for each in part]
        assert numbers.of(hashed(part)).tolist() == expected
    assert numbers.count == len(plain)
    assert numbers.find(hashed(wanted)).tolist() == [plain.get(each, -1) for each in wanted]

    kept = np.array([chance.random() < 0.5 for _ in plain], dtype=np.bool_)
    left = [key for key, number in plain.items() if kept[number]]
    assert numbers.forget(kept).tolist() == [left.index(key) if key in left else -1 for key in plain]
    assert numbers.find(hashed(wanted)).tolist() == [left.index(each) if each in left else -1 for each in wanted]
    with pytest.raises(ValueError, match="marks for"):
        numbers.forget(np.ones(len(left) + 1, dtype=np.bool_))


def hashed(given: list[Row]) -> pl.DataFrame:
    return frame(given).select(hashes_of(KEY))


def test_columns_stand_beside_their_key() -> None:
    table = pl.DataFrame({"item": ["x", "y", "x"], "name": ["first", "other", "second"]})
    lines = pl.DataFrame({"item": ["y", "z", "x", None]})
    assert beside(lines, table, ["item"])["name"].to_list() == ["other", None, "first", None]
    assert beside(lines, table.clear(), ["item"])["name"].to_list() == [None] * 4


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="lacks number"):
        KeyIndex(frame([]).drop("number"), KEY)


def test_marked_ids_select_rows() -> None:
    lines = pl.DataFrame({"line_id": [3, 0, 3, 1]})
    wanted = marked(5, pl.Series([3]), pl.Series([0]))
    assert (
        wanted.tolist() == marked(5, np.array([0, 3, 3], dtype=np.uint32)).tolist() == [True, False, False, True, False]
    )
    assert only(lines, wanted)["line_id"].to_list() == [3, 0, 3]
    assert only(lines, np.ones(5, dtype=np.bool_)) is lines
