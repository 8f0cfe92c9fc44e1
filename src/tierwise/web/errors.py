"""Error pages: what happened, where, and what to do next.

They need no viewer, no session and no database, because any of these may be what failed.
``urls.py`` names them: ``handler404 = "tierwise.web.errors.not_found"`` and so on.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from tierwise.web.api.problems import is_api, problem

RETRY_SECONDS = 10
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def came_from(request: HttpRequest) -> str:
    """The page of ours that something was sent from, or that a part of was asked for; empty where it is not known."""
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    try:
        here = page.netloc == request.get_host() and page.path.startswith("/")
    except DisallowedHost:
        return ""
    return urlunsplit(("", "", page.path, page.query, "")) if here else ""


def error_page(
    request: HttpRequest, status: int, title: str, text: str, way: tuple[str, str] = ("", "")
) -> HttpResponse:
    """A full page, a fragment for htmx, which swaps 4xx and 5xx like any other answer, or a problem for machines."""
    if is_api(request):
        return problem(status)
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"
    template = "web/errors/fragment.html" if fragment else "web/errors/page.html"
    context = {"status": status, "title": title, "text": text, "path": request.path, "request": request,
               "way": way[0], "way_label": way[1], "csrf_token": get_token(request)}  # fmt: skip
    response = HttpResponse(render_to_string(template, context), status=status)
    response["Cache-Control"] = "no-store"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    text = _("The address or the form could not be understood. Go back, reload the page and send it again.")
    return error_page(request, 400, _("That could not be understood"), text, _back(request))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = _("Your role or your company may not open this. Ask the person who administers access in your company.")
    return error_page(request, 403, _("This is not open to you"), _said(exception) or text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - as above
    text = _("The form was open for too long or cookies are blocked. Reload the page; nothing was saved.")
    return error_page(request, 403, _("Your session has changed"), text, _back(request))


def signed_out(request: HttpRequest, way: str) -> HttpResponse:
    """The answer to a part of a page whose reader is no longer signed in; the page and what was typed stay."""
    text = _("You are no longer signed in, and nothing was saved. Copy what you typed, then sign in again.")
    return error_page(request, 401, _("Your session has ended"), text, (way, _("Sign in again")))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - as above
    text = _("The address is wrong, the record was withdrawn, or it belongs to somebody else.")
    return error_page(request, 404, _("Page not found"), text)


def not_allowed(request: HttpRequest) -> HttpResponse:
    """An address that takes what is sent to it, and was opened."""
    text = _("Nothing stands at this address by itself: it takes what a form sends. Go on from the page of the form.")
    return error_page(request, 405, _("There is no page here"), text, _back(request))


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(request)
    text = _(
        "The fault is ours and has been logged. Nothing was saved. Try again; if it stays, tell your administrator."
    )
    return error_page(request, 500, _("Something went wrong"), text, _again(request))


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database is away, or did not answer in time: nothing is wrong with what was asked."""
    text = _("The data cannot be reached at the moment. Nothing was saved. Try again in a minute.")
    answer = error_page(request, 503, _("Not available at the moment"), text, _again(request))
    answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _again(request: HttpRequest) -> tuple[str, str]:
    """Another try of what was read; what was sent is sent again from its page."""
    whole = request.method in READING and "HX-Request" not in request.headers
    return (request.get_full_path(), _("Try again")) if whole else _back(request)


def _back(request: HttpRequest) -> tuple[str, str]:
    page = came_from(request)
    return (page, _("Back to the page")) if page else ("", "")


def _said(exception: Exception) -> str:
    """The reason a view gave with PermissionDenied, if it gave one."""
    return str(exception.args[0]) if exception.args and isinstance(exception.args[0], str) else ""
