"""A night as a process of its own, to be made to fail: `python -m tests.faults.night`."""

from __future__ import annotations

from tests.support.warehouses import run_short_night, without_great_expectations
from warehouse.connect import open_warehouse

if __name__ == "__main__":
    with without_great_expectations():
        run_short_night(open_warehouse())
