"""Where an Airflow lives, its secrets, and the environment that makes a process part of it.

Everything is in `WAREHOUSE_HOME/airflow`; the metadata database stands beside the warehouse's in the same PostgreSQL.
Settings are handed over in the environment, so there is no file that could disagree with the code.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from pipeline.airflow_cluster import cluster_options
from pipeline.processes import Service
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT, Settings

USER = "admin"
APPROVER = "approver"
"""A second person: who starts the close of a quarter by hand cannot approve it."""
OPERATOR, VIEWER = "operator", "viewer"
AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
PREFERRED_PORT = 8080
PAGE_LIMIT = 1000
"""Rows that one answer of the API may hold: four tasks for each branch of the nation, in one page."""
OBSERVED = ("AIRFLOW__METRICS__", "AIRFLOW__TRACES__", "AIRFLOW__OPENLINEAGE__")
"""Settings by which somebody else may watch: all off unless they are set (docs/operating.md)."""
COMMANDS: dict[str, list[str]] = {
    "api-server": ["api-server"],
    # The API server reads task logs from the disk; a log server would open a port to the network.
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}


@dataclass(frozen=True)
class Airflow:
    """The Airflow that belongs to the warehouse in `warehouse_home`."""

    warehouse_home: Path

    @property
    def home(self) -> Path:
        """AIRFLOW_HOME."""
        return self.warehouse_home / "airflow"

    @property
    def services(self) -> list[Service]:
        """The four processes, in the order of their start."""
        return [Service(name, self.home / "services") for name in COMMANDS]

    @property
    def port(self) -> int:
        """The API server's port on 127.0.0.1: kept from start to start as long as nobody else takes it."""
        return int((self.home / "port").read_text())

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """The password of the user `admin`."""
        return str(self.secrets()["password"])

    @property
    def passwords(self) -> Path:
        """The file with each person's first password, which only its owner reads."""
        return self.home / "passwords.json"

    def is_up(self) -> bool:
        """Return whether all four processes run."""
        return all(service.is_running() for service in self.services)

    def secrets(self) -> dict[str, str]:
        """Return the generated secrets; the first call writes them to a file that only its owner reads.

        `WAREHOUSE_AIRFLOW_SECRETS` names another file, which is only read: the machines of a cluster share one.
        """
        given = os.environ.get("WAREHOUSE_AIRFLOW_SECRETS")
        path = Path(given) if given else self.home / "secrets.json"
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            new = {
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "api_secret_key": secrets.token_urlsafe(32),
                "jwt_secret": secrets.token_urlsafe(64),
                "password": secrets.token_urlsafe(12),
            }
            _write_private(path, json.dumps(new))
        found: dict[str, str] = json.loads(path.read_text())
        return found


def environment(warehouse: Warehouse) -> dict[str, str]:
    """Return the environment that makes a process part of the warehouse's Airflow."""
    airflow = Airflow(warehouse.settings.home)
    known = airflow.secrets()
    _complete_passwords(airflow.passwords, known["password"])
    if not (airflow.home / "port").exists():
        (airflow.home / "port").write_text(str(free_port(PREFERRED_PORT)))
    database = warehouse.url("airflow", warehouse.airflow_database).replace("postgresql://", "postgresql+psycopg://", 1)
    options = {
        "core": {
            "dags_folder": str(PROJECT / "dags"),
            "load_examples": "False",
            "dags_are_paused_at_creation": "False",
            "executor": "LocalExecutor",
            "parallelism": str(max(4, os.cpu_count() or 1)),
            "default_timezone": "Asia/Ho_Chi_Minh",
            # The default asks the name server.
            "hostname_callable": "socket.gethostname",
            "fernet_key": known["fernet_key"],
            "auth_manager": AUTH_MANAGER,
        },
        # A session ends with the working day; a role that was taken away is gone within seconds.
        "fab": {"session_lifetime_minutes": "720", "cache_ttl": "5"},
        # One driver for both: psycopg 3 can be awaited, so asyncpg is not needed.
        "database": {"sql_alchemy_conn": database, "sql_alchemy_conn_async": database},
        "api": {
            "port": str(airflow.port),
            "base_url": airflow.address,
            "secret_key": known["api_secret_key"],
            "instance_name": "VBSP warehouse",
            "maximum_page_limit": str(PAGE_LIMIT),
        },
        # A busy machine may let the API server answer late, and tasks may start before it does: they wait for it.
        "workers": {"execution_api_timeout": "60", "execution_api_retries": "10"},
        "api_auth": {"jwt_secret": known["jwt_secret"]},
        "logging": {
            "colored_console_log": "False",
            # It tells of every function of its own that it leaves out of its reference, 250 lines a task.
            "namespace_levels": "great_expectations=WARNING",
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
        },
    }
    for part, some in cluster_options(airflow.address).items():
        options.setdefault(part, {}).update(some)
    own = {f"AIRFLOW__{part}__{name}".upper(): value for part, some in options.items() for name, value in some.items()}
    # Another Airflow's settings are not ours, and an empty WAREHOUSE_URL must not be somebody else's.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(OBSERVED) or not name.startswith(("AIRFLOW", "WAREHOUSE_URL"))
    }
    local = ",".join(filter(None, [os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), "127.0.0.1,localhost"]))
    return inherited | own | {
        "AIRFLOW_HOME": str(airflow.home),
        **warehouse_variables(warehouse.settings),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": local,
        "no_proxy": local,
        # Nothing is told to anybody outside: not by Airflow, Great Expectations or dbt.
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
    }  # fmt: skip


def _complete_passwords(path: Path, admins: str) -> None:
    """Give everybody who has none a first password."""
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {USER: admins}
    missing = [name for name in (OPERATOR, APPROVER, VIEWER) if name not in found]
    if missing or not path.exists():
        _write_private(path, json.dumps(found | {name: secrets.token_urlsafe(12) for name in missing}))


def warehouse_variables(settings: Settings) -> dict[str, str]:
    """Return the environment variables that lead another process to the same warehouse."""
    found = {
        "WAREHOUSE_HOME": str(settings.home),
        "WAREHOUSE_URL": settings.url or "",
        "WAREHOUSE_LANDING": settings.landing,
        "WAREHOUSE_STORE": str(settings.store),
        "WAREHOUSE_OUTBOX": str(settings.outbox),
    }
    return {name: value for name, value in found.items() if value}


def free_port(preferred: int = 0) -> int:
    """Return a port of 127.0.0.1 that nobody listens on: `preferred` when it is one."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are only just closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)
