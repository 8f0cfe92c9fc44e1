"""An import that is stopped at any moment leaves nothing: no row, no file, no move of the manifest."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings

from fixtures.worlds import World
from tierwise.kernel.audit import NotAllowed, NotFound
from tierwise.lake import queries, staging
from tierwise.lake.actions import begin_import, cancel_import
from tierwise.lake.imports import Cancelled
from tierwise.lake.jobs import How, end_abandoned, import_extract, run_upload
from tierwise.lake.records import ImportState
from tierwise.lake.uploads import folder_of

pytestmark = pytest.mark.database

MAPPING = """
source: erp
files: {v: vendors.csv, s: sites.csv, i: items.csv, l: lines.csv}
tables:
  supplier: {from: v, columns: {supplier: code, name: code}}
  site: {from: s, columns: {site: code, name: code}}
  item: {from: i, columns: {item: code, name: code}}
  purchase_line:
    from: l
    columns: {order: po, line: pos, supplier: v, item: i, site: s, ordered_on: day, quantity: qty}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tierwise.lake.transform.filling.BATCH", 50)
    monkeypatch.setattr(staging, "HELD", 60)
    for name, code in (("vendors", "V"), ("sites", "S"), ("items", "I")):
        (tmp_path / f"{name}.csv").write_text(f"code\n{code}\n")
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    lines(tmp_path, 1)
    return tmp_path


def lines(folder: Path, quantity: int) -> None:
    body = "".join(f"{n},1,V,I,S,{date(2024, 1, 1) + timedelta(days=n % 90)},{quantity}\n" for n in range(200))
    (folder / "lines.csv").write_text("po,pos,v,i,s,day,qty\n" + body)


def everything(world: World) -> tuple[int, set[Path], int]:
    lake = Path(settings.TIERWISE_LAKE)
    files = {path for path in lake.rglob("*") if path.is_file() and "_delta_log" not in path.parts}
    return queries.manifest(world["planner"]).number, files, queries.facts(
        world["planner"], "purchase_line"
    ).collect().height  # fmt: skip


@pytest.mark.parametrize("stopping", [Cancelled, KeyboardInterrupt])
def test_stopped_at_every_moment_nothing_stays(world: World, folder: Path, stopping: type[BaseException]) -> None:
    planner, mapping = world["planner"], folder / "mapping.yaml"
    import_extract(planner, folder, mapping)
    assert everything(world)[2] == 200
    lines(folder, 2)
    before, runs = everything(world), len(queries.import_runs(planner))
    moments: list[str] = []
    stop = 0
    while True:
        left = iter(range(stop))

        def tell(what: str, _share: float, left: object = left) -> None:
            moments.append(what)
            if next(left, None) is None:  # type: ignore[call-overload]
                raise stopping

        try:
            import_extract(planner, folder, mapping, How(tell))
        except stopping:
            assert everything(world) == before
            assert len(queries.import_runs(planner)) == runs
            moments.clear()
            stop += 1
            continue
        break
    assert stop > 8, "it was stopped while reading, checking, and writing"
    number, _, rows = everything(world)
    assert (number, rows) == (before[0] + 1, 200)


def test_the_first_import_stopped_after_writing_leaves_no_table(world: World, folder: Path) -> None:
    def tell(what: str, _share: float) -> None:
        if what == "manifest":
            raise Cancelled

    with pytest.raises(Cancelled):
        import_extract(world["planner"], folder, folder / "mapping.yaml", How(tell))
    assert everything(world) == (0, set(), 0) or everything(world)[1] <= {
        Path(settings.TIERWISE_LAKE) / ".purchase_line.lock"
    }
    assert not (Path(settings.TIERWISE_LAKE) / "purchase_line").exists()


def _begun(world: World, folder: Path) -> UUID:
    run = begin_import(world["planner"], "erp", "")
    home = folder_of(run)
    (home / "extract").mkdir(parents=True)
    for file in folder.glob("*.csv"):
        (home / "extract" / file.name).write_bytes(file.read_bytes())
    (home / "mapping.yaml").write_text(MAPPING)
    return run


def state(world: World, run: UUID) -> ImportState:
    found = queries.import_run(world["planner"], run)
    assert found is not None
    return found.state


def test_cancelled_from_its_page(world: World, folder: Path) -> None:
    run = _begun(world, folder)
    cancel_import(world["planner"], run)
    run_upload(world["planner"], run)
    assert state(world, run) is ImportState.CANCELLED
    assert not folder_of(run).exists()
    assert queries.manifest(world["planner"]).number == 0
    with pytest.raises(NotFound):
        cancel_import(world["planner"], run)


def test_an_import_nobody_is_at_is_closed_at_once(world: World, folder: Path) -> None:
    run = _begun(world, folder)
    assert end_abandoned(world["planner"], run)
    assert state(world, run) is ImportState.CANCELLED
    assert not folder_of(run).exists()


def test_a_supplier_cancels_nothing(world: World, folder: Path) -> None:
    run = _begun(world, folder)
    with pytest.raises(NotAllowed):
        cancel_import(world["a planner"], run)
    assert state(world, run) is ImportState.RUNNING
