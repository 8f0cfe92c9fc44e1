"""Addresses: sign-in, the desk for buyers, the portal for suppliers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path

from tierwise.directory.signin import accept_invitation


def home(request: HttpRequest) -> HttpResponse:
    return redirect("/portal/" if request.viewer.is_supplier else "/desk/")  # type: ignore[attr-defined]


def health(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("ok", content_type="text/plain")


urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("health", health, name="health"),
    path("accounts/", include("allauth.urls")),
    path("invitation/<str:token>/", accept_invitation, name="invitation"),
]
