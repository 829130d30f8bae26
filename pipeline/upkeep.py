"""The daily upkeep, as the DAG `housekeeping` calls it: rows, files and documentation that need not be kept, or not so."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable
from pathlib import Path

from ingestion.retire import retire_rows as retire
from pipeline import build, erasure
from pipeline.airflow_settings import Airflow
from pipeline.dbt_docs import write_dbt_docs
from pipeline.deadline import clock
from warehouse.connect import open_warehouse

LOGS_KEPT = dt.timedelta(days=90)
ERASED_AGAIN = dt.timedelta(days=7)
"""Every load asks for the list itself; this is for what was refused, or could not be read."""
CUT_OFF_AFTER = dt.timedelta(days=2)
"""A copy into the store that is older was cut off: no file takes so long."""


def retire_rows() -> None:
    """Drop the rows of deliveries that need not be kept."""
    retired = retire(open_warehouse(), print)
    print(f"Dropped all rows of {retired.whole} deliveries and the daily states of {retired.states}.")


def remove_superseded_rows() -> None:
    """Delete the rows of marts that no reader sees any more."""
    print(f"Deleted {build.remove_superseded_rows(open_warehouse())} rows of marts.")


def erase_again() -> None:
    """Erase everybody on the list of erasures from what has come in the last days."""
    print(f"{erasure.erase_again(open_warehouse(), print, clock() - ERASED_AGAIN)} stored files were written again.")


def remove_old_files() -> None:
    """Remove Airflow's old task logs, and copies into the store that were cut off."""
    settings = open_warehouse().settings
    logs = (path for path in (Airflow(settings.home).home / "logs").rglob("*") if path.is_file())
    print(f"Removed {remove_older(logs, clock() - LOGS_KEPT)} task logs.")
    cut_off = settings.store.glob("incoming-*")
    print(f"Removed {remove_older(cut_off, clock() - CUT_OFF_AFTER)} copies that were cut off.")


def write_docs() -> None:
    """Write dbt's documentation where the models have changed."""
    print(write_dbt_docs(open_warehouse()))


def remove_older(files: Iterable[Path], moment: dt.datetime) -> int:
    """Remove files and folders last written before a moment and return how many; one that goes away meanwhile is gone."""
    old = [path for path in files if path.exists() and path.stat().st_mtime < moment.timestamp()]
    for path in old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(old)
