"""The log of the quarter close: one row a change of state. The order of states is kept by the database."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from reporting.quarter import Quarter, QuarterError
from warehouse.connect import Connection

Status = Literal["draft", "approved", "rejected", "published", "superseded"]
OPEN: tuple[Status, ...] = ("draft", "approved")
PUBLIC: tuple[Status, ...] = ("published", "superseded")


@dataclass(frozen=True)
class Version:
    """A version of a quarter with its last state; `by` and `at` say who brought it into that state and when."""

    quarter: Quarter
    version: int
    status: Status
    by: str
    at: dt.datetime
    reason: str
    requested_by: str | None
    content_sha256: str

    @property
    def name(self) -> str:
        """Such as `2025Q3 version 1`."""
        return f"{self.quarter.code} version {self.version}"


def read_versions(connection: Connection, quarter: Quarter | None = None) -> list[Version]:
    """Return every version of a quarter, or of all quarters, oldest first."""
    cursor = connection.execute(
        """
        select quarter_code, version, status, by, at, reason, requested_by, content_sha256 from quarters.versions
        where %(code)s::text is null or quarter_code = %(code)s order by quarter_code, version
        """,
        {"code": quarter.code if quarter else None},
    )
    return [Version(Quarter(int(row[0][:4]), int(row[0][-1])), *row[1:]) for row in cursor]


def require_version(connection: Connection, quarter: Quarter, *states: Status, version: int | None = None) -> Version:
    """Return the newest version of a quarter, or the one asked for, that is in one of `states` (none named: in any).

    Raises QuarterError where there is none.
    """
    versions = read_versions(connection, quarter)
    for found in reversed(versions):
        if version in (None, found.version) and (not states or found.status in states):
            return found
    wanted = f"{quarter.code} version {version}" if version else f"A version of {quarter.code}"
    wanted += f" that is {' or '.join(states)}" if states else ""
    known = ", ".join(f"version {found.version} is {found.status}" for found in versions) or "nothing is frozen"
    raise QuarterError(
        f"{wanted} does not exist ({known})",
        remedy="`python -m pipeline quarter list` shows every version.",
    )


def read_inputs(connection: Connection, version: Version) -> dict[str, Any]:
    """Return what the draft of a version recorded (`reporting.quarter_freeze` writes it)."""
    row = connection.execute(
        "select inputs from quarters.quarter_close where quarter_code = %s and version = %s and status = 'draft'",
        [version.quarter.code, version.version],
    ).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0]
    return found


def append_state(
    connection: Connection,
    quarter: Quarter,
    version: int,
    status: Status,
    *,
    by: str,
    content_sha256: str,
    reason: str = "",
    requested_by: str | None = None,
    inputs: dict[str, Any] | None = None,
) -> Version:
    """Write one row and return the version as it then is; the caller commits. Raises QuarterError when it is refused."""
    try:
        connection.execute(
            """
            insert into quarters.quarter_close
                (quarter_code, version, status, by, reason, requested_by, content_sha256, inputs)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                quarter.code,
                version,
                status,
                by,
                reason,
                requested_by,
                content_sha256,
                None if inputs is None else Jsonb(inputs),
            ],
        )
    except (
        psycopg.errors.RaiseException,
        psycopg.errors.UniqueViolation,
        psycopg.errors.SerializationFailure,
    ) as error:
        connection.rollback()
        problem = error.diag.message_primary or str(error)
        raise QuarterError(problem, remedy="`python -m pipeline quarter list` shows every version.") from error
    return next(found for found in read_versions(connection, quarter) if found.version == version)
