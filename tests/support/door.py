"""The door without Great Expectations: for tests of what comes before and after it, in tens of milliseconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ingestion.load import analyze_rows, attach_rows
from ingestion.rules import count_findings, find_dataset_violations
from pipeline.branch import publish_branch, verify_branch
from pipeline.intake import load_pending
from pipeline.outcomes import Outcome
from warehouse.connect import Warehouse


def at(warehouse: Warehouse, folder: Path) -> Warehouse:
    """The same database with folders of its own below `folder`: another test's deliveries are not found."""
    settings = replace(
        warehouse.settings, landing=str(folder / "landing"), store=folder / "store", outbox=folder / "outbox"
    )
    return replace(warehouse, settings=settings)


def take_in(warehouse: Warehouse, branch: str) -> list[Outcome]:
    """Verify, load, judge by the SQL rules and publish what the branch has delivered; return what turned."""
    verify_branch(warehouse, branch)
    for delivery_id in load_pending(warehouse, branch):
        with warehouse.connect("loader") as connection:
            find_dataset_violations(connection, delivery_id, [])
            analyze_rows(connection, delivery_id)
            counts = count_findings(connection, delivery_id, None)
            connection.execute(
                "insert into meta.intakes (delivery_id, errors, warnings) values (%s, %s, %s)",
                [delivery_id, counts.errors, counts.warnings],
            )
            if not counts.errors:
                attach_rows(connection, delivery_id)
    return publish_branch(warehouse, branch)
