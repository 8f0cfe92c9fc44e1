"""The doctor: a sound installation is left in peace, each ailment is named with its remedy, and mends hold."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from django.db import connections
from django.test import Client

from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.backup.nightly import back_up_nightly
from tierwise.kernel.backup.sealing import new_key
from tierwise.kernel.clock import clock_set, now
from tierwise.kernel.doctor import findings
from tierwise.kernel.doctor.findings import Check, Finding, Severity, examine
from tierwise.kernel.jobs import examine_installation
from tierwise.kernel.models import Account
from tierwise.kernel.queries import last_examination
from tierwise.kernel.viewer import SYSTEM, viewer_scope
from tierwise.lake.actions import project
from tierwise.lake.models import Manifest
from tierwise.lake.schemas import TABLES

Admin = psycopg.Connection[Any]
# Tests run without fsync, mail and a built front end; those are found rightly and tried by themselves.
USUAL = {"mail", "pages", "postgres", "backup"}


@pytest.fixture
def admin(database: Template) -> Iterator[Admin]:
    name = connections["worker"].settings_dict["NAME"]
    with psycopg.connect(database.runtime.admin_conninfo(name), autocommit=True) as connection:
        yield connection


def found(check: str = "") -> list[Finding]:
    return [f for f in examine().findings if f.check == check or (not check and f.check not in USUAL)]


@pytest.fixture
def home(world: World, tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    return tmp_path


@pytest.mark.database
def test_a_sound_installation_is_left_in_peace(home: Path) -> None:
    assert found() == []
    assert {f.what for f in found("postgres")} == {
        f"{name} is off: a power cut may destroy the database." for name in ("fsync", "full_page_writes")
    } or found("postgres") == []


@dataclass(frozen=True)
class Ailment:
    """What is done to the database, and what is then said of it; ``mends`` where the doctor can undo it itself."""

    sql: str
    check: str
    says: str
    mends: bool = False


AILMENTS = [
    Ailment("grant delete on directory_company to tw_supplier", "rights", "tw_supplier on directory_company", True),
    Ailment("revoke insert on kernel_auditentry from tw_buyer", "rights", "tw_buyer on kernel_auditentry", True),
    Ailment("drop policy buyer on directory_segment", "rights", "policy of tw_buyer on directory_segment", True),
    Ailment("grant update (name) on directory_company to tw_supplier", "rights", "tw_supplier on directory_company"),
    Ailment("create table mine (x int)", "rights", "nobody declared: mine"),
    Ailment("delete from django_migrations where app = 'lake'", "migrations", "lake 0001_initial"),
    Ailment(
        "insert into kernel_outboxevent (id, company, at, name, payload, attempts, last_error) values "
        "(gen_random_uuid(), gen_random_uuid(), now() - interval '1 hour', 'scheme_applied', '{}', 8, 'KeyError')",
        "outbox", "1 × scheme_applied was given up: KeyError", True,
    ),
    Ailment(
        "insert into kernel_outboxevent (id, company, at, name, payload, attempts, last_error) values "
        "(gen_random_uuid(), gen_random_uuid(), now() - interval '1 hour', 'scheme_applied', '{}', 0, '')",
        "outbox", "1 pieces of news wait",
    ),
    Ailment(
        "insert into procrastinate_jobs (queue_name, task_name, status) values ('default', 'nightly', 'doing')",
        "jobs", "nightly was begun by a worker that died",
    ),
    Ailment(
        "insert into lake_importrun (id, mapping, fingerprint, began_at, state, person, report, issues_file, "
        "cancel_asked) values (gen_random_uuid(), 'm', 'f', now() - interval '2 days', 'running', gen_random_uuid(), "
        "'{}', '', false)",
        "imports", "1 imports have been under way",
    ),
]  # fmt: skip


@pytest.mark.database
@pytest.mark.parametrize("ailment", AILMENTS, ids=lambda a: f"{a.check} {a.says[:20]}")
def test_an_ailment_is_named_and_mended(home: Path, admin: Admin, ailment: Ailment) -> None:
    admin.execute(ailment.sql)  # type: ignore[call-overload]
    (finding,) = found()
    assert (finding.check, ailment.says in finding.what) == (ailment.check, True), finding
    assert finding.remedy
    if ailment.mends:
        assert finding.mend is not None
        finding.mend()
        assert [f for f in found() if ailment.says in f.what] == []


def _no_home_rights(home: Path) -> None:
    home.chmod(0o755)


def _open_secret(home: Path) -> None:
    (home / "secret").chmod(0o644)


def _left_of_an_upgrade(home: Path) -> None:
    (home / "postgres" / "data.16").mkdir(parents=True)


@pytest.mark.database
@pytest.mark.parametrize(
    ("harm", "says"),
    [(_no_home_rights, "look into"), (_open_secret, "may read"), (_left_of_an_upgrade, "left of an upgrade")],
)
def test_the_home_is_mended(home: Path, harm: Callable[[Path], None], says: str) -> None:
    harm(home)
    (finding,) = found()
    assert says in finding.what
    assert finding.mend is not None
    finding.mend()
    assert found() == []


@pytest.mark.database
def test_a_clock_that_went_back_is_noticed(home: Path) -> None:
    with clock_set(now() - timedelta(days=2)):
        assert [f.check for f in found()] == ["clock"]


@pytest.mark.database
def test_the_lake_is_looked_over(home: Path) -> None:
    rows = pl.DataFrame(schema=TABLES["cost"].schema)
    project(SYSTEM, {"cost": rows}, frozenset(), "nothing yet")
    assert found() == []
    table = home / "lake" / "cost"
    half, orphan = table / "part-0.parquet#1", table / "part-9.parquet"
    for path in (half, orphan):
        path.write_bytes(b"x" * 100)
        os.utime(path, (time.time() - 9 * 86400,) * 2)
    told = {f.what.split(" of ")[0]: f for f in found()}
    assert {name.split(" ", 1)[1] for name in told} == {"half-written files (0.0 MB)", "files"}
    for finding in told.values():
        assert finding.mend is not None
        finding.mend()
    assert not half.exists()
    assert not orphan.exists()
    assert found() == []
    with viewer_scope(SYSTEM):
        newest = Manifest.objects.order_by("-number").first()
        assert newest is not None
        version = newest.versions["cost"]
    (table / "_delta_log" / f"{version:020d}.json").rename(home / "aside")
    assert [f.severity for f in found("lake")] == [Severity.FAULT]


@pytest.mark.database
def test_a_check_that_breaks_off_is_a_finding(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_checks", {"x": Check("x", lambda: [1 / 0])})  # type: ignore[list-item]
    (finding,) = examine().findings
    assert (finding.check, finding.severity) == ("x", Severity.FAULT)
    assert "ZeroDivisionError" in finding.what
    assert examine().worst is Severity.FAULT
    assert examine(needs_database=False).asked == ()


@pytest.mark.database
def test_administrators_read_what_the_worker_found(home: Path, world: World, admin: Admin) -> None:
    assert last_examination(world["administrator"]) is None
    account = Account.objects.create_account("ada.administrator@example.com", world["administrator"].person, "x" * 12)
    client = Client()
    client.force_login(account)
    assert "Not examined yet" in client.get("/desk/condition/").content.decode()
    admin.execute("create table mine (x int)")
    examine_installation(timestamp=0)
    examine_installation(timestamp=3600)
    record = last_examination(world["administrator"])
    assert record is not None
    assert "rights" in {finding["check"] for finding in record.findings}
    assert "nobody declared: mine" in client.get("/desk/condition/").content.decode()
    for name in ("planner", "a administrator"):
        with pytest.raises(NotAllowed):
            last_examination(world[name])


@pytest.mark.database
def test_nightly_backups_are_made_kept_and_missed(
    home: Path, database: Template, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    assert back_up_nightly() is None
    folder, key = home / "backups", home / "key"
    new_key(key)
    monkeypatch.setenv("TIERWISE_BACKUP_TO", str(folder))
    with pytest.raises(RuntimeError, match="TIERWISE_BACKUP_KEY"):
        back_up_nightly()
    monkeypatch.setenv("TIERWISE_BACKUP_KEY", str(key))
    monkeypatch.setenv("TIERWISE_BACKUP_KEEP", "2")
    assert [f.severity for f in found("backup")] == [Severity.FAULT]
    name = connections["worker"].settings_dict["NAME"]
    settings.RUNTIME = replace(database.runtime, database_name=name)
    for _ in range(3):
        assert back_up_nightly() is not None
    assert len(list((folder / "manifests").iterdir())) == 2
    assert found("backup") == []
    with clock_set(now() + timedelta(days=3)):
        assert [f.severity for f in found("backup")] == [Severity.FAULT]
