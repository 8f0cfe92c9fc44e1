"""What the worker does for the door by itself."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tierwise.doors.mail.reading import read_mailroom
from tierwise.kernel.viewer import SYSTEM


@app.periodic(cron="* * * * * */5")
@app.task(queueing_lock="read_mailroom", pass_context=False)
def read_mail(timestamp: int) -> int:
    """Every five seconds; the sixth field of the schedule counts them."""
    del timestamp
    return read_mailroom(SYSTEM)
