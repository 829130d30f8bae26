"""A warehouse of their own for the tests of the quarter: hand-made marts in the place of those that dbt makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from psycopg import sql

from reporting.quarter import Quarter
from reporting.quarter_decide import approve_draft, publish_version
from reporting.quarter_freeze import freeze_quarter
from reporting.quarter_log import Version
from tests.support.quarters import HandMadeMarts, state
from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Connection, Warehouse


@pytest.fixture(scope="module")
def quarter_warehouse(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse in a database of its own, for each module."""
    empty = new_warehouse(warehouse, tmp_path_factory.mktemp("quarter-warehouse"))
    yield empty
    remove_warehouse(empty)


@pytest.fixture(scope="module")
def marts(quarter_warehouse: Warehouse) -> HandMadeMarts:
    """Its marts, empty at first."""
    return HandMadeMarts(quarter_warehouse)


@pytest.fixture(scope="module")
def unused_quarters() -> Iterator[Quarter]:
    """Quarters that no test of the module has used, as long as both branches have lived: what is frozen stays."""
    return iter(Quarter(year, number) for year in range(2009, 2025) for number in range(1, 5))


@pytest.fixture
def quarter(unused_quarters: Iterator[Quarter]) -> Quarter:
    """The next of them."""
    return next(unused_quarters)


@pytest.fixture
def publish_quarter(quarter_warehouse: Warehouse) -> Callable[[Quarter], Version]:
    """Freezes, approves and publishes what the marts show of a quarter."""

    def close(quarter: Quarter) -> Version:
        freeze_quarter(quarter_warehouse, quarter, None)
        approve_draft(quarter_warehouse, quarter, by="minh")
        return publish_version(quarter_warehouse, quarter, by="minh")

    return close


@pytest.fixture
def reading_as(quarter_warehouse: Warehouse) -> Iterator[Callable[[str, str], Connection]]:
    """A connection that reads as a user of a BI role: (role, user name)."""
    opened = []

    def connect(role: str, user: str) -> Connection:
        connection = quarter_warehouse.connect("admin")
        opened.append(connection)
        if connection.execute("select from pg_roles where rolname = %s", [user]).fetchone() is None:
            connection.execute(sql.SQL("create role {} in role {}").format(sql.Identifier(user), sql.Identifier(role)))
            connection.commit()
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(user)))
        return connection

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def delivered(marts: HandMadeMarts, quarter: Quarter) -> Quarter:
    """The same, with its last day delivered by two branches."""
    marts.show(state("58", quarter.last_on), state("96", quarter.last_on, scale=10))
    return quarter
