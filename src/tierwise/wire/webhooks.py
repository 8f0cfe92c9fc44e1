"""Standard Webhooks 1.0: a signed JSON message, checked by its receiver with the shared secret.

>>> from datetime import UTC, datetime
>>> at = datetime.fromtimestamp(1614265330, UTC)
>>> secret, name = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
>>> signed = sign([secret], name, at, b'{"test": 2432232314}')
>>> signed["webhook-signature"]
'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks.webhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32  # the standard asks for 24 to 64


def new_secret() -> str:
    """A fresh secret as receivers expect it written."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secrets_held: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Headers of a message. Several secrets (during a rotation) give several signatures; either lets it pass.

    ``message_id`` stays the same over all attempts, so that a receiver takes it once. Raises ValueError with no secret.
    """
    if not secrets_held:
        raise ValueError("secrets_held: a webhook is never sent unsigned; give at least one secret")
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets_held]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
    }


def message(kind: str, at: datetime, data: dict[str, object], rows: Sequence[str] = ()) -> bytes:
    """The body: type, timestamp and data, with rows that are JSON objects already."""
    head = json.dumps(data, ensure_ascii=False, separators=(",", ":"))[:-1]
    joined = ",".join(rows)
    inner = f'{head}{"," if data else ""}"rows":[{joined}]}}'
    return f'{{"type":{json.dumps(kind)},"timestamp":"{at:%Y-%m-%dT%H:%M:%SZ}","data":{inner}}}'.encode()
