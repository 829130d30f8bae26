"""The DAG files: thin, documented, cheap to parse. Each rule is applied to our files and to a file that breaks it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).parents[2] / "dags"
FILES = sorted(DAGS.glob("*.py"))
SECTIONS = ("**What.**", "**When it fails.**", "**Safe to rerun.**", "**Who is told.**")
HEAVY = ("great_expectations", "dbt", "pandas", "pyarrow", "numpy", "psycopg", "pipeline", "warehouse")
LONG = 120
NAMES = ("nightly_ingest", "build_marts", "rework_dates", "housekeeping")
"""`quarterly_snapshot` has runs that wait for people, and rules of its own."""

PROBE = """
import importlib, json, sys
modules = [importlib.import_module(name) for name in sys.argv[2:]]
makers = [getattr(module, module.__name__.rpartition(".")[2], None) for module in modules]
found = [maker() for maker in makers if maker]
print(json.dumps({
    "heavy": [name for name in sys.argv[1].split(",") if name in sys.modules],
    "dags": {dag.dag_id: {
        "doc": dag.doc_md, "owner": dag.owner, "tags": sorted(dag.tags), "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs, "tasks": {task.task_id: {
            "retries": task.retries, "minutes": task.execution_timeout.total_seconds() / 60,
            "template": getattr(task, "map_index_template", None), "at_once": task.max_active_tis_per_dagrun,
            "rule": str(task.trigger_rule.value),
            "before": sorted(task.upstream_task_ids), "inlets": sorted(asset.name for asset in task.inlets),
            "outlets": sorted(asset.name for asset in task.outlets),
        } for task in dag.tasks},
    } for dag in found},
}))
"""


def parse(folder: Path, *modules: str) -> dict[str, Any]:
    """Import DAG modules in a Python of their own and describe what they hold."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "AIRFLOW_HOME": str(folder / "nowhere")}
    command = [sys.executable, "-c", PROBE, ",".join(HEAVY), *modules]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return parsed


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("project")
    for package in ("dags", "pipeline", "warehouse"):
        (root / package).symlink_to(DAGS.parent / package)
    found = parse(root, *(f"dags.{name}" for name in NAMES))
    assert sorted(found["dags"]) == sorted(NAMES)
    return found


def find_fat_tasks(source: str) -> list[str]:
    """Return the tasks that do more than one call into the pipeline (besides importing it and skipping)."""
    fat = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef) or not any(_is_task(d) for d in function.decorator_list):
            continue
        rest = [line for line in function.body if not isinstance(line, ast.ImportFrom)]
        calls = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Call)
            and ast.unparse(node.func.value) in ("steps", "news")
        ]  # fmt: skip
        if len(rest) != 1 or len(calls) != 1 or not isinstance(rest[0], ast.Return | ast.Expr | ast.If):
            fat.append(function.name)
    return fat


def _is_task(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).startswith("task") and not ast.unparse(decorator).startswith("task_group")


def test_parsing_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    assert parsed["heavy"] == []


def test_a_heavy_import_at_parse_time_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "heavy_dag.py").write_text("import pyarrow\n")
    assert "pyarrow" in parse(tmp_path, "heavy_dag")["heavy"]


def test_the_dags_say_what_to_do_with_them(parsed: dict[str, Any]) -> None:
    for name, dag in parsed["dags"].items():
        places = [dag["doc"].find(section) for section in SECTIONS]
        assert -1 not in places, name
        assert places == sorted(places), name
        assert dag["owner"], name
        assert dag["tags"], name


def test_runs_never_pile_up(parsed: dict[str, Any]) -> None:
    for dag in parsed["dags"].values():
        assert dag["max_active_runs"] == 1
        assert dag["catchup"] is False


def test_every_task_has_retries_or_a_reason_not_to_and_a_time_limit(parsed: dict[str, Any]) -> None:
    for dag in parsed["dags"].values():
        for name, task in dag["tasks"].items():
            assert task["retries"] == (0 if name in ("report_verdicts", "every_branch_ran") else 2), name
            assert 0 < task["minutes"] <= 120, name


def test_branches_are_mapped_two_at_a_time_and_named(parsed: dict[str, Any]) -> None:
    tasks = parsed["dags"]["nightly_ingest"]["tasks"]
    mapped = {name: task for name, task in tasks.items() if name.startswith("branch.")}
    assert list(mapped) == ["branch.verify", "branch.load", "branch.validate", "branch.publish"]
    mapped |= {"rework": parsed["dags"]["rework_dates"]["tasks"]["rework"]}
    for task in mapped.values():
        assert task["at_once"] == 2
        assert "branch_name" in task["template"]


def test_areas_are_built_one_after_the_other_and_flipped_last(parsed: dict[str, Any]) -> None:
    tasks = parsed["dags"]["build_marts"]["tasks"]
    order = ["open_build", "prepare", "dimensions", "lending", "capital", "boards", "flip", "show"]
    assert list(tasks) == order
    for before, after in pairwise(order):
        assert before in tasks[after]["before"]


def test_the_asset_graph_leads_from_the_landing_to_the_marts(parsed: dict[str, Any]) -> None:
    dags = parsed["dags"]
    edges = {
        (asset, name) for name, dag in dags.items() for task in dag["tasks"].values() for asset in task["inlets"]
    } | {(name, asset) for name, dag in dags.items() for task in dag["tasks"].values() for asset in task["outlets"]}
    assert {
        ("warehouse/landing", "nightly_ingest"), ("nightly_ingest", "warehouse/visible"),
        ("warehouse/visible", "build_marts"), ("build_marts", "warehouse/marts"),
    } <= edges  # fmt: skip


def test_a_night_ends_with_telling_whatever_has_failed(parsed: dict[str, Any]) -> None:
    night = parsed["dags"]["nightly_ingest"]["tasks"]
    assert night["tell"]["rule"] == "all_done"
    # It is green when it has told of a red night: others decide the colour of the run.
    assert "tell" not in {name for task in night.values() for name in task["before"]}
    assert night["tell"]["before"] == night["every_branch_ran"]["before"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_dag_file_is_short_and_its_tasks_are_one_call(file: Path) -> None:
    source = file.read_text()
    assert len(source.splitlines()) <= LONG
    assert find_fat_tasks(source) == []


def test_no_dag_file_is_named_like_a_dbt_plugin() -> None:
    assert [file.name for file in FILES if file.name.startswith("dbt_")] == []


@pytest.mark.parametrize(
    "body",
    [
        "from pipeline import steps\n    x = steps.a()\n    return steps.b(x)",
        "return 1 + 1",
        "from pipeline import steps\n    return [row for row in steps.a() if steps.b(row)]",
    ],
    ids=["two calls", "no call", "a loop with calls"],
)
def test_a_task_that_does_work_of_its_own_would_be_seen(body: str) -> None:
    assert find_fat_tasks(f"@task(retries=1)\ndef fat():\n    {body}\n") == ["fat"]
