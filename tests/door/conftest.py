"""A server of the door's own, with an empty warehouse that each test module copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.door.door import Door, fresh_warehouse
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home = tmp_path_factory.mktemp("door")
    try:
        yield open_warehouse(home)
    finally:
        EmbeddedServer(home).destroy()


@pytest.fixture(scope="module")
def door(template: Warehouse, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Door:
    """A door with nothing on record, for all tests of a module."""
    name = request.module.__name__.rpartition(".")[2]
    home = tmp_path_factory.mktemp(name)
    Path(home / "landing").mkdir()
    return Door(fresh_warehouse(template, name, home))
