"""Standard Webhooks: signed messages, each with an id that stays the same over all attempts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from tierwise.kernel.clock import now
from tierwise.modules.exchange.records.settings import WebhookSettings
from tierwise.modules.exchange.transport.parcel import Outcome, Parcel
from tierwise.modules.exchange.transport.web import line
from tierwise.wire.webhooks import message, sign


def send(settings: WebhookSettings, secrets: Sequence[str], parcel: Parcel) -> Outcome:
    """Sends the rows in messages of the size agreed; any answer of 2xx is an acknowledgement."""
    lines, size = parcel.lines(), settings.rows_per_message
    count = max(1, -(-len(lines) // size))
    answers = []
    with line(settings.timeout_seconds, settings.ca) as opened:
        for part in range(parcel.done_rows // size, count):
            data: dict[str, object] = {
                "feed": parcel.feed, "batch": parcel.number, "part": part + 1, "parts": count,
                "rows_in_all": parcel.rows, "digest": parcel.digest, "schema_version": parcel.schema_version,
            }  # fmt: skip
            chunk = lines[part * size : (part + 1) * size]
            body = message(f"{parcel.feed}.sent", parcel.queued_at, data, chunk)
            reply = opened.ask("POST", settings.url, body, sign(secrets, f"{parcel.key}-{part + 1}", now(), body))
            if not reply.good:
                raise reply.fault("the receiver")
            answers.append(reply.excerpt)
            parcel.progressed(part * size + len(chunk))
    return Outcome(answers[-1] if answers else "")


def test(settings: WebhookSettings, secrets: Sequence[str]) -> str:
    """A message of its own kind, signed as all are."""
    body = message("tierwise.test", now(), {"text": "This is a test of the webhook; nothing has to be done."})
    with line(settings.timeout_seconds, settings.ca) as opened:
        reply = opened.ask("POST", settings.url, body, sign(secrets, f"test-{uuid.uuid4()}", now(), body))
    if not reply.good:
        raise reply.fault("the receiver")
    return f"taken: {reply.excerpt[:200]}"
