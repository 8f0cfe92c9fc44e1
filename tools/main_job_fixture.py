"""Writes the main job's state as the upgrade tests keep it: a PostgreSQL 16 dump, and the lake before its layouts.

    python tools/main_job_fixture.py

Run it once for a release, on the code of that release, so that the next one is tested against what is out there.
"""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests" / "fixtures"


def main() -> None:
    from tierwise.kernel.postgres import binaries

    old = binaries().parents[1] / "pginstall" / "bin"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        os.environ |= {"TIERWISE_HOME": str(home), "TIERWISE_POSTGRES_BIN": str(old), "TIERWISE_DATABASE_URL": ""}
        os.environ["DJANGO_SETTINGS_MODULE"] = "tierwise.config.settings"
        import django

        django.setup()
        import tiny_company

        from tierwise.cli.demonstration import prepare_demo
        from tierwise.config.installation import running

        tiny_company.shrink()
        with running() as runtime:
            prepare_demo(home, "small")
            write(old, runtime.admin_conninfo("tierwise"), home)


def write(programs: Path, conninfo: str, home: Path) -> None:
    import psycopg

    dump = subprocess.run(
        [str(programs / "pg_dumpall"), "--no-role-passwords", "-d", conninfo], check=True, capture_output=True
    ).stdout
    kept = [line for line in dump.splitlines(keepends=True) if not line.startswith((b"CREATE ROLE postgres", b"--"))]
    (FIXTURES / "main-job-postgres16.sql.xz").write_bytes(lzma.compress(b"".join(kept), preset=9))
    with psycopg.connect(conninfo) as connection:
        manifests = [row[0] for row in connection.execute("select versions from lake_manifest order by number")]
    (home / "lake" / "manifests.json").write_text(json.dumps(manifests))
    with tarfile.open(FIXTURES / "main-job-lake.tar.xz", "w:xz") as tar:
        tar.add(home / "lake", "lake", filter=lambda info: None if info.name.endswith(".lock") else info)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
