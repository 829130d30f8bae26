"""A slow, plain reading of the contract's CSV in pure Python: what the fast reader is compared with.

It shares nothing with the reader: a state machine over characters and one function a type.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal

from contract.model import Column, Dataset

Cells = list[str | None]


def read_exactly(data: bytes, dataset: Dataset) -> list[Cells] | None:
    """Return the rows in contract order, or None where the file must be refused or held."""
    try:
        records = split(data.decode("utf-8"))
    except ValueError:
        return None
    if not records or data.startswith(b"\xef\xbb\xbf"):
        return None
    header, *rows = records
    if len(set(header)) < len(header) or not set(dataset.column_names) <= set(header) or "" in header:
        return None
    if any(len(row) != len(header) for row in rows):
        return None
    places = [header.index(name) for name in dataset.column_names]
    read: list[Cells] = []
    for row in rows:
        cells = [row[place] or None for place in places]
        if not all(is_right(column, cell) for column, cell in zip(dataset.columns, cells, strict=True)):
            return None
        read.append([normal(column, cell) for column, cell in zip(dataset.columns, cells, strict=True)])
    return read


def split(text: str) -> list[list[str]]:
    """Return the records of RFC 4180; ValueError for anything else."""
    records: list[list[str]] = []
    position, record = 0, [""]
    while position < len(text):
        value, position, was_quoted = take_value(text, position)
        record[-1] = value
        if position == len(text) or text[position] == "\n" or text.startswith("\r\n", position):
            if record == [""] and not was_quoted:
                raise ValueError("blank line")
            records.append(record)
            record = [""]
            position += 2 if text.startswith("\r\n", position) else 1
        elif text[position] == ",":
            record.append("")
            position += 1
            if position == len(text):
                records.append(record)
        else:
            raise ValueError("something stands after a value")
    if "\0" in text:
        raise ValueError("NUL")
    return records


def take_value(text: str, position: int) -> tuple[str, int, bool]:
    if position < len(text) and text[position] == '"':
        value, position = "", position + 1
        while True:
            end = text.index('"', position)
            value += text[position:end]
            position = end + 1
            if not text.startswith('"', position):
                return value, position, True
            value += '"'
            position += 1
    start = position
    while position < len(text) and text[position] not in ",\r\n":
        if text[position] == '"':
            raise ValueError("quote inside a plain value")
        position += 1
    return text[start:position], position, False


def is_right(column: Column, cell: str | None) -> bool:
    if cell is None:
        return column.nullable
    return RIGHT[column.type.value](column, cell)


def normal(column: Column, cell: str | None) -> str | None:
    return unicodedata.normalize("NFC", cell) if cell is not None and column.type.value == "text" else cell


def is_code(_: Column, cell: str) -> bool:
    return len(cell) <= 24 and all(char in "._-" or (char.isascii() and char.isalnum()) for char in cell)


def is_text(_: Column, cell: str) -> bool:
    cell = unicodedata.normalize("NFC", cell)
    return len(cell) <= 500 and all(unicodedata.category(char) != "Cc" for char in cell)


def is_date(_: Column, cell: str) -> bool:
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", cell) is None:
        return False
    try:
        datetime.date(int(cell[:4]), int(cell[5:7]), int(cell[8:]))
    except ValueError:
        return False
    return True


def is_month(column: Column, cell: str) -> bool:
    return is_date(column, f"{cell}-01")


def is_timestamp(_: Column, cell: str) -> bool:
    if re.fullmatch(r"[0-9-]{10}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?\+07:00", cell) is None:
        return False
    try:
        datetime.datetime.strptime(cell[:19].replace("T", " "), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return False
    return cell[17:19] < "60"


def is_vnd(column: Column, cell: str) -> bool:
    digits = cell[1:] if column.is_signed and cell.startswith("-") else cell
    if not digits or any(char not in "0123456789" for char in digits):
        return False
    return -(2**63) <= int(cell) < 2**63 and not (cell.startswith("-") and int(digits) == 0)


def is_decimal(column: Column, cell: str) -> bool:
    whole, point, fraction = cell.removeprefix("-").partition(".")
    digits = whole + (fraction if point else "0")
    if not whole or (point and not 1 <= len(fraction) <= 4) or any(char not in "0123456789" for char in digits):
        return False
    is_signed = cell.startswith("-")
    return not is_signed or (column.type.value == "decimal" and Decimal(cell) != 0)


def is_int(column: Column, cell: str) -> bool:
    if any(char not in "0123456789" for char in cell) or cell != str(int(cell)) or int(cell) >= 2**63:
        return False
    low, high = column.minimum, column.maximum
    return (low is None or int(cell) >= low) and (high is None or int(cell) <= high)


RIGHT: dict[str, Callable[[Column, str], bool]] = {
    "code": is_code,
    "text": is_text,
    "enum": lambda column, cell: cell in column.values,
    "date": is_date,
    "month": is_month,
    "timestamp": is_timestamp,
    "vnd": is_vnd,
    "rate": is_decimal,
    "decimal": is_decimal,
    "int": is_int,
    "flag": lambda _, cell: cell in ("0", "1"),
}
