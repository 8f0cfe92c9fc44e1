"""Fills one block of a mapping: join, parse, derive, filter, and give every column of the table its typed value."""

from __future__ import annotations

from tierwise.lake.transform.filled import Filled
from tierwise.lake.transform.filling import Filling
from tierwise.lake.transform.sql import SqlError

__all__ = ["Filled", "Filling", "SqlError"]
