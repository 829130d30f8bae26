"""Hand-made deliveries: rows that keep every sentence of their suite, and tables raw.<dataset>_d<id> to put them in."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from psycopg import sql

from contract.model import load_datasets
from warehouse.connect import Connection, Warehouse

BUSINESS_DATE = date(2025, 9, 30)
PREVIOUS = date(2025, 9, 29)
CLOSED_AT = "2025-09-30T19:00:00+07:00"
COMMUNE, DISSOLVED = "32244", "32245"
"""32244 Phan Ngọc Hiển stands today; 32245 Tân Ân was dissolved on 2025-06-30."""

Row = Mapping[str, Any]
numbers = itertools.count(1)

GOOD_ROWS: Mapping[str, Row] = {
    "offices": {
        "office_code": "100001", "name": "PGD Năm Căn", "kind": "transaction_office", "commune_code": COMMUNE,
        "opened_on": "2003-03-01", "closed_on": None,
    },
    "transaction_points": {
        "point_code": "P1", "office_code": "100001", "commune_code": COMMUNE, "name": "Điểm giao dịch", "day_of_month": 5,
        "is_primary": True, "status": "open", "opened_on": "2003-03-01", "closed_on": None,
    },
    "savings_groups": {
        "group_code": "G1", "office_code": "100001", "commune_code": COMMUNE, "hamlet_code": None, "point_code": "P1",
        "organisation_code": "PN", "leader_customer_id": "K1", "members": 40, "founded_on": "2010-01-01", "grade": "T",
        "graded_month": "2025-09", "status": "active",
    },
    "customers": {
        "customer_id": "K1", "office_code": "100001", "sex": "F", "ethnic_code": None, "commune_code": COMMUNE,
        "hamlet_code": None, "group_code": "G1", "beneficiary_class": "poor", "residence": "present",
        "changed_at": "2025-09-30T18:59:59+07:00",
    },
    "loan_book": {
        "contract_no": "C1", "customer_id": "K1", "office_code": "100001", "commune_code": COMMUNE, "hamlet_code": None,
        "point_code": "P1", "group_code": "G1", "organisation_code": "PN", "programme_code": "1", "source_code": "TW",
        "method": "entrusted", "purpose_code": None, "disbursed_on": "2023-05-10", "maturity_on": "2026-05-10",
        "extended_to": None, "rate_pct": "6.6", "overdue_rate_pct": "8.58", "approved_vnd": 50_000_000,
        "disbursed_vnd": 50_000_000, "in_term_vnd": 30_000_000, "overdue_vnd": 0, "frozen_vnd": 0,
        "interest_due_vnd": 0, "interest_overdue_vnd": 0, "overdue_since": None, "oldest_unpaid_due_on": None,
        "frozen_until": None, "is_restructured": False,
    },
    "loan_transactions": {
        "txn_id": "T1", "contract_no": "C1", "customer_id": "K1", "office_code": "100001", "value_date": BUSINESS_DATE,
        "posted_at": CLOSED_AT, "kind": "principal", "bucket": "in_term", "amount_vnd": 1_000_000,
        "programme_code": "1", "source_code": "TW", "commune_code": COMMUNE, "reverses_txn_id": None,
        "point_code": "P1", "channel": "point",
    },
    "capital_positions": {"source_code": "TW_BALANCED", "office_code": "100001", "balance_vnd": 0},
    "capital_transactions": {
        "entry_id": "E1", "source_code": "DP_COMMUNE", "office_code": "100001", "value_date": BUSINESS_DATE,
        "kind": "received", "amount_vnd": 5_000_000, "decision_no": "12/QĐ-UBND", "programme_code": None,
        "commune_code": COMMUNE,
    },
    "deposits": {
        "kind": "individual", "office_code": "100001", "commune_code": COMMUNE, "accounts": 3, "balance_vnd": 9_000_000,
    },
    "ledger_balances": {
        "account_code": "2121", "office_code": "100001", "programme_code": "1", "bucket": "in_term",
        "closing_vnd": 30_000_000,
    },
    "plan_targets": {
        "plan_id": "KH1", "version": 1, "indicator": "outstanding", "scope_kind": "branch", "scope_code": "96",
        "programme_code": None, "source_code": None, "period_start": "2025-01-01", "due_on": "2025-12-31",
        "target_value": "4860000000000", "unit": "vnd", "decided_on": "2025-01-15", "decision_no": None,
        "valid_from": "2025-10-01",
    },
    "eligible_demand": {
        "case_id": "N1", "kind": "stem_student", "programme_code": "27", "commune_code": COMMUNE, "as_of": "2025-09-30",
        "status": "identified", "need_vnd": None, "contract_no": None, "customer_id": None,
    },
    "absconded_cases": {
        "case_id": "B1", "customer_id": "K1", "office_code": "100001", "commune_code": COMMUNE, "left_on": "2024-02-01",
        "address_known": "none", "management_status": "left", "recovered_vnd": 0, "closed_on": None,
        "updated_at": "2025-09-01T08:00:00+07:00",
    },
    "risk_decisions": {
        "decision_id": "Q1", "contract_no": "C1", "customer_id": "K1", "measure": "freeze", "reason_code": "K1",
        "principal_vnd": 10_000_000, "interest_vnd": 0, "decided_on": "2025-09-30", "decision_no": "7/QĐ",
        "effective_to": "2028-09-30",
    },
    "inspections": {
        "inspection_id": "I1", "body": "board", "level": "commune", "inspected_on": "2025-08-01", "commune_code": COMMUNE,
        "organisation_code": None, "groups_checked": 2, "households_checked": 9, "findings": 1, "misuse_cases": 0,
        "fixed_on": None,
    },
}  # fmt: skip


def vary(dataset: str, **changes: Any) -> dict[str, Any]:
    """Return the good row with `changes`, under a key of its own unless the changes give one."""
    row = dict(GOOD_ROWS[dataset])
    number = next(numbers)
    for column in load_datasets()[dataset].columns:
        if column.is_key and column.type == "code" and column.name != "commune_code":
            row[column.name] = f"X{number}"
    return row | changes


def make_delivery(
    warehouse: Warehouse, rows: Mapping[str, Iterable[Row]] | None = None, *, without: str = "", **changes: Any
) -> int:
    """Register a delivery, create its 15 tables as a load does, put `rows` in and return its id."""
    with warehouse.connect("loader") as connection:
        delivery_id = _register(connection, changes)
        for dataset in load_datasets().values():
            if dataset.name == without:
                continue
            leaf, parent = f"raw.{dataset.name}_d{delivery_id}", f"raw.{dataset.name}_rows"
            if dataset.is_large:
                connection.execute(f"create table {leaf} (like {parent} including storage)".encode())
            else:
                view = f"create view {leaf} as select * from {parent} where delivery_id = {delivery_id}"
                connection.execute(view.encode())
            for number, row in enumerate((rows or {}).get(dataset.name, ()), 1):
                _insert(connection, leaf if dataset.is_large else parent, delivery_id, number, row)
    return delivery_id


def _register(connection: Connection, changes: Row) -> int:
    values = {
        "branch_code": "96", "branch_valid_from": "2025-07-01", "business_date": BUSINESS_DATE, "revision": next(numbers),
        "previous_business_date": PREVIOUS, "working_day": True, "content_sha256": "", "descriptor_sha256": "expectations",
        "cob_completed_at": CLOSED_AT, "descriptor": "{}", "offices_expected": 1, "offices_delivered": 1, "source_path": "",
    } | changes  # fmt: skip
    statement = sql.SQL("insert into meta.deliveries ({}) values ({}) returning delivery_id")
    names = sql.SQL(", ").join(map(sql.Identifier, values))
    row = connection.execute(statement.format(names, _places(values)), list(values.values())).fetchone()
    assert row is not None
    return int(row[0])


def _insert(connection: Connection, table: str, delivery_id: int, number: int, row: Row) -> None:
    tags = {"delivery_id": delivery_id, "branch_code": "96", "business_date": BUSINESS_DATE, "row_no": number}
    values = tags | dict(row)
    statement = sql.SQL("insert into {} ({}) values ({})")
    names = sql.SQL(", ").join(map(sql.Identifier, values))
    connection.execute(
        statement.format(sql.Identifier(*table.split(".")), names, _places(values)), list(values.values())
    )


def _places(values: Row) -> sql.Composed:
    return sql.SQL(", ").join([sql.Placeholder()] * len(values))
