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

RERUN = "docs/runbooks/rerun-a-night.md"
LONGEST = 1000
"""Characters that a note of Airflow's may have."""


def note_run(
    warehouse: Warehouse, dag_id: str, run_id: str, started_at: dt.datetime, failed: Sequence[str]
) -> str | None:
    """Write the note where something is wrong, and return it. Without a running Airflow of this home nothing is noted."""
    troubles = [str(trouble) for trouble in find_troubles(started_at)]
    wrong = [*failed, *troubles]
    runbooks = " ".join([*([RERUN] if failed else []), *([RUNBOOK] if troubles else [])])
    airflow = Airflow(warehouse.settings.home)
    if not wrong or not airflow.is_up():
        return None
    note = "\n".join(wrong)
    if len(note) > LONGEST - len(runbooks) - 12:
        note = f"{note[: LONGEST - len(runbooks) - 12]} ..."
    note = f"{note}\n{runbooks}"
    try:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}?update_mask=note"
        AirflowApi(airflow).call("PATCH", path, {"note": note})
    except WarehouseError as error:
        print(f"The run has no note: {error}")
    return note
