"""Daily states leave the marts after 100 days, month-ends and flows stay; a quiet night writes nothing."""

from __future__ import annotations

import datetime as dt
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from ingestion.retire import DAYS_KEPT, retire_rows
from pipeline.build import build
from tests.dbt_project.publishing import publish
from tests.dbt_project.test_builds import contents, current_builds
from tests.dbt_project.variety import following, varied
from tests.support.deliveries import Delivery, ordinary_day
from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Warehouse

DATES = ("2023-12-31", "2024-01-15", "2024-01-31", "2024-02-10", "2024-03-31")
OLD_DAYS = ("2024-01-15",)


@pytest.fixture(scope="module")
def aging(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Warehouse, Delivery]]:
    """A branch whose newest date is far enough from its first days for one of them to be retired; marts and raw."""
    own = new_warehouse(warehouse, tmp_path_factory.mktemp("aging"))
    deliveries = [varied("58", DATES[0], 1)]
    for seed, date in enumerate(DATES[1:], start=2):
        deliveries.append(following(deliveries[-1], date, seed))
    publish(own, *deliveries)
    build(own)
    assert dates(own, "mart_loan_balances") == set(DATES)
    last = following(deliveries[-1], "2024-05-10", 9)
    publish(own, last)
    build(own)
    accept(own)
    yield own, last
    remove_warehouse(own)


def accept(warehouse: Warehouse) -> None:
    """Note that the door has looked at every delivery, as housekeeping asks before it retires rows."""
    with warehouse.connect("admin") as connection:
        connection.execute(
            "insert into meta.intakes (delivery_id, errors, warnings) select delivery_id, 0, 0 from meta.deliveries"
        )


def dates(warehouse: Warehouse, mart: str, schema: str = "marts") -> set[str]:
    with warehouse.connect("admin") as connection:
        cursor = connection.execute(f"select distinct business_date::text from {schema}.{mart}")  # type: ignore[arg-type]
        return {row[0] for row in cursor}


def written(warehouse: Warehouse) -> dict[str, tuple[Any, ...]]:
    """What PostgreSQL has counted of rows written to marts and what they rest on, by table."""
    with warehouse.connect("admin", autocommit=True) as connection:
        connection.execute("select pg_stat_force_next_flush()")
        cursor = connection.execute(
            "select schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_all_tables "
            "where schemaname in ('mart_builds', 'intermediate', 'staging') or relname in ('current_units', 'build_units')"
        )
        return {row[0]: row[1:] for row in cursor}


def test_marts_and_raw_keep_states_for_as_many_days(warehouse: Warehouse) -> None:
    with warehouse.connect("admin") as connection:
        assert connection.execute("select meta.days_kept()").fetchone() == (DAYS_KEPT,)


def test_a_retired_day_leaves_the_states_and_stays_in_the_flows(aging: tuple[Warehouse, Delivery]) -> None:
    own, _ = aging
    kept = {*DATES, "2024-05-10"} - set(OLD_DAYS)
    for mart in ("mart_loan_balances", "mart_branch_scorecard", "mart_national_scorecard", "mart_target_progress"):
        assert dates(own, mart) == kept, mart
        assert dates(own, mart, "mart_builds") == kept, mart
    assert dates(own, "mart_lending_flows") == {*DATES[1:], "2024-05-10"}
    assert set(OLD_DAYS) <= dates(own, "mart_delivery_status")


def test_what_was_kept_of_a_retired_day_goes_with_it(aging: tuple[Warehouse, Delivery]) -> None:
    own, _ = aging
    with own.connect("admin") as connection:
        for table in ("int_branch_states", "int_commune_states", "int_targets", "int_capital_balances"):
            found = connection.execute(
                "select array_agg(distinct d.business_date::text) from intermediate."  # type: ignore[arg-type]
                f"{table} as kept inner join meta.deliveries as d using (delivery_id)"
            ).fetchone()
            assert found is not None
            assert set(found[0]) == {*DATES, "2024-05-10"} - set(OLD_DAYS), table


def test_a_date_that_has_not_come_retires_nothing_of_another_branch(
    warehouse: Warehouse, tmp_path: pathlib.Path
) -> None:
    """Branch 91 writes next year's date: of 96 all is kept that was, though today is more than 100 days after its first day."""
    own = new_warehouse(warehouse, tmp_path)
    old, recent, ahead = (ordinary_day(days) for days in (-110, -20, 200))
    first = varied("96", old, 1)
    publish(own, first, following(first, recent, 2))
    build(own)
    assert dates(own, "mart_branch_scorecard") == {old, recent}
    publish(own, varied("91", ahead, 3))
    build(own)
    for mart in ("mart_loan_balances", "mart_branch_scorecard", "mart_national_scorecard", "mart_target_progress"):
        assert dates(own, mart) == {old, recent, ahead}, mart
    remove_warehouse(own)


def test_a_month_whose_days_are_all_retired_loses_its_partition(aging: tuple[Warehouse, Delivery]) -> None:
    own, _ = aging
    with own.connect("admin") as connection:
        cursor = connection.execute(
            "select c.relname from pg_inherits as i inner join pg_class as c on i.inhrelid = c.oid "
            "where i.inhparent = 'mart_builds.mart_loan_balances'::regclass order by 1"
        )
        found = [row[0].removeprefix("mart_loan_balances_") for row in cursor]
    assert "2024_01_days" not in found
    assert {"2024_01_end", "2024_02_days", "2024_05_days"} <= set(found)


def test_turnover_to_date_counts_retired_days(aging: tuple[Warehouse, Delivery]) -> None:
    own, _ = aging
    with own.connect("admin") as connection:
        (sums,) = connection.execute(
            "select (select disbursed_ytd_vnd from marts.mart_branch_scorecard where business_date = '2024-05-10'), "
            "(select sum(disbursed_vnd) from marts.mart_lending_flows where value_date >= '2024-01-01')"
        ).fetchall()
    assert sums[0] == sums[1]


def test_a_full_refresh_after_rows_were_retired_gives_the_same_content(aging: tuple[Warehouse, Delivery]) -> None:
    own, _ = aging
    before = contents(own)
    assert retire_rows(own, print).states == len(OLD_DAYS)
    assert build(own, full=True).changed
    assert contents(own) == before


def test_a_quiet_night_writes_nothing(aging: tuple[Warehouse, Delivery]) -> None:
    own, last = aging
    before = written(own)
    assert len(before) > 60
    assert not build(own).changed
    assert written(own) == before
    units = current_builds(own)
    publish(own, following(last, "2024-05-13", 10))
    build(own)
    changed = {unit for unit in units if current_builds(own).get(unit) != units[unit]}
    assert {unit[2] for unit in changed if unit[0] == "state"} == set()
    assert dt.date(2024, 5, 13) - dt.date(2024, 2, 10) < dt.timedelta(days=DAYS_KEPT)
    assert written(own) != before
