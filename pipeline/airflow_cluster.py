"""The same Airflow on many machines: what changes in its settings when there is a broker.

`WAREHOUSE_BROKER` (a Redis address) turns LocalExecutor into CeleryExecutor: any number of workers, started with
`airflow celery worker`, take tasks from it. Without it nothing here changes anything.
"""

from __future__ import annotations

import os

Options = dict[str, dict[str, str]]

WORKER = ["celery", "worker", "--skip-serve-logs"]
"""The command of a worker; logs lie on the storage that all machines share, so no port is opened for them."""
LONGEST_TASK = 2 * 60 * 60
"""Seconds after which the broker hands a task out again. A task ends itself after one hour (dags/common.py)."""


def cluster_options(address: str) -> Options:
    """Return Airflow's options for this process's place in a cluster; `address` is the API server's on one machine.

    Read from the environment: `WAREHOUSE_BROKER`; `WAREHOUSE_API` (where tasks reach the API server) and
    `WAREHOUSE_API_HOST` (what it listens on, for a container 0.0.0.0); `WAREHOUSE_PAGE` (where people find it);
    `WAREHOUSE_WORKER_TASKS` (tasks of a worker at a time); `WAREHOUSE_TASK_SILENCE`, the seconds without a
    sign of life after which a task counts as killed with its worker.
    """
    options: Options = {
        "core": {"execution_api_server_url": f"{os.environ.get('WAREHOUSE_API') or address}/execution/"},
        "api": {"host": os.environ.get("WAREHOUSE_API_HOST") or "127.0.0.1"},
        "scheduler": {
            "task_instance_heartbeat_timeout": os.environ.get("WAREHOUSE_TASK_SILENCE") or "120",
            "task_instance_heartbeat_timeout_detection_interval": "5",
        },
    }
    page = os.environ.get("WAREHOUSE_PAGE")
    if page:
        options["api"]["base_url"] = page
    broker = os.environ.get("WAREHOUSE_BROKER")
    if broker:
        options["core"]["executor"] = "CeleryExecutor"
        options["celery"] = {
            "broker_url": broker,
            # A worker holds no more than it works on, so another is free to take the rest.
            "worker_prefetch_multiplier": "1",
            "worker_concurrency": os.environ.get("WAREHOUSE_WORKER_TASKS") or "2",
        }
        options["celery_broker_transport_options"] = {"visibility_timeout": str(LONGEST_TASK)}
    return options
