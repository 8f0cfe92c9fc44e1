"""Requests a second through the machines' door of one web process: token, limit, viewer's scope, row policies, queries.

    python bench/bench_api.py                  16 connections of one supplier, then 200 suppliers at once
    python bench/bench_api.py --seconds 20

An embedded database is made for it, with 200 suppliers of 50 publications each; the client is a process of its own.
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


def ask(port: int, path: str, token: str, until: float, times: list[float]) -> None:
    """One connection kept open, one request after the other."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.perf_counter() < until:
            began = time.perf_counter()
            connection.sendall(request)
            answer = connection.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(answer[:300].decode())
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            times.append(time.perf_counter() - began)


def load(port: int, path: str, tokens: list[str], seconds: float) -> None:
    """Runs in a process of its own and prints requests, p50 and p99."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=ask, args=(port, path, token, until, times)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    print(json.dumps({"n": len(times), "p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}))


def measured(port: int, path: str, tokens: list[str], seconds: float) -> dict[str, float]:
    words = [sys.executable, __file__, "--load", str(port), path, str(seconds)]
    done = subprocess.run(words, input=json.dumps(tokens), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    seconds = parser.parse_args().seconds
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
                found = measured(port, path, tokens[:1] * 16, seconds)
                print(f"16 connections, {name}: {found['n'] / seconds:,.0f} requests/s, "
                      f"p50 {found['p50'] * 1000:.1f} ms, p99 {found['p99'] * 1000:.1f} ms")  # fmt: skip
            path = QUERIES["a page of publications"]
            measured(port, path, tokens, 3)
            found = measured(port, path, tokens, seconds)
            print(f"200 suppliers at once, a page of publications: {found['n'] / seconds:,.0f} requests/s, "
                  f"p50 {found['p50'] * 1000:.1f} ms, p99 {found['p99'] * 1000:.1f} ms")  # fmt: skip
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
        load(int(sys.argv[2]), sys.argv[3], json.loads(sys.stdin.read()), float(sys.argv[4]))
    else:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
        main()
