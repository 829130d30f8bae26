"""The fast half of the type checks: lets a column pass only if it is certain that every value is right.

It looks at the bytes of all values of a column at once, or at the distinct values where there are few. False means
"look closer", not "wrong".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract.model import Column, ColumnType

DIGITS = b"0123456789"
CODE_BYTES = DIGITS + b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-"
PRINTABLE_ASCII = bytes(range(0x20, 0x7F))
C0_AND_DEL = bytes([*range(0x20), 0x7F])
C1 = re.compile(rb"\xc2[\x80-\x9f]")
SAFE_DIGITS = 18
"""A bigint has room for any number of so many digits."""


def view_bytes(values: pa.Array) -> memoryview:
    """Return the bytes of all values, one after the other, where they lie."""
    offsets, data = values.buffers()[1:]
    if data is None or not len(values):
        return memoryview(b"")
    bounds = np.frombuffer(offsets, np.int32, len(values) + 1, values.offset * 4)
    return memoryview(data)[int(bounds[0]) : int(bounds[-1])]


def value_bytes(values: pa.Array) -> bytes:
    """Return the UTF-8 bytes of all values, one after the other."""
    return bytes(view_bytes(values))


def byte_lengths(values: pa.Array) -> tuple[int, int]:
    """Return the smallest and the largest length of a value in bytes, nulls apart; (0, 0) if there is none."""
    limits = pc.min_max(pc.binary_length(values))
    return limits["min"].as_py() or 0, limits["max"].as_py() or 0


def is_surely_good(column: Column, values: pa.Array) -> bool:
    """Return True only if no value breaks any rule of the column; False if it takes a closer look to tell."""
    if values.null_count and not column.nullable:
        return False
    if values.null_count == len(values):
        return True
    check = _CHECKS.get(column.type)
    has_more_rules = column.pattern is not None or (bool(column.values) and column.type is not ColumnType.ENUM)
    return check is not None and not has_more_rules and check(column, values)


def _is_code(column: Column, values: pa.Array) -> bool:
    shortest, longest = byte_lengths(values)
    fits = (column.min_length or 1) <= shortest and longest <= (column.max_length or 0)
    return fits and _holds_only(values, CODE_BYTES)


def _is_text(column: Column, values: pa.Array) -> bool:
    _, longest = byte_lengths(values)
    return not column.min_length and longest <= (column.max_length or 0) and not has_control(values)


def _is_word(column: Column, values: pa.Array) -> bool:
    return column.max_length is None and not column.min_length and _is_one_of(values, column.values)


def _is_date(_: Column, values: pa.Array) -> bool:
    if b"0000-" in value_bytes(values):
        return False  # Arrow knows a year 0000, the calendar does not
    try:
        values.cast(pa.date32())  # takes YYYY-MM-DD and nothing else
    except pa.ArrowInvalid:
        return False
    return True


def _is_amount(column: Column, values: pa.Array) -> bool:
    has_limits = column.maximum is not None or column.minimum not in (None, 0)
    return not has_limits and byte_lengths(values)[1] <= SAFE_DIGITS and _holds_only(values, DIGITS)


def _is_flag(column: Column, values: pa.Array) -> bool:
    return _is_one_of(values, ("0", "1"))


_CHECKS: Mapping[ColumnType, Callable[[Column, pa.Array], bool]] = {
    ColumnType.CODE: _is_code,
    ColumnType.TEXT: _is_text,
    ColumnType.ENUM: _is_word,
    ColumnType.DATE: _is_date,
    ColumnType.VND: _is_amount,
    ColumnType.FLAG: _is_flag,
}


def has_control(values: pa.Array) -> bool:
    """Return whether any value holds a control character (Unicode category Cc)."""
    data = value_bytes(values)
    if len(data.translate(None, C0_AND_DEL)) < len(data):
        return True
    return not data.isascii() and C1.search(data) is not None


def is_surely_nfc(values: pa.Array) -> bool:
    """Return True only if every value is in NFC: each part of a text in NFC is in NFC itself."""
    data = value_bytes(values)
    return data.isascii() or unicodedata.is_normalized("NFC", data.decode())


def _holds_only(values: pa.Array, allowed: bytes) -> bool:
    return not value_bytes(values).translate(None, allowed)


def _is_one_of(values: pa.Array, words: tuple[str, ...]) -> bool:
    known = pc.is_in(values, value_set=pa.array(words, pa.string()))
    return bool(pc.sum(known).as_py() == len(values) - values.null_count)
