"""The nation's night: `python -m benchmarks.night [--loans 10000000] [--nights 2]`.

Writes a synthetic nation (34 branches) and runs its nights by command line, from files to published marts, in a throw-away
warehouse. In the same run: `psql \\copy` of the last night's files and one plain GROUP BY a mart (the limit); one corrected
branch (median of three); twenty dashboard queries; with --stack also the plain stack (pandas.to_sql, Great Expectations
SUMMARY, dbt full refresh) on one branch, scaled. Prints Markdown tables. Ten million loans take about 25 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks import nation_work
from benchmarks.measuring import Figure, measure_function, measure_process
from reporting.quarter import quarter_of
from samples.nation import LAST_NIGHT, nation
from warehouse.connect import open_warehouse
from warehouse.server import EmbeddedServer

NATION, CUSTOMERS = 10_000_000, 7_000_000
CORRECTIONS = (2, 3, 4)
"""Revisions of one branch's date, one after the other; their median is told, for one is over in seconds."""
ROLE = "set role bi_reader"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loans", type=int, default=NATION, help="loans of the nation (default 10,000,000)")
    parser.add_argument("--nights", type=int, default=2, help="consecutive nights (default 2)")
    parser.add_argument("--stack", action="store_true", help="also measure the plain stack on one branch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="warehouse-benchmark-") as folder:
        base = Path(folder)
        try:
            _measure(base, options.loans, options.nights)
            if options.stack:
                _measure_stack(base, options.loans)
        finally:
            for home in (base / "home", base / "one"):
                EmbeddedServer(home).destroy()


def _measure(base: Path, loans: int, nights: int) -> None:
    landing = base / "landing"
    os.environ["WAREHOUSE_HOME"] = str(base / "home")
    begun = time.monotonic()
    nation(landing, loans=loans, customers=loans * CUSTOMERS // NATION, nights=nights)
    _say(f"{loans:,} loans, {nights} nights, written in {time.monotonic() - begun:.0f} s")
    dates = [(LAST_NIGHT - timedelta(days=back)).isoformat() for back in reversed(range(nights))]
    copied, grouped = nation_work.copy_and_group(landing, dates[-1])
    limit = copied.seconds + grouped.seconds
    _say(f"\\copy {copied.seconds:.1f} s, GROUP BYs {grouped.seconds:.1f} s")
    with nation_work.PeakMemory() as memory:
        seconds = [_night(landing, date).seconds for date in dates]
    by_size = sorted(landing.glob(f"*/{dates[-1]}/r1/loan_book.csv.gz"), key=lambda path: path.stat().st_size)
    corrected: dict[str, float] = {}
    for path in (by_size[len(by_size) // 2], by_size[-1]):
        code = path.parts[-4]
        took = []
        for revision in CORRECTIONS:
            nation_work.write_correction(landing, code, dates[-1], revision)
            took.append(_night(landing, dates[-1]).seconds)
        corrected[code] = statistics.median(took)
    again = _night(landing, dates[-1])
    print(f"\n{loans:,} loans in 34 branches, {nights} nights, {os.cpu_count()} cores\n")
    print("| what | seconds | × limit |\n|---|---|---|")
    rows = [
        ("psql \\copy of the last night's files", copied.seconds),
        ("one GROUP BY for each mart", grouped.seconds),
        ("the limit: both", limit),
        ("night 1", seconds[0]),
        ("night 2", seconds[1]),
        (f"night {nights}", seconds[-1]),
        *((f"one corrected branch ({code}), median of {len(CORRECTIONS)}", took) for code, took in corrected.items()),
        ("a night with nothing new", again.seconds),
    ]
    for what, took in rows:
        print(f"| {what} | {took:.1f} | {took / limit:.2f} |")
    print(
        f"\nnight {nights} / night 2: {seconds[-1] / seconds[1]:.2f}; all nights: {', '.join(f'{s:.0f}' for s in seconds)}"
    )
    shares = ", ".join(f"1/{seconds[-1] / took:.1f}" for took in corrected.values())
    print(f"corrected branch of median size, and the largest / night: {shares}")
    print(f"peak memory of any Python process: {memory.mib:.0f} MiB")
    _measure_dashboard(dates[-1])
    _measure_quarter(base)


def _measure_quarter(base: Path) -> None:
    """Freeze, approve and publish the quarter that the last night ends, and write the report of the nation."""
    pipeline = [sys.executable, "-m", "pipeline"]
    quarter = quarter_of(LAST_NIGHT).code
    frozen = measure_process([*pipeline, "quarter", "freeze", quarter, "--by", "benchmark"])
    for step in ("approve", "publish"):
        measure_process([*pipeline, "quarter", step, quarter, "--by", "second benchmark"])
    folder = base / "reports"
    written = measure_process([*pipeline, "report", quarter, "--lang", "vi", "--out", str(folder)])
    sizes = ", ".join(f"{path.suffix[1:]} {path.stat().st_size / 1000:,.0f} kB" for path in sorted(folder.iterdir()))
    print(f"\nquarter {quarter} of the nation: frozen in {frozen.seconds:.1f} s (peak {frozen.peak_mib:.0f} MiB), "
          f"report in {written.seconds:.1f} s (peak {written.peak_mib:.0f} MiB): {sizes}")  # fmt: skip


def _night(landing: Path, date: str) -> Figure:
    command = [sys.executable, "-m", "pipeline", "night", "--landing", str(landing), "--business-date", date]
    log = landing.parent / "night.log"
    shell = " ".join(command)
    figure = measure_process(["/bin/sh", "-c", f"exec {shell} 2>{log}"])
    _say(f"{date}: {figure.seconds:.1f} s; {_last_line(log, 'seconds:')}")
    return figure


def _last_line(log: Path, word: str) -> str:
    return next((line for line in reversed(log.read_text().splitlines()) if word in line), "")


def _measure_dashboard(date: str) -> None:
    """Each query ten times, for branches by chance, as a BI tool's role."""
    text = (nation_work.SQL / "dashboard.sql").read_text()
    queries = [part for part in text.partition("\n")[2].split(";") if part.strip()]
    chance, took = random.Random(7), {query: [] for query in queries}  # type: dict[str, list[float]]
    with open_warehouse().connect("admin") as connection:
        connection.execute(ROLE)
        codes = [row[0] for row in connection.execute("select distinct branch_code from marts.mart_branch_scorecard")]
        for _ in range(10):
            for query in queries:
                values = {"branch": chance.choice(codes), "date": date}
                begun = time.monotonic()
                connection.execute(query, values).fetchall()  # type: ignore[call-overload]
                took[query].append(1000 * (time.monotonic() - begun))
    every = sorted(one for times in took.values() for one in times)
    slowest = max(took, key=lambda query: statistics.median(took[query]))
    print(f"\n{len(queries)} dashboard queries, {len(every)} runs: median {statistics.median(every):.0f} ms, "
          f"p95 {every[int(0.95 * len(every))]:.0f} ms, slowest {every[-1]:.0f} ms: {slowest.strip()}")  # fmt: skip


def _measure_stack(base: Path, loans: int) -> None:
    """The plain stack on the branch with the most loans; its marts by a full refresh of a warehouse that has only it."""
    branches = [folder for folder in (base / "landing").iterdir() if folder.is_dir()]
    biggest = max(branches, key=lambda folder: sum(path.stat().st_size for path in folder.glob("*/r1/loan_book*")))
    date = LAST_NIGHT.isoformat()
    os.environ["WAREHOUSE_HOME"] = str(base / "one")
    only = base / "only"
    shutil.copytree(biggest, only / biggest.name, copy_function=os.link)
    _night(only, (LAST_NIGHT - timedelta(days=1)).isoformat())
    _night(only, date)
    loaded = measure_function("benchmarks.nation_work", "plain_to_sql", str(biggest / date / "r1"))
    judged = measure_function("benchmarks.nation_work", "plain_expectations")
    built = measure_process([sys.executable, "-m", "pipeline", "build", "--full"])
    with open_warehouse().connect("admin") as connection:
        row = connection.execute("select loans from marts.mart_branch_scorecard order by business_date desc").fetchone()
    assert row is not None
    factor = loans / row[0]
    print(f"\nThe plain stack on branch {biggest.name} ({row[0]:,} loans), scaled by {factor:.1f}\n")
    print("| step | seconds | scaled to the nation | peak MiB |\n|---|---|---|---|")
    for what, figure in (
        ("pandas.to_sql", loaded),
        ("Great Expectations, SUMMARY", judged),
        ("dbt, full refresh", built),
    ):
        print(f"| {what} | {figure.seconds:.1f} | {figure.seconds * factor:.0f} | {figure.peak_mib:.0f} |")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
