"""
**What.** Closes a quarter: *freeze* (marts up to date, then copied into a draft with everything that they were made
from; the log says which branches are missing or provisional) → *check* (business equations, last quarter's figures)
→ *rederive* (the same figures again from the delivered bytes, byte for byte) → *approve* (waits for a person, holding
no slot; may take weeks) → *publish* (BI roles see it) → *report* (the board's, for each branch and the nation). Runs at
nine on the fifth day after each quarter's end, for that quarter; for any other, trigger it with the parameter `quarter`.
A quarter whose content is published already is skipped.

**When it fails.** *freeze*: a mart or the quarter's last day is lacking, or a draft with other content is open. *check*:
an equation does not hold; the draft is rejected and the log says why. *rederive*: the stored bytes do not give the same
figures: nobody should approve them. *approve*: tried again each time, because the person who answered started this run
by hand, or rejected without a reason. *report*: the quarter is published all the same; clear the task when mended. The
error says what to do (runbook `docs/runbooks/close-a-quarter.md`).

**Safe to rerun.** Always. Frozen rows are only added, a state is reached once; a run goes on from what it finds done.

**Who is told.** Whoever may approve finds the question under *Required Actions*, with checksum and completeness; the
answer, by whom, when, on what checksum and why, stands in `quarters.quarter_close`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, CronTriggerTimetable, Param, chain, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.common import DEFAULTS, TIMEZONE


def describe(draft: list[Any]) -> str:
    """What a person is asked about."""
    from pipeline import quarter_steps as steps  # noqa: PLC0415

    return steps.describe_draft(*draft)


class QuarterApproval(ApprovalOperator):
    """Writes the answer into the log of quarters before anything follows from it; asks again when it is refused."""

    def execute(self, context: Any) -> Any:
        from pipeline import quarter_steps as steps  # noqa: PLC0415

        status = steps.status_of(*context["ti"].xcom_pull(task_ids="freeze"))
        if status == "rejected":
            raise AirflowSkipException("It is rejected.")
        # Airflow may try again a task that has just ended: what is decided is not asked again.
        return super().execute(context) if status == "draft" else status

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        from pipeline import quarter_steps as steps  # noqa: PLC0415

        run, draft = context["dag_run"], context["ti"].xcom_pull(task_ids="freeze")
        steps.decide_quarter(draft, run.run_type, run.triggering_user_name, event)
        return super().execute_complete(context, event)


@task.short_circuit
def freeze(params: Any = None, dag_run: Any = None) -> list[Any] | None:
    from pipeline import quarter_steps as steps  # noqa: PLC0415

    return steps.freeze_quarter(params["quarter"], dag_run.run_after, dag_run.run_type, dag_run.triggering_user_name)


@task(retries=0)
def check(draft: list[Any]) -> None:
    from pipeline import quarter_steps as steps  # noqa: PLC0415

    steps.check_quarter(*draft)


@task(retries=0, execution_timeout=timedelta(hours=12))
def rederive(draft: list[Any]) -> None:
    from pipeline import quarter_steps as steps  # noqa: PLC0415

    steps.rederive_quarter(*draft)


@task(outlets=[Asset("warehouse/quarters")])
def publish(draft: list[Any]) -> None:
    from pipeline import quarter_steps as steps  # noqa: PLC0415

    steps.publish_quarter(*draft)


@task
def report(draft: list[Any]) -> None:
    from pipeline import quarter_steps as steps  # noqa: PLC0415

    steps.write_reports(*draft)


@dag(
    schedule=CronTriggerTimetable("0 9 5 1,4,7,10 *", timezone=TIMEZONE),
    catchup=False,
    max_active_runs=8,  # runs wait for people: another quarter need not wait for this one
    default_args=DEFAULTS,
    tags=["quarter"],
    doc_md=__doc__,
    params={"quarter": Param(None, type=["null", "string"], pattern="^[0-9]{4}Q[1-4]$", description="Such as 2025Q3")},
    user_defined_macros={"describe": describe},
)
def quarterly_snapshot() -> None:
    draft = freeze()
    approve = QuarterApproval(
        task_id="approve",
        subject="Publish {{ ti.xcom_pull(task_ids='freeze') | join(', version ') }}?",
        body="{{ describe(ti.xcom_pull(task_ids='freeze')) }}",
        params={"reason": Param("", type="string", description="Why; needed for a rejection.")},
        execution_timeout=None,
        retries=50,
        retry_delay=timedelta(seconds=5),
    )
    chain(draft, check(draft), rederive(draft), approve, publish(draft), report(draft))


quarterly_snapshot()
