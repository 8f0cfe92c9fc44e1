"""How often somebody may ask: a token bucket in the database, spent in shares by every process.

A bucket holds at most ``burst`` requests and fills by ``per_second``. A process takes a share with one statement and
spends it without asking again; what it has not spent after a few seconds is forfeit. All processes together therefore
never let more through than the bucket allows, and a request costs a statement only once per share.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connections

from tierwise.kernel.clock import now
from tierwise.kernel.zones import Login

_SHARE_SECONDS = 5.0
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """What is allowed."""

    per_second: float = 50.0
    burst: int = 500

    def __post_init__(self) -> None:
        if self.per_second <= 0 or self.burst < 1:
            raise ValueError("rate: give more than 0 requests a second and a burst of at least 1")

    @property
    def share(self) -> int:
        """What a second brings, at most a tenth of the bucket, so that one process cannot hold it all."""
        return max(1, min(math.ceil(self.per_second), self.burst // 10))

    @property
    def window(self) -> int:
        """Seconds in which an empty bucket fills."""
        return math.ceil(self.burst / self.per_second)


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether the request may go on, how many more may at least follow, and otherwise how long to wait."""

    allowed: bool
    remaining: int
    wait_seconds: int = 0


@dataclass(slots=True)
class _Share:
    left: int
    level: float
    ends: float


_shares: OrderedDict[UUID, _Share] = OrderedDict()
_lock = threading.Lock()

_BEGIN = "insert into kernel_ratebucket (owner, level, filled_at) values (%s, %s, %s) on conflict do nothing"
_TAKE = """
update kernel_ratebucket b set level = a.there - a.got, filled_at = a.at
from (
    select owner, at, there, least(%(want)s, floor(there)) as got
    from (
        select owner, greatest(filled_at, %(now)s) as at,
               least(%(burst)s, level + greatest(extract(epoch from (%(now)s - filled_at)), 0) * %(rate)s) as there
        from kernel_ratebucket where owner = %(owner)s for update
    ) filled
) a
where b.owner = a.owner
returning a.got, b.level
"""


def take(owner: UUID, rate: Rate) -> Taken:
    """One request of an owner."""
    moment = now().timestamp()
    with _lock:
        share = _shares.get(owner)
        if share is not None and share.left > 0 and moment < share.ends:
            share.left -= 1
            return Taken(True, share.left + int(share.level))
    # Outside the lock, so that one owner's statement does not hold up the others; two threads may take a share each.
    got, level = _more(owner, rate)
    with _lock:
        standing = _shares.pop(owner, None)
        # What another thread took meanwhile is there for this one too, and all there is when it emptied the bucket.
        left = got - 1 + (standing.left if standing is not None and moment < standing.ends else 0)
        if left < 0:
            return Taken(False, 0, max(1, math.ceil((1 - level) / rate.per_second)))
        _shares[owner] = _Share(left, level, moment + _SHARE_SECONDS)
        while len(_shares) > _REMEMBERED:
            _shares.popitem(last=False)
    return Taken(True, left + int(level))


def _more(owner: UUID, rate: Rate) -> tuple[int, float]:
    """A share from the bucket, and what is left in it."""
    values: dict[str, Any] = {
        "owner": owner,
        "now": now(),
        "want": rate.share,
        "burst": rate.burst,
        "rate": rate.per_second,
    }
    with connections[Login.IDENTITY.alias].cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_BEGIN, [owner, float(rate.burst), values["now"]])
            cursor.execute(_TAKE, values)
            row = cursor.fetchone()
    return int(row[0]), float(row[1])


def forget() -> None:
    """Gives up every share of this process."""
    with _lock:
        _shares.clear()
