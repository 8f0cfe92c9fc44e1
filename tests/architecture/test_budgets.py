"""How long a file and a function may be, how many things a function may ask for, and that nothing goes in circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set

import grimp
import pytest

from architecture.source import Function, Source, read, sources

FILE_LINES = 500
FUNCTION_LINES = 60
KERNEL_LINES = 100
PARAMETERS = 5
PAGE_FILES = ("desk", "portal", "api")


def decorators(node: Function) -> set[str]:
    """Last words of a function's decorators: ``njit`` for ``@numba.njit(cache=True)``."""
    found = set()
    for decorator in node.decorator_list:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        found.add(named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", ""))
    return found


def is_kernel(node: Function) -> bool:
    return bool(
        decorators(node) & {"njit", "jit", "vectorize", "guvectorize", "kernel", "inlined", "compiled", "_compiled"}
    )


def parameters(node: Function, owner: ast.ClassDef | None) -> int:
    """Parameters a caller has to think of: ``self``, ``cls`` and catch-alls do not count."""
    names = [a.arg for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
    bound = owner is not None and "staticmethod" not in decorators(node)
    return len(names) - bound


def too_long_files(found: tuple[Source, ...]) -> Iterator[str]:
    for source in found:
        if (count := len(source.code_lines)) > FILE_LINES:
            yield f"{source.name}: {count} code lines"


def too_long_functions(found: tuple[Source, ...]) -> Iterator[str]:
    for source in found:
        for node, _ in source.functions():
            limit = KERNEL_LINES if is_kernel(node) else FUNCTION_LINES
            if (count := source.lines_of(node)) > limit:
                yield f"{source.name}:{node.lineno} {node.name}: {count} code lines"


def too_many_parameters(found: tuple[Source, ...]) -> Iterator[str]:
    for source in found:
        if {source.path.stem, source.path.parent.name} & set(PAGE_FILES) or source.module.startswith("tierwise.cli"):
            continue  # a page's, an operation's and a command's parameters are what the outside sends
        for node, owner in source.functions():
            if not is_kernel(node) and (count := parameters(node, owner)) > PARAMETERS:
                yield f"{source.name}:{node.lineno} {node.name}: {count} parameters"


def test_files_are_short() -> None:
    assert list(too_long_files(sources())) == []


def test_functions_are_short() -> None:
    assert list(too_long_functions(sources())) == []


def test_functions_ask_for_few_things() -> None:
    assert list(too_many_parameters(sources())) == []


def test_nothing_imports_in_circles() -> None:
    graph = grimp.build_graph("tierwise", cache_dir=None, exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert circular(imports) == []


def circular(imports: Mapping[str, Set[str]]) -> list[str]:
    """Modules that lead back to themselves. What imports nothing left, or is imported by nothing left, falls away."""
    left = set(imports)
    while True:
        importing = {module for module in left if imports[module] & left}
        imported = left & set().union(*(imports[module] for module in left))
        if importing & imported == left:
            return sorted(left)
        left = importing & imported


def test_a_circle_is_seen() -> None:
    imports = {"top": {"a"}, "a": {"b"}, "b": {"c"}, "c": {"a", "leaf"}, "leaf": set(), "alone": set()}
    assert circular(imports) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('def f():\n    """One."""\n\n    # no\n    return 1\n', 2),
        ("def f():\n    return '''a\nb\n'''\n", 4),
        ("def f():\n    def g():\n        return 1\n    return g\n", 4),
    ],
)
def test_only_code_counts(tmp_path, text: str, expected: int) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "example.py"
    path.write_text(text)
    source = read(path)
    outer = next(node for node, _ in source.functions() if node.name == "f")
    assert source.lines_of(outer) == len(source.code_lines) == expected
