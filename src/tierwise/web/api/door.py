"""From a request to its answer: who asks, how often and in which transaction."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, ResolverMatch, resolve
from ninja.utils import check_csrf

from tierwise.kernel.audit import Refused, note_refusal
from tierwise.kernel.rates import Rate, Taken, take
from tierwise.kernel.viewer import Door, Lapsed, Viewer, viewer_scope
from tierwise.web.api.headers import put
from tierwise.web.api.passes import Pass, pass_of
from tierwise.web.api.problems import is_api, problem, refusal_problem
from tierwise.web.api.routing import READS

View = Callable[..., HttpResponseBase]
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_UNLESS_SAID = {"Cache-Control": "private, no-cache"}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tierwise"'}


class ApiDoor:
    """Serves requests with a token by itself: they need no session, no language and no page around them."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request) or not request.META.get("HTTP_AUTHORIZATION"):
            return self.respond(request)
        return answer_machine(request)


def answer_machine(request: HttpRequest) -> HttpResponseBase:
    """The answer to a request of the machines' door that comes with ``Authorization``."""
    given = _BEARER.fullmatch(request.META["HTTP_AUTHORIZATION"].strip())
    found = pass_of(given[1]) if given else None
    if given is None or found is None:
        return unknown(error="invalid_token")
    try:
        match = _operation(request.path_info)
    except Resolver404:
        return problem(404, "address")
    request.resolver_match = match
    try:
        return serve(request, found, match.func, match.kwargs)
    except Lapsed:
        # Perhaps only the segments changed; what is found anew is asked once more.
        found = pass_of(given[1], fresh=True)
    try:
        return serve(request, found, match.func, match.kwargs) if found else unknown(error="invalid_token")
    except Lapsed:
        return unknown(error="invalid_token")


@lru_cache(maxsize=4096)
def _operation(path: str) -> ResolverMatch:
    """Which operation an address names. Machines ask the same addresses again and again."""
    return resolve(path)


def unknown(error: str = "") -> HttpResponse:
    """Nobody that may enter."""
    challenge = _CHALLENGE["WWW-Authenticate"] + (f', error="{error}"' if error else "")
    return problem(401, error or "unauthenticated", headers={"WWW-Authenticate": challenge})


def serve_signed_in(
    request: HttpRequest, viewer: Viewer | None, view: View, kwargs: dict[str, Any]
) -> HttpResponseBase:
    """A person with a session, trying things out. What changes something asks for the token against forged requests."""
    if viewer is None:
        return unknown()
    if viewer.preview and request.method not in READS:
        return problem(403, "preview", "You are looking at what a supplier sees; leave the preview to do anything.")
    if request.method not in READS and (refused := check_csrf(request)) is not None:
        return problem(refused.status_code, "csrf", "The token against forged requests is missing or old; reload.")
    return serve(request, Pass(viewer.person, replace(viewer, door=Door.API)), view, kwargs)


def serve(request: HttpRequest, found: Pass, view: View, kwargs: dict[str, Any]) -> HttpResponseBase:
    """The answer, within what the asker is allowed and in one transaction, which a refusal undoes."""
    head_alone = request.method == "HEAD"
    if head_alone:
        request.method = "GET"
    rate = Rate(*settings.TIERWISE_API_RATE)
    taken = take(found.owner, rate)
    response = _answered(request, found, view, kwargs) if taken.allowed else _too_many(taken)
    put(response, _UNLESS_SAID, kept=True)
    headers = {
        "RateLimit-Policy": f'"token";q={rate.burst};w={rate.window}',
        "RateLimit": f'"token";r={taken.remaining};t={taken.wait_seconds or 1}',
        "Vary": "Authorization, Cookie",
    }
    if isinstance(response, HttpResponse) and response.status_code != 304:
        headers["Content-Length"] = str(len(response.content))
    put(response, headers)
    return _without_body(response) if head_alone else response


def _without_body(response: HttpResponseBase) -> HttpResponseBase:
    """What HEAD is answered with: everything GET is but the content, its length included."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = ()
    elif isinstance(response, HttpResponse):
        response.content = b""
    return response


def _too_many(taken: Taken) -> HttpResponse:
    return problem(429, "rate", headers={"Retry-After": str(taken.wait_seconds)})


def _answered(request: HttpRequest, found: Pass, view: View, kwargs: dict[str, Any]) -> HttpResponseBase:
    viewer = found.viewer
    request.viewer, request.api_pass = viewer, found  # type: ignore[attr-defined]
    try:
        with viewer_scope(viewer, found.provided() if found.provided else ""):
            response = _worded(view(request, **kwargs))
            if response.status_code >= 400:
                transaction.set_rollback(True, using=viewer.alias)
    except Refused as refusal:
        response = refusal_problem(refusal)
        request.refusal = refusal  # type: ignore[attr-defined]
    except RequestDataTooBig:
        response = problem(413, "size")
    refused = getattr(request, "refusal", None)
    if refused is not None and request.method not in READS and "action" in refused.parameters:
        note_refusal(viewer, refused)
    return response


def _worded(response: HttpResponseBase) -> HttpResponseBase:
    """Refusals of the framework in our words."""
    if response.status_code == 405:
        allowed = response.headers.get("Allow", "").replace("GET", "GET, HEAD")
        return problem(405, "method", headers={"Allow": allowed})
    return response
