"""The package's own source, read once: files, their code lines and functions."""

from __future__ import annotations

import ast
import functools
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tierwise"
_SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    path: Path
    tree: ast.Module
    code_lines: frozenset[int]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def module(self) -> str:
        parts = self.path.relative_to(PACKAGE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def functions(self) -> Iterator[tuple[Function, ast.ClassDef | None]]:
        """Every function with the class it is a method of."""
        for parent in ast.walk(self.tree):
            for child in ast.iter_child_nodes(parent):
                if isinstance(child, Function):
                    yield child, parent if isinstance(parent, ast.ClassDef) else None

    def lines_of(self, node: Function) -> int:
        """Code lines of a function, those of functions within it included, its decorators not."""
        return sum(node.lineno <= line <= (node.end_lineno or 0) for line in self.code_lines)


def _docstring_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node, clean=False) is not None:
            yield from range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return Source(path, tree, frozenset(lines - set(_docstring_lines(tree))))


@functools.cache
def sources() -> tuple[Source, ...]:
    """Everything that is written by hand; migrations are generated."""
    return tuple(read(path) for path in sorted(PACKAGE.rglob("*.py")) if "migrations" not in path.parts)
