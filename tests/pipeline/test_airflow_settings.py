"""What a process of Airflow is told, and what nobody else may read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.airflow_settings import Airflow, environment
from warehouse.connect import Warehouse


@pytest.fixture
def airflow(warehouse: Warehouse) -> Airflow:
    environment(warehouse)
    return Airflow(warehouse.settings.home)


def test_secrets_are_made_once_and_read_by_their_owner_only(airflow: Airflow, warehouse: Warehouse) -> None:
    first = environment(warehouse)
    assert environment(warehouse) == first
    assert len(set(airflow.secrets().values())) == 4
    for file in (airflow.home / "secrets.json", airflow.home / "passwords.json"):
        assert file.stat().st_mode & 0o777 == 0o600
    assert airflow.home.stat().st_mode & 0o077 == 0
    passwords = json.loads(airflow.passwords.read_text())
    assert passwords["admin"] == airflow.password
    assert set(passwords) == {"admin", "operator", "approver", "viewer"}
    assert len(set(passwords.values())) == 4


def test_whoever_has_no_first_password_yet_gets_one_and_the_others_keep_theirs(
    airflow: Airflow, warehouse: Warehouse
) -> None:
    airflow.passwords.write_text(json.dumps({"admin": "kept", "approver": "kept too"}))
    environment(warehouse)
    passwords = json.loads(airflow.passwords.read_text())
    assert (passwords["admin"], passwords["approver"]) == ("kept", "kept too")
    assert set(passwords) == {"admin", "operator", "approver", "viewer"}
    airflow.passwords.unlink()


def test_a_broker_makes_it_a_cluster_and_a_cluster_shares_its_secrets(
    airflow: Airflow, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = dict.fromkeys(airflow.secrets(), "shared by all machines")
    (tmp_path / "airflow.json").write_text(json.dumps(shared))
    monkeypatch.setenv("WAREHOUSE_BROKER", "redis://:secret@broker:6379/0")
    monkeypatch.setenv("WAREHOUSE_API", "http://api-server:8080")
    monkeypatch.setenv("WAREHOUSE_AIRFLOW_SECRETS", str(tmp_path / "airflow.json"))
    environ = environment(warehouse)
    assert environ["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert environ["AIRFLOW__CELERY__BROKER_URL"] == "redis://:secret@broker:6379/0"
    assert environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://api-server:8080/execution/"
    assert environ["AIRFLOW__API_AUTH__JWT_SECRET"] == "shared by all machines"


def test_the_metadata_database_is_one_of_its_own_reached_as_airflow(warehouse: Warehouse) -> None:
    address = environment(warehouse)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert address.startswith("postgresql+psycopg://airflow:")
    assert address.endswith("/warehouse_airflow")


def test_it_listens_on_this_machine_only(airflow: Airflow, warehouse: Warehouse) -> None:
    environ = environment(warehouse)
    assert environ["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"{airflow.address}/execution/"


def test_settings_of_another_airflow_are_not_taken_over(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "True")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    environ = environment(warehouse)
    assert environ["AIRFLOW_HOME"] == str(warehouse.settings.home / "airflow")
    assert environ["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert environ["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"


def test_a_task_finds_the_same_warehouse_and_no_proxy_stands_between(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.setenv("WAREHOUSE_LANDING", "/somewhere/else")
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://somewhere.else/")
    environ = environment(warehouse)
    for name in ("home", "landing", "store", "outbox"):
        assert environ[f"WAREHOUSE_{name.upper()}"] == str(getattr(warehouse.settings, name))
    assert "WAREHOUSE_URL" not in environ
    assert environ["NO_PROXY"] == environ["no_proxy"] == "example.org,127.0.0.1,localhost"
