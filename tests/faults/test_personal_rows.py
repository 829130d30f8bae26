"""Personal rows have a connection of their own: what becomes of a load when one of the two connections fails."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import psycopg
import pytest

from ingestion import load, reading, retire
from ingestion.load import load_delivery
from ingestion.read import read_blocks
from ingestion.retire import retire_rows
from pipeline.branch import verify_branch
from pipeline.intake import working_on
from tests.faults.conftest import BRANCH, Scene, require_no_leftovers, require_recovery
from tests.support.deliveries import first_delivery
from warehouse.connect import Warehouse
from warehouse.faults import InjectedError

OF_PERSONAL_ROWS = """
    select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and query like 'copy \"personal\"%'
"""


def register(warehouse: Warehouse, branch: str = BRANCH) -> int:
    """What lies in the landing is registered; return the newest delivery."""
    verify_branch(warehouse, branch)
    with warehouse.connect("admin") as connection:
        row = connection.execute("select max(delivery_id) from meta.deliveries").fetchone()
    assert row is not None
    return int(row[0])


def what_is_there(warehouse: Warehouse, delivery_id: int) -> tuple[bool, bool]:
    """Whether the delivery is on record as loaded, and whether its personal rows have a table."""
    with warehouse.connect("admin") as connection:
        row = connection.execute(
            "select exists (select from meta.loads where delivery_id = %s), to_regclass(%s) is not null",
            [delivery_id, f"personal.customers_d{delivery_id}"],
        ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize("lost_at", ["half a COPY customers", "after COPY"])
def test_nothing_is_loaded_when_the_connection_of_personal_rows_is_lost(
    scene: Scene, disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch, lost_at: str
) -> None:
    delivery_id = register(disturbed)

    lost: list[str] = []

    def lose(point: str, detail: str = "") -> None:
        if f"{point} {detail}".strip() == lost_at and not lost:
            lost.append(point)
            with disturbed.connect("admin") as connection:
                assert connection.execute(OF_PERSONAL_ROWS).fetchall() == [(True,)]

    monkeypatch.setattr(load, "reach", lose)
    with pytest.raises(psycopg.OperationalError):
        load_delivery(disturbed, delivery_id)
    assert what_is_there(disturbed, delivery_id) == (False, False)
    require_no_leftovers(disturbed)
    monkeypatch.undo()
    require_recovery(scene, disturbed)


@pytest.fixture
def half_loaded(disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch) -> int:
    """A delivery whose load was cut off when only its personal rows were committed."""
    delivery_id = register(disturbed)
    monkeypatch.setenv("WAREHOUSE_FAULT", "after the commit of personal rows=raise")
    with pytest.raises(InjectedError):
        load_delivery(disturbed, delivery_id)
    assert what_is_there(disturbed, delivery_id) == (False, True)
    return delivery_id


def test_personal_rows_of_a_load_that_was_cut_off_are_replaced_by_the_next(
    scene: Scene, disturbed: Warehouse, half_loaded: int
) -> None:
    load_delivery(disturbed, half_loaded)
    assert what_is_there(disturbed, half_loaded) == (True, True)
    require_recovery(scene, disturbed)


def test_housekeeping_drops_personal_rows_that_no_load_has(disturbed: Warehouse, half_loaded: int) -> None:
    retire_rows(disturbed, print)
    assert what_is_there(disturbed, half_loaded) == (False, False)
    require_no_leftovers(disturbed)


def test_housekeeping_leaves_the_personal_rows_of_a_load_in_progress(
    disturbed: Warehouse, half_loaded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retire, "LOCK_PATIENCE", "10ms")
    with working_on(disturbed, half_loaded):
        retire_rows(disturbed, print)
    assert what_is_there(disturbed, half_loaded) == (False, True)


def test_no_personal_rows_are_kept_of_a_file_with_errors(disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = first_delivery("04")
    delivery.rows["customers"][-1]["sex"] = "neither"
    delivery.write(Path(disturbed.settings.landing))
    monkeypatch.setattr(reading, "read_blocks", partial(read_blocks, block_bytes=400))
    delivery_id = register(disturbed, "04")
    load_delivery(disturbed, delivery_id)
    with disturbed.connect("admin") as connection:
        raw = connection.execute(f"select count(*) from raw.customers_d{delivery_id}").fetchone()
        personal = connection.execute(f"select count(*) from personal.customers_d{delivery_id}").fetchone()
    assert raw is not None
    assert raw[0] > 0, "the error came after rows had been copied"
    assert personal == (0,)
