"""Sessions: where somebody is signed in, since when, and how one, some or all of them end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Max, Q
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from tierwise.kernel.clock import now
from tierwise.kernel.models import Account

SHOWN = 50
SEEN_EVERY = timedelta(minutes=2)
_SYSTEMS = (
    ("iPhone|iPad", "iOS"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X|Macintosh", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux|X11", "Linux"),
)  # fmt: skip
_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/|Opera", "Opera"), ("Firefox/", "Firefox"), ("Chrom(e|ium)/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip


class LastSeen:
    """Notes when and from where a session was last used, at most every two minutes."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        if key and request.user.is_authenticated:
            # By the wall clock, as the library that owns the table keeps it.
            at = now()
            UserSession.objects.filter(session_key=key, last_seen_at__lt=at - SEEN_EVERY).update(last_seen_at=at)
        return self.respond(request)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session. ``place`` is the network address it was opened from; nothing is looked up about it elsewhere."""

    id: int
    device: str
    place: str
    since: datetime
    seen: datetime
    current: bool


def device_of(user_agent: str) -> str:
    """A browser's description of itself, in words people know."""

    def first(known: tuple[tuple[str, str], ...]) -> str:
        return next((word for pattern, word in known if re.search(pattern, user_agent)), "")

    browser, system = first(_BROWSERS), first(_SYSTEMS)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown device")


def sessions_of(account: Account, current: str = "") -> tuple[list[SessionRecord], int]:
    """Sessions of an account that still hold, the one looked from first, then the most recently used; how many in all.

    Of very many the latest are told. What the library keeps of sessions that ended goes here, at once for all of them.
    """
    alive = Session.objects.filter(expire_date__gt=now()).values("session_key")
    mine = UserSession.objects.filter(user=account)
    mine.exclude(session_key__in=alive).delete()
    held = mine.annotate(here=Q(session_key=current)).order_by("-here", "-last_seen_at")
    found = [
        SessionRecord(
            one.pk, device_of(one.user_agent), one.ip, one.created_at, one.last_seen_at, one.session_key == current
        )
        for one in held[:SHOWN]
    ]
    return found, held.count() if len(found) == SHOWN else len(found)


def end_session(account: Account, session: int) -> bool:
    """Ends one session of the account's own. False when there is none such."""
    found = UserSession.objects.filter(user=account, pk=session).first()
    if found is not None:
        found.end()
    return found is not None


def end_sessions_of(people: Iterable[UUID], keep: str = "") -> int:
    """Ends every session of some people, at once; returns how many. ``keep`` is the key of one that stays."""
    found = UserSession.objects.filter(user__person_id__in=set(people)).exclude(session_key=keep)
    ended = list(found)
    store = import_string(f"{settings.SESSION_ENGINE}.SessionStore")()
    for one in ended:
        store.delete(one.session_key)
    UserSession.objects.filter(pk__in=[one.pk for one in ended]).delete()
    return len(ended)


def last_seen(people: Iterable[UUID]) -> dict[UUID, datetime]:
    """When each of some people was last here, as far as their sessions are still known."""
    rows = UserSession.objects.filter(user__person_id__in=set(people)).values_list("user__person_id")
    return dict(rows.annotate(seen=Max("last_seen_at")).values_list("user__person_id", "seen"))
