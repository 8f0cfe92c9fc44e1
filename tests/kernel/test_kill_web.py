"""Web processes killed with SIGKILL while a machine sends the main job's requests again under their keys.

What serves is what serves in production: granian under the supervisor, started again by a service manager when it ends.
``WEB_KILLS=24`` kills more often; what that printed stands in docs/operations.md.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.conf import settings
from django.db import connections

from api.conftest import machine
from collaboration.scenes import at, scored
from fixtures.worlds import NOW, World
from tierwise.collaboration.publish.models import PublicationReply
from tierwise.collaboration.resolve.models import Case, CaseEntry
from tierwise.config.runtime import Runtime
from tierwise.kernel.models import AuditEntry, KeptAnswer, OutboxEvent
from tierwise.kernel.viewer import SYSTEM, Role, viewer_scope

pytestmark = [pytest.mark.database, pytest.mark.slow]
KILLS = int(os.environ.get("WEB_KILLS", "3"))
DONE = ("acknowledge_publication", "dispute_line", "add_note", "rule_case")
SERVE = """
import sys
from tierwise.config.supervisor import WebParams, supervise
command = WebParams(port=int(sys.argv[1]), workers=2, threads=8).command()
command = ["kernel.killable:application" if part.endswith(":application") else part for part in command]
sys.exit(supervise([command], began=lambda: None, web_processes=2))
"""


@dataclass
class Web:
    """The supervised web, and whoever starts it again when it has ended."""

    home: Path
    chance: random.Random
    port: int = 0
    child: Any = None
    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    set_at: float = field(default_factory=time.time)

    def start(self) -> None:
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        runtime: Runtime = settings.RUNTIME
        tests = Path(__file__).resolve().parents[1]
        environment = os.environ | {
            "TIERWISE_HOME": str(runtime.home), "TIERWISE_DATABASE_NAME": connections["worker"].settings_dict["NAME"],
            "TIERWISE_LAKE_URL": str(settings.TIERWISE_LAKE), "KILL_ORDER": str(self.order),
            "KILL_CLOCK": NOW.isoformat(), "PYTHONPATH": f"{tests}:{tests.parent / 'src'}",
            "DJANGO_SETTINGS_MODULE": "tierwise.config.settings",
            "KILL_CLOCK_SET": str(self.set_at),
        }  # fmt: skip
        with (self.home / "web.log").open("a") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.port)], env=environment, stdout=log, stderr=log
            )
        self.starts += 1
        end = time.monotonic() + 120
        while not self.answers():
            assert time.monotonic() < end, (self.home / "web.log").read_text()[-3000:]
            time.sleep(0.1)

    @property
    def order(self) -> Path:
        return self.home / "kill-at"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def processes(self) -> list[int]:
        """Supervisor, granian, its workers."""
        found = [self.child.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(one) for one in task.read_text().split() if int(one) not in found]
        return found

    def kill_soon(self, wait: float) -> threading.Timer:
        """Kills one of the processes, whichever, after so many seconds."""
        names = ["supervisor", "granian", "worker"]

        def kill() -> None:
            found = self.processes()
            place = self.chance.choice([0, 1, *[2] * 4])
            if place < len(found):
                os.kill(found[place], signal.SIGKILL)
                self.kills[names[place]] += 1

        timer = threading.Timer(wait, kill)
        timer.start()
        return timer

    def recover(self) -> None:
        """As a service manager does: what has ended is cleared away and started again."""
        end = time.monotonic() + 15
        while self.child.poll() is None and time.monotonic() < end:
            if self.answers():
                return
            time.sleep(0.1)
        self.stop()
        self.start()

    def stop(self) -> None:
        for pid in reversed(self.processes()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.child.wait()
        end = time.monotonic() + 15  # children of a supervisor that was killed end by themselves
        while self.answers() and time.monotonic() < end:
            time.sleep(0.1)


@dataclass
class Client:
    """A machine that sends a request again, under its key, until it is answered."""

    web: Web
    tokens: dict[str, str]
    sent: int = 0
    answered: int = 0
    replayed: int = 0
    looks: int = 0
    boundaries: int = 40

    def read(self, who: str, path: str) -> httpx.Response:
        while True:
            try:
                headers = {"Authorization": f"Bearer {self.tokens[who]}"}
                return httpx.get(f"{self.web.address}/api/v1{path}", headers=headers, timeout=30).raise_for_status()
            except httpx.TransportError:
                self.web.recover()

    def insist(self, who: str, path: str, body: Any, version: str = "") -> Any:
        """One request, killed up to three times before it may be answered."""
        self.sent += 1
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Idempotency-Key": f"step-{self.sent}"}
        headers |= {"If-Match": version} if version else {}
        tries = 0
        while True:
            timer = self._disturb() if tries < 3 else None
            tries += 1
            try:
                answer = httpx.post(f"{self.web.address}/api/v1{path}", json=body, headers=headers, timeout=30)
            except httpx.TransportError:
                answer = None
            if timer is not None:
                timer.join()
            if self.web.order.exists():
                self.web.order.unlink()
            elif answer is None and timer is None:
                self.web.kills["worker at a statement or commit"] += 1
            self.look()
            if answer is None or not self.web.answers():
                self.web.recover()
            if answer is not None and answer.status_code != 409:
                break
        assert answer.status_code < 300, answer.text
        if tries == 1 and (counted := self.web.order.with_suffix(".count")).exists():
            self.boundaries = int(counted.read_text())
        self.answered += 1
        self.replayed += answer.headers.get("Idempotency-Replayed") == "true"
        self.look()
        return answer.json()

    def _disturb(self) -> threading.Timer | None:
        chance = self.web.chance
        how = chance.random() if self.looks else 0.0  # the very first request is killed once it was done
        if self.web.kills.total() >= KILLS or how > 0.9:
            return None
        if how < 0.25:
            self.web.order.write_text("-1")
            return None
        if how < 0.6:
            self.web.order.write_text(str(chance.randint(1, self.boundaries + 2)))
            return None
        return self.web.kill_soon(chance.uniform(0, 0.12))

    def look(self) -> None:
        """What any reader may see at any moment is whole: work, its entry, its news and its kept answer, or none."""
        self.looks += 1
        with viewer_scope(SYSTEM):
            entries = Counter(AuditEntry.objects.filter(action__in=DONE, door="api").values_list("action", flat=True))
            cases = list(Case.objects.values_list("subject", "state"))
            notes = CaseEntry.objects.filter(what="note").values_list("text", flat=True)
            kept = KeptAnswer.objects.exclude(status=0).count()
            assert KeptAnswer.objects.filter(status=0).count() == 0
            assert len(cases) == len({subject for subject, _ in cases}) == entries["dispute_line"]
            assert len(notes) == len(set(notes)) == entries["add_note"]
            assert sum(state != "open" for _, state in cases) == entries["rule_case"]
            assert PublicationReply.objects.filter(reply="acknowledged").count() == entries["acknowledge_publication"]
            assert OutboxEvent.objects.filter(name="case_ruled").count() == entries["rule_case"]
            assert kept == entries.total()
            assert self.answered <= kept <= self.sent


def test_killed_web_processes_lose_and_double_nothing(world: World, tmp_path: Path) -> None:
    with at():
        publication, lines = scored(world)
        tokens = {
            "supplier": machine(world["a administrator"], Role.SUPPLIER_PLANNER).token,
            "buyer": machine(world["administrator"], Role.QUALITY).token,
        }
    chance = random.Random(7)
    web = Web(tmp_path, chance)
    web.start()
    try:
        client = Client(web, tokens)
        version = client.read("supplier", f"/publications/{publication}").headers["ETag"]
        client.insist("supplier", f"/publications/{publication}/acknowledgement", {"comment": "Seen."}, version)
        _go_through(client, lines)
    finally:
        web.stop()
    with viewer_scope(SYSTEM):
        assert KeptAnswer.objects.count() == client.sent == client.answered
        assert set(Case.objects.values_list("state", flat=True)) == {"upheld"}
    told = ", ".join(f"{name} {count}" for name, count in sorted(web.kills.items()))
    sys.stdout.write(
        f"\n{web.kills.total()} kills (SIGKILL) in {client.sent} requests: {told}; {web.starts} starts.\n"
        f"{client.looks} looks: 0 found anything lost, doubled or half-visible.\n"
        f"{client.replayed} requests had been done before the kill and were answered from what was kept.\n"
    )
    assert web.kills.total() >= KILLS
    assert client.replayed >= 1


def _go_through(client: Client, lines: list[UUID]) -> None:
    """Disputes, talk and rulings, and talk until it was killed often enough."""
    cases = []
    for line in lines:
        claim = {"reason": "not_our_fault", "text": "The gate was closed."}
        cases.append(client.insist("supplier", f"/lines/{line}/dispute", claim)["case"]["id"])
    while client.web.kills.total() < KILLS:
        who = "buyer" if client.sent % 2 else "supplier"
        client.insist(who, f"/cases/{cases[client.sent % len(cases)]}/notes", {"text": f"Note {client.sent}."})
    for case in cases:
        version = client.read("buyer", f"/cases/{case}").headers["ETag"]
        said = {"upheld": True, "text": "Our gate log says so too.", "excluded": "buyer_caused"}
        client.insist("buyer", f"/cases/{case}/ruling", said, version)
