"""The same DAGs under CeleryExecutor: a real Redis, two workers, one of them killed in the middle of a load.

Processes, not containers; each worker is a session of its own, and is killed as a lost machine would be: all at once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import airflow
from pipeline.airflow_api import AirflowApi, Task
from pipeline.airflow_cluster import WORKER
from pipeline.airflow_settings import environment, free_port
from pipeline.build import build
from pipeline.laws import check_laws
from pipeline.processes import Service, stop
from tests.dags.test_scheduler import (
    PATIENCE,
    good_delivery,
    outstanding,
    sound_delivery,
    states,
    total,
    visible,
    wait_for,
)
from tests.security.canaries import FAULTY, GOOD, make_person, search_database, search_files
from tests.support.airflows import start_airflow
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

NIGHT = "nightly_ingest"
BRANCHES = {"96 Cà Mau", "58 Ninh Thuận"}
REDIS = shutil.which("redis-server")
WITHOUT_REDIS = "there is no redis-server: apt-get install redis-server (CI does, see .ci/run)"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of our own, with a password."""
    if REDIS is None:
        assert not os.environ.get("CI"), WITHOUT_REDIS
        pytest.skip(WITHOUT_REDIS)
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    (folder / "redis.conf").write_text(
        f"port {port}\nbind 127.0.0.1\nrequirepass only-of-this-test\nsave ''\ndir {folder}\n"
    )
    with subprocess.Popen([REDIS, str(folder / "redis.conf")], stdout=subprocess.DEVNULL) as server:
        yield f"redis://:only-of-this-test@127.0.0.1:{port}/0"
        server.terminate()


@pytest.fixture(scope="module")
def warehouse(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse with two deliveries in its landing, in a cluster."""
    home = tmp_path_factory.mktemp("celery")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_BROKER", broker)
        patch.setenv("WAREHOUSE_TASK_SILENCE", "10")
        patch.setenv("WAREHOUSE_WORKER_TASKS", "1")
        found = open_warehouse(home)
        for delivery, person in ((good_delivery(), GOOD), (sound_delivery(), FAULTY)):
            make_person(delivery, 1, person).write(Path(found.settings.landing))
        yield found
    EmbeddedServer(home).destroy()


@pytest.fixture(scope="module")
def api(warehouse: Warehouse) -> Iterator[AirflowApi]:
    """An Airflow that is up, without a single worker; of its DAGs only the night runs."""
    running = start_airflow(warehouse)
    try:
        found = AirflowApi(running)
        wait_for(lambda: found.has_dag(NIGHT))
        found.call("PATCH", "/api/v2/dags?dag_id_pattern=~", {"is_paused": True})
        found.call("PATCH", f"/api/v2/dags/{NIGHT}", {"is_paused": False})
        yield found
    finally:
        airflow.down(warehouse.settings)


@pytest.fixture(scope="module")
def workers(warehouse: Warehouse, api: AirflowApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    """Two workers, each of which will stop in the middle of its first load, as long as its mark is there."""
    folder = tmp_path_factory.mktemp("workers")
    services = [Service(f"worker-{number}", folder) for number in (1, 2)]
    for service in services:
        fault = {"WAREHOUSE_FAULT": "half a COPY loan_book=wait", "WAREHOUSE_FAULT_MARK": str(mark_of(service))}
        command = [sys.executable, "-m", "airflow", *WORKER, "--celery-hostname", f"{service.name}@%h"]
        service.start(command, environment(warehouse) | fault)
    yield services
    stop(services, patience=20)


def mark_of(worker: Service) -> Path:
    """The file that is there while a load on this worker stands in the middle of its COPY."""
    return worker.folder / f"{worker.name}.loading"


def let_go(mark: Path) -> None:
    """End the waiting, and keep a later load from waiting: a link to nothing is no file, and yet is in the way of one."""
    link = mark.with_suffix(".gone")
    link.symlink_to("nothing")
    link.replace(mark)


def loads(api: AirflowApi, run_id: str) -> list[Task]:
    return [task for task in api.tasks(NIGHT, run_id) if task.task_id == "branch.load"]


def test_a_night_ends_right_though_a_worker_is_killed_in_the_middle_of_a_load(
    api: AirflowApi, warehouse: Warehouse, workers: list[Service]
) -> None:
    (run,) = wait_for(lambda: api.runs(NIGHT))
    wait_for(lambda: all(mark_of(worker).exists() for worker in workers))
    lost, left = workers
    killed = lost.members()
    assert len(killed) > 1
    for process in killed:
        process.kill()
    let_go(mark_of(left))
    assert visible(warehouse) == {}
    state = api.wait_for_end(NIGHT, run["dag_run_id"], patience=PATIENCE)
    assert not lost.is_running()
    assert left.is_running()
    assert state == "success"
    assert states(loads(api, run["dag_run_id"]), "branch.load") == dict.fromkeys(BRANCHES, "success")
    assert visible(warehouse) == {"96": 1, "58": 1}
    tries = attempts(api, run["dag_run_id"])
    print(f"killed {len(killed)} processes of {lost.name}; attempts of branch.load: {tries}")
    assert sorted(tries.values()) == [1, 2]


def test_the_marts_follow_and_every_law_holds(warehouse: Warehouse, workers: list[Service]) -> None:
    build(warehouse)
    assert outstanding(warehouse) == {"96": total(good_delivery()), "58": total(sound_delivery())}
    assert [violation for result in check_laws(warehouse) for violation in result.violations] == []


def test_no_person_is_in_a_log_or_in_anything_that_airflow_keeps(
    api: AirflowApi, warehouse: Warehouse, workers: list[Service]
) -> None:
    """After the night above: each delivery held a person whose every value occurs nowhere else."""
    places = {
        "logs": search_files([api.airflow.home / "logs", api.airflow.home / "services", workers[0].folder]),
        **search_database(warehouse.url("admin", warehouse.airflow_database)),
    }
    print("; ".join(f"{place}: {found.searched} searched, {len(found.hits)} hits" for place, found in places.items()))
    assert {place: found.hits for place, found in places.items() if found.hits} == {}
    assert places["logs"].searched > 10
    assert places["public"].searched > 30
    # The search is not blind: both are where they may be.
    assert search_database(warehouse.url("admin"))["personal"].hits


def attempts(api: AirflowApi, run_id: str) -> dict[str, int]:
    """How often each branch's load was begun."""
    found = api.call("GET", f"/api/v2/dags/{NIGHT}/dagRuns/{run_id}/taskInstances")["task_instances"]
    return {task["rendered_map_index"]: task["try_number"] for task in found if task["task_id"] == "branch.load"}
