"""Rows by delivery: a leaf a delivery, 256 leaves a chunk; chunks come and go while others read and load."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingestion.load import attach_rows
from ingestion.retire import Retired, retire_rows
from tests.faults.waiting import wait_until
from tests.support.deliveries import first_delivery, repay
from tests.support.door import take_in
from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Connection, Warehouse

OLD_DAY, NEWEST = "2025-02-03", "2025-06-30"
TABLES = ("raw.loan_book", "raw.loan_transactions", "raw.customers", "personal.customers")
SECOND_CHUNK = 256
"""The first delivery number of the second chunk."""


@pytest.fixture
def own(warehouse: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse in a database of its own."""
    found = new_warehouse(warehouse, tmp_path)
    yield found
    remove_warehouse(found)


def create_leaves(connection: Connection, delivery_id: int) -> None:
    """Leave what a load leaves: a table for each large dataset, not attached."""
    for name in TABLES:
        connection.execute(
            f"create table {name}_d{delivery_id} (like {name}_rows including storage, check (delivery_id = {delivery_id}))"  # type: ignore[arg-type]
        )


def chunks(warehouse: Warehouse, name: str) -> dict[str, list[str]]:
    """The chunks of a table and the leaves in each; what is only half attached is not among them."""
    with warehouse.connect("admin") as connection:
        cursor = connection.execute(
            """
            select chunk.inhrelid::regclass::text,
                array(select leaf.inhrelid::regclass::text from pg_inherits as leaf
                      where leaf.inhparent = chunk.inhrelid and not leaf.inhdetachpending order by leaf.inhrelid)
            from pg_inherits as chunk
            where chunk.inhparent = to_regclass(%s) and not chunk.inhdetachpending order by chunk.inhrelid
            """,
            [f"{name}_rows"],
        )
        return dict(cursor.fetchall())


def number_from(warehouse: Warehouse, delivery_id: int) -> None:
    """Give the next delivery this number."""
    with warehouse.connect("admin") as connection:
        connection.execute(f"alter table meta.deliveries alter delivery_id restart with {delivery_id}")  # type: ignore[arg-type]


def deliver_into_two_chunks(warehouse: Warehouse) -> None:
    """An old day alone in the first chunk, the newest date in the second."""
    landing = Path(warehouse.settings.landing)
    old = first_delivery("04", OLD_DAY)
    old.write(landing)
    take_in(warehouse, "04")
    number_from(warehouse, SECOND_CHUNK)
    repay(old.next(NEWEST), 1, 1_000_000).write(landing)
    take_in(warehouse, "04")


def test_deliveries_lie_in_chunks_of_256_numbers(own: Warehouse) -> None:
    with own.connect("loader") as connection:
        for delivery_id in (1, 255, 256, 511, 512):
            create_leaves(connection, delivery_id)
            attach_rows(connection, delivery_id)
    for name in TABLES:
        assert chunks(own, name) == {
            f"{name}_c0": [f"{name}_d1", f"{name}_d255"],
            f"{name}_c1": [f"{name}_d256", f"{name}_d511"],
            f"{name}_c2": [f"{name}_d512"],
        }


def test_a_query_for_one_delivery_touches_its_chunk_alone(own: Warehouse) -> None:
    with own.connect("loader") as connection:
        for delivery_id in (1, 2, 256):
            create_leaves(connection, delivery_id)
            attach_rows(connection, delivery_id)
    with own.connect("loader") as connection:
        connection.execute("select count(*) from raw.loan_book where delivery_id = 2")
        locked = connection.execute(
            "select relation::regclass::text from pg_locks where pid = pg_backend_pid() "
            "and relation::regclass::text ~ 'loan_book_[cd]' order by 1"
        ).fetchall()
    assert locked == [("raw.loan_book_c0",), ("raw.loan_book_d2",)]


def test_no_reader_waits_for_a_new_chunk_and_none_is_waited_for(own: Warehouse) -> None:
    with own.connect("loader") as connection:
        create_leaves(connection, 1)
        attach_rows(connection, 1)
    with own.connect("admin") as reader, own.connect("loader") as loader, own.connect("admin") as later:
        reader.execute("select count(*) from raw.loan_book")
        loader.execute("set lock_timeout = '2s'")
        create_leaves(loader, 256)
        attach_rows(loader, 256)
        later.execute("set lock_timeout = '2s'")
        assert later.execute("select count(*) from raw.loan_book").fetchone() == (0,)
        loader.commit()
    assert list(chunks(own, "raw.loan_book")) == ["raw.loan_book_c0", "raw.loan_book_c1"]


@pytest.mark.parametrize("is_given_up", [False, True])
def test_of_two_that_need_the_same_chunk_one_makes_it(own: Warehouse, is_given_up: bool) -> None:
    """Also when the first gives up in the end: then the other makes it."""
    with own.connect("loader") as connection:
        create_leaves(connection, 7)
        create_leaves(connection, 8)
    with ThreadPoolExecutor() as pool, own.connect("loader") as first, own.connect("loader") as second:
        attach_rows(first, 7)
        attached = pool.submit(attach_rows, second, 8)
        with own.connect("admin", autocommit=True) as watcher:
            waits = "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s"
            wait_until(lambda: watcher.execute(waits, [second.info.backend_pid]).fetchone() == (True,), attached.done)
        if is_given_up:
            first.rollback()
        else:
            first.commit()
        attached.result()
        second.commit()
    wanted = [8] if is_given_up else [7, 8]
    assert chunks(own, "personal.customers") == {
        "personal.customers_c0": [f"personal.customers_d{delivery_id}" for delivery_id in wanted]
    }


def test_a_chunk_without_leaves_is_dropped_and_made_again_when_a_date_comes_back(own: Warehouse) -> None:
    deliver_into_two_chunks(own)
    assert list(chunks(own, "raw.loan_book")) == ["raw.loan_book_c0", "raw.loan_book_c1"]
    assert retire_rows(own, print) == Retired(whole=0, states=1)
    for name in TABLES:
        kept = ["_c0", "_c1"] if name == "raw.loan_transactions" else ["_c1"]
        assert list(chunks(own, name)) == [f"{name}{chunk}" for chunk in kept]
    # A correction that follows the retired date: its state is staged again.
    broken = repay(first_delivery("04", NEWEST), 1, 2_500_000)
    broken.previous, broken.revision = OLD_DAY, 2
    broken.write(Path(own.settings.landing))
    assert [outcome.verdict for outcome in take_in(own, "04")] == ["held"]
    assert chunks(own, "raw.loan_book")["raw.loan_book_c0"] == ["raw.loan_book_d1"]


@pytest.mark.parametrize("is_wanted_again", [False, True])
def test_a_chunk_is_dropped_next_time_when_somebody_reads(
    own: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_wanted_again: bool
) -> None:
    """It is half detached then: whoever needs it before that makes it whole again."""
    monkeypatch.setattr("ingestion.retire.LOCK_PATIENCE", "100ms")
    with own.connect("loader") as connection:
        create_leaves(connection, 1)
        attach_rows(connection, 1)
        connection.execute("insert into meta.deliveries (delivery_id, branch_code, branch_valid_from, business_date, revision, "
            "working_day, content_sha256, descriptor_sha256, cob_completed_at, descriptor, offices_expected, offices_delivered, "
            "source_path) overriding system value values (600, '04', '2000-01-01', '2025-01-01', 1, true, '', '', now(), '{}', 1, 1, '')")  # fmt: skip
    with own.connect("loader", autocommit=True) as connection:
        for name in TABLES:
            connection.execute(f"drop table {name}_d1")  # type: ignore[arg-type]
    with own.connect("admin") as reader:
        reader.execute("select count(*) from raw.loan_book")
        retire_rows(own, print)
    assert "raw.loan_book_c0 is busy; it is dropped next time" in capsys.readouterr().out
    assert chunks(own, "raw.loan_book") == {}
    assert is_there(own, "raw.loan_book_c0")
    if is_wanted_again:
        with own.connect("loader") as connection:
            create_leaves(connection, 2)
            attach_rows(connection, 2)
        assert chunks(own, "raw.loan_book") == {"raw.loan_book_c0": ["raw.loan_book_d2"]}
    else:
        retire_rows(own, print)
        assert not is_there(own, "raw.loan_book_c0")


def is_there(warehouse: Warehouse, name: str) -> bool:
    with warehouse.connect("admin") as connection:
        return connection.execute("select to_regclass(%s) is not null", [name]).fetchone() == (True,)
