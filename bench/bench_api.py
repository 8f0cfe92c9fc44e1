"""Requests a second through the machines' door of one web process: token, limit, viewer's scope, row policies, queries.

    python bench/bench_api.py                  16 connections of one supplier, then 200 suppliers at once
    python bench/bench_api.py --seconds 20

An embedded database is made for it, with 200 suppliers of 50 publications each; the client is a process of its own. The
200 are measured twice: each asking again when it has its answer, where the time to an answer is 200 over the requests
a second whatever else is done, and each asking at its own beat, once in ``--beat`` seconds, where the time counts from
when it meant to ask.

Beside it, in turns, stands the bare door: ``bare_door.py``, what one would write by hand for the two queries on the
same server with the same threads. It knows no limit, no policies, no versions, no paging and no description.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import portal_facts

QUERIES = {"one query": "/api/v1/supports?limit=20", "a page of publications": "/api/v1/publications?limit=20"}


def fill(suppliers: int) -> list[str]:
    """Suppliers with supports and publications; returns a token for each."""
    import django

    django.setup()
    from tierwise.directory.actions import TokenWish, make_token
    from tierwise.directory.models import Person
    from tierwise.kernel.viewer import Role, Viewer, viewer_scope

    portal = portal_facts.fill(suppliers)
    with viewer_scope(portal.buyer):
        people = Person.objects.bulk_create([
            Person(company=company, name="M", email="m@example.com", role="supplier_administrator")
            for company in portal.companies
        ])  # fmt: skip
    wish = TokenWish("bench", Role.SUPPLIER_VIEWER, ["directory:read", "publications:read"])
    held = frozenset(segment.id for segment in portal.segments)
    makers = [Viewer(p.id, p.company_id, Role.SUPPLIER_ADMINISTRATOR, held) for p in people]
    return [make_token(maker, wish).token for maker in makers]


@dataclass(frozen=True)
class Asker:
    """One connection kept open: one request after the other, or one at each beat."""

    port: int
    path: str
    token: str
    first: float
    until: float
    beat: float


def ask(asker: Asker, times: list[float]) -> None:
    """Appends the seconds to each answer, from when it was due to be asked."""
    port, path, token = asker.port, asker.path, asker.token
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        due = asker.first
        while (began := time.perf_counter()) < asker.until:
            if asker.beat:
                time.sleep(max(0.0, due - began))
                began, due = due, due + asker.beat
            connection.sendall(request)
            answer = connection.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(answer[:300].decode())
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            times.append(time.perf_counter() - began)


def load(port: int, path: str, seconds: float, beat: float) -> None:
    """Runs in a process of its own, tokens on its standard input, and prints requests, p50 and p99."""
    tokens = json.loads(sys.stdin.read())
    times: list[float] = []
    now = time.perf_counter()
    askers = [
        Asker(port, path, token, now + beat * number / len(tokens), now + seconds, beat)
        for number, token in enumerate(tokens)
    ]
    threads = [threading.Thread(target=ask, args=(asker, times)) for asker in askers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    print(json.dumps({"n": len(times), "p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}))


def measured(port: int, path: str, tokens: list[str], seconds: float, beat: float = 0.0) -> dict[str, float]:
    words = [sys.executable, __file__, "--load", str(port), path, str(seconds), str(beat)]
    done = subprocess.run(words, input=json.dumps(tokens), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def processor_seconds(door: Door) -> tuple[float, float]:
    """What the web process and its login's connections to the database have used of the processor by now."""
    used = [0.0, 0.0]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(") ")[2].split()
            line = (folder / "cmdline").read_text()
        except OSError:
            continue
        seconds = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        if door.web.pid in (int(folder.name), int(words[1])):
            used[0] += seconds
        elif line.startswith(f"postgres: {door.login} "):
            used[1] += seconds
    return used[0], used[1]


@dataclass(frozen=True, slots=True)
class Door:
    """A web process that answers: ours, or the bare one."""

    name: str
    login: str
    web: subprocess.Popen[bytes]
    port: int


@contextmanager
def opened(name: str, application: str = "") -> Iterator[Door]:
    """A web process by the program's own command; with ``application`` it serves that one in place of ours."""
    from tierwise.config.supervisor import WebParams

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = WebParams(port=port).command()
    if application:
        words[words.index("tierwise.config.wsgi:application")] = application
    web = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        _await(port)
        yield Door(name, "postgres" if application else "tw_supplier", web, port)
    finally:
        web.terminate()
        web.wait(20)


def told(door: Door, name: str, run: Callable[[], dict[str, float]], seconds: float) -> float:
    """Prints what was measured; returns the seconds that a thousand requests took."""
    before = processor_seconds(door)
    found = run()
    after = processor_seconds(door)
    each = [(now - then) / found["n"] * 1000 for now, then in zip(after, before, strict=True)]
    print(f"{door.name}, {name}: {found['n'] / seconds:,.0f} requests/s, p50 {found['p50'] * 1000:.1f} ms, "
          f"p99 {found['p99'] * 1000:.1f} ms; of the processor {each[0]:.2f} ms web and {each[1]:.2f} ms database "
          "a request", flush=True)  # fmt: skip
    return seconds / found["n"] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--beat", type=float, default=1.0)
    parser.add_argument("--suppliers", type=int, default=200)
    options = parser.parse_args()
    home = tempfile.mkdtemp(prefix="tierwise bench ")
    os.environ |= {
        "TIERWISE_HOME": home, "TIERWISE_DATABASE_URL": "", "TIERWISE_API_RATE": "100000",
        "DJANGO_SETTINGS_MODULE": "tierwise.config.settings",
    }  # fmt: skip
    import django

    django.setup()
    from django.conf import settings

    from tierwise.config.installation import running

    with running() as runtime:
        tokens = fill(options.suppliers)
        os.environ["BARE_DOOR_DATABASE"] = settings.RUNTIME.admin_conninfo(runtime.database_name)
        with opened("Tierwise") as ours, opened("bare door", "bare_door:application") as bare:
            in_turns(ours, bare, tokens, options.seconds)
            path = QUERIES["a page of publications"]
            measured(ours.port, path, tokens, 3)
            for name, pause in (("without a pause", 0.0), (f"each once in {options.beat:g} s", options.beat)):
                many = partial(measured, ours.port, path, tokens, options.seconds, pause)
                told(ours, f"{len(tokens)} suppliers at once, a page of publications, {name}", many, options.seconds)


def in_turns(ours: Door, bare: Door, tokens: list[str], seconds: float) -> None:
    """16 connections of one supplier at each door, half of the time before the other's and half after it."""
    doors = (ours, bare, bare, ours)
    for name, path in QUERIES.items():
        for door in (ours, bare):
            measured(door.port, path, tokens[:16], 2)
        taken: dict[str, list[float]] = {ours.name: [], bare.name: []}
        for door in doors:
            one = partial(measured, door.port, path, tokens[:1] * 16, seconds / 2)
            taken[door.name].append(told(door, f"16 connections, {name}", one, seconds / 2))
        both = [statistics.fmean(taken[door.name]) for door in (ours, bare)]
        print(f"a thousand times {name}: Tierwise {both[0]:.3f} s, bare door {both[1]:.3f} s", flush=True)


def _await(port: int) -> None:
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web process did not start")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load(int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
    else:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
        main()
