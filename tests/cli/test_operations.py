"""The operator's page: its blocks of commands run, in their order, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]


@pytest.mark.database
@pytest.mark.slow
def test_the_commands_run_as_they_stand(tmp_path: Path) -> None:
    assert len(LINES) >= 9
    environment = os.environ | {"TIERWISE_HOME": str(tmp_path / "home"), "TIERWISE_DATABASE_URL": "", "COLUMNS": "200"}
    environment.pop("TIERWISE_DATABASE_NAME", None)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"

    def run(line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    run('tierwise found "Example Company" --administrator you@example.com')
    said = {line: run(line) for line in LINES}
    assert any("are the same" in text for text in said.values())
    assert any('"sound": true' in text for text in said.values())
    assert "is not empty" in subprocess.run(
        ["bash", "-c", next(line for line in LINES if "restore" in line)], cwd=tmp_path, env=environment,
        capture_output=True, text=True, check=False,
    ).stderr  # fmt: skip
