"""The frozen tables: which there are, how marts are copied into them, and their canonical text.

The canonical text of a table is what `COPY ... TO STDOUT` writes of its rows: columns by name, rows ordered by all of
them, dates as ISO, times in UTC. It depends on the content alone, not on the order of rows or columns in the table, on
builds, versions or times, so the same figures have the same text in any database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from reporting.quarter import Quarter, QuarterError
from warehouse.connect import Connection

TEXT_SETTINGS = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
}
TAGS = ("quarter_code", "version")


@dataclass(frozen=True)
class FrozenTable:
    """A table of schema quarters. `columns` maps its columns, without quarter and version, to those of the mart."""

    name: str
    mart: str
    is_flow: bool
    columns: dict[str, str]


@dataclass(frozen=True)
class Content:
    """What is recorded of a table: its columns in canonical order, its rows and the SHA-256 of its canonical text."""

    columns: list[str]
    rows: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """Return what the log keeps; `parse_contents` reads it back."""
        return {"columns": self.columns, "rows": self.rows, "sha256": self.sha256}


def parse_contents(inputs: dict[str, Any]) -> dict[str, Content]:
    """Return the recorded content of each table."""
    return {name: Content(**found) for name, found in sorted(inputs["tables"].items())}


def prepare_tables(connection: Connection) -> list[FrozenTable]:
    """Create and extend the frozen tables as their marts are now, commit, and return them.

    Raises QuarterError when a mart is lacking or has changed a column's type.
    """
    try:
        connection.execute("select quarters.prepare_tables()")
    except (psycopg.errors.UndefinedTable, psycopg.errors.RaiseException) as error:
        connection.rollback()
        problem = error.diag.message_primary or str(error)
        raise QuarterError(problem, remedy="Build the marts with the dbt project of this version.") from error
    cursor = connection.execute(
        """
        select t.table_name, t.mart_name, t.is_flow, c.column_name, c.mart_column
        from quarters.frozen_marts as t cross join lateral quarters.frozen_columns(t.table_name) as c
        order by t.table_name, c.place
        """
    )
    found: dict[str, FrozenTable] = {}
    for name, mart, is_flow, column, mart_column in cursor:
        found.setdefault(name, FrozenTable(name, mart, is_flow, {})).columns[column] = mart_column
    connection.commit()
    return list(found.values())


def insert_rows(connection: Connection, table: FrozenTable, quarter: Quarter, version: int) -> int:
    """Copy the mart's rows of the quarter and return their number.

    A state's rows are those of the quarter's last day, a flow's those with a value date from its first day to its last.
    """
    condition = "value_date between %(first_on)s and %(last_on)s" if table.is_flow else "business_date = %(last_on)s"
    statement = sql.SQL("insert into {} ({}) select %(code)s, %(version)s, {} from {} where " + condition).format(
        sql.Identifier("quarters", table.name),
        _names([*TAGS, *table.columns]),
        _names(table.columns.values()),
        sql.Identifier("marts", table.mart),
    )
    values = {"code": quarter.code, "version": version, "first_on": quarter.first_on, "last_on": quarter.last_on}
    return connection.execute(statement, values).rowcount


def read_content(connection: Connection, table: str, columns: list[str], quarter: Quarter, version: int) -> Content:
    """Return rows and checksum of one frozen table, over the columns given."""
    ordered = sorted(columns)
    digest, rows = hashlib.sha256(f"{table}\n{','.join(ordered)}\n".encode()), 0
    for line in canonical_lines(connection, table, ordered, quarter, version):
        digest.update(line)
        rows += 1
    return Content(ordered, rows, digest.hexdigest())


def canonical_lines(
    connection: Connection, table: str, columns: list[str], quarter: Quarter, version: int
) -> Iterator[bytes]:
    """Yield the canonical text of one frozen table, line by line, in constant memory."""
    for name, value in TEXT_SETTINGS.items():
        connection.execute("select set_config(%s, %s, true)", [name, value])
    ordered = sorted(columns)
    query = sql.SQL("copy (select {} from {} where quarter_code = {} and version = {} order by {}) to stdout").format(
        _names(ordered), sql.Identifier("quarters", table), sql.Literal(quarter.code), sql.Literal(version),
        _names(ordered),
    )  # fmt: skip
    with connection.cursor().copy(query) as copy:
        for line in copy:
            yield bytes(line)


def overall_sha256(quarter: Quarter, contents: dict[str, Content]) -> str:
    """Return the checksum of a version: of the quarter and the checksums of all its tables, by name."""
    lines = [f"{quarter.code} {quarter.last_on}", *(f"{name} {contents[name].sha256}" for name in sorted(contents))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def find_altered_tables(
    connection: Connection, recorded: dict[str, Content], quarter: Quarter, version: int
) -> dict[str, str]:
    """Return the tables whose rows are not those that were frozen, each with a few words that say how.

    A column that a table gained later is empty in every version before it.
    """
    altered: dict[str, str] = {}
    for name, content in recorded.items():
        now = read_content(connection, name, content.columns, quarter, version)
        if now.rows != content.rows:
            altered[name] = f"{now.rows} rows, {content.rows} were frozen"
        elif now.sha256 != content.sha256:
            altered[name] = f"checksum {now.sha256[:12]}, frozen with {content.sha256[:12]}"
        elif later := _filled_later(connection, name, content, quarter, version):
            altered[name] = f"column {later}, which was not frozen, holds values"
    return altered


def _filled_later(connection: Connection, table: str, content: Content, quarter: Quarter, version: int) -> str | None:
    known = {*content.columns, *TAGS}
    for name in column_names(connection, table):
        if name not in known:
            query = sql.SQL(
                "select exists (select from {} where quarter_code = %s and version = %s and {} is not null)"
            ).format(sql.Identifier("quarters", table), sql.Identifier(name))
            row = connection.execute(query, [quarter.code, version]).fetchone()
            if row and row[0]:
                return name
    return None


def column_names(connection: Connection, table: str) -> list[str]:
    """Return the columns that a frozen table has now, quarter and version included."""
    cursor = connection.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        [f"quarters.{table}"],
    )
    return [row[0] for row in cursor]


def _names(columns: Any) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
