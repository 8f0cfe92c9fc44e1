"""What an installation's ``access.toml`` says: providers people sign in with, how often access is confirmed.

>>> read_access(Path("access.toml")).providers["corp"].company
''

Nothing in the file means: passwords, passkeys and codes alone, and access confirmed twice a year.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_ID = re.compile(r"[a-z][a-z0-9-]{0,29}")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_COMMON = frozenset({"id", "kind", "name", "company", "domains", "required", "trust_email"})
_OIDC = frozenset({"server", "client_id", "secret", "secret_file"})
_SAML = frozenset({"entity_id", "sso_url", "certificate_file", "metadata_url", "email_attribute"})


class AccessError(ValueError):
    """A line of the file that cannot be taken; says which and what to write instead."""


@dataclass(frozen=True)
class Provider:
    """One provider: it speaks for the people of one company, and for addresses of its domains alone.

    ``company`` is a supplier's code, or empty for the buying company. With ``required``, its people sign in here only.
    ``trust_email`` takes an address as verified although the provider does not say so; SAML providers never say.
    """

    id: str
    kind: str
    name: str
    domains: tuple[str, ...]
    company: str = ""
    required: bool = False
    trust_email: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def speaks_for(self, email: str) -> bool:
        return email.rpartition("@")[2].lower() in self.domains

    def told(self) -> dict[str, str]:
        """The provider as a list of them shows it."""
        return {
            "id": self.id, "kind": self.kind, "company": self.company or "(ours)", "domains": ", ".join(self.domains),
            "required": "yes" if self.required else "no",
        }  # fmt: skip

    def app(self) -> dict[str, Any]:
        """The provider as allauth is told of it."""
        if self.kind == "oidc":
            return {
                "provider_id": self.id, "name": self.name, "client_id": self.options["client_id"],
                "secret": self.options["secret"], "settings": {"server_url": self.options["server"]},
            }  # fmt: skip
        known = ("entity_id", "sso_url", "x509cert", "metadata_url")
        settings: dict[str, Any] = {
            "idp": {key: self.options[key] for key in known if key in self.options},
            "use_nameid_for_email": not self.options.get("email_attribute"),
            # Whoever signs the answer to a question we asked; unasked answers could be somebody else's.
            "advanced": {"want_assertion_signed": True, "reject_idp_initiated_sso": True, "strict": True},
        }
        if attribute := self.options.get("email_attribute"):
            settings["attribute_mapping"] = {"email": [attribute]}
        return {"provider_id": self.id, "name": self.name, "client_id": self.id, "settings": settings}


@dataclass(frozen=True)
class Review:
    """How access is confirmed: every so many days, answered within some, and ended after a grace; 0 days is never."""

    every_days: int = 180
    answer_days: int = 21
    grace_days: int = 7

    def __post_init__(self) -> None:
        for name, least in (("every_days", 0), ("answer_days", 1), ("grace_days", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 3650:
                raise AccessError(f"[review] {name}: {value!r} is not a number of days from {least} to 3650")


@dataclass(frozen=True)
class Access:
    providers: Mapping[str, Provider] = field(default_factory=dict)
    review: Review = field(default_factory=Review)

    def required_of(self, company: str) -> Provider | None:
        """The provider that people of a company (its code; empty for the buyer) have to sign in with."""
        return next((p for p in self.providers.values() if p.required and p.company == company), None)

    def allauth(self) -> dict[str, Any]:
        """``SOCIALACCOUNT_PROVIDERS``."""
        kinds = {"openid_connect": "oidc", "saml": "saml"}
        found: dict[str, Any] = {
            key: {"APPS": [p.app() for p in self.providers.values() if p.kind == kind]} for key, kind in kinds.items()
        }
        found["openid_connect"]["OAUTH_PKCE_ENABLED"] = True
        return found


def access_path(home: Path | None = None) -> Path:
    """Where the file is: as ``TIERWISE_ACCESS`` says, or in the home."""
    home = home or Path(os.environ.get("TIERWISE_HOME") or ".tierwise")
    return Path(os.environ.get("TIERWISE_ACCESS") or home / "access.toml")


def read_access(path: Path) -> Access:
    """The file's settings, or the defaults where there is no file. Raises AccessError with the place and the remedy."""
    if not path.exists():
        return Access()
    try:
        said = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AccessError(f"{path} is not TOML: {error}") from error
    try:
        _known(said, {"provider", "review"}, "the file")
        providers = _providers(said.get("provider", []), path.parent)
        review = said.get("review", {})
        if not isinstance(review, dict):
            raise AccessError("review: write a table, [review]")
        _known(review, {each.name for each in fields(Review)}, "[review]")
        return Access(providers, Review(**review))
    except AccessError as error:
        raise AccessError(f"{path}: {error}") from None


def _providers(rows: Any, folder: Path) -> dict[str, Provider]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise AccessError("provider: write one [[provider]] table for each")
    found: dict[str, Provider] = {}
    for number, row in enumerate(rows, start=1):
        provider = _provider(row, f"provider {row.get('id', number)}", folder)
        if provider.id in found:
            raise AccessError(f"provider {provider.id} stands there twice; give each an id of its own")
        rival = next((p for p in found.values() if p.required and p.company == provider.company), None)
        if provider.required and rival:
            raise AccessError(f"provider {provider.id}: {rival.id} is required of the same company already; keep one")
        found[provider.id] = provider
    return found


def _provider(row: Mapping[str, Any], where: str, folder: Path) -> Provider:
    kind = row.get("kind")
    if kind not in {"oidc", "saml"}:
        raise AccessError(f"{where}: kind must be 'oidc' or 'saml', not {kind!r}")
    _known(row, _COMMON | (_OIDC if kind == "oidc" else _SAML), where)
    name = _text(row, "id", where)
    if not _ID.fullmatch(name):
        raise AccessError(f"{where}: id takes at most 30 small letters, digits and hyphens")
    for flag in ("required", "trust_email"):
        if not isinstance(row.get(flag, False), bool):
            raise AccessError(f"{where}: {flag} is true or false, without quotes")
    domains = row.get("domains")
    if not isinstance(domains, list) or not domains or not all(_DOMAIN.fullmatch(str(d).lower()) for d in domains):
        raise AccessError(f"{where}: domains lists the mail domains it speaks for, such as ['example.com']")
    options = _oidc(row, where, folder) if kind == "oidc" else _saml(row, where, folder)
    return Provider(
        name, kind, str(row.get("name") or name)[:40], tuple(str(d).lower() for d in domains),
        str(row.get("company", "")), row.get("required", False), row.get("trust_email", kind == "saml"), options,
    )  # fmt: skip


def _oidc(row: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    if ("secret" in row) == ("secret_file" in row):
        raise AccessError(f"{where}: give either secret or secret_file (a file beside this one)")
    secret = _text(row, "secret", where) if "secret" in row else _file(row, "secret_file", where, folder).strip()
    return {"server": _address(row, "server", where), "client_id": _text(row, "client_id", where), "secret": secret}


def _saml(row: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    options: dict[str, Any] = {"entity_id": _text(row, "entity_id", where)}
    if attribute := row.get("email_attribute"):
        options["email_attribute"] = str(attribute)
    if "metadata_url" in row:
        return options | {"metadata_url": _address(row, "metadata_url", where)}
    for needed in ("sso_url", "certificate_file"):
        if needed not in row:
            raise AccessError(f"{where}: give metadata_url, or both sso_url and certificate_file; {needed} is missing")
    certificate = _file(row, "certificate_file", where, folder)
    if "BEGIN CERTIFICATE" not in certificate:
        raise AccessError(f"{where}: certificate_file is not a certificate in PEM form")
    return options | {"sso_url": _address(row, "sso_url", where), "x509cert": certificate}


def _known(row: Mapping[str, Any], names: set[str] | frozenset[str], where: str) -> None:
    if strange := sorted(set(row) - names):
        raise AccessError(f"{where}: {strange[0]} means nothing here; known are {', '.join(sorted(names))}")


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise AccessError(f"{where}: {key} is missing; give it as text in quotes")
    return value.strip()


def _address(row: Mapping[str, Any], key: str, where: str) -> str:
    address = _text(row, key, where)
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise AccessError(f"{where}: {key} must begin with https:// (http only on this machine)")
    return address.rstrip("/") if key == "server" else address


def _file(row: Mapping[str, Any], key: str, where: str, folder: Path) -> str:
    path = folder / _text(row, key, where)
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise AccessError(f"{where}: {key}: {path} cannot be read ({type(error).__name__})") from None
