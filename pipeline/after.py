"""What follows a night: it is put on record, the page is written anew, and whoever should know is told once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from contract.errors import WarehouseError
from pipeline.deadline import clock
from pipeline.digest import tell_digest
from pipeline.intake import Progress
from pipeline.nights import record_run, recorded_night
from pipeline.status_page import refresh_status_page, try_to_refresh
from warehouse.connect import Warehouse


@contextmanager
def told_night(warehouse: Warehouse, say: Progress) -> Iterator[None]:
    """A night of the command line. A page or a mail that cannot be made is said, and is not the night's failure."""
    started = clock()
    try:
        with recorded_night(warehouse):
            yield
    finally:
        try_to_refresh(warehouse, say)
        try:
            for receiver in tell_digest(warehouse, f"night {started.isoformat()}", started):
                say(f"told {receiver}")
        except WarehouseError as error:
            say(f"nobody was told: {error}")


def end_run(warehouse: Warehouse, run_id: str, started_at: dt.datetime, states: Mapping[str, Any]) -> list[str]:
    """The same for a run of Airflow's; return to whom the digest went.

    `states` are those of the run's tasks, by run and task: one that was killed has failed once its tries are used up.
    """
    failed = find_failed_tasks(states.get(run_id, {}))
    record_run(warehouse, run_id, started_at, failed)
    refresh_status_page(warehouse)
    return tell_digest(warehouse, run_id, started_at, failed)


def find_failed_tasks(states: Mapping[str, Any]) -> list[str]:
    """Return a line for each task that failed itself, naming how it is to be found."""
    failed = [task for task, state in states.items() if str(getattr(state, "value", state)) == "failed"]
    return [f"{task} failed or was killed; its log in Airflow says why" for task in sorted(failed)]
