"""Whether typed rows may be imported: required values, choices, keys, references, check digits, dates in order."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Set as AnySet

import polars as pl

from tierwise.lake.codes import COUNTRIES, CURRENCIES, is_gs1_number, is_lei
from tierwise.lake.issues import IssueLog, Severity
from tierwise.lake.readers import FILE, ROW
from tierwise.lake.schemas import LONGEST, TABLES, Column, Kind, Table

# earlier column, later column, whether the import is refused when they stand the wrong way round
DATE_ORDERS: dict[str, tuple[tuple[str, str, Severity], ...]] = {
    "item": (("launched_on", "ends_on", Severity.REFUSE),),
    "lane": (("valid_from", "valid_to", Severity.REFUSE),),
    "arc": (("valid_from", "valid_to", Severity.REFUSE),),
    "cost": (("valid_from", "valid_to", Severity.REFUSE),),
    "bill_of_material": (("valid_from", "valid_to", Severity.REFUSE),),
    "demand": (("ordered_on", "requested_on", Severity.NOTE), ("ordered_on", "shipped_on", Severity.NOTE)),
    "purchase_line": (
        ("ordered_on", "requested_on", Severity.NOTE),
        ("ordered_on", "promised_on", Severity.NOTE),
        ("ordered_on", "revised_on", Severity.NOTE),
    ),
    "receipt": (("handed_over_on", "arrived_on", Severity.NOTE), ("arrived_on", "posted_on", Severity.NOTE)),
}


def check_tables(
    tables: dict[str, pl.DataFrame], known_codes: AnyMapping[str, pl.Series], log: IssueLog, unfilled: AnySet[str]
) -> None:
    """Adds every fault to the log. Frames carry ``__file`` and ``__row`` beside the table's columns.

    References to ``unfilled`` tables are not looked at: one unreadable master would make every row a fault.
    """
    for name, rows in tables.items():
        check = _TableCheck(TABLES[name], rows, log)
        check.columns()
        check.key()
        check.references(tables, known_codes, unfilled)
        check.dates()
    if "reject" in tables and "receipt" in tables:
        _check_rejects(tables["reject"], tables["receipt"], log)


class _TableCheck:
    def __init__(self, table: Table, rows: pl.DataFrame, log: IssueLog) -> None:
        self.table, self.rows, self.log = table, rows, log

    def columns(self) -> None:
        for column in self.table.columns:
            values = self.rows[column.name]
            if column.required or column.name in self.table.key:
                why = f"is missing; every row of {self.table.name} needs it"
                self._say(values.is_null(), column.name, why, "fill it in the source, or give it a `default`")
            if column.least is not None:
                least = f"{column.least:g}"
                remedy = "correct the sign, or map such rows to a kind of their own"
                self._say(values < column.least, column.name, f"is below {least}", remedy)
            longest = LONGEST.get(column.kind)
            if longest:
                why = f"has more than {longest} characters"
                self._say(values.str.len_chars() > longest, column.name, why, "shorten it in the mapping, or map it")
            self._codes(column, values)

    def _codes(self, column: Column, values: pl.Series) -> None:
        name, given = column.name, values.is_not_null()
        if column.choices:
            choices = ", ".join(column.choices)
            self._say(given & ~values.is_in(column.choices), name, f"is not one of {choices}", "map it with `values`")
        elif column.kind is Kind.COUNTRY:
            wrong = given & ~values.is_in(list(COUNTRIES))
            self._say(wrong, name, "is no ISO 3166-1 alpha-2 country", "map it with `values`")
        elif column.kind is Kind.CURRENCY:
            wrong = given & ~values.is_in(list(CURRENCIES))
            self._say(wrong, name, "is no ISO 4217 currency", "map it with `values`")
        elif name == "gtin":
            wrong = given & ~is_gs1_number(values, lengths=(8, 12, 13, 14))
            self._say(wrong, name, "is no GTIN: wrong length or check digit", "correct it in the source")
        elif name == "gln":
            wrong = given & ~is_gs1_number(values, lengths=(13,))
            self._say(wrong, name, "is no GLN: wrong length or check digit", "correct it in the source")
        elif name == "lei":
            self._say(
                given & ~is_lei(values), name, "is no LEI: wrong form or check digits", "correct it in the source"
            )
        elif name == "duns":
            wrong = given & ~values.str.contains(r"^\d{9}$")
            self._say(wrong, name, "is no D-U-N-S number: nine digits", "correct it, or `remove` the hyphens")

    def key(self) -> None:
        key = list(self.table.key)
        again = self.rows.select(FILE, ROW, *key).filter(pl.struct(key).is_duplicated())
        again = again.filter(pl.all_horizontal(pl.col(key).is_not_null()))
        if not again.height:
            return
        first = [pl.col(one).first().over(key).alias(f"{one}_first") for one in (FILE, ROW)]
        again = again.with_columns(first).filter(~pl.struct(key).is_first_distinct())
        value = pl.concat_str(
            [pl.concat_str(pl.lit(f"{one}="), pl.col(one).cast(pl.String())) for one in key], separator=", "
        )
        also = pl.format("{}; first in {} row {}", value, f"{FILE}_first", f"{ROW}_first")
        remedy = "correct one of the rows; equal rows merge with `distinct: true`, uncounted ones with `number_within`"
        self._list(again.with_columns(also.alias("value")), ", ".join(key), "has the key of an earlier row", remedy)

    def references(
        self, tables: dict[str, pl.DataFrame], known_codes: AnyMapping[str, pl.Series], unfilled: AnySet[str]
    ) -> None:
        for column in self.table.columns:
            if not column.refers_to or column.refers_to in unfilled:
                continue
            values = self.rows[column.name]
            known = pl.Series([], dtype=pl.String())
            if column.refers_to in known_codes:
                known = known.append(known_codes[column.refers_to].cast(pl.String()))
            if column.refers_to in tables:
                known = known.append(tables[column.refers_to][TABLES[column.refers_to].key[0]])
            used = values.drop_nulls().unique()
            unknown = used.filter(~used.is_in(known.unique().drop_nulls().implode()))
            if len(unknown):
                why = f"names no {column.refers_to} that is known"
                remedy = f"import the {column.refers_to} before or together with it"
                self._say(values.is_in(unknown.implode()), column.name, why, remedy)

    def dates(self) -> None:
        for earlier, later, severity in DATE_ORDERS.get(self.table.name, ()):
            wrong = (self.rows[later] < self.rows[earlier]).fill_null(value=False)
            if wrong.any():
                value = pl.format("{} to {}", earlier, later)
                rows = self.rows.filter(wrong).with_columns(value.alias("value"))
                self._list(rows, later, f"is before {earlier}", "correct one of the two dates", severity)

    def _say(self, wrong: pl.Series, column: str, why: str, remedy: str) -> None:
        found = wrong.fill_null(value=False)
        if found.any():
            value = pl.col(column).cast(pl.String()).str.slice(0, 120)
            self._list(self.rows.filter(found).with_columns(value.alias("value")), column, why, remedy)

    def _list(
        self, rows: pl.DataFrame, column: str, why: str, remedy: str, severity: Severity = Severity.REFUSE
    ) -> None:
        self.log.add(severity, _issues(rows, (self.table.name, column), why, remedy))


def _issues(rows: pl.DataFrame, place: tuple[str, str], why: str, remedy: str) -> pl.DataFrame:
    return rows.select(
        pl.col(FILE).alias("file"),
        pl.col(ROW).alias("row"),
        pl.lit(place[0]).alias("table"),
        pl.lit(place[1]).alias("column"),
        pl.col("value"),
        pl.lit(why).alias("why"),
        pl.lit(remedy).alias("remedy"),
    )


def _check_rejects(rejects: pl.DataFrame, receipts: pl.DataFrame, log: IssueLog) -> None:
    """No more can be refused of a receipt than came. Receipts of earlier imports are not looked at here."""
    key = ["order", "line", "receipt"]
    came = receipts.unique(key, keep="first").select(*key, pl.col("quantity").alias("came"))
    both = rejects.join(came, on=key, how="inner").with_columns(refused=pl.col("quantity").sum().over(key))
    wrong = both.filter(pl.col("refused") > pl.col("came"))
    if wrong.height:
        value = pl.format("{} of {}", "refused", "came")
        issues = _issues(
            wrong.with_columns(value.alias("value")), ("reject", "quantity"),
            "is more than was received", "correct the rejected or the received quantity",
        )  # fmt: skip
        log.add(Severity.REFUSE, issues)
