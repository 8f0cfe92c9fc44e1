"""What a column of texts holds: dates of which form, numbers with which signs, codes of which list, and what stands for
nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from tierwise.lake.codes import COUNTRIES, CURRENCIES
from tierwise.lake.parsing import FLAGS, read_dates

FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y",
    "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y",
    "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M", "%d/%m/%y %H:%M",
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S",
)  # fmt: skip
_NOTHING = {"n/a", "na", "n.a.", "null", "none", "nil", "-", "--", "?", "#n/a", "nan", "(null)", "unknown",
            "00.00.0000", "0000-00-00", "00000000", "tbd"}  # fmt: skip
_MOSTLY = 0.5  # from this share on a column is taken for what most of its cells are
_TOKENS = 12  # different texts that may stand for no value; more are values
_POINT = r"^[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?-?$"
_COMMA = r"^[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?-?$"


@dataclass(frozen=True, slots=True)
class Content:
    """``date_formats`` are needed together; ``rival`` reads every date too, but as other days."""

    name: str
    filled: int
    rows: int
    distinct: int
    texts: pl.Series = field(repr=False)
    date_formats: tuple[str, ...] = ()
    rival: str = ""
    number: bool = False
    whole: bool = False
    negative: bool = False
    decimal: str = "."
    thousands: str = ""
    doubtful_sign: bool = False
    tokens: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    currency: float = 0.0
    country: float = 0.0
    flag: bool = False
    longest: int = 0

    @property
    def unique(self) -> bool:
        return self.filled > 1 and self.distinct == self.filled

    @property
    def examples(self) -> list[str]:
        return self.texts.drop_nulls().unique(maintain_order=True).head(3).to_list()


def content_of(texts: pl.Series) -> Content:
    given = texts.drop_nulls()
    values = given.unique(maintain_order=True)
    plain = {"name": texts.name, "filled": len(given), "rows": len(texts), "distinct": len(values), "texts": texts}
    if not len(given):
        return Content(**plain)  # type: ignore[arg-type]
    longest = values.str.len_chars().max()
    plain |= {
        "longest": longest if isinstance(longest, int) else 0,
        "currency": _share(values.is_in(list(CURRENCIES))),
        "country": _share(values.is_in(list(COUNTRIES))),
        "flag": bool(values.str.to_lowercase().is_in(list(FLAGS)).all()),
    }
    dates = _dates(given)
    if dates:
        return Content(**plain, **dates)  # type: ignore[arg-type]
    return Content(**plain, **_numbers(given))  # type: ignore[arg-type]


def _share(mask: pl.Series) -> float:
    return float(mask.fill_null(value=False).sum()) / max(len(mask), 1)


def _dates(given: pl.Series) -> dict[str, object]:
    reads = {}
    for pattern in FORMATS:
        days = read_dates(given, pattern)
        days = days.set((days.dt.year() < 1950) | (days.dt.year() > 2100), None)
        if len(days) - days.null_count():
            reads[pattern] = days
    if not reads:
        return {}
    order = sorted(reads, key=lambda one: (reads[one].null_count(), FORMATS.index(one)))
    best = order[0]
    chosen, days = [best], reads[best]
    rival = next((one for one in order[1:] if reads[one].null_count() == days.null_count()
                  and (reads[one] != days).any()), "")  # fmt: skip
    for other in order[1:]:
        more = reads[other].filter(days.is_null())
        agree = not (reads[other] != days).fill_null(value=False).any()
        if agree and len(more) - more.null_count() > 0.01 * len(given):
            chosen.append(other)
            days = days.zip_with(days.is_not_null(), reads[other])
    left = given.filter(days.is_null()).unique()
    if (days.null_count() > _MOSTLY * len(given) and not _tokens(left)) or len(left) > _TOKENS:
        return {}
    if days.null_count() == len(given):
        return {}
    return {"date_formats": tuple(chosen), "rival": rival, **_leftover(left)}


def _leftover(texts: pl.Series) -> dict[str, tuple[str, ...]]:
    """Texts among values: words that stand for no value, and what looks like a value written wrongly."""
    words = [text for text in texts.to_list() if text.lower() in _NOTHING or not any(sign.isdigit() for sign in text)]
    return {"tokens": tuple(words), "odd": tuple(text for text in texts.to_list() if text not in words)}


def _tokens(texts: pl.Series) -> bool:
    return len(texts) <= _TOKENS and bool(texts.str.to_lowercase().is_in(list(_NOTHING)).all())


def _numbers(given: pl.Series) -> dict[str, object]:
    bare = given.str.replace_all(r"\s", "")
    point, comma = bare.str.contains(_POINT), bare.str.contains(_COMMA)
    decimal_comma = _share(comma) > _share(point) or (
        _share(comma) == _share(point) and bool(bare.str.contains(r",\d+$").any())
        and not bare.str.contains(r"^\d{1,3}(,\d{3})+$").filter(bare.str.contains(",")).all()
    )  # fmt: skip
    fits = comma if decimal_comma else point
    left = given.filter(~fits).unique()
    if _share(fits) < _MOSTLY or len(left) > _TOKENS:
        return {}
    mark, group = (",", ".") if decimal_comma else (".", ",")
    numbers = bare.filter(fits)
    grouped = numbers.str.contains(group, literal=True)
    # 1,234 alone may be a thousand or one and a bit
    doubtful = bool(grouped.any()) and not numbers.str.contains(mark, literal=True).any()
    return {
        "number": True,
        "whole": not numbers.str.contains(rf"\{mark}0*[1-9]").any(),
        "negative": bool(numbers.str.contains(r"^-|-$").any()),
        "decimal": mark if numbers.str.contains(mark, literal=True).any() else ".",
        "thousands": group if grouped.any() else "",
        "doubtful_sign": doubtful,
        **_leftover(left),
    }
