"""Persons who were erased, and what comes back of their deliveries with a restore."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingestion.erase import count_rows
from ingestion.store import Store
from pipeline.erasure import erase
from pipeline.intake import restage
from pipeline.laws import check_laws
from tests.support.deliveries import first_delivery, repay
from tests.support.warehouses import run_short_night, without_great_expectations
from warehouse.backup import back_up, ship
from warehouse.connect import Warehouse, open_warehouse
from warehouse.restore import restore
from warehouse.sealed import make_key
from warehouse.server import EmbeddedServer
from warehouse.settings import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CUSTOMER = "C9600002"


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse on a server of its own, with one delivery and its store on another disk than its home."""
    home = tmp_path / "home"
    try:
        opened = open_warehouse(home)
        found = replace(opened, settings=replace(opened.settings, store=tmp_path / "disk" / "store"))
        take_in_first(found)
        yield found
    finally:
        EmbeddedServer(home).destroy()


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "restored"
    yield home
    EmbeddedServer(home).destroy()


def take_in_first(warehouse: Warehouse) -> None:
    first_delivery("96").write(Path(warehouse.settings.landing))
    take_in(warehouse)


def take_in_second(warehouse: Warehouse) -> None:
    second = repay(first_delivery("96").next("2025-09-29"), 1, 1_000_000)
    second.rows["customers"][0]["residence"] = "left"
    second.write(Path(warehouse.settings.landing))
    take_in(warehouse)


def take_in(warehouse: Warehouse) -> None:
    with without_great_expectations():
        run_short_night(warehouse)


def broken_laws(warehouse: Warehouse) -> list[str]:
    return [violation for result in check_laws(warehouse) for violation in result.violations]


def test_what_was_written_again_before_the_backup_is_found_after_the_restore(
    live: Warehouse, new_home: Path, tmp_path: Path
) -> None:
    """The manifests name the bytes as the branch sent them, which no backup holds any more."""
    erase(live, CUSTOMER, "lan", "request 17", quiet)
    key = make_key(tmp_path / "backup.key")
    back_up(live, tmp_path / "backups", key, quiet)
    restore(tmp_path / "backups", new_home, key, None, quiet)
    restored = open_warehouse(new_home)
    assert broken_laws(restored) == []
    restage(restored, 1)
    with restored.connect("admin") as connection:
        assert connection.execute("select count(*) from personal.customers").fetchone() == (6,)
        assert count_rows(connection, [CUSTOMER]) == 0


@pytest.mark.parametrize("setting", ["WAREHOUSE_STORE", "WAREHOUSE_URL"])
def test_a_restore_erases_in_what_it_has_made_and_leaves_the_live_warehouse_alone(
    live: Warehouse, new_home: Path, tmp_path: Path, setting: str
) -> None:
    """The shell in which somebody goes back to a moment is set up for the live warehouse."""
    key = make_key(tmp_path / "backup.key")
    back_up(live, tmp_path / "backups", key, quiet)
    with live.connect("admin") as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    take_in_second(live)
    erase(live, CUSTOMER, "lan", "request 17", quiet)
    ship(live, tmp_path / "backups", key, quiet)
    before = sorted(path.name for path in Store(live.settings.store).files())
    said = restore_by_command(live, new_home, tmp_path, row[0], setting)
    assert sorted(path.name for path in Store(live.settings.store).files()) == before
    assert broken_laws(live) == []
    restored = open_warehouse(new_home)
    with restored.connect("admin") as connection:
        assert count_rows(connection, [CUSTOMER]) == 0
    assert broken_laws(restored) == []
    # Beside the store as well: a rebuild has nothing else to ask.
    assert CUSTOMER in (new_home / "store" / "erasures.json").read_text()
    assert f"env -u {setting} WAREHOUSE_HOME={new_home} python -m pipeline laws" in said


def restore_by_command(live: Warehouse, home: Path, folder: Path, moment: dt.datetime, setting: str) -> str:
    settings = {"WAREHOUSE_STORE": str(live.settings.store), "WAREHOUSE_URL": live.admin_url}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE")}
    command = [sys.executable, "-m", "pipeline", "restore", "--home", str(home), "--time", moment.isoformat(),
               "--folder", str(folder / "backups"), "--key", str(folder / "backup.key")]  # fmt: skip
    done = subprocess.run(
        command, cwd=PROJECT, env={**clean, setting: settings[setting]}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
