"""What all tests share: one embedded warehouse a test session, in a temporary home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

SETTINGS = ("WAREHOUSE_URL", "WAREHOUSE_LANDING", "WAREHOUSE_STORE", "WAREHOUSE_OUTBOX")


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """An empty warehouse of this test session's own; its server is stopped at the end."""
    home = tmp_path_factory.mktemp("warehouse")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WAREHOUSE_HOME", str(home))
        for name in SETTINGS:
            environment.delenv(name, raising=False)
        try:
            yield open_warehouse(Path(home))
        finally:
            EmbeddedServer(home).stop("immediate")
