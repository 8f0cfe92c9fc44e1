"""The web application, for any WSGI server."""

from __future__ import annotations

import os
from threading import Thread

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from tierwise.config.warming import warm

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")
# Who the caller is and whether over HTTPS, a proxy of ours may tell; nobody else.
application = wrap_wsgi_with_proxy_headers(get_wsgi_application(), settings.TIERWISE_PROXIES)
# What the first readers would wait for is loaded while nobody waits. Pages are answered meanwhile.
Thread(target=warm, name="warming", daemon=True).start()
