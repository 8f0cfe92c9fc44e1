"""The lake: differences, two times, orphans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.extracts import at, demand_rows
from tierwise.lake.report import Change
from tierwise.lake.schemas import TABLES
from tierwise.lake.staging import UNDATED
from tierwise.lake.store import Batch, ConcurrentWriteError, Files, LakeStore, stored_schema
from tierwise.lake.store import tables as store_module

JAN, FEB, MAR = date(2024, 1, 5), date(2024, 2, 5), date(2024, 3, 5)
FIRST = demand_rows(("1", "A", JAN, "1"), ("2", "B", FEB, "2"), ("3", "C", MAR, "3"))


@pytest.fixture(params=["lake", "lake with space, ümlaut (1)"])
def lake(tmp_path: Path, request: pytest.FixtureRequest) -> LakeStore:
    return LakeStore(tmp_path / request.param)


def put(
    lake: LakeStore, rows: pl.DataFrame | pl.LazyFrame, day: int, versions: Mapping[str, int], **more: object
) -> Change:
    batch = Batch(**({"table": "demand", "rows": rows, "source": "erp", "at": at(day)} | more))  # type: ignore[arg-type]
    return lake.apply(batch, versions)


def seen(lake: LakeStore, versions: Mapping[str, int], as_of: datetime | None = None) -> dict[str, Decimal]:
    rows = lake.scan("demand", versions, as_of).sort("order").select("order", "quantity").collect()
    return dict(rows.iter_rows())


def counts(change: Change) -> tuple[int, int, int, int]:
    return change.new, change.changed, change.closed, change.unchanged


def test_first_rows_and_the_same_again(lake: LakeStore) -> None:
    first = put(lake, FIRST, 1, {})
    assert (first.version, counts(first)) == (0, (3, 0, 0, 0))
    again = put(lake, FIRST, 2, {"demand": 0})
    assert (again.version, counts(again), again.anything) == (0, (0, 0, 0, 3), False)
    assert lake.open("demand", 0).version() == 0
    assert len(lake.open("demand", 0).history()) == 1
    assert dict(lake.scan("demand", {"demand": 0}).collect_schema()) == stored_schema(TABLES["demand"])


def test_a_corrected_row_closes_the_old_one_and_touches_its_month_only(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    before = set(lake.open("demand", 0).file_uris())
    change = put(lake, demand_rows(("1", "A", JAN, "1"), ("2", "B", FEB, "9")), 2, {"demand": 0})
    assert (change.version, counts(change)) == (1, (0, 1, 0, 1))
    assert seen(lake, {"demand": 1}) == {"1": 1, "2": 9, "3": 3}
    assert seen(lake, {"demand": 0}) == {"1": 1, "2": 2, "3": 3}
    after = set(lake.open("demand", 1).file_uris())
    assert {uri.split("month=")[1][:7] for uri in before - after} == {"2024-02"}


def test_files_without_what_is_wanted_are_left_out(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    files = lake.files("demand", {"demand": 0})

    def orders(held: Files) -> list[str]:
        return held.scan(held.paths).sort("order").collect()["order"].to_list()

    assert orders(files) == ["1", "2", "3"]
    assert files.reach("order") == ("1", "3")
    assert orders(files.between("order", "2", "2")) == orders(files.between("order", "15", "29")) == ["2"]
    assert orders(files.between("order", "4", "9")) == []
    assert files.scan([]).collect_schema() == stored_schema(TABLES["demand"])
    assert orders(files.dated(["ordered_on"], JAN, FEB)) == ["1", "2"]
    assert orders(files.dated(["requested_on"], JAN, MAR)) == []  # a column without any value holds no day
    assert [*files.folders().values()] == [([path], 1) for path in files.paths]
    assert all(name.startswith("month=2024-0") for name in files.folders())


def test_a_file_of_which_the_log_tells_nothing_may_hold_anything(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    files = lake.files("demand", {"demand": 0})
    silent = Files(files.known.select("path"), files.scan)
    assert silent.reach("order") is None
    assert silent.between("order", "8", "9").paths == silent.dated(["ordered_on"], MAR, MAR).paths == files.paths
    assert {rows for _, rows in silent.folders().values()} == {None}
    partly = Files(files.known.with_columns(pl.lit(None, pl.String).alias("min.order")), files.scan)
    assert (partly.reach("order"), partly.between("order", "8", "9").paths) == (None, [])
    assert partly.between("order", "0", "0").paths == files.paths


def test_files_hold_what_is_current_at_their_version(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    put(lake, demand_rows(("1", "A", JAN, "1"), ("2", "B", FEB, "9")), 2, {"demand": 0})
    for version, quantity in enumerate((2, 9)):
        files = lake.files("demand", {"demand": version}).between("order", "2", "2")
        assert files.scan(files.paths).select("order", "quantity").collect().rows() == [("2", Decimal(quantity))]
    nothing = lake.files("demand", {})
    assert (nothing.paths, nothing.folders()) == ([], {})
    assert nothing.scan([]).collect_schema() == stored_schema(TABLES["demand"])


def test_as_it_was_known(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    put(lake, demand_rows(("2", "B", FEB, "9")), 3, {"demand": 0})
    now = {"demand": 1}
    assert seen(lake, now, at(1)) == seen(lake, now, at(2)) == {"1": 1, "2": 2, "3": 3}
    assert seen(lake, now, at(3)) == seen(lake, now) == {"1": 1, "2": 9, "3": 3}
    assert seen(lake, now, datetime(2024, 12, 31, tzinfo=UTC)) == {}
    assert lake.history("demand", now).collect().height == 4
    with pytest.raises(ValueError, match="as_of: has no time zone"):
        lake.scan("demand", now, datetime(2025, 1, 1))  # noqa: DTZ001


def test_only_a_complete_extract_closes_what_is_gone(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    assert put(lake, FIRST.head(1), 2, {"demand": 0}).version == 0
    change = put(lake, FIRST.head(1), 2, {"demand": 0}, complete=True)
    assert counts(change) == (0, 0, 2, 1)
    assert seen(lake, {"demand": change.version}) == {"1": 1}
    assert seen(lake, {"demand": change.version}, at(1)) == {"1": 1, "2": 2, "3": 3}


def test_a_row_that_comes_back_is_new(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    put(lake, FIRST.head(1), 2, {"demand": 0}, complete=True)
    change = put(lake, FIRST, 3, {"demand": 1}, complete=True)
    assert counts(change) == (2, 0, 0, 1)
    assert lake.history("demand", {"demand": change.version}).collect().height == 5


def test_a_new_date_moves_a_row_to_another_month(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    change = put(lake, demand_rows(("1", "A", MAR, "1")), 2, {"demand": 0})
    assert counts(change) == (0, 1, 0, 0)
    assert seen(lake, {"demand": 1}) == {"1": 1, "2": 2, "3": 3}
    moved = lake.history("demand", {"demand": 1}).filter(pl.col("order") == "1").sort("known_from").collect()
    assert moved["month"].to_list() == ["2024-01", "2024-03"]
    assert moved["known_to"].to_list() == [at(2), None]


def test_sources_do_not_touch_each_other(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    change = put(lake, FIRST.head(2), 2, {"demand": 0}, source="other", complete=True)
    assert counts(change) == (2, 0, 0, 0)
    closing = put(lake, FIRST.clear(), 3, {"demand": 1}, source="other", complete=True)
    assert counts(closing) == (0, 0, 2, 0)
    assert seen(lake, {"demand": closing.version}) == {"1": 1, "2": 2, "3": 3}


def test_null_and_value_differ_and_null_equals_null(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    filled = FIRST.with_columns(region=pl.when(order="1").then(pl.lit("north")))
    assert counts(put(lake, filled, 2, {"demand": 0})) == (0, 1, 0, 2)
    assert counts(put(lake, filled, 3, {"demand": 1})) == (0, 0, 0, 3)
    assert counts(put(lake, FIRST, 3, {"demand": 1})) == (0, 1, 0, 2)


def test_undated_and_unpartitioned_rows(lake: LakeStore) -> None:
    schema = TABLES["receipt"].schema
    row = {"order": "1", "line": "1", "receipt": "1", "quantity": Decimal(1)}
    receipts = pl.DataFrame([{name: row.get(name) for name in schema}], schema=schema)
    put(lake, receipts, 1, {}, table="receipt")
    assert lake.scan("receipt", {"receipt": 0}).collect()["month"].to_list() == [UNDATED]
    assert counts(put(lake, receipts, 2, {"receipt": 0}, table="receipt")) == (0, 0, 0, 1)
    dated = receipts.with_columns(posted_on=pl.lit(JAN))
    assert counts(put(lake, dated, 2, {"receipt": 0}, table="receipt")) == (0, 1, 0, 0)

    cost = TABLES["cost"].schema
    values = {"item": "A", "kind": "list", "valid_from": JAN, "amount": Decimal(5)}
    costs = pl.DataFrame([{name: values.get(name) for name in cost}], schema=cost)
    put(lake, costs, 1, {}, table="cost")
    change = put(lake, costs.with_columns(amount=pl.lit(Decimal(6)).cast(cost["amount"])), 2, {"cost": 0}, table="cost")
    assert counts(change) == (0, 1, 0, 0)
    assert lake.history("cost", {"cost": change.version}).collect().height == 2


def test_a_table_the_manifest_does_not_name_is_empty(lake: LakeStore) -> None:
    assert lake.scan("demand", {}).collect().height == 0
    put(lake, FIRST, 1, {})
    assert lake.scan("demand", {}).collect().height == 0


def test_an_empty_extract_still_makes_a_table(lake: LakeStore) -> None:
    change = put(lake, FIRST.clear(), 1, {})
    assert counts(change) == (0, 0, 0, 0)
    assert lake.scan("demand", {"demand": change.version}).collect().height == 0


def test_orphans_are_invisible_and_harmless(lake: LakeStore) -> None:
    """Commits after the manifest's version: an append, and a change in a month that the next import does not touch."""
    put(lake, FIRST, 1, {})
    manifest = {"demand": 0}
    put(lake, demand_rows(("7", "A", JAN, "7")), 2, manifest)
    put(lake, demand_rows(("3", "C", MAR, "33")), 2, {"demand": 1})
    assert seen(lake, manifest) == {"1": 1, "2": 2, "3": 3}
    assert put(lake, FIRST, 3, manifest).version == 0
    change = put(lake, demand_rows(("2", "B", FEB, "9")), 3, manifest)
    assert counts(change) == (0, 1, 0, 0)
    assert seen(lake, {"demand": change.version}) == {"1": 1, "2": 9, "3": 3}
    appended = put(lake, demand_rows(("4", "A", FEB, "4")), 4, {"demand": change.version})
    assert seen(lake, {"demand": appended.version}) == {"1": 1, "2": 9, "3": 3, "4": 4}


def test_sweeping_spares_the_versions_that_are_named(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    put(lake, demand_rows(("2", "B", FEB, "9")), 2, {"demand": 0})
    put(lake, demand_rows(("3", "C", MAR, "9")), 2, {"demand": 0})
    orphans = set(lake.open("demand", 1).file_uris()) - set(lake.open("demand", 3).file_uris())
    orphans -= set(lake.open("demand", 0).file_uris())
    swept = lake.sweep("demand", [0, 3], retention_hours=0)
    assert len(orphans) == len([name for name in swept if name.endswith(".parquet")]) == 1
    assert seen(lake, {"demand": 0}) == {"1": 1, "2": 2, "3": 3}
    assert seen(lake, {"demand": 3}) == {"1": 1, "2": 2, "3": 9}
    change = put(lake, demand_rows(("1", "A", JAN, "7")), 4, {"demand": 3})
    assert seen(lake, {"demand": change.version}) == {"1": 7, "2": 2, "3": 9}
    assert lake.sweep("stock", []) == []


def test_an_orphan_first_commit_is_replaced(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {})
    change = put(lake, demand_rows(("8", "A", JAN, "8")), 2, {})
    assert change.version == 1
    assert seen(lake, {"demand": 1}) == {"8": 8}


def test_the_same_import_again_after_it_died_before_the_manifest(lake: LakeStore) -> None:
    put(lake, FIRST, 1, {}, import_id="a")
    once = put(lake, demand_rows(("1", "A", JAN, "5")), 2, {"demand": 0}, import_id="b")
    twice = put(lake, demand_rows(("1", "A", JAN, "5")), 2, {"demand": 0}, import_id="b")
    assert counts(once) == counts(twice)
    assert seen(lake, {"demand": twice.version}) == {"1": 5, "2": 2, "3": 3}
    assert lake.history("demand", {"demand": twice.version}).collect().height == 4
    newest = lake.open("demand", twice.version).history()[0]
    assert (newest["tierwise_import"], newest["tierwise_source"]) == ("b", "erp")
    assert lake.open("demand", twice.version).transaction_version("tierwise-import-b") == 1


def test_a_key_given_twice_is_refused(lake: LakeStore) -> None:
    with pytest.raises(ValueError, match=r"rows: demand holds the key \('1', '1', 1\) more than once"):
        put(lake, pl.concat([FIRST, FIRST.head(1)]), 1, {})
    assert put(lake, FIRST.lazy(), 1, {}).new == 3


def test_time_does_not_run_backwards(lake: LakeStore) -> None:
    put(lake, FIRST, 5, {})
    with pytest.raises(ValueError, match="use a later instant"):
        put(lake, demand_rows(("1", "A", JAN, "5")), 5, {"demand": 0})
    assert put(lake, demand_rows(("9", "A", JAN, "5")), 4, {"demand": 0}).new == 1


def test_a_commit_in_between_is_noticed(lake: LakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, FIRST, 1, {})
    commit = lake._commit

    def beaten(*args: object) -> None:
        uri = f"{lake.root}/demand"
        write_deltalake(uri, lake.history("demand", {"demand": 0}).head(1).collect(), mode="append")
        commit(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(lake, "_commit", beaten)
    with pytest.raises(ConcurrentWriteError, match="expected version 1, found 2"):
        put(lake, demand_rows(("9", "A", JAN, "5")), 2, {"demand": 0})


def test_large_changes_stream(lake: LakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_STREAM_ABOVE", 0)
    put(lake, FIRST, 1, {})
    change = put(lake, demand_rows(("1", "A", JAN, "1"), ("2", "B", FEB, "9")), 2, {"demand": 0})
    assert counts(change) == (0, 1, 0, 1)
    assert seen(lake, {"demand": change.version}) == {"1": 1, "2": 9, "3": 3}


def test_columns_declared_later_are_null(lake: LakeStore, tmp_path: Path) -> None:
    old = lake._rows(TABLES["demand"], None).drop("channel").collect()
    first = FIRST.lazy().drop("channel").with_columns(
        source=pl.lit("erp"), known_from=pl.lit(at(1)), known_to=pl.lit(None, dtype=old.schema["known_to"]),
        month=pl.col("ordered_on").dt.strftime("%Y-%m"),
    ).collect()  # fmt: skip
    write_deltalake(f"{lake.root}/demand", first, partition_by=["month"])
    assert lake.scan("demand", {"demand": 0}).collect()["channel"].null_count() == 3
    change = put(lake, FIRST.with_columns(channel=pl.lit("web")).head(1), 2, {"demand": 0})
    assert counts(change) == (0, 1, 0, 0)
    rows = lake.scan("demand", {"demand": change.version}).sort("order").collect()
    assert rows["channel"].to_list() == ["web", None, None]


@pytest.mark.parametrize("root", ["/srv/lake%20one", "/srv/lake[1]", "C:\\lake"])
def test_a_root_that_delta_would_misread_is_refused(root: str) -> None:
    with pytest.raises(ValueError, match="root: Delta Lake misreads"):
        LakeStore(root)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"table": "demnad"}, "table: 'demnad' is not declared"),
        ({"at": datetime(2025, 1, 1)}, "at: has no time zone"),  # noqa: DTZ001
        ({"source": ""}, "source: is empty"),
    ],
)
def test_a_batch_checks_itself(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Batch(**({"table": "demand", "rows": FIRST, "source": "erp", "at": at(1)} | change))  # type: ignore[arg-type]


EXTRACTS = st.lists(
    st.dictionaries(
        st.sampled_from("12345"),
        st.tuples(st.sampled_from([JAN, FEB, MAR]), st.integers(0, 3)),
        max_size=5,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=15)
@given(EXTRACTS, st.data())
def test_any_sequence_of_complete_extracts_is_replayed_exactly(
    tmp_path_factory: pytest.TempPathFactory, extracts: list[dict[str, tuple[date, int]]], data: st.DataObject
) -> None:
    """Now and at every earlier instant the lake says what the extract of that time said, orphans or not."""
    lake = LakeStore(tmp_path_factory.mktemp("lake"))
    versions: dict[str, int] = {}
    for day, extract in enumerate(extracts, start=1):
        rows = demand_rows(*((order, "A", when, str(count)) for order, (when, count) in extract.items()))
        if data.draw(st.booleans(), label="died before"):
            put(lake, rows.head(1), day, versions, complete=True)
        versions = {"demand": put(lake, rows, day, versions, complete=True).version}
    for day, extract in enumerate(extracts, start=1):
        assert seen(lake, versions, at(day)) == {order: count for order, (_, count) in extract.items()}
    assert seen(lake, versions) == {order: count for order, (_, count) in extracts[-1].items()}
