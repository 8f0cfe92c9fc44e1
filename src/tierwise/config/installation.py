"""Brings one installation up: its database server, its logins, its tables. Or a new one, out of a backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connections

from tierwise.config.runtime import Runtime
from tierwise.directory.erasing import apply_erasures, carry_ledger, ledger_path
from tierwise.kernel import database
from tierwise.kernel.backup import restoring
from tierwise.kernel.backup.archive import Manifest
from tierwise.kernel.backup.sealing import Lock
from tierwise.kernel.pipeline import Progress, silent
from tierwise.kernel.postgres import Server
from tierwise.kernel.seal import stamp
from tierwise.kernel.viewer import SYSTEM
from tierwise.lake.actions import bring_lake_up_to_date
from tierwise.lake.backup import holds_tables, lake_sink


@contextmanager
def running() -> Iterator[Runtime]:
    """The installation's database serves, set up and migrated, as long as the block lasts."""
    found: Runtime = settings.RUNTIME
    if (found.home / restoring.UNFINISHED).exists():
        raise RuntimeError(f"{found.home} was not restored to its end; run `tierwise restore` into it again.")
    with serving(found):
        _set_up(found)
        yield found


@contextmanager
def serving(runtime: Runtime) -> Iterator[None]:
    """The database's server alone, as it stands."""
    runtime.keep_secret()
    server = runtime.server() if runtime.embedded else None
    if server is not None:
        server.start()
    try:
        yield
    finally:
        if server is not None:
            _let_go(server)


def _set_up(runtime: Runtime) -> None:
    conninfo = _make_database(runtime)
    database.migrate()
    stamp.keep_order(conninfo)
    if ledger_path().exists():
        # Before anybody signs in: a restored database may hold people who were erased since.
        apply_erasures(SYSTEM)
    bring_lake_up_to_date(SYSTEM)


def _make_database(runtime: Runtime) -> str:
    """Logins and a database of ours; returns its address for the superuser."""
    if not runtime.embedded:
        database.refuse_lacking(runtime.admin_conninfo(), runtime.database_name)
    database.create_logins(runtime.admin_conninfo(), runtime.password)
    database.create_database(runtime.admin_conninfo(), runtime.database_name)
    conninfo = runtime.admin_conninfo(runtime.database_name)
    database.own_schema(conninfo)
    return conninfo


def _let_go(server: Server) -> None:
    for alias in connections:
        connections[alias].close()
        connections[alias].close_pool()  # type: ignore[attr-defined]  # PostgreSQL alone has pools
    server.stop()


@dataclass(frozen=True, slots=True)
class Restored:
    """``differences`` names the tables that do not hold what was backed up; empty when the restore is proved."""

    manifest: Manifest
    differences: list[str]


def _lake_for(runtime: Runtime, again: bool) -> Path | restoring.Sink:
    """The place for a restored lake. NotEmpty where something lies there, but for an unfinished restore's beginning."""
    if "://" in runtime.lake:
        if not again and holds_tables(runtime.lake):
            raise restoring.NotEmpty(f"{runtime.lake} holds tables; restore into an empty place of the object store.")
        return lake_sink(runtime.lake)
    if not Path(runtime.lake).is_relative_to(runtime.home):
        restoring.refuse_home(Path(runtime.lake))
    return Path(runtime.lake)


def restore(source: Path, lock: Lock, runtime: Runtime, which: str = "", progress: Progress = silent) -> Restored:
    """Restores a backup into an empty home, and into its embedded server or the one the runtime names.

    Raises ``NotEmpty`` before anything is touched. The home bears a mark until everything has been compared; a
    restore that was killed may be run again.
    """
    if (runtime.home / restoring.UNFINISHED).exists() and runtime.embedded and runtime.server().alive():
        # A restore that was killed left its server running; the last one to leave stops it.
        with serving(runtime):
            pass
    if not runtime.embedded:
        database.refuse_lacking(runtime.admin_conninfo(), runtime.database_name, every=True)
    again = (runtime.home / restoring.UNFINISHED).exists()
    restoring.refuse_home(runtime.home)
    lake = _lake_for(runtime, again)
    runtime.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = runtime.home / restoring.UNFINISHED
    mark.touch()
    with ExitStack() as stack:

        def ready() -> str:
            stack.enter_context(serving(runtime))
            conninfo = _make_database(runtime)
            restoring.refuse_database(conninfo)
            return conninfo

        target = restoring.Target(runtime.home, lake, ready)
        manifest = restoring.unpack(source, lock, target, which, progress)
        conninfo = runtime.admin_conninfo(runtime.database_name)
        differences = restoring.compare(manifest, conninfo, progress)
        stamp.keep_order(conninfo)
    if key := manifest.audit.get("key"):
        kept = runtime.home / "audit-keys"
        kept.touch(mode=0o600)
        kept.write_text(f"{key}\n")
    carry_ledger(source, runtime.home)
    if not differences:
        mark.unlink()
    progress("done", 1.0)
    return Restored(manifest, differences)
