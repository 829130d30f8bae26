"""
**What.** Brings the marts up to what the ledger says is visible: opens a build of the branches and dates whose
delivery has changed, builds the areas of the dbt project one after the other beside the rows that readers see, tests
them, and flips all of them in one transaction. Runs after `nightly_ingest` whenever the ledger has grown, and at half
past every hour, so that a lost event costs an hour and no figure. One build takes as much as fits in one piece; after
a flip it therefore looks again, until there is nothing to do: then it skips the rest and is green.

**When it fails.** Red is an area: a model or one of its tests failed. Readers go on seeing the last whole build of
every mart, also of the areas that had succeeded. Read the failed area's log: dbt names the model or test. When the
cause is removed, clear the failed task or wait for the next run, which builds whatever is then to be built. "Build N is
not running any more" says that somebody built by command line meanwhile: nothing needs to be done.

**Safe to rerun.** Always. A build that never flipped is left behind and the next one starts again from the ledger; the
visible rows are only ever changed by the flip.

**Who is told.** The data-platform team sees the red run, and on the status page, which `show` writes anew, that the marts
have not followed; readers see the date of the build in every mart.
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, chain, dag, task

from dags.common import DEFAULTS, MARTS, TIMEZONE, VISIBLE

AREAS = ("prepare", "dimensions", "lending", "capital", "boards")


@task.short_circuit(inlets=[VISIBLE])
def open_build() -> int | None:
    from pipeline import steps  # noqa: PLC0415

    return steps.open_build()


@task
def build_area(build_id: int, area: str) -> None:
    from pipeline import steps  # noqa: PLC0415

    steps.build_area(build_id, area)


@task(outlets=[VISIBLE, MARTS])
def flip(build_id: int) -> None:
    from pipeline import steps  # noqa: PLC0415

    steps.flip_build(build_id)


@task
def show() -> None:
    from pipeline import steps  # noqa: PLC0415

    steps.show_status()


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("30 * * * *", timezone=TIMEZONE, run_immediately=True),
        assets=[VISIBLE],
    ),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["night", "marts"],
    doc_md=__doc__,
)
def build_marts() -> None:
    build_id = open_build()
    areas = [build_area.override(task_id=area)(build_id, area) for area in AREAS]
    chain(build_id, *areas, flip(build_id), show())


build_marts()
