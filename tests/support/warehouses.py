"""Warehouses by the dozen: databases copied from one that is ready, each with folders of its own."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.findings import no_findings
from ingestion.landing import Landing
from pipeline.branch import publish_branch, verify_branch
from pipeline.intake import load_pending, validate_pending
from pipeline.night import ROUNDS
from warehouse.connect import Warehouse
from warehouse.schema import bring_up_to_date
from warehouse.settings import Settings

_numbers = itertools.count(1)


def new_warehouse(server: Warehouse, home: Path) -> Warehouse:
    """An empty warehouse in a database of its own on the server of `server`."""
    name = _name("empty")
    _run(server, f"create database {name}")
    empty = _on(server, name, home)
    bring_up_to_date(empty)
    return empty


def copy_warehouse(model: Warehouse, home: Path) -> Warehouse:
    """A warehouse with everything that `model` holds. Nobody may be connected to `model`."""
    name = _name("copy")
    _run(model, f"create database {name} template {_database(model)} strategy file_copy")
    if home != model.settings.home and model.settings.home.exists():
        shutil.copytree(model.settings.home, home, dirs_exist_ok=True)
    return _on(model, name, home)


def remove_warehouse(warehouse: Warehouse) -> None:
    """Drop the database, whoever is connected."""
    _run(warehouse, f"drop database {_database(warehouse)} with (force)")


@contextmanager
def without_great_expectations() -> Iterator[None]:
    """Validation by the SQL rules alone: Great Expectations takes a second a delivery, and these tests are not about it."""
    import expectations  # noqa: PLC0415

    def validate(*_: Any, **__: Any) -> expectations.Report:
        return expectations.Report(no_findings(), {}, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expectations, "validate", validate)
        yield


def run_short_night(warehouse: Warehouse) -> None:
    """The steps of a night for every branch, in this process, without what a night shows and builds afterwards."""
    for code in Landing(warehouse.settings.landing).branches():
        for _ in range(ROUNDS):
            arrivals = verify_branch(warehouse, code)
            load_pending(warehouse, code)
            validate_pending(warehouse, code)
            publish_branch(warehouse, code)
            if all(arrival.verdict != "waiting" for arrival in arrivals):
                break


def environment(warehouse: Warehouse) -> dict[str, str]:
    """The settings under which another process works on this warehouse."""
    settings = warehouse.settings
    return {
        "WAREHOUSE_HOME": str(settings.home), "WAREHOUSE_URL": warehouse.admin_url, "WAREHOUSE_LANDING": settings.landing,
        "WAREHOUSE_STORE": str(settings.store), "WAREHOUSE_OUTBOX": str(settings.outbox),
    }  # fmt: skip


def _on(server: Warehouse, database: str, home: Path) -> Warehouse:
    url = server.url("admin", database)
    settings = Settings(home, str(home / "landing"), home / "store", home / "outbox", url)
    home.mkdir(parents=True, exist_ok=True)
    return replace(server, settings=settings, admin_url=url)


def _name(kind: str) -> str:
    return f"{kind}_{next(_numbers)}"


def _database(warehouse: Warehouse) -> str:
    return warehouse.url("admin").rpartition("/")[2]


def _run(warehouse: Warehouse, statement: str) -> None:
    server = replace(warehouse, admin_url=warehouse.url("admin", "postgres"))
    with server.connect("admin", autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]
