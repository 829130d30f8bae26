"""One process of Airflow in the foreground, as containers want it: `python -m pipeline.airflow_service scheduler`.

The settings are those of `make up` (pipeline/airflow_settings.py), so a laptop and a cluster run the same Airflow.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

from contract.errors import WarehouseError
from pipeline.airflow import prepare
from pipeline.airflow_api import AirflowApi
from pipeline.airflow_people import add_people
from pipeline.airflow_settings import Airflow, environment
from warehouse.connect import open_warehouse
from warehouse.settings import PROJECT

USAGE = "Usage: python -m pipeline.airflow_service prepare | people | alive | airflow ARGUMENTS"


def main(words: Sequence[str]) -> int:
    """Prepare both databases, create the first people, or become an Airflow process. Returns an exit code."""
    try:
        if list(words) == ["prepare"]:
            prepare(open_warehouse(), _say)
        elif list(words) == ["people"]:
            airflow = Airflow(open_warehouse().settings.home)
            api = AirflowApi(airflow, address=os.environ.get("WAREHOUSE_API"))
            _say(f"new: {', '.join(add_people(api, airflow.passwords)) or 'nobody'}")
        elif list(words) == ["alive"]:
            return 0 if _worker_answers() else 1
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


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
