"""Where an installation keeps its things, read from the environment once.

``TIERWISE_HOME``          folder of database, lake, files and secrets (default ``.tierwise`` in the current folder)
``TIERWISE_DATABASE_URL``  a PostgreSQL of your own instead of the embedded one: an address whose user may create
                           roles and databases
``TIERWISE_LAKE_URL``      where facts are kept (default a folder below the home)
``TIERWISE_ADDRESS``       under which people open the pages (default this machine alone)
``TIERWISE_API_RATE``      requests a second that each API token may make (default 50; ten seconds' worth at once)
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tierwise.kernel.postgres import SUPERUSER, Server
from tierwise.kernel.zones import Login

WEB_PROCESSES = "TIERWISE_WEB_PROCESSES"
"""Set by the supervisor for the processes that share the database's connections."""


def public_address(given: str) -> SplitResult:
    """Scheme and host under which people open the pages.

    Raises ValueError where it is no such address: pages are served at the root of a host.
    """
    found = urlsplit(given.rstrip("/"))
    if found.scheme not in {"http", "https"} or not found.hostname or found.path or found.query or found.fragment:
        raise ValueError(f"TIERWISE_ADDRESS: {given!r} is no address like https://tierwise.example.com, without a path")
    return found


@dataclass(frozen=True)
class Runtime:
    home: Path
    database_url: str = ""
    database_name: str = "tierwise"
    lake: str = ""
    web_processes: int = 1
    api_rate: tuple[float, int] = (50.0, 500)

    @classmethod
    def from_environment(cls) -> Runtime:
        home = Path(os.environ.get("TIERWISE_HOME") or ".tierwise").absolute()
        return cls(
            home=home,
            database_url=os.environ.get("TIERWISE_DATABASE_URL", ""),
            database_name=os.environ.get("TIERWISE_DATABASE_NAME", "tierwise"),
            lake=os.environ.get("TIERWISE_LAKE_URL") or str(home / "lake"),
            web_processes=int(os.environ.get(WEB_PROCESSES) or 1),
            api_rate=_rate(os.environ.get("TIERWISE_API_RATE", "")),
        )

    @property
    def embedded(self) -> bool:
        return not self.database_url

    def server(self) -> Server:
        return Server(self.home / "postgres" / "data")

    @cached_property
    def secret(self) -> str:
        """The installation's secret. Without a home yet, one that lasts as long as the process."""
        path = self.home / "secret"
        if path.exists():
            return path.read_text().strip()
        return os.environ.get("TIERWISE_SECRET") or secrets.token_urlsafe(48)

    def keep_secret(self) -> None:
        """Writes the secret, readable by its owner alone, if there is none yet."""
        path, secret = self.home / "secret", self.secret
        if path.exists():
            return
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secret + "\n")

    def password(self, login: Login) -> str:
        """Password of a database login, derived so that no file has to hold it."""
        return hmac.new(self.secret.encode(), login.role.encode(), hashlib.sha256).hexdigest()

    def admin_conninfo(self, dbname: str | None = None) -> str:
        """For creating logins and databases only."""
        if self.embedded:
            return self.server().conninfo(dbname or "postgres", SUPERUSER)
        return make_conninfo(self.database_url, **({"dbname": dbname} if dbname else {}))

    def address(self, login: Login) -> dict[str, Any]:
        """Connection parameters of a login, as Django names them."""
        if self.embedded:
            return {"HOST": str(self.server().sockets), "PORT": "5432", "NAME": self.database_name, "USER": login.role}
        given = conninfo_to_dict(self.database_url)
        return {
            "HOST": given.get("host") or "localhost",
            "PORT": str(given.get("port") or "5432"),
            "NAME": self.database_name,
            "USER": login.role,
            "PASSWORD": self.password(login),
        }


def _rate(text: str) -> tuple[float, int]:
    """Requests a second, and how many at once."""
    try:
        rate = float(text or 50)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1e6:
        raise ValueError(f"TIERWISE_API_RATE: {text!r} is not a number of requests a second; give one above 0")
    return rate, max(1, round(10 * rate))
