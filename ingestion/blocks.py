"""A block of rows as every reader yields it: checked text in the contract's column order, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract.findings import Severity, findings_table, has_errors, join_findings
from contract.model import Column, ColumnType, Dataset
from ingestion.check_fast import is_surely_nfc
from ingestion.check_types import Fault, find_faults
from ingestion.csv_records import Positions


@dataclass(frozen=True)
class Block:
    """Consecutive data rows of one dataset.

    `table`: string columns in contract order, null where empty, text in NFC; without the rows that could not be told
    into cells, so it is fit to be loaded only if `has_errors` is false. `row_numbers`: the number in the file of each
    row of `table`, data rows from 1. `first_row`, `row_count`: all rows of the block, readable or not.
    """

    table: pa.Table
    first_row: int
    row_count: int
    row_numbers: Positions
    findings: pa.Table

    @cached_property
    def has_errors(self) -> bool:
        """Whether a finding of the block holds the delivery."""
        return has_errors(self.findings)


def report(dataset: Dataset, findings: pa.Table, first_row: int = 1) -> Block:
    """Return a block without rows that brings findings on the file as a whole."""
    empty = pa.schema([(name, pa.string()) for name in dataset.column_names]).empty_table()
    return Block(empty, first_row, 0, np.empty(0, np.int64), findings)


def check_block(
    table: pa.Table,
    dataset: Dataset,
    row_numbers: Positions,
    *,
    first_row: int,
    row_count: int,
    findings: list[pa.Table],
    refused: Mapping[str, Positions] | None = None,
    reports_form: bool = True,
) -> Block:
    """Return the block of `table` (strings in contract order) with text in NFC and every fault of its values found.

    `findings` are those already known of its rows; `refused` are, by column, indices of cells that they are about, so
    that these are not judged again. `reports_form`: warn of text that was not in NFC.
    """
    columns, findings = [], list(findings)
    for column in dataset.columns:
        delivered = _one_array(table[column.name])
        values, changed = _normalise(column, delivered)
        if reports_form and len(changed):
            message = "The text is not in Unicode form NFC; it was normalised. Write it in NFC."
            warning = Fault("not-nfc", message, changed)
            findings.append(_show(dataset, column, warning, row_numbers, delivered, severity=Severity.WARNING))
        for fault in find_faults(column, values):
            rest = _leave_out(fault, (refused or {}).get(column.name))
            findings.append(_show(dataset, column, rest, row_numbers, delivered, severity=Severity.ERROR))
        columns.append(values)
    checked = pa.table(columns, names=list(dataset.column_names))
    return Block(checked, first_row, row_count, row_numbers, join_findings(findings))


def _one_array(values: pa.ChunkedArray) -> pa.Array:
    return values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays([pa.array([], pa.string()), *values.chunks])


def _normalise(column: Column, values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the values of a text column in NFC, and which of them were not."""
    if column.type is not ColumnType.TEXT or is_surely_nfc(values):
        return values, pa.array([], pa.int64())
    normal = pc.utf8_normalize(values, form="NFC")
    return normal, pc.indices_nonzero(pc.fill_null(pc.not_equal(normal, values), False))


def _leave_out(fault: Fault, indices: Positions | None) -> Fault:
    if indices is None or not len(indices):
        return fault
    is_known = pc.is_in(fault.indices.cast(pa.int64()), value_set=pa.array(indices, pa.int64()))
    return Fault(fault.rule, fault.message, fault.indices.filter(pc.invert(is_known)))


def _show(
    dataset: Dataset, column: Column, fault: Fault, row_numbers: Positions, values: pa.Array, *, severity: Severity
) -> pa.Table:
    return findings_table(
        dataset.name,
        fault.rule,
        fault.message,
        rows=pa.array(row_numbers).take(fault.indices),
        column=column.name,
        values=values.take(fault.indices),
        severity=severity,
        is_pii=column.is_pii,
        beside_pii=bool(dataset.pii_columns),
    )
