"""Read one XLSX sheet: cells turned into the text that the contract writes, where that is exact.

Excel knows numbers and text. A number where a code or text is due has lost its leading zeros and is refused; a date
cell is a date only if it is a whole day; a formula, an error or a percentage is never taken for its result.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import IO, Any

import numpy as np
import pyarrow as pa

from contract.errors import DialectError
from contract.findings import finding, findings_table
from contract.model import Column, ColumnType, Dataset
from ingestion.blocks import Block, check_block, report
from ingestion.csv_header import check_labels
from ingestion.dialect import CsvDialect, parse_dialect
from ingestion.streams import seekable_file
from ingestion.xlsx_book import Book, Sheet
from ingestion.xlsx_sheet import Cell, Kind, Row, read_rows

BATCH_ROWS = 4096
SAFE_NUMBER = 10**15
"""Excel keeps 15 digits: a larger number may have been rounded before it was saved."""
DIGITS_STORED = 17
"""Excel stores a double in so many digits: 6.6 as 6.5999999999999996. The shortest text of that double is what was typed."""
NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")
MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T00:00:00(?:\.0+)?)?")
FIRST_DAY, FIRST_DAY_1904 = dt.date(1899, 12, 30), dt.date(1904, 1, 1)
LEAP_DAY_THAT_NEVER_WAS = 60
"""Excel counts 29 February 1900; serial numbers before it are one day further from the first day."""
LAST_SERIAL = 2_958_465
NUMERIC = (ColumnType.VND, ColumnType.INT, ColumnType.RATE, ColumnType.DECIMAL, ColumnType.FLAG)


def read_xlsx(stream: IO[bytes], dataset: Dataset, dialect: Mapping[str, Any] | None) -> Iterator[Block]:
    """Yield the rows of a workbook's sheet. Errors: DialectError, DamagedInputError, UnsafeInputError."""
    with seekable_file(stream) as (file, size):
        book = Book(file, size)
        sheet = find_sheet(book, dialect)
        if sheet is None:
            message = "Several sheets hold data: leave one, or name it in the dialect as sheetName."
            yield report(dataset, finding(dataset.name, "source-error", message))
            return
        yield from _SheetToBlocks(book, dataset).read(read_rows(book, sheet))


def find_sheet(book: Book, dialect: Mapping[str, Any] | None) -> Sheet | None:
    """Return the sheet that the dialect names, else the first if no other holds anything, else None."""
    declared = dict(dialect or {})
    named = {key: declared.pop(key, None) for key in ("sheetName", "sheetNumber")}
    if parse_dialect(declared) != CsvDialect():
        raise DialectError("The dialect is one of CSV", remedy="For XLSX declare sheetName or sheetNumber, or nothing.")
    wanted = {key: value for key, value in named.items() if value is not None}
    name, number = wanted.get("sheetName"), wanted.get("sheetNumber")
    if not wanted:
        first, *others = book.sheets
        return None if any(next(read_rows(book, other), None) for other in others if other.part) else first
    if not isinstance(name, str | None) or isinstance(number, bool) or not isinstance(number, int | None):
        raise DialectError("sheetName is no text or sheetNumber no number", remedy="Declare one of them rightly.")
    found = [
        sheet for place, sheet in enumerate(book.sheets, 1) if name in (None, sheet.name) and number in (None, place)
    ]
    if len(found) > 1:
        raise DialectError(f"The workbook has {len(found)} sheets {name!r}", remedy="Declare its sheetNumber too.")
    if not found:
        raise DialectError(f"The workbook has no sheet {name or number!r}", remedy="Name a sheet that is there.")
    return found[0]


class _SheetToBlocks:
    """Gathers rows of cells into blocks; the first row is the header, blank rows after the last are none."""

    def __init__(self, book: Book, dataset: Dataset) -> None:
        self._book = book
        self._dataset = dataset
        self._next_row = 1
        self._begin()

    def _begin(self) -> None:
        self._first_row = self._next_row
        self._numbers: list[int] = []
        self._columns: dict[str, list[str | None]] = {name: [] for name in self._dataset.column_names}
        self._refused: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        self._blank: list[np.ndarray[Any, np.dtype[np.int64]]] = []
        self._too_long: list[int] = []

    def read(self, rows: Iterator[Row]) -> Iterator[Block]:
        """Yield the blocks."""
        first = next(rows, None)
        if first is not None and any(cell.kind is Kind.HALF for cell in first.cells.values()):
            message = "The header row holds half a character: write the column names again."
            yield report(self._dataset, finding(self._dataset.name, "encoding-error", message))
            return
        labels = _labels(first) if first is not None and first.number == 1 else []
        header = check_labels(labels, self._dataset)
        yield report(self._dataset, header.findings)
        if not header.is_usable:
            return
        places = [header.labels.index(name) for name in self._dataset.column_names]
        for row in rows:
            self._take(row, places, len(labels))
            if len(self._numbers) + len(self._too_long) >= BATCH_ROWS:
                yield self._block()
        yield self._block()

    def _take(self, row: Row, places: list[int], width: int) -> None:
        number = row.number - 1
        if number > self._next_row:
            self._blank.append(np.arange(self._next_row, number, dtype=np.int64))
        self._next_row = number + 1
        if max(row.cells) >= width:
            self._too_long.append(number)
            return
        index = len(self._numbers)
        self._numbers.append(number)
        for column, place in zip(self._dataset.columns, places, strict=True):
            cell = row.cells.get(place)
            text, problem = (None, None) if cell is None else _convert(cell, column, self._book.uses_1904)
            if cell is not None and problem is not None:
                self._refused[column.name, problem].append((index, cell.text))
            self._columns[column.name].append(text)

    def _block(self) -> Block:
        rows = np.asarray(self._numbers, np.int64)
        findings = [self._of_rows("blank-row", "The row is blank: remove it.", blank) for blank in self._blank]
        if self._too_long:
            message = "The row has a cell beyond the last column of the header: remove it."
            findings.append(self._of_rows("extra-cell", message, np.asarray(self._too_long, np.int64)))
        refused: dict[str, list[int]] = defaultdict(list)
        for (name, message), cells in self._refused.items():
            indices = [index for index, _ in cells]
            refused[name] += indices
            shown = [text for _, text in cells]
            findings.append(self._of_rows("type-error", message, rows[indices], self._dataset.column(name), shown))
        block = check_block(
            pa.table({name: pa.array(values, pa.string()) for name, values in self._columns.items()}),
            self._dataset,
            rows,
            first_row=self._first_row,
            row_count=self._next_row - self._first_row,
            findings=findings,
            refused={name: np.asarray(indices, np.int64) for name, indices in refused.items()},
        )
        self._begin()
        return block

    def _of_rows(
        self,
        rule: str,
        message: str,
        rows: np.ndarray[Any, np.dtype[np.int64]],
        column: Column | None = None,
        shown: list[str] | None = None,
    ) -> pa.Table:
        return findings_table(
            self._dataset.name,
            rule,
            message,
            rows=pa.array(rows),
            column=None if column is None else column.name,
            values=None if shown is None else pa.array(shown, pa.string()),
            is_pii=column is not None and column.is_pii,
            beside_pii=bool(self._dataset.pii_columns),
        )


def read_labels(book: Book, sheet: Sheet) -> list[str]:
    """Return what stands in the header row."""
    first = next(read_rows(book, sheet), None)
    return [] if first is None else _labels(first)


def _labels(row: Row) -> list[str]:
    return [row.cells[place].text if place in row.cells else "" for place in range(max(row.cells) + 1)]


def _convert(cell: Cell, column: Column, uses_1904: bool) -> tuple[str | None, str | None]:
    """Return the cell as the contract writes its column's type, or None and the sentence that says why not."""
    if cell.kind is Kind.TEXT:
        return cell.text, None
    if cell.kind is Kind.NUMBER and column.type in NUMERIC:
        text, problem = _plain_number(cell.text), "The number has more than the 15 digits that Excel keeps"
    elif cell.kind is Kind.BOOLEAN and column.type is ColumnType.FLAG:
        text, problem = cell.text, "The cell is no truth value"
    elif cell.kind is Kind.DATE and column.type is ColumnType.DATE:
        text, problem = _day(cell.text, uses_1904), "The date cell is not a whole day"
    elif cell.kind is Kind.ISO_DATE and column.type is ColumnType.DATE:
        match = MIDNIGHT.fullmatch(cell.text)
        text, problem = (match[1] if match else None), "The date cell is not a whole day"
    else:
        text, problem = None, f"An Excel {cell.kind.value} is not exactly a value of type {column.type}"
    return text, None if text is not None else f"{problem}: format the column as text and write the value out."


def _plain_number(text: str) -> str | None:
    """Return the number as plain decimals without trailing zeros; None where Excel may have rounded it."""
    if NUMBER.fullmatch(text) is None:
        return None
    number = Decimal(text)
    if abs(number) >= SAFE_NUMBER:
        return None
    if len(text) > DIGITS_STORED and number == Decimal(f"{float(text):.{DIGITS_STORED}g}"):
        number = Decimal(repr(float(text)))
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def _day(serial: str, uses_1904: bool) -> str | None:
    """Return the day of a serial number; None if it is no whole day of the calendar."""
    plain = _plain_number(serial)
    if plain is None or not plain.isdecimal() or int(plain) > LAST_SERIAL:
        return None
    days = int(plain)
    if uses_1904:
        day = FIRST_DAY_1904 + dt.timedelta(days) if days <= LAST_SERIAL - 1462 else None
    elif days in (0, LEAP_DAY_THAT_NEVER_WAS):
        day = None
    else:
        day = FIRST_DAY + dt.timedelta(days + (days < LEAP_DAY_THAT_NEVER_WAS))
    return day.isoformat() if day else None
