"""A warehouse whose leaves lay in the tables themselves, carried forward with deliveries, marts and what reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ingestion.retire import Retired, retire_rows
from pipeline.build import build
from pipeline.laws import check_laws
from tests.dbt_project.test_builds import contents
from tests.faults.witness import Content, read_content
from tests.support.deliveries import Delivery, first_delivery, repay
from tests.support.door import take_in
from tests.support.grants import read_grants
from tests.support.older import CHUNKS, code_before
from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Warehouse
from warehouse.schema import bring_up_to_date

NUMBERS = (254, 255, 256)
"""Of the three deliveries: over the border between two chunks."""
ROOTS = ("raw.loan_book", "raw.loan_transactions", "raw.customers", "personal.customers")


@dataclass
class Carried:
    """A warehouse that was carried forward, its last delivery, and what it held before."""

    warehouse: Warehouse
    last: Delivery
    content: Content
    marts: dict[str, str]
    files: list[tuple[Any, ...]]
    views: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def carried(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carried]:
    with code_before(CHUNKS, tmp_path_factory.mktemp("older")):
        old = new_warehouse(warehouse, tmp_path_factory.mktemp("home"))
        with old.connect("admin") as connection:
            connection.execute(f"alter table meta.deliveries alter delivery_id restart with {NUMBERS[0]}".encode())
        first = first_delivery("96", "2025-07-31")
        second = repay(first.next("2025-08-04"), 1, 1_000_000)
        third = repay(second.next("2025-12-30"), 2, 250_000)
        for delivery in (first, second, third):
            delivery.write(Path(old.settings.landing))
        assert [outcome.verdict for outcome in take_in(old, "96")] == ["published"] * len(NUMBERS)
        build(old)
        assert laid_out(old) == {f"{root}_d{number}": f"{root}_rows" for root in ROOTS for number in NUMBERS}
        found = Carried(old, third, read_content(old), contents(old), files(old), views(old))
    assert bring_up_to_date(old)
    yield found
    remove_warehouse(old)


def laid_out(warehouse: Warehouse) -> dict[str, str]:
    """Each part of a table of rows and what it is a part of."""
    with warehouse.connect("admin") as connection:
        cursor = connection.execute(
            "select i.inhrelid::regclass::text, i.inhparent::regclass::text from pg_inherits as i "
            "inner join pg_class as c on i.inhrelid = c.oid where c.relnamespace in ('raw'::regnamespace, 'personal'::regnamespace)"
        )
        return dict(cursor.fetchall())


def files(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """Where the rows of each leaf lie on disk, and who owns it."""
    with warehouse.connect("admin") as connection:
        return connection.execute(
            "select c.oid::regclass::text, c.oid, pg_relation_filenode(c.oid), c.relowner::regrole::text from pg_class as c "
            "where c.relname ~ '_d[0-9]+$' and c.relkind = 'r' order by 1"
        ).fetchall()


def views(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """Every view by number and name, with its owner and who may read it."""
    with warehouse.connect("admin") as connection:
        return connection.execute(
            "select c.oid, c.oid::regclass::text, c.relowner::regrole::text, c.relacl::text from pg_class as c "
            "where c.relkind = 'v' and c.relnamespace::regnamespace::text in ('raw', 'personal', 'staging', 'intermediate', 'marts') order by 2"
        ).fetchall()


def test_every_leaf_is_in_its_chunk_as_it_was(carried: Carried) -> None:
    wanted = {f"{root}_d{number}": f"{root}_c{number // 256}" for root in ROOTS for number in NUMBERS}
    wanted |= {f"{root}_c{chunk}": f"{root}_rows" for root in ROOTS for chunk in (0, 1)}
    assert laid_out(carried.warehouse) == wanted
    assert files(carried.warehouse) == carried.files, "no row was written again"


def test_readers_see_the_same_through_the_same_views(carried: Carried) -> None:
    assert views(carried.warehouse) == carried.views
    assert read_content(carried.warehouse) == carried.content
    assert contents(carried.warehouse) == carried.marts
    assert [result.text for result in check_laws(carried.warehouse) if not result.holds] == []


def test_rights_are_those_of_a_new_warehouse(carried: Carried, warehouse: Warehouse, tmp_path: Path) -> None:
    def rights(of: Warehouse) -> list[str]:
        with of.connect("admin") as connection:
            return [line for line in read_grants(connection) if line.startswith(("raw ", "personal "))]

    new = new_warehouse(warehouse, tmp_path / "new")
    assert rights(carried.warehouse) == rights(new)
    remove_warehouse(new)


def test_the_next_night_housekeeping_and_builds_work(carried: Carried) -> None:
    own = carried.warehouse
    assert not bring_up_to_date(own)
    assert not build(own).changed
    repay(carried.last.next("2025-12-31"), 3, 500_000).write(Path(own.settings.landing))
    assert [outcome.verdict for outcome in take_in(own, "96")] == ["published"]
    assert build(own).changed
    assert retire_rows(own, print) == Retired(whole=0, states=1)
    assert laid_out(own)["raw.loan_book_d257"] == "raw.loan_book_c1"
    assert "raw.loan_book_d255" not in laid_out(own)
    assert build(own, full=True).changed
    assert [result.text for result in check_laws(own) if not result.holds] == []
