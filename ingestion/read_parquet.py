"""Read one Parquet file: typed columns turned into the text that the contract writes, where that is exact.

A Parquet column has a type of its own. It is accepted where every value of it is exactly a value of the contract's
type: text, whole numbers and decimals for amounts, dates, timestamps with a time zone, booleans for flags. A number
where a code is due has lost its leading zeros, a timestamp without a zone its meaning: those are refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contract.errors import DamagedInputError, DialectError, UnsafeInputError
from contract.findings import finding, findings_table, has_errors, join_findings
from contract.model import Column, ColumnType, Dataset
from ingestion.blocks import Block, check_block, report
from ingestion.csv_header import check_labels
from ingestion.csv_records import Positions
from ingestion.streams import ALWAYS_ALLOWED_BYTES, MAX_RATIO, seekable_file

BATCH_ROWS = 16_384
PAGE_BUFFER_BYTES = 1 << 20
SAFE_FLOAT = 10**15
"""A whole number below this is exact in a double and in every tool that shows one."""
WIDEST, DECIMALS = 76, 4
"""Digits of the widest Parquet decimal, and those of them after the point in the contract's."""
CALENDAR = pa.array([dt.datetime.min, dt.datetime.max.replace(microsecond=0)], pa.timestamp("s"))
"""The first and the last second of the years 1 to 9999. Arrow counts years in 16 bits: it writes 67556 as 2020."""
HOURS_AHEAD = 7
MICROSECONDS_AN_HOUR = 3_600_000_000
UNREADABLE = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, MemoryError)
"""What pyarrow raises for damaged files: besides its own errors whatever Python says of the nonsense it hands over."""
STRINGS = (ColumnType.CODE, ColumnType.TEXT, ColumnType.ENUM, ColumnType.MONTH)
NUMBERS = (ColumnType.VND, ColumnType.INT, ColumnType.RATE, ColumnType.DECIMAL)


def read_parquet(stream: IO[bytes], dataset: Dataset, dialect: Mapping[str, Any] | None) -> Iterator[Block]:
    """Yield the rows of a Parquet file. Errors: DialectError, DamagedInputError, UnsafeInputError."""
    if dialect:
        raise DialectError("A Parquet file has no dialect", remedy="Leave the dialect out.")
    with seekable_file(stream) as (source, size):
        try:
            yield from _read(source, size, dataset)
        except UNREADABLE as error:
            raise DamagedInputError(
                f"The file cannot be read as Parquet: {error}", remedy="Write it again and send it."
            ) from error


def _read(source: IO[bytes], size: int, dataset: Dataset) -> Iterator[Block]:
    file = pq.ParquetFile(source, buffer_size=PAGE_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True)
    require_no_bomb(file.metadata, size)
    header = check_labels(file.schema_arrow.names, dataset)
    found = [header.findings, *_find_other_types(file, dataset)] if header.is_usable else [header.findings]
    yield report(dataset, join_findings(found))
    if has_errors(join_findings(found)):
        return
    row = 1
    for batch in file.iter_batches(BATCH_ROWS, columns=list(dataset.column_names), use_threads=False):
        yield _read_batch(batch, dataset, row)
        row += batch.num_rows


def require_no_bomb(metadata: Any, size: int) -> None:
    """Refuse a file that says it unpacks to far more than it is, in bytes or in rows. Errors: UnsafeInputError."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    unpacked = sum(group.total_byte_size for group in groups)
    if max(unpacked, metadata.num_rows) > max(ALWAYS_ALLOWED_BYTES, size * MAX_RATIO):
        raise UnsafeInputError(
            f"The Parquet file of {size} bytes unpacks to {unpacked} bytes, {metadata.num_rows} rows",
            remedy="Send the file as CSV.",
        )


def _find_other_types(file: pq.ParquetFile, dataset: Dataset) -> list[pa.Table]:
    """Return a finding for each column whose Parquet type cannot hold the contract's values exactly."""
    schema = file.schema_arrow
    return [
        finding(
            dataset.name,
            "type-error",
            f"The column is stored as {schema.field(column.name).type}, which is not exact for {column.type}: "
            "store it as text, as the contract writes it.",
            column=column.name,
        )
        for column in dataset.columns
        if not _is_exact(schema.field(column.name).type, column) and not _is_empty(file.metadata, column.name)
    ]


def _is_empty(metadata: Any, name: str) -> bool:
    """Return whether the file says that a column has no value: a null is exact in every type, and writers choose any."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
    return all(
        chunk.statistics is not None and chunk.statistics.null_count == chunk.num_values
        for chunk in chunks
        if chunk.path_in_schema.split(".")[0] == name
    )


def _is_exact(stored: pa.DataType, column: Column) -> bool:
    if pa.types.is_dictionary(stored):
        stored = stored.value_type
    if pa.types.is_string(stored) or pa.types.is_large_string(stored) or pa.types.is_null(stored):
        return True
    if column.type in STRINGS:
        return False
    if column.type is ColumnType.DATE:
        return bool(pa.types.is_date(stored) or (pa.types.is_timestamp(stored) and stored.tz is None))
    if column.type is ColumnType.TIMESTAMP:
        return bool(pa.types.is_timestamp(stored) and stored.tz is not None)
    if column.type is ColumnType.FLAG:
        return bool(pa.types.is_boolean(stored) or pa.types.is_integer(stored))
    return bool(pa.types.is_integer(stored) or pa.types.is_decimal(stored) or pa.types.is_float64(stored))


def _read_batch(batch: pa.RecordBatch, dataset: Dataset, first_row: int) -> Block:
    rows = np.arange(first_row, first_row + batch.num_rows, dtype=np.int64)
    columns, findings, refused = [], [], {}
    undecoded = np.zeros(batch.num_rows, np.bool_)
    for column in dataset.columns:
        stored = batch[column.name]
        if pa.types.is_dictionary(stored.type):
            stored = stored.dictionary_decode()
        values, wrong = _as_text(stored, column)
        undecoded |= _find_undecoded(values)
        if len(wrong):
            message = f"The {stored.type} is not exactly a value of type {column.type}: store the column as text."
            indices = pa.array(wrong)
            findings.append(
                findings_table(
                    dataset.name,
                    "type-error",
                    message,
                    rows=pa.array(rows).take(indices),
                    column=column.name,
                    values=_show(stored.take(indices)),
                    is_pii=column.is_pii,
                    beside_pii=bool(dataset.pii_columns),
                )
            )
            refused[column.name] = wrong
        columns.append(values)
    table = pa.table(columns, names=list(dataset.column_names))
    if undecoded.any():
        message = "The row holds text that is not UTF-8: write it again."
        findings.append(findings_table(dataset.name, "encoding-error", message, rows=pa.array(rows[undecoded])))
        kept = ~undecoded
        refused = {name: np.searchsorted(np.flatnonzero(kept), wrong[kept[wrong]]) for name, wrong in refused.items()}
        table, rows = table.filter(pa.array(kept)), rows[kept]
    return check_block(
        table, dataset, rows, first_row=first_row, row_count=batch.num_rows, findings=findings, refused=refused
    )


def _show(stored: pa.Array) -> pa.Array:
    """Return values as a finding shows them: what is no moment of the calendar as the number that is stored."""
    if not pa.types.is_temporal(stored.type):
        return stored.cast(pa.string())
    plain = stored.cast(pa.timestamp(stored.type.unit)) if pa.types.is_timestamp(stored.type) else stored
    number = plain.cast(pa.int32() if pa.types.is_date32(plain.type) else pa.int64())
    return pc.if_else(_is_in_calendar(plain), stored.cast(pa.string()), number.cast(pa.string()))


def _find_undecoded(values: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which values are not UTF-8: Parquet says that text is, and nobody checks."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return np.fromiter((not _decodes(value) for value in values.cast(pa.binary()).to_pylist()), np.bool_)
    return np.zeros(len(values), np.bool_)


def _decodes(value: bytes | None) -> bool:
    try:
        (value or b"").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _as_text(stored: pa.Array, column: Column) -> tuple[pa.Array, Positions]:
    """Return the values as the contract writes them, null where empty, and the indices of those that it cannot."""
    type_ = stored.type
    if pa.types.is_null(type_) or not _is_exact(type_, column):
        text = pa.nulls(len(stored), pa.string())
    elif pa.types.is_boolean(type_):
        text = pc.if_else(stored, "1", "0")
    elif pa.types.is_date(type_):
        text = _write(stored.cast(pa.date32()), "%Y-%m-%d")
    elif pa.types.is_timestamp(type_):
        text = _day_text(stored) if column.type is ColumnType.DATE else _timestamp_text(stored)
    elif pa.types.is_decimal(type_):
        text = _decimal_text(stored)
    elif pa.types.is_floating(type_):
        text = _float_text(stored, column)
    else:
        text = stored.cast(pa.string())
        return pc.if_else(pc.equal(pc.binary_length(text), 0), None, text), np.empty(0, np.int64)
    lost = pc.indices_nonzero(pc.and_(pc.is_valid(stored), pc.is_null(text)))
    return text, lost.to_numpy().astype(np.int64)


def _day_text(stored: pa.Array) -> pa.Array:
    """Return days; null for a timestamp that is not midnight."""
    midnight = pc.floor_temporal(stored, unit="day")
    return pc.if_else(pc.equal(midnight, stored), _write(midnight, "%Y-%m-%d"), None)


def _timestamp_text(stored: pa.Array) -> pa.Array:
    """Return instants with the offset +07:00; null for what is not exact to the microsecond."""
    exact = pc.cast(stored, pa.timestamp("us", stored.type.tz), safe=False)
    is_exact = pc.equal(pc.cast(exact, stored.type, safe=False), stored)
    local = pc.add(pc.cast(exact, pa.timestamp("us")).cast(pa.int64()), HOURS_AHEAD * MICROSECONDS_AN_HOUR)
    text = _write(local.cast(pa.timestamp("us")), "%Y-%m-%dT%H:%M:%S")
    return pc.if_else(is_exact, pc.binary_join_element_wise(text, "+07:00", ""), None)


def _write(moments: pa.Array, form: str) -> pa.Array:
    """Return days or local times in the `form` of strftime; null where the calendar has none."""
    return pc.if_else(_is_in_calendar(moments), pc.strftime(moments, form), None)


def _is_in_calendar(moments: pa.Array) -> pa.Array:
    seconds = moments.cast(pa.timestamp("s"), safe=False)
    first, last = CALENDAR
    return pc.and_(pc.greater_equal(seconds, first), pc.less_equal(seconds, last))


def _decimal_text(stored: pa.Array) -> pa.Array:
    """Return plain decimals without trailing zeros; null for more than four decimals or 72 digits before them."""
    wide = stored.cast(pa.decimal256(WIDEST, stored.type.scale))
    try:
        rounded = wide.cast(pa.decimal256(WIDEST, DECIMALS))
    except pa.ArrowInvalid:
        rounded = pa.array([_round(value) for value in wide.to_pylist()], pa.decimal256(WIDEST, DECIMALS))
    return pc.replace_substring_regex(rounded.cast(pa.string()), r"\.?0*$", "")


def _round(value: Decimal | None) -> Decimal | None:
    if value is None or value.adjusted() >= WIDEST - DECIMALS:
        return None
    # Decimal's own 28 digits are fewer than Parquet has.
    rounded = value.quantize(Decimal(1).scaleb(-DECIMALS), context=Context(WIDEST))
    return rounded if rounded == value else None


def _float_text(stored: pa.Array, column: Column) -> pa.Array:
    """Return doubles as the shortest text that is the same double; null for what is not exact in one."""
    is_whole = pc.equal(pc.floor(stored), stored)
    is_safe = pc.fill_null(pc.less(pc.abs(stored), float(SAFE_FLOAT)), False)
    whole = pc.if_else(pc.and_(is_whole, is_safe), stored, None).cast(pa.int64()).cast(pa.string())
    if column.type in (ColumnType.VND, ColumnType.INT):
        return whole
    return pc.coalesce(whole, pc.if_else(is_safe, stored, None).cast(pa.string()))
