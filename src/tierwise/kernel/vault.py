"""Secrets of others (passwords, keys, tokens) at rest, sealed with a key that follows from the installation's."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE = 12
_VERSION = b"1"


class Unreadable(ValueError):
    """Sealed under another installation's secret, for something else, or changed since."""


def _key() -> bytes:
    derive = HKDF(SHA256(), 32, salt=None, info=b"tierwise vault")
    return derive.derive(settings.SECRET_KEY.encode())


def seal(values: Mapping[str, str], about: str) -> str:
    """Seals named secrets. ``about`` ties them to their place: copied to another row they cannot be opened."""
    nonce = os.urandom(_NONCE)
    text = json.dumps(dict(values), sort_keys=True).encode()
    return base64.b64encode(_VERSION + nonce + AESGCM(_key()).encrypt(nonce, text, about.encode())).decode()


def unseal(sealed: str, about: str) -> dict[str, str]:
    """The secrets that :func:`seal` was given. Raises ``Unreadable``."""
    if not sealed:
        return {}
    try:
        raw = base64.b64decode(sealed, validate=True)
        nonce, cipher = raw[1 : 1 + _NONCE], raw[1 + _NONCE :]
        if raw[:1] != _VERSION:
            raise ValueError("unknown version")
        found: dict[str, str] = json.loads(AESGCM(_key()).decrypt(nonce, cipher, about.encode()))
    except (InvalidTag, ValueError) as error:
        raise Unreadable(
            "The stored secrets cannot be opened: this installation's secret is another one. Enter them again."
        ) from error
    return found
