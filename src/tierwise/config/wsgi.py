"""The web application, for any WSGI server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from threading import Thread
from typing import Any

import django
from django.conf import settings
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from tierwise.config.warming import warm

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")
django.setup(set_prefix=False)

from tierwise.web.api.handler import Handler, Start  # noqa: E402  the web asks the settings for its apps

_handler = Handler()
# Who the caller is and whether over HTTPS, a proxy of ours may tell; nobody else.
_proxied = wrap_wsgi_with_proxy_headers(_handler, settings.TIERWISE_PROXIES)


def application(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    answered: Iterable[bytes] = (_proxied if "HTTP_X_FORWARDED_FOR" in environ else _handler)(environ, start_response)
    return answered


# What the first readers would wait for is loaded while nobody waits. Pages are answered meanwhile.
Thread(target=warm, name="warming", daemon=True).start()
