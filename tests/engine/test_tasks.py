"""Every task runs on its example, from every kind of file; what is wrong with a file is named by its place."""

from __future__ import annotations

import doctest
import io
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from tierwise import engine
from tierwise.engine.__main__ import app
from tierwise.engine.tasks import Kind, all_tasks, catalogue, find_task, run_task

TASKS = {task.key: task for task in all_tasks()}


def command(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def settings(key: str) -> list[str]:
    return [
        word for name, value in (TASKS[key].example_settings or {}).items() for word in ("--set", f"{name}={value}")
    ]


def test_each_family_has_two_tasks_or_more() -> None:
    count = {family: sum(task.family == family for task in TASKS.values()) for family in engine.__all__}
    assert min(count.values()) >= 2, count


@pytest.mark.parametrize("key", TASKS)
def test_a_task_runs_on_its_example_and_gives_what_it_says(key: str, tmp_path: Path) -> None:
    task = TASKS[key]
    assert command("example", key, "--to", str(tmp_path / "in.csv"))[0] == 0
    code, told = command("run", key, str(tmp_path / "in.csv"), *settings(key), "--to", str(tmp_path / "out.parquet"))
    assert code == 0, told
    answer = pl.read_parquet(tmp_path / "out.parquet")
    assert answer.height > 0
    assert set(task.gives) <= set(answer.columns)
    again = run_task(task, pl.read_csv(io.StringIO(task.example), infer_schema=False), task.example_settings)
    assert again.equals(answer)


@pytest.mark.parametrize("key", TASKS)
def test_a_task_is_described_with_all_it_reads_knows_and_gives(key: str) -> None:
    code, told = command("describe", key)
    assert code == 0
    task = TASKS[key]
    for name in (*(c.name for c in task.columns), *(p.name for p in task.parameters), *task.gives):
        assert f"  {name}: " in told
    assert f"run {key} example.csv" in told


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_files_of_every_kind_are_read_and_written(suffix: str, tmp_path: Path) -> None:
    given, answer = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    assert command("example", "scoring.share", "--to", str(given))[0] == 0
    code, told = command("run", "scoring.share", str(given), "--to", str(answer))
    assert (code, told.split()[:3]) == (0, ["3", "rows", "written"])
    again = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".xlsx": pl.read_excel}[suffix](answer)
    assert again["low"].round(4).to_list() == [0.85, 0.5958, 0.7709]


def test_the_screen_shows_a_table_and_the_list_all_tasks() -> None:
    code, told = command("list")
    assert code == 0
    assert all(key in told for key in TASKS)
    assert "stock.newsvendor" not in command("list", "demand")[1]


def test_the_answer_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("item,mean,sd,holding,stockout\nnewspaper,50,8,0.18,0.70\n")
    told = command("run", "stock.newsvendor", str(tmp_path / "in.csv"))[1].splitlines()
    assert told[0].split()[:3] == ["item", "quantity", "cost"]
    assert told[1].split()[:3] == ["newspaper", "56.604", "1.99761"]


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("supplier,hit,n\nS,1,2\n", [], "column 'hits' is missing; is it 'hit'?"),
        ("supplier,hits,n\nS,1,2\nT,x,4\n", [], "column 'hits', row 2: 'x' is not a whole number"),
        ("supplier,hits,n\nS,1.5,2\n", [], "column 'hits', row 1: '1.5' is not a whole number"),
        ("supplier,hits,n\nS,1,\nT,1,\n", [], "column 'n', row 1: is empty and must be filled (1 more rows likewise)"),
        ("supplier,hits,n\nS,3,2\n", [], "column 'hits', row 1: must lie between 0 and n"),
        ("supplier,hits,n\nS,1,2\n", ["--set", "target=high"], "setting 'target' is 'high', not a number"),
        ("supplier,hits,n\nS,1,2\n", ["--set", "aim=1"], "setting 'aim' is none of scoring.share; it knows target"),
        ("supplier,hits,n\nS,1,2\n", ["--set", "target"], "write NAME=VALUE"),
        ("supplier,hits,n\nS,1,2\n", ["--to", "x.txt"], "ends with .txt; files are .csv, .parquet, .xlsx"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(text)
    code, output = command("run", "scoring.share", str(tmp_path / "in.csv"), *words)
    assert code == 1
    assert told in output.replace("\n", " ")


def test_what_cannot_be_found_is_said(tmp_path: Path) -> None:
    assert "near it: stock.newsvendor" in command("describe", "stock.newsvender")[1]
    assert "there is no such file" in command("run", "scoring.share", str(tmp_path / "no.csv"))[1]
    assert "there is no 'nothing'" in command("list", "nothing")[1]
    (tmp_path / "in.parquet").write_text("no parquet")
    assert "cannot be read as parquet" in command("run", "scoring.share", str(tmp_path / "in.parquet"))[1]
    (tmp_path / "in.csv").write_text("party,claim\nA,1\n")
    assert "setting 'supply' must be given" in command("run", "division.divide", str(tmp_path / "in.csv"))[1]
    code, told = command("run", "division.divide", str(tmp_path / "in.csv"), "--set", "supply=1", "--set", "rule=mine")
    assert (code, "choose of proportional" in told) == (1, True)


def test_a_series_with_a_period_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("series,period,value\nA,1,2\nA,2,3\nA,1,4\n")
    told = command("run", "watching.cusum", str(tmp_path / "in.csv"), "--set", "target=0")[1]
    assert "row 3: series 'A' has period '1' twice" in told


def test_the_tenth_period_comes_after_the_ninth() -> None:
    rows = [("A", str(at), 10.0 if at < 8 else 30.0 + at % 2) for at in range(1, 13)]
    table = pl.DataFrame(rows[::-1], schema=["series", "period", "demand"], orient="row")
    assert run_task(find_task("demand.level_shifts"), table)["period"].to_list() == ["8"]


@pytest.mark.parametrize(
    ("kind", "texts", "values"),
    [
        (Kind.FLAG, ["yes", "No", " 1", "false"], [True, False, True, False]),
        (Kind.NUMBER, ["1.5", " 2", "-3e2", "0"], [1.5, 2.0, -300.0, 0.0]),
        (Kind.WHOLE, ["1", "2.0", "-3", "0"], [1, 2, -3, 0]),
    ],
)
def test_values_are_read_as_they_are_written(kind: Kind, texts: list[str], values: list[object]) -> None:
    from tierwise.engine.tasks import Column, Task
    from tierwise.engine.tasks.check import checked_table

    task = Task("f", "t", "", (Column("x", kind, "x"),), {}, lambda table, _: table, "", "")
    assert checked_table(task, pl.DataFrame({"x": texts}))["x"].to_list() == values


def test_examples_of_the_catalogue_hold() -> None:
    found = doctest.testmod(catalogue)
    assert (found.failed, found.attempted > 2) == (0, True)
    with pytest.raises(ValueError, match="there is no"):
        find_task("nothing.like.it")
