"""The machines' door put together: one OpenAPI 3.1 document over the routers that the apps offer."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI, Swagger
from ninja.errors import AuthenticationError, HttpError, ValidationError

from tierwise.kernel.audit import Refused
from tierwise.web.api.document import Document
from tierwise.web.api.problems import problem, refusal_problem, values_problem
from tierwise.web.api.reading import BodyParser
from tierwise.wire.documents import DocumentError

ABOUT = """Everything that pages offer, for machines: the same actions and queries, the same checks, the same entry.

A token acts in one company and one role, within its scopes. What changes a record asks for its version in `If-Match`;
every write may carry an `Idempotency-Key` and be sent again. Lists come in pages. Whatever is refused is told as
problem details (RFC 9457) with a code, the field and the remedy."""


class TryOut(Swagger):
    """The page to try things on: its programs come from here, and it holds the token against forged requests."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        shown = {**self.settings, "url": self.get_openapi_url(api, kwargs)}
        return render(request, self.template, {"swagger_settings": json.dumps(shown), "api": api, "add_csrf": True})


class Api(NinjaAPI):
    """Ninja's, with our document in place of its own."""

    def get_openapi_schema(self, **options: Any) -> Any:
        return Document.of(super().get_openapi_schema(**options))


api = Api(
    title="Tierwise", version="1", description=ABOUT, docs=TryOut(), docs_url="docs",
    openapi_url="openapi.json", urls_namespace="api", parser=BodyParser(),
)  # fmt: skip


@api.exception_handler(Refused)
def answer_refusal(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """Inside the view, so that the door's transaction sees the status and rolls back."""
    request.refusal = refusal  # type: ignore[attr-defined]
    return refusal_problem(refusal)


@api.exception_handler(ValidationError)
def answer_wrong_values(request: HttpRequest, error: ValidationError) -> HttpResponse:
    del request
    return values_problem(error.errors)


@api.exception_handler(DocumentError)
def answer_wrong_document(request: HttpRequest, error: DocumentError) -> HttpResponse:
    del request
    found = [{"field": one.place, "message": f"{one.why}; {one.remedy}"} for one in error.problems]
    return problem(422, "document", str(error.problems[0]), field=found[0]["field"], errors=found)


@api.exception_handler(HttpError)
def answer_framework(request: HttpRequest, error: HttpError) -> HttpResponse:
    del request
    return problem(error.status_code, "request", str(error))


@api.exception_handler(AuthenticationError)
def answer_stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    del request, error
    return problem(401)


_BESIDE = ("tierwise.web.api.everybody", "tierwise.web.api.operations", "tierwise.collaboration.api")
_MODULES = [f"{app.name}.api" for app in apps.get_app_configs() if app.name.startswith("tierwise.")]
for name in (*_MODULES, *_BESIDE):
    if name != "tierwise.web.api" and find_spec(name):
        module = import_module(name)
        for router in getattr(module, "routers", None) or (module.router,):
            api.add_router("", router)
