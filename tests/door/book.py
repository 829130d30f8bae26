"""What the cases begin with: a branch's first delivery with rows in every full dataset, and the one that follows it."""

from __future__ import annotations

from typing import Any

from tests.support.deliveries import COLUMNS, COMMUNES, Delivery, Row, first_delivery, repay, tie_ledger, transaction

FLOWS = {
    ("disbursement", ""): (1, 0, 0), ("principal", "in_term"): (-1, 0, 0), ("principal", "overdue"): (0, -1, 0),
    ("principal", "frozen"): (0, 0, -1), ("interest", ""): (0, 0, 0), ("to_overdue", ""): (-1, 1, 0),
    ("from_overdue", ""): (1, -1, 0), ("to_frozen", "in_term"): (-1, 0, 1), ("to_frozen", "overdue"): (0, -1, 1),
    ("from_frozen", "in_term"): (1, 0, -1), ("from_frozen", "overdue"): (0, 1, -1), ("extension", ""): (0, 0, 0),
    ("write_off", "in_term"): (-1, 0, 0), ("write_off", "overdue"): (0, -1, 0), ("write_off", "frozen"): (0, 0, -1),
    ("transfer_in", "in_term"): (1, 0, 0), ("transfer_in", "overdue"): (0, 1, 0), ("transfer_in", "frozen"): (0, 0, 1),
    ("transfer_out", "in_term"): (-1, 0, 0), ("transfer_out", "overdue"): (0, -1, 0),
}  # fmt: skip
"""What a transaction of each kind and bucket does to in term, overdue and frozen (contract section 5, rule 2)."""
LOANS = 6 + len(FLOWS)
FIRST_DATE, DATE = "2025-09-28", "2025-09-29"
COMMUNE = COMMUNES["96"]


def opening(branch: str, date: str = FIRST_DATE) -> Delivery:
    """A first delivery with rows in every full dataset, and an office that was closed long ago."""
    delivery = first_delivery(branch, date, LOANS)
    for loan in delivery.rows["loan_book"][6:]:
        loan |= {"in_term_vnd": 30_000_000, "overdue_vnd": 4_000_000, "frozen_vnd": 6_000_000}
        loan |= {"overdue_since": "2025-01-02", "frozen_until": "2027-12-31"}
    tie_ledger(delivery)
    for source in ("DP_COMMUNE", "DP_DISTRICT", "DP_OTHER"):
        position = delivery.rows["capital_positions"][0] | {"source_code": source, "balance_vnd": 50_000_000}
        delivery.rows["capital_positions"].append(position)
    closed = delivery.rows["offices"][1] | {"office_code": f"{branch}0003", "closed_on": "2020-01-01"}
    delivery.rows["offices"].append(closed)
    office = f"{branch}0001"
    rows = {
        "plan_targets": {
            "plan_id": f"KH{branch}1", "version": 1, "indicator": "outstanding", "scope_kind": "branch", "scope_code": branch,
            "period_start": "2025-01-01", "due_on": "2025-12-31", "target_value": "250000000", "unit": "vnd",
            "decided_on": "2025-01-15", "valid_from": "2025-01-01",
        },
        "eligible_demand": {
            "case_id": f"N{branch}1", "kind": "job", "programme_code": "3", "commune_code": COMMUNE, "as_of": "2025-06-30",
            "status": "identified", "need_vnd": 50_000_000,
        },
        "absconded_cases": {
            "case_id": f"B{branch}1", "customer_id": f"C{branch}00001", "office_code": office, "commune_code": COMMUNE,
            "left_on": "2024-05-01", "address_known": "vague", "management_status": "left", "recovered_vnd": 0,
            "updated_at": "2024-06-01T09:00:00+07:00",
        },
        "inspections": {
            "inspection_id": f"I{branch}1", "body": "bank", "level": "commune", "inspected_on": "2025-03-03",
            "commune_code": COMMUNE, "groups_checked": 2, "households_checked": 10, "findings": 0, "misuse_cases": 0,
        },
    }  # fmt: skip
    for dataset, values in rows.items():
        delivery.rows[dataset] = [row(dataset, values)]
    return delivery


def following(before: Delivery, date: str = DATE) -> Delivery:
    """The delivery after `before`: a repayment of the first loan, money received, and a decision on the second loan."""
    delivery = repay(before.next(date), 1, 1_000_000)
    stamp = date.replace("-", "")
    position = delivery.rows["capital_positions"][0]
    position["balance_vnd"] += 2_000_000
    delivery.rows["capital_transactions"] = [row("capital_transactions", {
        "entry_id": f"V{before.branch}{stamp}", "source_code": "TW_BALANCED", "office_code": position["office_code"],
        "value_date": date, "kind": "received", "amount_vnd": 2_000_000,
    })]  # fmt: skip
    loan = delivery.rows["loan_book"][1]
    delivery.rows["risk_decisions"] = [row("risk_decisions", {
        "decision_id": f"Q{before.branch}{stamp}", "contract_no": loan["contract_no"], "customer_id": loan["customer_id"],
        "measure": "extend", "reason_code": "LU", "principal_vnd": 5_000_000, "interest_vnd": 0, "decided_on": date,
        "decision_no": "12/QĐ",
    })]  # fmt: skip
    return delivery


def move(delivery: Delivery, loan: Row, kind: str, amount: int, bucket: str = "", **values: Any) -> None:
    """Add a transaction on `loan` on the delivery's date."""
    delivery.rows["loan_transactions"].append(transaction(delivery, loan, kind, amount, bucket=bucket) | values)


def row(dataset: str, values: dict[str, Any]) -> Row:
    """A row with every column of the dataset, empty where `values` has none."""
    return dict.fromkeys(COLUMNS[dataset].split(), "") | values
