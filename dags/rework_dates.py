"""
**What.** Works through a range of business dates again, `from` to `to`, of one `branch` or of all: takes in what lies in the
landing for these dates, judges again by the rules of today what is *held*, and asks for the marts of these dates to be
made anew, which `build_marts` then does. At most two branches at once. Never runs by itself.

**When it fails.** `find`: the range is longer than 400 dates, the branch is paused, or no branch has the code. A task of
one branch: an error, such as a full disk; the others are not touched by it. A delivery that is held again is no failure;
its reasons are in the branch's feedback (runbook `docs/runbooks/rework-dates.md`).

**Safe to rerun.** Always. What readers see is not taken away meanwhile: visible deliveries stay, and marts are built beside
the ones that are read.

**Who is told.** Who started it sees the run; turned verdicts stand in the next digest and on the status page.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, chain, dag, task

from dags.common import DEFAULTS, LANDING, MAPPED, VISIBLE, branch_name


@task(inlets=[LANDING])
def find(params: Any = None) -> list[str]:
    from pipeline import steps  # noqa: PLC0415

    return steps.find_rework(params)


@task(**MAPPED)
def rework(code: str, params: Any = None) -> list[int]:
    from pipeline import steps  # noqa: PLC0415

    return steps.rework_branch(code, params)


@task(outlets=[VISIBLE])
def ask_for_marts(params: Any = None) -> int:
    from pipeline import steps  # noqa: PLC0415

    return steps.ask_for_marts(params)


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["by hand", "ingestion"],
    doc_md=__doc__,
    params={
        "from": Param(type="string", format="date", description="The first business date, such as 2025-09-01"),
        "to": Param(type="string", format="date", description="The last business date"),
        "branch": Param(
            None, type=["null", "string"], pattern="^[0-9]{2}$", description="Only this branch, such as 96"
        ),
    },
    user_defined_macros={"branch_name": branch_name},
)
def rework_dates() -> None:
    chain(rework.expand(code=find()), ask_for_marts())


rework_dates()
