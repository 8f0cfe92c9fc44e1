"""Habits that are banned everywhere, so that nobody has to look for them in a review."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from architecture.source import Source, sources

VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}
CLOCK_CALLS = {"now", "today", "utcnow", "fromtimestamp", "utcfromtimestamp"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def where(source: Source, node: ast.AST) -> str:
    return f"{source.name}:{getattr(node, 'lineno', 1)}"


def found(*kinds: type[ast.AST]) -> Iterator[tuple[Source, ast.AST]]:
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, kinds):
                yield source, node


def test_modules_are_named_after_what_they_hold() -> None:
    vague = {s.name for s in sources() if VAGUE & set(s.path.relative_to(s.path.parents[2]).with_suffix("").parts)}
    # Django asks a database's backend for a module of this name.
    assert vague == {"src/tierwise/kernel/pooled/base.py"}


def test_imports_name_what_they_take() -> None:
    stars = [where(s, n) for s, n in found(ast.ImportFrom) if any(a.name == "*" for a in n.names)]  # type: ignore[attr-defined]
    assert stars == []


def test_only_the_clock_asks_for_the_time() -> None:
    """``datetime.now()``, ``date.today()``, ``timezone.now()``: a test or a replay could not answer in their place."""
    asked = []
    for source, node in found(ast.Call):
        called = node.func  # type: ignore[attr-defined]
        if source.module == "tierwise.kernel.clock" or not isinstance(called, ast.Attribute):
            continue
        if called.attr not in CLOCK_CALLS:
            continue
        owner = called.value.attr if isinstance(called.value, ast.Attribute) else getattr(called.value, "id", "")
        if owner in {"datetime", "date", "timezone"} and not (called.attr.endswith("timestamp") and node.args):  # type: ignore[attr-defined]
            asked.append(where(source, node))
    assert asked == []


def test_no_segment_is_special() -> None:
    """Code asks for its facet. A comparison of a segment with a text is a branch that a new scheme would not know."""
    special = []
    for source, node in found(ast.Compare):
        sides = [node.left, *node.comparators]  # type: ignore[attr-defined]
        texts = any(isinstance(side, ast.Constant) and isinstance(side.value, str) and side.value for side in sides)
        if texts and any(named_segment(side) for side in sides):
            special.append(where(source, node))
    for source, node in found(ast.Match):
        if named_segment(node.subject):  # type: ignore[attr-defined]
            special.append(where(source, node))
    assert special == []


def named_segment(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in {"segment", "segment_code", "from_segment", "to_segment"}


def test_nothing_happens_by_signal() -> None:
    received = [
        where(source, node)
        for source, node in found(ast.ImportFrom)
        if (node.module or "").startswith(("django.dispatch", "django.db.models.signals", "django.core.signals"))  # type: ignore[attr-defined]
    ]
    assert received == []


def test_nothing_is_left_for_later() -> None:
    left = []
    for source in sources():
        for number, line in enumerate(source.path.read_text(encoding="utf-8").splitlines(), start=1):
            if UNFINISHED.search(line):
                left.append(f"{source.name}:{number}")
    raised = [where(s, n) for s, n in found(ast.Raise) if "NotImplementedError" in ast.dump(n)]
    assert left + raised == []


def test_the_engine_draws_from_no_global_chance() -> None:
    """A result must follow from its inputs; generators are passed in or seeded from them."""
    drawn = []
    for source, node in found(ast.Import, ast.ImportFrom):
        if not source.module.startswith("tierwise.engine"):
            continue
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]  # type: ignore[attr-defined]
        if "random" in names:
            drawn.append(where(source, node))
    for source, node in found(ast.Attribute):
        if not source.module.startswith("tierwise.engine"):
            continue
        inner = node.value  # type: ignore[attr-defined]
        named = isinstance(inner, ast.Attribute) and inner.attr == "random"
        if named and getattr(inner.value, "id", "") in {"np", "numpy"} and node.attr not in RANDOM_TYPES:  # type: ignore[attr-defined]
            drawn.append(where(source, node))
    assert drawn == []


RANDOM_TYPES = {"Generator", "default_rng", "SeedSequence", "PCG64", "Philox", "BitGenerator"}
