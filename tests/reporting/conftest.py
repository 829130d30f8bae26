"""A warehouse of their own for the tests of the quarter: hand-made marts in the place of those that dbt makes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reporting.quarter import Quarter
from tests.support.quarters import HandMadeMarts, state
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer


@pytest.fixture(scope="session")
def quarter_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """An empty warehouse; its server is stopped at the end."""
    home = tmp_path_factory.mktemp("quarter-warehouse")
    try:
        yield open_warehouse(home)
    finally:
        EmbeddedServer(home).stop("immediate")


@pytest.fixture(scope="session")
def marts(quarter_warehouse: Warehouse) -> HandMadeMarts:
    """Its marts, empty at first."""
    return HandMadeMarts(quarter_warehouse)


@pytest.fixture(scope="session")
def _quarters() -> Iterator[Quarter]:
    return iter(Quarter(year, number) for year in range(2012, 2024) for number in range(1, 5))


@pytest.fixture
def quarter(_quarters: Iterator[Quarter]) -> Quarter:
    """A quarter that no test has used: what is frozen stays."""
    return next(_quarters)


@pytest.fixture
def delivered(marts: HandMadeMarts, quarter: Quarter) -> Quarter:
    """The same, with its last day delivered by two branches."""
    marts.show(state("58", quarter.last_on), state("96", quarter.last_on, scale=10))
    return quarter
