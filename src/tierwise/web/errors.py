"""Error pages: what happened, where, and what to do next.

They need no viewer, no session and no database, because any of these may be what failed.
``urls.py`` names them: ``handler404 = "tierwise.web.errors.not_found"`` and so on.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from tierwise.web.api.problems import is_api, problem


def error_page(
    request: HttpRequest, status: int, title: str, text: str, way: tuple[str, str] = ("", "")
) -> HttpResponse:
    """A full page, a fragment for htmx, which swaps 4xx and 5xx like any other answer, or a problem for machines."""
    if is_api(request):
        return problem(status)
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"
    template = "web/errors/fragment.html" if fragment else "web/errors/page.html"
    context = {"status": status, "title": title, "text": text, "path": request.path,
               "way": way[0], "way_label": way[1]}  # fmt: skip
    response = HttpResponse(render_to_string(template, context), status=status)
    response["Cache-Control"] = "no-store"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    text = _("The address or the form could not be understood. Go back, reload the page and send it again.")
    return error_page(request, 400, _("That could not be understood"), text)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = _("Your role or your company may not open this. Ask the person who administers access in your company.")
    return error_page(request, 403, _("This is not open to you"), _said(exception) or text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - as above
    text = _("The form was open for too long or cookies are blocked. Reload the page; nothing was saved.")
    return error_page(request, 403, _("Your session has changed"), text)


def signed_out(request: HttpRequest, way: str) -> HttpResponse:
    """The answer to a part of a page whose reader is no longer signed in; the page and what was typed stay."""
    text = _("You are no longer signed in, and nothing was saved. Copy what you typed, then sign in again.")
    return error_page(request, 401, _("Your session has ended"), text, (way, _("Sign in again")))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - as above
    text = _("The address is wrong, the record was withdrawn, or it belongs to somebody else.")
    return error_page(request, 404, _("Page not found"), text)


def server_error(request: HttpRequest) -> HttpResponse:
    text = _(
        "The fault is ours and has been logged. Nothing was saved. Try again; if it stays, tell your administrator."
    )
    return error_page(request, 500, _("Something went wrong"), text)


def _said(exception: Exception) -> str:
    """The reason a view gave with PermissionDenied, if it gave one."""
    return str(exception.args[0]) if exception.args and isinstance(exception.args[0], str) else ""
