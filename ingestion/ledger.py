"""The ledger: append-only, hash-chained, one entry for every change of state (laws 4 and 5)."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg.types.json import Jsonb

from warehouse.connect import Connection

Verdict = Literal[
    "published", "published_with_warnings", "provisional", "held", "refused", "duplicate", "waiting", "erased"
]  # fmt: skip
"""`erased` is said of stored bytes, never of a delivery: an entry that a file was written again (law 12)."""
BAD_VERDICTS = ("held", "refused")


@dataclass(frozen=True)
class Entry:
    """One entry to be written. `visible_delivery_id` counts only where `sets_visible`."""

    branch_code: str | None
    branch_valid_from: dt.date | None
    business_date: dt.date | None
    revision: int | None
    delivery_id: int | None
    verdict: Verdict
    reason: str
    sets_visible: bool = False
    visible_delivery_id: int | None = None
    opening: list[int] | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def append_entry(connection: Connection, entry: Entry) -> int:
    """Write an entry and return its number. The chain is kept by the database."""
    row = connection.execute(
        """
        insert into meta.ledger (branch_code, branch_valid_from, business_date, revision, delivery_id, verdict,
            sets_visible, visible_delivery_id, opening, reason, detail)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        returning entry_no
        """,
        [
            entry.branch_code, entry.branch_valid_from, entry.business_date, entry.revision, entry.delivery_id,
            entry.verdict, entry.sets_visible, entry.visible_delivery_id, entry.opening, entry.reason, Jsonb(entry.detail),
        ],
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


def write_findings(
    connection: Connection, delivery_id: int, findings: pa.Table, opening: list[int] | None = None
) -> None:
    """Replace the findings of a delivery of one origin: its intake (`opening` None) or one opening."""
    delete_findings(connection, delivery_id, opening)
    copy_findings(connection, delivery_id, findings, opening)


def delete_findings(connection: Connection, delivery_id: int, opening: list[int] | None = None) -> None:
    """Delete the findings of a delivery that stem from its intake, or from one opening."""
    connection.execute(
        "delete from meta.findings where delivery_id = %s and opening is not distinct from %s::bigint[]",
        [delivery_id, opening],
    )


def copy_findings(
    connection: Connection, delivery_id: int, findings: pa.Table, opening: list[int] | None = None
) -> None:
    """Add findings (FINDING_SCHEMA) by COPY."""
    count = findings.num_rows
    rows = findings.append_column("delivery_id", pa.repeat(delivery_id, count))
    text = None if opening is None else "{" + ",".join(map(str, opening)) + "}"
    rows = rows.append_column("opening", pa.repeat(pa.scalar(text, pa.string()), count))
    statement = (
        "copy meta.findings (dataset, row_no, column_name, rule, severity, value, message, delivery_id, opening) "
        "from stdin (format csv)"
    )
    with connection.cursor().copy(statement) as copy:
        for batch in rows.to_batches(max_chunksize=50_000):
            copy.write(to_csv(batch))


def drop_repeated_findings(connection: Connection, delivery_id: int) -> None:
    """Keep one finding where the reader and a later check of the intake say the same of a row."""
    connection.execute(
        """
        delete from meta.findings as f using (
            select ctid as place, row_number() over (
                partition by dataset, row_no, column_name, rule, severity order by ctid
            ) as number
            from meta.findings where delivery_id = %(id)s and opening is null and row_no is not null
        ) as twin
        where f.ctid = twin.place and twin.number > 1
        """,
        {"id": delivery_id},
    )


def to_csv(batch: pa.RecordBatch | pa.Table, *, has_empty_text: bool = True) -> memoryview:
    """Write rows as CSV without a header, null as an empty field: what COPY ... (format csv) reads back exactly.

    `has_empty_text` False: no text in it is empty but not null, so quotes are needed only around what holds a delimiter,
    a quote or a line end. COPY reads that faster.
    """
    buffer = pa.BufferOutputStream()
    if not has_empty_text:
        with contextlib.suppress(pa.ArrowInvalid):  # raised where a value needs quotes
            pa_csv.write_csv(batch, buffer, pa_csv.WriteOptions(include_header=False, quoting_style="none"))
            return memoryview(buffer.getvalue())
        buffer = pa.BufferOutputStream()
    pa_csv.write_csv(batch, buffer, pa_csv.WriteOptions(include_header=False, quoting_style="needed"))
    return memoryview(buffer.getvalue())


def read_findings(connection: Connection, delivery_id: int, opening: list[int] | None) -> list[dict[str, Any]]:
    """Return the findings of a delivery: of its intake and, where given, of one opening.

    A wrong number format makes some for every row: they are fetched one by one, and share their words.
    """
    rows = connection.cursor().stream(
        """
        select dataset, rule, column_name, row_no, severity, value, message from meta.findings
        where delivery_id = %s and (opening is null or opening = %s::bigint[])
        order by severity, dataset, row_no nulls first, column_name, rule
        """,
        [delivery_id, opening],
    )
    words: dict[Any, Any] = {}
    names = ("dataset", "rule", "column", "row", "severity", "value", "message")
    return [
        {
            name: word if name in ("row", "value") else words.setdefault(word, word)
            for name, word in zip(names, row, strict=True)
        }
        for row in rows
    ]
