"""Working through a range of dates again: what is held is judged by the rules of today, the marts are made anew.

Nothing that readers see is taken away meanwhile: the visible deliveries stay, and marts are built beside the ones that
are read. Safe to repeat; cut off, the next night goes on from there.
"""

from __future__ import annotations

import datetime as dt

from contract.errors import WarehouseError
from ingestion.landing import Landing
from ingestion.load import drop_rows
from ingestion.retire import drop_attached_leaves
from pipeline.branch import Selection, publish_branch, verify_branch
from pipeline.build import LOCK
from pipeline.intake import Progress, load_pending, quiet, validate_pending, working_on
from pipeline.outcomes import Outcome
from pipeline.pause import paused_branches, require_at_work
from warehouse.connect import Connection, Warehouse

MOST_DATES = 400
"""A range is bounded: more than a year is `pipeline build --full`, or another decision."""


def find_rework(warehouse: Warehouse, first: dt.date, last: dt.date, branch: str | None = None) -> list[str]:
    """Return the branches that have delivered for a date of the range, on record or in the landing.

    Raises WarehouseError for a range that is empty or too long, a branch that is paused, or a code that no branch has.
    """
    if not 0 <= (last - first).days < MOST_DATES:
        raise WarehouseError(
            f"{first} to {last} is no range of at most {MOST_DATES} dates", remedy="Name the first date and the last."
        )
    if branch is not None:
        require_at_work(warehouse, branch)
    landing = Landing(warehouse.settings.landing)
    with warehouse.connect("loader") as connection:
        known = connection.execute(
            "select distinct branch_code from meta.deliveries where business_date between %s and %s", [first, last]
        ).fetchall()
        paused = paused_branches(connection)
    codes = {code for (code,) in known} | {code for code in landing.branches() if _delivers(landing, code, first, last)}
    return sorted(code for code in codes - paused if branch in (None, code))


def _delivers(landing: Landing, code: str, first: dt.date, last: dt.date) -> bool:
    try:
        return any(first.isoformat() <= folder.business_date <= last.isoformat() for folder in landing.folders(code))
    except WarehouseError:
        return True  # its own work says why its folders cannot be read, and stops no other branch


def rework_branch(
    warehouse: Warehouse, branch_code: str, first: dt.date, last: dt.date, progress: Progress = quiet
) -> list[Outcome]:
    """Take in what lies in the landing for the range, judge again what is held in it; return what turned."""
    for day in range((last - first).days + 1):
        verify_branch(warehouse, branch_code, Selection(branch_code, first + dt.timedelta(days=day)))
    for delivery_id in _find_held(warehouse, branch_code, first, last):
        with working_on(warehouse, delivery_id) as connection:
            progress(f"{branch_code}: delivery {delivery_id} is judged again")
            _forget_judgement(warehouse, connection, delivery_id)
    load_pending(warehouse, branch_code, progress)
    validate_pending(warehouse, branch_code, progress)
    return publish_branch(warehouse, branch_code)


def ask_for_marts(warehouse: Warehouse, first: dt.date, last: dt.date, branch: str | None = None) -> int:
    """Have the next build make the marts of the range anew, and return of how many units."""
    with warehouse.connect("transformer", autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext(%s))", [LOCK])
        with connection.transaction():
            forgotten = connection.execute(
                "update meta.current_units set fingerprint = '' "
                "where business_date between %s and %s and (%s::text is null or branch_code in (%s::text, '*'))",
                [first, last, branch, branch],
            ).rowcount
            connection.execute("update meta.builds set is_last = false where is_last")
    return forgotten


def _find_held(warehouse: Warehouse, branch_code: str, first: dt.date, last: dt.date) -> list[int]:
    with warehouse.connect("loader") as connection:
        rows = connection.execute(
            """
            select d.delivery_id from meta.deliveries as d
            cross join lateral (
                select l.verdict from meta.ledger as l where l.delivery_id = d.delivery_id order by l.entry_no desc limit 1
            ) as last
            where d.branch_code = %s and d.business_date between %s and %s and d.duplicate_of is null
                and last.verdict = 'held'
                and not exists (select from meta.visible_deliveries as v where v.delivery_id = d.delivery_id)
            order by d.business_date, d.revision
            """,
            [branch_code, first, last],
        ).fetchall()
    return [delivery_id for (delivery_id,) in rows]


def _forget_judgement(warehouse: Warehouse, connection: Connection, delivery_id: int) -> None:
    drop_attached_leaves(warehouse, delivery_id)
    with connection.transaction():
        drop_rows(connection, delivery_id)
        for table in ("findings", "openings", "intakes"):
            connection.execute(f"delete from meta.{table} where delivery_id = %s", [delivery_id])
