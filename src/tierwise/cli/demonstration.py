"""The demo, from nothing to pages worth opening."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tierwise.cli.output import console, watching
from tierwise.demo.people import PEOPLE
from tierwise.demo.seed import password, seed
from tierwise.demo.sizes import Size
from tierwise.directory import queries as directory
from tierwise.kernel.clock import today
from tierwise.kernel.cycle import run_cycle
from tierwise.kernel.viewer import SYSTEM

_SHOWN = ("planner", "category_manager", "administrator")
_SUPPLIERS = ("S001", "S002")


@dataclass(frozen=True, slots=True)
class SignIn:
    email: str
    role: str
    company: str


def prepare_demo(home: Path, size: Size) -> tuple[list[SignIn], str]:
    """Seeds what is missing, runs the cycle, and returns who may sign in, with their password."""
    began = monotonic()
    if not sys.stderr.isatty():
        console.print("Setting up the demo company …")
    with watching() as tell:
        seed(home, size, tell)
    seeded = monotonic()
    with watching() as tell:
        run_cycle(SYSTEM, today(), tell)
    console.print(f"Company set up in {seeded - began:.1f} s, cycle run in {monotonic() - seeded:.1f} s.")
    names = {company.code: company.name for company in directory.suppliers(SYSTEM, _SUPPLIERS)}
    host = directory.host(SYSTEM).name
    buyers = {p.role: SignIn(p.email, p.role.replace("_", " "), host) for p in reversed(PEOPLE) if not p.supplier}
    suppliers = [
        SignIn(p.email, p.role.replace("_", " "), names[p.supplier])
        for p in PEOPLE
        if p.supplier in names and p.role == "supplier_administrator"
    ]
    return [*(buyers[role] for role in _SHOWN), *suppliers], password(home)
