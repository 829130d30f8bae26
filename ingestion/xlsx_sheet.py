"""Read the cells of a worksheet as they are stored, row by row, before anything is made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from ingestion.xlsx_book import (
    Attributes,
    Book,
    Sheet,
    Style,
    TextCollector,
    damaged,
    local_name,
    make_parser,
    show_halves,
    unescape,
)

REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
HALF = re.compile("[\ud800-\udfff]")
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384


class Kind(Enum):
    """What a cell holds."""

    TEXT = "text"
    HALF = "text with half a character"
    """It is shown with U+FFFD in place of the half."""
    NUMBER = "number"
    DATE = "date"
    """A serial number shown as a date."""
    TIME = "time"
    PERCENT = "percentage"
    BOOLEAN = "truth value"
    ISO_DATE = "ISO date"
    ERROR = "error"
    FORMULA = "formula"


@dataclass(frozen=True)
class Cell:
    """A cell that is not empty, with its text as stored."""

    kind: Kind
    text: str


@dataclass
class Row:
    """A row of the sheet: its number from 1, and its cells that are not empty, by column from 0."""

    number: int
    cells: dict[int, Cell] = field(default_factory=dict)


def read_rows(book: Book, sheet: Sheet) -> Iterator[Row]:
    """Yield the rows of `sheet` that hold anything, in order. Errors: DamagedInputError."""
    reader = _SheetReader(book)
    parser = make_parser(reader.start, reader.end, reader.text)
    for _ in book.parse(sheet.part, parser):
        yield from reader.take_rows()


STORED = {"b": Kind.BOOLEAN, "d": Kind.ISO_DATE, "e": Kind.ERROR}


class _SheetReader:
    def __init__(self, book: Book) -> None:
        self._book = book
        self._rows: list[Row] = []
        self._row = Row(0)
        self._column = -1
        self._type, self._style = "n", Style.NUMBER
        self._is_formula = self._in_value = False
        self._value: list[str] = []
        self._inline = TextCollector()
        self._holders: list[str] = []

    def take_rows(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def start(self, tag: str, attributes: Attributes) -> None:
        name = local_name(tag)
        match name:
            case "row":
                self._start_row(attributes)
            case "c":
                self._start_cell(attributes)
            case "v":
                self._holders.append(name)
                self._in_value = True
            case "is":
                self._holders.append(name)
            case "t" if "is" not in self._holders:
                self._holders.append(name)
            case "f":
                self._is_formula = True
            case "mergeCell":
                raise damaged("has merged cells")
            case _:
                self._inline.start(name)

    def text(self, text: str) -> None:
        if self._in_value:
            self._value.append(text)
        else:
            self._inline.add(text)

    def end(self, tag: str) -> None:
        name = local_name(tag)
        match name:
            case "v":
                self._in_value = False
            case "c":
                self._end_cell()
            case "row":
                if self._row.cells:
                    self._rows.append(self._row)
            case _:
                self._inline.end(name)

    def _start_row(self, attributes: Attributes) -> None:
        number = int(attributes.get("r", self._row.number + 1))
        if not self._row.number < number <= MAX_ROW:
            raise damaged(f"has row {number} out of order")
        self._row, self._column = Row(number), -1

    def _start_cell(self, attributes: Attributes) -> None:
        column = self._find_column(attributes["r"]) if "r" in attributes else self._column + 1
        if not self._column < column < MAX_COLUMN:
            raise damaged(f"has cells out of order in row {self._row.number}")
        self._column = column
        self._type = attributes.get("t", "n")
        self._style = self._find_style(int(attributes.get("s", 0)))
        self._is_formula, self._value = False, []
        self._inline.take()
        self._holders = []

    def _find_column(self, reference: str) -> int:
        match = REFERENCE.fullmatch(reference)
        if match is None or int(match[2]) != self._row.number:
            raise damaged(f"has a cell {reference!r} in row {self._row.number}")
        column = 0
        for letter in match[1]:
            column = column * 26 + ord(letter) - ord("A") + 1
        return column - 1

    def _find_style(self, number: int) -> Style:
        if number == 0 and not self._book.styles:
            return Style.NUMBER
        if not 0 <= number < len(self._book.styles):
            raise damaged(f"has a cell of style {number}, which is not defined")
        return self._book.styles[number]

    def _end_cell(self) -> None:
        cell = self._make_cell("".join(self._value))
        if cell.text or cell.kind is Kind.FORMULA:
            self._row.cells[self._column] = cell

    def _make_cell(self, value: str) -> Cell:
        if self._holders not in ([], ["is" if self._type == "inlineStr" else "v"]):
            raise damaged(f"has a cell in row {self._row.number} whose value stands twice or does not go with its type")
        if self._is_formula:
            return Cell(Kind.FORMULA, value)
        match self._type:
            case "s":
                return _text_cell(self._find_string(value))
            case "inlineStr":
                return _text_cell(self._inline.take())
            case "str":
                return _text_cell(unescape(value))
            case "n":
                return Cell(Kind[self._style.name], value)
        if self._type not in STORED:
            raise damaged(f"has a cell of the unknown type {self._type!r}")
        return Cell(STORED[self._type], value)

    def _find_string(self, value: str) -> str:
        if not value:
            return ""
        if not (value.isascii() and value.isdecimal()) or int(value) >= len(self._book.strings):
            raise damaged(f"has a cell in row {self._row.number} whose shared string is not there")
        return self._book.strings[int(value)]


def _text_cell(text: str) -> Cell:
    is_whole = text.isascii() or HALF.search(text) is None
    return Cell(Kind.TEXT, text) if is_whole else Cell(Kind.HALF, show_halves(text))
