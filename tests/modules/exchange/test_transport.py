"""Each way to another system against a real one on this machine."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import asyncssh
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks.webhooks import Webhook

from modules.exchange.receivers import Request, Sftp, Web, web_server
from tierwise.modules.exchange.records.settings import (
    FolderSettings,
    RestSettings,
    SftpSettings,
    WebhookSettings,
    fingerprint,
)
from tierwise.modules.exchange.transport import folder, guard, rest, webhook
from tierwise.modules.exchange.transport.parcel import Item, NotTaken, Parcel, TransportFault
from tierwise.wire.webhooks import new_secret

LINES = ['{"K":"A\'1","Z":1.50}', '{"K":"B2","Z":2}', '{"K":"C3","Z":3}']
PARCEL = Parcel(
    UUID(int=7), "rulings", 3, 3, "d" * 64, "1-abc", datetime(2025, 7, 1, tzinfo=UTC),
    (Item("rulings_3.ndjson", ("\n".join(LINES) + "\n").encode(), "application/x-ndjson"),),
)  # fmt: skip


def at(web: Web, path: str = "/in", **settings: Any) -> RestSettings:
    return RestSettings(f"{web.url}{path}", **settings)


# --- whom Tierwise may call


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("93.184.216.34", True), ("10.0.0.1", False), ("172.16.5.5", False), ("192.168.1.1", False),
        ("127.0.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("224.0.0.1", False), ("::1", False), ("fe80::1", False), ("fd00::1", False), ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True), ("2606:2800:220:1:248:1893:25c8:1946", True),
    ],
)  # fmt: skip
def test_only_public_addresses_are_open(address: str, is_open: bool) -> None:
    assert guard.is_open(ipaddress.ip_address(address), []) is is_open


def test_the_operator_opens_networks(settings: Any, web: Web) -> None:
    allowed = [ipaddress.ip_network("10.1.0.0/16")]
    assert guard.is_open(ipaddress.ip_address("10.1.2.3"), allowed)
    assert guard.is_open(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)
    assert not guard.is_open(ipaddress.ip_address("10.2.2.3"), allowed)
    settings.EXCHANGE_NETWORKS = [""]
    with pytest.raises(TransportFault, match="not a public address") as fault:
        rest.send(at(web), {}, PARCEL)
    assert fault.value.again is False
    assert web.requests == []


def test_a_name_with_one_closed_address_is_closed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    found = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    settings.EXCHANGE_NETWORKS = []
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(TransportFault, match=r"10\.0\.0\.1"):
        guard.resolve("two-faced.example.com", 443)


def test_plain_http_is_for_opened_networks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierwise.modules.exchange.transport.web.resolve", lambda *_: "93.184.216.34")
    with pytest.raises(TransportFault, match="use https"):
        rest.send(RestSettings("http://erp.example.com/in"), {}, PARCEL)


def test_redirects_are_not_followed(web: Web) -> None:
    web.answers = lambda _: (302, {"location": "http://127.0.0.1:1/"}, b"")
    with pytest.raises(TransportFault, match="302"):
        rest.send(at(web), {}, PARCEL)
    assert len(web.requests) == 1


# --- folder


def test_a_folder_gets_whole_files_and_a_done_file(tmp_path: Path) -> None:
    settings = FolderSettings("erp/in")
    folder.send(settings, PARCEL)
    home = tmp_path / "exchange" / "erp" / "in"
    assert sorted(one.name for one in home.iterdir()) == ["rulings_3.ndjson", "rulings_3.ndjson.done"]
    assert (home / "rulings_3.ndjson").read_bytes() == PARCEL.items[0].content
    assert json.loads((home / "rulings_3.ndjson.done").read_text())["files"] == ["rulings_3.ndjson"]
    folder.send(settings, PARCEL)
    assert len(list(home.iterdir())) == 2
    assert "can be written" in folder.test(settings)
    (home / "rulings_3.ndjson.nak").write_text("no")
    (home / "other.txt").write_text("x")
    [found] = folder.acknowledgements(settings)
    assert (found.stem, found.negative, found.content) == ("rulings_3.ndjson", True, b"no")
    folder.take(settings, found)
    assert folder.acknowledgements(settings) == []


def test_no_folder_outside_those_opened(tmp_path: Path) -> None:
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange" / "link").symlink_to("/etc")
    for path in ("/etc", "../secrets", str(tmp_path), "link/x"):
        with pytest.raises(TransportFault, match="outside the folders opened") as fault:
            folder.send(FolderSettings(path), PARCEL)
        assert fault.value.again is False


# --- SFTP


def over(server: Sftp, **changes: Any) -> SftpSettings:
    return SftpSettings(
        "127.0.0.1", "tierwise", changes.pop("host_key", server.host_key), "in", server.port, "out", **changes
    )


def test_sftp_uploads_and_replaces(sftp: Sftp) -> None:
    from tierwise.modules.exchange.transport import sftp as carrier

    secrets = {"password": "open sesame"}
    for _ in range(2):
        carrier.send(over(sftp), secrets, PARCEL)
    assert sorted(one.name for one in (sftp.root / "in").iterdir()) == ["rulings_3.ndjson", "rulings_3.ndjson.done"]
    assert (sftp.root / "in" / "rulings_3.ndjson").read_bytes() == PARCEL.items[0].content
    assert "signed in" in carrier.test(over(sftp), secrets)
    (sftp.root / "out" / "rulings_3.ndjson.ack").write_text("")
    [found] = carrier.acknowledgements(over(sftp), secrets)
    carrier.take(over(sftp), secrets, found)
    assert carrier.acknowledgements(over(sftp), secrets) == []


def test_another_host_key_gets_nothing(sftp: Sftp) -> None:
    from tierwise.modules.exchange.transport import sftp as carrier

    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(TransportFault, match="another host key") as fault:
        carrier.send(over(sftp, host_key=other), {"password": "open sesame"}, PARCEL)
    assert fault.value.again is False
    with pytest.raises(TransportFault, match="does not let tierwise in"):
        carrier.send(over(sftp), {"password": "wrong"}, PARCEL)
    with pytest.raises(TransportFault, match="private_key"):
        carrier.send(over(sftp), {"private_key": "nonsense"}, PARCEL)
    assert list((sftp.root / "in").iterdir()) == []


# --- web services


def test_a_batch_is_one_request_that_says_what_it_is(web: Web) -> None:
    outcome = rest.send(at(web, method="PUT", auth="bearer"), {"token": "t0k"}, PARCEL)
    [request] = web.requests
    assert (request.method, request.path, request.body) == ("PUT", "/in", PARCEL.items[0].content)
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    wanted = {
        "authorization": "Bearer t0k", "idempotency-key": str(UUID(int=7)), "tierwise-batch": "3",
        "content-digest": f"sha-256=:{digest}:", "content-type": "application/x-ndjson",
        "host": f"127.0.0.1:{web.port}",
    }  # fmt: skip
    assert wanted.items() <= request.headers.items()
    assert outcome.refused == ()


@pytest.mark.parametrize(
    ("status", "headers", "again", "after", "gone"),
    [
        (503, {"retry-after": "120"}, True, 120, False), (429, {}, True, 0, False), (500, {}, True, 0, False),
        (401, {}, False, 0, False), (404, {}, False, 0, False), (410, {}, False, 0, True),
        (503, {"retry-after": "99999999"}, True, 86400, False),
    ],
)  # fmt: skip
def test_what_may_be_tried_again(
    web: Web, status: int, headers: dict[str, str], again: bool, after: float, gone: bool
) -> None:
    web.answers = lambda _: (status, headers, b"why")
    with pytest.raises(TransportFault, match=f"{status} why") as fault:
        rest.send(at(web), {}, PARCEL)
    assert (fault.value.again, fault.value.after, fault.value.gone) == (again, after, gone)


def test_nobody_there_is_worth_another_try(web: Web) -> None:
    dead = replace(at(web), url="http://127.0.0.1:9/in", timeout_seconds=2)
    with pytest.raises(TransportFault) as fault:
        rest.send(dead, {}, PARCEL)
    assert fault.value.again is True


def test_an_answer_may_refuse_rows_or_the_batch(web: Web) -> None:
    web.answers = lambda _: (200, {}, b'{"rows": [{"row": 2, "reason": "locked"}]}')
    assert [(r.row, r.reason) for r in rest.send(at(web), {}, PARCEL).refused] == [(2, "locked")]
    web.answers = lambda _: (200, {}, b'{"state": "refused", "reason": "closed"}')
    with pytest.raises(NotTaken, match="closed"):
        rest.send(at(web), {}, PARCEL)
    web.answers = lambda _: (200, {}, b'{"d": {"results": []}}')
    assert rest.send(at(web), {}, PARCEL).refused == ()


def test_records_go_one_by_one_to_their_own_addresses(web: Web) -> None:
    told: list[int] = []
    web.answers = lambda r: (422, {}, b"no B2") if "B2" in r.path else (204, {}, b"")
    settings = at(web, "/M('{K}')", method="PATCH", per="record", if_match=True, auth="basic", user="u")
    outcome = rest.send(settings, {"password": "p"}, replace(PARCEL, progressed=told.append))
    assert [r.path for r in web.requests] == ["/M('A%27%271')", "/M('B2')", "/M('C3')"]
    assert [r.body.decode() for r in web.requests] == LINES
    assert {r.headers["if-match"] for r in web.requests} == {"*"}
    assert [r.headers["idempotency-key"][-2:] for r in web.requests] == ["-1", "-2", "-3"]
    assert web.requests[0].headers["authorization"] == "Basic " + base64.b64encode(b"u:p").decode()
    assert [(r.row, r.reason) for r in outcome.refused] == [(2, "422 no B2")]
    assert told == [1]


def test_a_broken_line_goes_on_after_the_rows_taken(web: Web) -> None:
    told: list[int] = []
    web.answers = lambda r: (503, {}, b"") if b"C3" in r.body else (200, {}, b"")
    settings = at(web, per="record")
    with pytest.raises(TransportFault):
        rest.send(settings, {}, replace(PARCEL, progressed=told.append))
    assert told == [1, 2]
    web.requests.clear()
    web.answers = lambda _: (200, {}, b"")
    rest.send(settings, {}, replace(PARCEL, done_rows=told[-1]))
    assert [r.body.decode() for r in web.requests] == LINES[2:]


def test_oauth2_and_the_token_before_a_write(web: Web) -> None:
    def answers(request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/token":
            return 200, {}, b'{"access_token": "fresh", "token_type": "Bearer"}'
        if request.method == "GET":
            return 200, {"x-csrf-token": "csrf", "set-cookie": "session=1; path=/"}, b""
        good = request.headers.get("x-csrf-token") == "csrf" and request.headers.get("cookie") == "session=1"
        return (200 if good else 403), {}, b""

    web.answers = answers
    settings = at(web, auth="oauth2", token_url=f"{web.url}/token", client_id="tw", scope="write", csrf=True)
    rest.send(settings, {"client_secret": "s"}, PARCEL)
    token, _, write = web.requests
    assert parse_qs(token.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["write"]}
    assert token.headers["authorization"] == "Basic " + base64.b64encode(b"tw:s").decode()
    assert write.headers["authorization"] == "Bearer fresh"


def test_odata_batches_answer_row_by_row(web: Web) -> None:
    def answers(request: Request) -> tuple[int, dict[str, str], bytes]:
        parts = [b"HTTP/1.1 204 No Content\r\n\r\n" if b"B2" not in one else b"HTTP/1.1 400 Bad\r\n\r\nno B2"
                 for one in request.body.split(b"PATCH ")[1:]]  # fmt: skip
        body = (
            b"".join(b"--r\r\nContent-Type: application/http\r\n\r\n" + one + b"\r\n" for one in parts) + b"--r--\r\n"
        )
        return 202, {"content-type": "multipart/mixed; boundary=r"}, body

    web.answers = answers
    settings = at(web, "/sap/srv/", per="odata", entity="M('{K}')", method="PATCH", batch_size=2)
    outcome = rest.send(settings, {}, PARCEL)
    assert [r.path for r in web.requests] == ["/sap/srv/$batch"] * 2
    assert [(r.row, r.reason) for r in outcome.refused] == [(2, "400 no B2")]
    assert outcome.answer == "2 rows taken, 1 refused"


# --- webhooks


def test_webhooks_are_signed_in_parts_with_lasting_ids(web: Web) -> None:
    old, new = new_secret(), new_secret()
    settings = WebhookSettings(f"{web.url}/hook", rows_per_message=2)
    told: list[int] = []
    webhook.send(settings, [new, old], replace(PARCEL, progressed=told.append))
    assert told == [2, 3]
    assert [r.headers["webhook-id"] for r in web.requests] == [f"{PARCEL.key}-1", f"{PARCEL.key}-2"]
    for secret in (old, new):
        data = [Webhook(secret).verify(r.body, r.headers)["data"] for r in web.requests]
        assert [row for part in data for row in part["rows"]] == [json.loads(line) for line in LINES]
        assert [(part["part"], part["parts"]) for part in data] == [(1, 2), (2, 2)]
    webhook.send(settings, [new], replace(PARCEL, done_rows=2))
    assert [r.headers["webhook-id"] for r in web.requests[2:]] == [f"{PARCEL.key}-2"]
    webhook.test(settings, [new])
    assert Webhook(new).verify(web.requests[-1].body, web.requests[-1].headers)["type"] == "tierwise.test"


def test_the_key_that_a_server_shows_is_fetched_and_nothing_goes_without_one(sftp: Sftp) -> None:
    from tierwise.modules.exchange.transport import sftp as carrier

    settings = over(sftp, host_key="")
    with pytest.raises(TransportFault, match="accept its fingerprint") as fault:
        carrier.send(settings, {"password": "open sesame"}, PARCEL)
    assert fault.value.again is False
    shown = carrier.shown_key(settings)
    assert shown.split() == sftp.host_key.split()[:2]
    assert fingerprint(shown) == asyncssh.import_public_key(sftp.host_key).get_fingerprint()


# --- certificates of an authority of one's own


def authority(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    return signed(name, key.public_key(), (name, key), ca=True), key


def signed(
    name: str, key: ec.EllipticCurvePublicKey, by: tuple[str, ec.EllipticCurvePrivateKey], *, ca: bool
) -> x509.Certificate:
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by[0]))
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by[1].public_key()), critical=False)
        .add_extension(x509.KeyUsage(True, False, False, False, False, ca, ca, False, False), critical=True)
        .sign(by[1], hashes.SHA256())
    )  # fmt: skip


def pem(one: x509.Certificate) -> str:
    return one.public_bytes(serialization.Encoding.PEM).decode()


def test_an_authority_of_ones_own_is_believed_on_its_channel_alone(tmp_path: Path) -> None:
    ours, key = authority("Our works")
    strange, _ = authority("Strangers")
    servers = ec.generate_private_key(ec.SECP256R1())
    server = signed("erp", servers.public_key(), ("Our works", key), ca=False)
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "server.pem").write_text(
        pem(server) + servers.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem")
    with web_server(tls) as web:
        for trusted in ("", pem(strange)):
            with pytest.raises(TransportFault, match="certificate verify failed"):
                rest.send(at(web, ca=trusted), {}, PARCEL)
            with pytest.raises(TransportFault, match="certificate verify failed"):
                webhook.send(WebhookSettings(f"{web.url}/h", ca=trusted), [new_secret()], PARCEL)
        assert web.requests == []
        rest.send(at(web, ca=pem(strange) + pem(ours)), {}, PARCEL)
        webhook.send(WebhookSettings(f"{web.url}/h", ca=pem(ours)), [new_secret()], PARCEL)
        assert [one.path for one in web.requests] == ["/in", "/h"]
    with pytest.raises(ValueError, match="ca: paste certificates"):
        at(web, ca="nonsense")
    with pytest.raises(ValueError, match="no authority's certificate"):
        at(web, ca=pem(server))
