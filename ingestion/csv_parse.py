"""Parse well-formed CSV records with Arrow into string columns; rows of another width are reported, not padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from contract.errors import DamagedInputError
from contract.findings import findings_table
from contract.model import Dataset
from ingestion.csv_blocks import BOM
from ingestion.csv_records import Positions, Records
from ingestion.dialect import CsvDialect


def parse_records(
    records: Records, labels: Sequence[str], dataset: Dataset, dialect: CsvDialect, first_row: int
) -> tuple[pa.Table, Positions, list[pa.Table]]:
    """Return the dataset's columns as strings (empty is null), the row number of each row, and findings.

    `labels` name the columns in the file's order, extra ones included. `first_row` is the number of the block's first
    record in the file, from 1.
    """
    rows = np.arange(records.count, dtype=np.int64) if records.kept is None else records.kept
    rows = rows + first_row
    if not len(rows):
        return _empty(dataset), rows, []
    widths: list[tuple[int, int]] = []
    table = _parse(records, labels, dataset, dialect, widths)
    if table.num_rows + len(widths) != len(rows):
        raise DamagedInputError(
            f"The parser found {table.num_rows + len(widths)} rows where {len(rows)} lines are",
            remedy="Write plain CSV by RFC 4180; if it is, report this as a fault of the reader.",
        )
    if not widths:
        return table, rows, []
    number, width = np.asarray(widths, np.int64).T
    findings = _ragged_findings(dataset, rows[number - 1], width, labels)
    return table, np.delete(rows, number - 1), findings


def _parse(
    records: Records, labels: Sequence[str], dataset: Dataset, dialect: CsvDialect, widths: list[tuple[int, int]]
) -> pa.Table:
    """Return the rows of the right width; note the number (from 1) and width of each other one in `widths`."""
    data = records.data
    if data.startswith(BOM):
        # Arrow drops a BOM at the start of what it reads; here it is a letter of the first value
        data = BOM + data
    wanted = list(dataset.column_names)
    read = pa_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=list(labels))
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(wanted, pa.string()),
        include_columns=wanted,
        null_values=["", *([dialect.null_sequence] if dialect.null_sequence else [])],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        check_utf8=False,  # the block has been decoded
    )

    def note(row: Any) -> str:
        widths.append((row.number, row.actual_columns))
        return "skip"

    def parse(handler: Any) -> pa.Table:
        layout = pa_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote if dialect.quote.encode() in data else False,
            double_quote=dialect.double_quote,
            escape_char=dialect.escape or False,
            newlines_in_values=records.has_line_breaks_in_values,
            ignore_empty_lines=False,
            invalid_row_handler=handler,
        )
        return pa_csv.read_csv(pa.BufferReader(data), read_options=read, parse_options=layout, convert_options=convert)

    try:
        table = parse(None)
    except pa.ArrowInvalid:
        table = parse(note)
    return table.combine_chunks() if table.num_rows else _empty(dataset)


def _ragged_findings(dataset: Dataset, rows: Positions, width: Positions, labels: Sequence[str]) -> list[pa.Table]:
    expected, found = len(labels), []
    for actual in np.unique(width):
        count = int(actual)
        rule = "missing-cell" if count < expected else "extra-cell"
        message = (
            f"The row has {count} cells, the header {expected}: "
            "write every cell, and put a value that holds the delimiter in quotes."
        )
        column = labels[count] if count < expected else None
        where = pa.array(rows[width == actual])
        found.append(findings_table(dataset.name, rule, message, rows=where, column=column))
    return found


def _empty(dataset: Dataset) -> pa.Table:
    return pa.schema([(name, pa.string()) for name in dataset.column_names]).empty_table()
