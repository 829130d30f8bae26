"""Every row that stands against a failed statement, read by our own SQL. Results of GX never hold values."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import sqlalchemy as sa

from contract.findings import findings_table, join_findings
from contract.model import load_datasets
from expectations.statements import Statement, list_query

SCHEMA = {"row_no": pa.int64(), "check_number": pa.int64(), "check_value": pa.string()}


def find_rows_against(engine: sa.Engine, dataset: str, statement: Statement, parts: Mapping[str, str]) -> pa.Table:
    """Return a finding for every row and check that fails `statement`; an info statement has none.

    `engine` is a psycopg2 engine. Errors: those of SQLAlchemy and psycopg2.
    """
    severity = statement.severity.finding_severity
    if severity is None:
        return join_findings([])
    rows = _copy(engine, list_query(statement, parts))
    found = []
    for number, check in enumerate(statement.checks):
        of_check = rows.filter(pc.equal(rows["check_number"], number))
        found.append(
            findings_table(
                dataset,
                statement.rule,
                check.mend,
                rows=of_check["row_no"].combine_chunks(),
                column=check.column,
                values=of_check["check_value"].combine_chunks(),
                severity=severity,
                beside_pii=bool(load_datasets()[dataset].pii_columns),
            )
        )
    return join_findings(found)


def _copy(engine: sa.Engine, query: str) -> pa.Table:
    """Return the rows of `query` by COPY: no Python loop however many there are."""
    statement = f"copy ({query}) to stdout (format csv, force_quote (check_value), encoding 'UTF8')"
    buffer = io.BytesIO()
    connection = engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        with driver.cursor() as cursor:
            cursor.copy_expert(statement, buffer)
    finally:
        connection.close()
    if not buffer.tell():
        return pa.schema(list(SCHEMA.items())).empty_table()
    buffer.seek(0)
    return pyarrow.csv.read_csv(
        buffer,
        read_options=pyarrow.csv.ReadOptions(column_names=list(SCHEMA)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=SCHEMA, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
        ),
    )
