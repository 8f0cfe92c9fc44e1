"""The lockout: after failed sign-ins an address waits, the longer the more of them; an administrator may end it.

Counting is allauth's (``ACCOUNT_RATE_LIMITS``); here is who waits, until when, and how it ends early. Whether anybody
signs in with an address makes no difference to what a stranger sees.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from allauth.core.internal.ratelimit import Rate, get_cache_key, get_rates
from django.core.cache import cache
from django.http import HttpRequest

_APP, _ACTION = "allauth.account", "login_failed"


def lockout_key(email: str) -> str:
    """What failures of an address are counted under."""
    return f"sign-in:{email.strip().lower()}"


def _counters(email: str) -> list[tuple[Rate, str]]:
    rates = [rate for rate in get_rates(app=_APP, action=_ACTION) if rate.per == "key"]
    return [
        (rate, get_cache_key(HttpRequest(), app=_APP, action=_ACTION, rate=rate, key=lockout_key(email)))
        for rate in rates
    ]


def locked(emails: Iterable[str]) -> dict[str, datetime]:
    """Which addresses wait, and until when, in one look."""
    counters = {email: _counters(email) for email in emails}
    known = cache.get_many([key for found in counters.values() for _, key in found]) if counters else {}
    waiting = {email: _until(found, known) for email, found in counters.items()}
    return {email: until for email, until in waiting.items() if until is not None}


def locked_until(email: str) -> datetime | None:
    """When an address may try again; None when it may now."""
    return locked([email]).get(email)


def _until(counters: list[tuple[Rate, str]], known: dict[str, list[float]]) -> datetime | None:
    ends, at = [], time.time()
    for rate, key in counters:
        failures = [moment for moment in known.get(key, []) if moment > at - rate.duration]
        if len(failures) >= rate.amount:
            # The newest stand first; as soon as this one is forgotten there are fewer than the limit.
            ends.append(failures[rate.amount - 1] + rate.duration)
    return datetime.fromtimestamp(max(ends), UTC) if ends else None


def unlock(email: str) -> bool:
    """Forgets an address's failures. False when it was not waiting."""
    waiting = locked_until(email) is not None
    cache.delete_many([key for _, key in _counters(email)])
    return waiting
