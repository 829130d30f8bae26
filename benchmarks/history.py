"""Years of deliveries in one go, in any order: `nice python -m benchmarks.history [--deliveries 2000] [--seed 1]`.

One branch's small deliveries, day after day, each with a repayment and some with a second revision, are written into the
landing and taken through the steps of a night without Great Expectations, in nights of `--night` deliveries that are
drawn at random. Prints the processor milliseconds that each step takes for a delivery, night after night: what
grows with the number of deliveries on record shows at once. In the end every date must be visible under its last revision.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import ServerClock
from pipeline.branch import publish_branch, verify_branch
from pipeline.intake import load_pending, validate_pending
from tests.support.deliveries import first_delivery, repay
from tests.support.warehouses import without_great_expectations
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

BRANCH, START = "96", dt.date(2025, 7, 1)
CORRECTED = 5
"""Every fifth date is delivered twice."""


def write_history(aside: Path, days: int) -> list[Path]:
    """Write so many dates into a folder aside; return the delivery folders."""
    delivery, folders = first_delivery(BRANCH, START.isoformat()), []
    for number in range(days):
        if number:
            delivery = repay(delivery.next((START + dt.timedelta(number)).isoformat()), 1 + number % 6, 1000)
        folders.append(delivery.write(aside))
        if number % CORRECTED == CORRECTED - 1:
            delivery = delivery.revise()
            delivery.edit("offices", 1, name=f"Phòng giao dịch {number}")
            folders.append(delivery.write(aside))
    return folders


def run_night(warehouse: Warehouse, clock: ServerClock) -> dict[str, float]:
    """Take everything in the landing through the door; return processor seconds by step, the server's included."""
    steps: dict[str, Callable[..., Any]] = {
        "verify": verify_branch, "load": load_pending, "validate": validate_pending, "publish": publish_branch,
    }  # fmt: skip
    seconds = {}
    for name, step in steps.items():
        started = clock.seconds() + time.process_time()
        step(warehouse, BRANCH)
        seconds[name] = clock.seconds() + time.process_time() - started
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return 1 unless what is visible in the end is what it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deliveries", type=int, default=2000)
    parser.add_argument("--night", type=int, default=500, help="deliveries a night")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="history-"))
    home.chmod(0o711)
    os.environ["WAREHOUSE_HOME"] = str(home)
    try:
        warehouse = open_warehouse(home)
        clock = ServerClock(EmbeddedServer(home).data)
        folders = write_history(home / "aside", options.deliveries * CORRECTED // (CORRECTED + 1))
        random.Random(options.seed).shuffle(folders)
        print(f"{len(folders)} deliveries, seed {options.seed}; processor milliseconds a delivery, client and server")
        print("| on record | verify | load | validate | publish |\n|---:|---:|---:|---:|---:|", flush=True)
        with without_great_expectations():
            for start in range(0, len(folders), options.night):
                night = folders[start : start + options.night]
                for folder in night:
                    target = Path(warehouse.settings.landing) / folder.relative_to(home / "aside")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    folder.rename(target)
                seconds = run_night(warehouse, clock)
                cells = [f"{1000 * value / len(night):.0f}" for value in seconds.values()]
                print("| " + " | ".join([str(start + len(night)), *cells]) + " |", flush=True)
        return 0 if _is_all_visible(warehouse) else 1
    finally:
        EmbeddedServer(home).destroy()
        shutil.rmtree(home, ignore_errors=True)


def _is_all_visible(warehouse: Warehouse) -> bool:
    """Whether every date is visible under its last revision and no date is provisional but the first's follower."""
    with warehouse.connect("admin") as connection:
        row = connection.execute(
            """
            select (select count(distinct business_date) from meta.deliveries), count(*),
                count(*) filter (where v.revision = (
                    select max(d.revision) from meta.deliveries as d where d.business_date = v.business_date)),
                count(*) filter (where v.verdict = 'provisional')
            from meta.visible_deliveries as v
            """
        ).fetchone()
    assert row is not None
    dates, visible, last, provisional = row
    print(f"{dates} dates, {visible} visible, {last} under their last revision, {provisional} provisional")
    return bool(dates == visible == last and not provisional)


if __name__ == "__main__":
    sys.exit(main())
