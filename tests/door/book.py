"""What the cases begin with: a branch's first delivery with rows in every full dataset, and the one that follows it."""

from __future__ import annotations

from typing import Any

from tests.support.deliveries import COLUMNS, COMMUNES, Delivery, Row, first_delivery, repay

FIRST_DATE, DATE = "2025-09-28", "2025-09-29"
COMMUNE = COMMUNES["96"]


def opening(branch: str, date: str = FIRST_DATE) -> Delivery:
    """A first delivery with rows in every full dataset, and an office that was closed long ago."""
    delivery = first_delivery(branch, date)
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


def row(dataset: str, values: dict[str, Any]) -> Row:
    """A row with every column of the dataset, empty where `values` has none."""
    return dict.fromkeys(COLUMNS[dataset].split(), "") | values
