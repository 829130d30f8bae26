"""`make run`: two provinces' deliveries, their nights through the DAGs, and the printed figures beside the marts'.

Everything in it asks first what is there: run again, it finds that every delivery is a duplicate and changes nothing.
"""

from __future__ import annotations

import contextlib
import getpass
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from contract.errors import WarehouseError
from pipeline import acceptance, airflow, report
from pipeline import quarter as steps
from pipeline.airflow_settings import Airflow
from pipeline.branch import find_branches, verify_branch
from pipeline.dag_run import run_dag
from pipeline.outcomes import arrival_outcome
from pipeline.report_command import read_article
from reporting.quarter import quarter_of
from reporting.quarter_decide import approve_draft, check_draft, publish_version
from samples import load_profile
from warehouse.connect import Warehouse, open_warehouse
from warehouse.settings import PROJECT

Progress = Callable[[str], None]
PROFILES = acceptance.PROFILES
GOOD, BAD = 0, 1


def run(progress: Progress = print) -> int:
    """Run the demonstration and return its exit code: 0 when every night is good and every figure agrees."""
    begun = time.monotonic()
    with _phase("the warehouse", progress):
        warehouse = open_warehouse()
        airflow.prepare(warehouse, progress)
    with _phase("sample deliveries", progress):
        write_samples(local_landing(warehouse), progress)
    branches = find_branches(warehouse)
    with _phase("the nights (DAG nightly_ingest)", progress):
        good = run_dag(warehouse, "nightly_ingest", branches, progress)
    if not branches:
        show_duplicates(warehouse)
    with _phase("the marts (DAG build_marts)", progress):
        good = run_dag(warehouse, "build_marts", [], progress) and good
    with _phase("the quarters", progress):
        good = close_quarters(warehouse, progress) and good
    table, agrees = acceptance.show(warehouse)
    print(table)
    print(where_next(warehouse))
    progress(f"all of it took {time.monotonic() - begun:.0f} s")
    return GOOD if good and agrees else BAD


def close_quarters(warehouse: Warehouse, progress: Progress) -> bool:
    """Freeze, approve and publish each sample's quarter and write its reports; return whether every check held.

    The schedule stands on record as the one that asked, and whoever runs this as the one that approves.
    """
    good = True
    for profile in PROFILES:
        wanted = load_profile(profile)
        quarter = quarter_of(wanted.business_dates[-1])
        version = steps.freeze(warehouse, quarter, None).version
        if version.status == "draft":
            if violations := check_draft(warehouse, quarter).violations:
                good = False
                for violation in violations:
                    progress(f"  BROKEN {violation}")
                continue
            version = approve_draft(warehouse, quarter, by=getpass.getuser(), reason="Samples, closed by `make run`.")
        if version.status == "approved":
            version = publish_version(warehouse, quarter, by=getpass.getuser())
        progress(f"  {version.name}: {version.status}, checksum {version.content_sha256[:16]}")
        folder = report.reports_folder(warehouse, quarter.code)
        if not (folder / f"{report.file_name(quarter.code, wanted.branch, version.version, 'en')}.xlsx").exists():
            report.write_reports(
                warehouse,
                quarter.code,
                wanted.branch,
                folder,
                printed=read_article(quarter.code, wanted.branch),
                progress=lambda line: progress(f"  {line}"),
            )
    return good


def local_landing(warehouse: Warehouse) -> Path:
    """Return the landing as a folder. Raises WarehouseError when it is somewhere else."""
    landing = warehouse.settings.landing
    if "://" in landing:
        raise WarehouseError(
            f"The samples are written into a folder, and the landing is {landing}",
            remedy="Leave WAREHOUSE_LANDING out, or set it to a folder.",
        )
    return Path(landing)


def write_samples(landing: Path, progress: Progress) -> None:
    """Write the deliveries of the sample provinces that are not there yet, a process for each province."""
    missing = [profile for profile in PROFILES if not is_complete(landing, profile)]
    processes = {
        profile: subprocess.Popen(
            [sys.executable, "-m", "pipeline", "sample", "--profile", profile, "--out", str(landing)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
        )
        for profile in missing
    }
    # All of them end before any is spoken of.
    failed = [profile for profile, process in processes.items() if process.wait() != 0]
    if failed:
        raise WarehouseError(f"The samples {', '.join(failed)} could not be written", remedy="See the lines above.")
    for profile in PROFILES:
        if profile not in missing:
            progress(f"  {profile}: there already")


def is_complete(landing: Path, profile: str) -> bool:
    """Return whether every delivery of a profile is in the landing: its descriptor is written last."""
    wanted = load_profile(profile)
    folders = [landing / wanted.branch / date.isoformat() / "r1" for date in wanted.business_dates]
    return all((folder / "datapackage.json").exists() for folder in folders)


def show_duplicates(warehouse: Warehouse) -> None:
    """Print what every delivery in the landing is now that it has been taken in before."""
    arrivals = [arrival for code in sorted_codes(warehouse) for arrival in verify_branch(warehouse, code)]
    for arrival in arrivals:
        print(arrival_outcome(arrival).line)
    if arrivals and all(arrival.verdict == "duplicate" for arrival in arrivals):
        print("Every delivery is a duplicate: nothing has changed.")


def sorted_codes(warehouse: Warehouse) -> list[str]:
    """Return the branches that have a folder in the landing."""
    return sorted(folder.name for folder in local_landing(warehouse).iterdir() if folder.is_dir())


def where_next(warehouse: Warehouse) -> str:
    """Return where a newcomer looks next."""
    python = Path(sys.executable)
    with contextlib.suppress(ValueError):
        python = python.relative_to(PROJECT)
    cli = f"{shlex.quote(str(python))} -m pipeline"
    site = warehouse.settings.home / "data_docs" / "index.html"
    board = warehouse.settings.home / "status" / "index.html"
    up = Airflow(warehouse.settings.home)
    lines = [
        ("the marts", f'{cli} psql -c "select * from marts.mart_branch_scorecard"'),
        ("was it good?", f"{cli} status"),
        ("in a browser", board.as_uri()),
        ("board reports", str(warehouse.settings.home / "reports")),
        ("Airflow", f"{up.address} (user admin)" if up.is_up() else "make up"),
        ("Data Docs", site.as_uri() if site.exists() else str(site)),
        ("how it works", "docs/architecture.md"),
        ("what else", "make help"),
    ]
    return "\n".join(["", "Where to look next", *(f"  {name:<15} {place}" for name, place in lines), ""])


@contextlib.contextmanager
def _phase(name: str, progress: Progress) -> Iterator[None]:
    begun = time.monotonic()
    progress(f"{name} ...")
    yield
    progress(f"{name}: {time.monotonic() - begun:.1f} s")
