"""Marts of two board meetings, small in rows and true in size: every printed figure of both articles is in them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg import sql

from tests.support.quarters import pct, publish
from warehouse.connect import Warehouse

Row = dict[str, Any]
PROGRAMMES, ORGANISATIONS = ("1", "19", "9", "6"), ("PN", "ND", "CCB", "TN")
TYPES = {int: "bigint", Decimal: "numeric(38, 6)", str: "text", dt.date: "date", bool: "boolean", type(None): "bigint"}
DIMENSIONS = """
    create view marts.dim_branch as select * from meta.branches;
    create view marts.dim_commune as select * from meta.communes;
    create view marts.dim_programme as select * from meta.programmes;
    create view marts.dim_organisation as select * from meta.organisations;
    create view marts.dim_capital_source as select * from meta.capital_sources order by sort_order;
    grant select on all tables in schema marts to quarter_keeper;
"""


@dataclass(frozen=True)
class Meeting:
    """What a meeting was told; money in đồng. `opening` is None where the year's start is not visible."""

    branch: str
    current_branch: str
    date: dt.date
    communes: tuple[str, ...]
    outstanding: int
    overdue: int
    frozen: int
    local: int
    customers: int
    loans: int
    opening: int | None
    disbursed: int
    reached: int
    absconded: tuple[int, int]
    abroad: tuple[int, int, int]
    overdue_target: str
    needed: int


NINH_THUAN = Meeting(
    "58", "56", dt.date(2024, 3, 31), tuple(f"{code:05}" for code in range(22738, 22780, 3)), 3_619_100_000_000, 10_133_480_000,
    12_666_850_000, 152_000_000_000, 81_404, 105_772, 3_510_800_000_000, 331_804_000_000, 7_040, (976, 950), (40, 9, 900_000_000),
    "0.25", 18_000_000_000,
)  # fmt: skip
CA_MAU = Meeting(
    "96", "96", dt.date(2025, 9, 30), tuple(f"{code:05}" for code in range(31825, 31867, 3)), 4_859_600_000_000, 123_433_840_000,
    17_008_600_000, 437_800_000_000, 134_951, 175_436, None, 378_363_020_920, 0, (9_204, 9_020), (1_104, 108, 12_010_000_000), "1.00",
    246_000_000_000,
)  # fmt: skip

MEETINGS = {"2024Q1": "58", "2025Q3": "96"}
"""The branch of each quarter's meeting."""


def fill_marts(warehouse: Warehouse, *meetings: Meeting) -> None:
    """Make the marts of some meetings, with the deliveries that they come from."""
    tables: dict[str, list[Row]] = {}
    for meeting in meetings:
        for name, rows in make_rows(meeting).items():
            tables.setdefault(name, []).extend(rows)
    with warehouse.connect("admin") as connection:
        for name, rows in tables.items():
            table = sql.Identifier("marts", f"mart_{name}")
            kinds = {
                column: next((TYPES[type(row[column])] for row in rows if row[column] is not None), "bigint")
                for column in rows[0]
            }
            columns = sql.SQL(", ").join(
                sql.SQL("{} " + kind).format(sql.Identifier(column)) for column, kind in kinds.items()
            )
            connection.execute(sql.SQL("create table {} ({})").format(table, columns))
            for row in rows:
                connection.execute(
                    sql.SQL("insert into {} values ({})").format(
                        table, sql.SQL(", ").join([sql.Placeholder()] * len(row))
                    ),
                    list(row.values()),
                )
        connection.execute(DIMENSIONS)
    with warehouse.connect("loader") as connection:
        for meeting in meetings:
            publish(connection, meeting.branch, meeting.date)
    with warehouse.connect("transformer") as connection:
        connection.execute(
            "insert into meta.builds (ledger_entry_no, reference_version, calculation_version, is_last, flipped_at) "
            "select max(entry_no), meta.reference_version(), 'one', true, clock_timestamp() from meta.ledger"
        )


def make_rows(m: Meeting) -> dict[str, list[Row]]:
    """Return the rows of every mart; the last commune has four loans, two of them overdue."""
    place = {
        "business_date": m.date,
        "branch_code": m.branch,
        "current_branch_code": m.current_branch,
        "is_provisional": False,
    }
    balances, debt = _make_loans(m, place)
    local = sum(row["outstanding_vnd"] for row in balances if row["source_code"].startswith("DP"))
    capital = {"TW_BALANCED": ("central", m.outstanding - m.local), "MOB_IND": ("mobilised", m.outstanding // 250),
               "DP_PROVINCE": ("local", m.local)}  # fmt: skip
    total = sum(balance for _, balance in capital.values())
    card = _make_scorecard(m, local, total)
    entrusted = {code: [row for row in balances if row["organisation_code"] == code] for code in ORGANISATIONS}
    year_end, eve = dt.date(m.date.year, 12, 31), m.date - dt.timedelta(days=1)
    target = {**place, "scope_kind": "branch", "scope_code": m.branch, "programme_code": None, "source_code": None,
              "period_start": m.date, "due_on": year_end, "decided_on": eve, "days_left": (year_end - m.date).days, "on_track": False}  # fmt: skip
    return {
        "loan_balances": balances,
        "overdue_debt": debt,
        "capital_sources": [
            {**place, "source_code": code, "tier": tier, "balance_vnd": balance, "share_of_capital_pct": Decimal(pct(balance, total)),
             "lent_vnd": local if tier == "local" else None, "committed_not_received_vnd": 0}
            for code, (tier, balance) in capital.items()
        ],
        "capital_mix": [{**place, "capital_total_vnd": total, "central_vnd": m.outstanding - m.local, "mobilised_vnd": m.outstanding // 250,
                         "local_vnd": m.local, "local_share_of_capital_pct": Decimal(pct(m.local, total)), "local_outstanding_vnd": local,
                         "local_share_of_outstanding_pct": Decimal(pct(local, m.outstanding)), "local_idle_vnd": m.local - local}],
        "lending_flows": [
            {**place, "value_date": day, "office_code": "1", "commune_code": m.communes[0], "programme_code": programme, "source_code": "TW",
             "disbursed_vnd": lent, "disbursed_loans": 900, "collected_vnd": repaid, "written_off_vnd": 0}
            for day, programme, lent, repaid in _make_flows(m)
        ],
        "branch_scorecard": [{**place, **card}],
        "national_scorecard": [{"business_date": m.date, **card, "branches_delivered": 1, "branches_expected": 63}],
        "target_progress": _make_targets(m, target, Decimal(card["overdue_ratio_pct"])),
        "demand_coverage": [
            {**place, "commune_code": m.communes[0], "kind": kind, "programme_code": programme, "identified": cases - reached - 2, "applied": 2,
             "approved": 0, "disbursed": reached, "refused": 0, "not_interested": 0, "cases": cases, "need_vnd": cases * 10**7,
             "disbursed_vnd": lent}
            for kind, programme, (cases, reached, lent) in (("worker_abroad", "4", m.abroad), ("stem_student", "27", (300, 3, 3 * 10**7)))
        ],
        "absconded_borrowers": [
            {**place, "commune_code": m.communes[0], "years_absent": years, "cases": cases, "borrowers": borrowers, "loans": borrowers,
             "in_term_vnd": 10**9, "overdue_vnd": 3 * 10**8, "frozen_vnd": 10**8, "recovered_vnd": 10**7}
            for years, cases, borrowers in (("under 1", 3, 3), ("1-2", 20, 20), ("over 2", m.absconded[0] - 23, m.absconded[1] - 23))
        ],
        "organisations": [
            {**place, "organisation_code": code, "groups": 40, "loans": sum(row["loans"] for row in rows),
             "borrowers": sum(row["loans"] for row in rows), "outstanding_vnd": sum(row["outstanding_vnd"] for row in rows),
             "overdue_vnd": sum(row["overdue_vnd"] for row in rows)}
            for code, rows in entrusted.items()
        ],
    }  # fmt: skip


def _make_targets(m: Meeting, target: Row, ratio: Decimal) -> list[Row]:
    """The targets of the meeting, and beside each those of the branch that are not the board's headline."""
    months = Decimal((target["due_on"] - m.date).days) / Decimal("30.4375")
    earlier, later = m.date - dt.timedelta(days=30), m.date + dt.timedelta(days=100)
    quality = {**target, "version": 2, "indicator": "overdue_ratio_pct", "actual_value": ratio}
    capital = {**target, "version": 1, "indicator": "local_capital_received", "actual_value": Decimal(0)}
    rows = [
        (quality, "QH", m.overdue_target, {}),
        (quality, "QH-19", "5", {"programme_code": "19"}),
        (quality, "QH-DP", "4", {"source_code": "DP"}),
        (quality, "QH-CU", "3", {"version": 9, "decided_on": earlier}),
        (quality, "QH-TRUOC", "2", {"decided_on": m.date, "due_on": m.date - dt.timedelta(days=1)}),
        (quality, "QH-SAU", "0.5", {"period_start": later, "due_on": later}),
        (capital, "VDP", m.needed, {"source_code": "DP" if m.branch == "96" else None}),
        (capital, "VDP-CU", 7, {"version": 9, "decided_on": earlier}),
        (capital, "VDP-T", 8, {"source_code": "DP_PROVINCE", "version": 3}),
        (capital, "VDP-19", 9, {"programme_code": "19", "version": 3}),
        (quality, "QH-79", "0.1", {"scope_code": "79", "version": 9}),
        (capital, "VDP-79", 6, {"scope_code": "79", "version": 9}),
    ]  # fmt: skip
    return [
        {**base, **more, "plan_id": f"KH-{m.branch}-{code}", "target_value": Decimal(aim), "gap": Decimal(aim) - base["actual_value"],
         "required_per_month": (Decimal(aim) - base["actual_value"]) / months}
        for base, code, aim, more in rows
    ]  # fmt: skip


def _make_loans(m: Meeting, place: Row) -> tuple[list[Row], list[Row]]:
    cells = [(commune, programme) for commune in m.communes[:-1] for programme in PROGRAMMES]
    small = {"loans": 4, "overdue_vnd": 2_000_000, "frozen_vnd": 0, "outstanding_vnd": 8_000_000}
    parts = {name: _split(getattr(m, name.removesuffix("_vnd")) - small[name], len(cells)) for name in small}
    rows = [
        (commune, programme, {name: parts[name][at] for name in parts}) for at, (commune, programme) in enumerate(cells)
    ]
    rows.append((m.communes[-1], "1", small))
    balances, debt, left = [], [], m.local - m.local // 250
    for at, (commune, programme, amounts) in enumerate(rows):
        is_local = amounts["outstanding_vnd"] <= left
        left -= amounts["outstanding_vnd"] if is_local else 0
        spot = {**place, "office_code": "1", "commune_code": commune, "current_commune_code": commune, "programme_code": programme,
                "organisation_code": ORGANISATIONS[at % 4]}  # fmt: skip
        balances.append({**spot, "source_code": "DP_PROVINCE" if is_local else "TW", **amounts,
                         "in_term_vnd": amounts["outstanding_vnd"] - amounts["overdue_vnd"] - amounts["frozen_vnd"],
                         **dict.fromkeys(("par1_vnd", "par30_vnd", "par90_vnd", "par180_vnd"), amounts["overdue_vnd"])})  # fmt: skip
        for band in ("31-90", "frozen"):
            name = "frozen_vnd" if band == "frozen" else "overdue_vnd"
            if amounts[name]:
                debt.append({**spot, "overdue_band": band, "loans": 2 if amounts is small else 30, "overdue_vnd": 0, "frozen_vnd": 0,
                             name: amounts[name]})  # fmt: skip
    return balances, debt


def _split(total: int, parts: int) -> list[int]:
    """Unequal whole parts that make the total, the first the largest."""
    weights = range(2 * parts, parts, -1)
    made = [total * weight // sum(weights) for weight in weights]
    return [made[0] + total - sum(made), *made[1:]]


def _make_flows(m: Meeting) -> list[tuple[dt.date, str, int, int]]:
    repaid = m.disbursed - (m.outstanding - m.opening) if m.opening else m.disbursed * 3 // 4
    days = [m.date - dt.timedelta(days=days) for days in (80, 60, 40, 20, 5, 0)]
    lent, back = _split(m.disbursed, len(days)), _split(repaid, len(days))
    return [(day, PROGRAMMES[at % 4], lent[at], back[at]) for at, day in enumerate(days)]


def _make_scorecard(m: Meeting, local: int, total: int) -> Row:
    change = None if m.opening is None else m.outstanding - m.opening
    lent = None if change is None else m.disbursed
    repaid = None if lent is None or change is None else lent - change
    return {
        "outstanding_vnd": m.outstanding, "in_term_vnd": m.outstanding - m.overdue - m.frozen, "overdue_vnd": m.overdue,
        "frozen_vnd": m.frozen, "loans": m.loans, "borrowers": m.customers, "avg_outstanding_per_borrower_vnd": m.outstanding // m.customers,
        "change_from_year_start_vnd": change, "change_from_quarter_start_vnd": change, "disbursed_qtd_vnd": lent, "disbursed_ytd_vnd": lent,
        "collected_qtd_vnd": repaid, "collected_ytd_vnd": repaid, "borrowers_reached_qtd": None if lent is None else m.reached,
        "borrowers_reached_ytd": None if lent is None else m.reached, "overdue_ratio_pct": Decimal(pct(m.overdue, m.outstanding)),
        "overdue_frozen_ratio_pct": Decimal(pct(m.overdue + m.frozen, m.outstanding)), "par30_ratio_pct": Decimal("4.1"),
        "par90_ratio_pct": Decimal("3.2"), "local_share_of_capital_pct": Decimal(pct(m.local, total)),
        "local_share_of_outstanding_pct": Decimal(pct(local, m.outstanding)), "absconded_borrowers": m.absconded[1],
        "absconded_cases": m.absconded[0], "entrusted_share_pct": Decimal("99.2"), "groups": 160, "groups_good_pct": Decimal("90.5"),
        "communes": len(m.communes), "clean_communes": 0, "offices_delivered": 7, "offices_expected": 7,
    }  # fmt: skip
