"""Identifiers with valid check digits, in ranges that no real company holds."""

from __future__ import annotations

import string

import numpy as np

GS1_RESTRICTED = "29"  # GS1 prefixes 20 to 29 are for use inside a company: never issued, so never somebody's number
LEI_DEMO = "999900"  # no issuer of legal entity identifiers has the prefix 9999


def gs1_check_digit(digits: str) -> str:
    """The check digit that GTIN and GLN share: weights 3 and 1 from the right, complement to ten.

    ``gs1_check_digit("629104150021") == "3"`` (GS1 General Specifications, section 7.9).
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def gs1_number(kind: int, serial: int) -> str:
    """A thirteen-digit GTIN or GLN; ``kind`` keeps the ranges of articles and places apart."""
    body = f"{GS1_RESTRICTED}{kind:02d}{serial:08d}"
    return body + gs1_check_digit(body)


def lei(serial: int) -> str:
    """A legal entity identifier (ISO 17442): eighteen characters and two check digits by ISO 7064, mod 97-10."""
    body = f"{LEI_DEMO}{_base36(serial):>012}"
    number = int("".join(str(int(sign, 36)) for sign in body + "00"))
    return f"{body}{98 - number % 97:02d}"


def duns(serial: int) -> str:
    """Nine digits of which the last is a Luhn check digit, as the first D-U-N-S numbers had."""
    body = f"{90_000_000 + serial * 7_919 % 9_999_991:08d}"
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 * (doubled > 9)
    return body + str(-total % 10)


def _base36(number: int) -> str:
    signs = string.digits + string.ascii_uppercase
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = signs[rest] + text
    return text or "0"


def numbered(prefix: str, numbers: np.ndarray[tuple[int], np.dtype[np.int64]], width: int) -> list[str]:
    """Codes such as ``C-0042`` for an array of numbers."""
    return [f"{prefix}{number:0{width}d}" for number in numbers.tolist()]
