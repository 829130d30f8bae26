"""Thousands of random mutations of a valid delivery through the whole door: each is either equal in content to the
original or not published, and none crashes.

    .venv/bin/python -m benchmarks.mutations --count 10000 --seed 1

Every branch gets a visible delivery, the original that follows it, and then its share of the mutations as further
revisions of the same date. Great Expectations judges what the reader has not held already.
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
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import expectations
from benchmarks.mutate import mutate
from contract.findings import no_findings
from contract.model import load_datasets
from expectations.run import Report
from pipeline.branch import Selection
from pipeline.night import run_night
from tests.door.book import DATE, following, opening
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

BRANCHES = ("01", "04", "08", "11", "12", "14", "15", "19", "20", "22", "24", "25", "31", "33", "37", "38", "40", "42", "44",
            "46", "48", "51", "52", "56", "66", "68", "75", "79", "80", "82", "86", "91", "92", "96")  # fmt: skip
NOT_PUBLISHED = ("held", "refused", "waiting", "duplicate")
whole_validation = expectations.validate


@dataclass
class Share:
    """What became of one branch's mutations: how many by kind and verdict, and each that was published with other rows."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    published_otherwise: list[str] = field(default_factory=list)
    crash: str | None = None


def run_share(warehouse: Warehouse, branch: str, count: int, seed: int, *, skips_decided: bool = True) -> Share:
    """Take one branch's mutations through the door. `skips_decided`: GX is spared where the reader holds already."""
    landing = Path(warehouse.settings.landing)
    first = opening(branch)
    first.write(landing)
    original = following(first)
    original.write(landing)
    night = run_night(warehouse, Selection(branch))
    if {outcome.verdict for outcome in night.outcomes} != {"published"}:
        raise SystemExit(f"{branch}: the original is not published: {[outcome.line for outcome in night.outcomes]}")
    done = {}
    for number in range(2, count + 2):
        original.revision, original.supersedes = number, "0" * 64
        done[number] = mutate(original.write(landing), random.Random(f"{seed} {branch} {number}"))
    expectations.validate = partial(_validate_undecided, warehouse) if skips_decided else whole_validation
    try:
        outcomes = run_night(warehouse, Selection(branch)).outcomes
    finally:
        expectations.validate = whole_validation
    share, rows, told = Share(), _rows_by_revision(warehouse, branch), _verdicts(warehouse, branch)
    for outcome in outcomes:
        if outcome.business_date != DATE or outcome.revision not in done:
            continue
        what = done[outcome.revision]
        # The ledger's word: what a night has judged it may see again, and then it calls it a duplicate.
        verdict = told.get(outcome.revision, outcome.verdict)
        share.counts[what.split(":")[0], verdict] += 1
        if verdict not in NOT_PUBLISHED and rows[outcome.revision] != rows[1]:
            share.published_otherwise.append(f"branch {branch} revision {outcome.revision} ({what}): {outcome.line}")
    if sum(share.counts.values()) != count:
        raise SystemExit(f"{branch}: {count} mutations, but {sum(share.counts.values())} verdicts")
    return share


def _verdicts(warehouse: Warehouse, branch: str) -> dict[int, str]:
    """The last verdict on each revision, a publication before any other."""
    with warehouse.connect("admin") as connection:
        return dict(
            connection.execute(
                "select distinct on (revision) revision, verdict from meta.ledger where branch_code = %s and business_date = %s "
                "order by revision, verdict = any(%s), entry_no desc",
                [branch, DATE, list(NOT_PUBLISHED)],
            ).fetchall()
        )


def _validate_undecided(warehouse: Warehouse, url: str, delivery_id: int, **options: Any) -> Report:
    with warehouse.connect("loader") as connection:
        row = connection.execute(
            "select exists (select from meta.findings where delivery_id = %s and severity = 'error')", [delivery_id]
        ).fetchone()
    return Report(no_findings(), {}, None) if row and row[0] else whole_validation(url, delivery_id, **options)


def _rows_by_revision(warehouse: Warehouse, branch: str) -> dict[int, dict[str, Any]]:
    """Of each revision that was attached: by dataset the number of rows and the hash of all their values."""
    found: dict[int, dict[str, Any]] = {}
    with warehouse.connect("admin") as connection:
        for schema, name in [*(("raw", name) for name in load_datasets()), ("personal", "customers")]:
            cursor = connection.execute(
                f"""
                select d.revision, count(*),
                    sum(hashtextextended((to_jsonb(r) - 'delivery_id' - 'row_no')::text, 0)::numeric)
                from {schema}.{name}_rows as r
                inner join meta.deliveries as d on d.delivery_id = r.delivery_id
                where d.branch_code = %s and d.business_date = %s
                group by d.revision
                """,
                [branch, DATE],
            )
            for revision, count, values in cursor:
                found.setdefault(revision, {})[f"{schema}.{name}"] = (count, values)
    return found


def _worker(home: Path, branch: str, count: int, seed: int) -> Share:
    logging.disable(logging.WARNING)
    try:
        return run_share(open_warehouse(home), branch, count, seed)
    except Exception:
        return Share(crash=f"branch {branch} crashed:\n{traceback.format_exc()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return 1 where a mutation was published with other rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    home, started = Path(tempfile.mkdtemp(prefix="mutations-")), time.monotonic()
    home.chmod(0o711)
    shares = [(branch, len(range(place, options.count, len(BRANCHES)))) for place, branch in enumerate(BRANCHES)]
    try:
        open_warehouse(home)
        with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
            tasks = [pool.submit(_worker, home, branch, count, options.seed) for branch, count in shares if count]
            found = []
            for task in tasks:
                found.append(task.result())
                print(
                    f"{len(found)} of {len(tasks)} branches, {time.monotonic() - started:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    finally:
        EmbeddedServer(home).destroy()
    counts = sum((share.counts for share in found), Counter())
    print(as_table(counts))
    print(f"{sum(counts.values())} mutations, seed {options.seed}, {time.monotonic() - started:.0f} seconds")
    wrong = [line for share in found for line in share.published_otherwise]
    wrong += [share.crash for share in found if share.crash]
    print("\n".join(wrong) or "every one is equal in content to the original or was not published; none crashed")
    return 1 if wrong else 0


def as_table(counts: Counter[tuple[str, str]]) -> str:
    """Return the counts as a Markdown table: kinds by verdicts."""
    kinds, verdicts = sorted({kind for kind, _ in counts}), sorted({verdict for _, verdict in counts})
    lines = [["mutation", *verdicts], ["---", *("---:" for _ in verdicts)]]
    lines += [[kind, *(str(counts[kind, verdict]) for verdict in verdicts)] for kind in kinds]
    lines.append(["all", *(str(sum(counts[kind, verdict] for kind in kinds)) for verdict in verdicts)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
