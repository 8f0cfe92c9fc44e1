"""The viewer's transaction around every page, and the headers that keep a page to itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from tierwise.kernel.audit import NotAllowed, Refused, note_refusal
from tierwise.kernel.viewer import Side, Viewer, viewer_scope
from tierwise.web.api.door import serve_signed_in
from tierwise.web.api.problems import is_api, problem
from tierwise.web.errors import READING, came_from, not_allowed, signed_out
from tierwise.web.refusals import refused_response
from tierwise.web.viewing import due_first, language_of, previewer_of, viewer_of

Respond = Callable[[HttpRequest], HttpResponseBase]
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
# Sign-in, sign-out, second factor and invitations run as the identity login, with no viewer.
_OPEN = ("/accounts/", "/invitation/", "/health", "/i18n/")
_FIRST = "Something has to be settled first at %s; it opens when you sign in to the portal."
_SIDES = {"/desk/": Side.BUYER, "/portal/": Side.SUPPLIER}


class ContentSecurityPolicy:
    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.respond(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response


class ReaderZone:
    """Shows instants in the zone of the reader's browser, which tells it in a cookie; UTC where it does not."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(_zone(request.COOKIES.get("zone", ""))):
            return self.respond(request)


@lru_cache(maxsize=700)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


class ZoneMiddleware:
    """Opens the viewer's scope for the view and the rendering of its answer; an answer of 400 or more rolls back.

    Last in the list, and in ``process_view``: there an exception is still an exception, not yet a response.
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.respond(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        if request.path.startswith(_OPEN):
            return None
        viewer = viewer_of(request)
        first = due_first(request, viewer) if viewer else ""
        if first and request.path != first:
            return problem(403, "terms", _FIRST % first) if is_api(request) else redirect(first)
        if is_api(request):
            return serve_signed_in(request, viewer, view, kwargs)
        if viewer is None:
            return _sign_in(request)
        _speak(request, viewer)
        request.viewer = viewer  # type: ignore[attr-defined]
        try:
            with viewer_scope(viewer):
                _check_preview(request, viewer)
                _check_side(request, viewer)
                response = view(request, *args, **kwargs)
                if callable(render := getattr(response, "render", None)):
                    response = render()
                if response.status_code == 405:
                    response = _told(request, response)
                if response.status_code >= 400:
                    transaction.set_rollback(True, using=viewer.alias)
                return response
        except Refused as refusal:
            if request.method == "POST":
                note_refusal(previewer_of(request) or viewer, refusal)
            with viewer_scope(viewer):
                return refused_response(request, refusal)


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    """Django's refusal of a method has no words."""
    answer = not_allowed(request)
    answer["Allow"] = response["Allow"]
    return answer


def _speak(request: HttpRequest, viewer: Viewer) -> None:
    """The portal in the language that was chosen, or the browser's; the desk in English, which alone is complete."""
    language = (language_of(request) or translation.get_language()) if viewer.is_supplier else settings.LANGUAGE_CODE
    translation.activate(language or settings.LANGUAGE_CODE)
    request.LANGUAGE_CODE = translation.get_language()


def _sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page. The session of somebody who may no longer enter ends first, or he would be sent round."""
    if request.user.is_authenticated:
        logout(request)
        messages.warning(request, _("Your access has ended. Ask the administrator of your company."))
    back = _back(request)
    if request.headers.get("HX-Request") == "true":
        return signed_out(request, f"{settings.LOGIN_URL}?{urlencode({'next': back})}")
    if request.method not in READING:
        messages.warning(request, _("You were no longer signed in. What you sent was not saved."))
    return redirect_to_login(back)


def _back(request: HttpRequest) -> str:
    """Where to go after signing in: the page asked for or, where something was sent, the page it was sent from."""
    if request.method in READING and request.headers.get("HX-Request") != "true":
        return request.get_full_path()
    page = came_from(request)
    return page if page.startswith(tuple(_SIDES)) else "/"


def _check_preview(request: HttpRequest, viewer: Viewer) -> None:
    """A buyer who looks through a supplier's eyes reads the portal, and nothing else."""
    if not viewer.preview:
        return
    if request.path.startswith("/desk/"):
        text = _("You are looking at what your supplier sees. Leave the preview to go back to your desk.")
        raise NotAllowed("preview", text)
    if request.method not in READING:
        text = _("You are looking at what your supplier sees. Only its own people can do this.")
        raise NotAllowed("preview", text)


def _check_side(request: HttpRequest, viewer: Viewer) -> None:
    for start, side in _SIDES.items():
        if request.path.startswith(start) and viewer.side is not side:
            raise NotAllowed("side", _("This page belongs to the other company's side."))
