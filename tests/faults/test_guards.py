"""Each guard taken away: the laws, or the promise that the guard is there for, are seen broken."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.landing import Landing
from ingestion.load import load_delivery
from ingestion.publish import resolve
from ingestion.receive import receive_folder
from ingestion.store import Store
from pipeline.branch import verify_branch
from pipeline.intake import load_pending, measure_with
from tests.faults.conftest import BRANCH, Scene, broken, require_laws
from tests.faults.waiting import wait_until
from tests.faults.witness import read_content
from tests.laws.oracle import NEW, Content, Delivery
from tests.laws.synthetic import KEYS, Bench
from tests.support.deliveries import first_delivery
from warehouse.connect import Connection, Warehouse

OTHERS_WAIT = """
    select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()
"""


def without_lock(warehouse: Warehouse, *names: str) -> None:
    """Make these advisory locks of the loader do nothing: another function stands before PostgreSQL's own."""
    kept = " and ".join(f"key <> hashtext('{name}')" for name in names)
    with warehouse.connect("admin") as connection:
        connection.execute(f"""
            create schema no_locks;
            grant usage on schema no_locks to loader;
            create function no_locks.pg_advisory_xact_lock(key integer) returns void language plpgsql as $$
                begin if {kept} then perform pg_catalog.pg_advisory_xact_lock(key::bigint); end if; end $$;
            create function no_locks.pg_advisory_xact_lock(key integer, other integer) returns void language plpgsql as $$
                begin if {kept} then perform pg_catalog.pg_advisory_xact_lock(key, other); end if; end $$;
            create function no_locks.pg_advisory_lock(key integer, other integer) returns void language plpgsql as $$
                begin if {kept} then perform pg_catalog.pg_advisory_lock(key, other); end if; end $$;
        """)  # type: ignore[call-overload]
        database = connection.info.dbname
        connection.execute(
            f"alter role loader in database {database} set search_path = no_locks, pg_catalog, public"  # type: ignore[call-overload]
        )


class Rival(threading.Thread):
    """Somebody else, doing the same at the same time. `error` is what became of it."""

    def __init__(self, work: Any) -> None:
        super().__init__()
        self.work, self.error = work, None

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.error: BaseException | None = error


def meanwhile(warehouse: Warehouse, work: Any, first: Connection) -> Rival:
    """Let `work` run until it is done or waits for a lock, then commit `first` and wait for the end of both."""
    rival = Rival(work)
    rival.start()
    with warehouse.connect("admin", autocommit=True) as watch:
        wait_until(lambda: not rival.is_alive() or watch.execute(OTHERS_WAIT).fetchone() != (0,))
    first.commit()
    rival.join()
    return rival


def decide(warehouse: Warehouse) -> None:
    with warehouse.connect("loader") as connection:
        resolve(connection, KEYS[NEW], measure_with(warehouse))


def decide_twice_at_once(warehouse: Warehouse) -> Rival:
    with warehouse.connect("loader") as first:
        resolve(first, KEYS[NEW], measure_with(warehouse))
        return meanwhile(warehouse, lambda: decide(warehouse), first)


def test_two_decisions_at_once_are_one(scene: Scene, judged: Warehouse) -> None:
    assert decide_twice_at_once(judged).error is None
    assert read_content(judged) == scene.after
    require_laws(judged)


def test_without_the_lock_of_a_family_a_turn_is_told_twice(judged: Warehouse) -> None:
    without_lock(judged, "family 96 2025-07-01")
    with judged.connect("admin") as connection:
        # The second guard: a measurement is on record once.
        connection.execute("alter table meta.openings drop constraint openings_pkey")
    assert decide_twice_at_once(judged).error is None
    assert broken(judged) == {5}


def test_without_that_lock_the_second_guard_stops_it(scene: Scene, judged: Warehouse) -> None:
    without_lock(judged, "family 96 2025-07-01")
    assert isinstance(decide_twice_at_once(judged).error, psycopg.errors.UniqueViolation)
    assert read_content(judged) == scene.after
    require_laws(judged)


def append_twice_at_once(warehouse: Warehouse) -> Rival:
    def append(connection: Connection) -> None:
        connection.execute(
            "insert into meta.ledger (verdict, sets_visible, reason, detail) values ('refused', false, 'x', '{\"path\": \"x\"}')"
        )

    def alone() -> None:
        with warehouse.connect("loader") as connection:
            append(connection)

    with warehouse.connect("loader") as first:
        append(first)
        return meanwhile(warehouse, alone, first)


def test_without_the_lock_of_the_ledger_its_key_stops_a_second_entry_of_one_number(disturbed: Warehouse) -> None:
    without_lock(disturbed, "meta.ledger")
    assert isinstance(append_twice_at_once(disturbed).error, psycopg.errors.UniqueViolation)
    require_laws(disturbed)


def test_without_lock_and_key_the_chain_forks(disturbed: Warehouse) -> None:
    without_lock(disturbed, "meta.ledger")
    with disturbed.connect("admin") as connection:
        connection.execute("alter table meta.ledger drop constraint ledger_pkey cascade")
    assert append_twice_at_once(disturbed).error is None
    assert 5 in broken(disturbed)


def test_without_the_trigger_nothing_can_be_told_at_all(scene: Scene, judged: Warehouse) -> None:
    with judged.connect("admin") as connection:
        connection.execute("drop trigger chain on meta.ledger")
    with pytest.raises(psycopg.errors.NotNullViolation):
        decide(judged)
    assert read_content(judged) == scene.before
    assert broken(judged) == {5}


def look_twice_at_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> int:
    """Two looks at one refused folder, of which the second begins in the middle of the first; how often it was told."""
    refused = first_delivery(BRANCH, "2025-10-01")
    refused.manifest["currencyUnit"] = "triệu đồng"
    refused.write(Path(warehouse.settings.landing))
    landing = Landing(warehouse.settings.landing)
    (folder,) = [found for found in landing.folders(BRANCH) if found.business_date == "2025-10-01"]
    keep, rivals = Store.keep, []

    def keep_slowly(*arguments: Any, **options: Any) -> Any:
        if not rivals:
            rivals.append(Rival(lambda: receive_folder(warehouse, landing, folder)))
            rivals[0].start()
            with warehouse.connect("admin", autocommit=True) as watch:
                wait_until(lambda: not rivals[0].is_alive() or watch.execute(OTHERS_WAIT).fetchone() != (0,))
        return keep(*arguments, **options)

    monkeypatch.setattr(Store, "keep", keep_slowly)
    receive_folder(warehouse, landing, folder)
    rivals[0].join()
    assert rivals[0].error is None
    with warehouse.connect("admin") as connection:
        row = connection.execute("select count(*) from meta.ledger where verdict = 'refused'").fetchone()
    assert row is not None
    return int(row[0])


def test_two_looks_at_once_at_a_refused_folder_are_told_once(
    disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_twice_at_once(disturbed, monkeypatch) == 1
    require_laws(disturbed)


def test_without_the_lock_of_a_folder_they_are_told_twice(
    disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_lock(disturbed, "folder")
    assert look_twice_at_once(disturbed, monkeypatch) == 2
    assert broken(disturbed) == {5}


def register_twice_at_once(warehouse: Warehouse, second: Delivery) -> Rival:
    def alone() -> None:
        with warehouse.connect("loader") as connection:
            assert Bench(connection).send(second) == "waiting"

    with warehouse.connect("loader") as first:
        assert Bench(first).send(Delivery(NEW, 9, 1, Content(None, 0, 10))) == "new"
        return meanwhile(warehouse, alone, first)


def test_of_two_contents_that_come_at_once_the_second_waits(disturbed: Warehouse) -> None:
    assert register_twice_at_once(disturbed, Delivery(NEW, 9, 1, Content(None, 0, 11))).error is None


def test_without_the_lock_of_a_date_both_are_taken_for_the_first(disturbed: Warehouse) -> None:
    without_lock(disturbed, "delivery 96 2025-07-05")
    error = register_twice_at_once(disturbed, Delivery(NEW, 9, 1, Content(None, 0, 11))).error
    assert isinstance(error, AssertionError), "the second was not taken for new"


def test_without_that_lock_the_key_of_deliveries_stops_the_same_delivery(disturbed: Warehouse) -> None:
    without_lock(disturbed, "delivery 96 2025-07-05")
    error = register_twice_at_once(disturbed, Delivery(NEW, 9, 1, Content(None, 0, 10))).error
    assert isinstance(error, psycopg.errors.UniqueViolation)


def load_twice_at_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str | None]:
    """Two processes that load what is registered: how many loads began, and why a delivery could not be loaded."""
    verify_branch(warehouse, BRANCH)
    began, rivals = [], []

    def load_slowly(*arguments: Any, **options: Any) -> Any:
        began.append(arguments[1])
        if not rivals:
            rivals.append(Rival(lambda: load_pending(warehouse, BRANCH)))
            rivals[0].start()
            with warehouse.connect("admin", autocommit=True) as watch:
                wait_until(lambda: len(began) > 1 or watch.execute(OTHERS_WAIT).fetchone() != (0,))
        return load_delivery(*arguments, **options)

    monkeypatch.setattr("pipeline.intake.load_delivery", load_slowly)
    load_pending(warehouse, BRANCH)
    rivals[0].join()
    assert rivals[0].error is None
    with warehouse.connect("admin") as connection:
        row = connection.execute("select max(could_not_run) from meta.intakes").fetchone()
    assert row is not None
    return len(began), row[0]


def test_two_loads_at_once_are_one(disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_twice_at_once(disturbed, monkeypatch) == (2, None)


def test_without_the_lock_of_a_delivery_it_is_loaded_twice(
    disturbed: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_lock(disturbed, "delivery")
    began, _ = load_twice_at_once(disturbed, monkeypatch)
    assert began > 2
