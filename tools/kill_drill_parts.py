"""The parts of the main job as the kill drill runs them, each bearing to be done again; and what a reader looks at.

python tools/kill_drill_parts.py HOME          sets the tiny company up
python tools/kill_drill_parts.py HOME ROUNDS   and goes that many rounds, undisturbed
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

Counted = Callable[[], int]


def count_boundaries(at: int) -> Counted:
    """Counts statements sent to the database and commits to the lake; kills the process at a given one, half the
    time before it and half the time after.
    """
    from django.db.backends.utils import CursorWrapper

    from tierwise.lake.store import tables

    count, lock = 0, threading.Lock()

    def passing(done: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            with lock:
                count += 1
                mine = count
            if mine == at and at % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = done(*args, **kwargs)
            if mine == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    for name in ("execute", "executemany"):
        setattr(CursorWrapper, name, passing(getattr(CursorWrapper, name)))
    tables.write_deltalake = passing(tables.write_deltalake)
    return lambda: count


def extract(home: Path, number: int) -> None:
    """Round by round, receipts are corrected: so scorecards are restated and published anew, and a rate is added."""
    folder = home / "demo extract"
    path = folder / "purchasing" / "goods_receipts.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    for at in range(len(lines) - number * 7, len(lines) - number * 7 + 7):
        cells = lines[at].split(";")
        cells[6] = str(int(float(cells[6].replace(",", "."))) + 1)
        lines[at] = ";".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rates = folder / "finance" / "exchange_rates.csv"
    rates.write_text(rates.read_text() + f"USD;EUR;S;{number % 28 + 1:02d}.01.{2030 + number // 28};0,9{number:03d}\n")


def import_(home: Path, number: int) -> None:
    del number
    from tierwise.cli.acting import acting
    from tierwise.demo.extract import MAPPING_PATH
    from tierwise.lake.jobs import import_extract
    from tierwise.lake.records import ImportState

    outcome = import_extract(acting(), home / "demo extract", MAPPING_PATH)
    assert outcome.state is not ImportState.REFUSED, str(outcome.report)


def worker(_: Path, number: int) -> None:
    """Puts the round's cycle into the queue, once, and works as the worker does until the queue is empty."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    from tierwise.kernel import jobs
    from tierwise.kernel.viewer import SYSTEM, viewer_scope

    with viewer_scope(SYSTEM):
        put = ProcrastinateJob.objects.filter(task_name=jobs.nightly_cycle.name, args__timestamp=number).exists()
    if not put:
        jobs.nightly_cycle.defer(timestamp=number)
    _work()


def _work() -> None:
    import asyncio

    from procrastinate.contrib.django import app

    from tierwise.kernel.jobs import rescue
    from tierwise.kernel.outbox import deliver
    from tierwise.kernel.seal.sealer import seal_settled
    from tierwise.kernel.viewer import SYSTEM

    other = app.with_connector(app.connector.get_worker_connector())

    async def work() -> None:
        async with other.open_async():
            # A worker that was killed left its job marked as running; the next one's periodic task puts it back.
            await rescue(other.job_manager, -1)
            await other.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False, listen_notify=False)

    asyncio.run(work())
    while deliver(SYSTEM):
        pass
    seal_settled(SYSTEM)


def delivery(home: Path, number: int) -> None:
    del home, number
    _work()


def _accounts(role: str) -> dict[Any, Any]:
    """Company → somebody who may sign in there in a role."""
    from tierwise.directory.viewers import viewer_for
    from tierwise.kernel.models import Account

    found = {}
    for account in Account.objects.order_by("-email"):
        viewer = viewer_for(account)
        if viewer is not None and viewer.role.value == role:
            found[viewer.company] = account
    return found


def _client(account: Any) -> Any:
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(account)
    return client


def _chosen(home: Path, number: int) -> dict[str, str]:
    """What is disputed this round, written down before it is asked for: the same after a kill."""
    path = home / f"round-{number}.json"
    if not path.exists():
        from tierwise.collaboration.publish.models import Publication, PublicationReply, PublishedLine
        from tierwise.collaboration.resolve.models import Case
        from tierwise.kernel.viewer import SYSTEM, viewer_scope

        companies = list(_accounts("supplier_administrator"))
        with viewer_scope(SYSTEM):
            taken = {str(subject) for subject in Case.objects.values_list("subject", flat=True)}
            later = Publication.objects.exclude(supersedes=None).values_list("supersedes", flat=True)
            lines = (
                PublishedLine.objects.exclude(publication__in=list(later))
                .filter(otif=False, supplier__in=companies)
                .order_by("order", "line")
            )
            line = next(row for row in lines if str(row.id) not in taken)
            answered = PublicationReply.objects.values_list("publication", flat=True)
            sent = Publication.objects.filter(supplier=line.supplier_id).exclude(id__in=list(answered))
            newest = sent.exclude(id__in=list(later)).order_by("number").first()
        chosen = {
            "line": str(line.id),
            "supplier": str(line.supplier_id),
            "publication": str(newest.id if newest else ""),
        }
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(chosen))
        partial.replace(path)
    return dict(json.loads(path.read_text()))


def reply(home: Path, number: int) -> None:
    """The supplier's side, through its pages: read, acknowledge, dispute. What was done already is left alone."""
    from uuid import UUID

    from django.urls import reverse

    from tierwise.collaboration.publish.models import PublicationReply
    from tierwise.collaboration.resolve.models import Case
    from tierwise.kernel.viewer import SYSTEM, viewer_scope

    chosen = _chosen(home, number)
    client = _client(_accounts("supplier_administrator")[UUID(chosen["supplier"])])
    assert client.get(reverse("portal-home")).status_code == 200
    with viewer_scope(SYSTEM):
        known = (
            bool(chosen["publication"]) and PublicationReply.objects.filter(publication=chosen["publication"]).exists()
        )
        open_ = Case.objects.filter(subject=chosen["line"]).exists()
    if chosen["publication"] and not known:
        done = client.post(reverse("portal-acknowledge", args=[chosen["publication"]]))
        assert done.status_code == 302, done.content[:2000]
    if not open_:
        claim = {"reason": "not_our_fault", "text": f"The gate was closed, round {number}."}
        done = client.post(reverse("portal-dispute", args=[chosen["line"]]), claim)
        assert done.status_code == 302, done.content[-4000:]


def ruling(home: Path, number: int) -> None:
    from django.urls import reverse

    from tierwise.collaboration.resolve.models import Case
    from tierwise.kernel.viewer import SYSTEM, viewer_scope

    with viewer_scope(SYSTEM):
        case = Case.objects.get(subject=_chosen(home, number)["line"])
    if case.state != "open":
        return
    client = _client(next(iter(_accounts("quality").values())))
    said = {"verdict": "uphold", "text": "Our gate log says so too.", "excluded": "buyer_caused"}
    done = client.post(reverse("desk-case-rule", args=[case.id]), said)
    assert done.status_code == 302, done.content[-4000:]


def look(home: Path, number: int) -> None:
    """What any reader may see at any moment must be whole."""
    wrong = _wrong(settled=False)
    if wrong:
        (home / "look.txt").write_text(f"round {number}: " + "; ".join(wrong))
        raise AssertionError(wrong)


def _wrong(*, settled: bool) -> list[str]:
    from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

    from tierwise.collaboration.publish.digest import digests_of
    from tierwise.collaboration.publish.models import Publication
    from tierwise.collaboration.resolve.models import Case
    from tierwise.kernel.models import AuditEntry, OutboxEvent
    from tierwise.kernel.seal.verify import verify
    from tierwise.kernel.viewer import SYSTEM, viewer_scope
    from tierwise.lake.models import ImportRun, Manifest
    from tierwise.lake.queries import store
    from tierwise.lake.schemas import TABLES

    wrong = []
    with viewer_scope(SYSTEM):
        manifests = list(Manifest.objects.order_by("number"))
        if [m.number for m in manifests] != list(range(1, len(manifests) + 1)):
            wrong.append("manifests are not numbered without a gap")
        for table, version in manifests[-1].versions.items():
            if table in TABLES:
                rows = store().scan(table, manifests[-1].versions).collect()
                if rows.select(*TABLES[table].key, "source").is_duplicated().any():
                    wrong.append(f"{table} at {version} holds a key twice")
        prints = list(ImportRun.objects.filter(state="imported").values_list("fingerprint", flat=True))
        if len(prints) != len(set(prints)):
            wrong.append("an extract was imported twice")
        imported = AuditEntry.objects.filter(action="import_extract", outcome="done").count()
        if imported != ImportRun.objects.filter(state="imported").count():
            wrong.append("imports and their entries do not agree")
        publications = list(Publication.objects.order_by("supplier", "number"))
        numbers: dict[Any, list[int]] = {}
        for publication in publications:
            numbers.setdefault(publication.supplier_id, []).append(publication.number)
        if any(found != list(range(1, len(found) + 1)) for found in numbers.values()):
            wrong.append("a supplier's publications are not numbered without a gap")
        digests = digests_of(SYSTEM, publications)
        if any(digests[publication.id] != publication.digest for publication in publications):
            wrong.append("a publication is half there")
        subjects = list(Case.objects.values_list("subject", flat=True))
        if len(subjects) != len(set(subjects)):
            wrong.append("a line is disputed twice")
        succeeded = list(ProcrastinateEvent.objects.filter(
            type="succeeded", job__task_name__endswith="nightly_cycle").values_list("job_id", flat=True))  # fmt: skip
        if len(succeeded) != len(set(succeeded)):
            wrong.append("a job was done twice")
        cycles = list(ProcrastinateJob.objects.filter(
            task_name__endswith="nightly_cycle").values_list("args", flat=True))  # fmt: skip
        if len({str(args) for args in cycles}) != len(cycles):
            wrong.append("a cycle was put into the queue twice")
        if settled and OutboxEvent.objects.filter(delivered_at=None).exists():
            wrong.append("news was not delivered")
    verdict = verify(SYSTEM)
    return wrong + [fault.what for fault in verdict.faults]


def _rounded(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Sums of floats hang on the order in which threads come; nothing is lost beyond the ninth digit."""
    return rows.with_columns(
        pl.selectors.float().round_sig_figs(9), pl.selectors.string().str.replace_all(r"(\.\d{4})\d+", "${1}")
    )


def summary(home: Path, number: int) -> None:
    """What the home holds, without ids and instants: two homes that did the same must tell the same."""
    del number
    from django.db.models import Count, Sum

    from tierwise.collaboration.publish.models import Publication, PublishedLine, PublishedMeasure, PublishedSeries
    from tierwise.collaboration.resolve.models import Case
    from tierwise.kernel.models import AuditEntry, OutboxEvent
    from tierwise.kernel.viewer import SYSTEM, viewer_scope
    from tierwise.lake.models import Manifest
    from tierwise.lake.queries import store
    from tierwise.lake.schemas import TABLES

    said: dict[str, Any] = {"wrong": _wrong(settled=True)}
    with viewer_scope(SYSTEM):
        versions = Manifest.objects.order_by("-number").first().versions  # type: ignore[union-attr]
        for table in sorted(TABLES.keys() & versions.keys()):
            rows = _rounded(store().scan(table, versions).select(list(TABLES[table].schema))).collect()
            text = rows.sort(rows.columns).write_csv()
            said[table] = [rows.height, hashlib.sha256(text.encode()).hexdigest()[:12]]
        said["publications"] = dict(Publication.objects.values_list("kind").annotate(n=Count("id")).order_by("kind"))
        said["published rows"] = [model.objects.count() for model in (PublishedSeries, PublishedMeasure, PublishedLine)]
        found = PublishedMeasure.objects.aggregate(a=Sum("numerator"), b=Sum("denominator"))
        said["measures"] = [round(found["a"], 3), round(found["b"], 3)]
        said["cases"] = dict(Case.objects.values_list("state").annotate(n=Count("id")).order_by("state"))
        said["news"] = dict(OutboxEvent.objects.values_list("name").annotate(n=Count("id")).order_by("name"))
        once = ("import_extract", "acknowledge_publication", "dispute_line", "rule_case")
        entries = AuditEntry.objects.filter(action__in=once, outcome="done")
        said["entries"] = dict(entries.values_list("action").annotate(n=Count("id")).order_by("action"))
    (home / "summary.json").write_text(json.dumps(said))


DO: dict[str, Callable[[Path, int], None]] = {
    "extract": extract, "import": import_, "worker": worker, "reply": reply, "ruling": ruling, "delivery": delivery,
    "look": look, "summary": summary,
}  # fmt: skip


def main() -> None:
    home, rounds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None
    os.environ |= {"TIERWISE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "tierwise.config.settings"}
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import django

    django.setup()
    import tiny_company

    from tierwise.cli.demonstration import prepare_demo
    from tierwise.config.installation import running

    with running():
        if rounds is None:
            tiny_company.shrink()
            prepare_demo(home, "small")
            delivery(home, 0)
            return
        for number in range(1, rounds + 1):
            for part in ("extract", "import", "worker", "reply", "ruling", "delivery"):
                DO[part](home, number)
        summary(home, 0)


if __name__ == "__main__":
    main()
