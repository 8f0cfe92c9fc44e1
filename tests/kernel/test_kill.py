"""The main job, killed at random statements and moments: nothing is lost, doubled or half-visible.

Two hundred kills are `python tools/kill_drill.py`; what it printed stands in docs/operations.md. Here are some.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = 20


@pytest.mark.database
@pytest.mark.slow
def test_the_main_job_bears_being_killed(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "TIERWISE_DATABASE_URL": ""}
    environment.pop("TIERWISE_DATABASE_NAME", None)
    # The server's user, another one where root runs the tests, must reach its folder.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "kill_drill.py"), "--kills", str(KILLS), "--keep", str(tmp_path / "d")],
        env=environment, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    found = re.search(r"(\d+) kills \(SIGKILL\)", done.stdout)
    assert found is not None
    assert int(found[1]) >= KILLS
    assert "looks: 0 found anything" in done.stdout
    assert "undisturbed twin holds the same" in done.stdout
