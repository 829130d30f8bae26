"""Write a delivered file again without the personal values of some customers; every other byte of CSV stays as it is.

What a row was, it stays: key, order and number of rows. A value that may be null becomes null, one that may not becomes
`(erased)`; columns that the contract does not know are emptied too, for nobody knows what stands in them.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contract.model import Dataset
from ingestion.descriptor import Resource
from ingestion.dialect import CsvDialect, parse_dialect
from ingestion.read import read_blocks
from ingestion.streams import open_stream

ERASED = "(erased)"
BOM = "\N{LATIN SMALL LETTER I WITH DIAERESIS}\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}\N{INVERTED QUESTION MARK}"
"""The byte order mark, read byte by byte."""


class CannotRewriteError(Exception):
    """The file cannot be read well enough to be written again."""


def erased_value(dataset: Dataset, column: str) -> str | None:
    """Return what stands in the place of a personal value."""
    return None if dataset.column(column).nullable else ERASED


def rewrite(source: Path, target: Path, dataset: Dataset, resource: Resource, customer_ids: Sequence[str]) -> None:
    """Write `source` to `target` without the persons, in the form that the manifest declares, and make sure of it.

    Raises CannotRewriteError when the file cannot be told into cells, or the outcome is not the same apart from the
    erased values. A file with faults in its values keeps them.
    """
    try:
        with open_stream(source, resource.compression) as stream, _open_target(target, resource) as written:
            if resource.format == "csv":
                _rewrite_csv(stream, written, dataset, parse_dialect(resource.dialect), customer_ids)
            elif resource.format == "parquet":
                _rewrite_parquet(stream, written, dataset, customer_ids)
            else:
                _rewrite_xlsx(stream, written, dataset, customer_ids)
        before, after = _read(source, dataset, resource), _read(target, dataset, resource)
    except Exception as error:
        raise CannotRewriteError(type(error).__name__) from error
    _require_same(before, after, dataset, customer_ids)
    if holds_values(target, dataset, resource, customer_ids):
        raise CannotRewriteError("a value would be left")


def holds_values(source: Path, dataset: Dataset, resource: Resource, customer_ids: Sequence[str]) -> bool:
    """Return whether a file holds a personal value of one of these customers. Raises CannotRewriteError."""
    try:
        if resource.format != "csv":
            rows = _read(source, dataset, resource)
            rows = rows.filter(pc.is_in(rows["customer_id"], value_set=pa.array(customer_ids, pa.string())))
            return any(_differs(rows[column.name], dataset, column.name) for column in dataset.pii_columns)
        dialect = parse_dialect(resource.dialect)
        with open_stream(source, resource.compression) as stream:
            return any(
                cells != _without_values(cells, labels, dataset, dialect)
                for _, cells, labels in _records(stream, dataset, dialect)
                if cells is not None and _cell(cells, labels, "customer_id") in customer_ids
            )
    except Exception as error:
        raise CannotRewriteError(type(error).__name__) from error


def _read(path: Path, dataset: Dataset, resource: Resource) -> pa.Table:
    """What the strict reader makes of the file; rows that it could not tell into cells are left out on both sides."""
    with open_stream(path, resource.compression) as stream:
        blocks = read_blocks(
            stream, dataset, format=resource.format, encoding=resource.encoding, dialect=resource.dialect
        )
        return pa.concat_tables(block.table for block in blocks)


def _require_same(before: pa.Table, after: pa.Table, dataset: Dataset, customer_ids: Sequence[str]) -> None:
    is_erased = pc.is_in(before["customer_id"], value_set=pa.array(customer_ids, pa.string()))
    for column in dataset.columns:
        expected = before[column.name].combine_chunks()
        if column.is_pii:
            value = pa.scalar(erased_value(dataset, column.name), pa.string())
            expected = pc.if_else(is_erased.combine_chunks(), value, expected)
        if not pa.chunked_array([expected]).equals(pa.chunked_array([after[column.name].combine_chunks()])):
            raise CannotRewriteError(f"{column.name} would not stay the same")


def _open_target(target: Path, resource: Resource) -> IO[bytes]:
    # Without a time in it, the same content has the same hash.
    return gzip.GzipFile(target, "wb", 6, mtime=0) if resource.compression == "gz" else target.open("wb")  # type: ignore[return-value]


def _rewrite_csv(
    stream: IO[bytes], written: IO[bytes], dataset: Dataset, dialect: CsvDialect, customer_ids: Sequence[str]
) -> None:
    wanted = set(customer_ids)
    for raw, cells, labels in _records(stream, dataset, dialect):
        if cells is None or _cell(cells, labels, "customer_id") not in wanted:
            written.write(raw.encode("latin-1"))
        else:
            kept = _without_values(cells, labels, dataset, dialect)
            written.write(_as_csv(kept, dialect, "\r\n" if raw.endswith("\r\n") else "\n").encode("latin-1"))


def _without_values(cells: list[str], labels: list[str], dataset: Dataset, dialect: CsvDialect) -> list[str]:
    """A row without its personal values; cells beyond the labels are emptied."""
    kept = []
    for place, cell in enumerate(cells):
        label = labels[place] if place < len(labels) else ""
        if label not in dataset.column_names:
            kept.append("")
        elif dataset.column(label).is_pii:
            kept.append(erased_value(dataset, label) or dialect.null_sequence or "")
        else:
            kept.append(cell)
    return kept


def _cell(cells: list[str], labels: list[str], label: str) -> str | None:
    place = labels.index(label)
    return cells[place] if place < len(cells) else None


def _records(
    stream: IO[bytes], dataset: Dataset, dialect: CsvDialect
) -> Iterator[tuple[str, list[str] | None, list[str]]]:
    """Yield each record as it stands, its cells (None: header, comment or empty line) and the labels of all.

    Byte by byte as Latin-1: whatever the encoding is, structure and ids are ASCII, and the rest is not looked at.
    """
    lines = io.TextIOWrapper(io.BufferedReader(stream), encoding="latin-1", newline="\n")  # type: ignore[type-var]
    taken: list[str] = []

    def take() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            # csv would see a record in a comment, and a quote in it as the start of a long one.
            yield "\n" if len(taken) == 1 and dialect.comment and line.startswith(dialect.comment) else line

    labels = [] if dialect.has_header else list(dataset.column_names)
    reader = csv.reader(
        take(), delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=dialect.double_quote,
        escapechar=dialect.escape, skipinitialspace=dialect.skip_initial_space, strict=True,
    )  # fmt: skip
    for cells in reader:
        is_header = bool(cells) and not labels
        if is_header:
            labels = [cells[0].removeprefix(BOM), *cells[1:]]
        yield "".join(taken), None if is_header or not cells else cells, labels
        taken.clear()


def _as_csv(cells: list[str], dialect: CsvDialect, end: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(
        text, delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=dialect.double_quote,
        escapechar=dialect.escape, lineterminator=end,
    ).writerow(cells)  # fmt: skip
    return text.getvalue()


def _rewrite_parquet(stream: IO[bytes], written: IO[bytes], dataset: Dataset, customer_ids: Sequence[str]) -> None:
    table = pq.read_table(io.BytesIO(stream.read()))
    is_erased = pc.is_in(table["customer_id"].cast(pa.string()), value_set=pa.array(customer_ids, pa.string()))
    for place, column in enumerate(table.schema):
        known = column.name in dataset.column_names
        if not known or dataset.column(column.name).is_pii:
            value = erased_value(dataset, column.name) if known else None
            changed = pc.if_else(is_erased, pa.scalar(value, pa.string()).cast(column.type), table[column.name])
            table = table.set_column(place, column.with_nullable(True), changed)
    pq.write_table(table, written)


def _rewrite_xlsx(stream: IO[bytes], written: IO[bytes], dataset: Dataset, customer_ids: Sequence[str]) -> None:
    import openpyxl  # noqa: PLC0415 - only for deliveries in this form

    book = openpyxl.load_workbook(io.BytesIO(stream.read()))
    wanted = set(customer_ids)
    for sheet in book.worksheets:
        rows = sheet.iter_rows()
        labels = [cell.value for cell in next(rows, ())]
        if "customer_id" not in labels:
            continue
        for row in rows:
            if row[labels.index("customer_id")].value not in wanted:
                continue
            for label, cell in zip(labels, row, strict=True):
                if label not in dataset.column_names:
                    cell.value = None
                elif dataset.column(str(label)).is_pii:
                    cell.value = erased_value(dataset, str(label))
    book.save(written)


def _differs(values: pa.ChunkedArray, dataset: Dataset, column: str) -> bool:
    value = erased_value(dataset, column)
    kept = pc.is_valid(values) if value is None else pc.fill_null(pc.not_equal(values, value), True)
    return bool(pc.any(kept).as_py())
