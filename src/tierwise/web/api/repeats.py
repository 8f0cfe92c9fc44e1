"""A request that is sent again with the same key: it is answered as before and does nothing more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase

from tierwise.kernel.answers import Answer, Claim, claim, keep, release
from tierwise.kernel.viewer import Viewer
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.problems import problem

NO_CONTENT = 204
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def once(request: ApiRequest, key: str, run: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The operation's answer, or the one that the same request with the same key was given before."""
    if not _KEY.fullmatch(key):
        return problem(400, "key", "An Idempotency-Key has 1 to 200 visible characters.", field="Idempotency-Key")
    viewer = request.viewer
    held = claim(viewer, request.api_pass.owner, key, _digest(request))
    if isinstance(held, Answer):
        return _replayed(held)
    response = run()
    if getattr(response, "keeps_no_answer", False):
        release(viewer, held)
    elif response.status_code < 400:
        _kept(viewer, held, response)
    return response


def _digest(request: ApiRequest) -> str:
    asked = f"{request.method} {request.get_full_path()}\n{request.headers.get('If-Match', '')}\n".encode()
    return hashlib.sha256(asked + request.body).hexdigest()


def _kept(viewer: Viewer, held: Claim, response: HttpResponseBase) -> None:
    body = response.content.decode() if isinstance(response, HttpResponse) else ""
    keep(viewer, held, Answer(response.status_code, response.headers.get("ETag", ""), body))


def _replayed(kept: Answer) -> HttpResponse:
    response = HttpResponse(kept.body, status=kept.status, content_type="application/json")
    if kept.status == NO_CONTENT:
        del response.headers["Content-Type"]
    response.headers["Idempotency-Replayed"] = "true"
    if kept.etag:
        response.headers["ETag"] = kept.etag
    return response
