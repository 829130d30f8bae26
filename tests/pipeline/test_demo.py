"""`make run` on a machine that has nothing yet, and again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.dag_run import follow
from pipeline.demo import is_complete
from warehouse.server import EmbeddedServer
from warehouse.settings import PROJECT

FIGURES = 15
"""Printed figures of the two meetings that the marts answer, at least."""

DAG_TEST_OUTPUT = """\
2026-01-01T00:00:00.0Z [info     ] [DAG TEST] starting task_id=branch.load map_index=1 [airflow] loc=dag.py:1
2026-01-01T00:00:00.0Z [info     ] Task instance state updated    [airflow.api] new_state=success rows_affected=1
96 2025-09-30: loan_book

2026-01-01T00:00:00.0Z [info     ] [DAG TEST] end task task_id=branch.load map_index=1 [airflow] loc=dag.py:1
2026-01-01T00:00:00.0Z [info     ] [DAG TEST] starting task_id=boards map_index=-1 [airflow] loc=dag.py:1
    4 of 17 OK created sql mart model marts.mart_demand_coverage [INSERT 0 2648 in 0.46s]
  5 of 17 PASS assert_what_is_published_is_covered
  6 of 17 FAIL 3 assert_capital_tiers_make_the_total
2026-01-01T00:00:00.0Z [info     ] Task instance state updated    [airflow.api] new_state=failed rows_affected=1
2026-01-01T00:00:00.0Z [info     ] [DAG TEST] end task task_id=boards map_index=-1 [airflow] loc=dag.py:1
2026-01-01T00:00:00.0Z [info     ] DagRun Finished
"""


def test_progress_names_branches_and_tasks_and_keeps_what_went_well_to_the_log() -> None:
    told = [line.rsplit(" in ", 1)[0] for line in follow(DAG_TEST_OUTPUT.splitlines(), ["58 Ninh Thuận", "96 Cà Mau"])]
    assert told == [
        "  96 2025-09-30: loan_book",
        "branch.load [96 Cà Mau]: success",
        "    6 of 17 FAIL 3 assert_capital_tiers_make_the_total",
        "boards: failed",
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("newcomer")
    yield folder
    EmbeddedServer(folder).destroy()


def run_demo(home: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    environment["WAREHOUSE_HOME"] = str(home)
    command = [sys.executable, "-m", "pipeline", "demo"]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_printed_figure_agrees_and_a_second_run_changes_nothing(home: Path) -> None:
    first = run_demo(home)
    assert first.returncode == 0, first.stdout + first.stderr
    assert not is_complete(home / "landing" / "elsewhere", "ninh-thuan-2024q1")
    assert is_complete(home / "landing", "ninh-thuan-2024q1")
    verdicts = [line.split()[-1] for line in first.stdout.splitlines() if line.endswith(("  yes", "  NO"))]
    assert len(verdicts) >= FIGURES
    assert set(verdicts) == {"yes"}

    again = run_demo(home)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Every delivery is a duplicate: nothing has changed." in again.stdout
    assert table(again.stdout) == table(first.stdout)


def table(output: str) -> str:
    """Return what is printed from the first title on."""
    return output[output.index("Ninh Thuận") :]
