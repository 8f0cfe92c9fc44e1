"""Kills the main job again and again, and looks each time whether anything was lost, doubled or half-visible.

    python tools/kill_drill.py                     200 kills, about a quarter of an hour
    python tools/kill_drill.py --kills 20 --seed 3

A tiny company goes round after round: an extract with corrected receipts is imported, the worker runs the cycle as a
job of its queue (place, mix, score, publish), a supplier reads, acknowledges and disputes on the portal, the buyer
rules, the worker delivers. Each part runs in a process of its own and is killed with SIGKILL, at a random moment or
exactly at one of its statements or commits (so between any two steps); or PostgreSQL's postmaster is killed under it.
After every kill a reader looks at everything; then the part is simply done again, as its user would.

At the end the same rounds run undisturbed in a copy of the first home, and both must hold the same.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
PARTS = ("import", "worker", "reply", "ruling", "delivery")
WHO = {"import": "import", "worker": "worker", "reply": "web", "ruling": "web", "delivery": "worker"}
MOST_IN_A_ROW = 5
GRACE_SECONDS = 8.0
"""What a part whose database was killed may take to notice, before it is killed as well."""


@dataclass
class Drill:
    """A home, its server, and what has happened to them."""

    home: Path
    chance: random.Random
    server: Any = None
    kills: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 2.0))
    boundaries: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 60))
    looks: int = 0

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    def start(self) -> None:
        from tierwise.kernel.postgres import Server

        server = Server(self.home / "postgres" / "data")
        server.start()
        self.server = server

    def restart(self) -> None:
        """After its postmaster was killed: let go of the old one, and recover."""
        self.server._users.close()
        if self.server._child is not None:
            self.server._child.wait()
        self.start()

    def run(self, part: str, number: int, at: int = 0) -> int:
        """Begins a part in a process of its own; ``at`` is the boundary at which it kills itself, 0 for none."""
        pid = os.fork()
        if not pid:
            _child(self.home, part, number, at)
        return pid

    def whole(self, part: str, number: int) -> None:
        """Does a part undisturbed."""
        began = time.monotonic()
        _, status = os.waitpid(self.run(part, number), 0)
        if status:
            raise SystemExit(f"{part} {number} failed by itself; see {self.home / 'drill.log'}")
        if part in self.seconds:
            self.seconds[part] = time.monotonic() - began
            self.boundaries[part] = int((self.home / "boundaries").read_text())

    def disturbed(self, part: str, number: int, wanted: int) -> None:
        """Does a part that is killed some times before it may end."""
        for _ in range(MOST_IN_A_ROW):
            if self.total >= wanted or self.chance.random() < 0.2:
                break
            self.kill_once(part, number)
        self.whole(part, number)

    def kill_once(self, part: str, number: int) -> None:
        how = self.chance.choice(["boundary", "boundary", "moment", "database"])
        if how == "boundary":
            pid = self.run(part, number, self.chance.randint(1, max(self.boundaries[part], 1)))
            _, status = os.waitpid(pid, 0)
        else:
            pid = self.run(part, number)
            status = self.at_a_moment(pid, part, database=how == "database")
        if how != "database" and not os.WIFSIGNALED(status):
            return  # it had ended before; nothing was killed
        self.kills["database" if how == "database" else WHO[part]] += 1
        if how == "database":
            self.restart()
        self.look(number)

    def at_a_moment(self, pid: int, part: str, *, database: bool) -> int:
        time.sleep(self.chance.uniform(0.05, self.seconds[part]))
        if not database:
            os.kill(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1]
        os.kill(self.server._pid(), signal.SIGKILL)
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                return status
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        return os.waitpid(pid, 0)[1]

    def look(self, number: int) -> None:
        """A reader's look; what it finds wrong is written to a file by its process."""
        self.looks += 1
        told = self.home / "look.txt"
        told.unlink(missing_ok=True)
        _, status = os.waitpid(self.run("look", number), 0)
        if status:
            self.failures.append(told.read_text() if told.exists() else f"the look after kill {self.total} failed")


def _child(home: Path, part: str, number: int, at: int) -> NoReturn:
    """The forked process: connections of its own, and a counter at every statement and commit."""
    code = 1
    with (home / "drill.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            sys.path.insert(0, str(HERE))
            import kill_drill_parts

            counted = kill_drill_parts.count_boundaries(at)
            kill_drill_parts.DO[part](home, number)
            (home / "boundaries").write_text(str(counted()))
            code = 0
        except BaseException:
            print(f"--- {part} {number}", file=log)
            traceback.print_exc(file=log)
            log.flush()
        os._exit(code)


def prepare(home: Path) -> None:
    """The tiny company after its first cycle, in a process of its own: threads would not outlive a fork."""
    subprocess.run([sys.executable, str(HERE / "kill_drill_parts.py"), str(home)], check=True)


def go_round(drill: Drill, number: int, do: Callable[[str, int], None]) -> None:
    drill.whole("extract", number)
    for part in PARTS:
        do(part, number)


def summary(drill: Drill) -> str:
    drill.whole("summary", 0)
    return (drill.home / "summary.json").read_text()


def main() -> int:
    asked = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--keep", type=Path, help="keep the homes in this folder, and begin from its company")
    options = asked.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="tierwise drill "))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    try:
        return drill_in(folder, options.kills, options.seed)
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def drill_in(folder: Path, kills: int, seed: int) -> int:
    base, home, twin = folder / "company", folder / "home", folder / "undisturbed"
    os.environ |= {"TIERWISE_HOME": str(home), "TIERWISE_DATABASE_URL": "", "DJANGO_ALLOW_ASYNC_UNSAFE": "true"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "tierwise.config.settings"
    began = time.monotonic()
    prepare(base)  # one that was kept is brought up to date, as every start of Tierwise does
    for copy in (home, twin):
        shutil.rmtree(copy, ignore_errors=True)
        subprocess.run(["cp", "-a", str(base), str(copy)], check=True)
    print(f"company set up in {time.monotonic() - began:.0f} s", flush=True)
    import django

    django.setup()
    drill = Drill(home, random.Random(seed))
    drill.start()
    rounds = 0
    try:
        while drill.total < kills and not drill.failures:
            rounds += 1
            if rounds == 1:
                go_round(drill, 1, drill.whole)  # to know how long each part takes
            else:
                go_round(drill, rounds, lambda part, number: drill.disturbed(part, number, kills))
            drill.look(rounds)
            print(f"round {rounds}: {drill.total} kills, {time.monotonic() - began:.0f} s", flush=True)
        disturbed = summary(drill)
    finally:
        drill.server.stop()
    same = disturbed == undisturbed(twin, rounds)
    told = ", ".join(f"{who} {count}" for who, count in sorted(drill.kills.items()))
    print(f"{drill.total} kills (SIGKILL) in {rounds} rounds of the main job: {told}.")
    print(f"{drill.looks} looks: {len(drill.failures)} found anything lost, doubled or half-visible.")
    print(f"Held at the end: {disturbed}")
    print("The undisturbed twin holds the same." if same else "The undisturbed twin holds something ELSE.")
    print("\n".join(drill.failures))
    return 0 if same and not drill.failures else 1


def undisturbed(home: Path, rounds: int) -> str:
    """The same rounds in a copy, by another process, for settings are read once."""
    environment = os.environ | {"TIERWISE_HOME": str(home)}
    subprocess.run(
        [sys.executable, str(HERE / "kill_drill_parts.py"), str(home), str(rounds)], env=environment, check=True
    )
    return (home / "summary.json").read_text()


if __name__ == "__main__":
    raise SystemExit(main())
