"""Contract section 5: the blocking rules between datasets, one by one."""

from __future__ import annotations

from typing import Any

from tests.door.book import DATE, FLOWS, move, row
from tests.door.case import Case, all_of, edit, find
from tests.door.door import Found
from tests.support.deliveries import COLUMNS, EVENTS, KEYS, Delivery, Row, tie_ledger

TOMORROW = "2025-09-30"
BUCKETS = ("in_term", "overdue", "frozen")
LEAST = -(2**63)


def _double(dataset: str) -> Case:
    key = ", ".join(KEYS[dataset])
    last = {
        "offices": 3,
        "savings_groups": 2,
        "customers": 26,
        "loan_book": 26,
        "capital_positions": 7,
        "deposits": 2,
        "ledger_balances": 6,
    }
    rows = (1, last.get(dataset, 1) + 1)
    more: dict[str, tuple[Found, ...]] = {
        "ledger_balances": (find("ledger-tie-out", "ledger_balances", 1, "closing_vnd"),),
        "deposits": (find("deposit-tie-out", "capital_positions", 2, "balance_vnd"),),
        "capital_transactions": (find("roll-forward", "capital_positions", 1, "balance_vnd"),),
        "capital_positions": (find("roll-forward", "capital_positions", 1, "balance_vnd"),),
        "loan_transactions": (find("roll-forward", "loan_book", 1, "in_term_vnd"),),
        "loan_book": (find("ledger-tie-out", "ledger_balances", 1, "closing_vnd"),),
    }
    # One row more than fewer than ten is a change of more than 10 %.
    grown = (find("large-change", dataset),) if dataset not in EVENTS and rows[1] <= 10 else ()

    def double(delivery: Delivery) -> None:
        delivery.manifest["offices"] = [_delivered(office) for office in delivery.rows["offices"]]
        delivery.rows[dataset].append(dict(delivery.rows[dataset][0]))

    return Case(f"a key of {dataset} stands twice", "5.1", "held", double,
                (*(find("primary-key", dataset, n, key) for n in rows), *more.get(dataset, ()), *grown))  # fmt: skip


def _delivered(office: Row) -> dict[str, str | None]:
    return {"officeCode": office["office_code"], "status": "delivered", "reason": None}


def _point_nowhere(dataset: str, number: int, more: tuple[Found, ...] = (), **values: str) -> Case:
    return Case(f"{dataset} refers to {' '.join(values)} that is nowhere", "5.1", "held", edit(dataset, number, **values),
                (*(find("foreign-key", dataset, number, name) for name in values), *more))  # fmt: skip


KEYS_AND_REFERENCES = [
    *(_double(dataset) for dataset in COLUMNS),
    _point_nowhere("loan_book", 4, group_code="G0"),
    _point_nowhere("savings_groups", 2, office_code="999999"),
    _point_nowhere("loan_transactions", 1, office_code="999999"),
    # The entry moves money at an office that has no position, and none where the position moved.
    _point_nowhere("capital_transactions", 1, (
        find("roll-forward", "capital_positions", None, "balance_vnd"), find("roll-forward", "capital_positions", 1, "balance_vnd")),
        office_code="999999"),
    Case("a loan refers to an office that is nowhere", "5.1", "held", all_of(edit("loan_book", 4, office_code="999999"), tie_ledger),
         (find("foreign-key", "loan_book", 4, "office_code"), find("large-change", "ledger_balances"))),
    Case("a loan's group is left empty", "5.1", "published", edit("loan_book", 4, group_code="")),
    Case("references that the contract does not check point nowhere", "5.1", "published", all_of(
        edit("customers", 3, office_code="999999", group_code="G0"), edit("savings_groups", 1, point_code="P0", leader_customer_id="C0"),
        edit("absconded_cases", 1, customer_id="C0", office_code="999999"), edit("risk_decisions", 1, customer_id="C0", contract_no="K0"),
        edit("eligible_demand", 1, contract_no="K0", customer_id="C0"), edit("transaction_points", 1, office_code="999999"))),
    Case("a contract number is used again for another customer", "4", "published", lambda d: _lend(d, d.rows["loan_book"][0]["contract_no"])),
]  # fmt: skip


def _lend(delivery: Delivery, contract_no: str, amount: int = 1_000_000) -> None:
    """A new loan to the last customer, disbursed today."""
    loan = delivery.rows["loan_book"][-1] | {
        "contract_no": contract_no, "customer_id": delivery.rows["customers"][1]["customer_id"], "disbursed_on": DATE,
        "in_term_vnd": amount, "overdue_vnd": 0, "frozen_vnd": 0, "overdue_since": "", "frozen_until": "",
        "approved_vnd": amount, "disbursed_vnd": amount,
    }  # fmt: skip
    delivery.rows["loan_book"].append(loan)
    move(delivery, loan, "disbursement", amount)
    tie_ledger(delivery)


def _flow(delivery: Delivery, *, with_transactions: bool) -> None:
    """Every kind and bucket of the formula once, each on a loan of its own from row 7 on."""
    for number, ((kind, bucket), moves) in enumerate(FLOWS.items(), 7):
        loan = delivery.rows["loan_book"][number - 1]
        amount = 0 if kind == "extension" else 1000 * number
        for name, sign in zip(BUCKETS, moves, strict=True):
            loan[f"{name}_vnd"] += sign * amount
        if with_transactions:
            move(delivery, loan, kind, amount, bucket)
    tie_ledger(delivery)


def _pay_off(delivery: Delivery) -> None:
    loan = delivery.rows["loan_book"].pop()
    for bucket in BUCKETS:
        move(delivery, loan, "principal", loan[f"{bucket}_vnd"], bucket)
    tie_ledger(delivery)


def _reverse(delivery: Delivery, **values: Any) -> None:
    """Take back the repayment of the first loan, which stands at its old balance again."""
    delivery.rows["loan_book"][0]["in_term_vnd"] += 1_000_000
    done = delivery.rows["loan_transactions"][0]
    undone = done | {"txn_id": "T-REV", "amount_vnd": -done["amount_vnd"], "reverses_txn_id": done["txn_id"]} | values
    delivery.rows["loan_transactions"].append(undone)
    tie_ledger(delivery)


def _capital(delivery: Delivery, *, with_entries: bool) -> None:
    office = delivery.rows["offices"][0]["office_code"]
    kinds = {"returned": -1, "reallocated_in": 1, "reallocated_out": -1, "decision": 0}
    for number, (kind, sign) in enumerate(kinds.items(), 3):
        position = delivery.rows["capital_positions"][number]
        position["balance_vnd"] += sign * 1000 * number
        if with_entries:
            delivery.rows["capital_transactions"].append(row("capital_transactions", {
                "entry_id": f"V-{kind}", "source_code": position["source_code"], "office_code": office, "value_date": DATE,
                "kind": kind, "amount_vnd": 1000 * number,
            }))  # fmt: skip


ROLL_FORWARD = [
    Case("every kind of transaction moves what the formula says", "5.2", "published", lambda d: _flow(d, with_transactions=True)),
    Case("every kind of transaction is missing", "5.2", "held", lambda d: _flow(d, with_transactions=False),
         tuple(find("roll-forward", "loan_book", number, f"{name}_vnd") for number, moves in enumerate(FLOWS.values(), 7)
               for name, sign in zip(BUCKETS, moves, strict=True) if sign)),
    Case("a contract is paid off and leaves the book", "5.2", "published", _pay_off),
    Case("a contract leaves the book without a transaction", "5.2", "held", lambda d: [d.rows["loan_book"].pop(), tie_ledger(d)],
         tuple(find("roll-forward", "loan_book", None, f"{name}_vnd") for name in BUCKETS)),
    Case("a new contract is disbursed", "5.2", "published", lambda d: _lend(d, "K-NEW")),
    Case("a new contract comes without its disbursement", "5.2", "held", lambda d: [_lend(d, "K-NEW"), d.rows["loan_transactions"].pop()],
         (find("roll-forward", "loan_book", 27, "in_term_vnd"),)),
    Case("a transaction concerns a contract that is nowhere", "5.2", "held", lambda d: move(d, d.rows["loan_book"][2], "principal", 5, "in_term", contract_no="K0"),
         (find("roll-forward", "loan_transactions", 2, "amount_vnd"),)),
    Case("a balance moves from one customer's contract to another's", "5.2", "held", lambda d: [
        d.rows["loan_book"][2].update(in_term_vnd=d.rows["loan_book"][2]["in_term_vnd"] + 1),
        d.rows["loan_book"][4].update(in_term_vnd=d.rows["loan_book"][4]["in_term_vnd"] - 1)],
        (find("roll-forward", "loan_book", 3, "in_term_vnd"), find("roll-forward", "loan_book", 5, "in_term_vnd"))),
    Case("a transaction is reversed", "5.2", "published", _reverse),
    Case("a reversal of an earlier night's transaction", "5.2", "published", lambda d: [
        d.rows["loan_book"][2].update(in_term_vnd=d.rows["loan_book"][2]["in_term_vnd"] + 7),
        move(d, d.rows["loan_book"][2], "principal", -7, "in_term", reverses_txn_id="T-OLD"), tie_ledger(d)]),
    Case("a reversal of an earlier night's reversal", "5.2", "published", lambda d: [
        d.rows["loan_book"][2].update(in_term_vnd=d.rows["loan_book"][2]["in_term_vnd"] - 7),
        move(d, d.rows["loan_book"][2], "principal", 7, "in_term", reverses_txn_id="T-OLD"), tie_ledger(d)], was_red=True),
    Case("every kind of capital entry moves what the formula says", "5.2", "published", lambda d: _capital(d, with_entries=True)),
    Case("every kind of capital entry is missing", "5.2", "held", lambda d: _capital(d, with_entries=False),
         tuple(find("roll-forward", "capital_positions", number, "balance_vnd") for number in (4, 5, 6))),
    Case("a reversal is the least number of 64 bits, as a missing value turned into a number is", "5.2", "held",
         lambda d: move(d, d.rows["loan_book"][2], "principal", LEAST, "in_term", reverses_txn_id="T-OLD"),
         (find("constraint-error", "loan_transactions", 2, "amount_vnd"), find("roll-forward", "loan_transactions", 2, "amount_vnd")), was_red=True),
    Case("money returned is the least number of 64 bits", "5.2", "held", lambda d: d.rows["capital_transactions"].append(
        d.rows["capital_transactions"][0] | {"entry_id": "V-LEAST", "kind": "returned", "amount_vnd": LEAST}),
        (find("constraint-error", "capital_transactions", 2, "amount_vnd"), find("roll-forward", "capital_positions", 1, "balance_vnd")), was_red=True),
    Case("a capital source vanishes", "5.2", "held", lambda d: d.rows["capital_positions"].pop(),
         (find("roll-forward", "capital_positions", None, "balance_vnd"), find("large-change", "capital_positions"))),
]  # fmt: skip

TIE_OUTS = [
    Case("the ledger has an account without loans", "5.3", "held", lambda d: d.rows["ledger_balances"].append(
        row("ledger_balances", {"account_code": "2111", "office_code": "960002", "programme_code": "9", "bucket": "in_term", "closing_vnd": 1})),
        (find("ledger-tie-out", "ledger_balances", 7, "closing_vnd"), find("large-change", "ledger_balances"))),
    Case("the ledger lacks an account", "5.3", "held", lambda d: d.rows["ledger_balances"].pop(0),
         (find("ledger-tie-out", "ledger_balances", None, "closing_vnd"), find("large-change", "ledger_balances"))),
    Case("the ledger has an account of 0", "5.3", "published_with_warnings", lambda d: d.rows["ledger_balances"].append(
        row("ledger_balances", {"account_code": "2111", "office_code": "960002", "programme_code": "9", "bucket": "in_term", "closing_vnd": 0})),
        (find("large-change", "ledger_balances"),)),
    Case("the ledger has a sum in another bucket", "5.3", "held", lambda d: [r.update(bucket="frozen") for r in d.rows["ledger_balances"] if r["bucket"] == "overdue"],
         (*(find("ledger-tie-out", "ledger_balances", None, "closing_vnd"),) * 2, *(find("ledger-tie-out", "ledger_balances", n, "closing_vnd") for n in (2, 5)))),
    Case("one account is kept in two", "5.3", "published_with_warnings", lambda d: [
        d.rows["ledger_balances"].append(d.rows["ledger_balances"][0] | {"account_code": "2119", "closing_vnd": 1}),
        d.edit("ledger_balances", 1, closing_vnd=d.rows["ledger_balances"][0]["closing_vnd"] - 1)], (find("large-change", "ledger_balances"),)),
    Case("mobilised capital is not what the deposits are", "5.4", "held", edit("deposits", 1, balance_vnd=1),
         (find("deposit-tie-out", "capital_positions", 2, "balance_vnd"),)),
    Case("deposits of another office", "5.4", "held", edit("deposits", 1, office_code="960002"),
         (find("deposit-tie-out", "capital_positions", 2, "balance_vnd"), find("deposit-tie-out", "capital_positions", None, "balance_vnd"))),
    Case("deposits of a kind are missing", "5.4", "held", lambda d: d.rows["deposits"].pop(),
         (find("deposit-tie-out", "capital_positions", 3, "balance_vnd"), find("large-change", "deposits"))),
    Case("the local budget's money needs no deposits", "5.4", "published", edit("offices", 2, name="Ủy thác địa phương")),
]  # fmt: skip

AHEAD = {
    "offices": ["opened_on", "closed_on"], "transaction_points": ["opened_on", "closed_on"], "savings_groups": ["founded_on"],
    "customers": ["birth_date"], "loan_book": ["disbursed_on", "overdue_since", "oldest_unpaid_due_on"],
    "loan_transactions": ["value_date"], "capital_transactions": ["value_date"], "plan_targets": ["decided_on"],
    "eligible_demand": ["as_of"], "absconded_cases": ["left_on", "closed_on"], "risk_decisions": ["decided_on"],
    "inspections": ["inspected_on", "fixed_on"],
}  # fmt: skip
MAY_LIE_AHEAD = {
    "loan_book": ["maturity_on", "extended_to", "frozen_until"], "risk_decisions": ["effective_to"],
    "plan_targets": ["period_start", "due_on", "valid_from"],
}  # fmt: skip


def _set_dates(delivery: Delivery, columns: dict[str, list[str]], day: str) -> None:
    for dataset, names in columns.items():
        delivery.edit(dataset, 2 if dataset == "loan_book" else 1, **dict.fromkeys(names, day))


DATES_AND_AMOUNTS = [
    Case("every date that may not lie after the business date does", "5.5", "held", lambda d: _set_dates(d, AHEAD, TOMORROW),
         tuple(find("constraint-error", dataset, 2 if dataset == "loan_book" else 1, name) for dataset, names in AHEAD.items() for name in names)),
    Case("every date that may lie after the business date does", "5.5", "published",
         lambda d: [_set_dates(d, MAY_LIE_AHEAD, "2031-01-01"), d.edit("loan_book", 2, maturity_on="2030-01-01")]),
    Case("a value date is the previous business date", "5.5", "held", all_of(
        edit("loan_transactions", 1, value_date="2025-09-28"), edit("capital_transactions", 1, value_date="2025-09-28")),
        (find("constraint-error", "loan_transactions", 1, "value_date"), find("constraint-error", "capital_transactions", 1, "value_date"))),
    Case("overdue_since is set without an overdue balance", "5.5", "held", edit("loan_book", 1, overdue_since="2024-01-01"),
         (find("constraint-error", "loan_book", 1, "overdue_since"),)),
    Case("a loan matures before it is disbursed", "5.5", "held", edit("loan_book", 1, maturity_on="2022-02-28"),
         (find("constraint-error", "loan_book", 1, "maturity_on"), find("past-maturity", "loan_book", 1, "in_term_vnd"))),
    Case("an extension ends at maturity", "5.5", "held", edit("loan_book", 1, extended_to="2027-03-01"), (find("constraint-error", "loan_book", 1, "extended_to"),)),
    Case("a loan without a balance stands in the book", "4", "held",
         lambda d: d.rows["loan_book"].append(d.rows["loan_book"][0] | {"contract_no": "K-0", "in_term_vnd": 0}),
         (find("constraint-error", "loan_book", 27, "in_term_vnd"),)),
    *(Case(f"{kind} has the bucket {bucket or 'none'}", "4", "held", lambda d, kind=kind, bucket=bucket: move(d, d.rows["loan_book"][2], kind, 0 if kind == "extension" else 1, bucket), finds)
      for kind, bucket, finds in [
          ("interest", "in_term", (find("constraint-error", "loan_transactions", 2, "bucket"),)),
          ("extension", "overdue", (find("constraint-error", "loan_transactions", 2, "bucket"),)),
          ("principal", "", (find("constraint-error", "loan_transactions", 2, "bucket"),)),
          ("write_off", "", (find("constraint-error", "loan_transactions", 2, "bucket"),)),
          ("to_frozen", "frozen", (find("constraint-error", "loan_transactions", 2, "bucket"), find("roll-forward", "loan_transactions", 2, "amount_vnd"))),
          ("from_frozen", "", (find("constraint-error", "loan_transactions", 2, "bucket"), find("roll-forward", "loan_transactions", 2, "amount_vnd"))),
      ]),
    Case("an amount is 0", "4", "held", lambda d: move(d, d.rows["loan_book"][2], "interest", 0),
         (find("constraint-error", "loan_transactions", 2, "amount_vnd"),)),
    Case("an amount is below 0 without reversing anything", "4", "held", lambda d: move(d, d.rows["loan_book"][2], "interest", -1),
         (find("constraint-error", "loan_transactions", 2, "amount_vnd"),)),
    Case("an extension has an amount", "4", "held", lambda d: move(d, d.rows["loan_book"][2], "extension", 1),
         (find("constraint-error", "loan_transactions", 2, "amount_vnd"),)),
    Case("a reversal has another amount", "4", "held", lambda d: _reverse(d, amount_vnd=-999_999),
         (find("constraint-error", "loan_transactions", 2, "amount_vnd"), find("roll-forward", "loan_transactions", 1, "amount_vnd"))),
    Case("a reversal has another kind", "4", "held", lambda d: _reverse(d, kind="write_off"), (find("constraint-error", "loan_transactions", 2, "kind"),)),
    Case("a target has 32 digits", "4", "published", edit("plan_targets", 1, target_value="-" + "9" * 32 + ".9999")),
    Case("a target has 33 digits", "4", "held", edit("plan_targets", 1, target_value="1" + "0" * 32),
         (find("constraint-error", "plan_targets", 1, "target_value"),), was_red=True),
    Case("a capital entry of 0", "4", "held", lambda d: d.rows["capital_transactions"].append(d.rows["capital_transactions"][0] | {"entry_id": "V0", "amount_vnd": 0}),
         (find("constraint-error", "capital_transactions", 2, "amount_vnd"),)),
]  # fmt: skip

CASES = [*KEYS_AND_REFERENCES, *ROLL_FORWARD, *TIE_OUTS, *DATES_AND_AMOUNTS]
