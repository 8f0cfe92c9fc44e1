"""The description of the machines' interface, and a small client made from it."""

from __future__ import annotations

import json

from tierwise.cli.output import console
from tierwise.config.api import api
from tierwise.web.api.client import client_source


def print_description(client: bool) -> None:
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str))
    console.file.write(client_source(document) if client else json.dumps(document, indent=2) + "\n")
