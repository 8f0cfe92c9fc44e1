"""Where people open the pages, and how many connections that takes."""

from __future__ import annotations

import pytest

from tierwise.config.runtime import public_address


@pytest.mark.parametrize("given", ["https://tierwise.example.com", "http://10.0.0.7:8000/"])
def test_an_address_is_a_scheme_and_a_host(given: str) -> None:
    assert public_address(given).geturl() == given.rstrip("/")


@pytest.mark.parametrize(
    "given",
    ["tierwise.example.com", "ftp://example.com", "https://", "https://a.example/tierwise", "https://a.example?x"],
)
def test_anything_else_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(ValueError, match=r"TIERWISE_ADDRESS.*like https"):
        public_address(given)
