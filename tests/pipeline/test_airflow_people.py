"""Roles under the real auth manager: who may look, who may operate, who may approve, and who is not let in at all."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from contract.errors import WarehouseError
from pipeline import airflow
from pipeline.airflow_api import AirflowApi
from pipeline.airflow_people import PEOPLE, add_people
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
NIGHT = "/api/v2/dags/nightly_ingest"
QUESTION = "/api/v2/dags/quarterly_snapshot/dagRuns/none/taskInstances/approve/-1/hitlDetails"
ANSWER = {"chosen_options": ["Approve"], "params_input": {}}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home = tmp_path_factory.mktemp("people")
    yield open_warehouse(home)
    EmbeddedServer(home).destroy()


@pytest.fixture(scope="module")
def admin(warehouse: Warehouse) -> Iterator[AirflowApi]:
    """An Airflow that is up and has read both DAGs; nights are paused."""
    running = airflow.up(warehouse)
    try:
        api = AirflowApi(running)
        deadline = time.monotonic() + 120
        while not (api.has_dag("nightly_ingest") and api.has_dag("quarterly_snapshot")):
            assert time.monotonic() < deadline
        api.call("PATCH", NIGHT, {"is_paused": True})
        yield api
    finally:
        airflow.down(warehouse.settings)


@pytest.fixture
def log_in(admin: AirflowApi) -> Any:
    passwords = json.loads(admin.airflow.passwords.read_text())
    return lambda name: AirflowApi(admin.airflow, name, passwords[name])


def ask(api: AirflowApi, method: str, path: str, body: dict[str, Any] | None = None) -> int:
    """The answer's status code, 200 standing for any that is not refused."""
    try:
        api.call(method, path, body)
    except WarehouseError as error:
        return int(re.findall(r"answered (\d+)", str(error))[0])
    return 200


# 404 is an act that was allowed, on something that is not there.
ACTS = ("trigger", "pause", "clear", "approve", "variable", "users")
MAY = {
    "viewer": (403, 403, 403, 403, 403, 403),
    "operator": (200, 200, 404, 403, 403, 403),
    "approver": (403, 200, 403, 404, 403, 403),
    "admin": (200, 200, 404, 404, 200, 200),
}


@pytest.mark.parametrize("name", MAY)
def test_everybody_may_do_what_the_role_says_and_nothing_else(log_in: Any, name: str) -> None:
    api = log_in(name)
    clearing = {"dag_run_id": "none", "dry_run": False}
    assert {
        "look": ask(api, "GET", f"{NIGHT}/dagRuns"),
        "trigger": ask(api, "POST", f"{NIGHT}/dagRuns", {"logical_date": None}),
        "pause": ask(api, "PATCH", NIGHT, {"is_paused": True}),
        "clear": ask(api, "POST", f"{NIGHT}/clearTaskInstances", clearing),
        "approve": ask(api, "PATCH", QUESTION, ANSWER),
        "variable": ask(api, "POST", "/api/v2/variables", {"key": f"by_{name}", "value": "1"}),
        "users": ask(api, "GET", "/auth/fab/v1/users"),
    } == {"look": 200, **dict(zip(ACTS, MAY[name], strict=True))}


def test_nobody_gets_in_without_the_right_password(admin: AirflowApi) -> None:
    for name in (*PEOPLE, "nobody"):
        with pytest.raises(WarehouseError, match="answered 401"):
            AirflowApi(admin.airflow, name, "admin")
    stranger = AirflowApi(admin.airflow)
    stranger._token = "forged"
    assert ask(stranger, "GET", f"{NIGHT}/dagRuns") in (401, 403)


def test_whoever_was_given_another_role_keeps_it(admin: AirflowApi, log_in: Any) -> None:
    admin.call("PATCH", "/auth/fab/v1/users/viewer", {"roles": [{"name": "Operator"}]})
    try:
        assert add_people(admin, admin.airflow.passwords) == []
        assert admin.call("GET", "/auth/fab/v1/users/viewer")["roles"] == [{"name": "Operator"}]
    finally:
        admin.call("PATCH", "/auth/fab/v1/users/viewer", {"roles": [{"name": "Viewer"}]})


def test_passwords_are_kept_hashed(warehouse: Warehouse, admin: AirflowApi) -> None:
    with airflow.psycopg.connect(warehouse.url("airflow", warehouse.airflow_database)) as connection:
        kept = dict(connection.execute("select username, password from ab_user").fetchall())
    assert set(kept) == set(PEOPLE)
    for name, password in json.loads(admin.airflow.passwords.read_text()).items():
        assert re.match(r"(scrypt|pbkdf2)", kept[name])
        assert password not in kept[name]
