"""Secrets at rest: opened only where they were sealed, by the installation that did it."""

from __future__ import annotations

from typing import Any

import pytest

from tierwise.kernel.vault import Unreadable, seal, unseal

HELD = {"password": "open sesame", "token": "ü"}


def test_what_is_sealed_can_be_opened_in_its_place_alone() -> None:
    sealed = seal(HELD, "channel 1")
    assert unseal(sealed, "channel 1") == HELD
    assert "sesame" not in sealed
    assert seal(HELD, "channel 1") != sealed
    with pytest.raises(Unreadable):
        unseal(sealed, "channel 2")


def test_nothing_opens_under_another_secret_or_after_a_change(settings: Any) -> None:
    sealed = seal(HELD, "x")
    with pytest.raises(Unreadable):
        unseal(sealed[:-8] + ("A" if sealed[-8] != "A" else "B") + sealed[-7:], "x")
    settings.SECRET_KEY = "another"
    with pytest.raises(Unreadable, match="Enter them again"):
        unseal(sealed, "x")
    assert unseal("", "x") == {}
