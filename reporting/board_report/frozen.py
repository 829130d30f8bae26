"""What a report reads: one function for each question, of the frozen rows of one edition and territory.

Rows come as dictionaries by column name; money is in đồng. The only other tables read are the dimensions (names).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from reporting.board_report.edition import Edition
from reporting.quarter_tables import column_names
from warehouse.connect import Connection

Row = dict[str, Any]
NATION = "*"
OF_SCOPE = "quarter_code = %(quarter)s and version = %(version)s and (%(branch)s = '*' or branch_code = %(branch)s)"

BALANCES = """
    select {0} as code, sum(loans)::bigint as loans, sum(in_term_vnd)::bigint as in_term_vnd,
        sum(overdue_vnd)::bigint as overdue_vnd, sum(frozen_vnd)::bigint as frozen_vnd,
        sum(outstanding_vnd)::bigint as outstanding_vnd
    from quarters.loan_balances where {1} group by 1 order by outstanding_vnd desc, code
"""
CAPITAL = """
    select source_code as code, min(tier) as tier, sum(balance_vnd)::bigint as balance_vnd,
        sum(lent_vnd)::bigint as lent_vnd, sum(committed_not_received_vnd)::bigint as committed_not_received_vnd
    from quarters.capital_sources where {} group by 1
"""
MIX = """
    select sum(capital_total_vnd)::bigint as capital_total_vnd, sum(central_vnd)::bigint as central_vnd,
        sum(mobilised_vnd)::bigint as mobilised_vnd, sum(local_vnd)::bigint as local_vnd,
        sum(local_outstanding_vnd)::bigint as local_outstanding_vnd, sum(local_idle_vnd)::bigint as local_idle_vnd
    from quarters.capital_mix where {}
"""
LATE_COMMUNES = """
    with late as (
        select branch_code, commune_code, sum(loans) filter (where overdue_vnd > 0) as overdue_loans,
            -- Of the loans of a band of days at least one is frozen in part, and how many are is not on record.
            sum(case when overdue_band = 'frozen' then loans else 1 end) filter (where frozen_vnd > 0) as frozen_loans
        from quarters.overdue_debt where {0} group by 1, 2
    ),
    balances as (
        select branch_code, commune_code, sum(loans) as loans, sum(overdue_vnd) as overdue_vnd,
            sum(frozen_vnd) as frozen_vnd, sum(outstanding_vnd) as outstanding_vnd
        from quarters.loan_balances where {0} group by 1, 2
    )
    select b.branch_code, b.commune_code as code, b.loans::bigint, coalesce(l.overdue_loans, 0)::bigint as overdue_loans,
        coalesce(l.frozen_loans, 0)::bigint as frozen_loans, b.overdue_vnd::bigint, b.frozen_vnd::bigint,
        b.outstanding_vnd::bigint
    from balances as b left join late as l using (branch_code, commune_code)
    order by b.overdue_vnd desc, b.branch_code, b.commune_code
"""
BANDS = """
    select overdue_band as code, sum(loans)::bigint as loans, sum(overdue_vnd)::bigint as overdue_vnd,
        sum(frozen_vnd)::bigint as frozen_vnd
    from quarters.overdue_debt where {} group by 1
"""
# Of the territory whose closing the report tells: those merged into a branch since, and no branch without a closing.
FLOWS = """
    select l.{0} as code, sum(l.disbursed_vnd)::bigint as disbursed_vnd, sum(l.collected_vnd)::bigint as collected_vnd,
        sum(l.written_off_vnd)::bigint as written_off_vnd, sum(l.disbursed_loans)::bigint as disbursed_loans,
        coalesce(sum({1}), 0)::bigint as transferred_vnd
    from quarters.lending_flows as l
    inner join quarters.families_of(%(quarter)s) as f
        on l.branch_code = f.branch_code and l.business_date between f.valid_from and f.valid_to
    inner join quarters.branch_scorecard as s
        on (l.quarter_code, l.version, f.head_code) = (s.quarter_code, s.version, s.branch_code)
    where l.quarter_code = %(quarter)s and l.version = %(version)s and (%(branch)s = '*' or f.head_code = %(branch)s)
    group by 1 order by 1
"""
DEMAND = """
    select kind, programme_code as code, sum(cases)::bigint as cases, sum(identified)::bigint as identified,
        sum(applied)::bigint as applied, sum(approved)::bigint as approved, sum(disbursed)::bigint as disbursed,
        sum(refused)::bigint as refused, sum(not_interested)::bigint as not_interested,
        sum(need_vnd)::bigint as need_vnd, sum(disbursed_vnd)::bigint as disbursed_vnd
    from quarters.demand_coverage where {} group by 1, 2 order by 1, 2
"""
ABSCONDED = """
    select years_absent as code, sum(cases)::bigint as cases, sum(borrowers)::bigint as borrowers,
        sum(loans)::bigint as loans, sum(in_term_vnd)::bigint as in_term_vnd, sum(overdue_vnd)::bigint as overdue_vnd,
        sum(frozen_vnd)::bigint as frozen_vnd, sum(recovered_vnd)::bigint as recovered_vnd
    from quarters.absconded_borrowers where {} group by 1
"""
ORGANISATIONS = """
    select organisation_code as code, sum(groups)::bigint as groups, sum(loans)::bigint as loans,
        sum(borrowers)::bigint as borrowers, sum(outstanding_vnd)::bigint as outstanding_vnd,
        sum(overdue_vnd)::bigint as overdue_vnd
    from quarters.organisations where {} group by 1 order by outstanding_vnd desc, code
"""
CHANGES = """
    select measure, member_code, compared_value, value, change
    from quarters.compare_versions(%(quarter)s, %(version)s, %(quarter)s, %(previous)s)
    where territory = 'reported' and branch_code = %(branch)s and dimension = 'total'
        and value is distinct from compared_value
    order by measure
"""
FAMILY = """
    select branch_code from meta.branch_families as f
    where (head_code, head_valid_from) = (%s, %s) and exists (
        select from meta.branches as b where (b.branch_code, b.valid_from) = (f.branch_code, f.valid_from)
            and %s between b.valid_from and coalesce(b.valid_to, 'infinity')
    )
"""


@dataclass(frozen=True)
class FrozenRows:
    """The frozen rows of one edition, of one branch as it reported, or of the nation ("*")."""

    connection: Connection
    edition: Edition
    branch: str

    def read_scorecard(self) -> Row | None:
        """The one row of branch_scorecard, or of national_scorecard; None where nothing is frozen of the branch."""
        name = "national_scorecard" if self.branch == NATION else "branch_scorecard"
        scope = OF_SCOPE if self.branch != NATION else "quarter_code = %(quarter)s and version = %(version)s"
        rows = self._ask(sql.SQL("select * from {} where {}").format(sql.Identifier("quarters", name), sql.SQL(scope)))
        return rows[0] if rows else None

    def read_branches(self) -> list[Row]:
        """The scorecards of the branches of the territory."""
        return self._read("select * from quarters.branch_scorecard where {} order by branch_code")

    def read_balances_by(self, column: str) -> list[Row]:
        """Loans and buckets by a column of loan_balances, the largest outstanding first."""
        return self._ask(sql.SQL(BALANCES).format(sql.Identifier(column), sql.SQL(OF_SCOPE)))

    def read_flows_by(self, column: str) -> list[Row]:
        """Turnover, collection, write-offs and transfers of the quarter by a column of lending_flows."""
        # A column that quarters frozen before 2026-12 lack.
        is_known = "transferred_vnd" in column_names(self.connection, "lending_flows")
        transferred = sql.Identifier("l", "transferred_vnd") if is_known else sql.Literal(0)
        return self._ask(sql.SQL(FLOWS).format(sql.Identifier(column), transferred))

    def read_capital(self) -> list[Row]:
        return self._read(CAPITAL)

    def read_mix(self) -> Row:
        return self._read(MIX)[0]

    def read_late_communes(self) -> list[Row]:
        """Every commune of the loan book with its late debt, the largest overdue first."""
        return self._read(LATE_COMMUNES)

    def read_bands(self) -> list[Row]:
        return self._read(BANDS)

    def read_demand(self) -> list[Row]:
        return self._read(DEMAND)

    def read_absconded(self) -> list[Row]:
        return self._read(ABSCONDED)

    def read_organisations(self) -> list[Row]:
        return self._read(ORGANISATIONS)

    def read_targets(self) -> list[Row]:
        """The targets of the branch itself; those of offices and communes are theirs."""
        return self._read(
            "select * from quarters.target_progress where {} and scope_kind = 'branch' "
            "order by branch_code, indicator, plan_id, plan_version"
        )

    def read_changes(self, previous: Edition) -> list[Row]:
        """Headline measures that differ from those of the version before, or that only one of the two knows."""
        return self._ask(sql.SQL(CHANGES), previous=previous.version)

    def read_names(self, dimension: str, code: str, language: str) -> dict[str, str]:
        """Names by code of a dimension, as they were on the day of the report."""
        dated = "" if dimension in ("programme", "organisation", "capital_source") else (
            " where %(as_of)s between valid_from and coalesce(valid_to, 'infinity')"
        )  # fmt: skip
        query = sql.SQL("select {}, {} from {}" + dated).format(
            sql.Identifier(code), sql.Identifier(f"name_{language}"), sql.Identifier("marts", f"dim_{dimension}")
        )
        return {row[code]: row[f"name_{language}"] for row in self._ask(query)}

    def read_unit(self) -> Row | None:
        """The branch itself, as it stood on the day of the report."""
        rows = self._ask(sql.SQL(
            "select * from marts.dim_branch where branch_code = %(branch)s "
            "and %(as_of)s between valid_from and coalesce(valid_to, 'infinity')"
        ))  # fmt: skip
        return rows[0] if rows else None

    def read_earlier(self, earlier: Edition, unit: Row | None) -> list[Row]:
        """The scorecards of an earlier edition on the same territory: its own, or those merged into the branch since."""
        if unit is None:
            row = FrozenRows(self.connection, earlier, NATION).read_scorecard()
            return [row] if row else []
        cursor = self.connection.execute(FAMILY, [self.branch, unit["valid_from"], earlier.as_of])
        codes = [row[0] for row in cursor]
        rows = [FrozenRows(self.connection, earlier, code).read_scorecard() for code in sorted(codes)]
        return [row for row in rows if row] if codes and all(rows) else []

    def _read(self, query: Any) -> list[Row]:
        return self._ask(sql.SQL(query).format(sql.SQL(OF_SCOPE)))

    def _ask(self, query: sql.SQL | sql.Composed, **more: Any) -> list[Row]:
        code, version = self.edition.key
        values = {"quarter": code, "version": version, "branch": self.branch, "as_of": self.edition.as_of, **more}
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()
