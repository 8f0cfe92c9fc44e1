"""What the columns of a joined file are called."""

from __future__ import annotations

from tierwise.lake.mapping import Block, Join


def join_prefix(block: Block, alias: str) -> str:
    return next((join.prefix for join in block.joins if alias_of_join(join) == alias), "")


def alias_of_join(join: Join) -> str:
    return ":" + (join.prefix or join.file)


def on_names(join: Join) -> list[str]:
    return [f"__on{index}" for index in range(len(join.on))]
