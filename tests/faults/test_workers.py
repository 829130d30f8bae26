"""The processes among which a night shares out its branches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.nights import failing
from tests.faults.waiting import wait_until
from tests.support.deliveries import first_delivery
from tests.support.warehouses import new_warehouse
from warehouse.connect import Warehouse


def find_workers() -> set[int]:
    """Return the living processes that a pool of this machine's Python has spawned."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if b"--multiprocessing-fork" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
        except (NotADirectoryError, FileNotFoundError, ProcessLookupError):
            continue
    return found


def environment_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor, no workers")
def test_the_workers_of_a_killed_night_end_with_it(warehouse: Warehouse, tmp_path: Path) -> None:
    own = new_warehouse(warehouse, tmp_path / "home")
    for branch in ("96", "58"):
        first_delivery(branch).write(Path(own.settings.landing))
    mark = tmp_path / "reached"

    def workers() -> set[int]:
        return {process for process in find_workers() if str(mark).encode() in environment_of(process)}

    with failing(own, "after hashing=hang", mark, module=("pipeline", "night")) as night:
        wait_until(mark.exists, lambda: night.poll() is not None)
        assert len(workers()) == 2
        night.kill()
        wait_until(lambda: not workers())
