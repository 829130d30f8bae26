"""Business equations on the frozen rows of a version, and its comparison with what was published before.

Each file in `reporting/checks/` is one equation, named as a sentence: a query that returns (branch_code, message) for each
branch where it does not hold, and nothing where it does. A version that breaks one is not approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from reporting.quarter import Quarter
from reporting.quarter_log import Version
from warehouse.connect import Connection

FOLDER = Path(__file__).parent / "checks"
BY_CHECKS = "checks"
"""Who rejects a draft that breaks an equation."""


@dataclass(frozen=True)
class Violation:
    """An equation that does not hold. `branch_code` None: for the nation."""

    equation: str
    branch_code: str | None
    message: str

    def __str__(self) -> str:
        place = f"branch {self.branch_code}" if self.branch_code else "the nation"
        return f"{self.equation}: {place}: {self.message}"


@dataclass(frozen=True)
class Change:
    """A branch's outstanding in đồng: as the quarter before published it, as this one takes it as opening, and now."""

    branch_code: str
    published_before: int | None
    opening: int | None
    now: int

    @property
    def is_restated(self) -> bool:
        """True when this quarter starts from another figure than the one published for the quarter before."""
        return None not in (self.published_before, self.opening) and self.published_before != self.opening

    def __str__(self) -> str:
        change = (
            f"{self.now - self.published_before:+,} đồng since the last published quarter"
            if self.published_before is not None
            else "nothing published for the quarter before"
        )
        restated = (
            f"; its opening {self.opening:,} is not the {self.published_before:,} published: see the restatement"
            if self.is_restated
            else ""
        )
        return f"branch {self.branch_code}: outstanding {self.now:,} đồng, {change}{restated}"


def find_violations(connection: Connection, quarter: Quarter, version: int) -> list[Violation]:
    """Return every equation that does not hold, for every branch where it does not."""
    found = []
    for file in sorted(FOLDER.glob("*.sql")):
        equation = file.stem.replace("_", " ")
        rows = connection.execute(_query(file.read_text(), quarter, version))
        found += [Violation(equation, branch, message) for branch, message in rows]
    return found


def compare_with_last_quarter(connection: Connection, version: Version) -> list[Change]:
    """Return each branch beside what was published for the quarter before of it, or of those merged into it since."""
    rows = connection.execute(
        """
        with before as (
            select f.head_code, sum(b.outstanding_vnd) as outstanding_vnd
            from quarters.branch_scorecard as b
            inner join quarters.versions as v
                on b.quarter_code = v.quarter_code and b.version = v.version and v.is_current
            inner join quarters.families_of(%(code)s) as f
                on b.branch_code = f.branch_code and b.business_date between f.valid_from and f.valid_to
            where v.quarter_code = %(code_before)s
            group by f.head_code
        )

        select s.branch_code, before.outstanding_vnd::bigint, s.outstanding_vnd - s.change_from_quarter_start_vnd,
            s.outstanding_vnd
        from quarters.branch_scorecard as s
        left join before on s.branch_code = before.head_code
        where s.quarter_code = %(code)s and s.version = %(version)s
        order by s.branch_code
        """,
        {"code_before": version.quarter.previous().code, "code": version.quarter.code, "version": version.version},
    )
    return [Change(*row) for row in rows]


def _query(text: Any, quarter: Quarter, version: int) -> sql.Composed:
    return sql.SQL(text).format(code=sql.Literal(quarter.code), version=sql.Literal(version))
