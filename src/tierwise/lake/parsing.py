"""How a column of texts becomes typed values, with a finding for every cell that does not."""

from __future__ import annotations

from datetime import date

import polars as pl

from tierwise.lake.issues import Finding, Severity
from tierwise.lake.mapping import Otherwise, Rule
from tierwise.lake.schemas import POLARS_TYPES, Kind

ISO_DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f")
FLAGS = {"true": True, "t": True, "yes": True, "y": True, "1": True, "x": True,
         "false": False, "f": False, "no": False, "n": False, "0": False}  # fmt: skip
_EARLIEST = date(1900, 1, 1)  # below it lie two-digit years read by a four-digit format
_NUMBERS = {Kind.INTEGER, Kind.RATIO, Kind.QUANTITY, Kind.MONEY, Kind.PRICE}
_DECIMALS = {Kind.QUANTITY: 4, Kind.MONEY: 4, Kind.PRICE: 6}


def read_values(texts: pl.Series, kind: Kind, rule: Rule) -> tuple[pl.Series, list[Finding]]:
    """Values of the kind's type, null where a text gives none, and what was found on the way."""
    findings: list[Finding] = []
    texts = _without_tokens(texts, rule, findings)
    if rule.remove:
        bare = texts.str.replace_all(rule.remove, "").str.strip_chars()
        findings.append(Finding(bare == "", "nothing is left of it", f"do not remove {rule.remove!r} from it"))
        texts = _empty_to_null(bare)
    if rule.values:
        texts = _empty_to_null(_mapped(texts, rule, findings))
    if rule.default is not None:
        texts = texts.fill_null(rule.default)
    return _typed(texts, kind, rule, findings), findings


def _empty_to_null(texts: pl.Series) -> pl.Series:
    return texts.set(texts == "", None)


def _without_tokens(texts: pl.Series, rule: Rule, findings: list[Finding]) -> pl.Series:
    masks = [(texts == token, reason) for token, reason in rule.null_tokens.items()]
    masks += [(texts.str.contains(pattern), reason) for pattern, reason in rule.null_patterns.items()]
    for mask, reason in masks:
        found = mask.fill_null(value=False)
        if found.any():
            findings.append(Finding(found, f"declared as no value: {reason}", "nothing to do", Severity.NOTE))
            texts = texts.set(found, None)
    return texts


def _mapped(texts: pl.Series, rule: Rule, findings: list[Finding]) -> pl.Series:
    unknown = texts.is_not_null() & ~texts.is_in(list(rule.values))
    if rule.otherwise is Otherwise.KEEP:
        return texts.replace(rule.values)
    if rule.otherwise is Otherwise.REFUSE:
        findings.append(Finding(unknown, "is not in the mapping's values", "add it to `values` or correct it"))
    else:
        why = "is not in the mapping's values: read as empty"
        findings.append(Finding(unknown, why, "nothing to do", Severity.NOTE))
    return texts.replace_strict(rule.values, default=None, return_dtype=pl.String())


def _typed(texts: pl.Series, kind: Kind, rule: Rule, findings: list[Finding]) -> pl.Series:
    if kind in _NUMBERS:
        values = _numbers(texts, kind, rule, findings)
        remedy = "write digits with the decimal sign of the mapping, or declare the text in `null_tokens`"
    elif kind is Kind.DATE:
        values = _dates(texts, rule, findings)
        remedy = "add its format to `dates`, or declare the text in `null_tokens`"
    elif kind is Kind.FLAG:
        values = texts.str.to_lowercase().replace_strict(FLAGS, default=None, return_dtype=pl.Boolean())
        remedy = "write true or false, or map it with `values`"
    else:
        return _sound(texts, findings)
    findings.append(Finding(texts.is_not_null() & values.is_null(), f"is not a {kind.value}", remedy))
    return values


def _sound(texts: pl.Series, findings: list[Finding]) -> pl.Series:
    """Texts that a database can hold: PostgreSQL knows no NUL, and nobody sees one."""
    broken = texts.str.contains("\0", literal=True).fill_null(value=False)
    if not broken.any():
        return texts
    findings.append(Finding(broken, "holds a NUL character", "write the file anew without it"))
    return texts.set(broken, None)


def _numbers(texts: pl.Series, kind: Kind, rule: Rule, findings: list[Finding]) -> pl.Series:
    if rule.thousands:
        texts = texts.str.replace_all(rule.thousands, "", literal=True)
    if rule.decimal != ".":
        # a point that is no thousands sign would silently make 1.500,00 of 1,50000: leave it unreadable
        texts = texts.set(texts.str.contains(".", literal=True), "?")
        texts = texts.str.replace(rule.decimal, ".", literal=True)
    if texts.str.ends_with("-").any():
        texts = texts.str.replace(r"^([\d.]+)-$", "-$1")
    if kind is Kind.INTEGER:
        return texts.str.replace(r"\.0*$", "").cast(pl.Int64(), strict=False)
    if kind is Kind.RATIO:
        floats = texts.cast(pl.Float64(), strict=False)
        return floats.set(~floats.is_finite(), None)
    places = _DECIMALS[kind]
    finer = texts.str.contains(rf"\.\d{{{places}}}\d*[1-9]")
    if finer.any():
        why = f"has more than {places} decimals: rounded"
        findings.append(Finding(finer.fill_null(value=False), why, "nothing to do", Severity.NOTE))
    return texts.cast(POLARS_TYPES[kind], strict=False)


def _dates(texts: pl.Series, rule: Rule, findings: list[Finding]) -> pl.Series:
    """Two formats that read a cell as different days make it unreadable: nobody could say which is meant."""
    days = pl.Series(texts.name, [None], dtype=pl.Date()).new_from_index(0, len(texts))
    torn = pl.Series([False]).new_from_index(0, len(texts))
    for pattern in rule.dates or ISO_DATES:
        if not rule.dates and days.null_count() == texts.null_count():
            break  # the ISO forms do not contradict each other
        read = read_dates(texts, pattern)
        read = read.set(read < _EARLIEST, None)
        torn |= (days != read).fill_null(value=False)
        days = days.zip_with(days.is_not_null(), read)
    if torn.any():
        findings.append(
            Finding(torn, "two formats read it as different days", "leave one of the formats out of `dates`")
        )
    return days


def read_dates(texts: pl.Series, pattern: str) -> pl.Series:
    """Days by one format; null where it does not fit. Times of day are read and dropped."""
    if any(sign in pattern for sign in ("%H", "%I", "%T", "%R", "%s")):
        return texts.str.to_datetime(pattern, strict=False).dt.date()
    return texts.str.to_date(pattern, strict=False)
