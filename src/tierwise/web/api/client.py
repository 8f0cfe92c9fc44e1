"""A small typed client in one file, made from the description of the interface."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

Doc = Mapping[str, Any]
_HEAD = '''"""Client of the Tierwise API. Made by `tierwise openapi --client`; make it anew after an upgrade."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NotRequired, Self, TypedDict

import httpx
'''
_BASE = '''
class Refused(Exception):
    """A problem as the API told it: `code`, `detail`, `remedy`, and `current` where a record had changed."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('detail')} ({problem.get('code')})")
        self.problem = problem
        self.code = str(problem.get("code", ""))
        self.status = int(problem.get("status", 0))


class Client:
    """One connection. `etag` is the version of what was answered last, for `if_match` of a change."""

    def __init__(self, address: str, token: str, **options: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=address.rstrip("/"), headers=headers, **options)
        self.etag = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def pages(self, operation: Callable[..., Any], *values: Any, **asked: Any) -> Iterator[Any]:
        """Every row of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            page = operation(*values, cursor=cursor, **asked)
            yield from page["items"]
            cursor = page["next"]

    def _ask(self, method: str, path: str, asked: Mapping[str, Any], headers: Mapping[str, Any], **sent: Any) -> Any:
        answer = self.http.request(
            method, path, params={name: value for name, value in asked.items() if value is not None},
            headers={name: value for name, value in headers.items() if value is not None}, **sent,
        )
        if answer.status_code >= 400:
            told = answer.headers.get("content-type", "").startswith("application/problem+json")
            raise Refused(answer.json() if told else {"status": answer.status_code, "detail": answer.text})
        self.etag = answer.headers.get("ETag", "")
        if answer.headers.get("content-type", "").startswith("application/json") and answer.content:
            return answer.json()
        return answer.content
'''
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_HEADERS = {"If-Match": "if_match", "Idempotency-Key": "idempotency_key"}


def client_source(document: Doc) -> str:
    """The client as a module's text."""
    schemas = document["components"]["schemas"]
    parts = [_HEAD, *(_schema(name, schemas[name]) for name in sorted(schemas)), _BASE]
    for path, methods in document["paths"].items():
        parts += [_operation(method, path, operation) for method, operation in methods.items()]
    return "\n".join(parts)


def _schema(name: str, schema: Doc) -> str:
    properties = schema.get("properties")
    if not properties:
        return f"\n{name} = {_type(schema, quoted=True)}"
    if not all(each.isidentifier() and not keyword.iskeyword(each) for each in properties):
        return f"\n{name} = dict[str, Any]"
    required = set(schema.get("required", ()))
    lines = [f"\nclass {name}(TypedDict):", *_docstring(schema.get("description", ""), "    ")]
    for each, kind in properties.items():
        told = _type(kind)
        lines.append(f"    {each}: {told if each in required else f'NotRequired[{told}]'}")
    return "\n".join(lines) + "\n"


def _docstring(text: str, indent: str) -> Iterator[str]:
    words = " ".join(text.replace("``", "`").replace('"""', "'''").replace("\\", "\\\\").split())
    if words:
        lines = textwrap.wrap(f'"""{words}', 110)
        yield from (f"{indent}{line}" for line in lines[:-1])
        yield f'{indent}{lines[-1]}"""'


def _type(schema: Doc, *, quoted: bool = False) -> str:
    if reference := schema.get("$ref"):
        name = str(reference).rsplit("/", 1)[-1]
        return f'"{name}"' if quoted else name
    if "enum" in schema:
        return f"Literal[{', '.join(repr(one) for one in schema['enum'])}]"
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(_type(one, quoted=quoted) for one in options))
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema.get('items', {}), quoted=quoted)}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {_type(inner, quoted=quoted) if isinstance(inner, dict) else 'Any'}]"
    return _PLAIN.get(str(kind), "Any")


def _operation(method: str, path: str, operation: Doc) -> str:
    named = {place: [p for p in operation["parameters"] if p["in"] == place] for place in ("path", "query", "header")}
    headers = {one["name"]: _HEADERS[one["name"]] for one in named["header"] if one["name"] in _HEADERS}
    body, sent = _body(operation)
    needed = [f"{one['name']}: {_type(one['schema'])}" for one in named["path"]] + body
    asked = [_asked(one) for one in named["query"]] + [f"{name}: str | None = None" for name in headers.values()]
    signature = ", ".join(["self", *needed, *(["*", *asked] if asked else [])])
    query = ", ".join(f'"{one["name"]}": {one["name"]}' for one in named["query"])
    header = ", ".join(f'"{name}": {variable}' for name, variable in headers.items())
    address = re.sub(r"{(\w+)}", r"{\1}", path)
    answer = _answer(operation)
    lines = [f"    def {operation['operationId']}({signature}) -> {answer}:"]
    lines += _docstring(operation.get("description", ""), "        ")
    prefix = "f" if "{" in address else ""
    call = f'self._ask("{method.upper()}", {prefix}"{address}", {{{query}}}, {{{header}}}{sent})'
    return "\n".join([*lines, f"        told: {answer} = {call}", "        return told", ""])


def _asked(parameter: Doc) -> str:
    told = _type(parameter["schema"])
    if parameter.get("required"):
        return f"{parameter['name']}: {told}"
    return f"{parameter['name']}: {told if told.endswith('None') else f'{told} | None'} = None"


def _body(operation: Doc) -> tuple[list[str], str]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        return [f"body: {_type(content['application/json']['schema'])}"], ", json=body"
    if "multipart/form-data" in content:
        return ["data: Mapping[str, Any]", "files: Any"], ", data=data, files=files"
    return [], ""


def _query(operation: Doc) -> set[str]:
    return {one["name"] for one in operation["parameters"] if one["in"] == "query"}


def _answer(operation: Doc) -> str:
    for status, told in operation["responses"].items():
        if status.startswith("2"):
            content = told.get("content", {})
            if "application/json" not in content:
                return "bytes"
            # Lists name whole rows first; who asks for some fields knows which he has.
            schema = content["application/json"]["schema"]
            return _type(schema.get("anyOf", [schema])[0] if "fields" in _query(operation) else schema)
    return "Any"
