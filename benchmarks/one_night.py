"""One night of the 135,000-customer branch: `python -m benchmarks.one_night`.

Takes in the Cà Mau sample but its last date, then measures the last night: by command line, and in a second warehouse by
the Airflow DAGs; beside `psql \\copy` of the same files. Prints Markdown tables of seconds by step and peak memory.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.load import plain_copy
from benchmarks.measuring import measure_process

PROFILE, BRANCH, LAST = "ca-mau-2025q3", "96", "2025-09-30"
STEPS = re.compile(r"seconds: (.*)$", re.MULTILINE)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="warehouse-benchmark-") as folder:
        base = Path(folder)
        landing, kept_back = base / "landing", base / "last"
        _run("sample", "--profile", PROFILE, "--out", str(landing))
        (landing / BRANCH / LAST).rename(kept_back)
        homes = [base / "cli", base / "airflow"]
        try:
            for home in homes:
                _run("night", "--landing", str(landing), home=home)
            shutil.copytree(kept_back, landing / BRANCH / LAST)
            _measure_cli(homes[0], landing)
            _measure_airflow(homes[1], landing)
        finally:
            from warehouse.server import EmbeddedServer  # noqa: PLC0415

            for home in homes:
                EmbeddedServer(home).destroy()


def _run(*arguments: str, home: Path | None = None) -> None:
    import subprocess  # noqa: PLC0415

    environment = {**os.environ, **({"WAREHOUSE_HOME": str(home)} if home else {})}
    subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
    )


def _measure_cli(home: Path, landing: Path) -> None:
    os.environ["WAREHOUSE_HOME"] = str(home)
    files = home.parent / "plain"
    shutil.copytree(landing / BRANCH / LAST / "r1", files)
    names = [path.name.removesuffix(".csv.gz") for path in sorted(files.glob("*.csv.gz"))]
    plain = plain_copy(files, names)
    log = home.parent / "night.log"
    command = f"exec {sys.executable} -m pipeline night --landing {landing} 2>{log}"
    night = measure_process(["/bin/sh", "-c", command], {"WAREHOUSE_HOME": str(home)})
    steps = [part.rsplit(" ", 1) for part in STEPS.findall(log.read_text())[-1].split(", ")]
    print("\nOne night of branch 96, by command line\n")
    print("| step | seconds | × \\copy |\n|---|---|---|")
    print(f"| psql \\copy of the same files | {plain.seconds:.1f} | 1.0 |")
    for step, seconds in steps:
        print(f"| {step} | {seconds} | {float(seconds) / plain.seconds:.1f} |")
    print(f"| the whole command | {night.seconds:.1f} | {night.seconds / plain.seconds:.1f} |")
    print(f"\npeak memory of the command {night.peak_mib:.0f} MiB")


def _measure_airflow(home: Path, landing: Path) -> None:
    os.environ.update(WAREHOUSE_HOME=str(home), WAREHOUSE_LANDING=str(landing))
    from pipeline.airflow import prepare  # noqa: PLC0415
    from pipeline.dag_run import run_dag  # noqa: PLC0415
    from warehouse.connect import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse()
    prepare(warehouse)
    print("\nThe same night by the DAGs (`airflow dags test`)\n")
    for dag in ("nightly_ingest", "build_marts"):
        started = time.monotonic()
        run_dag(warehouse, dag, [BRANCH], print)
        print(f"{dag}: {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
