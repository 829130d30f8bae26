"""A quarter closed by the real scheduler, a correction after it, and its second version; then proved from the bytes.

The tests follow one another: first Airflow's four processes close the quarter, then the command line looks at it.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from contract.errors import WarehouseError
from ingestion.store import Store
from pipeline import airflow, cli
from pipeline.airflow_api import AirflowApi
from pipeline.airflow_settings import APPROVER
from pipeline.build import build
from pipeline.night import run_night
from reporting.quarter import Quarter
from reporting.quarter_decide import find_alterations
from reporting.quarter_log import Version, read_versions
from tests.support.airflows import start_airflow
from tests.support.deliveries import Delivery, first_delivery, repay
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

PATIENCE = 900.0
"""Seconds that a run may take on a busy machine."""
QUARTER = Quarter(2025, 3)
DAG = "quarterly_snapshot"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


def deliveries() -> list[Delivery]:
    opening = first_delivery("96", "2025-07-01")
    return [opening, repay(opening.next("2025-09-30"), 1, 3_000_000)]


def corrected_delivery() -> Delivery:
    """The quarter's end again, with another million repaid."""
    return repay(deliveries()[0].next("2025-09-30"), 1, 4_000_000).revise()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse that has taken a quarter in."""
    home = tmp_path_factory.mktemp("quarter-airflow")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WAREHOUSE_HOME", str(home))
        found = open_warehouse(home)
        for delivery in deliveries():
            delivery.write(Path(found.settings.landing))
        run_night(found, processes=1)
        build(found)
        yield found
    EmbeddedServer(home).destroy()


@pytest.fixture(scope="module")
def api(warehouse: Warehouse) -> Iterator[AirflowApi]:
    """An Airflow that is up, with the nights and builds paused: here only the quarter runs."""
    running = start_airflow(warehouse)
    try:
        found = AirflowApi(running)
        wait_for(lambda: found.has_dag(DAG))
        for name in ("nightly_ingest", "build_marts"):
            wait_for(lambda name=name: found.has_dag(name))  # type: ignore[misc]
            found.call("PATCH", f"/api/v2/dags/{name}", {"is_paused": True})
        yield found
    finally:
        airflow.down(warehouse.settings)


@pytest.fixture(scope="module")
def approver(api: AirflowApi) -> AirflowApi:
    """The same Airflow as another person sees it."""
    password = json.loads((api.airflow.home / "passwords.json").read_text())[APPROVER]
    login = json.dumps({"username": APPROVER, "password": password}).encode()
    request = urllib.request.Request(f"{api.airflow.address}/auth/token", login, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        token = json.load(answer)["access_token"]
    other = AirflowApi(api.airflow)
    other._token = token
    return other


def wait_for(what: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Ask until the answer is true and return it; fail after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < deadline, f"{what} was not true within {patience:.0f} s"
        time.sleep(0.5)
    return found


def start(api: AirflowApi) -> str:
    body = {"logical_date": None, "conf": {"quarter": QUARTER.code}}
    return str(api.call("POST", f"/api/v2/dags/{DAG}/dagRuns", body)["dag_run_id"])


def approval(api: AirflowApi, run_id: str) -> dict[str, Any]:
    return api.call("GET", f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/approve")


def wait_for_question(api: AirflowApi, run_id: str, after: int = 0) -> tuple[str, int]:
    """Wait until the run asks a person, in a later try than `after`; return what it asks and the number of the try.

    Airflow may try a task again for reasons of its own, so tries are not counted. Its scheduler has to have noticed that
    the task is parked: it takes an answer within that second for a fault of the executor's, forgets it and asks again.
    """
    log = api.airflow.home / "services" / "scheduler.log"

    def is_noticed(number: int) -> bool:
        mark = f"task_id=approve, run_id={run_id},"
        lines = [line for line in log.read_text().splitlines() if "TaskInstance Finished" in line and mark in line]
        return any("state=awaiting_input" in line and f"try_number={number}," in line for line in lines)

    def ask() -> int:
        found = approval(api, run_id)
        run = api.call("GET", f"/api/v2/dags/{DAG}/dagRuns/{run_id}")
        assert run["state"] in ("queued", "running"), [str(task) for task in api.tasks(DAG, run_id)]
        number = int(found["try_number"])
        return number if found["state"] == "awaiting_input" and number > after and is_noticed(number) else 0

    number = wait_for(ask)
    details = api.call("GET", f"/api/v2/dags/{DAG}/dagRuns/{run_id}/hitlDetails")["hitl_details"]
    return str(details[0]["body"]), number


def answer(api: AirflowApi, run_id: str, option: str, reason: str = "") -> None:
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
    api.call("PATCH", path, {"chosen_options": [option], "params_input": {"reason": reason}})


def states(warehouse: Warehouse) -> list[tuple[int, str, str]]:
    with warehouse.connect("quarter_keeper") as connection:
        return connection.execute("select version, status, by from quarters.quarter_close order by at").fetchall()


def versions(warehouse: Warehouse) -> list[Version]:
    with warehouse.connect("quarter_keeper") as connection:
        return read_versions(connection, QUARTER)


def test_a_quarter_waits_for_a_person_and_not_for_the_one_who_started_it(
    api: AirflowApi, approver: AirflowApi, warehouse: Warehouse
) -> None:
    run_id = start(api)
    question, tried = wait_for_question(api, run_id)
    (draft,) = versions(warehouse)
    assert draft.content_sha256 in question
    assert "1 of 34 branches are published" in question
    # Waiting holds no slot: nothing runs, and nothing is deferred to a triggerer.
    assert api.call("GET", "/api/v2/pools/default_pool")["occupied_slots"] == 0
    answer(api, run_id, "Approve")
    _, tried = wait_for_question(api, run_id, after=tried)
    answer(approver, run_id, "Reject")
    wait_for_question(api, run_id, after=tried)
    assert [found.status for found in versions(warehouse)] == ["draft"]
    answer(approver, run_id, "Approve", "Seen.")
    assert api.wait_for_end(DAG, run_id, patience=PATIENCE) == "success"
    assert states(warehouse) == [(1, "draft", "admin"), (1, "approved", APPROVER), (1, "published", "schedule")]
    (published,) = versions(warehouse)
    assert published.content_sha256 == draft.content_sha256
    reports = warehouse.settings.home / "reports" / QUARTER.code
    assert {file.name.rpartition("-v1-")[0] for file in reports.iterdir()} == {"2025Q3-96", "2025Q3-nation"}


def test_a_run_for_content_that_is_published_ends_without_a_question(api: AirflowApi, warehouse: Warehouse) -> None:
    run_id = start(api)
    assert api.wait_for_end(DAG, run_id, patience=PATIENCE) == "success"
    assert {task.task_id: task.state for task in api.tasks(DAG, run_id)}["publish"] == "skipped"
    airflow.down(warehouse.settings)


def quarter(*words: str) -> int:
    return cli.main(["quarter", *words])


@pytest.fixture(scope="module")
def corrected(warehouse: Warehouse) -> Warehouse:
    """The same warehouse after Airflow has gone and a correction has come."""
    found = open_warehouse(warehouse.settings.home)
    corrected_delivery().write(Path(found.settings.landing))
    run_night(found, processes=1)
    build(found)
    return found


def test_a_correction_is_named_beside_version_1_which_stays_as_it_is(
    corrected: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quarter("restatement", QUARTER.code) == 0
    shown = capsys.readouterr().out
    assert (
        "corrected delivery: branch 96: branch_scorecard.outstanding_vnd 237,000,021 -> 236,000,021 (-1,000,000)"
        in shown
    )
    with corrected.connect("quarter_keeper") as connection:
        assert find_alterations(connection, versions(corrected)[0]) == {}


def test_the_correction_becomes_another_version_through_the_same_approval(
    corrected: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quarter("freeze", QUARTER.code, "--by", "lan") == 0
    assert quarter("reject", QUARTER.code, "--by", "minh", "--reason", "The board wants to see it first.") == 0
    assert quarter("freeze", QUARTER.code, "--by", "lan") == 0
    assert quarter("approve", QUARTER.code, "--by", "lan") == 1
    assert "Refused: lan asked for version 3 of 2025Q3 and cannot approve it" in capsys.readouterr().out
    assert quarter("approve", QUARTER.code, "--by", "minh") == 0
    assert quarter("publish", QUARTER.code, "--by", "minh") == 0
    assert [(found.version, found.status, found.reason) for found in versions(corrected)] == [
        (1, "superseded", "Version 3 takes its place."),
        (2, "rejected", "The board wants to see it first."),
        (3, "published", ""),
    ]
    capsys.readouterr()
    assert quarter("restatement", QUARTER.code) == 0
    assert capsys.readouterr().out == "The warehouse says what 2025Q3 version 3 says.\n"


def test_version_1_is_derived_again_from_its_own_inputs_and_one_altered_row_of_it_is_shown(
    corrected: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten tables are equal byte for byte, whatever has been delivered since; in the eleventh a superuser took a đồng."""
    change = "update quarters.branch_scorecard set overdue_vnd = overdue_vnd - 1 where version = 1"
    with corrected.connect("admin") as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(change)  # type: ignore[arg-type]
    assert quarter("verify", QUARTER.code, "--version", "1") == 1
    shown = capsys.readouterr().out
    assert "ALTERED quarters.branch_scorecard: checksum" in shown
    assert "Every recorded input is in the store with its hash." in shown
    assert "10 of 11 tables are equal" in shown
    assert "DIFFERENT quarters.branch_scorecard: 1 rows only as frozen, 1 only as derived again" in shown
    assert " | 4999999 | " in next(line for line in shown.splitlines() if line.startswith("  frozen "))
    assert " | 5000000 | " in next(line for line in shown.splitlines() if line.startswith("  derived "))


def test_one_altered_stored_byte_is_found_and_named(corrected: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    with corrected.connect("loader") as connection:
        row = connection.execute(
            "select f.stored_sha256 from meta.delivery_files as f inner join meta.deliveries as d using (delivery_id) "
            "where f.dataset = 'loan_book' and d.revision = 2"
        ).fetchone()
    assert row is not None
    file = Store(corrected.settings.store).path(row[0])
    content = file.read_bytes()
    file.chmod(0o640)
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        assert quarter("verify", QUARTER.code) == 1
        assert "DAMAGED 96 2025-09-30 r2: loan_book.csv.gz is not in the store with its hash" in capsys.readouterr().out
    finally:
        file.write_bytes(content)


def test_another_code_version_is_said_and_is_no_alarm(
    corrected: Warehouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> NoReturn:
        raise WarehouseError("The marts could not be built", remedy="See the log.")

    monkeypatch.setattr("pipeline.quarter.code_version", lambda: "0" * 64)
    monkeypatch.setattr("pipeline.quarter.derive_again", fails)
    assert quarter("verify", QUARTER.code) == 3
    shown = capsys.readouterr().out
    assert "The frozen rows have the checksum that was recorded." in shown
    assert "Every recorded input is in the store with its hash." in shown
    assert "installed is 000000000000: equality byte for byte cannot be asked of another calculation" in shown
    assert "It could not be derived again: The marts could not be built" in shown
