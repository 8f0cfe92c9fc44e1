"""What a receiver answers to a batch: taken, not taken, or taken but for some rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_ROWS = 100_000
_NO = frozenset({"no", "refused", "rejected", "error", "failed", "e", "false", "0", "nak"})
_YES = frozenset({"", "yes", "ok", "accepted", "done", "s", "w", "i", "true", "1", "ack"})


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row the receiver did not take. It is named by its key or by its number within the batch, from 1."""

    key: str = ""
    row: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """``accepted`` is False when nothing was taken; ``refused`` are rows left out of a batch that was."""

    accepted: bool = True
    reason: str = ""
    refused: tuple[RefusedRow, ...] = ()


class UnreadableAcknowledgement(ValueError):
    """The file is neither empty nor one of the forms that are understood."""


def read_acknowledgement(content: bytes, negative: bool = False) -> Acknowledgement:
    """Reads an acknowledgement: empty, a JSON object, CSV with a header, or (when negative) a sentence.

    JSON: ``{"state": "accepted", "reason": "", "rows": [{"key": "A1", "state": "refused", "reason": "locked"}]}``.
    CSV: columns ``key`` or ``row``, ``state`` (left out: refused) and ``reason``; comma or semicolon.

    >>> read_acknowledgement(b"key;state;reason\\nA1;refused;locked\\nA2;ok;").refused
    (RefusedRow(key='A1', row=0, reason='locked'),)
    """
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace").strip()
    if not text:
        return Acknowledgement(not negative)
    if text.startswith("{"):
        return _json(text, negative)
    first = text.splitlines()[0].lower()
    names = [name.strip().strip('"') for name in first.replace(";", ",").split(",")]
    if {"key", "row"} & set(names):
        reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",")
        return _answer(not negative, "", ({str(k).strip().lower(): v for k, v in one.items()} for one in reader))
    if negative:
        return Acknowledgement(False, text[:1000])
    raise UnreadableAcknowledgement(
        "the acknowledgement is not empty, not JSON and has no column key or row; nothing was taken from it"
    )


def _json(text: str, negative: bool) -> Acknowledgement:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableAcknowledgement(f"the acknowledgement is not JSON: {error}") from None
    rows = found.get("rows") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnreadableAcknowledgement("rows: write a list of objects with key or row, state and reason")
    accepted = _yes(found.get("state"), default=not negative)
    return _answer(accepted, str(found.get("reason") or ""), rows)


def _answer(accepted: bool, reason: str, rows: Iterable[Mapping[str, object]]) -> Acknowledgement:
    refused: list[RefusedRow] = []
    for row in rows:
        if len(refused) >= MOST_ROWS:
            raise UnreadableAcknowledgement(f"more than {MOST_ROWS} rows are refused; refuse the batch as a whole")
        if "state" in row and _yes(row.get("state"), default=True):
            continue
        number = str(row.get("row") or "0").strip()
        if not number.isdigit():
            raise UnreadableAcknowledgement(f"row: {number!r} is not a number; rows of a batch count from 1")
        refused.append(RefusedRow(str(row.get("key") or "").strip(), int(number), str(row.get("reason") or "")[:500]))
    # A list of refused rows in a negative file means those rows, not the batch.
    return Acknowledgement(accepted or (not reason and bool(refused)), reason[:1000], tuple(refused))


def _yes(state: object, default: bool) -> bool:
    word = str(state if state is not None else "").strip().lower()
    if word in _NO:
        return False
    if word and word not in _YES:
        raise UnreadableAcknowledgement(f"state: {word!r} is not known; write accepted or refused")
    return True if word else default
