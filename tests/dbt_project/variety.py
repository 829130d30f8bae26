"""Deliveries with everything in them: overdue, frozen and matured loans, cases, demand, decisions, transactions."""

from __future__ import annotations

import datetime as dt
import random

from tests.support.deliveries import Delivery, Row, first_delivery, transaction

COMMUNES = {
    "96": ("31825", "31834", "99999"),
    "58": ("22741", "22744", "99999"),
    "89": ("30280", "30334", "99999"),
    "91": ("30733", "30736", "99999"),
    "95": ("31813", "31816", "99999"),
    "56": ("22366", "99999"),
}
"""Communes of each branch, the last one unknown to the list."""


def varied(branch: str, date: str, seed: int, *, loans: int = 60) -> Delivery:
    """A first delivery of a branch with something of everything; the same seed gives the same rows."""
    delivery = first_delivery(branch, date, loans=loans)
    chance = random.Random(seed)
    for loan in delivery.rows["loan_book"]:
        _vary_loan(delivery, loan, chance)
    for number in range(12):
        delivery.rows["absconded_cases"].append(_case(delivery, number, chance))
        delivery.rows["eligible_demand"].append(_demand(delivery, number, chance))
        delivery.rows["inspections"].append(_inspection(delivery, number, chance))
    delivery.rows["plan_targets"] += _targets(delivery)
    delivery.rows["savings_groups"][1]["grade"] = "K"
    delivery.rows["savings_groups"].append(
        delivery.rows["savings_groups"][0] | {"group_code": f"G{branch}3", "grade": ""}
    )
    delivery.rows["savings_groups"].append(
        delivery.rows["savings_groups"][0] | {"group_code": f"G{branch}4", "status": "closed"}
    )
    return delivery


def following(delivery: Delivery, date: str, seed: int) -> Delivery:
    """The next delivery with transactions over its interval, capital decisions and other balances."""
    later, chance = delivery.next(date), random.Random(seed)
    first = dt.date.fromisoformat(delivery.date) + dt.timedelta(days=1)
    days = (dt.date.fromisoformat(date) - first).days
    for loan in later.rows["loan_book"]:
        _vary_loan(later, loan, chance)
        for kind, bucket in (("disbursement", ""), ("principal", "in_term"), ("principal", "overdue"), ("interest", ""),
                             ("to_overdue", ""), ("write_off", "overdue"), ("transfer_in", "in_term")):  # fmt: skip
            if chance.random() < 0.4:
                row = transaction(later, loan, kind, chance.randrange(1, 50_000_000), bucket=bucket)
                row["value_date"] = (first + dt.timedelta(days=chance.randint(0, days))).isoformat()
                later.rows["loan_transactions"].append(row)
                if chance.random() < 0.3:
                    later.rows["loan_transactions"].append(_reversal(later, row))
    for number, (source, kind, amount, decision) in enumerate((
        ("DP_PROVINCE", "decision", 90, "QD1"), ("DP_PROVINCE", "received", 40, "QD1"), ("DP_COMMUNE", "decision", 5, "QD2"),
        ("DP_COMMUNE", "received", 7, "QD2"), ("DP_COMMUNE", "decision", 11, ""), ("TW_BALANCED", "received", 3, ""),
    )):  # fmt: skip
        later.rows["capital_transactions"].append({
            "entry_id": f"E{date}{number}", "source_code": source, "office_code": f"{later.branch}0001", "value_date": date,
            "kind": kind, "amount_vnd": amount * 1_000_000, "decision_no": decision, "programme_code": "", "commune_code": "",
        })  # fmt: skip
    return later


def _targets(delivery: Delivery) -> list[Row]:
    year, office = delivery.date[:4], f"{delivery.branch}0001"
    if delivery.date.endswith("12-31"):
        year = str(int(year) + 1)
    base: Row = {
        "plan_id": "", "version": 1, "indicator": "", "scope_kind": "branch", "scope_code": delivery.branch, "programme_code": "",
        "source_code": "", "period_start": f"{year}-01-01", "due_on": f"{year}-12-31", "target_value": 2_000_000_000, "unit": "vnd",
        "decided_on": delivery.date, "decision_no": "", "valid_from": delivery.date,
    }  # fmt: skip
    office_scope = {"scope_kind": "office", "scope_code": office}
    commune_scope = {"scope_kind": "commune", "scope_code": COMMUNES[delivery.branch][0]}
    return [
        base | {"plan_id": "DN", "indicator": "outstanding"},
        base | {"plan_id": "DN-TW-1", "indicator": "outstanding", "programme_code": "1", "source_code": "TW"},
        base | {"plan_id": "DN-PGD", "indicator": "outstanding"} | office_scope,
        base | {"plan_id": "TT", "indicator": "growth_pct", "target_value": "8.5", "unit": "pct"},
        base | {"plan_id": "QH", "indicator": "overdue_ratio_pct", "target_value": "9.5", "unit": "pct"},
        base | {"plan_id": "QH", "version": 2, "indicator": "overdue_ratio_pct", "target_value": "1.25", "unit": "pct",
                "valid_from": f"{year}-03-31"},
        base | {"plan_id": "QH", "version": 3, "indicator": "overdue_ratio_pct", "target_value": "1", "unit": "pct",
                "valid_from": "2090-01-01"},
        base | {"plan_id": "QHK-XA", "indicator": "overdue_frozen_ratio_pct", "target_value": "5", "unit": "pct"} | commune_scope,
        base | {"plan_id": "VDP", "indicator": "local_capital_received", "source_code": "DP", "target_value": 100_000_000},
        base | {"plan_id": "VDP-T", "indicator": "local_capital_received", "source_code": "DP_COMMUNE", "target_value": 50_000_000},
        base | {"plan_id": "TLDP", "indicator": "local_capital_share_pct", "source_code": "DP", "target_value": "20", "unit": "pct"},
        base | {"plan_id": "HD", "indicator": "deposits", "target_value": 90_000_000},
        base | {"plan_id": "CV", "indicator": "disbursed"},
        base | {"plan_id": "CV-19", "indicator": "disbursed", "programme_code": "19"} | office_scope,
        base | {"plan_id": "TN-XA", "indicator": "collected", "source_code": "DP"} | commune_scope,
    ]  # fmt: skip


def _vary_loan(delivery: Delivery, loan: Row, chance: random.Random) -> None:
    date = dt.date.fromisoformat(delivery.date)
    overdue = chance.choice([0, 0, 0, chance.randrange(1, 20_000_000)])
    late = chance.choice([0, 1, 2, 30, 31, 90, 91, 180, 181, 360, 361, 900])
    loan |= {
        "commune_code": chance.choice(COMMUNES[delivery.branch]),
        "programme_code": chance.choice(["1", "19", "3"]),
        "source_code": chance.choice(["TW", "TW", "DP_PROVINCE", "DP_COMMUNE"]),
        "method": chance.choice(["entrusted", "entrusted", "direct"]),
        "in_term_vnd": chance.randrange(1, 60_000_000),
        "overdue_vnd": overdue,
        "frozen_vnd": chance.choice([0, 0, 0, chance.randrange(1, 9_000_000)]),
        "interest_due_vnd": chance.randrange(0, 500_000),
        "overdue_since": (date - dt.timedelta(days=late)).isoformat() if overdue else "",
        "oldest_unpaid_due_on": chance.choice(["", (date - dt.timedelta(days=late)).isoformat()]),
        "maturity_on": (date + dt.timedelta(days=chance.choice([-200, -31, -30, -1, 0, 400]))).isoformat(),
        "extended_to": chance.choice(["", "", (date + dt.timedelta(days=chance.choice([-2, 500]))).isoformat()]),
    }


def _reversal(delivery: Delivery, row: Row) -> Row:
    number = len(delivery.rows["loan_transactions"]) + 1
    return row | {
        "txn_id": f"{row['txn_id']}R{number}", "amount_vnd": -row["amount_vnd"], "reverses_txn_id": row["txn_id"],
        "value_date": delivery.date,
    }  # fmt: skip


def _case(delivery: Delivery, number: int, chance: random.Random) -> Row:
    date, loan = dt.date.fromisoformat(delivery.date), chance.choice(delivery.rows["loan_book"][:20])
    closed = chance.random() < 0.2
    return {
        "case_id": f"A{delivery.branch}{number}", "customer_id": loan["customer_id"], "office_code": loan["office_code"],
        "commune_code": chance.choice(COMMUNES[delivery.branch]),
        "left_on": (date - dt.timedelta(days=chance.choice([10, 364, 400, 731, 1500]))).isoformat(),
        "address_known": "none", "management_status": chance.choice(["left", "left", "returned", "wilful"]),
        "recovered_vnd": chance.randrange(0, 3_000_000), "closed_on": delivery.date if closed else "",
        "updated_at": f"{delivery.date}T08:00:00+07:00",
    }  # fmt: skip


def _demand(delivery: Delivery, number: int, chance: random.Random) -> Row:
    loan = chance.choice(delivery.rows["loan_book"])
    named = chance.random() < 0.5
    return {
        "case_id": f"D{delivery.branch}{number}", "kind": chance.choice(["worker_abroad", "stem_student"]),
        "programme_code": chance.choice(["4", "27"]), "commune_code": chance.choice(COMMUNES[delivery.branch]),
        "as_of": delivery.date, "status": chance.choice(["identified", "applied", "disbursed", "refused"]),
        "need_vnd": chance.choice(["", 50_000_000]), "contract_no": loan["contract_no"] if named else "",
        "customer_id": loan["customer_id"] if named else "",
    }  # fmt: skip


def _inspection(delivery: Delivery, number: int, chance: random.Random) -> Row:
    date = dt.date.fromisoformat(delivery.date)
    done_on = date - dt.timedelta(days=chance.randrange(0, 300))
    found = chance.choice([0, 1, 4])
    return {
        "inspection_id": f"I{delivery.branch}{number}", "body": chance.choice(["board", "bank"]),
        "level": chance.choice(["province", "commune"]), "inspected_on": done_on.isoformat(),
        "commune_code": chance.choice(COMMUNES[delivery.branch]), "organisation_code": "",
        "groups_checked": chance.randrange(1, 9), "households_checked": chance.randrange(5, 60), "findings": found,
        "misuse_cases": chance.choice([0, 1]), "fixed_on": chance.choice(["", delivery.date]) if found else "",
    }  # fmt: skip
