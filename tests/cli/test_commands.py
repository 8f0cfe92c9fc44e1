"""The command line from an empty folder to a scheme that is live, with answers for machines and exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tierwise.demo import company, extract

pytestmark = [pytest.mark.database, pytest.mark.slow]
SCHEME = Path(company.__file__).with_name("scheme.yaml")
ENDS = date(2026, 6, 30)


@dataclass
class Shell:
    home: Path

    def __call__(self, *words: str, code: int = 0) -> str:
        environment = os.environ | {"TIERWISE_HOME": str(self.home), "TIERWISE_DATABASE_URL": ""}
        environment.pop("TIERWISE_DATABASE_NAME", None)
        done = subprocess.run(
            [sys.executable, "-m", "tierwise", *words], env=environment, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """An installation in a folder whose name has a space and an umlaut."""
    folder = tmp_path_factory.mktemp("an own höuse")
    extract.write_extract(company.generate("small", ends_on=ENDS), folder / "extract")
    run = Shell(folder / "home")
    run("found", "Kesselhain", "--administrator", "ines@kesselhain.example.com", "--code", "KH")
    return run


def test_nobody_may_found_it_twice(shell: Shell) -> None:
    assert "administrator already" in shell("found", "Other", "--administrator", "x@example.com", code=1)


def test_an_extract_goes_in_once(shell: Shell) -> None:
    words = ("import", str(shell.home.parent / "extract"), "--mapping", str(extract.MAPPING_PATH))
    first, second = shell.json(*words), shell.json(*words)
    assert (first["state"], second["state"]) == ("imported", "unchanged")
    assert first["report"]["refusals"] == 0


def test_a_faulty_extract_is_refused_with_its_places(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("code;name\nA-1;Kettle\n;Nameless\n")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "name: bad\nsource: bad\nfiles:\n  items: {path: items.csv, separator: ';'}\n"
        "tables:\n  item:\n    from: items\n    columns: {item: code, name: name}\n"
    )
    answer = shell("import", str(tmp_path), "--mapping", str(mapping), code=1)
    assert "item" in answer
    assert "missing" in answer


def test_a_scheme_is_planned_then_applied(shell: Shell) -> None:
    planned = shell.json("scheme", "plan", str(SCHEME), "--on", "2026-07-01")
    assert planned["new_cells"] > 50
    stale = shell.json("scheme", "apply", planned["plan"], "0" * 64, code=1)
    assert stale["code"] == "plan_stale"
    applied = shell.json("scheme", "apply", planned["plan"], planned["fingerprint"])
    assert applied["new_cells"] == planned["new_cells"]
    assert [row["state"] for row in shell.json("scheme", "history")] == ["live"]
    again = shell.json("scheme", "plan", str(SCHEME), "--on", "2026-07-01")
    assert (again["moves"], again["new_cells"]) == (0, 0)


def test_the_cycle_skips_what_has_not_changed(shell: Shell) -> None:
    first = shell.json("cycle", "--on", "2026-07-01")
    assert first["carry segments up the network"]["items"] > 50
    again = shell.json("cycle", "--on", "2026-07-01")
    same = ("place demand cells", "carry segments up the network", "derive supports and lane policies")
    assert {name: again[name] for name in same} == {name: first[name] for name in same}
    assert again["score suppliers"]["skipped"] == again["score suppliers"]["periods"]
    assert again["publish scorecards"]["published"] == 0


def test_everything_left_an_entry(shell: Shell) -> None:
    done = {row["action"] for row in shell.json("audit", "--limit", "500")}
    assert {"found_company", "import_extract", "write_scheme", "apply_scheme", "project_mix"} <= done


def test_help_names_every_command() -> None:
    answer = subprocess.run([sys.executable, "-m", "tierwise", "--help"], capture_output=True, text=True, check=True)
    named = set(re.findall(r"^│ (\w+) ", answer.stdout, re.MULTILINE))
    assert {"demo", "serve", "worker", "import", "cycle", "scheme", "score", "publish", "audit"} <= named
