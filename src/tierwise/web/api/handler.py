"""The way of a request with a token through the server: past everything that only pages need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.utils.log import log_response

from tierwise.kernel.pooled.base import give_back
from tierwise.web.api.door import answer_machine
from tierwise.web.api.headers import put
from tierwise.web.api.problems import PREFIX
from tierwise.web.api.turns import Turns
from tierwise.web.middleware import ContentSecurityPolicy

# Five keep one processor busy while others wait for the database. Three or four were no quicker in any hundredth
# answer, and without a limit the slowest of a hundred answers took two to three times as long.
_AT_ONCE, _PATIENCE = 5, 0.1
Start = Callable[[str, list[tuple[str, str]]], object]


class Handler(WSGIHandler):
    """Django's, which answers a machine by itself.

    The chain of middleware leads such a request to the same door (``ApiDoor``) between the same two that add headers.
    What Django does for every database before and after a request is done here for those that were used.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        # A fault within becomes an answer, and the answer gets its headers, as in Django's chain.
        self._answer: Callable[[HttpRequest], Any] = convert_exception_to_response(answer_machine)
        self._turns = Turns(_AT_ONCE, _PATIENCE)
        self._headers = {scheme: _added(scheme) for scheme in ("http", "https")}

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:  # type: ignore[override]
        asks = environ.get("HTTP_AUTHORIZATION") and environ.get("PATH_INFO", "").startswith(PREFIX)
        if not asks or environ.get("SCRIPT_NAME"):
            return super().__call__(environ, start_response)  # type: ignore[arg-type]
        request = WSGIRequest(environ)
        give_back()
        turn = self._turns.enter()
        try:
            response = self._answer(request)
        finally:
            self._turns.leave(turn)
        put(response, self._headers[request.scheme or "http"], kept=True)
        if response.status_code >= 400:
            words = response.reason_phrase, request.path
            log_response("%s: %s", *words, response=response, request=request)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        answered: Iterable[bytes]
        if response.streaming:
            # Its end, which the server tells, is the end of the request.
            response._resource_closers.append(request.close)
            answered = response
        else:
            give_back()
            request.close()
            answered = [response.content]
        return answered


def _added(scheme: str) -> dict[str, str]:
    """The headers that every answer of the chain gets."""

    class Asked(HttpRequest):
        def _get_scheme(self) -> str:
            return scheme

    blank: Any = ContentSecurityPolicy(lambda _: HttpResponse())
    answer: Any = SecurityMiddleware(blank)(Asked())
    return {name: value for name, value in answer.items() if name != "Content-Type"}
