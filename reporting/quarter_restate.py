"""What the warehouse says now of published figures, summed up for a person; every figure is in quarters.restatement."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reporting.quarter_log import Version
from warehouse.connect import Connection


@dataclass(frozen=True)
class Restated:
    """Figures of one name in one table of one branch (None: the nation) that differ for one cause.

    `published`, `now` and `difference` are sums in the figure's own unit, None for what cannot be added (ratios, targets, words);
    `deliveries` are the deliveries that came or changed since.
    """

    table: str
    branch_code: str | None
    figure: str
    cause: str
    rows: int
    published: Decimal | None
    now: Decimal | None
    difference: Decimal | None
    deliveries: list[int]

    def __str__(self) -> str:
        place = f"branch {self.branch_code}" if self.branch_code else "the nation"
        amounts = f" {self.published:,} -> {self.now:,} ({self.difference:+,})" if self.difference is not None else ""
        rows = f" in {self.rows} rows" if self.rows > 1 else ""
        ids = f" [deliveries {', '.join(map(str, self.deliveries))}]" if self.deliveries else ""
        return f"{self.cause}: {place}: {self.table}.{self.figure}{amounts}{rows}{ids}"


def read_restatement(connection: Connection, version: Version) -> list[Restated]:
    """Return what differs between a version and the marts as they are now, headline tables first."""
    rows = connection.execute(
        """
        select
            r.table_name, r.branch_code, r.figure, r.cause, count(*)::integer,
            sum(coalesce(r.published_value, 0)) filter (where a.is_sum), sum(coalesce(r.value_now, 0)) filter (where a.is_sum),
            sum(r.difference) filter (where a.is_sum),
            r.deliveries
        from quarters.restate(%s, %s) as r
        -- Ratios are not added, nor targets, of which one is in percent and the next in đồng.
        cross join lateral (select r.figure not like '%%\\_pct' and r.table_name <> 'target_progress' as is_sum) as a
        group by r.table_name, r.branch_code, r.figure, r.cause, r.deliveries
        order by
            array_position(array['national_scorecard', 'branch_scorecard'], r.table_name), r.table_name, r.branch_code, r.figure
        """,
        [version.quarter.code, version.version],
    )
    return [Restated(*_without_sums_of_words(row)) for row in rows]


def _without_sums_of_words(row: tuple) -> tuple:  # type: ignore[type-arg]
    return row if row[7] is not None else (*row[:5], None, None, None, row[8])
