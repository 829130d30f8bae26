"""What follows a night: it is put on record, the page is written anew, and whoever should know is told once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from contract.errors import WarehouseError
from pipeline.data_docs import refresh_data_docs
from pipeline.deadline import clock
from pipeline.digest import tell_digest
from pipeline.intake import Progress
from pipeline.news import branch_name
from pipeline.nights import record_run, recorded_night
from pipeline.status_page import refresh_status_page, try_to_refresh
from warehouse.connect import Warehouse

MARTS_FOLLOW = dt.timedelta(hours=1)
"""After a run of Airflow's the marts are made by another DAG: at once, and at half past every hour."""


@contextmanager
def told_night(warehouse: Warehouse, say: Progress) -> Iterator[None]:
    """A night of the command line. A page or a mail that cannot be made is said, and is not the night's failure."""
    started = clock()
    try:
        with recorded_night(warehouse):
            yield
    finally:
        try:
            refresh_data_docs(warehouse, started)
        except Exception as error:
            say(f"Data Docs could not be written: {type(error).__name__}: {error}")
        try_to_refresh(warehouse, say)
        try:
            for receiver in tell_digest(warehouse, f"night {started.isoformat()}", started):
                say(f"told {receiver}")
        except WarehouseError as error:
            say(f"nobody was told: {error}")


def end_run(warehouse: Warehouse, run_id: str, started_at: dt.datetime, failed: list[str]) -> list[str]:
    """The same for a run of Airflow's; `failed` are lines on its tasks. Return to whom the digest went."""
    record_run(warehouse, run_id, started_at, failed)
    try:
        return tell_digest(warehouse, run_id, started_at, failed, marts_follow=MARTS_FOLLOW)
    finally:
        refresh_status_page(warehouse)
        refresh_data_docs(warehouse, started_at)


def find_failed_tasks(states: Mapping[str, Any], codes: Sequence[str] = ()) -> list[str]:
    """Return a line for each task that failed itself: also one that was killed, once its tries are used up.

    `states` by task, a mapped one with its index in the end; `codes` are the branches of these indices.
    """
    failed = [task for task, state in states.items() if str(getattr(state, "value", state)) == "failed"]
    # That one fails for what a branch has sent, which is told in its own place.
    return [
        f"{_label(task, codes)} failed or was killed; its log in Airflow says why"
        for task in sorted(failed)
        if task != "report_verdicts"
    ]


def _label(task: str, codes: Sequence[str]) -> str:
    found = re.fullmatch(r"(branch\.\w+)_([0-9]+)", task)
    if found and int(found[2]) < len(codes):
        return f"{found[1]} [{branch_name(codes[int(found[2])])}]"
    return task
