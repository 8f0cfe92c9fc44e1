"""Extracts too large for a web process: handed in, watched and cancelled in a browser; a million faults."""

from __future__ import annotations

import re
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections

from browser.conftest import FOUNDER, Site
from browser.scenes import viewer
from lake.test_cancelling import MAPPING
from tierwise.kernel.viewer import Viewer
from tierwise.lake import queries
from tierwise.lake.desk.runs import SHOWN
from tierwise.lake.issues import LISTED
from tierwise.lake.jobs import run_upload
from tierwise.lake.records import ImportRecord, ImportState
from tierwise.lake.uploads import DIRECT, folder_of
from tierwise.lake.watching import Watch

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.database, pytest.mark.slow]


def extract(folder: Path, rows: int, day: str = "", note: str = "") -> list[Path]:
    for name, code in (("vendors", "V"), ("sites", "S"), ("items", "I")):
        (folder / f"{name}.csv").write_text(f"code\n{code}\n")
    days = [day or (date(2024, 1, 1) + timedelta(days=n)).isoformat() for n in range(90)]
    with (folder / "lines.csv").open("w") as file:
        file.write("po,pos,v,i,s,day,qty,note\n")
        file.writelines(f"{n},1,V,I,S,{days[n % 90]},1,{note}\n" for n in range(rows))
    return sorted(folder.glob("*.csv"))


def handed_in(page: Page, files: list[Path]) -> UUID:
    """The run that the form began."""
    page.goto("/desk/imports/new")
    page.get_by_role("textbox", name="Mapping").fill(MAPPING)
    page.get_by_label("Files of the extract").set_input_files(files)
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url(re.compile(r"/desk/imports/[0-9a-f-]{36}/$"), timeout=60_000)
    return UUID(page.url.rstrip("/").rsplit("/", 1)[-1])


def found(me: Viewer, run: UUID) -> ImportRecord:
    record = queries.import_run(me, run)
    assert record is not None
    return record


def begun_by_worker(me: Viewer, run: UUID) -> threading.Thread:
    def work() -> None:
        try:
            run_upload(me, run)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_large_upload_is_watched_and_cancelled_and_leaves_nothing(
    empty_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, me = empty_site.window(FOUNDER), viewer(FOUNDER)
    folder = tmp_path / "extract"
    folder.mkdir()
    files = extract(folder, 140_000, note="x" * 150)
    assert sum(file.stat().st_size for file in files) > DIRECT
    run = handed_in(page, files)
    page.get_by_role("progressbar", name="Progress of the import").wait_for()
    assert found(me, run).state is ImportState.RUNNING  # it waits for the worker
    assert folder_of(run).exists()
    paces = Watch.tell

    def slowly(self: Watch, what: str, share: float) -> None:
        time.sleep(0.4)
        paces(self, what, share)

    monkeypatch.setattr(Watch, "tell", slowly)
    monkeypatch.setattr("tierwise.lake.watching._SOONEST", 0.5)
    monkeypatch.setattr("tierwise.lake.transform.filling.BATCH", 4_000)
    working = begun_by_worker(me, run)
    page.get_by_text(re.compile(r"about \d+ (s|min) left")).wait_for(timeout=60_000)
    bar = page.get_by_role("progressbar", name="Progress of the import")
    assert 0 <= float(bar.get_attribute("value") or -1) < 100
    page.get_by_role("button", name="Cancel the import").click()
    page.get_by_text("nothing of it was left behind").wait_for(timeout=60_000)
    working.join(60)
    assert found(me, run).state is ImportState.CANCELLED
    assert not folder_of(run).exists()
    assert queries.manifest(me).number == 0
    lake = Path(settings.TIERWISE_LAKE)
    left = [path for path in lake.rglob("*") if path.is_file() and path.suffix != ".lock"] if lake.exists() else []
    assert left == []


def test_a_million_faults_fill_neither_page_nor_list(empty_site: Site, tmp_path: Path) -> None:
    page, me = empty_site.window(FOUNDER), viewer(FOUNDER)
    folder = tmp_path / "extract"
    folder.mkdir()
    run = handed_in(page, extract(folder, 1_000_000, day="soon"))
    begun_by_worker(me, run).join(240)
    page.goto(f"/desk/imports/{run}/")
    page.get_by_role("heading", name="Nothing was imported").wait_for()
    record = found(me, run)
    told: dict[str, Any] = record.report
    assert told["refusals"] >= 1_000_000
    assert told["listed"] <= LISTED
    assert queries.issues_of(record).height == told["listed"]
    assert len(page.content()) < 1_500_000
    assert page.get_by_text("is not a date").count() <= SHOWN
    page.get_by_text(re.compile("1,000,000|1 000 000|1000000")).first.wait_for()
