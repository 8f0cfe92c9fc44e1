"""What a web process loads by itself after its start, so that the first page is as quick as the second."""

from __future__ import annotations

import gc
import logging
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.template import TemplateSyntaxError
from django.template.loader import get_template

from tierwise.engine.rehearsal import rehearse

log = logging.getLogger(__name__)


def warm() -> None:
    """Pages, their templates and compiled kernels. A fault here is a fault of the first page too, which tells it."""
    try:
        import_module(settings.ROOT_URLCONF)
        for name in templates():
            get_template(name)
        rehearse()
        # What is loaded by now stays. Looking through it for garbage would hold every thread up for some 100 ms.
        gc.collect()
        gc.freeze()
    except (ImportError, OSError, RuntimeError, TemplateSyntaxError, ValueError):
        log.exception("warming up failed; the first pages will be slower")


def templates() -> list[str]:
    """Names of all templates of the apps of this house."""
    folders = [Path(app.path) / "templates" for app in apps.get_app_configs() if app.name.startswith("tierwise.")]
    return [file.relative_to(folder).as_posix() for folder in folders for file in sorted(folder.rglob("*.html"))]
