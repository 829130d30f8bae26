"""The nation: measures over every branch that readers see, customers of two provinces counted once, and what remakes it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from pipeline.build import build
from tests.dbt_project import arithmetic
from tests.dbt_project.publishing import publish, withdraw
from tests.dbt_project.test_builds import rebuilt
from tests.dbt_project.variety import following, varied
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse

OPENING, DATE = "2024-12-31", "2025-06-30"
CODES = ("58", "89", "95")
Branches = dict[str, Delivery]


def nation(warehouse: Warehouse, date: str) -> dict[str, Any]:
    """The national scorecard of a date."""
    with warehouse.connect("transformer") as connection:
        cursor = connection.execute("select * from marts.mart_national_scorecard where business_date = %s", [date])
        assert cursor.description is not None
        (row,) = cursor.fetchall()
        return dict(zip([column.name for column in cursor.description], row, strict=True))


def borrow_elsewhere(delivery: Delivery, other: str, number: int) -> Delivery:
    """Some customers of a delivery are customers of another branch, with loans, cases and transactions in both."""
    names = {f"C{delivery.branch}{at:05}": f"C{other}{at:05}" for at in range(1, number + 1)}
    for name in ("loan_book", "absconded_cases", "loan_transactions", "eligible_demand"):
        for row in delivery.rows[name]:
            row["customer_id"] = names.get(row["customer_id"], row["customer_id"])
    return delivery


def together(*deliveries: Delivery) -> Delivery:
    """One delivery with the rows of all."""
    rows = {name: [row for delivery in deliveries for row in delivery.rows[name]] for name in deliveries[0].rows}
    return Delivery("*", deliveries[0].date, None, rows)


@pytest.fixture(scope="module")
def branches(marts: Warehouse) -> Branches:
    """Three branches at the end of June, published with the opening of their year and built."""
    made: Branches = {}
    for seed, code in enumerate(CODES):
        opening = varied(code, OPENING, seed)
        made[code] = borrow_elsewhere(following(opening, DATE, seed + 10), "58", 5 * seed)
        publish(marts, opening, made[code])
    build(marts)
    return made


def test_customers_of_two_provinces_are_shared_in_the_sample(branches: Branches) -> None:
    loans = pd.concat(
        [arithmetic.frame(delivery, "loan_book").assign(branch=code) for code, delivery in branches.items()]
    )
    holders = loans.groupby("customer_id")["branch"].nunique()
    assert set(holders) == {1, 2, 3}


def test_measures_are_those_of_all_branches_together(marts: Warehouse, branches: Branches) -> None:
    found = nation(marts, DATE)
    expected = arithmetic.state(together(*branches.values()))
    assert {name: found[name] for name in expected} == expected
    turnover = arithmetic.flows(branches.values(), "2025-01-01", DATE)
    assert found["disbursed_ytd_vnd"] == turnover["disbursed"]
    assert found["collected_ytd_vnd"] == turnover["collected"]
    assert found["borrowers_reached_ytd"] == turnover["reached"]
    assert (
        found["change_from_year_start_vnd"] == expected["outstanding_vnd"] - nation(marts, OPENING)["outstanding_vnd"]
    )


def test_branches_expected_are_those_that_stood_on_the_date(marts: Warehouse, branches: Branches) -> None:
    found = nation(marts, DATE)
    assert (found["branches_delivered"], found["branches_expected"]) == (3, 63)
    assert (found["offices_delivered"], found["offices_expected"]) == (6, 6)
    # Since the end of March nothing is known of any branch: the quarter's flows began before.
    assert found["change_from_quarter_start_vnd"] is None


def test_one_corrected_branch_remakes_the_nation_of_its_date_only(marts: Warehouse, branches: Branches) -> None:
    corrected = branches["89"].revise()
    corrected.rows["loan_book"] = corrected.rows["loan_book"][4:]
    changed = rebuilt(marts, lambda: publish(marts, corrected))
    assert {unit for unit in changed if unit[0] == "nation"} == {("nation", "*", DATE)}
    assert {unit[1] for unit in changed if unit[0] not in ("nation", "registers")} == {"89"}
    branches["89"] = corrected
    expected = arithmetic.state(together(*branches.values()))
    found = nation(marts, DATE)
    assert {name: found[name] for name in expected} == expected


def test_a_branch_that_comes_later_joins_the_nation_and_a_withdrawn_one_leaves_it(
    marts: Warehouse, branches: Branches
) -> None:
    late = borrow_elsewhere(varied("56", DATE, 77), "58", 3)
    publish(marts, late, verdict="provisional")
    build(marts)
    found = nation(marts, DATE)
    expected = arithmetic.state(together(*branches.values(), late))
    assert {name: found[name] for name in expected} == expected
    assert found["is_provisional"] is True
    assert found["disbursed_ytd_vnd"] is None
    withdraw(marts, late)
    build(marts)
    expected = arithmetic.state(together(*branches.values()))
    found = nation(marts, DATE)
    assert {name: found[name] for name in expected} == expected
    assert found["business_date"] == dt.date.fromisoformat(DATE)


def test_a_corrected_branch_gains_and_loses_customers_of_others(marts: Warehouse, branches: Branches) -> None:
    others = {code: borrow_elsewhere(varied(code, DATE, seed), "58", 4) for seed, code in ((21, "56"), (22, "91"))}
    publish(marts, *others.values(), verdict="provisional")
    build(marts)
    everybody = branches | others
    loans = everybody["95"].rows["loan_book"]
    own = next(row for row in loans if row["customer_id"].startswith("C95"))
    for change in ({"customer_id": "C5800001"}, {"customer_id": "C5600005"}, {"customer_id": own["customer_id"]}):
        corrected = everybody["95"].revise()
        at = loans.index(own)
        corrected.rows["loan_book"] = [*loans[:at], own | change, *loans[at + 1 :]]
        everybody["95"] = branches["95"] = corrected
        assert {unit[1] for unit in rebuilt(marts, lambda: publish(marts, everybody["95"])) if unit[0] == "state"} == {"95"}
        expected = arithmetic.state(together(*everybody.values()))
        found = nation(marts, DATE)
        assert {name: found[name] for name in expected} == expected
    for other in others.values():
        withdraw(marts, other)
    build(marts)
