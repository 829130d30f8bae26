"""Nights, and other work, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.warehouses import environment
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT

NIGHT = ("tests.faults.night",)


@contextmanager
def failing(
    warehouse: Warehouse, fault: str, mark: Path, url: str | None = None, module: Sequence[str] = NIGHT
) -> Iterator[subprocess.Popen[bytes]]:
    """A night that fails as `fault` says (warehouse/faults.py); `url`: another way to PostgreSQL."""
    variables = {"WAREHOUSE_FAULT": fault, "WAREHOUSE_FAULT_MARK": str(mark)}
    with running(warehouse, variables | ({"WAREHOUSE_URL": url} if url else {}), module) as process:
        yield process


@contextmanager
def running(
    warehouse: Warehouse, variables: Mapping[str, str], module: Sequence[str] = NIGHT, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module in a process of its own, which ends with the block at the latest. `options` are those of Popen."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module], cwd=PROJECT, env={**os.environ, **environment(warehouse), **variables},
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
