"""Both DAGs under the real scheduler: a night with two branches of which one is bad, then its correction.

Airflow's four processes run against a warehouse of their own. The tests follow one another, as the nights do.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from contract.errors import WarehouseError
from pipeline import airflow
from pipeline.airflow_api import AirflowApi, Task
from pipeline.dag_run import run_dag
from pipeline.processes import PROC
from tests.support.airflows import start_airflow
from tests.support.deliveries import Delivery, first_delivery
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

PATIENCE = 600.0
"""Seconds that a run may take on a busy machine; on an idle one it is half a minute."""
GOOD, BAD = "96 Cà Mau", "58 Ninh Thuận"
T = TypeVar("T")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def good_delivery() -> Delivery:
    return first_delivery("96", "2025-09-28")


def sound_delivery() -> Delivery:
    return first_delivery("58", "2024-03-31")


def delivery_without_one_dong() -> Delivery:
    bad = sound_delivery()
    return bad.edit("loan_book", 1, in_term_vnd=bad.rows["loan_book"][0]["in_term_vnd"] - 1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("airflow-warehouse")
    yield folder
    EmbeddedServer(folder).destroy()


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Warehouse:
    """A warehouse with two deliveries in its landing."""
    found = open_warehouse(home)
    landing = Path(found.settings.landing)
    good_delivery().write(landing)
    delivery_without_one_dong().write(landing)
    return found


@pytest.fixture(scope="module")
def api(warehouse: Warehouse) -> Iterator[AirflowApi]:
    """An Airflow that is up."""
    running = start_airflow(warehouse)
    try:
        yield AirflowApi(running)
    finally:
        airflow.down(warehouse.settings)


def wait_for(what: Callable[[], T], patience: float = PATIENCE) -> T:
    """Ask until the answer is true and return it; fail after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < deadline, f"{what} was not true within {patience:.0f} s"
        time.sleep(0.5)
    return found


def run_night(api: AirflowApi) -> tuple[str, list[Task]]:
    """Start a night and return its state and tasks when it has ended."""
    run_id = api.trigger("nightly_ingest")
    state = api.wait_for_end("nightly_ingest", run_id, patience=PATIENCE)
    return state, api.tasks("nightly_ingest", run_id)


def states(tasks: list[Task], name: str) -> dict[str, str | None]:
    return {task.label: task.state for task in tasks if task.task_id == name}


def visible(warehouse: Warehouse) -> dict[str, int]:
    """Return what a reader may see: the revision by branch."""
    with warehouse.connect("loader") as connection:
        rows = connection.execute("select branch_code, revision from meta.visible_deliveries").fetchall()
    return dict(rows)


def outstanding(warehouse: Warehouse) -> dict[str, int]:
    """Return what the board sees: the outstanding đồng by branch; nothing before the first build."""
    with warehouse.connect("transformer") as connection, contextlib.suppress(psycopg.errors.UndefinedTable):
        return dict(
            connection.execute("select branch_code, outstanding_vnd from marts.mart_branch_scorecard").fetchall()
        )
    return {}


def total(delivery: Delivery) -> int:
    buckets = ("in_term_vnd", "overdue_vnd", "frozen_vnd")
    return sum(int(loan[bucket]) for loan in delivery.rows["loan_book"] for bucket in buckets)


def test_the_first_night_starts_by_itself_and_one_bad_branch_does_not_stop_the_other(
    api: AirflowApi, warehouse: Warehouse
) -> None:
    (run,) = wait_for(lambda: api.has_dag("nightly_ingest") and api.runs("nightly_ingest"))
    assert run["run_type"] == "scheduled"
    state = api.wait_for_end("nightly_ingest", run["dag_run_id"], patience=PATIENCE)
    tasks = api.tasks("nightly_ingest", run["dag_run_id"])
    for step in ("verify", "load", "validate", "publish"):
        assert states(tasks, f"branch.{step}") == {GOOD: "success", BAD: "success"}, step
    assert visible(warehouse) == {"96": 1}
    # The run is red, for a branch has something to do; what failed is the report and nothing else.
    assert state == "failed"
    assert {task.task_id for task in tasks if task.state != "success"} == {"report_verdicts"}
    (run,) = api.runs("nightly_ingest")
    assert run["note"].startswith(f"{BAD}, 2024-03-31, revision 1: held.")
    page = (warehouse.settings.home / "status" / "index.html").read_text(encoding="utf-8")
    assert "The night was" in page


def test_the_report_stays_red_when_it_is_cleared_while_something_is_held(api: AirflowApi) -> None:
    (run,) = api.runs("nightly_ingest")
    run_id = run["dag_run_id"]
    only = {"dag_run_id": run_id, "task_ids": ["report_verdicts"], "dry_run": False, "only_failed": False}
    api.call("POST", "/api/v2/dags/nightly_ingest/clearTaskInstances", only)
    assert api.wait_for_end("nightly_ingest", run_id, patience=PATIENCE) == "failed"
    assert states(api.tasks("nightly_ingest", run_id), "report_verdicts") == {"": "failed"}


def test_a_paused_dag_is_said_instead_of_waited_for(api: AirflowApi, warehouse: Warehouse) -> None:
    path = "/api/v2/dags/rework_dates?update_mask=is_paused"
    api.call("PATCH", path, {"is_paused": True})
    with pytest.raises(WarehouseError, match="The DAG rework_dates is paused"):
        run_dag(warehouse, "rework_dates", [], print)
    api.call("PATCH", path, {"is_paused": False})


def test_the_marts_follow_the_ledger_without_anybodys_doing(api: AirflowApi, warehouse: Warehouse) -> None:
    wait_for(lambda: outstanding(warehouse) == {"96": total(good_delivery())})
    builds = api.runs("build_marts")
    assert "asset_triggered" in {build["run_type"] for build in builds}
    assert "failed" not in {build["state"] for build in builds}


def test_a_night_with_nothing_new_is_green_and_announces_nothing(api: AirflowApi) -> None:
    state, tasks = run_night(api)
    assert state == "success"
    assert states(tasks, "announce_news") == {"": "skipped"}
    assert states(tasks, "report_verdicts") == {"": "success"}


def test_the_corrected_delivery_is_taken_in_and_the_night_is_green(api: AirflowApi, warehouse: Warehouse) -> None:
    sound_delivery().revise().write(Path(warehouse.settings.landing))
    state, tasks = run_night(api)
    assert states(tasks, "branch.publish") == {BAD: "success"}
    assert state == "success"
    assert visible(warehouse) == {"96": 1, "58": 2}
    wait_for(lambda: outstanding(warehouse) == {"96": total(good_delivery()), "58": total(sound_delivery())})


def test_up_when_it_is_up_says_so_and_starts_nothing(
    api: AirflowApi, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [service.recorded() for service in api.airflow.services]
    airflow.up(warehouse)
    assert capsys.readouterr().out.startswith(f"Airflow is already up at {api.airflow.address}")
    assert [service.recorded() for service in api.airflow.services] == before


def test_a_killed_scheduler_comes_back_with_up(api: AirflowApi, warehouse: Warehouse) -> None:
    scheduler = next(service for service in api.airflow.services if service.name == "scheduler")
    before = scheduler.members()
    leader = scheduler.recorded()
    assert leader is not None
    leader.kill()
    wait_for(lambda: not scheduler.is_running())
    airflow.up(warehouse)
    assert scheduler.is_running()
    # Its workers had outlived it.
    assert [process for process in before if process.is_alive()] == []
    state, _ = run_night(api)
    assert state == "success"


def test_down_leaves_nothing_running(api: AirflowApi, warehouse: Warehouse, home: Path) -> None:
    members = {process for service in api.airflow.services for process in service.members()}
    assert len(members) >= len(api.airflow.services)
    airflow.down(warehouse.settings)
    assert [process for process in members if process.is_alive()] == []
    assert find_processes_that_name(home) == []
    airflow.down(warehouse.settings)


def find_processes_that_name(home: Path) -> list[str]:
    """Return the command lines of running processes that have this folder in an argument or as AIRFLOW_HOME."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(home).encode() in command or f"AIRFLOW_HOME={home}".encode() in environ:
                found.append(command.decode(errors="replace"))
    return found
