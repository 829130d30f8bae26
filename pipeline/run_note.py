"""A note on a run of Airflow's that says what is wrong, where one looks first: on the run itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from urllib.parse import quote

from contract.errors import WarehouseError
from pipeline.airflow_api import AirflowApi
from pipeline.airflow_settings import Airflow
from pipeline.news import RUNBOOK, find_troubles
from warehouse.connect import Warehouse

LONGEST = 1000
"""Characters that a note of Airflow's may have."""


def note_run(
    warehouse: Warehouse, dag_id: str, run_id: str, started_at: dt.datetime, failed: Sequence[str]
) -> str | None:
    """Write the note where something is wrong, and return it. Without a running Airflow of this home nothing is noted."""
    wrong = [*failed, *map(str, find_troubles(started_at))]
    airflow = Airflow(warehouse.settings.home)
    if not wrong or not airflow.is_up():
        return None
    note = "\n".join([*wrong, RUNBOOK])
    if len(note) > LONGEST:
        note = f"{note[: LONGEST - len(RUNBOOK) - 12]} ...\n{RUNBOOK}"
    try:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}?update_mask=note"
        AirflowApi(airflow).call("PATCH", path, {"note": note})
    except WarehouseError as error:
        print(f"The run has no note: {error}")
    return note
