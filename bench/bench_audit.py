"""Actions a second while the sealer runs beside them, and without it.

    python bench/bench_audit.py                  8 people at once, 8 seconds each way
    python bench/bench_audit.py --seconds 20

Each action is a real one's frame: scope, transaction, entry, commit with fsync, on the embedded server.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--seconds", type=float, default=8.0)
    asked.add_argument("--people", type=int, default=8)
    asked.add_argument("--rounds", type=int, default=3)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"TIERWISE_HOME": folder, "TIERWISE_DATABASE_URL": ""}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")
        import django

        django.setup()
        measure(options)


def measure(options: argparse.Namespace) -> None:
    from tierwise.config.installation import running
    from tierwise.kernel.ids import uuid7
    from tierwise.kernel.seal.sealer import seal_settled
    from tierwise.kernel.seal.verify import verify
    from tierwise.kernel.viewer import SYSTEM, Role, Viewer

    with running():
        viewer = Viewer(uuid7(), uuid7(), Role.PLANNER)
        rates: dict[bool, list[float]] = {False: [], True: []}
        close()
        act(viewer, 1.0, options.people)
        for _ in range(options.rounds):
            for sealed in (False, True):
                stop = multiprocessing.get_context("fork").Event()
                sealer = multiprocessing.get_context("fork").Process(target=seal_on, args=(stop,))
                if sealed:
                    sealer.start()
                rates[sealed].append(act(viewer, options.seconds, options.people))
                stop.set()
                if sealed:
                    sealer.join()
        without, beside = (statistics.median(rates[sealed]) for sealed in (False, True))
        began = time.perf_counter()
        seal_settled(SYSTEM)
        verdict = verify(SYSTEM)
        seconds = time.perf_counter() - began
        print(f"actions without sealer {without:.0f}/s, beside it {beside:.0f}/s ({beside / without:.2f}x)")
        print(
            f"{verdict.entries} entries under {verdict.seals} seals, the rest sealed, all verified in {seconds:.1f} s"
        )
        print(f"sound {verdict.sound}, unsealed {verdict.unsealed}")


def act(viewer: object, seconds: float, people: int) -> float:
    """Actions a second of several people at once, each in a process of its own as web processes are."""
    context = multiprocessing.get_context("fork")
    counts = context.SimpleQueue()
    began = time.perf_counter()
    processes = [context.Process(target=work, args=(viewer, seconds, counts)) for _ in range(people)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return sum(counts.get() for _ in processes) / (time.perf_counter() - began)


def work(viewer: object, seconds: float, counts: object) -> None:
    from tierwise.kernel.audit import Subject, action, record
    from tierwise.kernel.viewer import BUYER_EDITORS, Viewer

    @action("bench", roles=BUYER_EDITORS)
    def bench(actor: Viewer, number: int) -> None:
        record(actor, Subject("bench", str(number)), text="what was done", number=number)

    assert isinstance(viewer, Viewer)
    end, done = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        bench(viewer, done)
        done += 1
    counts.put(done)  # type: ignore[attr-defined]
    close()


def seal_on(stop: object) -> None:
    """Seals twice a second, which is far more often than the worker does."""
    from tierwise.kernel.seal.sealer import seal_settled
    from tierwise.kernel.viewer import SYSTEM

    while not stop.wait(0.5):  # type: ignore[attr-defined]
        seal_settled(SYSTEM)
    close()


def close() -> None:
    """Connections of a process do not cross a fork: none is open when one begins."""
    from django.db import connections

    for alias in connections:
        connections[alias].close()
        connections[alias].close_pool()


if __name__ == "__main__":
    main()
