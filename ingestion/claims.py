"""The deliveries on record that may become visible, as the decision on what is visible sees them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ingestion.rules import Counts
from ingestion.succession import Key
from warehouse.connect import Connection


@dataclass(frozen=True)
class Claim:
    """A delivery on record that may become visible. `rows_id` is the delivery that holds its rows.

    `is_weighed`: the ledger knows the intake as it is now.
    """

    delivery_id: int
    rows_id: int
    key: Key
    business_date: dt.date
    revision: int
    previous: dt.date | None
    intake: Counts
    is_measurable: bool
    was_published: bool
    last_verdict: str | None
    last_reason: str | None
    is_duplicate: bool
    content_sha256: str
    could_not_run: str | None
    evaluated_at: dt.datetime
    is_weighed: bool
    supersedes: str | None
    is_superseded_known: bool

    @property
    def owns_number(self) -> bool:
        """True when its number is used up by it: published once, or a repeat of what was."""
        return self.was_published or self.is_duplicate


def read_claims(connection: Connection, family: list[Key]) -> list[Claim]:
    """Return the deliveries of a family with a judgement of the door, by date, revision and arrival.

    A check that could not run counts as an error.
    """
    cursor = connection.execute(
        """
        select d.delivery_id, coalesce(d.duplicate_of, d.delivery_id), d.branch_code, d.branch_valid_from, d.business_date,
            d.revision, d.previous_business_date, i.errors + (i.could_not_run is not null)::int, i.warnings,
            l.result -> 'unreadable' = '[]'::jsonb,
            exists (select from meta.ledger as l where l.delivery_id = d.delivery_id
                and l.verdict in ('published', 'published_with_warnings', 'provisional')),
            last.verdict, last.reason, d.duplicate_of is not null, d.content_sha256, i.could_not_run, i.evaluated_at, w.delivery_id is not null,
            d.supersedes,
            d.supersedes is null
            or exists (select from meta.deliveries as p where (p.branch_code, p.business_date, p.descriptor_sha256)
                = (d.branch_code, d.business_date, d.supersedes))
            or exists (select from meta.ledger as l where (l.branch_code, l.business_date) = (d.branch_code, d.business_date)
                and l.detail -> 'kept' ->> 'datapackage.json' = d.supersedes)
        from meta.deliveries as d
        inner join meta.intakes as i on i.delivery_id = coalesce(d.duplicate_of, d.delivery_id)
        left join meta.weighed_intakes as w on w.delivery_id = i.delivery_id and w.evaluated_at = i.evaluated_at
        left join meta.loads as l on l.delivery_id = coalesce(d.duplicate_of, d.delivery_id)
        left join lateral (
            select e.verdict, e.reason from meta.ledger as e where e.delivery_id = d.delivery_id order by e.entry_no desc limit 1
        ) as last on true
        where (d.branch_code, d.branch_valid_from) in (select * from unnest(%s::text[], %s::date[]))
        order by d.business_date, d.revision, d.delivery_id
        """,
        family_arrays(family),
    )
    return [
        Claim(
            row[0], row[1], (row[2], row[3]), row[4], row[5], row[6],
            Counts(row[7], row[8]), bool(row[9]), *row[10:],
        )
        for row in cursor
    ]  # fmt: skip


def family_arrays(family: list[Key]) -> list[list[str] | list[dt.date]]:
    """The codes and the valid_from dates of a family, as two parameters."""
    return [[code for code, _ in family], [valid_from for _, valid_from in family]]
