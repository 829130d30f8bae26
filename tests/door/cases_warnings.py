"""Contract section 5: what is published and reported."""

from __future__ import annotations

from tests.door.book import COMMUNE, DATE, move, row
from tests.door.case import Case, all_of, edit, find
from tests.support.deliveries import Delivery, tie_ledger

GONE = "00001"
"""A ward of Hanoi that was dissolved on 2025-07-01."""


def _warn(name: str, change: object, *finds: tuple[str, str, int | None, str | None]) -> Case:
    assert callable(change)
    return Case(name, "5 warnings", "published_with_warnings", change, finds)


def _shrink(delivery: Delivery) -> None:
    """More than a tenth of the customers has paid off and left."""
    delivery.rows["customers"] = delivery.rows["customers"][:22]
    kept = {customer["customer_id"] for customer in delivery.rows["customers"]}
    for loan in [loan for loan in delivery.rows["loan_book"] if loan["customer_id"] not in kept]:
        delivery.rows["loan_book"].remove(loan)
        for bucket in ("in_term", "overdue", "frozen"):
            move(delivery, loan, "principal", loan[f"{bucket}_vnd"], bucket)
    tie_ledger(delivery)


def _write_off_much(delivery: Delivery) -> None:
    for loan in delivery.rows["loan_book"][6:]:
        loan["in_term_vnd"] -= 10_000_000
        move(delivery, loan, "write_off", 10_000_000, "in_term")
    tie_ledger(delivery)


CASES = [
    _warn("a rate is outside the programme's", edit("loan_book", 4, rate_pct="7.5"), find("programme-parameters", "loan_book", 4, "rate_pct")),
    _warn("an amount is above the programme's cap", edit("loan_book", 4, approved_vnd=100_000_001),
          find("programme-parameters", "loan_book", 4, "approved_vnd")),
    _warn("a term is beyond the programme's longest", all_of(edit("loan_book", 4, programme_code="6", rate_pct="9", approved_vnd=1, disbursed_vnd=1,
                                                                  disbursed_on="2022-03-01", maturity_on="2027-03-02"), tie_ledger),
          find("programme-parameters", "loan_book", 4, "maturity_on"), find("new-programme-source", "loan_book", 4, "source_code"),
          find("large-change", "ledger_balances")),
    _warn("a group is too small", edit("savings_groups", 1, members=4), find("group-size", "savings_groups", 1, "members")),
    _warn("a group is too large", edit("savings_groups", 1, members=61), find("group-size", "savings_groups", 1, "members")),
    _warn("an in-term balance is past its maturity", edit("loan_book", 4, maturity_on="2025-09-28"), find("past-maturity", "loan_book", 4, "in_term_vnd")),
    _warn("an in-term balance is past its extension", edit("loan_book", 4, maturity_on="2025-01-01", extended_to="2025-09-28"),
          find("past-maturity", "loan_book", 4, "in_term_vnd")),
    _warn("a balance is frozen past its end", edit("loan_book", 7, frozen_until="2025-09-28"), find("past-freeze", "loan_book", 7, "frozen_until")),
    _warn("communes are unknown or dissolved, wherever they stand", all_of(
        edit("offices", 1, commune_code=GONE), edit("transaction_points", 1, commune_code="99999"), edit("savings_groups", 1, commune_code=GONE),
        edit("customers", 1, commune_code=GONE), edit("loan_book", 1, commune_code=GONE), edit("loan_transactions", 1, commune_code="99999"),
        edit("capital_transactions", 1, commune_code=GONE), edit("deposits", 1, commune_code=GONE), edit("eligible_demand", 1, commune_code=GONE),
        edit("absconded_cases", 1, commune_code=GONE), edit("inspections", 1, commune_code=GONE),
        edit("plan_targets", 1, scope_kind="commune", scope_code=GONE)),
        *(find("unknown-commune", name, 1, "commune_code") for name in (
            "offices", "transaction_points", "savings_groups", "customers", "loan_book", "loan_transactions", "capital_transactions", "deposits",
            "eligible_demand", "absconded_cases", "inspections")),
        find("unknown-commune", "plan_targets", 1, "scope_code")),
    _warn("rows have changed by more than 10 %", _shrink, find("large-change", "customers"), find("large-change", "loan_book"),
          find("large-change", "loan_book", None, "outstanding_vnd")),
    _warn("outstanding has changed by more than 10 %", _write_off_much, find("large-change", "loan_book", None, "outstanding_vnd")),
    _warn("a programme and source are new together", edit("loan_book", 4, source_code="DP_COMMUNE"), find("new-programme-source", "loan_book", 4, "source_code")),
    Case("a group of 5 and one of 60 are in order", "5 warnings", "published", all_of(edit("savings_groups", 1, members=5), edit("savings_groups", 2, members=60))),
    Case("a balance is due today", "5 warnings", "published", edit("loan_book", 4, maturity_on=DATE)),
    Case("an unnamed hamlet code is no commune", "5 warnings", "published", edit("loan_book", 4, hamlet_code="XX")),
    _warn("demand has more than doubled", lambda d: d.rows["eligible_demand"].append(row("eligible_demand", {
        "case_id": "N2", "kind": "job", "programme_code": "3", "commune_code": COMMUNE, "as_of": DATE, "status": "applied"})),
        find("large-change", "eligible_demand")),
]  # fmt: skip
