"""The last verdict on every delivery on record: what a data engineer looks at in the morning."""

from __future__ import annotations

from pipeline.outcomes import Outcome, delivery_outcome
from warehouse.connect import Warehouse


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
