"""The laws are played in a warehouse in which nothing else is on record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.warehouses import new_warehouse, remove_warehouse
from warehouse.connect import Warehouse


@pytest.fixture(scope="module")
def warehouse(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse of the module's own."""
    own = new_warehouse(warehouse, tmp_path_factory.mktemp("own"))
    yield own
    remove_warehouse(own)
