"""The red cases that the bank asked to see first."""

from __future__ import annotations

from tests.door.case import Case, after_figures, all_of, edit, find, manifest, resource
from tests.support.deliveries import Delivery, tie_ledger


def _lose_one_double_another(delivery: Delivery) -> None:
    """Rows 3 and 5 are given the same amounts first: totals and counts are equal, only the keys are not."""
    loans = delivery.rows["loan_book"]
    loans[2]["in_term_vnd"] = loans[4]["in_term_vnd"]
    tie_ledger(delivery)
    after_figures("loan_book", lambda d: d.rows["loan_book"].__setitem__(2, dict(loans[4])))(delivery)


CASES = [
    Case(
        "one đồng is missing from a loan file",
        "issue 2",
        "held",
        after_figures("loan_book", lambda d: d.rows["loan_book"][3].update(in_term_vnd=40_000_003)),
        (
            find("control-total", "loan_book", None, "in_term_vnd"),
            find("ledger-tie-out", "ledger_balances", 4, "closing_vnd"),
            find("roll-forward", "loan_book", 4, "in_term_vnd"),
        ),
    ),
    Case(
        "a row is lost and another doubled with equal totals",
        "issue 2",
        "held",
        _lose_one_double_another,
        (
            find("key-checksum", "loan_book"),
            find("primary-key", "loan_book", 3, "contract_no, customer_id"),
            find("primary-key", "loan_book", 5, "contract_no, customer_id"),
            find("roll-forward", "loan_book", None, "in_term_vnd"),
        ),
        was_red=True,
    ),
    Case(
        "a hash is wrong",
        "issue 2",
        "refused",
        resource("loan_book", hash="sha256:" + "0" * 64),
        (find("hash-count", "datapackage.json", None, "loan_book"),),
    ),
    Case(
        "the manifest names another branch than its folder",
        "issue 2",
        "refused",
        manifest(branchCode="79"),
        (find("identity", "datapackage.json", None, "branchCode"),),
    ),
    Case(
        "the manifest names another date than its folder",
        "issue 2",
        "refused",
        manifest(businessDate="2025-09-27"),
        (find("identity", "datapackage.json", None, "businessDate"),),
    ),
    Case(
        "the manifest names another revision than its folder",
        "issue 2",
        "refused",
        manifest(revision=999),
        (find("identity", "datapackage.json", None, "revision"),),
    ),
    Case(
        "a balance does not roll forward",
        "issue 2",
        "held",
        lambda d: d.rows["loan_transactions"].clear(),
        (find("roll-forward", "loan_book", 1, "in_term_vnd"),),
    ),
    Case(
        "a ledger does not tie",
        "issue 2",
        "held",
        edit("ledger_balances", 1, closing_vnd=1),
        (find("ledger-tie-out", "ledger_balances", 1, "closing_vnd"),),
    ),
    Case(
        "a programme is unknown",
        "issue 2",
        "held",
        all_of(edit("loan_book", 4, programme_code="77"), tie_ledger),
        (
            find("foreign-key", "loan_book", 4, "programme_code"),
            find("new-programme-source", "loan_book", 4, "source_code"),
            find("large-change", "ledger_balances"),
        ),
    ),
    Case(
        "a critical expectation fails",
        "issue 2",
        "held",
        edit("loan_book", 2, overdue_since=""),
        (find("constraint-error", "loan_book", 2, "overdue_since"),),
    ),
]
