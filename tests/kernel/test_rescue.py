"""Jobs of workers that were killed: put back, or let go where the same work waits already."""

from __future__ import annotations

import asyncio

import pytest
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from fixtures.databases import Template
from tierwise.kernel.jobs import deliver_outbox, nightly_cycle, rescue
from tierwise.kernel.viewer import SYSTEM, viewer_scope

pytestmark = pytest.mark.database


def states() -> list[tuple[str, str]]:
    with viewer_scope(SYSTEM):
        rows = ProcrastinateJob.objects.order_by("id").values_list("task_name", "status")
        return [(name.rsplit(".", 1)[1], status) for name, status in rows]


async def _die_with_two_jobs_and_come_back() -> None:
    other = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
    async with other.open_async():
        worker = await other.job_manager.register_worker()
        for _ in range(2):
            assert await other.job_manager.fetch_job(None, worker) is not None
        # Meanwhile the clock of the queue has asked for the delivery again.
        await deliver_outbox.configure(job_manager=other.job_manager).defer_async(timestamp=2)
        await rescue(other.job_manager, -1)


def test_work_that_waits_already_is_not_put_back_twice(database: Template) -> None:
    """Before, the first such job stopped the rescue, and the cycle behind it never ran again."""
    with viewer_scope(SYSTEM):
        deliver_outbox.defer(timestamp=1)
        nightly_cycle.defer(timestamp=1)
    asyncio.run(_die_with_two_jobs_and_come_back())
    assert states() == [("deliver_outbox", "aborted"), ("nightly_cycle", "todo"), ("deliver_outbox", "todo")]
