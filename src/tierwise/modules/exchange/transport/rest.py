"""A web service that takes batches, records or OData batches."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from tierwise.modules.exchange.records.settings import Auth, Per, RestSettings
from tierwise.modules.exchange.transport.parcel import NotTaken, Outcome, Parcel, TransportFault
from tierwise.modules.exchange.transport.web import Line, Reply, line
from tierwise.wire.acknowledgements import RefusedRow, UnreadableAcknowledgement, read_acknowledgement
from tierwise.wire.odata import Operation, batch, batch_answers, fill

# A refusal of one row: the request was read and this row is not wanted. Anything else concerns the whole channel.
ROW_REFUSALS = frozenset({400, 404, 409, 412, 422})


@dataclass(slots=True)
class _Call:
    """A line that is signed in."""

    settings: RestSettings
    line: Line
    headers: dict[str, str]
    auth: tuple[str, str] | None

    def write(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        return self.line.ask(method, url, content, {**self.headers, **headers}, self.auth)


def _sign_in(settings: RestSettings, secrets: Mapping[str, str], opened: Line) -> _Call:
    call = _Call(settings, opened, {}, None)
    match Auth(settings.auth):
        case Auth.BASIC:
            call.auth = (settings.user, secrets.get("password", ""))
        case Auth.BEARER:
            call.headers["authorization"] = f"Bearer {secrets.get('token', '')}"
        case Auth.OAUTH2:
            call.headers["authorization"] = f"Bearer {_token(settings, secrets, opened)}"
        case Auth.NONE:
            pass
    if settings.csrf:
        base = settings.url.split("{", maxsplit=1)[0]
        reply = call.write("GET", base, b"", {"x-csrf-token": "Fetch", "accept": "application/json"})
        token = reply.headers.get("x-csrf-token", "")
        if not token:
            raise TransportFault(f"the service gave no token before the write; it answered {reply.excerpt}")
        call.headers["x-csrf-token"] = token
    return call


def _token(settings: RestSettings, secrets: Mapping[str, str], opened: Line) -> str:
    """Client credentials (RFC 6749, section 4.4), asked for anew with every batch."""
    form = {"grant_type": "client_credentials"} | ({"scope": settings.scope} if settings.scope else {})
    reply = opened.ask(
        "POST", settings.token_url, urlencode(form).encode(),
        {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
        (settings.client_id, secrets.get("client_secret", "")),
    )  # fmt: skip
    if not reply.good:
        raise reply.fault("the token address")
    try:
        return str(json.loads(reply.body)["access_token"])
    except (ValueError, KeyError, TypeError):
        raise TransportFault("the token address gave no access_token") from None


def send(settings: RestSettings, secrets: Mapping[str, str], parcel: Parcel) -> Outcome:
    """Sends the batch as the channel says; a later attempt goes on after the rows that were taken."""
    with line(settings.timeout_seconds, settings.ca) as opened:
        call = _sign_in(settings, secrets, opened)
        match Per(settings.per):
            case Per.BATCH:
                return _whole(call, parcel)
            case Per.RECORD:
                return _records(call, parcel)
            case Per.ODATA:
                return _odata(call, parcel)


def _whole(call: _Call, parcel: Parcel) -> Outcome:
    refused: tuple[RefusedRow, ...] = ()
    answers = []
    for place, item in enumerate(parcel.items):
        digest = base64.b64encode(hashlib.sha256(item.content).digest()).decode()
        headers = _about(parcel, str(place) if len(parcel.items) > 1 else "") | {
            "content-type": item.media_type, "content-digest": f"sha-256=:{digest}:", "tierwise-file": item.name,
        }  # fmt: skip
        reply = call.write(call.settings.method, call.settings.url, item.content, headers)
        if not reply.good:
            raise reply.fault("the service")
        answers.append(reply.excerpt)
        refused += _said(reply)
    return Outcome("; ".join(answers), refused)


def _about(parcel: Parcel, part: str) -> dict[str, str]:
    return {
        "idempotency-key": f"{parcel.key}-{part}" if part else parcel.key,
        "tierwise-feed": parcel.feed, "tierwise-batch": str(parcel.number), "tierwise-rows": str(parcel.rows),
        "tierwise-schema": parcel.schema_version,
    }  # fmt: skip


def _said(reply: Reply) -> tuple[RefusedRow, ...]:
    """Rows that the answer turns down, where it speaks of rows; a body of another kind is just an answer."""
    if not reply.body.lstrip().startswith(b"{"):
        return ()
    try:
        found = read_acknowledgement(reply.body)
    except UnreadableAcknowledgement:
        return ()
    if not found.accepted:
        raise NotTaken(found.reason or reply.excerpt)
    return found.refused


def _records(call: _Call, parcel: Parcel) -> Outcome:
    settings, lines = call.settings, parcel.lines()
    refused, taken = [], 0
    for number, text in enumerate(lines, start=1):
        if number <= parcel.done_rows:
            continue
        url = fill(settings.url, json.loads(text)) if "{" in settings.url else settings.url
        headers = _about(parcel, str(number)) | {"content-type": "application/json"} | _precondition(settings)
        reply = call.write(settings.method, url, text.encode(), headers)
        if reply.good:
            taken += 1
        elif reply.status in ROW_REFUSALS:
            refused.append(RefusedRow(row=number, reason=reply.excerpt))
        else:
            raise reply.fault("the service")
        # A refused row must be known before it is passed by; rows are counted up to the first of them.
        if not refused:
            parcel.progressed(number)
    return _outcome(taken, refused, parcel)


def _odata(call: _Call, parcel: Parcel) -> Outcome:
    settings, lines = call.settings, parcel.lines()
    refused, taken = [], 0
    for first in range(parcel.done_rows, len(lines), settings.batch_size):
        chunk = lines[first : first + settings.batch_size]
        operations = [
            Operation(
                str(first + n), settings.method, fill(settings.entity, json.loads(text)), text, _precondition(settings)
            )
            for n, text in enumerate(chunk, start=1)
        ]  # fmt: skip
        kind, body = batch(operations, f"batch_{parcel.delivery.hex}_{first}")
        headers = _about(parcel, str(first)) | {"content-type": kind, "accept": "multipart/mixed"}
        reply = call.write("POST", settings.url.rstrip("/") + "/$batch", body, headers)
        if not reply.good:
            raise reply.fault("the service")
        try:
            answers = batch_answers(reply.headers.get("content-type", ""), reply.body)
        except ValueError as error:
            raise TransportFault(f"the service's answer cannot be read: {error}", again=False) from None
        if len(answers) != len(chunk):
            raise TransportFault(f"the service answered {len(answers)} of {len(chunk)} writes")
        for n, one in enumerate(answers, start=1):
            if one.status >= 500 or one.status in {401, 403, 408, 429}:
                again = one.status not in {401, 403}
                raise TransportFault(f"row {first + n}: {one.status} {one.text[:300]}", again=again)
            if one.status >= 300:
                refused.append(RefusedRow(row=first + n, reason=f"{one.status} {one.text[:400]}"))
            else:
                taken += 1
        if not refused:
            parcel.progressed(first + len(chunk))
    return _outcome(taken, refused, parcel)


def _outcome(taken: int, refused: list[RefusedRow], parcel: Parcel) -> Outcome:
    return Outcome(f"{taken + parcel.done_rows} rows taken, {len(refused)} refused", tuple(refused))


def _precondition(settings: RestSettings) -> dict[str, str]:
    return {"if-match": "*"} if settings.if_match else {}


def test(settings: RestSettings, secrets: Mapping[str, str]) -> str:
    """Signs in and asks the service for anything; writes nothing."""
    with line(settings.timeout_seconds, settings.ca) as opened:
        call = _sign_in(settings, secrets, opened)
        reply = call.write("GET", settings.url.split("{", maxsplit=1)[0], b"", {"accept": "application/json"})
        if reply.status in {401, 403}:
            raise reply.fault("the service")
        return f"reached; it answered {reply.excerpt[:200]}"
