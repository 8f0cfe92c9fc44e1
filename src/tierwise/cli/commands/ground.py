"""What commands share: options, and the program loaded about them.

What a command runs is imported when it runs, so that help and completion wait for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tierwise.config.runtime import Runtime

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
As = Annotated[str, typer.Option("--as", metavar="EMAIL", help="Act as this person of the buying company.")]
Day = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day it is done for; today.")]


def load() -> None:
    """Settings and apps, which everything but this file needs."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")
    django.setup()


@contextmanager
def running_program() -> Iterator[Runtime]:
    """The program loaded and its database up, as long as the block lasts."""
    load()
    from tierwise.config.installation import running

    with running() as runtime:
        yield runtime


def day_of(on: datetime | None) -> date:
    from tierwise.kernel.clock import today

    return on.date() if on else today()
