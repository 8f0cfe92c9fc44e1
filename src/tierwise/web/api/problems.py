"""What went wrong, for machines: problem details as RFC 9457 has them, with a code, the field and the remedy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

if TYPE_CHECKING:
    from tierwise.kernel.audit import Refused

MEDIA_TYPE = "application/problem+json"
PREFIX = "/api/"
_TITLES = {
    400: "The request does not fit the description of the interface",
    401: "Who you are could not be told",
    403: "This is not open to you",
    404: "There is no such thing",
    405: "The method is not offered here",
    409: "This cannot be done as things stand",
    412: "It changed since you read it",
    413: "The request is too large",
    415: "The kind of content is not taken",
    422: "A value cannot be taken",
    428: "Say which version you change",
    429: "Too many requests",
    500: "The fault is ours",
    503: "Not available at the moment",
}
_REMEDIES = {
    400: "compare the request with /api/v1/openapi.json",
    401: "send `Authorization: Bearer` with a token that is neither over nor revoked",
    403: "ask an administrator of your company for the role or the scope",
    404: "check the address; what you may not know of is not told apart from what is not there",
    405: "use one of the methods in the header Allow",
    409: "read the record again and decide anew",
    412: "look at `current`, decide anew, and send its ETag in If-Match",
    413: "send less at a time",
    415: "send application/json",
    422: "correct the value",
    428: "read the record and send its ETag in If-Match",
    429: "wait as long as Retry-After says",
    500: "try again; if it stays, tell the administrator with the time of the request",
    503: "wait as long as Retry-After says, then try again",
}


class FieldProblem(Schema):
    """One value that is wrong, with its place in the request."""

    field: str
    message: str


class Problem(Schema):
    """What went wrong and what to do about it."""

    type: str = Field(description="A URN that stands for the kind of problem")
    title: str
    status: int
    detail: str
    code: str = Field(description="The kind of problem as one word, stable over releases")
    field: str | None = Field(None, description="The value it is about")
    remedy: str = Field(description="What to do next")
    errors: list[FieldProblem] = Field(default_factory=list)
    current: dict[str, Any] | None = Field(None, description="With 412 and 428: the record as it is now")


def problem(status: int, code: str = "", detail: str = "", **more: Any) -> HttpResponse:
    """The answer that tells of a problem. ``more``: field, remedy, errors, current, headers."""
    headers: Mapping[str, str] = more.pop("headers", {})
    title = _TITLES.get(status, "This cannot be done")
    said = {
        "type": f"urn:tierwise:problem:{code or status}", "title": title, "status": status, "detail": detail or title,
        "code": code or str(status), "remedy": more.pop("remedy", "") or _REMEDIES.get(status, "correct the request"),
        **{name: value for name, value in more.items() if value},
    }  # fmt: skip
    body = json.dumps(said, cls=DjangoJSONEncoder)
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE, headers={"Cache-Control": "no-store", **headers})


def refusal_problem(refusal: Refused) -> HttpResponse:
    """A refused action. What stands after a semicolon in its words is what to do."""
    parameters = dict(refusal.parameters)
    _, _, remedy = str(refusal.message).rstrip(".").partition("; ")
    return problem(
        refusal.status, refusal.code, str(refusal.message), field=str(parameters.get("field", "")),
        remedy=str(parameters.get("remedy", "")) or remedy, current=parameters.get("current"),
        headers=parameters.get("headers", {}),
    )  # fmt: skip


def values_problem(found: Iterable[Mapping[str, Any]]) -> HttpResponse:
    """Values that do not fit their description (400), or do and still cannot be taken (422)."""
    listed = list(found)
    errors = [{"field": _place(one["loc"]), "message": _words(one)} for one in listed]
    status = 422 if all(one.get("type") == "value_error" for one in listed) else 400
    first = errors[0] if errors else {"field": "", "message": ""}
    field, _, message = first["message"].partition(": ") if status == 422 else ("", "", "")
    told = field if field.isidentifier() else first["field"]
    _, _, remedy = (message or first["message"]).partition("; ")
    code = "value" if status == 422 else "request"
    return problem(status, code, first["message"], field=told, remedy=remedy, errors=errors)


def _place(loc: Iterable[Any]) -> str:
    parts = [str(part) for part in loc]
    if parts[:1] == ["body"]:
        # The second is what our own code calls all of it.
        return ".".join(parts[2:]) or "body"
    return ".".join(parts[1:] or parts)


def _words(error: Mapping[str, Any]) -> str:
    return str(error.get("msg", "")).removeprefix("Value error, ")


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(PREFIX)
