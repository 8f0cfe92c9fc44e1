"""Addresses: sign-in, the desk for buyers, the portal for suppliers."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path

from tierwise.config.api import api
from tierwise.directory.signin import accept_invitation, end_sessions, sessions
from tierwise.web.search import search


def home(request: HttpRequest) -> HttpResponse:
    return redirect("/portal/" if request.viewer.is_supplier else "/desk/")  # type: ignore[attr-defined]


def health(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("ok", content_type="text/plain")


def pages(kind: str) -> list[URLPattern | URLResolver]:
    """What the apps' ``desk`` or ``portal`` modules offer, in the order of the apps."""
    names = [f"{app.name}.{kind}" for app in apps.get_app_configs() if app.name.startswith("tierwise.")]
    return [route for name in names if find_spec(name) for route in import_module(name).urlpatterns]


handler400 = "tierwise.web.errors.bad_request"
handler403 = "tierwise.web.errors.forbidden"
handler404 = "tierwise.web.errors.not_found"
handler500 = "tierwise.web.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("health", health, name="health"),
    path("accounts/sessions/", sessions, name="usersessions_list"),
    path("accounts/sessions/end", end_sessions, name="end_sessions"),
    path("accounts/", include("allauth.urls")),
    path("invitation/<str:token>/", accept_invitation, name="invitation"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("search/", search, name="search"),
    path("api/v1/", api.urls),
    path("desk/", include(pages("desk"))),
    path("portal/", include(pages("portal"))),
]
