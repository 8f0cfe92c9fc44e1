"""Whether typed rows may be imported: required values, choices, keys, references, check digits, dates in order."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Set as AnySet
from dataclasses import dataclass, field

import polars as pl

from tierwise.lake.codes import COUNTRIES, CURRENCIES, is_gs1_number, is_lei
from tierwise.lake.issues import Found, Severity
from tierwise.lake.readers import FILE, ROW
from tierwise.lake.schemas import LONGEST, TABLES, Column, Kind, Table
from tierwise.lake.staging import BLOCK

TWIN = "has the key of an earlier row"
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


@dataclass(slots=True)
class Verdict:
    """What checking found: issues to be told, and the rows ``[__file, __row]`` with a refused cell."""

    found: list[Found] = field(default_factory=list)
    bad: list[pl.DataFrame] = field(default_factory=list)


def check_rows(table: Table, rows: pl.DataFrame, codes: AnyMapping[str, pl.Series]) -> Verdict:
    """Every check that looks at one row alone. ``codes`` holds what may be referred to, per table that is looked at."""
    check = _Check(table, rows, Verdict())
    check.columns()
    check.references(codes)
    check.dates()
    return check.verdict


def check_keys(table: Table, twins: pl.DataFrame) -> Verdict:
    """Rows that share their key with another; every one of them is bad, the later ones are told."""
    check = _Check(table, twins, Verdict())
    check.key()
    return check.verdict


def known_codes(
    known: AnyMapping[str, pl.Series], tables: AnyMapping[str, pl.DataFrame], unfilled: AnySet[str]
) -> dict[str, pl.Series]:
    """What facts may refer to: codes known before and those of the extract.

    A table in ``unfilled`` is not looked at: one unreadable master would make every row a fault.
    """
    referred = {column.refers_to for table in TABLES.values() for column in table.columns if column.refers_to}
    found = {}
    for name in referred - set(unfilled):
        codes = known[name].cast(pl.String()) if name in known else pl.Series([], dtype=pl.String())
        if name in tables:
            codes = codes.append(tables[name][TABLES[name].key[0]])
        found[name] = codes.unique().drop_nulls()
    return found


class _Check:
    def __init__(self, table: Table, rows: pl.DataFrame, verdict: Verdict) -> None:
        self.table, self.rows, self.verdict = table, rows, verdict

    def columns(self) -> None:
        for column in self.table.columns:
            values = self.rows[column.name]
            if column.required or column.name in self.table.key:
                why = f"is missing; every row of {self.table.name} needs it"
                self._say(values.is_null(), column.name, why, "fill it in the source, or give it a `default`")
            if values.null_count() == len(values):
                continue
            if column.least is not None:
                least = f"{column.least:g}"
                remedy = "correct the sign, or map such rows to a kind of their own"
                self._say(values < column.least, column.name, f"is below {least}", remedy)
            longest = LONGEST.get(column.kind)
            if longest:
                why = f"has more than {longest} characters"
                self._say(_longer(values, longest), column.name, why, "shorten it in the mapping, or map it")
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
        every = self.rows.filter(pl.all_horizontal(pl.col(key).is_not_null()))
        every = every.filter(pl.struct(key).is_duplicated())
        if not every.height:
            return
        first = [pl.col(one).first().over(key).alias(f"{one}_first") for one in (FILE, ROW)]
        again = every.with_columns(first).filter(~pl.struct(key).is_first_distinct())
        value = pl.concat_str(
            [pl.concat_str(pl.lit(f"{one}="), pl.col(one).cast(pl.String())) for one in key], separator=", "
        )
        also = pl.format("{}; first in {} row {}", value, f"{FILE}_first", f"{ROW}_first")
        remedy = "correct one of the rows; equal rows merge with `distinct: true`, uncounted ones with `number_within`"
        column, shared = ", ".join(key), "shares its key with another row"
        issues = _issues(again.with_columns(also.alias("value")), (self.table.name, column), TWIN, remedy)
        self.verdict.found.append(Found(Severity.REFUSE, issues))
        self.verdict.bad.append(_faults(every.with_columns(value.alias("value")), column, shared, remedy))

    def references(self, codes: AnyMapping[str, pl.Series]) -> None:
        for column in self.table.columns:
            if column.refers_to not in codes:
                continue
            values = self.rows[column.name]
            used = values.drop_nulls().unique()
            unknown = used.filter(~used.is_in(codes[column.refers_to].implode()))
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
        self.verdict.found.append(Found(severity, _issues(rows, (self.table.name, column), why, remedy)))
        if severity is Severity.REFUSE:
            self.verdict.bad.append(_faults(rows, column, why, remedy))


def _longer(texts: pl.Series, longest: int) -> pl.Series:
    """Bytes are counted first: characters only where there are so many that it may matter."""
    most = texts.str.len_bytes().max()
    if not isinstance(most, int) or most <= longest:
        return pl.Series([False]).new_from_index(0, len(texts))
    return texts.str.len_chars() > longest


def _faults(rows: pl.DataFrame, column: str, why: str, remedy: str) -> pl.DataFrame:
    place = [name for name in (FILE, ROW, BLOCK) if name in rows.columns]
    said = {"column": column, "why": why, "remedy": remedy}
    return rows.select(*place, "value", *(pl.lit(text).alias(name) for name, text in said.items()))


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


def check_rejects(rejects: pl.DataFrame, receipts: pl.LazyFrame) -> Verdict:
    """No more can be refused of a receipt than came. Receipts of earlier imports are not looked at here."""
    check = _Check(TABLES["reject"], rejects, Verdict())
    key = ["order", "line", "receipt"]
    came = receipts.select(*key, pl.col("quantity").alias("came"))
    came = came.join(rejects.lazy().select(key), on=key, how="semi").unique(key, keep="any")
    both = rejects.join(came.collect(engine="streaming"), on=key, how="inner")
    wrong = both.with_columns(refused=pl.col("quantity").sum().over(key)).filter(pl.col("refused") > pl.col("came"))
    if wrong.height:
        value = pl.format("{} of {}", "refused", "came").alias("value")
        remedy = "correct the rejected or the received quantity"
        check._list(wrong.with_columns(value), "quantity", "is more than was received", remedy)
    return check.verdict
