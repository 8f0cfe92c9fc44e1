"""Who may import whom: the contracts in .importlinter, and that models stay at home."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
OPEN = {"actions", "queries", "shared", "records", "ports", "facet"}
APPS = ("tierwise.modules", "tierwise.collaboration")


def app_of(module: str) -> str:
    """The app a module belongs to: one of the modules, one way of collaborating, or the directory."""
    parts = module.split(".")
    for room in APPS:
        if module.startswith(f"{room}.") and len(parts) > 3:
            return ".".join(parts[:3])
    return "tierwise.directory" if module.startswith("tierwise.directory.") else ""


def border_crossings(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    for importer in sorted(graph.modules):
        home = app_of(importer)
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            theirs = app_of(imported)
            if not home or not theirs or theirs == home:
                continue
            if imported.removeprefix(f"{theirs}.").split(".")[0] not in OPEN:
                yield importer, imported


def test_models_stay_at_home() -> None:
    graph = grimp.build_graph("tierwise", cache_dir=None)
    assert list(border_crossings(graph)) == []


def test_a_crossing_is_seen() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (
        ("tierwise.modules.risk.jobs", "tierwise.modules.orders.models.lines"),
        ("tierwise.modules.risk.jobs", "tierwise.modules.orders.queries.deep"),
        ("tierwise.modules.risk.jobs", "tierwise.modules.risk.models"),
        ("tierwise.collaboration.agree.models", "tierwise.directory.models"),
    ):
        graph.add_import(importer=importer, imported=imported)
    assert [imported for _, imported in border_crossings(graph)] == [
        "tierwise.directory.models", "tierwise.modules.orders.models.lines",
    ]  # fmt: skip


def test_contracts_hold() -> None:
    command = [
        sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache",
        "--config", str(ROOT / ".importlinter"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "contracts: " in done.stdout.lower() or "kept" in done.stdout.lower()
