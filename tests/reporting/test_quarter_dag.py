"""The DAG of the quarter: its order, what it may hold, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
PROBE = """
import json, sys
from dags.quarterly_snapshot import quarterly_snapshot
dag = quarterly_snapshot()
print(json.dumps({
    "heavy": [name for name in ("dbt", "pandas", "pyarrow", "psycopg", "pipeline", "reporting") if name in sys.modules],
    "doc": dag.doc_md, "owner": dag.owner, "catchup": dag.catchup, "pattern": dag.params.get_param("quarter").schema["pattern"],
    "tasks": {t.task_id: {"before": sorted(t.upstream_task_ids), "retries": t.retries, "type": type(t).__mro__[1].__name__,
                          "limit": t.execution_timeout and t.execution_timeout.total_seconds()} for t in dag.tasks},
}))
"""


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "AIRFLOW_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nothing_heavy_is_imported_while_it_is_parsed(dag: dict[str, Any]) -> None:
    assert dag["heavy"] == []


def test_nothing_is_published_before_it_is_checked_derived_again_and_approved(dag: dict[str, Any]) -> None:
    order = ["freeze", "check", "rederive", "approve", "publish", "report"]
    assert sorted(dag["tasks"]) == sorted(order)
    for before, after in pairwise(order):
        assert before in dag["tasks"][after]["before"]


def test_the_question_has_no_time_limit_and_is_asked_again(dag: dict[str, Any]) -> None:
    approve = dag["tasks"]["approve"]
    assert approve["type"] == "ApprovalOperator"
    assert approve["limit"] is None
    assert approve["retries"] >= 20
    assert all(task["limit"] for name, task in dag["tasks"].items() if name != "approve")


def test_a_quarter_is_asked_for_by_its_code(dag: dict[str, Any]) -> None:
    assert dag["pattern"] == "^[0-9]{4}Q[1-4]$"
    assert dag["catchup"] is False


def test_it_says_what_to_do_with_it(dag: dict[str, Any]) -> None:
    sections = ("**What.**", "**When it fails.**", "**Safe to rerun.**", "**Who is told.**")
    places = [dag["doc"].find(section) for section in sections]
    assert -1 not in places
    assert places == sorted(places)
    assert (PROJECT / "docs/runbooks/close-a-quarter.md").exists()
