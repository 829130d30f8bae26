"""The strict reader: what a branch wrote, exactly, or findings that say why not.

`read_blocks` yields tables of text in the contract's column order, checked so that PostgreSQL casts each value to its
column's SQL type without changing it. It never raises for what is wrong in a file: it reports every offending row, and
goes on wherever the bytes after it can still be told apart. Memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract.errors import DamagedInputError, DialectError
from contract.findings import Severity, finding, findings_table, has_errors, join_findings
from contract.model import Column, ColumnType, Dataset
from ingestion.check_fast import is_surely_nfc
from ingestion.check_types import Fault, find_faults
from ingestion.csv_blocks import BOM, Decoder, find_codec, iter_raw_blocks
from ingestion.csv_header import Header, read_header
from ingestion.csv_parse import parse_records
from ingestion.csv_records import Positions, split_records
from ingestion.dialect import CsvDialect, parse_dialect

BLOCK_BYTES = 4 << 20


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


def read_blocks(
    stream: IO[bytes],
    dataset: Dataset,
    *,
    format: str = "csv",
    encoding: str = "utf-8",
    dialect: Mapping[str, Any] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Block]:
    """Yield the rows of `stream`, the uncompressed bytes of one file of `dataset`, block by block.

    Findings that concern the whole file come with a block without rows. Errors: UnsafeInputError (an archive bomb);
    OSError of the stream.
    """
    try:
        match format:
            case "csv":
                yield from _CsvReader(dataset, encoding, parse_dialect(dialect)).read(stream, block_bytes)
            case _:
                message = f"The format {format!r} is not one of csv, parquet, xlsx: send the file as one of these."
                yield report(dataset, finding(dataset.name, "format-error", message))
    except DialectError as error:
        yield report(dataset, finding(dataset.name, "dialect-error", str(error)))
    except DamagedInputError as error:
        yield report(dataset, finding(dataset.name, "source-error", str(error)))


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
    reports_form: bool = True,
) -> Block:
    """Return the block of `table` (strings in contract order) with text in NFC and every fault of its values found.

    `findings` are those already known of its rows. `reports_form`: warn of text that was not in NFC.
    """
    columns = []
    for column in dataset.columns:
        delivered = _one_array(table[column.name])
        values, changed = _normalise(column, delivered)
        if reports_form and len(changed):
            message = "The text is not in Unicode form NFC; it was normalised. Write it in NFC."
            warning = Fault("not-nfc", message, changed)
            findings.append(_show(dataset, column, warning, row_numbers, delivered, severity=Severity.WARNING))
        for fault in find_faults(column, values):
            findings.append(_show(dataset, column, fault, row_numbers, delivered, severity=Severity.ERROR))
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
    )


class _CsvReader:
    """One pass over one CSV file."""

    def __init__(self, dataset: Dataset, encoding: str, dialect: CsvDialect) -> None:
        self._dataset = dataset
        self._encoding = encoding
        self._dialect = dialect
        self._next_row = 1

    def read(self, stream: IO[bytes], block_bytes: int) -> Iterator[Block]:
        """Yield the blocks of the file; stop where nothing after can be told apart."""
        codec = find_codec(self._encoding)
        if codec is None:
            message = f"The encoding {self._encoding!r} is not one of utf-8, utf-8-sig, windows-1258: use one of these."
            yield self._report("encoding-error", message)
            return
        decoder = Decoder(codec)
        header: Header | None = None
        for raw in iter_raw_blocks(stream, self._dialect, block_bytes):
            data = raw.data
            if header is None and codec == "utf-8" and data.startswith(BOM):
                data = data.removeprefix(BOM)
                if not self._encoding.lower().endswith("sig"):
                    message = "The file begins with a byte order mark: remove it, or declare utf-8-sig."
                    yield self._report("encoding-error", message)
            data, undecoded = decoder.decode(data)
            if header is None:
                lines = data.count(b"\n")
                header, data = read_header(data, self._dataset, self._dialect)
                undecoded = undecoded - (lines - data.count(b"\n"))
                if len(undecoded) and undecoded[0] < 0:
                    yield self._report("encoding-error", f"The header row is not in {self._encoding}: write it so.")
                    return
                yield report(self._dataset, header.findings)
                if not header.is_usable:
                    return
            yield self._read_block(data, undecoded, header, raw.is_broken)
        if header is None and self._dialect.has_header:
            yield self._report("source-error", "The file is empty: write the header row, even where there is no row.")
        if decoder.is_probably_utf8:
            message = f"The file is declared as {self._encoding} but its bytes are UTF-8: declare utf-8."
            yield self._report("encoding-error", message)

    def _report(self, rule: str, message: str) -> Block:
        return report(self._dataset, finding(self._dataset.name, rule, message), self._next_row)

    def _read_block(self, data: bytes, undecoded: Positions, header: Header, is_broken: bool) -> Block:
        dataset, first_row = self._dataset, self._next_row
        records = split_records(data, self._dialect, undecoded, is_broken=is_broken)
        set_aside = [
            findings_table(dataset.name, problem.rule, problem.message, rows=pa.array(problem.records + first_row))
            for problem in records.problems
        ]
        table, rows, ragged = parse_records(records, header.labels, dataset, self._dialect, first_row)
        self._next_row += records.count
        return check_block(
            table,
            dataset,
            rows,
            first_row=first_row,
            row_count=records.count,
            findings=[*set_aside, *ragged],
            reports_form=self._encoding.lower().startswith("utf"),
        )
