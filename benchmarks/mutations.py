"""Thousands of random mutations of a valid delivery through the whole door: each is either equal in content to the
original or not published, and none crashes.

    .venv/bin/python -m benchmarks.mutations --count 10000 --seed 1

What is required of each, and where Great Expectations is spared, says `benchmarks/mutation_share.py`. Each share of 150
has a database of its own on one throw-away server that does not wait for its disk: faults have tests of their own. A
share that is done says so in a line. `--minutes` begins no further share after so long, and says how many were done.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from benchmarks.mutation_share import PUBLISHED, READ_OTHERWISE, Share, run_share
from tests.door.door import fresh_warehouse
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

BRANCHES = ("01", "04", "08", "11", "12", "14", "15", "19", "20", "22", "24", "25", "31", "33", "37", "38", "40", "42", "44",
            "46", "48", "51", "52", "56", "66", "68", "75", "79", "80", "82", "86", "91", "92", "96")  # fmt: skip
SHARE = 150
VERDICTS = (*PUBLISHED, "duplicate", READ_OTHERWISE, "held", "refused", "waiting")


def _worker(warehouse: Warehouse, share_no: int, count: int, seed: int, until: float) -> Share:
    logging.disable(logging.WARNING)
    branch = BRANCHES[share_no % len(BRANCHES)]
    if time.time() > until:
        return Share()
    try:
        return run_share(warehouse, branch, count, seed, share_no)
    except Exception:
        return Share(wrong=[f"share {share_no}, branch {branch} crashed:\n{traceback.format_exc()}"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return 1 where something is wrong, 2 where time ran out before the last mutation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    home, started, total = Path(tempfile.mkdtemp(prefix="mutations-")), time.monotonic(), Share()
    home.chmod(0o711)
    until = time.time() + 60 * options.minutes
    sizes = [min(SHARE, options.count - begin) for begin in range(0, options.count, SHARE)]
    try:
        template = open_warehouse(home)
        _hasten(template)
        warehouses = [_prepare(template, number) for number in range(len(sizes))]
        with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
            tasks = [
                pool.submit(_worker, warehouse, number, size, options.seed, until)
                for number, (warehouse, size) in enumerate(zip(warehouses, sizes, strict=True))
            ]
            for number, task in enumerate(as_completed(tasks), 1):
                _add(total, task.result())
                print(
                    f"{number} of {len(tasks)} shares, {time.monotonic() - started:.0f} s: {_sum_up(total)}", flush=True
                )
    finally:
        EmbeddedServer(home).destroy()
        print(as_table(total.counts))
        print(f"{_sum_up(total)}; seed {options.seed}, {time.monotonic() - started:.0f} seconds")
        print(f"Great Expectations: {dict(sorted(total.validated.items()))}")
        print("\n".join(["published with the original's rows under a manifest that says otherwise:", *total.restated]))
        print(
            "\n".join(total.wrong) or "every one is equal in content to the original or was not published; none crashed"
        )
    return 1 if total.wrong else 2 if total.counts.total() < options.count else 0


def _hasten(warehouse: Warehouse) -> None:
    """Spare the server what is not shown here: its disk, its housekeeping, and a password hashed 4,096 times a login."""
    with warehouse.connect("admin", autocommit=True) as connection:
        for setting in ("fsync", "autovacuum"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")
        connection.execute("set scram_iterations = 1")
        connection.execute(f"alter role loader password '{warehouse.password('loader')}'")


def _prepare(template: Warehouse, number: int) -> Warehouse:
    """Return an empty warehouse of the share's own: what other shares leave behind does not slow it down."""
    folder = template.settings.home / f"share{number}"
    folder.mkdir()
    return fresh_warehouse(template, f"share{number}", folder)


def _add(total: Share, share: Share) -> None:
    total.counts += share.counts
    total.validated += share.validated
    total.restated += share.restated
    total.wrong += share.wrong


def _sum_up(share: Share) -> str:
    verdicts: Counter[str] = Counter()
    for (_, verdict), count in share.counts.items():
        verdicts[verdict] += count
    said = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS if verdicts[verdict])
    return f"{verdicts.total()} mutations ({said}), {len(share.restated)} restated, {len(share.wrong)} wrong"


def as_table(counts: Counter[tuple[str, str]]) -> str:
    """Return the counts as a Markdown table: kinds by verdicts."""
    kinds = sorted({kind for kind, _ in counts})
    verdicts = [verdict for verdict in VERDICTS if any(seen == verdict for _, seen in counts)]
    lines = [["mutation", *verdicts, "all"], ["---", *("---:" for _ in [*verdicts, "all"])]]
    for kind in kinds:
        numbers = [counts[kind, verdict] for verdict in verdicts]
        lines.append([kind, *map(str, [*numbers, sum(numbers)])])
    sums = [sum(counts[kind, verdict] for kind in kinds) for verdict in verdicts]
    lines.append(["all", *map(str, [*sums, sum(sums)])])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
