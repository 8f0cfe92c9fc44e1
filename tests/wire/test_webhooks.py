"""Messages signed as Standard Webhooks asks, checked by the standard's own vector and library."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tierwise.wire.webhooks import message, new_secret, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = datetime.fromtimestamp(1614265330, UTC)


def test_the_published_vector() -> None:
    signed = sign([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, b'{"test": 2432232314}')
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signed["webhook-timestamp"] == "1614265330"


def test_either_secret_passes_during_a_rotation_and_no_other() -> None:
    old, new = new_secret(), new_secret()
    at = datetime.now(UTC)
    body = message("rulings.sent", at, {"batch": 7}, ['{"a":1.50}'])
    headers = sign([new, old], "m-1", at, body)
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers)["data"] == {"batch": 7, "rows": [{"a": 1.5}]}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body.replace(b"1.50", b"1.51"), headers)
    stale = sign([new], "m-1", at - timedelta(minutes=6), body)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body, stale)


def test_a_message_is_never_sent_unsigned() -> None:
    with pytest.raises(ValueError, match="unsigned"):
        sign([], "m", AT, b"{}")


def test_the_body_is_json_with_type_timestamp_and_data() -> None:
    body = json.loads(message("tierwise.test", AT, {"text": "ä"}))
    assert body == {"type": "tierwise.test", "timestamp": "2021-02-25T15:02:10Z", "data": {"text": "ä", "rows": []}}
    assert json.loads(message("x", AT, {}, ["{}"]))["data"] == {"rows": [{}]}
