"""Every check of the dbt project, seen red: a violation is planted among the candidate rows, and the test fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql

from pipeline.build import open_build, run_areas
from pipeline.transform import AREAS, PROJECT, CandidatesError, run_dbt
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse

# Test -> (mart, statement on its candidate rows; {t} is the table, {b} the build).
PLANTED = {
    "assert_absconded_debt_agrees_between_marts": (
        "mart_absconded_borrowers", "update {t} set overdue_vnd = overdue_vnd + 1 where build_id = {b} and cases > 0"),
    "assert_branches_make_the_nation": (
        "mart_national_scorecard", "update {t} set loans = loans + 1 where build_id = {b}"),
    "assert_an_indicator_has_one_basis": (
        "mart_benchmarks", "update {t} set basis = 'outstanding' where build_id = {b} and indicator = 'overdue_ratio_pct' and as_of > '2020-01-01'"),
    "assert_branch_codes_name_one_province_a_day": (
        "dim_branch", "update {t} set valid_to = '2025-07-01' where build_id = {b} and branch_code = '96' and valid_to is not null"),
    "assert_capital_sources_add_up_to_the_mix": (
        "mart_capital_mix", "update {t} set local_vnd = local_vnd + 1 where build_id = {b}"),
    "assert_capital_sources_equal_the_control_totals": (
        "mart_capital_sources", "update {t} set balance_vnd = balance_vnd - 1 where build_id = {b} and source_code = 'TW_BALANCED'"),
    "assert_capital_tiers_make_the_total": (
        "mart_capital_mix", "update {t} set capital_total_vnd = capital_total_vnd + 1 where build_id = {b}"),
    "assert_capital_tree_hangs_together": (
        "dim_capital_source", "update {t} set parent_code = 'MOB_IND' where build_id = {b} and source_code = 'DP_OTHER'"),
    "assert_commitments_are_never_negative": (
        "mart_capital_sources", "update {t} set committed_not_received_vnd = -1 where build_id = {b}"),
    "assert_commune_codes_name_one_commune_a_day": (
        "dim_commune", "update {t} set valid_to = null where build_id = {b} and valid_to is not null"),
    "assert_demand_cases_have_one_status_each": (
        "mart_demand_coverage", "update {t} set identified = identified + 1 where build_id = {b}"),
    "assert_every_branch_has_a_status_on_every_date": (
        "mart_delivery_status", "delete from {t} where build_id = {b} and branch_code = '58' and business_date = '2024-03-31'"),
    "assert_every_loan_in_a_band_belongs_there": (
        "mart_overdue_debt", "update {t} set overdue_band = 'frozen' where build_id = {b} and overdue_band = '1-30'"),
    "assert_first_quarter_to_date_is_year_to_date": (
        "mart_branch_scorecard", "update {t} set disbursed_qtd_vnd = null where build_id = {b} and business_date = '2024-03-30'"),
    "assert_inspections_are_all_told": (
        "mart_inspections", "update {t} set inspections = inspections - 1 where build_id = {b}"),
    "assert_lending_flows_lose_no_dong": (
        "mart_lending_flows", "update {t} set interest_collected_vnd = interest_collected_vnd + 1 where build_id = {b}"),
    "assert_loan_balances_equal_the_control_totals": (
        "mart_loan_balances", "update {t} set interest_due_vnd = interest_due_vnd + 1 where build_id = {b}"),
    "assert_migration_makes_both_quarters": (
        "mart_debt_migration", "delete from {t} where build_id = {b} and to_state = 'overdue'"),
    "assert_newest_groups_stand_in_newest_offices": (
        "dim_savings_group", "update {t} set office_code = 'nowhere' where build_id = {b}"),
    "assert_no_calendar_date_is_missing": (
        "dim_date", "delete from {t} where build_id = {b} and calendar_date = '2024-02-29'"),
    "assert_outstanding_is_in_term_plus_overdue_plus_frozen": (
        "mart_loan_balances", "update {t} set outstanding_vnd = outstanding_vnd + 1 where build_id = {b}"),
    "assert_organisations_equal_the_balances": (
        "mart_organisations", "update {t} set overdue_vnd = overdue_vnd + 1 where build_id = {b} and organisation_code = 'ND'"),
    "assert_overdue_debt_equals_the_balances": (
        "mart_overdue_debt", "delete from {t} where build_id = {b} and overdue_band = 'over 360'"),
    "assert_par_hierarchy_is_never_violated": (
        "mart_loan_balances", "update {t} set par30_vnd = par1_vnd + 1 where build_id = {b}"),
    "assert_savings_groups_stand_at_month_ends": (
        "mart_savings_groups", "delete from {t} where build_id = {b} and status = 'active'"),
    "assert_scorecard_equals_the_balances": (
        "mart_branch_scorecard", "update {t} set loans = loans + 1 where build_id = {b}"),
    "assert_scorecard_parts_lie_within_the_whole": (
        "mart_branch_scorecard", "update {t} set offices_delivered = offices_expected + 1 where build_id = {b}"),
    "assert_shares_of_capital_make_a_hundred": (
        "mart_capital_sources", "update {t} set share_of_capital_pct = 0 where build_id = {b} and source_code = 'MOB_IND'"),
    "assert_succession_ends_at_a_standing_commune": (
        "dim_commune", "update {t} set current_commune_code = '00000' where build_id = {b} and commune_code = '22741'"),
    "assert_targets_are_in_force_and_reckoned": (
        "mart_target_progress", "update {t} set actual_value = actual_value + 1 where build_id = {b} and indicator = 'outstanding'"),
    "assert_what_is_published_is_covered": (
        "mart_delivery_status", "update {t} set covered = false where build_id = {b}"),
    "unique_key_mart_loan_balances": (
        "mart_loan_balances", "insert into {t} select * from {t} where build_id = {b}"),
}  # fmt: skip


@pytest.fixture(scope="module")
def running(marts: Warehouse, year: list[Delivery]) -> Iterator[int]:
    """A build of everything whose rows are made and tested, and which has not flipped."""
    with marts.connect("transformer") as connection:
        connection.execute("update meta.current_units set fingerprint = ''")
        connection.execute("update meta.builds set is_last = false")
    build_id = open_build(marts)
    assert build_id is not None
    run_areas(marts, build_id)
    yield build_id
    with marts.connect("transformer") as connection:
        connection.execute("update meta.builds set abandoned_at = now() where build_id = %s", [build_id])


def test_every_check_has_a_planted_violation() -> None:
    checks = {file.stem for file in PROJECT.glob("tests/*.sql")}
    assert checks <= PLANTED.keys()


@pytest.mark.parametrize("check", PLANTED)
def test_check_fails_on_its_planted_violation(marts: Warehouse, running: int, check: str) -> None:
    mart, statement = PLANTED[check]
    table = sql.Identifier("mart_builds", mart)
    with marts.connect("admin") as connection:
        connection.execute(
            sql.SQL("create table public.kept as select * from {} where build_id = %s").format(table), [running]
        )
        planted = connection.execute(sql.SQL(statement).format(t=table, b=sql.Literal(running)))  # type: ignore[arg-type]
        assert planted.rowcount > 0
    try:
        with pytest.raises(CandidatesError, match=check):
            run_dbt(marts, ["test", "--select", f"{check}*", "--exclude-resource-type", "unit_test"])
    finally:
        with marts.connect("admin") as connection:
            connection.execute(sql.SQL("delete from {} where build_id = %s").format(table), [running])
            connection.execute(sql.SQL("insert into {} select * from public.kept").format(table))
            connection.execute("drop table public.kept")


def test_all_checks_are_green_without_a_violation(marts: Warehouse, running: int) -> None:
    run_dbt(marts, ["test", "--exclude-resource-type", "unit_test"])


def test_unit_tests_are_green(marts: Warehouse, running: int) -> None:
    results = run_dbt(marts, ["test", "--select", "test_type:unit"])
    assert len(results) >= 11


def test_area_after_area_runs_every_check(marts: Warehouse) -> None:
    from pipeline.transform import select_models  # noqa: PLC0415

    def list_checks(*areas: str) -> set[str]:
        return set(run_dbt(marts, ["ls", *select_models(areas, None), "--resource-type", "test"]))

    at_once = list_checks(*AREAS)
    assert set().union(*(list_checks(area) for area in AREAS)) == at_once
    assert len(at_once) >= len(PLANTED)
