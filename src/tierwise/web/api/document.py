"""The description of the interface: what the framework tells, with problems, versions, keys and scopes added."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ninja.openapi.schema import OpenAPISchema

from tierwise.web.api.problems import MEDIA_TYPE, Problem
from tierwise.web.api.routing import Token
from tierwise.web.api.sparse import ABOUT, NAME, field_names, row_kind

Doc = dict[str, Any]
_PROBLEMS = {
    400: "The request does not fit this description",
    401: "No token, or one that is over or revoked",
    403: "The role, the side or the scope does not permit it",
    404: "No such thing, or none that the asker may know of",
    409: "It cannot be done as things stand",
    412: "The record changed since the version named; `current` is the record as it is now",
    413: "The request is too large",
    422: "A value fits the description and still cannot be taken",
    428: "If-Match is missing; `current` is the record as it is now",
    429: "Too many requests; Retry-After says when the next may come",
    500: "The fault is ours",
}
_EVERY = (400, 401, 403, 404, 413, 422, 429, 500)
_WRITES = (409,)
_REF = "#/components/schemas/"
_ETAG = {"description": "Version of the record", "schema": {"type": "string"}}
_KEY = {"minLength": 1, "maxLength": 200, "pattern": r"^[\x21-\x7e]+$"}
_RATE = {
    "RateLimit": {"description": "Requests that may follow, and when more will", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "Requests at once, and seconds until all are back",
                         "schema": {"type": "string"}},
}  # fmt: skip


class Document(OpenAPISchema):
    """Made from the framework's; the same object, so that whoever handed it out may go on."""

    @classmethod
    def of(cls, made: OpenAPISchema) -> OpenAPISchema:
        components = made["components"]
        problem = Problem.model_json_schema(ref_template=_REF + "{model}", mode="serialization")
        components["schemas"].update(problem.pop("$defs", {}))
        components["schemas"]["Problem"] = problem | {"required": _always(problem)}
        components["responses"] = {f"Problem{status}": _problem(status) for status in _PROBLEMS}
        components["securitySchemes"] = {
            "Token": {"type": "http", "scheme": "bearer", "description": Token.openapi_description},
            "Session": {"type": "apiKey", "in": "cookie", "name": "sessionid",
                        "description": "A person signed in; what changes something sends X-CSRFToken too."},
        }  # fmt: skip
        views = _views(made)
        for path, methods in made["paths"].items():
            for method, operation in methods.items():
                _complete(method, operation, views[method, path])
        _rename(made)
        for path, methods in made["paths"].items():
            if "get" in methods and (row := row_kind(_answer_kind(views["get", path]))) is not None:
                _sparse(methods["get"], field_names(row), made["components"]["schemas"])
        made["tags"] = [{"name": name} for name in sorted({t for o in _operations(made) for t in o["tags"]})]
        return made


def _always(problem: Doc) -> list[str]:
    return [name for name in problem["properties"] if name in {"type", "title", "status", "detail", "code", "remedy"}]


def _problem(status: int) -> Doc:
    told: Doc = {
        "description": _PROBLEMS[status], "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}}},
    }  # fmt: skip
    if status == 429:
        told["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
    return told


def _views(made: OpenAPISchema) -> Mapping[tuple[str, str], Any]:
    found = {}
    for bound in made.api._get_bound_routers():
        for path, view in bound.path_operations.items():
            address = re.sub(r"{[^}:]+:", "{", f"/{made.path_prefix}{path}").replace("//", "/")
            for operation in view.operations:
                for method in operation.methods:
                    found[method.lower(), address] = operation
    return found


def _operations(made: OpenAPISchema) -> Iterator[Doc]:
    for methods in made["paths"].values():
        yield from methods.values()


def _complete(method: str, operation: Doc, declared: Any) -> None:
    view = declared.view_func
    _no_empty_files(operation.get("requestBody"))
    reads, versioned = method == "get", hasattr(view, "changes_version")
    statuses = [*_EVERY, *(() if reads else _WRITES), *((412, 428) if versioned else ())]
    responses = {str(status): told for status, told in operation["responses"].items()}
    for told in responses.values():
        told["headers"] = {"ETag": _ETAG, **_RATE} if told.get("content") else dict(_RATE)
    if reads and any(told.get("content") for told in responses.values()):
        responses["304"] = {"description": "Unchanged since the version in If-None-Match"}
        _parameter(operation, "If-None-Match", "Answers 304 where the version is still this one")
    responses.update({str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses})
    operation["responses"] = dict(sorted(responses.items()))
    if versioned:
        _parameter(operation, "If-Match", "The version that is changed, as ETag named it; without it 428")
    if not reads and not hasattr(view, "keeps_no_answer"):
        _parameter(operation, "Idempotency-Key", "Sent again with the same key, the request is done once", _KEY)
    scope = declared.auth_callbacks[0].scope(method.upper()) if declared.auth_callbacks else ""
    operation["security"] = [{"Token": [scope] if scope else []}, {"Session": []}]
    if scope:
        operation["description"] = f"{operation.get('description', '').strip()}\n\nScope: `{scope}`."


def _answer_kind(declared: Any) -> Any:
    model = next(iter(declared.response_models.values()))
    return model.model_fields["response"].annotation if hasattr(model, "model_fields") else None


def _sparse(operation: Doc, names: tuple[str, ...], schemas: Doc) -> None:
    """Lists with ``fields`` answer with rows of which nothing but that is certain."""
    kind: Doc = {"type": "array", "items": {"type": "string", "enum": list(names)}, "minItems": 1}
    operation["parameters"].append(
        {"in": "query", "name": NAME, "required": False, "description": ABOUT, "style": "form", "explode": False,
         "schema": kind}
    )  # fmt: skip
    content = operation["responses"]["200"]["content"]["application/json"]
    whole = content["schema"]
    listed = schemas[str(whole["$ref"]).rsplit("/", 1)[-1]] if "$ref" in whole else whole
    rows = listed if listed.get("type") == "array" else listed["properties"]["items"]
    row = str(rows["items"]["$ref"]).rsplit("/", 1)[-1]
    part = f"{row}Part"
    schemas[part] = {
        **{name: value for name, value in schemas[row].items() if name != "required"},
        "title": part, "description": f"Some fields of a row of {row}",
    }  # fmt: skip
    parts: Doc = {"type": "array", "items": {"$ref": _REF + part}}
    if listed is not rows:
        parts = {
            "type": "object", "required": ["items"],
            "properties": {"items": parts, "next": listed["properties"]["next"]},
        }  # fmt: skip
    content["schema"] = {"anyOf": [whole, parts]}


def _no_empty_files(node: Any) -> None:
    """A file that is handed in holds something."""
    if isinstance(node, dict):
        if node.get("format") == "binary":
            node["minLength"] = 1
        for inner in node.values():
            _no_empty_files(inner)
    elif isinstance(node, list):
        for inner in node:
            _no_empty_files(inner)


def _parameter(operation: Doc, name: str, description: str, schema: Doc | None = None) -> None:
    schema = {"type": "string", **(schema or {})}
    operation["parameters"].append(
        {"in": "header", "name": name, "required": False, "description": description, "schema": schema}
    )


def _rename(made: OpenAPISchema) -> None:
    """Records and answers go by the name of what they tell of, pages by that of their rows."""
    schemas = made["components"]["schemas"]
    names: dict[str, str] = {}
    for ending in ("Out", "Record"):
        for name in schemas:
            short = name.removesuffix(ending)
            if short != name and short not in {*schemas, *names.values()}:
                names[name] = short
    pages = {name: found[1] for name in schemas if (found := re.fullmatch(r"Page_(\w+)_", name))}
    names |= {page: f"{names.get(row, row)}Page" for page, row in pages.items()}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and (old := reference.removeprefix(_REF)) in names:
                node["$ref"] = _REF + names[old]
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(made)
    made["components"]["schemas"] = {names.get(name, name): schema for name, schema in schemas.items()}
    for name, schema in made["components"]["schemas"].items():
        if "title" in schema:
            schema["title"] = name
