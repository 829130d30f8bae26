"""Nights in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.warehouses import environment
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT


@contextmanager
def failing_night(
    warehouse: Warehouse, fault: str, mark: Path, url: str | None = None, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A night that fails as `fault` says (warehouse/faults.py); `url`: another way to PostgreSQL."""
    variables = {"WAREHOUSE_FAULT": fault, "WAREHOUSE_FAULT_MARK": str(mark)}
    with running_night(warehouse, variables | ({"WAREHOUSE_URL": url} if url else {}), **options) as night:
        yield night


@contextmanager
def running_night(
    warehouse: Warehouse, variables: Mapping[str, str], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A night in a process of its own, which ends with the block at the latest. `options` are those of Popen."""
    night = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.night"], cwd=PROJECT,
        env={**os.environ, **environment(warehouse), **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, **options,
    )  # fmt: skip
    try:
        yield night
    finally:
        if night.poll() is None:
            night.kill()
        night.wait()
