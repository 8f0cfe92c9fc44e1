"""Rows grouped by some of their columns: held while they are few, else in buckets on disk that keep groups whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

_HELD = 2_000_000
_BUCKETS = 32


@dataclass(slots=True)
class Buckets:
    """Takes frames and gives them back so that all rows of a group come together; with ``by`` empty all are one."""

    folder: Path
    by: tuple[str, ...]
    held: list[pl.DataFrame] = field(default_factory=list)
    count: int = 0
    files: int = 0

    def take(self, rows: pl.DataFrame) -> None:
        self.held.append(rows)
        self.count += rows.height
        if self.count > _HELD and self.by:
            self._spill()

    def each(self) -> Iterator[pl.DataFrame]:
        if not self.files:
            if self.held:
                yield pl.concat(self.held)
            return
        self._spill()
        for bucket in range(_BUCKETS):
            paths = sorted(self.folder.glob(f"{bucket}-*.parquet"))
            if paths:
                yield pl.read_parquet(paths)
                for path in paths:
                    path.unlink()

    def _spill(self) -> None:
        if not self.held:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        bucket = pl.struct(self.by).hash(seed=3) % _BUCKETS
        rows = pl.concat(self.held).with_columns(bucket.alias("__bucket"))
        for (number,), one in rows.partition_by("__bucket", as_dict=True, include_key=False).items():
            one.write_parquet(self.folder / f"{number}-{self.files}.parquet", compression="lz4")
        self.held, self.count = [], 0
        self.files += 1
