"""A quarter with a target that began before its year: derived again from all that the target counts, and corrected by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.build import build
from pipeline.quarter import freeze, verify
from reporting.quarter import parse_quarter
from reporting.quarter_decide import approve_draft, publish_version
from tests.support.deliveries import Delivery, first_delivery, tie_ledger, transaction
from tests.support.warehouses import new_warehouse, remove_warehouse, run_short_night, without_great_expectations
from warehouse.connect import Warehouse

QUARTER = parse_quarter("2025Q1")
PLAN = {
    "version": 1, "scope_kind": "branch", "scope_code": "04", "programme_code": "", "source_code": "", "period_start": "2024-07-01",
    "due_on": "2026-12-31", "decided_on": "2024-06-01", "decision_no": "", "valid_from": "2024-06-01",
}  # fmt: skip
TARGETS = [
    PLAN | {"plan_id": "CV", "indicator": "disbursed", "target_value": 90_000_000, "unit": "vnd"},
    PLAN | {"plan_id": "TT", "indicator": "growth_pct", "target_value": 8, "unit": "pct"},
]


def move(delivery: Delivery, kind: str, amount: int) -> Delivery:
    """The first loan is lent, or pays back in term, so much on the delivery's date."""
    loan = delivery.rows["loan_book"][0]
    sign, bucket = (1, "") if kind == "disbursement" else (-1, "in_term")
    delivery.rows["loan_transactions"].append(transaction(delivery, loan, kind, amount, bucket=bucket))
    loan["in_term_vnd"] += sign * amount
    tie_ledger(delivery)
    return delivery


@pytest.fixture
def own(warehouse: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    made = new_warehouse(warehouse, tmp_path / "home")
    yield made
    remove_warehouse(made)


def take_in(warehouse: Warehouse, *deliveries: Delivery) -> None:
    for delivery in deliveries:
        delivery.write(Path(warehouse.settings.landing))
    with without_great_expectations():
        run_short_night(warehouse)
    build(warehouse)


@pytest.mark.slow
def test_a_target_of_several_years_is_derived_again_and_names_the_delivery_that_corrects_it(own: Warehouse) -> None:
    """10 million lent in September 2024, 5 in March 2025: 15 since July. Corrected: 2 more lent and paid back in September."""
    june = first_delivery("04", "2024-06-30")
    june.rows["plan_targets"] += TARGETS
    september = move(june.next("2024-09-30"), "disbursement", 10_000_000)
    december = september.next("2024-12-31")
    march = move(december.next("2025-03-31"), "disbursement", 5_000_000)
    take_in(own, june, september, december, march)
    freeze(own, QUARTER, None)
    again = verify(own, QUARTER)
    assert again.exit_code == 0, "\n".join(again.lines)
    approve_draft(own, QUARTER, by="minh")
    publish_version(own, QUARTER, by="minh")

    corrected = move(move(september.revise(), "disbursement", 2_000_000), "principal", 2_000_000)
    take_in(own, corrected)
    with own.connect("quarter_keeper") as connection:
        restated = connection.execute(
            "select row_key ->> 'plan_id', figure, published_value, value_now, cause, deliveries from quarters.restatement "
            "where quarter_code = '2025Q1' and figure = 'actual_value'"
        ).fetchall()
    with own.connect("loader") as connection:
        found = connection.execute("select delivery_id from meta.deliveries where revision = 2").fetchone()
    assert found is not None
    assert restated == [("CV", "actual_value", 15_000_000, 17_000_000, "corrected delivery", [found[0]])]
