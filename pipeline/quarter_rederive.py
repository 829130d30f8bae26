"""Derive a quarter again from the stored bytes of its recorded inputs, in a throw-away warehouse, by the same steps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import sql

from contract.errors import WarehouseError
from ingestion.descriptor import parse_descriptor
from ingestion.erase import as_kept
from ingestion.landing import DESCRIPTOR
from ingestion.load import analyze_rows, attach_rows
from ingestion.rules import count_findings
from ingestion.store import Store
from pipeline.branch import publish_branch, verify_branch
from pipeline.build import build
from pipeline.check import throw_away_warehouse
from pipeline.intake import Progress, load_pending
from reporting.quarter import Quarter
from reporting.quarter_freeze import freeze_quarter
from reporting.quarter_log import Version
from warehouse.connect import Connection, Warehouse
from warehouse.schema import FOLDER as SCHEMA_FOLDER
from warehouse.schema import REFERENCE_TABLES

REMEDY = "The figures cannot be derived again from what is recorded; see docs/runbooks/close-a-quarter.md."


def keep_reference(warehouse: Warehouse) -> None:
    """Put the reference files of this installation into the store, by hash: a quarter is derived again from its own."""
    store = Store(warehouse.settings.store)
    for table in REFERENCE_TABLES:
        with (SCHEMA_FOLDER / "reference" / f"{table}.csv").open("rb") as file:
            store.keep(file)


def find_damaged_inputs(store: Store, inputs: dict[str, Any]) -> list[str]:
    """Return every recorded input whose stored bytes are gone or are not those of its hash, each in a sentence."""
    damaged = [
        f"reference file {name}.csv ({sha256[:12]}) is not in the store with its hash"
        for name, sha256 in inputs["reference"].items()
        if not store.holds(sha256)
    ]
    for delivery in inputs["deliveries"]:
        place = "{branch_code} {business_date} r{revision}".format(**delivery)
        if not store.holds(delivery["descriptor_sha256"]):
            damaged.append(f"{place}: its descriptor is not in the store with its hash")
            continue
        for resource in parse_descriptor(store.path(delivery["descriptor_sha256"]).read_bytes()).resources:
            if not store.holds(resource.sha256):
                damaged.append(f"{place}: {resource.path} is not in the store with its hash")
    return damaged


@contextmanager
def derive_again(
    store: Store, quarter: Quarter, inputs: dict[str, Any], progress: Progress
) -> Iterator[tuple[Warehouse, Version]]:
    """A throw-away warehouse that knows nothing but the recorded inputs, and the draft that its own freeze made.

    Raises WarehouseError when a recorded delivery does not become visible, or not in the same way.
    """
    progress(f"{quarter.code}: a warehouse of its own for {len(inputs['deliveries'])} deliveries")
    with throw_away_warehouse() as scratch:
        with scratch.connect("admin") as connection:
            restore_reference(connection, store, inputs["reference"])
        for delivery in inputs["deliveries"]:
            _lay_out(store, delivery, Path(scratch.settings.landing))
        for branch_code in sorted({delivery["branch_code"] for delivery in inputs["deliveries"]}):
            _take_in(scratch, branch_code, progress)
        _require_same_visible(scratch, inputs)
        build(scratch, progress=progress)
        keep_reference(scratch)
        yield scratch, freeze_quarter(scratch, quarter, None).version


def restore_reference(connection: Connection, store: Store, reference: dict[str, str]) -> None:
    """Load the recorded reference data where it is not what this installation has."""
    for table, sha256 in reference.items():
        found = connection.execute(
            "select sha256 from meta.reference_versions where file_name = %s", [table]
        ).fetchone()  # fmt: skip
        if found and found[0] == sha256:
            continue
        content = store.path(sha256).read_bytes()
        columns = content.split(b"\n", 1)[0].decode().strip().split(",")
        name = sql.Identifier("meta", table)
        connection.execute(sql.SQL("delete from {}").format(name))
        statement = sql.SQL("copy {} ({}) from stdin (format csv, header match)").format(
            name, sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with connection.cursor().copy(statement) as copy:
            copy.write(content)
        connection.execute(
            "update meta.reference_versions set sha256 = %s, loaded_at = now() where file_name = %s", [sha256, table]
        )


def _lay_out(store: Store, delivery: dict[str, Any], landing: Path) -> None:
    """Make the delivery's folder again: the files under their names, the descriptor last."""
    # Where a person was erased since, files are smaller than the branch declared them.
    content = as_kept(store, store.path(delivery["descriptor_sha256"]).read_bytes())
    folder = landing / delivery["branch_code"] / delivery["business_date"] / f"r{delivery['revision']}"
    folder.mkdir(parents=True)
    for resource in parse_descriptor(content).resources:
        _link_or_copy(store.path(resource.sha256), folder / resource.path)
    (folder / DESCRIPTOR).write_bytes(content)


def _take_in(scratch: Warehouse, branch_code: str, progress: Progress) -> None:
    """Receive, load and publish a branch's deliveries by the steps of a night.

    That they pass the door's own checks is on record and decides no figure; the reader and the roll-forward speak again.
    """
    verify_branch(scratch, branch_code)
    for delivery_id in load_pending(scratch, branch_code, progress):
        with scratch.connect("loader") as connection:
            counts = count_findings(connection, delivery_id, None)
            connection.execute(
                "insert into meta.intakes (delivery_id, errors, warnings) values (%s, %s, %s)",
                [delivery_id, counts.errors, counts.warnings],
            )
            if not counts.errors:
                analyze_rows(connection, delivery_id)
                attach_rows(connection, delivery_id)
    publish_branch(scratch, branch_code)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _require_same_visible(scratch: Warehouse, inputs: dict[str, Any]) -> None:
    with scratch.connect("loader") as connection:
        visible = set(
            connection.execute("select branch_code, business_date::text, revision from meta.visible_deliveries")
        )
        entries = connection.execute(
            "select branch_code, business_date::text, reason from meta.ledger order by entry_no"
        )
        reasons = {(branch, date): reason for branch, date, reason in entries}
    for delivery in inputs["deliveries"]:
        branch, date, revision = delivery["branch_code"], delivery["business_date"], delivery["revision"]
        if (branch, date, revision) not in visible:
            reason = reasons.get((branch, date), "it was not found")
            raise WarehouseError(f"{branch} {date} r{revision} does not pass the door again: {reason}", remedy=REMEDY)
