"""The command line: one command per thing it can do, with ``--json`` for machines and exit codes for scripts.

0 done · 1 refused or failed, with the reason · 2 wrong use of the command · 3 nothing to do
"""

from __future__ import annotations

import os

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")
    django.setup()
    from tierwise.cli.main import app  # noqa: PLC0415  commands import models, which are there only now

    app()
