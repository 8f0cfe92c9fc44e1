"""Requests a second through the machines' door of one web process: token, limit, viewer's scope, row policies, queries.

    python bench/bench_api.py                  16 connections of one supplier, then 200 suppliers at once
    python bench/bench_api.py --seconds 20

An embedded database is made for it, with 200 suppliers of 50 publications each; the client is a process of its own. The
200 are measured twice: each asking again when it has its answer, where the time to an answer is 200 over the requests
a second whatever else is done, and each asking at its own beat, once in ``--beat`` seconds, where the time counts from
when it meant to ask.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

SUPPLIERS, PUBLICATIONS = 200, 50
QUERIES = {"one query": "/api/v1/supports?limit=20", "a page of publications": "/api/v1/publications?limit=20"}


def fill() -> list[str]:
    """Suppliers with supports and publications; returns a token for each."""
    import django

    django.setup()
    from datetime import date, timedelta

    from tierwise.collaboration.publish.models import Publication
    from tierwise.directory.actions import TokenWish, make_token
    from tierwise.directory.models import Company, Person, Segment, Support
    from tierwise.kernel.clock import now
    from tierwise.kernel.ids import uuid7
    from tierwise.kernel.viewer import Role, Viewer, viewer_scope

    setter = Viewer(uuid7(), uuid7(), Role.ADMINISTRATOR)
    day = date(2026, 1, 1)
    with viewer_scope(setter):
        segments = Segment.objects.bulk_create(
            [Segment(code=f"S{n}", name=f"S {n}", rank=n, slot=n) for n in (1, 2, 3)]
        )
        companies = Company.objects.bulk_create(
            [Company(code=f"V{n:03}", side="supplier", name=f"Supplier {n}", currency="EUR") for n in range(SUPPLIERS)]
        )
        Support.objects.bulk_create([
            Support(supplier=company, segment=segment, state="confirmed", shown_code=segment.code,
                    shown_name=segment.name, valid_from=day)
            for company in companies for segment in segments
        ])  # fmt: skip
        people = Person.objects.bulk_create([
            Person(company=company, name="M", email="m@example.com", role="supplier_administrator")
            for company in companies
        ])  # fmt: skip
        Publication.objects.bulk_create([
            Publication(supplier=company, segment=segments[n % 3], kind="scorecard", number=n + 1, title=f"P {n}",
                        period_start=day + timedelta(days=n), period_end=day + timedelta(days=n), published_at=now(),
                        content="scorecard", digest="x", content_schema="1")
            for company in companies for n in range(PUBLICATIONS)
        ], batch_size=5000)  # fmt: skip
    wish = TokenWish("bench", Role.SUPPLIER_VIEWER, ["directory:read", "publications:read"])
    held = frozenset(segment.id for segment in segments)
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


def processor_seconds(web: int) -> tuple[float, float]:
    """What the web process and the suppliers' connections of the database have used of the processor by now."""
    used = [0.0, 0.0]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(") ")[2].split()
            line = (folder / "cmdline").read_text()
        except OSError:
            continue
        seconds = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        if web in (int(folder.name), int(words[1])):
            used[0] += seconds
        elif "tw_supplier" in line:
            used[1] += seconds
    return used[0], used[1]


def told(name: str, web: int, seconds: float, run: Callable[[], dict[str, float]]) -> None:
    before = processor_seconds(web)
    found = run()
    each = [(now - then) / found["n"] * 1000 for now, then in zip(processor_seconds(web), before, strict=True)]
    print(f"{name}: {found['n'] / seconds:,.0f} requests/s, p50 {found['p50'] * 1000:.1f} ms, "
          f"p99 {found['p99'] * 1000:.1f} ms; of the processor {each[0]:.2f} ms web and {each[1]:.2f} ms database "
          "a request", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--beat", type=float, default=1.0)
    options = parser.parse_args()
    seconds, beat = options.seconds, options.beat
    home = tempfile.mkdtemp(prefix="tierwise bench ")
    os.environ |= {
        "TIERWISE_HOME": home, "TIERWISE_DATABASE_URL": "", "TIERWISE_API_RATE": "100000",
        "DJANGO_SETTINGS_MODULE": "tierwise.config.settings",
    }  # fmt: skip
    import django

    django.setup()
    from tierwise.config.installation import running
    from tierwise.config.supervisor import WebParams

    with running():
        tokens = fill()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        web = subprocess.Popen(WebParams(port=port).command())
        try:
            _await(port)
            for name, path in QUERIES.items():
                measured(port, path, tokens[:16], 2)
                one = partial(measured, port, path, tokens[:1] * 16, seconds)
                told(f"16 connections, {name}", web.pid, seconds, one)
            path = QUERIES["a page of publications"]
            measured(port, path, tokens, 3)
            for name, pause in (("without a pause", 0.0), (f"each once in {beat:g} s", beat)):
                many = partial(measured, port, path, tokens, seconds, pause)
                told(f"200 suppliers at once, a page of publications, {name}", web.pid, seconds, many)
        finally:
            web.terminate()
            web.wait(20)


def _await(port: int) -> None:
    for _ in range(300):
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
