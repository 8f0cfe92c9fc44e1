"""The command line: one command per thing it can do, with ``--json`` for machines and exit codes for scripts.

0 done · 1 refused or failed, with the reason · 2 wrong use of the command · 3 nothing to do
"""

from __future__ import annotations

from tierwise.cli.memory import keep_freed_memory


def main() -> None:
    keep_freed_memory()
    from tierwise.cli.commands import app  # noqa: PLC0415  its modules are of this package

    app()
