"""An error in one branch's step, such as a full disk: its own tasks fail, and nobody else's.

The DAG file is the real one, run by `airflow dags test`; the steps are stand-ins, for the error must come from outside.
"""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest

from pipeline.airflow import prepare
from pipeline.airflow_settings import environment
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT

STEPS = """
def find_branches(): return ["58", "96"]
def verify_branch(code): return [1]
def load_branch(code):
    if code == "58": raise OSError("No space left on device")
    return [1]
def validate_branch(code): return [1]
def publish_branch(code): return [1]
def end_run(dag_run, states, codes):
    print("told of", sorted(name for name, state in states[dag_run.run_id].items() if state == "failed"), list(codes))
"""
NEWS = """
def branch_name(code): return code
def has_news(since): return True
def require_good_verdicts(since): return None
"""


@pytest.fixture(scope="module")
def states(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The states of the tasks of such a night and, as `run`, of the run itself."""
    stand_ins = tmp_path_factory.mktemp("stand_ins")
    common = (PROJECT / "dags/common.py").read_text().replace('"retries": 2', '"retries": 0')
    sources = {"pipeline/steps.py": STEPS, "pipeline/news.py": NEWS, "dags/common.py": common}
    for name, source in sources.items():
        (stand_ins / name).parent.mkdir(exist_ok=True)
        (stand_ins / name).write_text(source)
        (stand_ins / name).with_name("__init__.py").touch()
    prepare(warehouse)
    environ = environment(warehouse)
    environ["PYTHONPATH"] = f"{stand_ins}:{environ['PYTHONPATH']}"
    command = [sys.executable, "-m", "airflow", "dags", "test", "nightly_ingest"]
    done = subprocess.run(command, env=environ, cwd="/", capture_output=True, text=True, check=False)
    assert "No space left on device" in done.stdout, done.stdout[-3000:]
    assert "told of ['branch.load_0'] ['58', '96']" in done.stdout, done.stdout[-3000:]
    address = warehouse.url("airflow", warehouse.airflow_database)
    with psycopg.connect(address) as connection:
        tasks = connection.execute(
            "select task_id || coalesce(' ' || rendered_map_index, ''), state from task_instance where dag_id = 'nightly_ingest'"
        ).fetchall()
        runs = connection.execute("select 'run', state from dag_run where dag_id = 'nightly_ingest'").fetchall()
    return dict(tasks + runs)


def test_the_other_branch_is_published(states: dict[str, str]) -> None:
    assert states["branch.load 58"] == "failed"
    assert [states[f"branch.{step} 96"] for step in ("verify", "load", "validate", "publish")] == ["success"] * 4


def test_the_run_is_red_and_shows_where(states: dict[str, str]) -> None:
    assert states["run"] == "failed"
    assert states["every_branch_ran"] == "upstream_failed"
    assert states["report_verdicts"] == "success"
    assert states["tell"] == "success"


def test_what_was_published_is_announced_all_the_same(states: dict[str, str]) -> None:
    assert states["announce_news"] == "success"


def test_the_branch_goes_no_further(states: dict[str, str]) -> None:
    reached = {name for name in states if name.startswith("branch.publish")}
    assert reached, states
    assert sorted(states[name] for name in reached) == ["success", "upstream_failed"]
