"""What a suite is made of: statements that hold for every row of a dataset, as SQL that PostgreSQL counts and lists.

A statement is one sentence of the bank and one or more checks. A check is a boolean SQL expression over the columns of
the row; a row for which it is not true (false or null) stands against the statement. Without `joins` all statements of
a suite are counted in one pass over the table. With `joins` the statement is counted by a query of its own, in which
the row is called `r`.

In SQL, `{table}`, `{delivery_id}`, `{branch_code}`, `{business_date}`, `{previous_business_date}` and
`{cob_completed_at}` stand for the delivery being validated; the previous business date of a first delivery is
`-infinity`, so that any date lies after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from contract.findings import Severity

PLACEHOLDER = re.compile(r"\{(table|delivery_id|branch_code|business_date|previous_business_date|cob_completed_at)\}")


class ExpectationSeverity(StrEnum):
    """How much a failed statement matters, in the words of Great Expectations."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def finding_severity(self) -> Severity | None:
        """The severity of the findings; None for what is only shown in the results."""
        found = {ExpectationSeverity.CRITICAL: Severity.ERROR, ExpectationSeverity.WARNING: Severity.WARNING}
        return found.get(self)


@dataclass(frozen=True)
class Check:
    """One thing that is true of a row. A finding names `column` and shows `value` (SQL; default: the column)."""

    column: str
    holds: str
    mend: str
    value: str | None = None

    @property
    def shown(self) -> str:
        """The SQL expression of the value that a finding shows."""
        return self.value or self.column


@dataclass(frozen=True)
class Statement:
    """One expectation. `sentence` is read by accountants; each check's `mend` is the message of its findings."""

    name: str
    sentence: str
    severity: ExpectationSeverity
    checks: tuple[Check, ...]
    rule: str = "constraint-error"
    joins: str = ""


@dataclass(frozen=True)
class Suite:
    """The statements about one dataset, and `about`: what the dataset is, in the bank's words."""

    dataset: str
    about: str
    columns: tuple[str, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Delivery:
    """The delivery being validated, as it stands in meta.deliveries."""

    delivery_id: int
    branch_code: str
    business_date: date
    revision: int
    previous_business_date: date | None
    cob_completed_at: datetime

    def parts(self, dataset: str) -> Mapping[str, str]:
        """Return the SQL that each placeholder stands for in statements about `dataset`."""
        previous = self.previous_business_date.isoformat() if self.previous_business_date else "-infinity"
        return {
            "table": f"raw.{dataset}_d{self.delivery_id:d}",
            "delivery_id": f"{self.delivery_id:d}",
            "branch_code": quote_literal(self.branch_code),
            "business_date": f"date '{self.business_date.isoformat()}'",
            "previous_business_date": f"date '{previous}'",
            "cob_completed_at": f"timestamptz '{self.cob_completed_at.isoformat()}'",
        }


def quote_literal(text: str) -> str:
    """Return the text as an SQL literal (standard_conforming_strings is on, as it is by default)."""
    return "'" + text.replace("'", "''") + "'"


def count_expression(statement: Statement, parts: Mapping[str, str]) -> str:
    """Return an aggregate over the dataset's rows: how many stand against the statement."""
    if not statement.joins:
        return _fill(f"count(*) filter (where ({_all_hold(statement)}) is not true)", parts)
    query = f"select count(*) from {{table}} as r {statement.joins} where ({_all_hold(statement)}) is not true"
    # PostgreSQL runs the inner query once. An aggregate around it: when the query for the whole suite fails, GX asks for
    # each part alone, and needs one row.
    return _fill(f"coalesce(max(({query})), 0)", parts)


def list_query(statement: Statement, parts: Mapping[str, str]) -> str:
    """Return a query of (row_no, number of the check, value as text) for every failed check of every row."""
    rows = ", ".join(
        f"({number}, ({check.shown})::text, ({check.holds})) " for number, check in enumerate(statement.checks)
    )
    query = f"""
        select distinct r.row_no, c.check_number, c.check_value
        from {{table}} as r {statement.joins}
        cross join lateral (values {rows}) as c (check_number, check_value, check_holds)
        where ({_all_hold(statement)}) is not true and c.check_holds is not true
        order by r.row_no, c.check_number, c.check_value
    """
    return _fill(query, parts)


def _all_hold(statement: Statement) -> str:
    return " and ".join(f"({check.holds})" for check in statement.checks)


def _fill(text: str, parts: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: parts[match.group(1)], text)
