"""What all tests share: one embedded warehouse a test session, in a temporary home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

SETTINGS = ("WAREHOUSE_URL", "WAREHOUSE_LANDING", "WAREHOUSE_STORE", "WAREHOUSE_OUTBOX")


_shared: list[Warehouse] = []
"""The warehouse of the session, once a test has asked for it."""


@pytest.fixture(scope="module", autouse=True)
def shared_warehouse_stays_empty() -> Iterator[None]:
    """What one module leaves in the warehouse of all, another would find: deliveries go into a warehouse of its own."""
    yield
    for shared in _shared:
        with shared.connect("admin") as connection:
            left = connection.execute("select branch_code, business_date, revision from meta.deliveries").fetchall()
        assert left == [], "deliveries are left in the warehouse of all tests"


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """An empty warehouse of this test session's own; nothing of it is left at the end, and its server must not have crashed."""
    home = tmp_path_factory.mktemp("warehouse")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WAREHOUSE_HOME", str(home))
        for name in SETTINGS:
            environment.delenv(name, raising=False)
        server = EmbeddedServer(home)
        try:
            _shared.append(open_warehouse(Path(home)))
            yield _shared[-1]
        finally:
            _shared.clear()
            server.stop("immediate")
            crashes = _crashes(server)
            server.destroy()
    assert not crashes, "PostgreSQL crashed during the tests:\n" + "\n".join(crashes)


def _crashes(server: EmbeddedServer) -> list[str]:
    """The lines of the server's log that tell of a crash: a process killed by a signal, or a PANIC."""
    lines = [
        line for log in (server.data / "log").glob("*.log") for line in log.read_text(errors="replace").splitlines()
    ]
    return [line for line in lines if "PANIC:" in line or "was terminated by signal" in line]
