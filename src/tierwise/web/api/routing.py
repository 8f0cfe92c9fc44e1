"""Operations: which area each belongs to, who may ask for it, and how its answer is written."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router
from ninja.errors import AuthenticationError
from ninja.operation import Operation
from ninja.params.models import PathModel, QueryModel
from ninja.security.base import AuthBase
from ninja.utils import contribute_operation_callback

from tierwise.kernel.audit import NotAllowed
from tierwise.web.api.headers import put
from tierwise.web.api.passes import ApiRequest
from tierwise.web.api.repeats import once
from tierwise.web.api.scopes import Area
from tierwise.web.api.sparse import fields_asked
from tierwise.web.api.versions import as_json, etag_of, unchanged

READS = frozenset({"GET", "HEAD"})
_JSON = {"Content-Type": "application/json"}
_SHORT, _REMEMBERED = 300, 500


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
            return self._done(request, given)
        asked: ApiRequest = request  # type: ignore[assignment]
        return once(asked, key, partial(self._done, request, given))

    def _done(self, request: HttpRequest, given: dict[str, Any]) -> HttpResponseBase:
        try:
            for allows in self.auth_callbacks:
                if not allows(request):
                    raise AuthenticationError
            return self._response(request, self.view_func(request, **self._values(request, given)))
        except Exception as fault:
            return self.api.on_exception(request, fault)

    def _values(self, request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
        """What the view is called with. Machines ask the same addresses again and again."""
        query = request.META.get("QUERY_STRING", "")
        kept = not given and len(query) <= _SHORT and self._by_address
        if kept and query in self._read:
            return self._read[query]
        # No view asks to fill in the answer's headers itself.
        values: dict[str, Any] = self._get_values(request, given, None)  # type: ignore[arg-type]
        if kept:
            if len(self._read) >= _REMEMBERED:
                # A new one, for another thread may be looking into the old one.
                self._read = {}
            self._read[query] = values
        return values

    @cached_property
    def _read(self) -> dict[str, dict[str, Any]]:
        return {}

    @cached_property
    def _by_address(self) -> bool:
        """Does the address alone say what is asked?"""
        return all(issubclass(model, QueryModel | PathModel) for model in self.models)

    @cached_property
    def _answer(self) -> tuple[int, Any, bool]:
        """Status and kind of what is answered, and whether no answer is kept under a key."""
        status, model = next(iter(self.response_models.items()))
        kind = None if model is None else model.model_fields["response"].annotation
        return status, kind, hasattr(self.view_func, "keeps_no_answer")

    def _response(self, request: HttpRequest, result: Any) -> HttpResponseBase:
        if isinstance(result, HttpResponseBase):
            return result
        status, kind, keeps_none = self._answer
        reads = request.method in READS
        if kind is None:
            response = HttpResponse(status=status)
        else:
            body = as_json(kind, result, fields_asked(request, kind) if reads else None)
            etag = etag_of(body)
            same = reads and unchanged(request, etag)
            response = HttpResponse(status=304) if same else HttpResponse(body, status=status, headers=_JSON)
            put(response, {"ETag": etag})
        response.keeps_no_answer = keeps_none  # type: ignore[attr-defined]
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
