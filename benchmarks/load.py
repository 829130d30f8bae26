"""The door against plain COPY: `python -m benchmarks.load [--loans 3000000]`.

Measures, in one run on one throw-away warehouse: a delivery through the door (looked at, copied to the store, hashed,
verified, loaded, judged by the rules between datasets, published; without Great Expectations) beside `psql \\copy` of the
same uncompressed files into tables of the same definition, and pandas.to_sql on a part, scaled. Prints a Markdown table.
Then half of it: one branch with both cores to itself and with one, client and server, and two branches at once.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.measuring import Figure, ServerClock, measure_function, measure_process, one_core
from benchmarks.synthetic import write_delivery

COMMUNES = {"96": "31825", "04": "01273", "91": "30292", "92": "31120", "01": "00004"}
PANDAS_ROWS = 100_000


def prepare() -> None:
    """Import what the measured work needs: that is done once a night, whatever the number of deliveries."""
    for name in ("pandas", "sqlalchemy", "psycopg", "ingestion.rules", "pipeline.branch", "pipeline.intake"):
        importlib.import_module(name)


def through_the_door(branch: str) -> None:
    """Run the steps of a night for one branch, without Great Expectations."""
    from ingestion.load import analyze_rows, attach_rows  # noqa: PLC0415
    from ingestion.rules import count_findings, find_dataset_violations  # noqa: PLC0415
    from pipeline.branch import publish_branch, verify_branch  # noqa: PLC0415
    from pipeline.intake import load_pending  # noqa: PLC0415
    from warehouse.connect import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse()
    verify_branch(warehouse, branch)
    (delivery_id,) = load_pending(warehouse, branch)
    with warehouse.connect("loader") as connection:
        ((result,),) = connection.execute("select result from meta.loads where delivery_id = %s", [delivery_id])
        find_dataset_violations(connection, delivery_id, result["unreadable"], result["proven"])
        analyze_rows(connection, delivery_id)
        counts = count_findings(connection, delivery_id, None)
        connection.execute(
            "insert into meta.intakes (delivery_id, errors, warnings) values (%s, %s, %s)",
            [delivery_id, counts.errors, counts.warnings],
        )
        attach_rows(connection, delivery_id)
    (outcome,) = publish_branch(warehouse, branch)
    assert outcome.verdict == "published", outcome.line


def pandas_to_sql(path: str, table: str) -> None:
    """Load the first rows of a file the way a notebook would."""
    import pandas as pd  # noqa: PLC0415
    import sqlalchemy as sa  # noqa: PLC0415

    from warehouse.connect import open_warehouse  # noqa: PLC0415

    engine = sa.create_engine(open_warehouse().url("admin").replace("postgresql://", "postgresql+psycopg://"))
    frame = pd.read_csv(path, dtype=str, nrows=PANDAS_ROWS)
    frame.to_sql(table, engine, if_exists="replace", index=False, chunksize=10_000)


def plain_copy(folder: Path, names: list[str]) -> Figure:
    """`psql \\copy` of the uncompressed files, one after the other, into unindexed tables of the same columns."""
    from warehouse.connect import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse()
    script = folder / "copy.sql"
    lines = []
    for name in names:
        with gzip.open(folder / f"{name}.csv.gz", "rb") as source, (folder / f"{name}.csv").open("wb") as target:
            shutil.copyfileobj(source, target)
        with warehouse.connect("admin", autocommit=True) as connection:
            connection.execute(f"drop table if exists public.plain_{name}")
            columns = _columns(name)
            connection.execute(f"create table public.plain_{name} ({columns})")
        lines.append(f"\\copy public.plain_{name} from '{folder / name}.csv' (format csv, header)")
    script.write_text("\n".join(lines))
    return measure_process(
        [warehouse.program("psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-f", str(script)],
        warehouse.libpq_environment("admin"),
    )


def _columns(name: str) -> str:
    from contract.model import load_datasets  # noqa: PLC0415

    return ", ".join(f"{column.name} {column.sql_type}" for column in load_datasets()[name].columns)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loans", type=int, default=3_000_000, help="rows of the loan book (default 3,000,000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="warehouse-benchmark-") as home:
        os.environ["WAREHOUSE_HOME"] = home
        try:
            _measure(Path(home), options.loans)
        finally:
            from warehouse.server import EmbeddedServer  # noqa: PLC0415

            EmbeddedServer(Path(home)).destroy()


def _measure(home: Path, loans: int) -> None:
    landing = home / "landing"
    folder = write_delivery(landing, "96", "2025-09-30", loans, commune=COMMUNES["96"])
    names = [path.name.removesuffix(".csv.gz") for path in sorted(folder.glob("*.csv.gz"))]
    clock = _server_clock(home)
    table = Table(clock)
    plain = table.add("psql \\copy of the whole delivery", lambda: plain_copy(folder, names), has_peak=False)
    door = partial(measure_function, "benchmarks.load", "through_the_door")
    table.add("through the door, to publication", lambda: door("96"), plain)
    book = table.add("psql \\copy of the loan book alone", lambda: plain_copy(folder, ["loan_book"]), has_peak=False)
    path = str(folder / "loan_book.csv")
    pandas = partial(measure_function, "benchmarks.load", "pandas_to_sql", path, "pandas_loan_book")
    name = f"pandas.to_sql of the loan book ({PANDAS_ROWS:,} rows, scaled)"
    table.add(name, pandas, book, factor=max(1.0, loans / PANDAS_ROWS))
    shutil.rmtree(folder)
    for code in ("04", "91", "92", "01"):
        write_delivery(landing, code, "2025-09-30", loans // 2, commune=COMMUNES[code])
    alone = door("04")
    with ThreadPoolExecutor(2) as pool:
        pair = list(pool.map(door, ("91", "92")))
    both = max(figure.seconds for figure in pair)
    with one_core(clock):
        confined = door("01")
    print(f"\n{loans:,} loans and as many customers, all 15 files of one delivery\n")
    print(table)
    print(
        f"\nHalf the size: one branch {alone.seconds:.1f} s, on one core {confined.seconds:.1f} s; two at once on two cores "
        f"{both:.1f} s, {both / alone.seconds:.2f} and {both / confined.seconds:.2f} times that; "
        f"peak {max(figure.peak_mib for figure in (alone, *pair)):.0f} MiB a process."
    )


@dataclass
class Table:
    """Measured pieces of work as a Markdown table: wall seconds, and processor seconds of client and server."""

    clock: ServerClock
    lines: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        work: Callable[[], Figure],
        against: Measured | None = None,
        *,
        factor: float = 1.0,
        has_peak: bool = True,
    ) -> Measured:
        """Measure `work`, beside `against`; `factor` scales a part to the whole."""
        before = self.clock.seconds()
        figure = work()
        measured = Measured(
            figure.seconds * factor, figure.cpu_seconds * factor, (self.clock.seconds() - before) * factor
        )
        beside = against or measured
        peak = f"{figure.peak_mib:.0f}" if has_peak else ""
        self.lines.append(
            f"| {name} | {measured.wall:.1f} | {measured.wall / beside.wall:.2f} | {measured.client:.1f} | {measured.server:.1f} "
            f"| {measured.cpu / beside.cpu:.2f} | {peak} |"
        )
        print(self.lines[-1], file=sys.stderr, flush=True)
        return measured

    def __str__(self) -> str:
        head = "| path | seconds | × \\copy | CPU s, client | CPU s, server | CPU × \\copy | peak MiB |"
        return "\n".join([head, "|---|---:|---:|---:|---:|---:|---:|", *self.lines])


@dataclass(frozen=True)
class Measured:
    """Wall seconds, and processor seconds of the client and of the server."""

    wall: float
    client: float
    server: float

    @property
    def cpu(self) -> float:
        """Processor seconds of both."""
        return self.client + self.server


def _server_clock(home: Path) -> ServerClock:
    from warehouse.connect import open_warehouse  # noqa: PLC0415
    from warehouse.server import EmbeddedServer  # noqa: PLC0415

    open_warehouse()
    return ServerClock(EmbeddedServer(home).data)


if __name__ == "__main__":
    main()
