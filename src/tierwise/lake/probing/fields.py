"""Which field a column may be: by its name and by what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tierwise.lake.probing.contents import Content
from tierwise.lake.probing.naming import likeness
from tierwise.lake.schemas import Column, Kind, Table

_NUMBERS = {Kind.INTEGER, Kind.RATIO, Kind.QUANTITY, Kind.MONEY, Kind.PRICE}
_SURE, _LIKELY = 0.75, 0.5


@dataclass(frozen=True, slots=True)
class Match:
    """A column taken for a field: how surely (0 to 1) and why."""

    field: Column
    content: Content
    confidence: float
    reason: str


def matches(table: Table, contents: list[Content], known: Mapping[str, pl.Series]) -> list[Match]:
    """The best column for each field, each column once but for codes that stand for two things; surest first."""
    scored = []
    for column in table.columns:
        for content in contents:
            if not content.filled:
                continue
            name = likeness(content.name, column.name, table.name)
            held, why = _held(column, content, known)
            if held == 0.0:
                continue
            confidence = 0.65 * name + 0.35 * held
            if confidence >= _LIKELY and name >= 0.55:
                said = f"name {name:.0%} alike" + (f"; {why}" if why else "")
                scored.append(Match(column, content, round(confidence, 2), said))
    taken: set[str] = set()
    fields: set[str] = set()
    found = []
    for one in sorted(scored, key=lambda match: (-match.confidence, match.field.name)):
        if one.field.name in fields or one.content.name in taken:
            continue
        found.append(one)
        fields.add(one.field.name)
        taken.add(one.content.name)
    return found


def is_sure(match: Match) -> bool:
    return match.confidence >= _SURE


def _held(column: Column, content: Content, known: Mapping[str, pl.Series]) -> tuple[float, str]:
    """How well what is held goes with the field; 0 where it cannot."""
    if column.kind is Kind.DATE:
        return (1.0, "dates") if content.date_formats else (0.0, "")
    if content.date_formats:
        return 0.0, ""
    if column.kind in _NUMBERS:
        if not content.number or (column.kind is Kind.INTEGER and not content.whole):
            return 0.0, ""
        return (0.6, "numbers, some below 0") if content.negative and column.least == 0 else (1.0, "numbers")
    if column.kind is Kind.CURRENCY:
        return (1.0, "ISO 4217 codes") if content.currency > 0.9 else (0.0, "")
    if column.kind is Kind.COUNTRY:
        return (1.0, "ISO 3166 codes") if content.country > 0.9 else (0.0, "")
    if column.kind is Kind.FLAG:
        return (1.0, "yes and no") if content.flag else (0.0, "")
    if column.kind is Kind.CHOICE:
        held = content.texts.drop_nulls().unique().str.to_lowercase().is_in(column.choices)
        return (1.0, "known choices") if held.all() else (0.0, "")
    if column.kind is Kind.UNIT:
        return (
            (0.8, "short codes")
            if content.longest <= 6 and content.distinct <= 40 and not content.number
            else (0.0, "")
        )
    return _held_code(column, content, known)


def _held_code(column: Column, content: Content, known: Mapping[str, pl.Series]) -> tuple[float, str]:
    codes = known.get(column.refers_to)
    if codes is not None and len(codes):
        values = content.texts.drop_nulls().unique()
        share = float(values.is_in(codes.implode()).sum()) / max(len(values), 1)
        if share > 0.2:
            return 0.5 + share / 2, f"{share:.0%} of its codes are {column.refers_to}s we know"
        return 0.3, f"few of its codes are {column.refers_to}s we know"
    if column.kind is Kind.CODE and content.longest > 60:
        return 0.2, "long texts"
    if column.kind is Kind.TEXT and content.number:
        return 0.3, "numbers only"
    return 0.6, ""
