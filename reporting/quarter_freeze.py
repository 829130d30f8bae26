"""Freeze a quarter: copy the marts as one reader sees them at one moment, with everything that they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from reporting.quarter import Quarter, QuarterError
from reporting.quarter_inputs import read_completeness, read_inputs_of, require_whole_build
from reporting.quarter_log import OPEN, Version, append_state, read_versions
from reporting.quarter_tables import (
    Content,
    FrozenTable,
    insert_rows,
    overall_sha256,
    prepare_tables,
    read_content,
)
from warehouse.connect import Connection, Warehouse

SCHEDULE = "schedule"
"""Who froze a quarter that no person asked for."""


@dataclass(frozen=True)
class Freeze:
    """What a freeze came to: the version, and whether the same content stood there already (nothing was written)."""

    version: Version
    is_unchanged: bool


def freeze_quarter(warehouse: Warehouse, quarter: Quarter, requested_by: str | None) -> Freeze:
    """Write the next draft of a quarter; `requested_by` names the person who asked for it, None the schedule.

    The content of the open draft or of the published version again writes nothing. Raises QuarterError when a mart is
    lacking or not wholly built, nothing of the quarter's last day is published, or a draft with other content is open.
    """
    with warehouse.connect("quarter_keeper") as connection:
        tables = prepare_tables(connection)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        versions = read_versions(connection, quarter)
        number = max((found.version for found in versions), default=0) + 1
        inputs, reason = _read_inputs(connection, quarter)
        contents = {table.name: _copy(connection, table, quarter, number) for table in tables}
        sha256 = overall_sha256(quarter, contents)
        standing = next((found for found in versions if found.status in (*OPEN, "published")
                         and found.content_sha256 == sha256), None)  # fmt: skip
        if standing is not None:
            connection.rollback()
            return Freeze(standing, is_unchanged=True)
        _require_none_open(versions)
        inputs["tables"] = {name: content.as_json() for name, content in contents.items()}
        version = append_state(
            connection, quarter, number, "draft", by=requested_by or SCHEDULE, requested_by=requested_by,
            reason=reason, content_sha256=sha256, inputs=inputs,
        )  # fmt: skip
        return Freeze(version, is_unchanged=False)


def _read_inputs(connection: Connection, quarter: Quarter) -> tuple[dict[str, Any], str]:
    build = require_whole_build(connection)
    completeness = read_completeness(connection, quarter, build)
    inputs = read_inputs_of(connection, quarter, build)
    return {**inputs, "completeness": completeness.as_json()}, completeness.sentence


def _copy(connection: Connection, table: FrozenTable, quarter: Quarter, version: int) -> Content:
    inserted = insert_rows(connection, table, quarter, version)
    content = read_content(connection, table.name, list(table.columns), quarter, version)
    if content.rows != inserted:
        raise QuarterError(
            f"quarters.{table.name} holds {content.rows - inserted} rows of {quarter.code} version {version} already",
            remedy="They were not written by a freeze: find out by whom, and have an administrator remove them.",
        )
    return content


def _require_none_open(versions: list[Version]) -> None:
    for found in versions:
        if found.status in OPEN:
            raise QuarterError(
                f"{found.name} is {found.status} with other content than the warehouse has now",
                remedy=f"Publish it, or reject it (`python -m pipeline quarter reject {found.quarter.code}`) and freeze again.",
            )
