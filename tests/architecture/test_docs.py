"""What the documentation says is there is there: commands, paths, settings, names, capabilities, generated pages."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from django.apps import apps
from django.urls import get_resolver
from django.utils.module_loading import import_string

from architecture.source import PACKAGE, ROOT, sources
from tierwise.capabilities import ROWS, as_markdown
from tierwise.cli.commands import app
from tierwise.directory.records import facets
from tierwise.kernel.capability import Capability, State
from tierwise.lake.fact_pages import MAPPING_KEYS, render_mapping, render_tables
from tierwise.lake.imports import prepare
from tierwise.lake.mapping_reader import load_mapping
from tierwise.lake.schemas import TABLES

DOCS = ROOT / "docs"
GENERATED = {"capabilities.md", "facts.md"}
COMMAND = re.compile(r"\btierwise((?: +[a-z]+)+)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SETTING = re.compile(r"\bTIERWISE_[A-Z_]+\b")
ROOMS = ("src/", "docs/", "tests/", "bench/", "examples/", "frontend/", "tools/", ".ci/")


def pages() -> list[Path]:
    return [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(DOCS.rglob("*.md"))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def shown(page: Path) -> Iterator[str]:
    """What a page sets as code: spans, and lines of blocks that are no drawing."""
    text = text_of(page)
    for kind, block in BLOCK.findall(text):
        if kind in {"", "sh"}:
            yield from block.splitlines()
    yield from SPAN.findall(BLOCK.sub("", text))


# --- commands


@cache
def commands() -> Mapping[str, Any]:
    """Every command by its words: ``scheme plan``."""
    found: dict[str, Any] = {}

    def walk(command: Any, words: str) -> None:
        if words:
            found[words] = command
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{words} {name}".strip())

    walk(typer.main.get_command(app), "")
    return found


def named_command(words: str) -> str | None:
    """The longest command that some words begin with."""
    parts = words.split()
    named = (" ".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in named if name in commands()), None)


def unknown_commands(code: str) -> list[str]:
    """Uses of the command line that it does not have; a group needs one of its own commands after it."""
    wrong = []
    for words in COMMAND.findall(code):
        name = named_command(words)
        following = words.split()[len(name.split()) :] if name else []
        group = bool(name) and bool(getattr(commands()[name or ""], "commands", {}))
        if name is None or (group and following):
            wrong.append(f"tierwise{words}")
    return wrong


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_there(page: Path) -> None:
    assert [wrong for code in shown(page) if code.startswith("tierwise ") for wrong in unknown_commands(code)] == []


def test_options_are_there() -> None:
    """``--mapping`` after ``tierwise import`` must be an option of it."""
    wrong = []
    for page in pages():
        for code in shown(page):
            name = named_command(code.removeprefix("tierwise ")) if code.startswith("tierwise ") else None
            if name is None:
                continue
            known = {option for parameter in commands()[name].params for option in parameter.opts} | {"--help"}
            wrong += [f"{page.name}: {code}" for option in re.findall(r"--[a-z-]+", code) if option not in known]
    assert wrong == []


def test_a_wrong_command_is_seen() -> None:
    assert unknown_commands("tierwise scheme plan scheme.yaml") == []
    assert unknown_commands("tierwise import FOLDER") == []
    assert unknown_commands("tierwise fly") == ["tierwise fly"]
    assert unknown_commands("tierwise scheme fly") == ["tierwise scheme fly"]


def test_every_command_is_told_of_in_the_readme() -> None:
    told = {named_command(words) for code in shown(ROOT / "README.md") for words in COMMAND.findall(code)}
    told |= {"demo"}  # by way of make
    assert {name for name in commands() if not getattr(commands()[name], "commands", {})} - told == set()


def test_make_targets_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    used = {word for page in pages() for code in shown(page) for word in re.findall(r"^make ([a-z]+)", code)}
    assert used - targets == set()
    assert {"demo", "test", "docs"} <= used


@pytest.fixture(scope="module")
def tierwise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The command line as installed, in an empty home."""
    home = tmp_path_factory.mktemp("home")
    yield ["env", f"TIERWISE_HOME={home}", "COLUMNS=200", str(Path(sys.executable).with_name("tierwise"))]
    assert list(home.iterdir()) == [], "asking for help left something behind"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["--help"], ["scheme", "--help"], ["import", "--help"], ["capabilities", "--markdown"]]
)
def test_commands_that_need_nothing_run(tierwise: list[str], words: list[str]) -> None:
    done = subprocess.run([*tierwise, *words], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    expected = {"--help": "Usage: tierwise", "--markdown": "| row | promise |"}[words[-1]]
    assert expected in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
def test_wrong_use_is_exit_code_2(tierwise: list[str]) -> None:
    done = subprocess.run([*tierwise, "fly"], capture_output=True, text=True, check=False)
    assert done.returncode == 2


# --- paths, links, settings


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_and_links_lead_somewhere(page: Path) -> None:
    words = {word.rstrip(".,:;)") for code in shown(page) for word in code.split() if word.startswith(ROOMS)}
    paths = {path for path in words if not set("*…<{") & set(path)}
    links = {link for link in LINK.findall(BLOCK.sub("", text_of(page))) if "://" not in link}
    missing = [path for path in paths if not (ROOT / path).exists()]
    missing += [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_python_names_are_there() -> None:
    """``tierwise.kernel.zones`` and the like, in any page."""
    modules = {source.module for source in sources()}
    named = {name for page in pages() for code in shown(page) for name in re.findall(r"\btierwise(?:\.\w+)+", code)}
    named -= {"tierwise.example.com", "tierwise.dump"}
    assert sorted(n for n in named if n not in modules and n.rsplit(".", 1)[0] not in modules) == []


def test_settings_are_those_of_the_program() -> None:
    read = {n for s in sources() for n in SETTING.findall(s.path.read_text(encoding="utf-8"))}
    # One is a setting of Django's, made from the address; the other is told by the supervisor to its children.
    read -= {"TIERWISE_LAKE", "TIERWISE_WEB_PROCESSES"}
    told = set(SETTING.findall(text_of(ROOT / "README.md")))
    assert told == read
    everywhere = {name for page in pages() for name in SETTING.findall(text_of(page))}
    assert everywhere <= told


# --- capabilities

WRITE = "tierwise.modules.segmentation.actions.write_scheme"


def known_pages() -> set[str]:
    return {name for name in get_resolver().reverse_dict if isinstance(name, str)}


def story_exists(story: str) -> bool:
    """``stories/test_x.py::test_y``, from the folder of tests or the root."""
    file, _, function = story.partition("::")
    path = next((p for p in (ROOT / file, ROOT / "tests" / file) if p.is_file()), None)
    if path is None:
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return function in {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def resolved(dotted: str) -> object:
    """What a dotted name stands for; None when there is no such thing."""
    try:
        return import_string(dotted)
    except ImportError:
        return None


def faults(row: Capability) -> Iterator[str]:
    if row.page and row.page not in known_pages():
        yield f"{row.number}: no page is called {row.page}"
    if row.command and named_command(row.command) != row.command:
        yield f"{row.number}: there is no command {row.command}"
    if row.action and not callable(resolved(row.action)):
        yield f"{row.number}: there is no {row.action}"
    if row.story and not story_exists(row.story):
        yield f"{row.number}: there is no test {row.story}"
    if row.state is State.WORKS and not row.story:
        yield f"{row.number}: works, and no story proves it"
    if row.state is not State.PLANNED and not (row.page or row.command or row.action or row.api):
        yield f"{row.number}: is {row.state}, and can be found nowhere"


def test_there_are_73_promises() -> None:
    assert len(ROWS) == len({row.number for row in ROWS}) == 73
    chapters = [8, 8, 8, 8, 8, 8, 8, 8, 8, 1]
    assert [row.number for row in ROWS] == [
        f"{c}.{n}" for c, count in enumerate(chapters, 1) for n in range(1, count + 1)
    ]
    assert all(row.promise for row in ROWS)


def test_promises_resolve() -> None:
    assert [fault for row in ROWS for fault in faults(row)] == []


def test_a_promise_that_leads_nowhere_is_seen() -> None:
    here = "architecture/test_docs.py::test_promises_resolve"
    good = Capability("1.1", "x", State.WORKS, "home", WRITE, "", "scheme plan", here)
    assert list(faults(good)) == []
    lost = Capability("1.1", "x", State.PARTLY, "nowhere", f"{WRITE}_not", "", "scheme fly", f"{here}_not")
    assert len(list(faults(lost))) == 4
    assert len(list(faults(Capability("1.1", "x", State.WORKS)))) == 2


# --- generated pages


@pytest.mark.parametrize(("name", "made"), [("capabilities.md", as_markdown), ("facts.md", render_tables)])
def test_generated_pages_are_up_to_date(name: str, made: object) -> None:
    assert callable(made)
    assert text_of(DOCS / name) == made(), f"docs/{name} is old; run `make docs`"


def test_the_reference_of_mappings_is_up_to_date() -> None:
    page = text_of(DOCS / "import.md")
    sections = render_mapping().split("\n## ")[1:]
    assert len(sections) == len(MAPPING_KEYS)
    stale = [section.splitlines()[0] for section in sections if f"\n### {section.strip()}\n" not in page]
    assert stale == [], "docs/import.md differs from render_mapping(); put its sections there anew"


def test_the_first_mapping_maps(tmp_path: Path) -> None:
    """The example for beginners, on a file as it describes one."""
    example = next(block for kind, block in BLOCK.findall(text_of(DOCS / "import.md")) if kind == "yaml")
    (tmp_path / "mapping.yaml").write_text(example, encoding="utf-8")
    (tmp_path / "articles.csv").write_text("Article;Description;Unit\nA1;Schräge Schraube;ST\n", encoding="cp1252")
    head = "Order;Position;Article;Customer;Group;Date;Quantity;Unit;Net;Status\n"
    rows = "1;1;A1;C1;RETAIL;01.02.2026;1.000,5;ST;10,50;N\n1;2;A1;C1;RETAIL;01.02.2026;1;ST;1,00;X\n"
    (tmp_path / "orders_1.csv").write_text(head + rows, encoding="utf-8")
    prepared = prepare(tmp_path, load_mapping(tmp_path / "mapping.yaml"))
    assert prepared.tables["item"]["name"].to_list() == ["Schräge Schraube"]
    assert [str(quantity) for quantity in prepared.tables["demand"]["quantity"]] == ["1000.5000"]
    assert [str(each) for each in prepared.tables["demand"]["ordered_on"]] == ["2026-02-01"]


# --- glossary, architecture, decisions


def glossary() -> set[str]:
    return set(SPAN.findall(text_of(DOCS / "glossary.md")))


def test_the_glossary_has_every_noun() -> None:
    models = {model.__name__ for model in apps.get_models() if model.__module__.startswith("tierwise.")}
    nouns = models | set(TABLES) | set(facets()) | {state.value for state in State}
    assert sorted(nouns - glossary()) == []


def test_a_noun_has_one_home() -> None:
    """A model or table stands as the home of one word; only what is counted or stored for several may come twice."""
    homes: dict[str, list[str]] = {}
    models = {model.__name__ for model in apps.get_models() if model.__module__.startswith("tierwise.")}
    for line in text_of(DOCS / "glossary.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or len(cells) < 3:
            continue
        for name in re.findall(r"^`(\w+)`(?!\s+with)", cells[2]):
            if name in models | set(TABLES):
                homes.setdefault(name, []).append(cells[0])
    twice = {name: words for name, words in homes.items() if len(words) > 1}
    assert set(twice) <= {"StoredFile", "cell"}, twice
    assert len(homes) > 40


def test_the_glossary_names_nothing_that_is_gone() -> None:
    """Names written like classes must be classes of the package."""
    classes = {n.name for s in sources() for n in ast.walk(s.tree) if isinstance(n, ast.ClassDef)}
    named = {name for name in glossary() if re.fullmatch(r"[A-Z][a-z]\w+", name)}
    assert sorted(named - classes) == []


def test_the_rooms_are_in_the_drawing() -> None:
    drawing = next(block for _, block in BLOCK.findall(text_of(DOCS / "architecture.md")))
    rooms = {p.name for p in PACKAGE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert sorted(room for room in rooms if not re.search(rf"^\s*.*\b{room}\b", drawing, re.MULTILINE)) == []


def test_decisions_are_numbered_listed_and_complete() -> None:
    found = sorted(page for page in (DOCS / "decisions").glob("*.md") if page.name != "README.md")
    assert [page.name[:4] for page in found] == [f"{number:04d}" for number in range(1, len(found) + 1)]
    listed = set(LINK.findall(text_of(DOCS / "decisions" / "README.md")))
    for page in found:
        text = text_of(page)
        assert page.name in listed
        assert text.startswith(f"# {page.name[:4]} ")
        for part in ("**Context.**", "**Decision.**", "**Weighed", "**Consequences.**"):
            assert part in text, f"{page.name} lacks {part}"


def test_pages_know_no_machine() -> None:
    told = re.compile(r"(?<![\w.])/(?:work|root|home|tmp|Users)/|localhost:\d|pypi\.|npmjs\.")
    assert [f"{page.name}: {found}" for page in pages() for found in told.findall(text_of(page))] == []


def test_pages_fit_the_line() -> None:
    """Prose is wrapped; tables and generated pages are as wide as they must be."""
    wide = [
        f"{page.name}:{number}"
        for page in pages()
        if page.name not in GENERATED
        for number, line in enumerate(text_of(page).splitlines(), start=1)
        if len(line) > 125 and "|" not in line and "-->" not in line
    ]
    assert wide == []
