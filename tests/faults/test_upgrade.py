"""A new version changes the tables while nights are at work on them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from contract.errors import WarehouseError
from contract.model import Dataset
from tests.faults.waiting import wait_until
from tests.support.warehouses import new_warehouse
from warehouse import schema
from warehouse.connect import Connection, Warehouse

LOCK = "lock table raw.customers_rows in row exclusive mode"
LOCK_ANOTHER = "lock table raw.offices_rows in row exclusive mode"


@pytest.fixture
def outdated(warehouse: Warehouse, tmp_path: Path) -> Warehouse:
    """A warehouse that the next who opens it carries forward."""
    found = new_warehouse(warehouse, tmp_path / "home")
    with found.connect("admin") as connection:
        connection.execute("delete from meta.definition")
    return found


def waits(watch: Connection, table: str, seconds: float = 0) -> bool:
    """Whether somebody has waited for the table for so long."""
    query = (
        "select from pg_locks where not granted and relation = %s::regclass "
        "and clock_timestamp() - waitstart >= %s * interval '1 second'"
    )
    return watch.execute(query, [table, seconds]).fetchone() is not None


def test_a_change_of_tables_lets_a_load_go_on_that_holds_them_with_another_connection(outdated: Warehouse) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        outdated.connect("loader") as first,
        outdated.connect("loader") as second,
        outdated.connect("admin", autocommit=True) as watch,
    ):
        first.execute(LOCK)
        change = pool.submit(schema.bring_up_to_date, outdated)
        wait_until(lambda: waits(watch, "raw.customers_rows"))
        second.execute("set local lock_timeout = '30s'")
        second.execute(LOCK)
        second.commit()
        first.commit()
        assert change.result(timeout=60)


@pytest.mark.parametrize("waited", [0, 0.3])
def test_a_change_of_tables_lets_a_load_go_on_that_asks_for_a_table_which_the_change_holds(
    outdated: Warehouse, waited: float
) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        outdated.connect("loader") as load,
        outdated.connect("admin", autocommit=True) as watch,
    ):
        load.execute(LOCK)
        change = pool.submit(schema.bring_up_to_date, outdated)
        wait_until(lambda: waits(watch, "raw.customers_rows", waited))
        load.execute(LOCK_ANOTHER)
        load.commit()
        assert change.result(timeout=60)


def test_a_change_of_tables_is_the_first_to_find_out_that_a_load_waits_for_it(
    outdated: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, change = schema.create_raw_tables, schema._bring_up_to_date
    asked: list[Future[object]] = []
    ended: list[type[Exception]] = []

    def let_the_load_ask(connection: Connection, dataset: Dataset) -> None:
        if dataset.name == "customers" and not asked:
            asked.append(pool.submit(load.execute, LOCK_ANOTHER))
            wait_until(lambda: waits(watch, "raw.offices_rows"))
        create(connection, dataset)

    def note_the_end(warehouse: Warehouse) -> bool:
        try:
            return change(warehouse)
        except psycopg.Error as error:
            ended.append(type(error))
            asked[0].result(timeout=60)
            load.commit()
            raise

    monkeypatch.setattr(schema, "create_raw_tables", let_the_load_ask)
    monkeypatch.setattr(schema, "_bring_up_to_date", note_the_end)
    with (
        ThreadPoolExecutor(1) as pool,
        outdated.connect("admin") as load,
        outdated.connect("admin", autocommit=True) as watch,
    ):
        load.execute("set local deadlock_timeout = '30s'")
        load.execute(LOCK)
        assert schema.bring_up_to_date(outdated)
    assert ended == [psycopg.errors.DeadlockDetected]


def test_a_change_of_tables_that_waits_keeps_nobody_from_reading_the_ledger(outdated: Warehouse) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        outdated.connect("loader") as load,
        outdated.connect("admin", autocommit=True) as watch,
    ):
        load.execute("create temporary table rows (like raw.customers_rows)")
        change = pool.submit(schema.bring_up_to_date, outdated)
        wait_until(lambda: waits(watch, "raw.customers_rows"))
        load.execute("set local lock_timeout = '50ms'")
        assert load.execute("select count(*) from meta.ledger").fetchone() == (0,)
        load.commit()
        assert change.result(timeout=60)


def test_tables_that_stay_busy_are_told_of(outdated: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE", 0)
    with outdated.connect("loader") as busy:
        busy.execute(LOCK)
        with pytest.raises(WarehouseError, match="others are at work on them"):
            schema.bring_up_to_date(outdated)
    assert schema.bring_up_to_date(outdated)
