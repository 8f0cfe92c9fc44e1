"""Headers of our own making."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponseBase


def put(response: HttpResponseBase, headers: Mapping[str, str], *, kept: bool = False) -> None:
    """Sets headers whose names and values are ASCII on one line, as ours are: Django would examine each one anew.

    With ``kept``, what the answer has already stays.
    """
    store = response.headers._store
    for name, value in headers.items():
        key = name.lower()
        if not kept or key not in store:
            store[key] = (name, value)
