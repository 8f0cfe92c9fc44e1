"""What access.toml says, and what is said about a line of it that cannot be taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise.directory.entrance import Access, AccessError, Review, read_access

OIDC = """
[[provider]]
id = "corp"
kind = "oidc"
name = "Corp"
server = "https://idp.example.com/"
client_id = "tierwise"
secret_file = "corp.secret"
domains = ["Example.com"]
required = true
"""
SAML = """
[[provider]]
id = "varnholt"
kind = "saml"
company = "V-1"
domains = ["varnholt.example"]
entity_id = "https://idp.varnholt.example"
sso_url = "https://idp.varnholt.example/sso"
certificate_file = "v.pem"
email_attribute = "mail"
"""


def read(folder: Path, text: str) -> Access:
    (folder / "corp.secret").write_text("s3cret\n")
    (folder / "v.pem").write_text("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n")
    (folder / "access.toml").write_text(text)
    return read_access(folder / "access.toml")


def test_without_a_file_people_sign_in_with_passwords(tmp_path: Path) -> None:
    found = read_access(tmp_path / "access.toml")
    assert (found.providers, found.review, found.required_of("")) == ({}, Review(180, 21, 7), None)


def test_providers_of_both_kinds(tmp_path: Path) -> None:
    found = read(tmp_path, OIDC + SAML + "[review]\nevery_days = 90\n")
    assert found.required_of("") == found.providers["corp"]
    assert found.required_of("V-1") is None
    assert found.review.every_days == 90
    assert found.providers["corp"].speaks_for("Nia@EXAMPLE.com")
    assert not found.providers["corp"].speaks_for("nia@example.com.evil.example")
    told = found.allauth()
    assert told["openid_connect"]["APPS"][0]["secret"] == "s3cret"
    assert told["openid_connect"]["APPS"][0]["settings"] == {"server_url": "https://idp.example.com"}
    saml = told["saml"]["APPS"][0]["settings"]
    assert saml["attribute_mapping"] == {"email": ["mail"]}
    assert saml["advanced"]["want_assertion_signed"]
    assert saml["advanced"]["reject_idp_initiated_sso"]


@pytest.mark.parametrize(("text", "said"), [
    ("[[provider", "is not TOML"),
    ("providers = 1", "providers means nothing here; known are provider, review"),
    ('[[provider]]\nid = "x"', "provider x: kind must be 'oidc' or 'saml'"),
    (OIDC.replace('"corp"', '"Corp!"'), "id takes at most 30 small letters"),
    (OIDC.replace('["Example.com"]', "[]"), "domains lists the mail domains"),
    (OIDC.replace("https://idp", "http://idp"), "server must begin with https://"),
    (OIDC.replace("corp.secret", "gone.secret"), "cannot be read"),
    (OIDC + 'secret = "x"\n', "give either secret or secret_file"),
    (OIDC.replace('client_id = "tierwise"\n', ""), "client_id is missing"),
    (OIDC.replace("required = true", 'required = "yes"'), "required is true or false"),
    (OIDC + 'colour = "red"\n', "colour means nothing here"),
    (OIDC + OIDC, "corp stands there twice"),
    (OIDC + OIDC.replace('"corp"', '"other"'), "corp is required of the same company"),
    (SAML.replace('sso_url = "https://idp.varnholt.example/sso"\n', ""), "sso_url is missing"),
    (SAML.replace("v.pem", "corp.secret"), "not a certificate in PEM form"),
    ("[review]\nevery_days = -1", "[review] every_days: -1 is not a number of days"),
    ("[review]\ngrace_days = true", "[review] grace_days: True"),
    ("review = 3", "review: write a table"),
])  # fmt: skip
def test_what_cannot_be_taken_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AccessError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)
    assert "access.toml" in str(refused.value)
