"""What is built again and what is not; what a reader sees meanwhile; what a failure leaves behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from contract.errors import WarehouseError
from pipeline import build as builds
from pipeline import transform
from pipeline.build import build, flip, open_build, remove_superseded_rows, run_areas
from pipeline.transform import AREAS, CandidatesError
from tests.dbt_project.publishing import publish, refuse, withdraw
from tests.dbt_project.variety import following, varied
from tests.support.deliveries import Delivery
from warehouse.connect import Warehouse

Unit = tuple[str, str, str]


def current_builds(warehouse: Warehouse) -> dict[Unit, int]:
    """The build that readers see of each unit."""
    with warehouse.connect("transformer") as connection:
        cursor = connection.execute("select part, branch_code, business_date::text, build_id from meta.current_units")
        return {row[:3]: row[3] for row in cursor}


def rebuilt(warehouse: Warehouse, change: Callable[[], object]) -> set[Unit]:
    """The units that a build makes again, or removes, after a change; the status of dates apart."""
    before = current_builds(warehouse)
    change()
    build(warehouse)
    after = current_builds(warehouse)
    return {
        unit for unit in before.keys() | after.keys() if before.get(unit) != after.get(unit) and unit[0] != "status"
    }


def count(warehouse: Warehouse, query: str) -> Any:
    with warehouse.connect("admin") as connection:
        found = connection.execute(query).fetchone()  # type: ignore[arg-type]
        assert found is not None
        return found[0]


@pytest.fixture
def no_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any use of dbt fails the test."""

    def refuse_to_run(*_: Any, **__: Any) -> None:
        raise AssertionError("dbt was run")

    monkeypatch.setattr(transform, "run_dbt", refuse_to_run)


@pytest.mark.usefixtures("no_dbt")
def test_nothing_to_do_runs_no_dbt_and_takes_no_time(marts: Warehouse, year: list[Delivery]) -> None:
    result = build(marts)
    assert not result.changed
    assert result.seconds < 1
    assert open_build(marts) is None


@pytest.mark.usefixtures("no_dbt")
def test_a_ledger_entry_that_changes_nothing_visible_builds_nothing(marts: Warehouse, year: list[Delivery]) -> None:
    with marts.connect("admin") as connection:
        connection.execute(
            "insert into meta.ledger (branch_code, business_date, revision, verdict, sets_visible, reason) "
            "values ('58', '2024-03-31', 1, 'duplicate', false, 'test')"
        )
    assert not build(marts).changed


def test_a_new_date_of_one_branch_touches_no_other(marts: Warehouse, year: list[Delivery]) -> None:
    later = following(varied("89", "2024-06-01", 9), "2024-06-02", 10)
    changed = rebuilt(marts, lambda: publish(marts, later))
    own = {(part, "89", "2024-06-02") for part in ("state", "flows", "history", "targets")}
    assert changed == own | {("nation", "*", "2024-06-02")}


def test_what_is_kept_gains_the_columns_that_an_older_version_did_not_make(
    marts: Warehouse, year: list[Delivery]
) -> None:
    """Of each type that a column of these tables has: dbt's own names of types are not PostgreSQL's."""
    of_kept = (
        "select t.table_name, a.attname, format_type(a.atttypid, a.atttypmod) from meta.built_tables as t "
        "inner join pg_attribute as a on a.attrelid = to_regclass(t.schema_name || '.' || t.table_name) "
        "where t.schema_name = 'intermediate' and t.part is not null and a.attnum > 0 and not a.attisdropped"
    )
    with marts.connect("admin") as connection:
        before, figures = connection.execute(of_kept).fetchall(), contents(marts)
        for table, column, _ in before:
            if column != "delivery_id":
                connection.execute(f"alter table intermediate.{table} drop column {column} cascade".encode())
        connection.execute("update meta.built_tables set definition = 'older' where schema_name = 'intermediate'")
    build(marts, full=True)
    with marts.connect("admin") as connection:
        after = connection.execute(of_kept).fetchall()
    assert {kind for *_, kind in before} >= {"bigint", "text", "date", "boolean"}
    assert sorted(after) == sorted(before)
    assert contents(marts) == figures


def test_a_corrected_date_remakes_the_sums_of_later_dates_of_its_year_only(
    marts: Warehouse, year: list[Delivery]
) -> None:
    corrected = year[1].revise()
    corrected.rows["loan_transactions"][0]["amount_vnd"] += 1
    changed = rebuilt(marts, lambda: publish(marts, corrected))
    own = {(part, "58", "2024-01-31") for part in ("state", "flows", "history", "targets")}
    later = {
        (part, "58", date) for part in ("history", "targets") for date in ("2024-03-30", "2024-03-31", "2024-05-15")
    }
    nation = {("nation", "*", date) for date in ("2024-01-31", "2024-03-30", "2024-03-31", "2024-05-15")}
    assert changed == own | later | nation


def test_a_corrected_year_end_remakes_the_next_year(marts: Warehouse, year: list[Delivery]) -> None:
    corrected = year[0].revise()
    corrected.rows["loan_book"][0]["in_term_vnd"] += 1
    before = _score(marts, "58", "2024-05-15", "change_from_year_start_vnd")
    changed = rebuilt(marts, lambda: publish(marts, corrected))
    assert {unit for unit in changed if unit[0] == "history"} == {
        ("history", "58", date) for date in ("2023-12-31", "2024-01-31", "2024-03-30", "2024-03-31", "2024-05-15")
    }
    assert _score(marts, "58", "2024-05-15", "change_from_year_start_vnd") == before - 1


def test_a_refused_delivery_changes_the_status_of_its_date_only(marts: Warehouse, year: list[Delivery]) -> None:
    bad = year[4].revise().revise()
    before = current_builds(marts)
    refuse(marts, bad)
    build(marts)
    after = current_builds(marts)
    assert {unit for unit in after if before[unit] != after[unit]} == {("status", "*", "2024-05-15")}
    found = count(
        marts,
        "select (verdict, revision, published_revision)::text from marts.mart_delivery_status "
        "where branch_code = '58' and business_date = '2024-05-15'",
    )
    assert found == "(refused,3,1)"


def test_a_date_that_is_withdrawn_disappears_and_breaks_the_sums_behind_it(
    marts: Warehouse, year: list[Delivery]
) -> None:
    late = following(following(varied("95", "2024-03-31", 3), "2024-04-15", 4), "2024-04-30", 5)
    middle = following(varied("95", "2024-03-31", 3), "2024-04-15", 4)
    publish(marts, varied("95", "2024-03-31", 3), middle, late)
    build(marts)
    assert _score(marts, "95", "2024-04-30", "disbursed_qtd_vnd") is not None
    with marts.connect("admin") as connection:
        connection.execute(
            "insert into meta.ledger (branch_code, branch_valid_from, business_date, revision, delivery_id, verdict, "
            "sets_visible, visible_delivery_id, reason) select branch_code, branch_valid_from, business_date, revision, "
            "delivery_id, 'provisional', true, delivery_id, 'test' from meta.deliveries "
            "where branch_code = '95' and business_date = '2024-04-30'"
        )
    changed = rebuilt(marts, lambda: withdraw(marts, middle))
    assert {unit for unit in changed if unit[0] == "state"} == {
        ("state", "95", "2024-04-15"),
        ("state", "95", "2024-04-30"),
    }
    assert (
        count(
            marts,
            "select count(*) from marts.mart_loan_balances where branch_code = '95' and business_date = '2024-04-15'",
        )
        == 0
    )
    assert _score(marts, "95", "2024-04-30", "disbursed_qtd_vnd") is None
    assert _score(marts, "95", "2024-04-30", "is_provisional") is True


def test_a_full_rebuild_gives_the_same_content(marts: Warehouse, year: list[Delivery]) -> None:
    before = contents(marts)
    assert build(marts, full=True).changed
    assert contents(marts) == before
    assert count(marts, "select count(distinct build_id) from mart_builds.mart_loan_balances") == 1


def test_a_backlog_is_built_in_batches_with_the_same_content(
    marts: Warehouse, year: list[Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(marts)
    monkeypatch.setattr(builds, "ROWS_AT_ONCE", 1000)
    assert len(build(marts, full=True).builds) > 2
    assert contents(marts) == before


def test_a_failing_test_flips_nothing_of_its_branch_and_everything_of_others(
    marts: Warehouse, year: list[Delivery]
) -> None:
    wrong = following(varied("58", "2024-05-15", 6), "2024-05-16", 7)
    good = following(following(varied("89", "2024-06-01", 9), "2024-06-02", 10), "2024-06-03", 11)
    wrong_id, _ = publish(marts, wrong, good)
    with marts.connect("admin") as connection:
        connection.execute(
            "update meta.delivery_files set control_totals = control_totals || '{\"in_term_vnd\": 1}' "
            "where delivery_id = %s and dataset = 'loan_book'",
            [wrong_id],
        )
    before = contents(marts, "58")
    with pytest.raises(CandidatesError, match="assert_loan_balances_equal_the_control_totals"):
        build(marts)
    after = contents(marts, "58")
    # The status tells what the ledger says; the figures stay as they are.
    assert {name for name in after if after[name] != before[name]} == {"mart_delivery_status"}
    assert ("state", "89", "2024-06-03") in current_builds(marts)
    assert count(marts, "select count(*) from mart_builds.mart_loan_balances where business_date = '2024-05-16'") == 0
    withdraw(marts, wrong)
    build(marts)


def test_a_build_left_behind_is_abandoned_and_its_rows_are_removed(marts: Warehouse, year: list[Delivery]) -> None:
    later = following(varied("89", "2024-06-03", 9), "2024-06-04", 12)
    publish(marts, later)
    first = open_build(marts)
    assert first is not None
    run_areas(marts, first, ["prepare", "lending"])
    left = f"select count(*) from mart_builds.mart_loan_balances where build_id = {first}"
    assert count(marts, left) > 0
    assert count(marts, "select count(*) from marts.mart_loan_balances where business_date = '2024-06-04'") == 0
    assert build(marts).changed
    assert count(marts, left) == 0
    assert count(marts, "select count(*) from marts.mart_loan_balances where business_date = '2024-06-04'") > 0
    with pytest.raises(WarehouseError, match="not running any more"):
        run_areas(marts, first, ["capital"])


def test_areas_one_by_one_equal_one_go_and_flip_needs_all_of_them(marts: Warehouse, year: list[Delivery]) -> None:
    before = contents(marts)
    with marts.connect("transformer") as connection:
        connection.execute("update meta.current_units set fingerprint = '' where part <> 'status'")
        connection.execute("update meta.builds set is_last = false")
    build_id = open_build(marts)
    assert build_id is not None
    for area in AREAS[:-1]:
        run_areas(marts, build_id, [area])
    with pytest.raises(WarehouseError, match="boards not built"):
        flip(marts, build_id)
    run_areas(marts, build_id, AREAS[-1:])
    flip(marts, build_id)
    assert remove_superseded_rows(marts) == 0, "the flip has cleared up behind itself"
    assert contents(marts) == before


def test_a_reader_sees_only_whole_states_while_everything_is_rebuilt(marts: Warehouse, year: list[Delivery]) -> None:
    stop, seen, mixed = threading.Event(), [0], []

    def read() -> None:
        with marts.connect("transformer") as connection:
            while not stop.is_set():
                found = connection.execute(
                    """
                    select s.branch_code, s.business_date, s.outstanding_vnd, b.outstanding_vnd, s.overdue_vnd, d.overdue_vnd
                    from marts.mart_branch_scorecard as s
                    full join (select branch_code, business_date, sum(outstanding_vnd) as outstanding_vnd
                        from marts.mart_loan_balances group by 1, 2) as b using (branch_code, business_date)
                    full join (select branch_code, business_date, sum(overdue_vnd) as overdue_vnd
                        from marts.mart_overdue_debt group by 1, 2) as d using (branch_code, business_date)
                    """
                ).fetchall()
                connection.commit()
                seen[0] += 1
                mixed.extend(row for row in found if row[2] != row[3] or row[4] != row[5])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        build(marts, full=True)
    finally:
        stop.set()
        reader.join()
    assert seen[0] > 10
    assert mixed == []


def contents(warehouse: Warehouse, branch: str | None = None) -> dict[str, str]:
    """A checksum of what readers see of each mart, times of arrival apart."""
    found: dict[str, str] = {}
    with warehouse.connect("transformer") as connection:
        views = connection.execute(
            "select table_name::text from information_schema.tables where table_schema = 'marts' order by 1"
        ).fetchall()
        for (view,) in views:
            if branch and view in ("mart_national_scorecard", "mart_benchmarks"):
                continue
            one_branch = f"where shown.branch_code = '{branch}'" if branch and view.startswith("mart_") else ""
            row = connection.execute(
                "select count(*) || ' ' || coalesce(md5(string_agg(line, '|' order by line)), '') from (select (to_jsonb(shown) "
                f"- 'arrived_at' - 'published_at' - 'is_late')::text as line from marts.{view} as shown {one_branch}) as lines"  # type: ignore[arg-type]
            ).fetchone()
            assert row is not None
            found[view] = row[0]
    return found


def _score(warehouse: Warehouse, branch: str, date: str, column: str) -> Any:
    return count(
        warehouse,
        f"select {column} from marts.mart_branch_scorecard where branch_code = '{branch}' and business_date = '{date}'",
    )
