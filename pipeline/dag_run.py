"""Running a DAG to its end: by the scheduler where Airflow is up, else in one process by `airflow dags test`."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator

from contract.errors import WarehouseError
from pipeline.airflow import prepare
from pipeline.airflow_api import AirflowApi, Task
from pipeline.airflow_settings import Airflow, environment
from pipeline.news import branch_name
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT

Progress = Callable[[str], None]
PATIENCE = 3600.0
"""Seconds after which a run under the scheduler is no longer waited for."""
_LOGGED = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^\s*$")
_STARTING = re.compile(r"\[DAG TEST\] starting task_id=(\S+) map_index=(-?\d+)")
_STATE = re.compile(r"Task instance state updated .* new_state=(\w+)")
_END = re.compile(r"\[DAG TEST\] end task task_id=")
# A model or test that went well: there are a hundred of them, and the log has them all.
_DBT_GOOD = re.compile(r"^\s*\d+ of \d+ (OK|PASS|START)\b")


def run_dag(warehouse: Warehouse, dag_id: str, branches: list[str], progress: Progress) -> bool:
    """Run a DAG, telling of each task that ends, and return whether the run succeeded.

    `branches` are the codes that the DAG will map its tasks over, in that order: they give the tasks their names.
    """
    airflow = Airflow(warehouse.settings.home)
    if airflow.is_up():
        # A run of `dags test` would be picked up by the scheduler as well.
        api = AirflowApi(airflow)
        if api.is_paused(dag_id):
            raise WarehouseError(
                f"The DAG {dag_id} is paused, and a run of it would not begin",
                remedy=f"Resume it at {airflow.address}, or stop Airflow with `make down`.",
            )
        run_id = api.trigger(dag_id)
        return (
            api.wait_for_end(dag_id, run_id, patience=PATIENCE, on_task=lambda task: progress(f"  {task}")) == "success"
        )
    prepare(warehouse, progress)
    log = airflow.home / f"{dag_id}.log"
    command = [sys.executable, "-m", "airflow", "dags", "test", dag_id]
    with (
        log.open("w") as kept,
        subprocess.Popen(
            command,
            env=environment(warehouse),
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for told in follow(_keep(process.stdout, kept.write), [branch_name(code) for code in branches]):
            progress(f"  {told}")
    if process.returncode:
        progress(f"  {dag_id} did not succeed; its log is {log}")
    return process.returncode == 0


def follow(lines: Iterable[str], labels: list[str]) -> Iterator[str]:
    """Read the output of `airflow dags test`; yield a line for each task that ends, and before it what it printed."""
    name, label, state, begun = "", "", "unknown", 0.0
    for line in lines:
        if found := _STARTING.search(line):
            name, state, begun = found[1], "unknown", time.monotonic()
            index = int(found[2])
            label = labels[index] if 0 <= index < len(labels) else str(index) if index >= 0 else ""
        elif found := _STATE.search(line):
            state = found[1]
        elif _END.search(line):
            yield str(Task(name, label, state, time.monotonic() - begun))
            name = ""
        elif name and not _LOGGED.match(line) and not _DBT_GOOD.match(line):
            yield f"  {line.rstrip()}"


def _keep(lines: Iterable[str], write: Callable[[str], object]) -> Iterator[str]:
    for line in lines:
        write(line)
        yield line
