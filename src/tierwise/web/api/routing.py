"""Operations: which area each belongs to, who may ask for it, and how its answer is written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router
from ninja.operation import Operation
from ninja.security.base import AuthBase
from ninja.utils import contribute_operation_callback

from tierwise.kernel.audit import NotAllowed
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.repeats import once
from tierwise.web.api.scopes import Area
from tierwise.web.api.sparse import fields_asked
from tierwise.web.api.versions import as_json, etag_of, unchanged

READS = frozenset({"GET", "HEAD"})


class Token(AuthBase):
    """A token with the scope of the operation's area, or a person signed in."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "A token made under API access, or by `tierwise token make`."

    def __init__(self, area: Area | None) -> None:
        super().__init__()
        self.area = area

    def scope(self, method: str) -> str:
        if self.area is None:
            return ""
        return self.area.read if method in READS else self.area.write

    def __call__(self, request: HttpRequest) -> bool:
        asked: ApiRequest = request  # type: ignore[assignment]
        scopes, needed = asked.api_pass.scopes, self.scope(str(request.method))
        if scopes is not None and needed and needed not in scopes:
            raise NotAllowed(
                "scope", f"This token has no scope {needed}; ask for one that has.", field="Authorization", scope=needed
            )
        return True


class ApiOperation(Operation):
    """Writes what an operation returns as it is declared, without checking it anew, and gives it a version.

    It runs once for each Idempotency-Key. A method that the address does not offer comes to no operation.
    """

    def run(self, request: HttpRequest, **given: Any) -> HttpResponseBase:
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or request.method in READS:
            return super().run(request, **given)
        asked: ApiRequest = request  # type: ignore[assignment]
        return once(asked, key, partial(super().run, request, **given))

    def _result_to_response(self, request: HttpRequest, result: Any, temporal_response: HttpResponse) -> Any:
        if isinstance(result, HttpResponseBase):
            return result
        status, model = next(iter(self.response_models.items()))
        if model is None:
            done = HttpResponse(status=status)
            done.keeps_no_answer = hasattr(self.view_func, "keeps_no_answer")  # type: ignore[attr-defined]
            return done
        kind = model.model_fields["response"].annotation
        body = as_json(kind, result, fields_asked(request, kind) if request.method in READS else None)
        etag = etag_of(body)
        if request.method in READS and unchanged(request, etag):
            response = HttpResponse(status=304)
        else:
            response = HttpResponse(body, status=status, content_type="application/json")
        response.headers["ETag"] = etag
        response.keeps_no_answer = hasattr(self.view_func, "keeps_no_answer")  # type: ignore[attr-defined]
        for name, value in temporal_response.items():
            response.headers.setdefault(name, value)
        return response


def _ours(operation: Operation) -> None:
    operation.__class__ = ApiOperation


class ApiRouter(Router):
    """Operations of one area."""

    def __init__(self, area: Area | None) -> None:
        super().__init__(tags=[area.value if area else "everybody"], auth=Token(area))

    def add_api_operation(self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any) -> None:
        contribute_operation_callback(view_func, _ours)
        super().add_api_operation(path, methods, view_func, **options)


def buyers_only(request: ApiRequest) -> None:
    """Where there is nothing that a supplier may know of."""
    if request.viewer.is_supplier:
        raise NotAllowed("side", "This is open to the buying company alone.")


def suppliers_only(request: ApiRequest) -> None:
    if not request.viewer.is_supplier:
        raise NotAllowed("side", "This is open to suppliers alone.")
