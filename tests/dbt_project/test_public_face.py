"""What BI tools rely on: views that no build drops, comments, rights by role, rows by branch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipeline.build import build
from pipeline.dbt_docs import write_dbt_docs
from pipeline.transform import run_dbt
from tests.support.deliveries import Delivery
from tests.support.grants import read_grants
from warehouse.connect import Connection, Warehouse

SPEC = {
    "mart_loan_balances": "loans in_term_vnd overdue_vnd frozen_vnd outstanding_vnd interest_due_vnd interest_overdue_vnd par1_vnd "
    "par30_vnd par90_vnd par180_vnd business_date branch_code office_code commune_code programme_code source_code organisation_code",
    "mart_overdue_debt": "overdue_band loans overdue_vnd frozen_vnd outstanding_of_loans_vnd absconded_loans absconded_overdue_vnd "
    "business_date branch_code office_code commune_code programme_code organisation_code",
    "mart_capital_sources": "business_date branch_code source_code tier balance_vnd share_of_capital_pct lent_vnd "
    "committed_not_received_vnd",
    "mart_capital_mix": "business_date branch_code capital_total_vnd central_vnd mobilised_vnd local_vnd local_share_of_capital_pct "
    "local_outstanding_vnd local_share_of_outstanding_pct local_idle_vnd local_utilisation_pct",
    "mart_lending_flows": "business_date value_date branch_code office_code commune_code programme_code source_code disbursed_vnd "
    "disbursed_loans collected_vnd interest_collected_vnd to_overdue_vnd overdue_collected_vnd written_off_vnd",
    "mart_branch_scorecard": "business_date branch_code outstanding_vnd in_term_vnd overdue_vnd frozen_vnd loans borrowers "
    "avg_outstanding_per_borrower_vnd change_from_year_start_vnd change_from_quarter_start_vnd disbursed_qtd_vnd disbursed_ytd_vnd "
    "collected_qtd_vnd collected_ytd_vnd borrowers_reached_qtd borrowers_reached_ytd overdue_ratio_pct overdue_frozen_ratio_pct "
    "par30_ratio_pct par90_ratio_pct local_share_of_capital_pct local_share_of_outstanding_pct absconded_borrowers absconded_cases "
    "entrusted_share_pct groups groups_good_pct communes clean_communes offices_delivered offices_expected is_provisional",
    "mart_national_scorecard": "business_date outstanding_vnd in_term_vnd overdue_vnd frozen_vnd loans borrowers "
    "avg_outstanding_per_borrower_vnd change_from_year_start_vnd change_from_quarter_start_vnd disbursed_qtd_vnd disbursed_ytd_vnd "
    "collected_qtd_vnd collected_ytd_vnd borrowers_reached_qtd borrowers_reached_ytd overdue_ratio_pct overdue_frozen_ratio_pct "
    "par30_ratio_pct par90_ratio_pct local_share_of_capital_pct local_share_of_outstanding_pct absconded_borrowers absconded_cases "
    "entrusted_share_pct groups groups_good_pct communes clean_communes offices_delivered offices_expected is_provisional "
    "branches_delivered branches_expected",
    "mart_target_progress": "business_date plan_id version indicator scope_kind scope_code target_value actual_value gap progress_pct "
    "days_left required_per_month on_track",
    "mart_organisations": "business_date branch_code organisation_code groups loans borrowers outstanding_vnd overdue_vnd "
    "overdue_ratio_pct share_of_entrusted_pct",
    "mart_debt_migration": "from_quarter to_quarter branch_code from_state to_state loans outstanding_from_vnd outstanding_to_vnd",
    "mart_savings_groups": "business_date branch_code group_code members loans outstanding_vnd overdue_vnd overdue_ratio_pct grade size_ok",
    "mart_inspections": "quarter_code branch_code body level inspections communes groups_checked households_checked findings "
    "misuse_cases open_findings",
    "mart_benchmarks": "indicator scope as_of basis value unit source",
    "mart_demand_coverage": "business_date branch_code commune_code kind programme_code identified applied approved disbursed refused "
    "not_interested cases coverage_pct need_vnd disbursed_vnd",
    "mart_absconded_borrowers": "business_date branch_code commune_code years_absent cases borrowers loans in_term_vnd overdue_vnd "
    "frozen_vnd recovered_vnd",
    "mart_delivery_status": "business_date branch_code expected covered arrived_at verdict revision published_revision rows findings "
    "is_late offices_missing published_at",
    "dim_branch": "branch_code valid_from valid_to name_vi name_en current_branch_code region",
    "dim_commune": "commune_code valid_from valid_to name_vi successor",
    "dim_programme": "programme_code name_vi name_en legal_basis status",
    "dim_capital_source": "source_code parent_code tier",
    "dim_date": "calendar_date",
    "dim_office": "office_code branch_code",
    "dim_organisation": "organisation_code",
    "dim_savings_group": "group_code branch_code",
}  # fmt: skip


@pytest.fixture
def reader(marts: Warehouse, year: list[Delivery]) -> Iterator[Connection]:
    """A connection that may become any role: `set role` shows what that role may do."""
    with marts.connect("admin") as connection:
        for role, group in (
            ("reader_58", "branch_reader"),
            ("reader_nobody", "branch_reader"),
            ("analyst", "bi_reader"),
        ):
            connection.execute(f"create role {role} in role {group}")  # type: ignore[arg-type]
        connection.execute("insert into meta.branch_access values ('reader_58', '56')")
        yield connection
        connection.rollback()


def as_role(connection: Connection, role: str, query: str) -> list[tuple[object, ...]]:
    with connection.transaction():
        connection.execute(f"set local role {role}")  # type: ignore[arg-type]
        found = connection.execute(query).fetchall()  # type: ignore[arg-type]
        connection.execute("reset role")
    return found


@pytest.mark.parametrize("view", SPEC)
def test_every_column_of_the_specification_is_there_and_described(
    marts: Warehouse, year: list[Delivery], view: str
) -> None:
    with marts.connect("transformer") as connection:
        found = dict(
            connection.execute(
                "select attname, col_description(attrelid, attnum) from pg_attribute where attrelid = %s::regclass and attnum > 0",
                [f"marts.{view}"],
            ).fetchall()
        )
        comment = connection.execute("select obj_description(%s::regclass)", [f"marts.{view}"]).fetchone()
    assert set(SPEC[view].split()) <= found.keys()
    assert all(found.values()), [name for name, description in found.items() if not description]
    assert comment
    assert comment[0]


def test_public_objects_are_security_invoker_views_and_nothing_else(marts: Warehouse, year: list[Delivery]) -> None:
    with marts.connect("transformer") as connection:
        found = connection.execute(
            "select relname, relkind, reloptions from pg_class where relnamespace = 'marts'::regnamespace"
        ).fetchall()
    assert {name for name, _, _ in found} == SPEC.keys()
    assert {(kind, *options) for _, kind, options in found} == {("v", "security_invoker=true", "security_barrier=true")}


def test_every_fact_with_a_branch_says_whether_it_is_provisional(marts: Warehouse, year: list[Delivery]) -> None:
    with marts.connect("transformer") as connection:
        found = connection.execute(
            "select table_name, array_agg(column_name::text) from information_schema.columns "
            "where table_schema = 'marts' and table_name like 'mart_%%' group by table_name"
        ).fetchall()
    assert len(found) == 16
    for view, columns in found:
        if view in ("mart_national_scorecard", "mart_benchmarks"):
            assert "branch_code" not in columns
            continue
        assert {"branch_code", "current_branch_code", "is_provisional"} <= set(columns), view
        assert ("commune_code" in columns) == ("current_commune_code" in columns), view


def test_branch_reader_sees_its_own_branch_and_no_other(reader: Connection) -> None:
    everything = as_role(reader, "analyst", "select count(distinct current_branch_code) from marts.mart_loan_balances")
    assert everything != [(1,)]
    for view in SPEC:
        columns = [row[0] for row in reader.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0", [f"marts.{view}"]
        ).fetchall()]  # fmt: skip
        seen = as_role(reader, "reader_58", f"select count(*) from marts.{view}")[0][0]
        every = as_role(reader, "analyst", f"select count(*) from marts.{view}")[0][0]
        if "current_branch_code" not in columns:
            assert seen == every, view
            continue
        found = as_role(reader, "reader_58", f"select distinct current_branch_code from marts.{view}")
        assert found == [("56",)], view
        assert as_role(reader, "reader_nobody", f"select count(*) from marts.{view}") == [(0,)], view


@pytest.mark.parametrize("role", ["analyst", "reader_58"])
@pytest.mark.parametrize("table", ["raw.loan_book", "raw.loan_book_rows", "personal.customers_rows", "intermediate.int_loans",
                                   "staging.stg_loan_book", "intermediate.int_customer_disbursements"])  # fmt: skip
def test_readers_cannot_read_loans_or_persons(reader: Connection, role: str, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(reader, role, f"select * from {table} limit 1")


@pytest.fixture
def unseen(reader: Connection) -> Connection:
    """The same, with rows of a build that no reader is to see: a debt of 777,777,777,777 đồng in each."""
    for mart in ("mart_branch_scorecard", "mart_loan_balances"):
        reader.execute(f"create temporary table made on commit drop as select * from mart_builds.{mart}")  # type: ignore[arg-type]
        reader.execute("update made set build_id = 0, outstanding_vnd = 777777777777")
        reader.execute(f"insert into mart_builds.{mart} select * from made")  # type: ignore[arg-type]
        reader.execute("drop table made")
    return reader


@pytest.mark.parametrize("role", ["analyst", "reader_58"])
@pytest.mark.parametrize("mart", ["mart_branch_scorecard", "mart_loan_balances"])
def test_readers_cannot_read_the_rows_of_other_builds(unseen: Connection, role: str, mart: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(unseen, role, f"select * from mart_builds.{mart} where build_id = 0")


@pytest.mark.parametrize("role", ["analyst", "reader_58"])
@pytest.mark.parametrize("mart", ["mart_branch_scorecard", "mart_loan_balances"])
def test_no_error_of_a_query_tells_of_the_rows_of_other_builds(unseen: Connection, role: str, mart: str) -> None:
    """A condition that fails on a row would quote it, were it asked before the row is known to be one that readers see."""
    of_the_unseen = "case when outstanding_vnd = 777777777777 then (outstanding_vnd || ' đồng')::integer else 1 end = 1"
    found = as_role(unseen, role, f"select count(*) from marts.{mart} where {of_the_unseen}")
    assert found == as_role(unseen, role, f"select count(*) from marts.{mart}")


def test_rights_are_those_of_the_checked_in_matrix(marts: Warehouse, year: list[Delivery]) -> None:
    matrix = Path(__file__).with_name("grants.txt").read_text().splitlines()
    with marts.connect("admin") as connection:
        assert read_grants(connection) == matrix
        connection.execute("grant select on meta.findings to bi_reader")
        assert len(set(read_grants(connection)) - set(matrix)) == 1
        connection.rollback()


def test_the_models_have_a_static_page_and_sources_know_their_age(marts: Warehouse, year: list[Delivery]) -> None:
    page = write_dbt_docs(marts).read_text()
    assert "mart_national_scorecard" in page
    assert "quarter_close" in page
    results = run_dbt(marts, ["source", "freshness"]).results
    assert {str(result.status) for result in results} == {"pass"}


def test_dbt_never_joins_row_by_row_and_keeps_the_options_of_the_operator(
    marts: Warehouse, year: list[Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1h")
    of_the_role = "alter role transformer in database marts_test"
    query = (
        "select current_setting('enable_nestloop') as nestloop, current_setting('statement_timeout') as patience, "
        "current_setting('client_connection_check_interval') as looks"
    )
    with marts.connect("admin", autocommit=True) as connection:
        connection.execute(f"{of_the_role} reset enable_nestloop")  # as in a restored copy
        try:
            shown = run_dbt(marts, ["show", "--inline", query]).results[0].agate_table
        finally:
            connection.execute(f"{of_the_role} set enable_nestloop = off")
    assert [tuple(row) for row in shown.rows] == [("off", "1h", "10s")]


def test_readers_cannot_write_marts(reader: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(reader, "analyst", "delete from mart_builds.mart_branch_scorecard returning 1")


def test_views_and_rights_of_bi_users_survive_a_full_rebuild(marts: Warehouse, year: list[Delivery]) -> None:
    with marts.connect("admin") as connection:
        connection.execute("create schema if not exists dashboards")
        connection.execute(
            "create or replace view dashboards.overdue as select branch_code, overdue_ratio_pct from marts.mart_branch_scorecard"
        )
        query = "select oid, relacl::text from pg_class where relnamespace = 'marts'::regnamespace order by oid"
        before = connection.execute(query).fetchall()
    build(marts, full=True)
    with marts.connect("admin") as connection:
        assert connection.execute("select count(*) from dashboards.overdue").fetchone() != (0,)
        assert connection.execute(query).fetchall() == before
        connection.execute("drop schema dashboards cascade")


def test_ratios_have_six_decimals(marts: Warehouse, year: list[Delivery]) -> None:
    with marts.connect("transformer") as connection:
        found = connection.execute(
            "select table_name, column_name, data_type, numeric_scale from information_schema.columns "
            "where table_schema = 'marts' and column_name like '%%\\_pct'"
        ).fetchall()
    assert found
    assert {row[2:] for row in found} == {("numeric", 6)}


def test_money_is_whole_dong(marts: Warehouse, year: list[Delivery]) -> None:
    with marts.connect("transformer") as connection:
        found = connection.execute(
            "select distinct data_type from information_schema.columns "
            "where table_schema = 'marts' and column_name like '%%\\_vnd'"
        ).fetchall()
    assert found == [("bigint",)]


def test_big_marts_keep_days_and_month_ends_apart(marts: Warehouse, year: list[Delivery]) -> None:
    with marts.connect("transformer") as connection:
        for mart in ("mart_loan_balances", "mart_overdue_debt"):
            found = dict(
                connection.execute(
                    "select tableoid::regclass::text, array_agg(distinct business_date::text) from mart_builds."
                    f"{mart} where branch_code = '58' group by 1"  # type: ignore[arg-type]
                ).fetchall()
            )
            assert found[f"mart_builds.{mart}_2024_03_days"] == ["2024-03-30"]
            assert found[f"mart_builds.{mart}_2024_03_end"] == ["2024-03-31"]


def test_models_never_look_at_the_clock() -> None:
    models = Path(__file__).parents[2] / "dbt_project" / "models"
    clock = re.compile(r"\b(now\(\)|current_date|current_timestamp|clock_timestamp|localtimestamp)", re.IGNORECASE)
    assert [file.name for file in models.rglob("*.sql") if clock.search(file.read_text())] == []


def test_models_are_short_and_open_with_their_grain() -> None:
    models = Path(__file__).parents[2] / "dbt_project" / "models"
    for file in models.rglob("*.sql"):
        lines = file.read_text().splitlines()
        assert lines[0].startswith("-- One row a"), file.name
        assert len(lines) <= 110, file.name
