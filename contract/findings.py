"""Findings: what is wrong in a delivery, one row each, as an Arrow table.

A finding names the dataset, the row (data rows from 1; null where a whole file or column is meant), the column, the
rule, the value found and one sentence that says how to mend it (extract contract, section 6). A value of a column
marked pii never enters a finding: it reads `***`. In the other columns of a dataset that has such ones it does too
unless it has the form of a code: headers may be swapped or a row have slipped, and a name stand where a code should.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

MASK = "***"
CODE = r"^(?:[A-Za-z]{1,2}[0-9]{1,7}|[0-9]{5}|(?:0[1-9]|[1-9][0-9])[0-9]{11})$"
"""Letters and a short number (C9600001), a commune's five digits, an office's code and a running number in 13: no name,
telephone, identity card or date is written so."""
LONGEST_VALUE = 200
"""Characters of a wrong value that are quoted; the rest is cut off and shown as an ellipsis."""

FINDING_SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("row", pa.int64()),
        pa.field("column", pa.string()),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("message", pa.string(), nullable=False),
    ]
)


class Severity(StrEnum):
    """An error holds the delivery; a warning is published with it."""

    ERROR = "error"
    WARNING = "warning"


def findings_table(
    dataset: str,
    rule: str,
    message: str,
    *,
    rows: pa.Array | None = None,
    column: str | None = None,
    values: pa.Array | None = None,
    severity: Severity = Severity.ERROR,
    is_pii: bool = False,
    beside_pii: bool = False,
) -> pa.Table:
    """Return one finding for each of `rows` (int64), all of one rule; a single one without a row if `rows` is None.

    `values` (strings, as long as `rows`) are cut to `LONGEST_VALUE` characters, or masked: all where `is_pii`, those that
    are no `CODE` where the dataset has columns that are (`beside_pii`). A message is one line.
    """
    count = 1 if rows is None else len(rows)
    shown: pa.Array = pa.nulls(count, pa.string())
    if values is not None:
        shown = pc.if_else(pc.is_valid(values), MASK, None) if is_pii else _shorten(values)
        if beside_pii:
            shown = pc.if_else(pc.match_substring_regex(shown.cast(pa.string()), CODE), shown, MASK)
    return pa.table(
        {
            "dataset": pa.repeat(dataset, count),
            "row": pa.nulls(count, pa.int64()) if rows is None else rows.cast(pa.int64()),
            "column": pa.repeat(pa.scalar(column, pa.string()), count),
            "rule": pa.repeat(rule, count),
            "severity": pa.repeat(severity.value, count),
            "value": shown.cast(pa.string()),
            "message": pa.repeat(as_printable(message), count),
        },
        schema=FINDING_SCHEMA,
    )


def finding(
    dataset: str,
    rule: str,
    message: str,
    *,
    row: int | None = None,
    column: str | None = None,
    value: str | None = None,
    severity: Severity = Severity.ERROR,
    is_pii: bool = False,
) -> pa.Table:
    """Return a single finding as a table of one row."""
    return findings_table(
        dataset,
        rule,
        message,
        rows=pa.array([row], pa.int64()),
        column=column,
        values=pa.array([value], pa.string()),
        severity=severity,
        is_pii=is_pii,
    )


def as_printable(text: str) -> str:
    """Return the text with control characters, a line break too, shown as U+FFFD."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "\ufffd", text)


def no_findings() -> pa.Table:
    """Return a table of findings without a row."""
    return FINDING_SCHEMA.empty_table()


def join_findings(tables: Iterable[pa.Table]) -> pa.Table:
    """Return the findings of all `tables`, one after the other."""
    return pa.concat_tables([no_findings(), *tables])


def has_errors(findings: pa.Table) -> bool:
    """Return whether any of the findings is an error, that is, whether the delivery is held."""
    return bool(pc.any(pc.equal(findings["severity"], Severity.ERROR.value), min_count=0).as_py())


def _shorten(values: pa.Array) -> pa.Array:
    """Return the values with control characters shown as U+FFFD and cut to `LONGEST_VALUE` characters."""
    printable = pc.replace_substring_regex(values.cast(pa.string()), r"\p{Cc}", "\ufffd")
    is_long = pc.greater(pc.utf8_length(printable), LONGEST_VALUE)
    if not pc.any(is_long, min_count=0).as_py():
        return printable
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(printable, 0, LONGEST_VALUE), "…", "")
    return pc.if_else(is_long, cut, printable)
