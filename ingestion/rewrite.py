"""Write a delivered file again without the personal values of some customers; every other byte of CSV stays as it is.

What a row was, it stays: key, order and number of rows. A value that may be null becomes null, one that may not becomes
`(erased)`; columns that the contract does not know are emptied too, for nobody knows what stands in them.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contract.findings import has_errors, join_findings
from contract.model import Dataset
from ingestion.descriptor import Resource
from ingestion.dialect import CsvDialect, parse_dialect
from ingestion.read import read_blocks
from ingestion.read_xlsx import find_sheet, read_labels
from ingestion.streams import open_stream
from ingestion.xlsx_book import Book

csv.field_size_limit(sys.maxsize)
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
                _rewrite_xlsx(stream, written, dataset, resource.dialect, customer_ids)
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


def find_values(source: Path, dataset: Dataset, resource: Resource, customer_id: str) -> set[str]:
    """Return the personal values of a customer in a file, dates apart; none where it cannot be told into cells."""
    try:
        rows = _read(source, dataset, resource)
    except Exception:
        return set()
    rows = rows.filter(pc.equal(rows["customer_id"], customer_id))
    columns = [column.name for column in dataset.pii_columns if column.sql_type != "date"]
    return {value for name in columns for value in rows[name].to_pylist() if value not in (None, ERASED)}


def _read(path: Path, dataset: Dataset, resource: Resource) -> pa.Table:
    """What the strict reader makes of the file; rows that it could not tell into cells are left out on both sides."""
    with open_stream(path, resource.compression) as stream:
        blocks = read_blocks(
            stream, dataset, format=resource.format, encoding=resource.encoding, dialect=resource.dialect
        )
        return pa.concat_tables(block.table for block in blocks)


def _require_same(before: pa.Table, after: pa.Table, dataset: Dataset, customer_ids: Sequence[str]) -> None:
    expected, found = _as_erased(before, dataset, customer_ids), after.combine_chunks()
    for column in dataset.columns:
        if not expected[column.name].equals(found[column.name]):
            raise CannotRewriteError(f"{column.name} would not stay the same")


def _as_erased(rows: pa.Table, dataset: Dataset, customer_ids: Sequence[str]) -> pa.Table:
    """Rows as the strict reader has them, without the personal values of these customers."""
    rows = rows.combine_chunks()
    is_erased = pc.is_in(rows["customer_id"], value_set=pa.array(customer_ids, pa.string()))
    for column in dataset.pii_columns:
        value = pa.scalar(erased_value(dataset, column.name), pa.string())
        changed = pc.if_else(is_erased, value, rows[column.name])
        rows = rows.set_column(rows.column_names.index(column.name), column.name, changed)
    return rows


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
            kept = _as_csv(
                _without_values(cells, labels, dataset, dialect), dialect, "\r\n" if raw.endswith("\r\n") else "\n"
            )
            written.write(f"{BOM if raw.startswith(BOM) else ''}{kept}".encode("latin-1"))


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
        for number, line in enumerate(lines):
            taken.append(line)
            text = line if number else line.removeprefix(BOM)
            # csv would see a record in a comment, and a quote in it as the start of a long one.
            yield "\n" if len(taken) == 1 and dialect.comment and text.startswith(dialect.comment) else text

    labels = [] if dialect.has_header else list(dataset.column_names)
    reader = csv.reader(
        take(), delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=dialect.double_quote,
        escapechar=dialect.escape, skipinitialspace=dialect.skip_initial_space, strict=True,
    )  # fmt: skip
    for cells in reader:
        is_header = bool(cells) and not labels
        if is_header:
            labels = cells
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
        # A column without any value has a type of its own.
        if (not known or dataset.column(column.name).is_pii) and not pa.types.is_null(column.type):
            value = erased_value(dataset, column.name) if known else None
            erased = pa.nulls(1, column.type)[0] if value is None else pa.scalar(value, pa.string()).cast(column.type)
            changed = pc.if_else(is_erased, erased, table[column.name])
            table = table.set_column(place, column.with_nullable(True), changed)
    pq.write_table(table, written)


def _rewrite_xlsx(
    stream: IO[bytes],
    written: IO[bytes],
    dataset: Dataset,
    dialect: Mapping[str, Any] | None,
    customer_ids: Sequence[str],
) -> None:
    content = stream.read()
    blocks = list(read_blocks(io.BytesIO(content), dataset, format="xlsx", dialect=dialect))
    if has_errors(join_findings([block.findings for block in blocks])):
        _edit_xlsx(content, written, dataset, customer_ids)
    else:
        rows = pa.concat_tables(block.table for block in blocks)
        _write_xlsx(content, written, _as_erased(rows, dataset, customer_ids), dialect)


def _write_xlsx(content: bytes, written: IO[bytes], rows: pa.Table, dialect: Mapping[str, Any] | None) -> None:
    """Write the cells of a good sheet as text, and of all others nothing: many a program writes what openpyxl does not read."""
    import openpyxl  # noqa: PLC0415 - only for deliveries in this form
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = Book(io.BytesIO(content), len(content))
    sheet = find_sheet(book, dialect)
    assert sheet is not None
    unknown = [label for label in read_labels(book, sheet) if label not in rows.column_names]
    new = openpyxl.Workbook(write_only=True)
    for other in book.sheets:
        page = new.create_sheet(other.name)
        if other is sheet:
            page.append([*rows.column_names, *unknown])
            for row in zip(*rows.to_pydict().values(), strict=True):
                cells = [WriteOnlyCell(page, value) for value in row]
                for cell in cells:
                    cell.data_type = "s" if cell.value is not None else "n"
                page.append(cells)
    new.save(written)


def _edit_xlsx(content: bytes, written: IO[bytes], dataset: Dataset, customer_ids: Sequence[str]) -> None:
    import openpyxl  # noqa: PLC0415 - only for deliveries in this form

    book = openpyxl.load_workbook(io.BytesIO(content))
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
