"""Airflow for one warehouse: prepared, run, started and stopped. It is only ever run, never imported."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from contract.errors import WarehouseError
from pipeline.airflow_api import AirflowApi
from pipeline.airflow_people import add_people
from pipeline.airflow_settings import COMMANDS, USER, Airflow, environment, free_port, is_free
from pipeline.processes import stop
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer
from warehouse.settings import PROJECT, Settings, read_settings

Progress = Callable[[str], None]

HEALTH_KEYS = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}
STARTING_TAKES = 300.0
"""Seconds until a start is given up."""
STOPPING_TAKES = 20.0
"""Seconds that running tasks get to end by themselves."""


def prepare(warehouse: Warehouse, progress: Progress = print) -> None:
    """Make the metadata database what this version of Airflow needs; cheap when it already is (one query)."""
    airflow = Airflow(warehouse.settings.home)
    environ = environment(warehouse)
    with _locked(airflow.home / "prepare.lock"):
        _create_database(warehouse)
        version = " ".join(importlib.metadata.version(f"apache-airflow-{part}") for part in ("core", "providers-fab"))
        note = airflow.home / "migrated"
        if note.exists() and note.read_text() == f"{version} {_schema_version(warehouse)}":
            return
        with _phase("preparing Airflow's database", progress):
            log = airflow.home / "migrate.log"
            with log.open("wb") as output:
                command = [sys.executable, "-m", "airflow", "db", "migrate"]
                done = subprocess.run(command, env=environ, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output,
                                      stderr=subprocess.STDOUT, check=False)  # fmt: skip
            if done.returncode or not _create_admin(airflow, environ, log):
                raise WarehouseError("Airflow's database could not be prepared", remedy=f"The reason stands in {log}.")
        note.write_text(f"{version} {_schema_version(warehouse)}")


def run(warehouse: Warehouse, arguments: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run `airflow ARGUMENTS` in the warehouse's Airflow; `options` are those of `subprocess.run`."""
    prepare(warehouse)
    command = [sys.executable, "-m", "airflow", *arguments]
    return subprocess.run(command, env=environment(warehouse), cwd=PROJECT, check=False, **options)


def up(warehouse: Warehouse | None = None, progress: Progress = print) -> Airflow:
    """Start what is not running of Airflow's four processes, wait until all are healthy, print where it is."""
    warehouse = warehouse or open_warehouse()
    airflow = Airflow(warehouse.settings.home)
    prepare(warehouse, progress)
    with _locked(airflow.home / "up.lock"):
        if airflow.is_up() and _unhealthy(airflow) == []:
            print(f"Airflow is already up at {airflow.address}  user {USER}  password {airflow.password}")
            return airflow
        if not airflow.services[0].is_running() and not is_free(airflow.port):
            # Others would go on calling the old port.
            stop(airflow.services, patience=STOPPING_TAKES)
            (airflow.home / "port").write_text(str(free_port()))
        environ = environment(warehouse)
        for service in airflow.services:
            if not service.is_running():
                service.start([sys.executable, "-m", "airflow", *COMMANDS[service.name]], environ)
        try:
            with _phase("starting Airflow", progress):
                _wait_until_healthy(airflow)
            add_people(AirflowApi(airflow), airflow.passwords)
        except WarehouseError:
            stop(airflow.services, patience=STOPPING_TAKES)
            raise
    print(f"Airflow is up at {airflow.address}  user {USER}  password {airflow.password}")
    print(f"Other people (operator, approver, viewer) and their first passwords: {airflow.passwords}")
    print(f"Logs: {airflow.home / 'services'} (processes), {airflow.home / 'logs'} (tasks). `make down` stops it.")
    return airflow


def down(settings: Settings | None = None, progress: Progress = print) -> None:
    """Stop Airflow with everything that it started, then the embedded PostgreSQL; what does not run is no problem."""
    settings = settings or read_settings()
    airflow = Airflow(settings.home)
    if any(service.members() for service in airflow.services):
        with _phase("stopping Airflow", progress):
            # The API server last: a task that ends meanwhile still has to say so.
            stop(airflow.services[1:], patience=STOPPING_TAKES)
            stop(airflow.services[:1], patience=STOPPING_TAKES)
    else:
        stop(airflow.services, patience=0)
        progress("Airflow was not running")
    if settings.url is None:
        was_running = EmbeddedServer(settings.home).stop()
        progress("PostgreSQL is stopped" if was_running else "PostgreSQL was not running")


def _create_database(warehouse: Warehouse) -> None:
    name = warehouse.airflow_database
    with psycopg.connect(warehouse.url("admin"), autocommit=True) as connection:
        if connection.execute("select from pg_database where datname = %s", [name]).fetchone() is not None:
            return
        database = sql.Identifier(name)
        # An administrator who is not a superuser may only give a database to a role that he may act as.
        connection.execute(
            "do $$ begin if not pg_has_role(current_user, 'airflow', 'set') then "
            "execute format('grant airflow to %I', current_user); end if; end $$"
        )
        connection.execute(sql.SQL("create database {} owner airflow").format(database))
        connection.execute(sql.SQL("revoke all on database {} from public").format(database))


def _create_admin(airflow: Airflow, environ: dict[str, str], log: Path) -> bool:
    """Create the first person, who creates the others; nothing happens where he is. The password comes by pipe."""
    command = [sys.executable, "-m", "airflow", "users", "create", "--username", USER, "--role", "Admin",
               "--firstname", "Admin", "--lastname", "VBSP", "--email", f"{USER}@localhost"]  # fmt: skip
    with log.open("ab") as output:
        done = subprocess.run(command, env=environ, cwd=PROJECT, input=f"{airflow.password}\n{airflow.password}\n".encode(),
                              stdout=output, stderr=subprocess.STDOUT, start_new_session=True, check=False)  # fmt: skip
    return done.returncode == 0


def _schema_version(warehouse: Warehouse) -> str | None:
    try:
        with psycopg.connect(warehouse.url("airflow", warehouse.airflow_database)) as connection:
            row = connection.execute("select version_num from alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return str(row[0]) if row else None


def _wait_until_healthy(airflow: Airflow) -> None:
    deadline = time.monotonic() + STARTING_TAKES
    while missing := _unhealthy(airflow):
        for service in airflow.services:
            if not service.is_running():
                raise WarehouseError(
                    f"Airflow's {service.name} ended while starting. Its last lines:\n{service.last_lines()}\n",
                    remedy=f"All of it stands in {service.log}.",
                )
        if time.monotonic() > deadline:
            raise WarehouseError(
                f"Airflow did not become healthy within {STARTING_TAKES:.0f} s; missing: {', '.join(missing)}",
                remedy=f"See the logs in {airflow.home / 'services'}; then `make up` again.",
            )
        time.sleep(0.5)


def _unhealthy(airflow: Airflow) -> list[str]:
    """Return the names of the processes that do not report that they are well."""
    # Past any proxy: the address is this machine's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        # What tasks talk to is a part of its own, built when it is first asked.
        opener.open(f"{airflow.address}/execution/health", timeout=60).close()
        with opener.open(f"{airflow.address}/api/v2/monitor/health", timeout=60) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return ["api-server"]
    return [name for name, key in HEALTH_KEYS.items() if (health.get(key) or {}).get("status") != "healthy"]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _phase(name: str, progress: Progress) -> Iterator[None]:
    """Say what is being done, and how many seconds it took."""
    begun = time.monotonic()
    progress(f"{name} ...")
    yield
    progress(f"{name}: {time.monotonic() - begun:.1f} s")
