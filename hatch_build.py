"""Builds front end and catalogues into the wheel: who installs Tierwise needs no Node, who builds it does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontEnd(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        root = Path(self.root)
        subprocess.run([sys.executable, "tools/catalogues.py", "compile"], cwd=root, check=True)
        # In a checkout `make` builds it and keeps it fresh.
        if version == "editable" or (root / "src/tierwise/web/static/app/.vite/manifest.json").exists():
            return
        if shutil.which("npm") is None:
            raise RuntimeError("building Tierwise from its sources needs Node >= 20.19 and npm")
        for command in (["npm", "ci"], ["npm", "run", "build"]):
            subprocess.run(command, cwd=root / "frontend", check=True)
