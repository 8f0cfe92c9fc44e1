"""The scheme's text: where a place of the document stands in it, and changes that leave the rest untouched."""

from __future__ import annotations

import re

import yaml

_LINE = re.compile(r"^line (\d+)$")


def line_of(text: str, place: str) -> int:
    """The line (from 1) of a place such as ``segments.PREM.policy.scoring``; of the deepest part that is there."""
    if found := _LINE.match(place):
        return int(found[1])
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return 1
    line, rest = 1, place
    while rest and node is not None:
        step = _step(node, rest)
        if step is None:
            break
        line, node, rest = step
    return line


def _step(node: yaml.Node, place: str) -> tuple[int, yaml.Node, str] | None:
    """(line, node, what is left of the place) one level down; names may hold dots, so the longest one counts."""
    if isinstance(node, yaml.MappingNode):
        named = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        named = [(name, child, child) for index, child in enumerate(node.value) for name in _names(index, child)]
    else:
        return None
    fitting = [one for one in named if place == one[0] or place.startswith(f"{one[0]}.")]
    if not fitting:
        return None
    name, key, value = max(fitting, key=lambda one: len(one[0]))
    return key.start_mark.line + 1, value, place[len(name) + 1 :]


def _names(index: int, node: yaml.Node) -> list[str]:
    """What an entry of a list goes by: its number, and its code or name."""
    if not isinstance(node, yaml.MappingNode):
        return [str(index)]
    told = [str(value.value) for key, value in node.value if key.value in {"code", "name"}]
    return [str(index), *told]


def with_cut(text: str, threshold: str, index: int, value: float) -> str:
    """The same text with one cut of a threshold changed; comments and layout stay."""
    node = _cut(yaml.compose(text, Loader=yaml.SafeLoader), threshold, index)
    start, end = node.start_mark.index, node.end_mark.index
    return f"{text[:start]}{_written(value)}{text[end:]}"


def _written(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else repr(value)


def _cut(root: yaml.Node | None, threshold: str, index: int) -> yaml.Node:
    node: yaml.Node | None = root
    for name in ("thresholds", threshold, "cuts", str(index)):
        step = _step(node, name) if node is not None else None
        if step is None:
            raise ValueError(f"thresholds.{threshold}.cuts: there is no cut number {index + 1}; add it first")
        node = step[1]
    assert node is not None
    return node
