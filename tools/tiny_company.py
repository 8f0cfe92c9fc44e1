"""The demo company at its least: one month's work of a handful of suppliers, for what is run hundreds of times."""

from __future__ import annotations

from tierwise.demo import company, products

TINY = company.Scale(products.Counts(6, 6, 3, 24, 3, 3), 20, 10, 800)


def shrink() -> None:
    """From here on the small size is the tiny one."""
    company.SCALES["small"] = TINY
