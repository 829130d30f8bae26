"""The steps as DAG tasks call them: on this process's warehouse, handing on ids and counts, never rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline import after, branch, build, intake, rework
from pipeline.outcomes import arrival_outcome
from pipeline.run_note import note_run
from pipeline.status_page import refresh_status_page
from warehouse.connect import open_warehouse


def find_branches() -> list[str]:
    """Return the branches that have something to do."""
    return branch.find_branches(open_warehouse())


def verify_branch(code: str) -> list[int]:
    """Look at the branch's folders and keep what is new; return the delivery ids, say what was refused or waits."""
    found = branch.verify_branch(open_warehouse(), code)
    for arrival in found:
        if arrival.verdict in ("refused", "waiting"):
            print(arrival_outcome(arrival).line)
    return [arrival.delivery_id for arrival in found if arrival.verdict is None and arrival.delivery_id is not None]


def load_branch(code: str) -> list[int]:
    """Load what is registered; return the delivery ids."""
    return intake.load_pending(open_warehouse(), code, print)


def validate_branch(code: str) -> list[int]:
    """Judge what is loaded; return the delivery ids."""
    return intake.validate_pending(open_warehouse(), code, print)


def publish_branch(code: str) -> list[int]:
    """Bring the ledger up to date; return the ids of the deliveries whose verdict turned, and say what they are now."""
    turned = branch.publish_branch(open_warehouse(), code)
    for outcome in turned:
        print(outcome.line)
    return [outcome.delivery_id for outcome in turned if outcome.delivery_id is not None]


def open_build() -> int | None:
    """Open a build of the units whose inputs have changed; return its id, None where there is nothing to do."""
    return build.open_build(open_warehouse())


def build_area(build_id: int, area: str) -> None:
    """Build and test one area of the dbt project beside what readers see."""
    build.run_areas(open_warehouse(), build_id, [area], print)


def flip_build(build_id: int) -> None:
    """Show the build to readers, all marts at once."""
    build.flip(open_warehouse(), build_id)


def show_status() -> None:
    """Write the status page anew."""
    print(refresh_status_page(open_warehouse()))


def end_run(dag_run: Any, states: Mapping[str, Any], codes: Sequence[str] | None) -> None:
    """Put a night of Airflow's on record, show it, note on it what is wrong, and tell whoever should know, once.

    `states` are those of its tasks, by run and task; `codes` are the branches that had something to do.
    """
    warehouse = open_warehouse()
    failed = after.find_failed_tasks(states.get(dag_run.run_id, {}), codes or ())
    note_run(warehouse, dag_run.dag_id, dag_run.run_id, dag_run.start_date, failed)
    for receiver in after.end_run(warehouse, dag_run.run_id, dag_run.start_date, failed):
        print(f"told {receiver}")


def find_rework(params: Mapping[str, Any]) -> list[str]:
    """Return the branches that have something in the range of dates `from` to `to`, or the one named `branch`."""
    return rework.find_rework(open_warehouse(), *_range(params), params["branch"])


def rework_branch(code: str, params: Mapping[str, Any]) -> list[int]:
    """Judge again what is held of a branch in the range; return the ids of the deliveries whose verdict turned."""
    turned = rework.rework_branch(open_warehouse(), code, *_range(params), print)
    for outcome in turned:
        print(outcome.line)
    return [outcome.delivery_id for outcome in turned if outcome.delivery_id is not None]


def ask_for_marts(params: Mapping[str, Any]) -> int:
    """Have the next build make the marts of the range anew; return of how many units."""
    return rework.ask_for_marts(open_warehouse(), *_range(params), params["branch"])


def _range(params: Mapping[str, Any]) -> tuple[dt.date, dt.date]:
    return dt.date.fromisoformat(params["from"]), dt.date.fromisoformat(params["to"])
