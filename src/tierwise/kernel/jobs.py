"""What the worker does by itself: deliver the outbox, seal the audit trail, rescue stalled jobs, run the cycle."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

from tierwise.kernel.answers import sweep
from tierwise.kernel.backup.nightly import back_up_nightly
from tierwise.kernel.clock import now, today
from tierwise.kernel.cycle import run_cycle
from tierwise.kernel.doctor.findings import EXAMINATION, examine
from tierwise.kernel.models import StepRun
from tierwise.kernel.outbox import deliver
from tierwise.kernel.seal.sealer import seal_settled
from tierwise.kernel.viewer import SYSTEM, Viewer, viewer_scope

STALLED_SECONDS = 60


@app.periodic(cron="* * * * * */3")
@app.task(queueing_lock="deliver_outbox", pass_context=False)
def deliver_outbox(timestamp: int) -> int:
    """Every three seconds; the sixth field of the schedule counts them."""
    del timestamp
    return deliver(SYSTEM)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="rescue_stalled", pass_context=True)
async def rescue_stalled(context: JobContext, timestamp: int) -> None:
    """A worker that was killed leaves its job marked as running; it is put back, for every job bears a second run."""
    del timestamp
    await rescue(context.app.job_manager, STALLED_SECONDS)


async def rescue(manager: JobManager, silent_seconds: float) -> None:
    """Puts back the jobs of workers that have not been heard of for so long."""
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=silent_seconds):
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # The same work waits in the queue already; left as running, this one would block its lock for ever.
            await manager.finish_job(job, Status.ABORTED, delete_job=False)


@app.periodic(cron="* * * * * */10")
@app.task(queueing_lock="seal_audit", pass_context=False)
def seal_audit(timestamp: int) -> int:
    """Every ten seconds, so that little is ever unsealed."""
    del timestamp
    return seal_settled(SYSTEM)


@app.periodic(cron="5 * * * *")
@app.task(queueing_lock="examine_installation", pass_context=False)
def examine_installation(timestamp: int) -> int:
    """Every hour; the last one's findings stand on the administrators' page. Returns how many."""
    del timestamp
    return _examine()


@app.task(queueing_lock="requested_examination", lock="examination")
def requested_examination() -> int:
    """The same, when an administrator asks for it."""
    return _examine()


def _examine() -> int:
    began, found = now(), examine()
    result = {"asked": list(found.asked), "findings": [finding.told() for finding in found.findings]}
    values = {"fingerprint": "", "began_at": began, "ended_at": now(), "result": result}
    with viewer_scope(SYSTEM):
        StepRun.objects.update_or_create(step=EXAMINATION, partition="all", defaults=values)
    return len(found.findings)


@app.periodic(cron="45 3 * * *")
@app.task(queueing_lock="nightly_backup", lock="nightly_backup", pass_context=False)
def nightly_backup(timestamp: int) -> str:
    """Where a folder for backups is named; the cycle has ended by then."""
    del timestamp
    made = back_up_nightly()
    return made.name if made else ""


@app.periodic(cron="40 * * * *")
@app.task(queueing_lock="sweep_answers")
def sweep_answers(timestamp: int) -> int:
    """Answers kept for requests sent again are of no use after a day."""
    del timestamp
    return sweep()


@app.periodic(cron="15 2 * * *")
@app.task(queueing_lock="nightly_cycle", lock="cycle")
def nightly_cycle(timestamp: int) -> None:
    del timestamp
    run_cycle(SYSTEM, today())


@app.task(queueing_lock="requested_cycle", lock="cycle")
def requested_cycle() -> None:
    """A cycle that somebody asked for by day."""
    run_cycle(SYSTEM, today())


def queue_examination(worker: Viewer, payload: dict[str, Any]) -> None:
    """Answers ``examination_requested``."""
    del worker, payload
    with suppress(AlreadyEnqueued):
        requested_examination.defer()


def queue_cycle(worker: Viewer, payload: dict[str, Any]) -> None:
    """Answers ``cycle_requested``; one that waits already is the one that was asked for."""
    del worker, payload
    with suppress(AlreadyEnqueued):
        requested_cycle.defer()
