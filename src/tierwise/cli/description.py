"""The description of the machines' interface, and a small client made from it."""

from __future__ import annotations

import json

from tierwise.cli.output import console
from tierwise.config.api import api


def print_description() -> None:
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    console.file.write(json.dumps(document, indent=2, default=str) + "\n")
