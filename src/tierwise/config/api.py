"""The machines' door: one OpenAPI 3.1 document over the routers that the apps offer."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from tierwise.kernel.audit import Refused
from tierwise.web.refusals import refused_response

api = NinjaAPI(title="Tierwise", version="1", docs_url=None, openapi_url="openapi.json", urls_namespace="api")


@api.exception_handler(Refused)
def answer_refusal(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """Inside the view, so that the zone's transaction sees the status and rolls back."""
    return refused_response(request, refusal)


for app in apps.get_app_configs():
    name = f"{app.name}.api"
    if app.name.startswith("tierwise.") and find_spec(name):
        api.add_router("", import_module(name).router)
