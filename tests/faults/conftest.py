"""The scene of all faults: a warehouse with something visible, and a landing with what the next night brings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.branch import verify_branch
from pipeline.intake import load_pending, validate_pending
from pipeline.laws import check_laws
from tests.faults.witness import Content, read_content
from tests.support.deliveries import first_delivery, repay
from tests.support.warehouses import (
    copy_warehouse,
    new_warehouse,
    remove_warehouse,
    run_short_night,
    without_great_expectations,
)
from warehouse.connect import Warehouse

BRANCH = "96"


@dataclass(frozen=True)
class Scene:
    """The warehouse before the night, and what is visible before and after an undisturbed one."""

    server: Warehouse
    model: Warehouse
    before: Content
    after: Content
    entries_after: list[tuple[str, str, int, str]]


@pytest.fixture(scope="session")
def scene(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two branches are visible; a correction of the last date and the next date lie in the landing."""
    model = new_warehouse(warehouse, tmp_path_factory.mktemp("scene"))
    landing = Path(model.settings.landing)
    first = first_delivery(BRANCH)
    second = repay(first.next("2025-09-29"), 1, 1_000_000)
    for delivery in (first_delivery("58", "2024-03-30"), first):
        delivery.write(landing)
    descriptor = (second.write(landing) / "datapackage.json").read_bytes()
    with without_great_expectations():
        run_short_night(model)
        corrected = repay(second.revise(hashlib.sha256(descriptor).hexdigest()), 3, 500_000)
        corrected.write(landing)
        repay(corrected.next("2025-09-30"), 2, 250_000).write(landing)
        undisturbed = copy_warehouse(model, tmp_path_factory.mktemp("undisturbed"))
        run_short_night(undisturbed)
    before, after = read_content(model), read_content(undisturbed)
    assert len(before.deliveries) == 3
    assert len(after.deliveries) == 4
    yield Scene(warehouse, model, before, after, read_entries(undisturbed))
    remove_warehouse(undisturbed)
    remove_warehouse(model)


@pytest.fixture
def disturbed(scene: Scene, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of the scene, to be disturbed."""
    copied = copy_warehouse(scene.model, tmp_path / "home")
    yield copied
    remove_warehouse(copied)


@pytest.fixture
def judged(disturbed: Warehouse) -> Warehouse:
    """Everything is judged and waits for the decision on what is visible."""
    with without_great_expectations():
        verify_branch(disturbed, BRANCH)
        load_pending(disturbed, BRANCH)
        validate_pending(disturbed, BRANCH)
    return disturbed


def broken(warehouse: Warehouse) -> set[int]:
    """The numbers of the laws that do not hold."""
    return {result.number for result in check_laws(warehouse) if not result.holds}


def require_recovery(scene: Scene, warehouse: Warehouse) -> None:
    """Run the night again, and require the laws and the content of an undisturbed run."""
    with without_great_expectations():
        run_short_night(warehouse)
    require_laws(warehouse)
    assert read_content(warehouse) == scene.after
    require_no_leftovers(warehouse)


def require_laws(warehouse: Warehouse) -> None:
    assert [violation for result in check_laws(warehouse) for violation in result.violations] == []


def read_entries(warehouse: Warehouse) -> list[tuple[str, str, int, str]]:
    """What the ledger tells, without times."""
    with warehouse.connect("admin") as connection:
        return connection.execute(
            "select branch_code, business_date::text, revision, verdict from meta.ledger order by business_date, revision, entry_no"
        ).fetchall()


def require_no_leftovers(warehouse: Warehouse) -> None:
    """Nothing of an attempt that was given up stays: no rows, no tables, no views."""
    with warehouse.connect("admin") as connection:
        names = connection.execute(
            """
            select c.relname from pg_class as c
            inner join pg_namespace as n on c.relnamespace = n.oid
            where n.nspname in ('raw', 'personal') and c.relname ~ '_d[0-9]+$' and not c.relispartition
            """
        ).fetchall()
    assert names == []
