"""Somebody went back to a moment and went on from there: two lines of what happened lie in one folder of backups."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.witness import read_content
from tests.support.deliveries import Delivery, first_delivery, repay
from tests.support.warehouses import run_short_night, without_great_expectations
from warehouse.backup import back_up, require_whole_log, ship
from warehouse.connect import Warehouse, open_warehouse
from warehouse.restore import restore
from warehouse.sealed import make_key
from warehouse.server import EmbeddedServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[list[Path]]:
    found = [tmp_path / name for name in ("abandoned", "went-on", "again")]
    yield found
    for home in found:
        EmbeddedServer(home).destroy()


def take_in(warehouse: Warehouse, delivery: Delivery) -> None:
    delivery.write(Path(warehouse.settings.landing))
    with without_great_expectations():
        run_short_night(warehouse)


def moment(warehouse: Warehouse) -> dt.datetime:
    with warehouse.connect("admin") as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


def test_a_moment_comes_back_on_the_line_that_it_was_on(homes: list[Path], tmp_path: Path) -> None:
    folder, key = tmp_path / "backups", make_key(tmp_path / "backup.key")
    first = first_delivery("96")
    abandoned = open_warehouse(homes[0])
    take_in(abandoned, first)
    back_up(abandoned, folder, key, quiet)
    went_back_to = moment(abandoned)
    take_in(abandoned, repay(first.next("2025-09-29"), 1, 1_000_000))
    before, seen_before = moment(abandoned), read_content(abandoned)
    take_in(abandoned, first_delivery("04"))
    ship(abandoned, folder, key, quiet)
    EmbeddedServer(homes[0]).stop()

    restore(folder, homes[1], key, went_back_to, quiet)
    went_on = open_warehouse(homes[1])
    shutil.copytree(homes[0] / "landing" / "96" / "2025-09-28", homes[1] / "landing" / "96" / "2025-09-28")
    back_up(went_on, folder, key, quiet)
    take_in(went_on, repay(first.next("2025-09-29"), 2, 2_000_000))
    after, seen_after = moment(went_on), read_content(went_on)
    take_in(went_on, first_delivery("58", "2024-03-30"))
    ship(went_on, folder, key, quiet)
    require_whole_log(folder)
    seen_last = read_content(went_on)
    EmbeddedServer(homes[1]).stop()

    for wanted, seen in ((before, seen_before), (after, seen_after), (None, seen_last)):
        restore(folder, homes[2], key, wanted, quiet)
        assert read_content(open_warehouse(homes[2])) == seen
        EmbeddedServer(homes[2]).destroy()
