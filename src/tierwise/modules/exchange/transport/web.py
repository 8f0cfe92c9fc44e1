"""One way to speak HTTP: to the address that was judged, verified, without redirects, proxies or endless answers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from tierwise.kernel.clock import now
from tierwise.modules.exchange.transport.guard import private, resolve
from tierwise.modules.exchange.transport.parcel import TransportFault

MOST_ANSWER = 4 * 1024 * 1024
EXCERPT = 800
LONGEST_WAIT = 86400.0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def excerpt(self) -> str:
        text = " ".join(self.body[:EXCERPT].decode("utf-8", "replace").split())
        return f"{self.status} {text}".strip()

    def fault(self, what: str) -> TransportFault:
        """Why it is not good. What the receiver cannot do now is worth another try, what it will not do is not."""
        again = self.status in {408, 409, 423, 425, 429} or self.status >= 500
        return TransportFault(
            f"{what} answered {self.excerpt}", again=again, after=self._retry_after(), gone=self.status == 410
        )

    def _retry_after(self) -> float:
        given = self.headers.get("retry-after", "")
        if given.isdigit():
            return min(float(given), LONGEST_WAIT)
        try:
            wait = (parsedate_to_datetime(given) - now()).total_seconds()
        except (TypeError, ValueError):
            return 0.0
        return min(max(wait, 0.0), LONGEST_WAIT)


@dataclass(slots=True)
class Line:
    """An open line to one or more hosts; cookies stay with it."""

    client: httpx.Client
    addresses: dict[tuple[str, int], str] = field(default_factory=dict)

    def ask(
        self, method: str, url: str, content: bytes = b"", headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Reply:  # fmt: skip
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if (host, port) not in self.addresses:
            self.addresses[host, port] = resolve(host, port)
        address = self.addresses[host, port]
        if parts.scheme != "https" and not private(address):
            raise TransportFault(f"{host}: plain http would show everything on the way; use https", again=False)
        shown = f"[{address}]" if ":" in address else address
        target = parts._replace(netloc=f"{shown}:{port}").geturl()
        named = f"[{host}]" if ":" in host else host
        default = port == (443 if parts.scheme == "https" else 80)
        sent = {"host": named if default else f"{named}:{port}", **(headers or {})}
        try:
            with self.client.stream(
                method, target, content=content or None, headers=sent, auth=auth, extensions={"sni_hostname": host}
            ) as answer:
                body = b""
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > MOST_ANSWER:
                        raise TransportFault(f"{host} answers with more than {MOST_ANSWER >> 20} MB", again=False)
                return Reply(answer.status_code, answer.headers, body)
        except httpx.TimeoutException:
            raise TransportFault(f"{host} does not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise TransportFault(f"{host}: {error}") from None


@contextmanager
def line(timeout_seconds: float, ca: str = "") -> Iterator[Line]:
    """Neither redirects, which could lead elsewhere, nor proxies of the surroundings are followed.

    ``ca``: certificates of an authority of one's own, believed on this line besides the public ones.
    """
    verify: ssl.SSLContext | bool = True
    if ca:
        verify = httpx.create_ssl_context(trust_env=False)
        verify.load_verify_locations(cadata=ca)
    with httpx.Client(timeout=timeout_seconds, follow_redirects=False, trust_env=False, verify=verify) as client:
        client.headers["user-agent"] = "Tierwise"
        yield Line(client)
