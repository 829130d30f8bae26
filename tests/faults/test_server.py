"""A killed backend and a server restarted in immediate mode, in the middle of a COPY."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Scene, read_entries, require_laws, require_recovery
from tests.faults.nights import failing
from tests.faults.waiting import wait_until
from tests.faults.witness import read_content
from warehouse.connect import Warehouse
from warehouse.server import EmbeddedServer


def kill_the_backend(warehouse: Warehouse, _: EmbeddedServer) -> None:
    """End the one that is in the middle of COPY, as an administrator or the kernel would."""
    with warehouse.connect("admin", autocommit=True) as connection:
        killed = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'active' and query ilike 'copy %'"
        ).fetchall()
    assert killed == [(True,)]


def restart_the_server(_: Warehouse, server: EmbeddedServer) -> None:
    """As after a power cut: nothing is flushed, the log is replayed."""
    port = server.port
    server.stop("immediate")
    server.ensure()
    assert server.port == port, "another process took the port meanwhile"


@pytest.mark.parametrize("strike", [kill_the_backend, restart_the_server])
def test_a_load_that_loses_its_server_leaves_nothing_and_is_made_good(
    scene: Scene, disturbed: Warehouse, tmp_path: Path, strike: Callable[[Warehouse, EmbeddedServer], None]
) -> None:
    mark = tmp_path / "reached"
    with failing(disturbed, "half a COPY loan_book=wait", mark) as night:
        wait_until(mark.exists, lambda: night.poll() is not None)
        strike(disturbed, EmbeddedServer(scene.server.settings.home))
        assert read_content(disturbed) == scene.before
        mark.unlink()
        assert night.wait(120) == 1
    require_laws(disturbed)
    assert read_content(disturbed) == scene.before
    require_recovery(scene, disturbed)
    assert read_entries(disturbed) == scene.entries_after
