"""Migration of debt, groups, organisations and inspections against plain pandas arithmetic."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from tests.dbt_project import arithmetic
from tests.dbt_project.test_figures import rows
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse

KEY = ["contract_no", "customer_id"]


def states_of(delivery: Delivery) -> pd.DataFrame:
    """Loans by key with their worst state and outstanding."""
    loans = arithmetic.loans_of(delivery).set_index(KEY)
    loans["state"] = "in_term"
    loans.loc[loans["overdue_vnd"] > 0, "state"] = "overdue"
    loans.loc[loans["frozen_vnd"] > 0, "state"] = "frozen"
    return loans[["state", "outstanding_vnd"]]


def test_every_loan_moves_from_the_end_of_one_quarter_to_that_of_the_next(
    marts: Warehouse, year: list[Delivery]
) -> None:
    both = states_of(year[0]).join(states_of(year[3]), how="outer", suffixes=("_from", "_to"))
    both["state_from"] = both["state_from"].fillna("new")
    both["state_to"] = both["state_to"].fillna("closed")
    grouped = both.fillna(0).groupby(["state_from", "state_to"])
    sums, sizes = grouped[["outstanding_vnd_from", "outstanding_vnd_to"]].sum(), grouped.size()
    expected = {key: (int(sizes[key]), *map(int, sums.loc[key])) for key in sizes.index}
    found = rows(
        marts,
        "select from_state, to_state, loans, outstanding_from_vnd, outstanding_to_vnd from marts.mart_debt_migration "
        "where branch_code = '58' and from_quarter = '2023Q4' and to_quarter = '2024Q1'",
    )
    assert {row[:2]: row[2:] for row in found} == expected


def test_quarters_that_do_not_follow_each_other_have_no_migration(marts: Warehouse, year: list[Delivery]) -> None:
    found = rows(marts, "select distinct branch_code, business_date::text from marts.mart_debt_migration")
    assert found == [("58", "2024-03-31")]


def test_groups_are_told_at_month_ends(marts: Warehouse, year: list[Delivery]) -> None:
    found = rows(
        marts,
        "select business_date::text, group_code, members, loans, outstanding_vnd, overdue_vnd, overdue_ratio_pct, grade, size_ok "
        "from marts.mart_savings_groups where branch_code = '58'",
    )
    expected = []
    for delivery in (year[0], year[1], year[3]):
        loans = arithmetic.loans_of(delivery)
        for group in delivery.rows["savings_groups"]:
            own = loans[loans["group_code"] == group["group_code"]]
            outstanding, overdue = int(own["outstanding_vnd"].sum()), int(own["overdue_vnd"].sum())
            expected.append((
                delivery.date, group["group_code"], group["members"], len(own), outstanding, overdue,
                arithmetic.percent(overdue, outstanding), group["grade"] or None, 5 <= group["members"] <= 60,
            ))  # fmt: skip
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_organisations_have_their_own_borrowers_and_share(marts: Warehouse, year: list[Delivery]) -> None:
    loans, groups = arithmetic.loans_of(year[3]), arithmetic.frame(year[3], "savings_groups")
    entrusted = loans[loans["organisation_code"] != "NONE"]
    active = groups[groups["status"] == "active"]
    expected = {}
    for code in set(entrusted["organisation_code"]) | set(active["organisation_code"]):
        own = entrusted[entrusted["organisation_code"] == code]
        outstanding, overdue = int(own["outstanding_vnd"].sum()), int(own["overdue_vnd"].sum())
        expected[code] = (
            int((active["organisation_code"] == code).sum()), len(own), own["customer_id"].nunique(), outstanding, overdue,
            arithmetic.percent(overdue, outstanding), arithmetic.percent(outstanding, int(entrusted["outstanding_vnd"].sum())),
        )  # fmt: skip
    found = rows(
        marts,
        "select organisation_code, groups, loans, borrowers, outstanding_vnd, overdue_vnd, overdue_ratio_pct, share_of_entrusted_pct "
        "from marts.mart_organisations where branch_code = '58' and business_date = '2024-03-31'",
    )
    assert {row[0]: row[1:] for row in found} == expected


def test_inspections_stand_by_quarter_as_the_newest_delivery_of_the_years_says(
    marts: Warehouse, year: list[Delivery]
) -> None:
    inspected = arithmetic.frame(year[4], "inspections")
    inspected["quarter"] = pd.PeriodIndex(inspected["inspected_on"], freq="Q").astype(str)
    expected = {}
    for key, own in inspected.groupby(["quarter", "body", "level"]):
        counts = [int(own[name].sum()) for name in ("groups_checked", "households_checked", "findings", "misuse_cases")]
        still_open = int(own.loc[own["fixed_on"].isna(), "findings"].sum())
        expected[key] = (len(own), own["commune_code"].nunique(), *counts, still_open)
    found = rows(
        marts,
        "select quarter_code, body, level, inspections, communes, groups_checked, households_checked, findings, misuse_cases, "
        "open_findings from marts.mart_inspections where branch_code = '58'",
    )
    assert {row[:3]: row[3:] for row in found} == expected


def test_a_benchmark_is_found_by_indicator_and_basis(marts: Warehouse, year: list[Delivery]) -> None:
    found = rows(
        marts,
        "select value, unit, source like 'https://%%' from marts.mart_benchmarks "
        "where indicator = 'overdue_ratio_pct' and scope = 'national' and as_of = '2023-12-31' and basis = 'overdue'",
    )
    assert found == [(Decimal("0.16"), "pct", True)]
