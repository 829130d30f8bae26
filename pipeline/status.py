"""The last verdict on every delivery on record: what a data engineer looks at in the morning."""

from __future__ import annotations

from pipeline.outcomes import Outcome, delivery_outcome
from warehouse.connect import Warehouse

PASSED = ("published", "published_with_warnings", "provisional")


def read_status(warehouse: Warehouse) -> list[Outcome]:
    """Return, by date and branch, the last verdict on each revision on record and on each folder refused or waiting."""
    with warehouse.connect("loader") as connection:
        judged = connection.execute(
            "select distinct delivery_id from meta.ledger where delivery_id is not null"
        ).fetchall()
        outcomes = [delivery_outcome(connection, delivery_id) for (delivery_id,) in judged]
        for path, branch, date, revision, verdict, findings in connection.execute(
            """
            select path, branch_code, business_date::text, revision, verdict, findings from meta.arrivals
            where verdict in ('refused', 'waiting')
            """
        ):
            reason = findings[0]["message"] if findings else ""
            outcomes.append(Outcome(branch or path, date or "", revision, verdict, reason, findings))
    return sorted(outcomes, key=lambda outcome: (outcome.business_date, outcome.branch_code, outcome.revision or 0))


def find_open(outcomes: list[Outcome]) -> list[Outcome]:
    """Return what is held or refused and not mended: no later revision of the same branch and date has passed."""
    passed: dict[tuple[str, str], int] = {}
    for outcome in outcomes:
        if outcome.verdict in PASSED:
            place = (outcome.branch_code, outcome.business_date)
            passed[place] = max(passed.get(place, 0), outcome.revision or 0)
    return [
        outcome
        for outcome in outcomes
        if outcome.is_bad and (outcome.revision or 0) >= passed.get((outcome.branch_code, outcome.business_date), 0)
    ]
