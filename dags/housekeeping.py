"""
**What.** Keeps the warehouse from growing without end, once a day at half past one in the afternoon, when no branch
delivers: *retire_rows* (rows of superseded and held deliveries, daily states after 100 days; month-ends, events and all
delivered bytes stay), *remove_superseded_rows* (rows of marts that no reader sees any more), *erase_again* (persons on the
list of erasures, in whatever has come since; law 12), *remove_old_files* (Airflow's task logs after 90 days, copies that
were cut off), *write_docs* (dbt's documentation, where the models have changed).

**When it fails.** Nothing that readers see depends on it; the disk fills up more quickly. Read the task's log, remove the
cause, clear it, or wait for tomorrow. *erase_again* is the exception: until it is green, a delivery of today may hold
values that must not be kept (runbook `docs/runbooks/erase-a-person.md`).

**Safe to rerun.** Always; what is in use is left for the next day (runbook `docs/runbooks/housekeeping.md`).

**Who is told.** The data-platform team sees the red run.
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task

from dags.common import DEFAULTS, TIMEZONE


@task
def retire_rows() -> None:
    from pipeline import upkeep as steps  # noqa: PLC0415

    steps.retire_rows()


@task
def remove_superseded_rows() -> None:
    from pipeline import upkeep as steps  # noqa: PLC0415

    steps.remove_superseded_rows()


@task
def erase_again() -> None:
    from pipeline import upkeep as steps  # noqa: PLC0415

    steps.erase_again()


@task
def remove_old_files() -> None:
    from pipeline import upkeep as steps  # noqa: PLC0415

    steps.remove_old_files()


@task
def write_docs() -> None:
    from pipeline import upkeep as steps  # noqa: PLC0415

    steps.write_docs()


@dag(
    schedule=CronTriggerTimetable("30 13 * * *", timezone=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["upkeep"],
    doc_md=__doc__,
)
def housekeeping() -> None:
    # None waits for another: a red one stops nothing else.
    erase_again()
    retire_rows()
    remove_superseded_rows()
    remove_old_files()
    write_docs()


housekeeping()
