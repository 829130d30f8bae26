"""A new version changes the tables while nights are at work on them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contract.errors import WarehouseError
from tests.faults.waiting import wait_until
from tests.support.warehouses import new_warehouse
from warehouse import schema
from warehouse.connect import Warehouse

LOCK = "lock table raw.customers_rows in row exclusive mode"


@pytest.fixture
def outdated(warehouse: Warehouse, tmp_path: Path) -> Warehouse:
    """A warehouse that the next who opens it carries forward."""
    found = new_warehouse(warehouse, tmp_path / "home")
    with found.connect("admin") as connection:
        connection.execute("delete from meta.definition")
    return found


def test_a_change_of_tables_lets_a_load_go_on_that_holds_them_with_another_connection(outdated: Warehouse) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        outdated.connect("loader") as first,
        outdated.connect("loader") as second,
        outdated.connect("admin", autocommit=True) as watch,
    ):
        first.execute(LOCK)
        change = pool.submit(schema.bring_up_to_date, outdated)
        waits = "select from pg_locks where not granted and relation = 'raw.customers_rows'::regclass"
        wait_until(lambda: watch.execute(waits).fetchone() is not None)
        second.execute("set local lock_timeout = '30s'")
        second.execute(LOCK)
        second.commit()
        first.commit()
        assert change.result(timeout=60)


def test_tables_that_stay_busy_are_told_of(outdated: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE", 0)
    with outdated.connect("loader") as busy:
        busy.execute(LOCK)
        with pytest.raises(WarehouseError, match="others are at work on them"):
            schema.bring_up_to_date(outdated)
    assert schema.bring_up_to_date(outdated)
