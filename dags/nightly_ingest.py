"""
**What.** Takes in what the branches have delivered: looks at the landing, then for each branch that has something to
do *verify* (copy once, identity, hashes) → *load* (rows into PostgreSQL) → *validate* (the contract's rules and the
expectations) → *publish* (one ledger entry makes the delivery visible, or says why not). At most two branches at once.
It runs every hour, on the hour, in Asia/Ho_Chi_Minh. The bank closes its day after 18:00, so the first run after a
branch's close takes in its night; the later ones take in late and corrected deliveries without anybody's doing. What
is to be done is asked from the landing and the ledger each time, never from the schedule: an hour that was missed is
made up for by the next run.

**When it fails.** Red is `report_verdicts`: a delivery was *held* or *refused* in this run. That is no fault of the
pipeline; its log has one sentence for each, readers still see the branch's earlier state, and the branch sends its
next revision (runbook `docs/runbooks/held-delivery.md`). Red is a task of one branch, and with it `every_branch_ran`:
an error, such as a full disk; the other branches are not touched by it. Read that task's log, remove the cause, and
wait for the next hour or clear the task. Either way what was published is published, and `build_marts` follows.

**Safe to rerun.** Always, wholly or any task of it, also twice at once and beside `python -m pipeline night`:
PostgreSQL decides who works on a delivery; what is done is not done again (runbook `docs/runbooks/rerun-a-night.md`).

**Who is told.** `tell` writes the status page anew and sends one digest a run to whom `WAREHOUSE_DIGEST` names, also of
tasks that failed or were killed (`docs/operating.md`); the branch finds the reasons in its feedback file.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronTriggerTimetable, TriggerRule, chain, dag, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from dags.common import DEFAULTS, LANDING, MAPPED, TIMEZONE, VISIBLE, branch_name


@task(inlets=[LANDING])
def find_branches() -> list[str]:
    from pipeline import steps  # noqa: PLC0415

    return steps.find_branches()


@task(**MAPPED)
def verify(code: str) -> list[int]:
    from pipeline import steps  # noqa: PLC0415

    return steps.verify_branch(code)


@task(**MAPPED)
def load(code: str) -> list[int]:
    from pipeline import steps  # noqa: PLC0415

    return steps.load_branch(code)


@task(**MAPPED)
def validate(code: str) -> list[int]:
    from pipeline import steps  # noqa: PLC0415

    return steps.validate_branch(code)


@task(**MAPPED)
def publish(code: str) -> list[int]:
    from pipeline import steps  # noqa: PLC0415

    return steps.publish_branch(code)


@task(outlets=[VISIBLE], trigger_rule=TriggerRule.ALL_DONE)
def announce_news(dag_run: Any = None) -> None:
    from pipeline import news  # noqa: PLC0415

    if not news.has_news(since=dag_run.start_date):
        raise AirflowSkipException("The ledger has not grown: there is nothing to build.")


@task(retries=0, trigger_rule=TriggerRule.ALL_DONE)
def report_verdicts(dag_run: Any = None) -> None:
    from pipeline import news  # noqa: PLC0415

    # Not since its start: that moves when a task is cleared, and what is still held would be forgotten.
    news.require_good_verdicts(since=dag_run.run_after)


@task(trigger_rule=TriggerRule.ALL_DONE)
def tell(dag_run: Any = None, ti: Any = None) -> None:
    from pipeline import steps  # noqa: PLC0415

    steps.end_run(
        dag_run,
        ti.get_task_states(dag_id=dag_run.dag_id, run_ids=[dag_run.run_id]),
        ti.xcom_pull(task_ids="find_branches"),
    )


@task_group
def branch(code: str) -> None:
    chain(verify(code=code), load(code=code), validate(code=code), publish(code=code))


@dag(
    schedule=CronTriggerTimetable("0 * * * *", timezone=TIMEZONE, run_immediately=True),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["night", "ingestion"],
    doc_md=__doc__,
    user_defined_macros={"branch_name": branch_name},
)
def nightly_ingest() -> None:
    branches = branch.expand(code=find_branches())
    # Fails when a branch's task failed: the last tasks decide the colour of the run, and the others always run.
    every_branch_ran = EmptyOperator(task_id="every_branch_ran", trigger_rule=TriggerRule.NONE_FAILED, retries=0)
    chain(branches, [announce_news(), report_verdicts(), every_branch_ran, tell()])


nightly_ingest()
