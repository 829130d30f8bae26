"""Asking a running Airflow, by its REST API: start a run, wait for its end, see what became of its tasks."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from contract.errors import WarehouseError
from pipeline.airflow_settings import PAGE_LIMIT, USER, Airflow

FINISHED = ("success", "failed")


@dataclass(frozen=True)
class Task:
    """A task of a run; `label` names the branch where the task is mapped."""

    task_id: str
    label: str
    state: str | None
    seconds: float | None

    def __str__(self) -> str:
        took = f" in {self.seconds:.1f} s" if self.seconds is not None else ""
        return f"{self.task_id}{f' [{self.label}]' if self.label else ''}: {self.state}{took}"


class AirflowApi:
    """The REST API of an Airflow that is up, as its user `admin` or another."""

    def __init__(
        self, airflow: Airflow, user: str = USER, password: str | None = None, address: str | None = None
    ) -> None:
        self.airflow = airflow
        self.address = address or airflow.address
        # Past any proxy: the address is this machine's.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        login = {"username": user, "password": password or airflow.password}
        self._token = str(self.call("POST", "/auth/token", login)["access_token"])

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the API and return its answer. Raises WarehouseError with the API's own words when it refuses."""
        request = urllib.request.Request(self.address + path, method=method)
        request.add_header("Content-Type", "application/json")
        if hasattr(self, "_token"):
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, None if body is None else json.dumps(body).encode(), timeout=60) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            words = error.read().decode(errors="replace")
            raise WarehouseError(
                f"Airflow answered {error.code} to {method} {path}: {words}", remedy="See its logs."
            ) from error
        except OSError as error:
            raise WarehouseError(f"Airflow cannot be reached: {error}", remedy="Start it with `make up`.") from error

    def has_dag(self, dag_id: str) -> bool:
        """Return whether the DAG has been read."""
        return any(dag["dag_id"] == dag_id for dag in self.call("GET", "/api/v2/dags")["dags"])

    def is_paused(self, dag_id: str) -> bool:
        """Return whether the DAG is paused: its runs then wait."""
        return bool(self.call("GET", f"/api/v2/dags/{dag_id}")["is_paused"])

    def trigger(self, dag_id: str) -> str:
        """Start a run and return its id."""
        return str(self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the runs of a DAG, oldest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns?order_by=run_after")["dag_runs"]
        return found

    def tasks(self, dag_id: str, run_id: str) -> list[Task]:
        """Return the tasks of a run, one for each mapped index."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances?limit={PAGE_LIMIT}"
        found = self.call("GET", path)["task_instances"]
        return [Task(t["task_id"], t["rendered_map_index"] or "", t["state"], t["duration"]) for t in found]

    def wait_for_end(
        self, dag_id: str, run_id: str, *, patience: float, on_task: Callable[[Task], None] | None = None
    ) -> str:
        """Wait until a run has ended and return its state; `on_task` is told of each task that ends.

        Raises WarehouseError after `patience` seconds.
        """
        told: set[tuple[str, str]] = set()
        deadline = time.monotonic() + patience
        while True:
            state = str(self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}")["state"])
            for task in self.tasks(dag_id, run_id):
                key = (task.task_id, task.label)
                if on_task and key not in told and task.state in ("success", "failed", "skipped", "upstream_failed"):
                    told.add(key)
                    on_task(task)
            if state in FINISHED:
                return state
            if time.monotonic() > deadline:
                raise WarehouseError(
                    f"The run {run_id} of {dag_id} has not ended after {patience:.0f} s",
                    remedy=f"Look at it in Airflow, {self.airflow.address}.",
                )
            time.sleep(1)
