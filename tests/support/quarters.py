"""Hand-made marts and a hand-made ledger: small figures that agree with one another, to be frozen, and to be spoilt.

Written from spec/marts.md; it shares no code with the dbt project or with what freezes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from warehouse.connect import Connection, Warehouse

Row = dict[str, Any]

PLACE = "business_date date, branch_code text, current_branch_code text, is_provisional boolean"
BUCKETS = "in_term_vnd bigint, overdue_vnd bigint, frozen_vnd bigint"
COUNTED = (
    f"outstanding_vnd bigint, {BUCKETS}, loans bigint, borrowers bigint, change_from_year_start_vnd bigint, "
    "change_from_quarter_start_vnd bigint, disbursed_qtd_vnd bigint, disbursed_ytd_vnd bigint, collected_qtd_vnd bigint, "
    "collected_ytd_vnd bigint, borrowers_reached_qtd bigint, borrowers_reached_ytd bigint, overdue_ratio_pct numeric(38, 6), overdue_frozen_ratio_pct numeric(38, 6), "
    "absconded_borrowers bigint, absconded_cases bigint, groups bigint, offices_delivered integer, offices_expected integer"
)
COLUMNS = {
    "loan_balances": f"{PLACE}, office_code text, commune_code text, current_commune_code text, programme_code text, "
    f"source_code text, organisation_code text, loans bigint, {BUCKETS}, outstanding_vnd bigint, par1_vnd bigint, "
    "par30_vnd bigint, par90_vnd bigint, par180_vnd bigint",
    "overdue_debt": f"{PLACE}, office_code text, commune_code text, current_commune_code text, programme_code text, "
    "organisation_code text, overdue_band text, loans bigint, overdue_vnd bigint, frozen_vnd bigint",
    "capital_sources": f"{PLACE}, source_code text, tier text, balance_vnd bigint, share_of_capital_pct numeric(38, 6)",
    "capital_mix": f"{PLACE}, capital_total_vnd bigint, central_vnd bigint, mobilised_vnd bigint, local_vnd bigint, "
    "local_outstanding_vnd bigint",
    "lending_flows": f"{PLACE}, value_date date, office_code text, commune_code text, programme_code text, "
    "source_code text, disbursed_vnd bigint, collected_vnd bigint, written_off_vnd bigint",
    "branch_scorecard": f"{PLACE}, {COUNTED}",
    "national_scorecard": f"business_date date, {COUNTED}, branches_delivered integer, branches_expected integer",
    "target_progress": f"{PLACE}, plan_id text, version integer, indicator text, target_value numeric, actual_value numeric",
    "demand_coverage": f"{PLACE}, commune_code text, kind text, programme_code text, cases bigint, disbursed bigint",
    "absconded_borrowers": f"{PLACE}, commune_code text, years_absent text, cases bigint, borrowers bigint",
    "organisations": f"{PLACE}, organisation_code text, groups bigint, outstanding_vnd bigint, overdue_vnd bigint",
}  # fmt: skip


# The policies that the dbt project gives every mart (spec, Roles).
OWN = "current_branch_code in (select branch_code from meta.branch_access where role_name = current_user)"
POLICIES = """
    alter table {0} enable row level security;
    create policy all_rows on {0} for select to bi_reader, quarter_keeper using (true);
    create policy own_rows on {0} for select to branch_reader using ({1});
    grant select on {0} to bi_reader, branch_reader, quarter_keeper
"""

TODAY = {"58": "56"}
"""The branch that stands today where another one stood before 2025-07-01."""


@dataclass
class State:
    """A branch on a date. `loans`: (commune, programme, source, organisation) -> (in term, overdue, frozen) đồng."""

    branch: str
    date: dt.date
    loans: dict[tuple[str, str, str, str], tuple[int, int, int]]
    current_branch: str
    opening: int | None = None
    flows: list[tuple[dt.date, int, int]] = field(default_factory=list)
    is_provisional: bool = False

    @property
    def outstanding(self) -> int:
        return sum(sum(buckets) for buckets in self.loans.values())


def state(branch: str, date: dt.date, *, scale: int = 1, **changes: Any) -> State:
    """A branch with three loans in two communes, in units of `scale` million đồng."""
    million = 1_000_000 * scale
    loans = {
        (f"{branch}001", "1", "TW", "PN"): (40 * million, 2 * million, 0),
        (f"{branch}001", "19", "DP_PROVINCE", "ND"): (7 * million, 0, 1 * million),
        (f"{branch}002", "1", "TW", "ND"): (30 * million, 0, 0),
    }
    return State(branch, date, **{"loans": loans, "current_branch": TODAY.get(branch, branch), **changes})


class HandMadeMarts:
    """The marts of a warehouse as plain tables, with a ledger that says where they come from."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        with warehouse.connect("transformer") as connection:
            for name, columns in COLUMNS.items():
                connection.execute(_sql(f"create table marts.mart_{name} ({columns})"))
                own_rows = OWN if name != "national_scorecard" else "true"
                connection.execute(_sql(POLICIES.format(f"marts.mart_{name}", own_rows)))

    def show(self, *states: State, deliveries: Iterable[tuple[str, dt.date, int]] | None = None) -> None:
        """Replace what the marts show of the dates of `states`, delivered as revision 1 each or as `deliveries` say."""
        for name, rows in make_rows(states).items():
            self.replace(name, rows, [found.date for found in states])
        if deliveries is None:
            deliveries = [(found.branch, found.date, 1) for found in states]
        provisional = {(found.branch, found.date) for found in states if found.is_provisional}
        with self.warehouse.connect("loader") as connection:
            for branch, date, revision in deliveries:
                publish(connection, branch, date, revision, is_provisional=(branch, date) in provisional)
        self.build()

    def replace(self, name: str, rows: list[Row], dates: Iterable[dt.date]) -> None:
        """Replace the rows of one mart on some dates."""
        table = sql.Identifier("marts", f"mart_{name}")
        with self.warehouse.connect("transformer") as connection:
            connection.execute(sql.SQL("delete from {} where business_date = any(%s)").format(table), [list(dates)])
            for row in rows:
                statement = sql.SQL("insert into {} ({}) values ({})").format(
                    table,
                    sql.SQL(", ").join(map(sql.Identifier, row)),
                    sql.SQL(", ").join([sql.Placeholder()] * len(row)),
                )
                connection.execute(statement, list(row.values()))

    def change(self, statement: str) -> None:
        """Run one statement as the role that builds marts."""
        with self.warehouse.connect("transformer") as connection:
            connection.execute(_sql(statement))

    def build(self, calculation: str = "one", *, is_last: bool = True) -> None:
        """Record a build that has seen the whole ledger."""
        with self.warehouse.connect("transformer") as connection:
            connection.execute(
                "insert into meta.builds (ledger_entry_no, reference_version, calculation_version, is_last, flipped_at) "
                "select max(entry_no), meta.reference_version(), %s, %s, clock_timestamp() from meta.ledger",
                [calculation, is_last],
            )


def publish(
    connection: Connection, branch: str, date: dt.date, revision: int = 1, *, is_provisional: bool = False
) -> int:
    """Put a delivery on record and make it visible; it has no files."""
    mark = hashlib.sha256(f"{branch} {date} {revision}".encode()).hexdigest()
    row = connection.execute(
        """
        insert into meta.deliveries (branch_code, branch_valid_from, business_date, revision, working_day, content_sha256,
            descriptor_sha256, cob_completed_at, descriptor, offices_expected, offices_delivered, source_path)
        select branch_code, valid_from, %(date)s, %(revision)s, true, %(mark)s, %(mark)s, now(), '{}', 1, 1, ''
        from meta.branches
        where branch_code = %(branch)s and %(date)s between valid_from and coalesce(valid_to, 'infinity')
        returning delivery_id, branch_valid_from
        """,
        {"branch": branch, "date": date, "revision": revision, "mark": mark},
    ).fetchone()
    assert row is not None
    connection.execute(
        "insert into meta.ledger (branch_code, branch_valid_from, business_date, revision, delivery_id, verdict, "
        "sets_visible, visible_delivery_id, reason) values (%s, %s, %s, %s, %s, %s, true, %s, '')",
        [branch, row[1], date, revision, row[0], "provisional" if is_provisional else "published", row[0]],
    )
    return int(row[0])


def make_rows(states: Iterable[State]) -> dict[str, list[Row]]:
    """Return the rows of every mart for some states, the nation being the states of one date."""
    rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    nations: dict[dt.date, list[Row]] = defaultdict(list)
    for found in states:
        for name, made in _rows_of(found).items():
            rows[name] += made
        nations[found.date] += rows["branch_scorecard"][-1:]
    for date, scorecards in nations.items():
        rows["national_scorecard"].append(_nation(date, scorecards))
    return rows


def _rows_of(found: State) -> dict[str, list[Row]]:
    place = {"business_date": found.date, "branch_code": found.branch, "current_branch_code": found.current_branch,
             "is_provisional": found.is_provisional}  # fmt: skip
    rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    by_organisation: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (commune, programme, source, organisation), (in_term, overdue, frozen) in found.loans.items():
        total = in_term + overdue + frozen
        spot = {**place, "office_code": f"{found.branch}0001", "commune_code": commune, "current_commune_code": commune,
                "programme_code": programme, "organisation_code": organisation, "loans": 1}  # fmt: skip
        late = total if overdue else 0
        rows["loan_balances"].append(
            {**spot, "source_code": source, "in_term_vnd": in_term, "overdue_vnd": overdue, "frozen_vnd": frozen,
             "outstanding_vnd": total, "par1_vnd": late, "par30_vnd": late, "par90_vnd": 0, "par180_vnd": 0}
        )  # fmt: skip
        if overdue or frozen:
            band = "31-90" if overdue else "frozen"
            rows["overdue_debt"].append({**spot, "overdue_band": band, "overdue_vnd": overdue, "frozen_vnd": frozen})
        by_organisation[organisation][0] += total
        by_organisation[organisation][1] += overdue
    local = sum(sum(loan) for (_, _, source, _), loan in found.loans.items() if source.startswith("DP"))
    balances = {"TW_BALANCED": ("central", found.outstanding - local), "DP_PROVINCE": ("local", local + 5)}
    total = sum(balance for _, balance in balances.values())
    rows["capital_sources"] = [
        {
            **place,
            "source_code": source,
            "tier": tier,
            "balance_vnd": balance,
            "share_of_capital_pct": pct(balance, total),
        }
        for source, (tier, balance) in balances.items()
    ]
    rows["capital_mix"] = [{**place, "capital_total_vnd": total, "central_vnd": found.outstanding - local,
                            "mobilised_vnd": 0, "local_vnd": local + 5, "local_outstanding_vnd": local}]  # fmt: skip
    rows["lending_flows"] = [
        {**place, "value_date": day, "office_code": f"{found.branch}0001", "commune_code": f"{found.branch}001",
         "programme_code": "1", "source_code": "TW", "disbursed_vnd": lent, "collected_vnd": repaid, "written_off_vnd": 0}
        for day, lent, repaid in found.flows
    ]  # fmt: skip
    rows["branch_scorecard"] = [{**place, **_scorecard(found)}]
    rows["organisations"] = [
        {**place, "organisation_code": code, "groups": 1, "outstanding_vnd": outstanding, "overdue_vnd": overdue}
        for code, (outstanding, overdue) in by_organisation.items()
    ]
    rows["target_progress"] = [{**place, "plan_id": f"P{found.branch}", "version": 2, "indicator": "outstanding",
                                "target_value": 100, "actual_value": 75}]  # fmt: skip
    rows["demand_coverage"] = [{**place, "commune_code": f"{found.branch}001", "kind": "worker_abroad",
                                "programme_code": "4", "cases": 10, "disbursed": 1}]  # fmt: skip
    rows["absconded_borrowers"] = [
        {**place, "commune_code": f"{found.branch}001", "years_absent": "1-2", "cases": 3, "borrowers": 2}
    ]
    return rows


def _scorecard(found: State) -> Row:
    in_term, overdue, frozen = (sum(buckets) for buckets in zip(*found.loans.values(), strict=True))
    total = in_term + overdue + frozen
    change = None if found.opening is None else total - found.opening
    lent = None if found.opening is None else sum(flow[1] for flow in found.flows)
    repaid = None if found.opening is None else sum(flow[2] for flow in found.flows)
    return {
        "outstanding_vnd": total, "in_term_vnd": in_term, "overdue_vnd": overdue, "frozen_vnd": frozen,
        "loans": len(found.loans), "borrowers": len(found.loans), "change_from_year_start_vnd": change,
        "change_from_quarter_start_vnd": change, "disbursed_qtd_vnd": lent, "disbursed_ytd_vnd": lent,
        "collected_qtd_vnd": repaid, "collected_ytd_vnd": repaid, "borrowers_reached_qtd": lent and 1,
        "borrowers_reached_ytd": lent and 1, "overdue_ratio_pct": pct(overdue, total),
        "overdue_frozen_ratio_pct": pct(overdue + frozen, total), "absconded_borrowers": 2, "absconded_cases": 3,
        "groups": 2, "offices_delivered": 1, "offices_expected": 1,
    }  # fmt: skip


def _nation(date: dt.date, scorecards: list[Row]) -> Row:
    row: Row = {"business_date": date, "branches_delivered": len(scorecards), "branches_expected": 63}
    for name in (name for name in _scorecard(state("58", date)) if not name.endswith("_pct")):
        values = [card[name] for card in scorecards]
        row[name] = None if None in values else sum(values)
    row["overdue_ratio_pct"] = pct(row["overdue_vnd"], row["outstanding_vnd"])
    row["overdue_frozen_ratio_pct"] = pct(row["overdue_vnd"] + row["frozen_vnd"], row["outstanding_vnd"])
    return row


def pct(part: int, whole: int) -> str:
    """Percent with six decimals, half up, for amounts that divide evenly enough not to need more."""
    scaled = (200 * 10**6 * part + whole) // (2 * whole)
    return f"{scaled // 10**6}.{scaled % 10**6:06}"


def _sql(text: Any) -> sql.SQL:
    return sql.SQL(text)
