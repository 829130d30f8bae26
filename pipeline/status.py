"""The last verdict on every delivery on record: what a data engineer looks at in the morning."""

from __future__ import annotations

from pipeline.outcomes import Outcome, delivery_outcome
from warehouse.connect import Warehouse

PUBLISHED = ("published", "published_with_warnings", "provisional")


def read_status(warehouse: Warehouse) -> list[Outcome]:
    """Return, by date and branch, the last verdict on each revision on record and on each folder refused or waiting.

    A folder that lies in the landing no more is left out where it waited, or was refused and names no branch of its date.
    """
    with warehouse.connect("loader") as connection:
        judged = connection.execute(
            "select distinct delivery_id from meta.ledger where delivery_id is not null"
        ).fetchall()
        outcomes = [delivery_outcome(connection, delivery_id) for (delivery_id,) in judged]
        for path, branch, date, revision, verdict, findings in connection.execute(
            """
            select path, branch_code, business_date::text, revision, verdict, findings from meta.arrivals as a
            where verdict in ('refused', 'waiting') and (gone_at is null or verdict = 'refused' and exists (
                select from meta.branches as b where b.branch_code = a.branch_code
                    and a.business_date between b.valid_from and coalesce(b.valid_to, 'infinity')
            ))
            """
        ):
            reason = findings[0]["message"] if findings else ""
            outcomes.append(Outcome(branch or path, date or "", revision, verdict, reason, findings))
    return sorted(outcomes, key=lambda outcome: (outcome.business_date, outcome.branch_code, outcome.revision or 0))


def is_open(outcomes: list[Outcome]) -> bool:
    """True where anything is held or refused and no later revision of its date has been published."""
    published: dict[tuple[str, str], int] = {}
    for outcome in outcomes:
        if outcome.verdict in PUBLISHED:
            place = (outcome.branch_code, outcome.business_date)
            published[place] = max(published.get(place, 0), outcome.revision or 0)
    return any(
        outcome.is_bad and (outcome.revision or 0) >= published.get((outcome.branch_code, outcome.business_date), 0)
        for outcome in outcomes
    )
