"""A SAML identity provider of our own: it reads a request, signs an assertion, and hands out the form with it."""

from __future__ import annotations

import base64
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler, make_server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils

ENTITY = "https://idp.example.com/metadata"
_RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_{id}" Version="2.0"
 IssueInstant="{now}" Destination="{acs}" InResponseTo="{request}">
<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{entity}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
{assertion}</samlp:Response>"""
_ASSERTION = """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{id}" Version="2.0"
 IssueInstant="{now}"><saml:Issuer>{entity}</saml:Issuer><saml:Subject>
<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{subject}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 NotOnOrAfter="{later}" Recipient="{acs}" InResponseTo="{request}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{earlier}" NotOnOrAfter="{later}"><saml:AudienceRestriction><saml:Audience>{audience}\
</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="s1"><saml:AuthnContext><saml:AuthnContextClassRef>\
urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute Name="mail"><saml:AttributeValue>{email}</saml:AttributeValue>\
</saml:Attribute></saml:AttributeStatement></saml:Assertion>"""


@dataclass
class IdentityProvider:
    """Whoever asks is ``email``, known here as ``subject``."""

    address: str = ""
    email: str = ""
    subject: str = ""
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    @property
    def key(self) -> str:
        kind = serialization.PrivateFormat.TraditionalOpenSSL
        return self._key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()

    @property
    def certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
        at = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self._key.public_key(), 1, at - timedelta(1), at + timedelta(9))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def settings(self, folder: Path) -> str:
        """The provider's table in ``access.toml``; its certificate is put beside it."""
        (folder / "idp.pem").write_text(self.certificate)
        return (
            '[[provider]]\nid = "saml-b"\nkind = "saml"\nname = "House of B"\ncompany = "B"\n'
            f'domains = ["b.example.com"]\nentity_id = "{ENTITY}"\nsso_url = "{self.address}"\n'
            'certificate_file = "idp.pem"\nemail_attribute = "mail"\n'
        )

    def answer(self, encoded: str, forged: bool = False) -> str:
        """The SAMLResponse to a SAMLRequest, as a browser would carry it back."""
        asked = etree.fromstring(zlib.decompress(base64.b64decode(encoded), -15))
        acs = asked.get("AssertionConsumerServiceURL")
        issuer = asked.find("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer").text
        at = datetime.now(UTC)
        given = {
            "now": _stamp(at), "earlier": _stamp(at - timedelta(minutes=2)), "later": _stamp(at + timedelta(minutes=5)),
            "acs": acs, "request": asked.get("ID"), "entity": ENTITY, "audience": issuer, "email": self.email,
            "subject": self.subject,
        }  # fmt: skip
        assertion = OneLogin_Saml2_Utils.add_sign(
            _ASSERTION.format(id=uuid4().hex, **given), self.key, self.certificate
        )
        text = assertion.decode() if isinstance(assertion, bytes) else assertion
        if forged:
            text = text.replace(self.email, f"x{self.email}")
        return base64.b64encode(_RESPONSE.format(id=uuid4().hex, assertion=text, **given).encode()).decode()

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        asked = parse_qs(environ["QUERY_STRING"])
        start("200 OK", [("Content-Type", "text/plain")])
        return [self.answer(asked["SAMLRequest"][0]).encode()]


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    found = IdentityProvider()
    with make_server("127.0.0.1", 0, found, handler_class=_Quiet) as server:
        found.address = f"http://127.0.0.1:{server.server_port}/sso"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join(5)
