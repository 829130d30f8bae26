"""The same door for a branch before it sends: one delivery folder through every check that needs no history.

A throw-away embedded server stands in for the bank's warehouse, whose settings (WAREHOUSE_*) are not read. Nothing of
it is left afterwards; what a killed check leaves, the next one removes.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import WarehouseError
from ingestion.landing import Folder, Landing
from ingestion.ledger import Verdict, read_findings
from ingestion.load import load_delivery
from ingestion.receive import receive_folder
from pipeline.intake import Progress, quiet, validate_delivery
from pipeline.outcomes import Outcome, arrival_outcome
from warehouse.connect import Warehouse, open_warehouse
from warehouse.server import EmbeddedServer

PREFIX = "vbsp-check-"


def check_delivery(address: str, progress: Progress = quiet) -> Outcome:
    """Judge the delivery folder at `address` (.../<branch_code>/<business_date>/r<revision>; a path or an fsspec URL).

    The verdict is that of the door on a branch's very first delivery: roll-forward, overlaps and repeats are the
    bank's to check. Raises WarehouseError when a check could not run.
    """
    landing, folder = find_folder(address)
    progress("starting a PostgreSQL of this check's own")
    with throw_away_warehouse() as warehouse:
        arrival = receive_folder(warehouse, landing, folder)
        if arrival.delivery_id is None:
            return arrival_outcome(arrival)
        load_delivery(warehouse, arrival.delivery_id, progress)
        progress("validating")
        return _judge(warehouse, arrival.delivery_id)


def find_folder(address: str) -> tuple[Landing, Folder]:
    """Return the landing and the delivery folder in it. Raises ValueError for what is none by its names nor by what it holds."""
    whole = address.rstrip("/") if "://" in address else os.path.abspath(address)
    parts = whole.rsplit("/", 3)
    if len(parts) == 4 and parts[0]:
        landing = Landing(parts[0])
        folder = landing.folder(*parts[1:])
        if folder.is_named_well or folder.is_complete:
            return landing, folder
    raise ValueError(f"{address} does not end in <branch_code>/<business_date>/r<revision>")


@contextmanager
def throw_away_warehouse() -> Iterator[Warehouse]:
    """An empty warehouse on a server of its own, both gone at the end."""
    remove_abandoned()
    home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    # Root's server runs as another user, who must be able to pass.
    home.chmod(0o711)
    try:
        yield open_warehouse(home)
    finally:
        EmbeddedServer(home).destroy()


def remove_abandoned() -> None:
    """Remove what checks of this user that were killed have left behind."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        found = re.match(rf"{PREFIX}([0-9]+)-", home.name)
        if found and home.stat().st_uid == os.geteuid() and not _is_alive(int(found[1])):
            EmbeddedServer(home).destroy()


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _judge(warehouse: Warehouse, delivery_id: int) -> Outcome:
    counts = validate_delivery(warehouse, delivery_id)
    with warehouse.connect("loader") as connection:
        row = connection.execute(
            "select d.branch_code, d.business_date, d.revision, i.could_not_run from meta.deliveries as d "
            "inner join meta.intakes as i on i.delivery_id = d.delivery_id where d.delivery_id = %s",
            [delivery_id],
        ).fetchone()
        assert row is not None
        findings = read_findings(connection, delivery_id, None)
    if row[3]:
        raise WarehouseError(
            f"A check could not run: {row[3]}", remedy="Run the check again; if it stays so, tell the data centre."
        )
    verdict: Verdict = "held" if counts.errors else "published_with_warnings" if counts.warnings else "published"
    reason = (
        f"{counts.errors} finding(s) would hold the delivery; mend what is listed."
        if counts.errors
        else "Everything holds that can be checked before sending; the bank checks what it follows."
    )
    return Outcome(row[0], row[1].isoformat(), row[2], verdict, reason, findings, delivery_id)
