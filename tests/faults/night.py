"""A night as a process of its own, to be made to fail: `python -m tests.faults.night`.

`NIGHT_GATE` names a folder: the night says that it is ready by a file in it, and begins when the file `go` is there.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.waiting import wait_until
from tests.support.warehouses import run_short_night, without_great_expectations
from warehouse.connect import open_warehouse


def wait_at_gate() -> None:
    if "NIGHT_GATE" in os.environ:
        gate = Path(os.environ["NIGHT_GATE"])
        (gate / f"ready-{os.getpid()}").touch()
        wait_until((gate / "go").exists)


if __name__ == "__main__":
    with without_great_expectations():
        warehouse = open_warehouse()
        wait_at_gate()
        run_short_night(warehouse)
