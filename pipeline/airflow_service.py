"""One process of Airflow in the foreground, as containers want it: `python -m pipeline.airflow_service scheduler`.

The settings are those of `make up` (pipeline/airflow_settings.py), so a laptop and a cluster run the same Airflow.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

import psycopg

from contract.errors import WarehouseError
from pipeline.airflow import prepare
from pipeline.airflow_api import AirflowApi
from pipeline.airflow_people import add_people
from pipeline.airflow_settings import Airflow, environment
from warehouse.connect import Warehouse, open_warehouse
from warehouse.settings import PROJECT, read_settings

USAGE = "Usage: python -m pipeline.airflow_service prepare | people | alive [JOB] | airflow ARGUMENTS"


def main(words: Sequence[str]) -> int:
    """Prepare both databases, create the first people, or become an Airflow process. Returns an exit code."""
    try:
        if list(words) == ["prepare"]:
            prepare(open_warehouse(), _say)
        elif list(words) == ["people"]:
            airflow = Airflow(open_warehouse().settings.home)
            api = AirflowApi(airflow, address=os.environ.get("WAREHOUSE_API"))
            _say(f"new: {', '.join(add_people(api, airflow.passwords)) or 'nobody'}")
        elif words[:1] == ["alive"]:
            return 0 if (_job_lives(words[1]) if words[1:] else _worker_answers()) else 1
        elif words[:1] == ["airflow"] and len(words) > 1:
            environ = environment(open_warehouse())
            os.chdir(PROJECT)
            os.execve(sys.executable, [sys.executable, "-m", "airflow", *words[1:]], environ)
        else:
            print(USAGE, file=sys.stderr)
            return 64
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return 70
    return 0


def _worker_answers() -> bool:
    """Whether this machine's Celery worker answers through the broker."""
    from celery import Celery  # type: ignore[import-untyped]  # noqa: PLC0415

    name = f"celery@{socket.gethostname()}"
    answers = Celery(broker=os.environ["WAREHOUSE_BROKER"]).control.inspect([name], timeout=20.0).ping()
    return name in (answers or {})


def _job_lives(kind: str) -> bool:
    """Whether this machine's job of that kind (SchedulerJob ...) has given a sign of life within a minute.

    What `airflow jobs check` asks, without the seconds of work that starting Airflow takes each time.
    """
    warehouse = Warehouse(read_settings(), os.environ["WAREHOUSE_URL"])
    with psycopg.connect(warehouse.url("airflow", warehouse.airflow_database)) as connection:
        found = connection.execute(
            "select from job where job_type = %s and hostname = %s and state = 'running' "
            "and latest_heartbeat > now() - interval '1 minute'",
            [kind, socket.gethostname()],
        ).fetchone()
    return found is not None


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
