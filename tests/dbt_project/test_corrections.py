"""A correction of long ago builds like any other; and where a branch cannot be built, the others are, with what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.build import build
from pipeline.quarter import freeze
from pipeline.transform import CandidatesError
from reporting.quarter import parse_quarter
from reporting.quarter_decide import check_draft
from tests.dbt_project.publishing import publish, withdraw
from tests.support.deliveries import Delivery, first_delivery, transaction
from warehouse.connect import Warehouse

PLAN = {
    "plan_id": "CV", "version": 1, "indicator": "disbursed", "scope_kind": "branch", "programme_code": "", "source_code": "",
    "period_start": "2025-01-01", "due_on": "2025-12-31", "target_value": 90_000_000, "unit": "vnd", "decided_on": "2024-06-01",
    "decision_no": "", "valid_from": "2024-06-01",
}  # fmt: skip


def disburse(delivery: Delivery, amount: int) -> Delivery:
    """The first loan is lent so much more on the delivery's date."""
    loan = delivery.rows["loan_book"][0]
    loan["in_term_vnd"] += amount
    delivery.rows["loan_transactions"].append(transaction(delivery, loan, "disbursement", amount))
    return delivery


def ask(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with warehouse.connect("transformer") as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]


def test_a_correction_before_the_year_builds_where_a_target_counts_over_the_year(marts: Warehouse) -> None:
    november = first_delivery("58", "2024-11-30")
    november.rows["plan_targets"].append(PLAN | {"scope_code": "58"})
    december = november.next("2024-12-31")
    january = disburse(december.next("2025-01-31"), 4_000_000)
    publish(marts, november, december, january)
    build(marts)
    corrected = november.revise()
    corrected.rows["offices"][0]["name"] = "Phòng giao dịch đổi tên"
    publish(marts, corrected)
    build(marts)
    reached = "select actual_value from marts.mart_target_progress where business_date = '2025-01-31'"
    assert ask(marts, reached) == [(4_000_000,)]
    publish(marts, disburse(january.next("2025-02-28"), 1_000_000))
    build(marts)
    assert ask(marts, reached.replace("01-31", "02-28")) == [(5_000_000,)]


def test_the_nation_of_a_healthy_branch_holds_what_is_shown_of_one_that_cannot_be_built(marts: Warehouse) -> None:
    opening = {code: first_delivery(code, "2025-12-31") for code in ("04", "11")}
    january = disburse(opening["04"].next("2026-01-31"), 3_000_000)
    publish(marts, *opening.values(), january, opening["11"].next("2026-01-31"))
    build(marts)
    corrected = disburse(january.revise(), 2_000_000)
    (wrong,) = publish(marts, corrected)
    publish(marts, disburse(opening["11"].next("2026-01-31").revise(), 7_000_000))
    with marts.connect("admin") as connection:
        connection.execute(
            "update meta.delivery_files set control_totals = control_totals || '{\"in_term_vnd\": 1}' "
            "where delivery_id = %s and dataset = 'loan_book'",
            [wrong],
        )
    try:
        with pytest.raises(CandidatesError, match="assert_loan_balances_equal_the_control_totals"):
            build(marts)
        shown = "select disbursed_ytd_vnd, change_from_year_start_vnd from marts.{} where business_date = '2026-01-31' {} order by 1"
        of_branches = shown.format("mart_branch_scorecard", "and branch_code in ('04', '11')")
        assert ask(marts, of_branches) == [(3_000_000, 3_000_000), (7_000_000, 7_000_000)]
        assert ask(marts, shown.format("mart_national_scorecard", "")) == [(10_000_000, 10_000_000)]
    finally:
        withdraw(marts, corrected)
        build(marts)


def test_an_office_stands_in_the_commune_that_bears_the_code_on_the_newest_date(marts: Warehouse) -> None:
    """00103 was Xuân La, of which most went to Xuân Đỉnh (00611), and is Tây Hồ since 2025-07-01 (the list of communes)."""
    june = first_delivery("01", "2025-06-30")
    for name in ("offices", "savings_groups"):
        for row in june.rows[name]:
            row["commune_code"] = "00103"
    stands = (
        "select distinct current_commune_code, is_approximate_succession from marts.{} "
        "where current_branch_code = '01' and commune_code = '00103'"
    )
    dimensions = ("dim_office", "dim_savings_group")
    publish(marts, june)
    build(marts)
    assert [ask(marts, stands.format(dimension)) for dimension in dimensions] == [[("00611", True)]] * 2
    publish(marts, june.next("2025-07-01"))
    build(marts)
    assert [ask(marts, stands.format(dimension)) for dimension in dimensions] == [[("00103", False)]] * 2


def test_an_office_that_another_branch_lists_by_mistake_stays_with_its_own(marts: Warehouse) -> None:
    right, wrong = first_delivery("24", "2025-09-30"), first_delivery("25", "2025-09-30")
    for row in (wrong.rows["offices"][0], wrong.rows["savings_groups"][0]):
        row["office_code"] = "240001"
    wrong.rows["savings_groups"][0]["group_code"] = "G241"
    publish(marts, right, wrong)
    build(marts)
    listed = "select current_branch_code, {} from marts.{} where current_branch_code in ('24', '25') order by 1, 2"
    offices = [("24", "240001"), ("24", "240002"), ("25", "240001"), ("25", "250002")]
    assert ask(marts, listed.format("office_code", "dim_office")) == offices
    groups = [("24", "G241"), ("24", "G242"), ("25", "G241"), ("25", "G252")]
    assert ask(marts, listed.format("group_code", "dim_savings_group")) == groups


def test_what_an_inspection_found_is_mended_also_after_the_branch_was_renamed(marts: Warehouse) -> None:
    """Đồng Nai is a city since 2026-04-30: another branch by its key, which alone goes on telling the first quarter."""
    march = first_delivery("75", "2026-03-31")
    march.rows["inspections"].append({
        "inspection_id": "I75", "body": "bank", "level": "commune", "inspected_on": "2026-02-03", "commune_code": "25195",
        "organisation_code": "", "groups_checked": 2, "households_checked": 9, "findings": 3, "misuse_cases": 1, "fixed_on": "",
    })  # fmt: skip
    april = march.next("2026-04-30").edit("inspections", 1, fixed_on="2026-04-20")
    told = "select quarter_code, branch_code, findings, open_findings from marts.mart_inspections where current_branch_code = '75'"
    publish(marts, march)
    build(marts)
    assert ask(marts, told) == [("2026Q1", "75", 3, 3)]
    publish(marts, april)
    build(marts)
    assert ask(marts, told) == [("2026Q1", "75", 3, 0)]


def test_a_loan_moved_between_branches_keeps_opening_and_flows_equal_to_the_closing_of_both(marts: Warehouse) -> None:
    """10 of 240,000,021 đồng go from branch 20 to 22."""
    moved = {"20": ("transfer_out", -10_000_000), "22": ("transfer_in", 10_000_000)}
    for code, (kind, change) in moved.items():
        june = first_delivery(code, "2025-06-30")
        september = june.next("2025-09-30")
        loan = september.rows["loan_book"][0]
        loan["in_term_vnd"] += change
        september.rows["loan_transactions"].append(transaction(september, loan, kind, abs(change), bucket="in_term"))
        publish(marts, june, september)
    quarter = parse_quarter("2025Q3")
    freeze(marts, quarter, None)
    closing = "select branch_code, change_from_quarter_start_vnd from quarters.branch_scorecard where branch_code in ('20', '22') order by 1"
    with marts.connect("quarter_keeper") as connection:
        assert connection.execute(closing).fetchall() == [("20", -10_000_000), ("22", 10_000_000)]
    found = [str(violation) for violation in check_draft(marts, quarter).violations]
    assert [line for line in found if "the outstanding changed by" in line] == []


def test_dates_that_no_branch_has_lived_make_nobody_late(marts: Warehouse) -> None:
    """A date of 2055, and an interval from 1975 on, each by mistake: rows of their own date and no others."""
    publish(marts, first_delivery("14", "2025-11-30"), first_delivery("14", "2025-12-02"))
    build(marts)
    status = "select branch_code, business_date::text, is_late from marts.mart_delivery_status order by 1, 2"
    before = ask(marts, status)
    publish(marts, first_delivery("12", "2055-09-30"))
    from_1975 = first_delivery("11", "2025-12-01")
    from_1975.previous = "1975-09-29"
    publish(marts, from_1975, verdict="provisional")
    build(marts)
    after = ask(marts, status)
    assert {row[1] for row in after} - {row[1] for row in before} == {"2055-09-30"}
    of_others = [row for row in after if row[0] not in ("11", "12") and row[1] != "2055-09-30"]
    assert of_others == [row for row in before if row[0] not in ("11", "12")]
